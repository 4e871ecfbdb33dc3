"""The rows that a chain leaves, but for what says when and how it ran, and how two chains' rows differ."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Self

from psycopg2 import sql

from config.config import DatabaseSettings
from database.db_helper import connect, fetch
from database.schema_reader import TableText, schema

# Other in every run: when it was, which one, and the message that brought a row.
INCIDENTAL = {
    *("fetched_at", "published_at", "received_at", "run_id", "topic", "partition_id", "kafka_offset", "record_time"),
    *("answer_digest", "quote_digest", "position", "id", "raw_value", "message_key", "replayed_at"),
}
# Of messages that are sent to be rejected: their rejections are no rows of a chain.
POISON_KEY = "poison"
COMPARED = ("collected_", "analytics_")
# Versions: here something stored twice would show, which replaces itself in the tables. So it does in the revisions,
# unless the source lacked something at first.
TWICE_IF_DOUBLED = (
    "evidence_daily_etf_ohlc",
    "evidence_daily_stock_history",
    "evidence_etf_holdings",
    "logs_consumer_error",
)
REVISIONS = ("evidence_publication", "evidence_portfolio_allocation")
# A stock's sector, rows of their own here. Each run looks some of the unknown ones up, so that one more run knows more.
LABELS = {"sector", "sector_source"}
LABELS_OF = "sectors of "
SHOWN = 3

# Table, key, and a digest of the row.
Row = tuple[str, str, str]
Rows = Counter[Row]


@dataclass(frozen=True)
class Difference:
    """What rows lack, have twice or besides, and have otherwise than they should. examples: some of them by name."""

    lost: int = 0
    doubled: int = 0
    wrong: int = 0
    examples: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.lost or self.doubled or self.wrong)

    def __str__(self) -> str:
        more = f": {', '.join(self.examples)}" if self.examples else ""
        return f"{self.lost} lost, {self.doubled} doubled, {self.wrong} wrong{more}"

    @classmethod
    def between(cls, truth: Rows, found: Rows) -> Self:
        """Compare what was found with the truth.

        >>> truth = Counter([("bars", "SPY", "1"), ("bars", "QQQ", "2"), ("bars", "DIA", "3")])
        >>> found = Counter([("bars", "SPY", "1"), ("bars", "SPY", "1"), ("bars", "QQQ", "9")])
        >>> print(Difference.between(truth, found))
        1 lost, 1 doubled, 1 wrong: bars DIA, bars QQQ, bars SPY
        """
        absent, surplus = _by_key(truth - found), _by_key(found - truth)
        wrong = absent & surplus
        names = sorted({f"{table} {key}" for table, key in [*absent, *surplus]})
        counts = (absent - wrong).total(), (surplus - wrong).total(), wrong.total()
        return cls(*counts, tuple(names[:SHOWN]))


def read_rows(database: DatabaseSettings) -> Rows:
    """Read what a chain has left."""
    found: Rows = Counter()
    with closing(connect(database)) as conn:
        for table in _tables():
            for name, columns in _compared(table):
                found.update((name, row["key"], row["digest"]) for row in fetch(conn, _query(table, columns)))
    return found


def count_poison(database: DatabaseSettings) -> int:
    """Count the messages that were sent to be rejected, and have been."""
    with closing(connect(database)) as conn:
        [row] = fetch(
            conn, "SELECT count(*) AS kept FROM logs_consumer_error WHERE message_key = %(key)s", {"key": POISON_KEY}
        )
    return int(row["kept"])


def without_revisions(rows: Rows) -> Rows:
    return Counter({row: count for row, count in rows.items() if row[0].removeprefix(LABELS_OF) not in REVISIONS})


def without_labels(rows: Rows) -> Rows:
    return Counter({row: count for row, count in rows.items() if not row[0].startswith(LABELS_OF)})


def _tables() -> Iterator[TableText]:
    for name, table in schema().items():
        if table.columns and (name.startswith(COMPARED) or name in (*TWICE_IF_DOUBLED, *REVISIONS)):
            yield table


def _compared(table: TableText) -> Iterator[tuple[str, list[str]]]:
    """Yield names for a table's rows and for their labels, with the columns of each."""
    columns = [column for column in table.columns if column not in INCIDENTAL]
    labels = [column for column in columns if column in LABELS and column not in table.key]
    yield table.name, [column for column in columns if column not in labels]
    if labels:
        yield f"{LABELS_OF}{table.name}", labels


def _query(table: TableText, columns: list[str]) -> sql.Composable:
    key = [column for column in table.key if column not in INCIDENTAL] or columns
    query = sql.SQL("SELECT CONCAT_WS(' ', {}) AS key, md5(ROW({})::text) AS digest FROM {}").format(
        _names(key), _names(columns), sql.Identifier(table.name)
    )
    if "message_key" not in table.columns:
        return query
    return query + sql.SQL(" WHERE message_key IS DISTINCT FROM {}").format(sql.Literal(POISON_KEY))


def _names(columns: list[str]) -> sql.Composable:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def _by_key(rows: Rows) -> Counter[tuple[Any, ...]]:
    counted: Counter[tuple[Any, ...]] = Counter()
    for (table, key, _), count in rows.items():
        counted[table, key] += count
    return counted
