"""Consumers' writes into a real Postgres: what is good is stored, what is bad is kept with its address."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from config.config import DatabaseSettings
from consumer import kafka_consumer_etf_holdings
from consumer.storing import Store, upsert_by
from database import tables
from database.db_helper import Connection, connect, fetch, transaction
from database.queries import collected, consumer_lag
from utils.errors import DatabaseUnavailable
from utils.lag import Lag
from utils.messages import EtfDailyBar, Holding, HoldingsSnapshot, to_json

FETCHED = datetime(2026, 8, 21, 21, tzinfo=UTC)


@dataclass(frozen=True)
class Received:
    offset: int
    value: bytes | None
    key: bytes | None = b"SPY"
    topic: str = "etf-daily-data"
    partition: int = 1
    timestamp: int = 0


def bar(**values: Any) -> bytes:
    plain = {"open_price": 10.0, "high_price": 12.0, "low_price": 9.0, "close_price": 11.0, "adj_close": 11.0}
    origin = {"fetched_at": FETCHED, "source": "simulated", "previous_close": 10.0}
    fields = {"ticker": "SPY", "trade_date": date(2026, 8, 21), "volume": 5, **plain, **origin, **values}
    return to_json(EtfDailyBar(**fields))


@pytest.fixture
def conn(scratch_database: DatabaseSettings) -> Iterator[Connection]:
    with closing(connect(scratch_database)) as conn:
        yield conn
        with transaction(conn), conn.cursor() as cursor:
            cursor.execute("TRUNCATE collected_daily_etf_ohlc, collected_etf_holdings, logs_consumer_error")


@pytest.fixture
def store(scratch_database: DatabaseSettings, conn: Connection) -> Callable[..., None]:
    etf_store = Store(scratch_database, EtfDailyBar, upsert_by(tables.DAILY_ETF_OHLC))
    return lambda *values: etf_store([Received(offset, value) for offset, value in enumerate(values)])


def bars(conn: Connection) -> list[tuple[str, float, float]]:
    rows = fetch(conn, "SELECT * FROM collected_daily_etf_ohlc ORDER BY ticker, trade_date")
    return [(row["ticker"], row["close_price"], row["price_change_percent"]) for row in rows]


def rejected(conn: Connection) -> list[dict[str, Any]]:
    return fetch(conn, "SELECT * FROM logs_consumer_error ORDER BY kafka_offset")


def test_a_bar_is_stored_with_its_change(store: Callable[..., None], conn: Connection) -> None:
    store(bar())

    assert bars(conn) == [("SPY", 11.0, 10.0)]


def test_a_batch_read_twice_is_stored_once(store: Callable[..., None], conn: Connection) -> None:
    for _ in range(2):
        store(bar(), b"junk")

    assert len(bars(conn)) == 1
    assert len(rejected(conn)) == 1


def test_an_old_message_does_not_undo_a_restatement(store: Callable[..., None], conn: Connection) -> None:
    store(bar(close_price=11.5), bar(fetched_at=FETCHED - timedelta(days=1)))
    store(bar(fetched_at=FETCHED - timedelta(days=1)))

    assert bars(conn)[0][1] == 11.5


def test_mistake_9_bad_messages_are_kept_with_address_and_reason(store: Callable[..., None], conn: Connection) -> None:
    store(bar(), b"junk", bar(close_price=100.0, high_price=100.0), None, b"\x00\xff")

    assert len(bars(conn)) == 1
    assert [(row["topic"], row["partition_id"], row["kafka_offset"]) for row in rejected(conn)] == [
        ("etf-daily-data", 1, offset) for offset in (1, 2, 3, 4)
    ]
    assert rejected(conn)[0]["raw_value"] == "junk"
    assert "without a split" in rejected(conn)[1]["error_msg"]
    assert json.loads(rejected(conn)[1]["raw_value"])["close_price"] == 100.0


def test_a_doubtful_bar_is_known_to_wait_for_a_person(store: Callable[..., None], conn: Connection) -> None:
    store(bar(), bar(close_price=100.0, high_price=100.0), b"junk")

    assert collected.quarantined(conn, "etf-daily-data", "SPY") == {date(2026, 8, 21)}
    assert collected.quarantined(conn, "etf-daily-data", "QQQ") == set()


def test_a_rejection_is_about_the_topic_by_its_own_name(scratch_database: DatabaseSettings, conn: Connection) -> None:
    etf_store = Store(scratch_database, EtfDailyBar, upsert_by(tables.DAILY_ETF_OHLC), topic_prefix="second-")

    etf_store([Received(0, bar(close_price=100.0, high_price=100.0), topic="second-etf-daily-data")])

    assert collected.quarantined(conn, "etf-daily-data", "SPY") == {date(2026, 8, 21)}


def test_a_value_postgres_refuses_takes_no_neighbour_with_it(store: Callable[..., None], conn: Connection) -> None:
    store(bar(ticker="DIA"), bar(volume=2**63), bar(ticker="QQQ"))

    assert [ticker for ticker, *_ in bars(conn)] == ["DIA", "QQQ"]
    [row] = rejected(conn)
    assert row["kafka_offset"] == 1
    assert "PostgreSQL refuses it" in row["error_msg"]


def test_an_outage_is_reported_and_the_batch_stored_on_the_next_try(
    scratch_database: DatabaseSettings, conn: Connection
) -> None:
    store = Store(scratch_database, EtfDailyBar, upsert_by(tables.DAILY_ETF_OHLC))
    store([Received(0, bar(ticker="DIA"))])
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    with pytest.raises(DatabaseUnavailable):
        store([Received(1, bar())])
    store([Received(1, bar())])

    assert [ticker for ticker, *_ in bars(conn)] == ["DIA", "SPY"]


def test_a_database_that_is_away_from_the_start_is_reported(scratch_database: DatabaseSettings) -> None:
    store = Store(replace(scratch_database, port=1), EtfDailyBar, upsert_by(tables.DAILY_ETF_OHLC))

    with pytest.raises(DatabaseUnavailable):
        store([Received(0, bar())])


def test_a_snapshot_replaces_the_one_of_the_same_day(scratch_database: DatabaseSettings, conn: Connection) -> None:
    store = Store(scratch_database, HoldingsSnapshot, kafka_consumer_etf_holdings.write)

    def snapshot(*tickers: str) -> Received:
        holdings = [Holding(ticker, None, 0.1, rank) for rank, ticker in enumerate(tickers, 1)]
        message = HoldingsSnapshot(
            etf_ticker="QQQ",
            collected_date=date(2026, 8, 21),
            holdings=holdings,
            fetched_at=FETCHED,
            source="simulated",
        )
        return Received(0, to_json(message))

    store([snapshot("NVDA", "AAPL", "MSFT")])
    store([snapshot("NVDA", "AVGO")])

    rows = fetch(conn, "SELECT * FROM collected_etf_holdings ORDER BY holding_rank")
    assert [row["stock_ticker"] for row in rows] == ["NVDA", "AVGO"]
    assert rows[0]["shares"] is None


class TestLag:
    """What a consumer notes of itself beside what it stores."""

    @pytest.fixture
    def notes(self, scratch_database: DatabaseSettings, conn: Connection) -> Iterator[Store[EtfDailyBar]]:
        yield Store(scratch_database, EtfDailyBar, upsert_by(tables.DAILY_ETF_OHLC), "test-")
        with transaction(conn), conn.cursor() as cursor:
            cursor.execute("TRUNCATE logs_consumer_lag")

    def test_one_row_a_partition_counts_its_measurements(self, notes: Store[EtfDailyBar], conn: Connection) -> None:
        notes.note_lag("etf-daily", [Lag("test-etf-daily-data", 0, 5, 9), Lag("test-etf-daily-data", 1, 7, 7)])
        first = consumer_lag.newest(conn)
        notes.note_lag("etf-daily", [Lag("test-etf-daily-data", 0, 9, 9)])
        again = consumer_lag.newest(conn)

        assert [(row["topic"], row["partition_id"], row["lag"]) for row in first] == [
            ("etf-daily-data", 0, 4),
            ("etf-daily-data", 1, 0),
        ]
        assert [row["lag"] for row in again] == [0, 0]
        assert again[0]["measured_at"] > first[0]["measured_at"] and again[1] == first[1]
        counted = fetch(conn, "SELECT measurements FROM logs_consumer_lag ORDER BY partition_id")
        assert [row["measurements"] for row in counted] == [2, 1]

    def test_a_database_that_is_away_costs_the_note_alone(
        self, notes: Store[EtfDailyBar], conn: Connection, caplog: pytest.LogCaptureFixture
    ) -> None:
        lag = Lag("test-etf-daily-data", 0, 5, 9)
        notes.note_lag("etf-daily", [lag])
        with transaction(conn), conn.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        for _ in range(2):
            notes.note_lag("etf-daily", [lag])
        assert caplog.text.count("the lag is not noted") == 1, "and the next one is"
        [row] = fetch(conn, "SELECT measurements FROM logs_consumer_lag")
        assert row["measurements"] == 2

    def test_tables_of_an_earlier_version_cost_the_note_alone(
        self, notes: Store[EtfDailyBar], conn: Connection, caplog: pytest.LogCaptureFixture
    ) -> None:
        with transaction(conn), conn.cursor() as cursor:
            cursor.execute("ALTER TABLE logs_consumer_lag RENAME TO logs_consumer_lag_later")
        try:
            notes.note_lag("etf-daily", [Lag("test-etf-daily-data", 0, 5, 9)])
            notes([Received(0, bar())])
        finally:
            with transaction(conn), conn.cursor() as cursor:
                cursor.execute("ALTER TABLE logs_consumer_lag_later RENAME TO logs_consumer_lag")
        assert 'relation "logs_consumer_lag" does not exist' in caplog.text
        assert [ticker for ticker, *_ in bars(conn)] == ["SPY"]
