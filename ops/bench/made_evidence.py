"""Evidence made for a measurement or a test, and one cell of it changed at random, as nobody may."""

import hashlib
import random
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import psycopg2
from psycopg2 import sql

from batch.inputs import Inputs
from batch.publishing import Publication, TablePart, publish
from batch.runner import Job
from config.config import DatabaseSettings
from config.periods import PERIODS
from database import tables
from database.db_helper import Connection, replace_partition, transaction
from database.queries import evidence_checks, source_answers
from database.queries.evidence import OF_JOB
from database.tables import Table
from utils.dates import sessions_between

NOTHING_READ = Inputs("SELECT NULL::date AS as_of_date, NULL::bytea AS digest", {})
STOCKS_OF_PORTFOLIO = 6
NUMBERS = frozenset((16, 20, 21, 23, 700, 701, 1700))
MOMENTS = frozenset((1082, 1114, 1184))
DIGESTS = 17
FLAG = 16
JSON = 3802


class Changed(NamedTuple):
    """The cell that was changed. key, now: the row's key before, and as it is now."""

    table: str
    column: str
    key: dict[str, str | None]
    now: dict[str, str | None]

    def is_named_by(self, table: str, row: str, columns: Collection[str]) -> bool:
        """Tell whether a finding is of this row and column."""
        names = (all(f"{column}={value}" in row for column, value in key.items()) for key in (self.key, self.now))
        return table == self.table and self.column in columns and any(names)


def fill(conn: Connection, database: DatabaseSettings, tickers: int, last: date, days: int, answers: int) -> None:
    """Store bars of so many sessions, publish portfolios and a record for each, and keep some answers."""
    sessions = sessions_between(last - timedelta(days=days * 2), last)[-days:]
    chance = random.Random(13)
    names = [f"T{number:03}" for number in range(tickers)]
    with transaction(conn):
        bars = [_bar(chance, name, session) for name in names for session in sessions]
        replace_partition(conn, tables.DAILY_ETF_OHLC, {"source": "made"}, bars)
    first = repr([chance.random() for _ in range(200)]).encode()
    for number in range(answers):
        body = first + str(number).encode()
        source_answers.keep(conn, _hex_digest(body), body, _hex_digest(first + b"0"))
    # Each session by itself, as every evening.
    for session in sessions:
        _publish(conn, database, chance, names, session)


def _publish(
    conn: Connection, database: DatabaseSettings, chance: random.Random, names: Sequence[str], session: date
) -> None:
    nothing: Any = None
    job = Job(nothing, conn, database, [session], "made")
    positions, portfolios = [], []
    for period in PERIODS:
        chosen = chance.sample(list(names), min(STOCKS_OF_PORTFOLIO, len(names)))
        weights = [1 / len(chosen)] * len(chosen)
        positions += [
            _row(tables.PORTFOLIO_ALLOCATION, chance, session)
            | {"ticker": ticker, "period_days": period, "portfolio_weight": weight, "position_rank": rank}
            for rank, (ticker, weight) in enumerate(zip(chosen, weights, strict=True), 1)
        ]
        portfolios.append(Publication("allocation", session, period, len(chosen), "simulated"))
    table = tables.PORTFOLIO_ALLOCATION
    part = TablePart(table, {"as_of_date": session}, [[row[name] for name in table.columns] for row in positions])
    publish(job, "allocation", [part], portfolios, NOTHING_READ)
    record = []
    for table, day in ((tables.PORTFOLIO_PERFORMANCE, "trade_date"), (tables.PERFORMANCE_SUMMARY, "last_session")):
        rows = [_row(table, chance, session) | {"period_days": period, day: session} for period in PERIODS]
        record.append(TablePart(table, {day: session}, [[row[name] for name in table.columns] for row in rows]))
    publish(job, "performance", record, [Publication("performance", session, 0, 3, "simulated")], NOTHING_READ)


def _bar(chance: random.Random, ticker: str, session: date) -> list[Any]:
    row = _row(tables.DAILY_ETF_OHLC, chance, session) | {"ticker": ticker, "source": "made", "currency": "USD"}
    return [row[name] for name in tables.DAILY_ETF_OHLC.columns]


def _row(table: Table, chance: random.Random, session: date) -> dict[str, Any]:
    return {column: _value(column, chance, session) for column in table.columns}


