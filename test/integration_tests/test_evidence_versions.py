"""Every version of what is collected: what leaves one, where it is from, and what a table held as of a position."""

import hashlib
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg2
import pytest

from config.config import DatabaseSettings
from consumer import kafka_consumer_etf_holdings
from consumer.storing import Store, upsert_by
from database import tables
from database.canonical import digest, record_text, records
from database.db_helper import Connection, Row, connect, fetch, transaction, upsert
from database.migrate import apply_schema
from database.queries import ledger, source_answers
from database.queries.evidence_as_of import VERSIONED, as_of, columns_of, versions_of
from database.queries.evidence_checks import broken_links, tables_with_versions, unlike_links
from database.roles import ROLES, Role, apply_roles
from database.tables import Table
from scratch_databases import a_database
from utils.errors import EvidenceChanged
from utils.messages import EtfDailyBar, EtfMetadata, Holding, HoldingsSnapshot, Message, to_json

FETCHED = datetime(2026, 8, 21, 21, tzinfo=UTC)
ANSWER = "ab" * 32
CHAIN = tables.DAILY_ETF_OHLC.name


@dataclass
class Received:
    offset: int
    value: bytes | None
    topic: str = "etf-daily-data"
    partition: int = 2
    timestamp: int = 0
    key: bytes | None = b"SPY"


def bar(**values: Any) -> EtfDailyBar:
    plain = {"open_price": 10.0, "high_price": 12.0, "low_price": 9.0, "close_price": 11.0, "adj_close": 11.0}
    origin = {"fetched_at": FETCHED, "source": "simulated", "answer_digest": ANSWER}
    fields = {"ticker": "SPY", "trade_date": date(2026, 8, 21), "volume": 5, **plain, **origin, **values}
    return EtfDailyBar(**fields)


def later(hours: int, **values: Any) -> EtfDailyBar:
    return bar(fetched_at=FETCHED + timedelta(hours=hours), **values)


@pytest.fixture
def database() -> Iterator[DatabaseSettings]:
    with a_database() as made:
        with closing(connect(made)) as conn:
            apply_schema(conn)
        yield made


@pytest.fixture
def conn(database: DatabaseSettings) -> Iterator[Connection]:
    with closing(connect(database)) as conn:
        yield conn


@pytest.fixture
def store(database: DatabaseSettings) -> Callable[..., None]:
    etf_store = Store(database, EtfDailyBar, upsert_by(tables.DAILY_ETF_OHLC, "answer_digest"))

    def store(*messages: Message, first: int = 0) -> None:
        etf_store([Received(number, to_json(message)) for number, message in enumerate(messages, first)])

    return store


def versions(conn: Connection, table: Table = tables.DAILY_ETF_OHLC) -> list[Row]:
    return fetch(conn, f"SELECT * FROM {versions_of(table)} ORDER BY position, {', '.join(table.key)}")


def links(conn: Connection, chain: str = CHAIN) -> list[Row]:
    return fetch(conn, "SELECT * FROM evidence_link WHERE chain = %(chain)s ORDER BY position", {"chain": chain})


def closes(conn: Connection, position: int) -> list[float]:
    rows = fetch(conn, as_of(tables.DAILY_ETF_OHLC), {"position": position})
    return sorted(row["close_price"] for row in rows)


def execute(conn: Connection, statement: str) -> None:
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute(statement)


def test_a_restated_bar_has_two_versions_with_their_addresses(store: Callable[..., None], conn: Connection) -> None:
    store(bar(), first=7)
    store(later(24, close_price=11.5, answer_digest="cd" * 32), first=40)

    found = [
        (
            row["position"], row["close_price"], row["topic"], row["partition_id"], row["kafka_offset"],
            bytes(row["answer_digest"]).hex(),
        )
        for row in versions(conn)
    ]  # fmt: skip
    assert found == [
        (1, 11.0, "etf-daily-data", 2, 7, ANSWER),
        (2, 11.5, "etf-daily-data", 2, 40, "cd" * 32),
    ]
    assert (closes(conn, 0), closes(conn, 1), closes(conn, 2)) == ([], [11.0], [11.5])


def test_a_bar_that_is_only_fetched_again_has_no_new_version(store: Callable[..., None], conn: Connection) -> None:
    store(bar())
    store(later(24, run_id="another", answer_digest="cd" * 32), first=1)

    [stored] = fetch(conn, f"SELECT fetched_at, kafka_offset FROM {CHAIN}")
    assert (stored["fetched_at"], stored["kafka_offset"]) == (FETCHED + timedelta(hours=24), 1)
    assert [row["kafka_offset"] for row in versions(conn)] == [0]
    assert len(links(conn)) == 1


def test_an_older_message_that_comes_later_leaves_none(store: Callable[..., None], conn: Connection) -> None:
    store(later(24, close_price=11.5))
    store(bar(), first=1)

    assert [row["close_price"] for row in versions(conn)] == [11.5]


def test_of_two_messages_of_a_batch_the_newest_counts(store: Callable[..., None], conn: Connection) -> None:
    store(later(24, close_price=11.5), bar())

    assert [(row["close_price"], row["kafka_offset"]) for row in versions(conn)] == [(11.5, 0)]


def test_a_batch_that_is_read_twice_adds_nothing(store: Callable[..., None], conn: Connection) -> None:
    for _ in range(2):
        store(bar(), bar(ticker="QQQ"), bar(trade_date=date(2026, 8, 20)))

    assert len(versions(conn)) == 3
    assert [link["about"]["rows"] for link in links(conn)] == [3]


def test_the_neighbours_of_what_postgres_refuses_have_their_addresses(
    store: Callable[..., None], conn: Connection
) -> None:
    """Each message is stored by itself then."""
    store(bar(ticker="DIA"), bar(run_id="\x00"), bar(ticker="QQQ"))

    found = [(row["ticker"], row["kafka_offset"], row["position"]) for row in versions(conn)]
    assert found == [("DIA", 0, 1), ("QQQ", 2, 2)]


def test_an_older_messages_digest_is_unknown(store: Callable[..., None], conn: Connection) -> None:
    store(bar(answer_digest=None))

    assert [row["answer_digest"] for row in versions(conn)] == [None]


def test_a_digest_that_is_none_is_rejected(store: Callable[..., None], conn: Connection) -> None:
    store(bar(answer_digest="../etc"), bar(ticker="QQQ"))

    assert [row["ticker"] for row in versions(conn)] == ["QQQ"]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
def test_a_link_holds_the_canonical_text_of_its_rows(
    store: Callable[..., None], database: DatabaseSettings, conn: Connection, zone: str
) -> None:
    execute(conn, f"ALTER DATABASE \"{database.name}\" SET timezone = '{zone}'")
    with closing(connect(database)) as other:
        execute(other, f"SET timezone = '{zone}'; SET datestyle = 'SQL, DMY'; SET bytea_output = 'escape'")
        row = ("SPY", date(2026, 8, 21), 10, 12, 9, 11, 11, 5, None, 0, 1, FETCHED, 'a "b"\n(c)', "r,1", 0, "USD")
        before = ("AGG", *row[1:])
        with transaction(other):
            upsert(other, tables.DAILY_ETF_OHLC, [row, before])

    [link] = links(conn)
    numbers = "10.0000000000,12.0000000000,9.0000000000,11.0000000000,11.0000000000,5,,0.0000000000,1.0000000000"
    rest = '"2026-08-21 21:00:00+00","a ""b""\n(c)","r,1",0.0000000000,USD,,,,)'
    assert link["body"] == f"(f,AGG,2026-08-21,{numbers},{rest}\n(f,SPY,2026-08-21,{numbers},{rest}"
    assert bytes(link["body_digest"]) == digest(link["body"])


def test_each_row_of_a_large_statement_is_in_the_link_of_its_version(
    store: Callable[..., None], conn: Connection
) -> None:
    """Rows come in another order than that of their keys, and the statement's order need not be that of the table."""
    store(*(bar(ticker=f"E{number * 7919 % 2500:04}", close_price=10.0 + number % 2) for number in range(2500)))
    for statement in (
        f"UPDATE {CHAIN} SET close_price = close_price + 1, high_price = 99 WHERE ticker <> 'E0007'",
        f"UPDATE {CHAIN} SET ticker = 'F' || ticker WHERE ticker > 'E0499'",
        f"DELETE FROM {CHAIN} WHERE close_price > 11",
        f"TRUNCATE {CHAIN}",
    ):
        execute(conn, statement)

    of_etfs = next(kept for kept in tables_with_versions() if kept.table == CHAIN)
    assert (unlike_links(conn, of_etfs), broken_links(conn, CHAIN)) == ([], [])
    assert sum(link["about"]["rows"] for link in links(conn)) == len(versions(conn)) > 2500 + 2499 + 4000
    assert max(link["about"]["rows"] for link in links(conn)) == 1000