def _value(column: str, chance: random.Random, session: date) -> Any:
    if column.endswith(("_date", "_session", "_on")) or column == "holdings_as_of":
        return session
    if column.endswith("_at"):
        return datetime(session.year, session.month, session.day, 21, tzinfo=UTC).isoformat()
    if column.startswith(("is_", "has_")):
        return False
    if column in ("volume", "market_cap") or column.endswith(("_rank", "_sessions", "_count", "_5d", "_10d", "_20d")):
        return chance.randrange(1, 10**6)
    if column.endswith("_reason"):
        return '[{"code": "text", "params": {"text": "made, for a test"}}]' if column == "allocation_reason" else None
    if column in ("source", "market_cap_source", "company_name", "sector", "run_id"):
        return "simulated"
    return ["A", "B"] if column == "source_etfs" else chance.random()


def _hex_digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def evidence_tables() -> list[Table]:
    """Return the tables of which a cell can be changed: versions, answers, links, publications and the record."""
    of_jobs = [published for published_of in OF_JOB.values() for published in published_of]
    kept = [published.kept for published in of_jobs if published.kept]
    versions = evidence_checks.tables_with_versions()
    kept += [each.kept for each in versions]
    published = [each.table for each in of_jobs]
    published += [Table(each.table, each.key, each.values) for each in versions]
    return list(dict.fromkeys([tables.EVIDENCE_SOURCE_ANSWER, tables.EVIDENCE_LINK, *kept, *published]))


@contextmanager
def one_cell_changed(conn: Connection, chance: random.Random, among: Sequence[Table]) -> Iterator[Changed]:
    """Change one cell of one row, past every trigger, and put everything back afterwards."""
    changed = None
    try:
        with conn.cursor() as cursor:
            filled = [table for table in among if _count(cursor, table.name)]
            while changed is None:
                changed = _change(cursor, chance, chance.choice(filled))
        yield changed
    finally:
        conn.rollback()


def _change(cursor: Any, chance: random.Random, table: Table) -> Changed | None:
    """Change a cell of a table, or return None when a constraint does not let it be changed."""
    column, kind = _column(cursor, table, chance)
    key = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in table.key)
    name = sql.Identifier(table.name)
    cursor.execute("SAVEPOINT before")
    cursor.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(name))
    nth = chance.randrange(_count(cursor, table.name))
    cursor.execute(sql.SQL("SELECT ctid::text, {} FROM {} OFFSET %s LIMIT 1").format(key, name), (nth,))
    [(place, *before)] = cursor.fetchall()
    try:
        cursor.execute(
            sql.SQL("UPDATE {} SET {} = {} WHERE ctid = %s::tid RETURNING {}").format(
                name, sql.Identifier(column), _other(column, kind), key
            ),
            (place,),
        )
    except psycopg2.Error:
        cursor.execute("ROLLBACK TO SAVEPOINT before")
        return None
    [now] = cursor.fetchall()
    return Changed(
        table.name, column, dict(zip(table.key, before, strict=True)), dict(zip(table.key, now, strict=True))
    )


def _count(cursor: Any, table: str) -> int:
    cursor.execute(sql.SQL("SELECT COUNT(*) FROM {}").format(sql.Identifier(table)))
    return int(cursor.fetchone()[0])


def _column(cursor: Any, table: Table, chance: random.Random) -> tuple[str, int]:
    """Choose one of the columns that evidence is about, and return it with its type."""
    names = [
        name
        for name in table.columns
        if table.name.startswith("evidence_") or name not in evidence_checks.OF_THE_FETCH | {"published_at"}
    ]
    name = chance.choice(names)
    cursor.execute(
        "SELECT atttypid::int FROM pg_attribute WHERE attrelid = %s::regclass AND attname = %s", (table.name, name)
    )
    return name, int(cursor.fetchone()[0])


def _other(column: str, kind: int) -> sql.Composable:
    """Return an expression for another value of a column."""
    name = sql.Identifier(column)
    if kind == FLAG:
        return sql.SQL("{0} IS NOT TRUE").format(name)
    if kind in NUMBERS:
        return (
            sql.SQL("COALESCE({0}, 0) + 1").format(name) if column != "cash_weight" else sql.SQL("1 - {0}").format(name)
        )
    if kind in MOMENTS:
        return sql.SQL("COALESCE({0}, '2026-01-01') - INTERVAL '1 day'").format(name)
    if kind == DIGESTS:
        return sql.SQL("COALESCE(set_byte({0}, 0, (get_byte({0}, 0) + 1) %% 256), '\\x00')").format(name)
    if kind in (1009, 1007):
        return sql.SQL("{0} || {0}[1:1]").format(name)
    if kind == JSON:
        return sql.SQL("COALESCE({0}, '[]') || '[1]'").format(name)
    return sql.SQL("COALESCE(LEFT({0}, 10), '') || 'x'").format(name)