def test_the_text_of_versions_can_be_made_again_from_their_rows(store: Callable[..., None], conn: Connection) -> None:
    store(bar(), bar(ticker="QQQ", close_price=11.123456789, previous_close=10.0))

    columns = ", ".join(columns_of(tables.DAILY_ETF_OHLC))
    texts = ", ".join(f"{name}::text" for name in columns_of(tables.DAILY_ETF_OHLC))
    rows = fetch(conn, f"SELECT ROW(is_removed, {columns})::text AS line FROM evidence_daily_etf_ohlc ORDER BY ticker")
    cells = fetch(conn, f"SELECT 'f', {texts} FROM evidence_daily_etf_ohlc ORDER BY ticker")
    [link] = links(conn)
    assert link["body"].split("\n") == [row["line"] for row in rows] == [record_text(row.values()) for row in cells]
    assert [cells[1] for cells in records(link["body"])] == ["QQQ", "SPY"]


class TestHoldings:
    """A list replaces the one of the same day."""

    @pytest.fixture
    def send(self, database: DatabaseSettings) -> Callable[..., None]:
        store = Store(database, HoldingsSnapshot, kafka_consumer_etf_holdings.write)

        def send(*tickers: str, offset: int = 0, month_of: date | None = None) -> None:
            snapshot = HoldingsSnapshot(
                etf_ticker="QQQ",
                collected_date=date(2026, 8, 21),
                holdings=[Holding(ticker, None, 0.5, rank) for rank, ticker in enumerate(tickers, 1)],
                metadata=EtfMetadata("benchmark", None, "Nasdaq"),
                month_of=month_of,
                fetched_at=FETCHED + timedelta(seconds=offset),
                source="simulated",
                answer_digest=ANSWER,
            )
            store([Received(offset, to_json(snapshot), "etf-holdings-data")])

        return send

    def listed(self, conn: Connection, position: int) -> list[str]:
        rows = fetch(conn, as_of(tables.ETF_HOLDINGS), {"position": position})
        return [row["stock_ticker"] for row in sorted(rows, key=lambda row: row["holding_rank"])]

    def test_a_holding_that_left_is_there_as_of_before(self, send: Callable[..., None], conn: Connection) -> None:
        send("NVDA", "AAPL")
        send("NVDA", "MSFT", offset=1)

        found = [
            (row["position"], row["stock_ticker"], row["is_removed"]) for row in versions(conn, tables.ETF_HOLDINGS)
        ]
        assert found == [(1, "AAPL", False), (1, "NVDA", False), (2, "AAPL", True), (3, "MSFT", False)]
        assert (self.listed(conn, 1), self.listed(conn, 3)) == (["NVDA", "AAPL"], ["NVDA", "MSFT"])
        stored = fetch(conn, "SELECT stock_ticker FROM collected_etf_holdings ORDER BY holding_rank")
        assert [row["stock_ticker"] for row in stored] == ["NVDA", "MSFT"]

    def test_the_same_list_again_leaves_nothing(self, send: Callable[..., None], conn: Connection) -> None:
        send("NVDA", "AAPL")
        send("NVDA", "AAPL", offset=1)

        assert len(versions(conn, tables.ETF_HOLDINGS)) == 2
        assert [row["kafka_offset"] for row in versions(conn, tables.META_ETF)] == [0]

    def test_a_months_list_has_versions_of_its_own(self, send: Callable[..., None], conn: Connection) -> None:
        send("NVDA", month_of=date(2026, 8, 28))

        [row] = versions(conn, tables.MONTHLY_BENCHMARK_HOLDINGS)
        assert (row["holding_ticker"], row["as_of_date"], row["kafka_offset"]) == ("NVDA", date(2026, 8, 28), 0)
        assert versions(conn, tables.ETF_HOLDINGS) == []


class TestWhoeverWrites:
    """Not only consumers: any statement, of anybody."""

    def test_deleted_rows_and_changed_keys_are_gone_as_of_then(
        self, store: Callable[..., None], conn: Connection
    ) -> None:
        store(bar(), bar(ticker="QQQ", close_price=10.5))
        execute(conn, f"DELETE FROM {CHAIN} WHERE ticker = 'QQQ'")
        execute(conn, f"UPDATE {CHAIN} SET ticker = 'DIA', close_price = 10.1")

        assert [closes(conn, position) for position in (1, 2, 3)] == [[10.5, 11.0], [11.0], [10.1]]

    def test_so_are_those_of_an_emptied_table(self, store: Callable[..., None], conn: Connection) -> None:
        store(bar())
        execute(conn, f"TRUNCATE {CHAIN}")
        store(bar(), first=1)

        assert [closes(conn, position) for position in (1, 2, 3)] == [[11.0], [], [11.0]]

    def test_a_link_says_who(self, store: Callable[..., None], conn: Connection) -> None:
        store(bar())

        assert links(conn)[0]["about"] == {"rows": 1, "by": conn.info.user}

    def test_what_is_rolled_back_leaves_nothing(self, conn: Connection) -> None:
        with conn.cursor() as cursor:
            cursor.execute("INSERT INTO collected_meta_etf (ticker, etf_type) VALUES ('SPY', 'benchmark')")
        conn.rollback()

        assert links(conn, "collected_meta_etf") == versions(conn, tables.META_ETF) == []

    def test_a_break_that_is_found_again_is_no_new_one(self, conn: Connection) -> None:
        first, last, day = date(2026, 8, 1), date(2026, 8, 21), date(2026, 8, 11)
        for hours, is_withheld in enumerate((False, False, True)):
            moment = FETCHED + timedelta(hours=hours)
            values = {"kind": "etf", "ticker": "SPY", "trade_date": day, "is_withheld": is_withheld, "reason": "[]"}
            known = {**values, "judged_at": moment, "run_id": "r1"}
            row = tuple(known.get(name) for name in tables.PRICE_BREAK.columns)
            ledger.record(conn, [], [], ledger.Judged("etf", "SPY", first, last, [row]))
        ledger.record(conn, [], [], ledger.Judged("etf", "SPY", first, last, []))

        found = [(row["is_withheld"], row["is_removed"]) for row in versions(conn, tables.PRICE_BREAK)]
        assert found == [(False, False), (True, False), (True, True)]

    def test_a_rejection_has_a_version_while_it_waits_and_one_when_it_is_closed(
        self, store: Callable[..., None], conn: Connection
    ) -> None:
        store(bar(close_price=100.0))
        store(bar(), first=1)

        closed = [row["replayed_at"] is not None for row in versions(conn, tables.CONSUMER_ERROR)]
        assert closed == [False, True]


class TestAnswers:
    """The source's own bytes."""

    def test_an_answer_is_kept_once_under_its_digest(self, conn: Connection) -> None:
        body = b'{"chart": {"result": [1.1]}}' * 50
        name = hashlib.sha256(body).hexdigest()
        for _ in range(2):
            source_answers.keep(conn, name, body)

        [row] = fetch(conn, "SELECT ENCODE(digest, 'hex') AS digest, LENGTH(body) AS size FROM evidence_source_answer")
        assert (row["digest"], row["size"] < len(body) / 5) == (name, True)
        assert source_answers.read(conn, name) == body
        assert source_answers.read(conn, "00" * 32) is None

    def test_a_day_later_an_answer_takes_what_is_new_in_it(self, conn: Connection) -> None:
        """Its base is one that is kept by itself, whatever it is like."""
        closes = [str(hashlib.sha256(str(day).encode()).hexdigest()[:12]) for day in range(4000)]
        bodies = [",".join(closes[: 3000 + day]).encode() for day in (0, 1, 2)] + [",".join(closes[::-1]).encode()]
        names = [hashlib.sha256(body).hexdigest() for body in bodies]
        for name, body, like in zip(names, bodies, [None, *names], strict=False):
            source_answers.keep(conn, name, body, like)

        kept = fetch(
            conn,
            "SELECT ENCODE(digest, 'hex') AS name, ENCODE(base, 'hex') AS base, LENGTH(body) AS size"
            " FROM evidence_source_answer",
        )
        by_name = {row["name"]: row for row in kept}
        assert [by_name[name]["base"] for name in names] == [None, names[0], names[0], None]
        assert by_name[names[2]]["size"] < by_name[names[0]]["size"] / 20
        assert [source_answers.read(conn, name) for name in names] == bodies

    @pytest.mark.parametrize(("packed_with", "base"), [(b"", b"{1}"), (b"{1}", b""), (b"{1}", b"{2}")])
    def test_another_base_is_refused(self, packed_with: bytes, base: bytes) -> None:
        body = b"{1, 2}"
        packed = source_answers.pack(body, packed_with)
        name = hashlib.sha256(body).hexdigest()
        assert source_answers.unpack(name, packed, packed_with) == body
        with pytest.raises(EvidenceChanged):
            source_answers.unpack(name, packed, base)

    @pytest.mark.parametrize(
        "packed", [b"", b"{}", zlib.compress(b"{} "), zlib.compress(b"{}") + b" ", zlib.compress(b"{}")[:-1]]
    )
    def test_other_bytes_are_refused(self, packed: bytes) -> None:
        with pytest.raises(EvidenceChanged):
            source_answers.unpack(hashlib.sha256(b"{}").hexdigest(), packed)


class TestRights:
    """Nobody changes a version, and no login adds one by itself."""

    @pytest.fixture
    def roles(self, database: DatabaseSettings, conn: Connection) -> Iterator[list[Role]]:
        own = [replace(role, name=f"{role.name}_versions") for role in ROLES]
        apply_roles(conn, {role.password_setting: "for this test" for role in ROLES}, own)
        yield own
        with transaction(conn), conn.cursor() as cursor:
            for role in own:
                cursor.execute(f"DROP OWNED BY {role.name}")
                cursor.execute(f"DROP ROLE {role.name}")

    def as_role(self, database: DatabaseSettings, role: Role) -> Connection:
        return connect(replace(database, user=role.name, password="for this test"))

    @pytest.mark.parametrize("table", [*map(versions_of, VERSIONED), "evidence_source_answer", "evidence_link"])
    def test_no_login_changes_evidence(
        self, database: DatabaseSettings, roles: list[Role], conn: Connection, table: str
    ) -> None:
        [column] = fetch(
            conn,
            "SELECT column_name AS name FROM information_schema.columns WHERE table_name = %(table)s LIMIT 1",
            {"table": table},
        )
        statements = (
            f"UPDATE {table} SET {column['name']} = NULL",
            f"DELETE FROM {table}",
            f"TRUNCATE {table} CASCADE",
        )
        for role in [None, *roles]:
            with closing(self.as_role(database, role) if role else connect(database)) as other:
                for statement in statements:
                    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                        execute(other, statement)

    def test_a_login_that_collects_leaves_versions_and_cannot_add_any(
        self, database: DatabaseSettings, roles: list[Role], conn: Connection
    ) -> None:
        collect = roles[0]
        with closing(self.as_role(database, collect)) as other:
            with transaction(other):
                upsert(other, tables.META_ETF, [("SPY", "benchmark", None, None)])
            source_answers.keep(other, hashlib.sha256(b"{}").hexdigest(), b"{}")
            assert source_answers.read(other, hashlib.sha256(b"{}").hexdigest()) == b"{}"
        for role in roles:
            with closing(self.as_role(database, role)) as other:
                for table in map(versions_of, VERSIONED):
                    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                        execute(other, f"INSERT INTO {table} SELECT * FROM {table}")

        [link] = links(conn, "collected_meta_etf")
        assert link["about"] == {"rows": 1, "by": collect.name}


def test_what_an_older_database_holds_is_its_first_version(store: Callable[..., None], conn: Connection) -> None:
    store(*(bar(trade_date=date(2026, 8, 21) - timedelta(days=day)) for day in range(3)))
    execute(
        conn,
        "ALTER TABLE evidence_link DISABLE TRIGGER USER; ALTER TABLE evidence_daily_etf_ohlc DISABLE TRIGGER USER;"
        "DELETE FROM evidence_link; DELETE FROM evidence_daily_etf_ohlc;"
        "ALTER TABLE evidence_link ENABLE ALWAYS TRIGGER evidence_is_never_changed;"
        "ALTER TABLE evidence_daily_etf_ohlc ENABLE ALWAYS TRIGGER evidence_is_never_changed",
    )
    for _ in range(2):
        apply_schema(conn)

    [link] = links(conn)
    assert link["about"] == {"rows": 3, "origin": "migration"}
    assert [cells[2] for cells in records(link["body"])] == ["2026-08-19", "2026-08-20", "2026-08-21"]
    assert closes(conn, 1) == [11.0, 11.0, 11.0]
    store(later(24, close_price=11.5), first=9)
    assert closes(conn, 2) == [11.0, 11.0, 11.5]
