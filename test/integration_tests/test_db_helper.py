"""Writes against a real Postgres: all of a transaction or nothing, and the weights check."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import psycopg2
import pytest

from config.config import DatabaseSettings
from database import tables
from database.db_helper import Connection, Values, connect, fetch, replace_partition, transaction, upsert
from reason_words import text
from utils.errors import DatabaseUnavailable
from utils.reasons import as_json, reason

NOW = datetime(2026, 8, 21, 21, tzinfo=UTC)


@pytest.fixture
def conn(scratch_database: DatabaseSettings) -> Iterator[Connection]:
    with closing(connect(scratch_database)) as conn:
        yield conn
        conn.rollback()
        with transaction(conn), conn.cursor() as cursor:
            cursor.execute(
                "TRUNCATE collected_daily_etf_ohlc, analytics_portfolio_allocation, analytics_publication, "
                "logs_consumer_error"
            )


def bar(close: float, fetched_at: datetime = NOW, ticker: str = "SPY") -> Values:
    prices = dict.fromkeys(("open_price", "high_price", "low_price", "close_price", "adj_close"), close)
    others = {"volume": 1, "price_change_percent": None, "dividend": 0, "split_ratio": 1, "capital_gain": 0}
    about = {"ticker": ticker, "trade_date": date(2026, 8, 21), "currency": "USD"}
    origin = {"fetched_at": fetched_at, "source": "simulated", "run_id": None}
    values = about | prices | others | origin
    return tuple(values[column] for column in tables.DAILY_ETF_OHLC.columns)


def closes(conn: Connection) -> dict[str, float]:
    rows = fetch(conn, "SELECT ticker, close_price FROM collected_daily_etf_ohlc")
    return {row["ticker"]: row["close_price"] for row in rows}


def test_the_column_lists_are_those_of_the_schema(conn: Connection) -> None:
    specs = [spec for spec in vars(tables).values() if isinstance(spec, tables.Table)]
    rows = fetch(conn, "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'")
    actual = {(row["table_name"], row["column_name"]) for row in rows}

    assert len(specs) >= 8
    assert {(spec.name, column) for spec in specs for column in spec.columns} <= actual


def test_the_keys_are_those_of_the_schema(conn: Connection) -> None:
    rows = fetch(
        conn,
        """
        SELECT tc.table_name, ARRAY_AGG(kcu.column_name::text ORDER BY kcu.ordinal_position) AS key
        FROM information_schema.table_constraints AS tc
        JOIN information_schema.key_column_usage AS kcu USING (constraint_name, table_name)
        WHERE tc.constraint_type IN ('PRIMARY KEY', 'UNIQUE')
        GROUP BY tc.table_name, tc.constraint_name
        """,
    )
    actual = {(row["table_name"], tuple(row["key"])) for row in rows}

    assert {(spec.name, spec.key) for spec in vars(tables).values() if isinstance(spec, tables.Table)} <= actual


def test_an_upsert_inserts_then_updates(conn: Connection) -> None:
    for close in (640.0, 641.123456789):
        with transaction(conn):
            upsert(conn, tables.DAILY_ETF_OHLC, [bar(close)])

    assert closes(conn) == {"SPY": 641.123456789}


@pytest.mark.parametrize(
    "text", ['the "Dow"', "a\\b\\n", "two\nlines\t", "null", "", " ", "삼성 {é},", "]\n[", "\x01", "\\."]
)
def test_a_text_arrives_as_it_is(conn: Connection, text: str) -> None:
    with transaction(conn):
        rows: list[Values] = [
            (text, "reason", "topic", 0, 0, None, None, None, 1, None),
            (None, text, "topic", 0, 1, text, None, None, 1, as_json([reason("text", text=text)])),
        ]
        upsert(conn, tables.CONSUMER_ERROR, rows)

    columns = "raw_value, error_msg, message_key, reason -> 0 -> 'params' ->> 'text' AS reason"
    stored = fetch(conn, f"SELECT {columns} FROM logs_consumer_error ORDER BY kafka_offset")
    assert [tuple(row.values()) for row in stored] == [(text, "reason", None, None), (None, text, text, text)]


def test_of_two_rows_with_one_key_the_last_counts(conn: Connection) -> None:
    with transaction(conn):
        upsert(conn, tables.DAILY_ETF_OHLC, [bar(1.0), bar(2.0)])

    assert closes(conn) == {"SPY": 2.0}


def test_an_older_fetch_changes_nothing(conn: Connection) -> None:
    with transaction(conn):
        upsert(conn, tables.DAILY_ETF_OHLC, [bar(640.0)], newest_by="fetched_at")
        upsert(conn, tables.DAILY_ETF_OHLC, [bar(1.0, NOW - timedelta(days=1))], newest_by="fetched_at")

    assert closes(conn) == {"SPY": 640.0}


def test_a_failed_transaction_leaves_nothing(conn: Connection) -> None:
    with pytest.raises(psycopg2.DataError), transaction(conn):
        upsert(conn, tables.DAILY_ETF_OHLC, [bar(640.0)])
        upsert(conn, tables.DAILY_ETF_OHLC, [bar(640.0, ticker="A" * 21)])

    assert closes(conn) == {}


def test_a_partition_is_replaced_as_a_whole(conn: Connection) -> None:
    with transaction(conn):
        upsert(conn, tables.DAILY_ETF_OHLC, [bar(1.0), bar(2.0, ticker="QQQ"), bar(3.0, ticker="IWM")])
    with transaction(conn):
        replace_partition(conn, tables.DAILY_ETF_OHLC, {"ticker": ["SPY", "QQQ"]}, [bar(9.0)])

    assert closes(conn) == {"SPY": 9.0, "IWM": 3.0}


def publish(conn: Connection, weights: dict[str, float], cash: float) -> None:
    key = {"as_of_date": date(2026, 8, 21), "period_days": 20}
    base = {
        **dict.fromkeys(tables.PORTFOLIO_ALLOCATION.columns),
        **key,
        **dict.fromkeys(("period_return", "score", "market_cap", "position_rank"), 1),
        **dict.fromkeys(("is_trending_5d", "is_trending_10d", "is_trending_20d"), True),
        **dict.fromkeys(("holdings_as_of", "start_session", "end_session"), date(2026, 8, 21)),
        "source_etfs": ["QQQ", "SPY"],
        "is_degraded": False,
        "market_cap_source": "quoted",
        "allocation_reason": as_json([text("best")]),
        "source": "simulated",
    }
    rows = [
        tuple({**base, "ticker": ticker, "portfolio_weight": weight}.values()) for ticker, weight in weights.items()
    ]
    publication = ("allocation", *key.values(), "published", None, None, len(rows), cash, None, "simulated", None)
    with transaction(conn):
        replace_partition(conn, tables.PORTFOLIO_ALLOCATION, key, rows)
        replace_partition(conn, tables.PUBLICATION, {"job": "allocation", **key}, [publication])


def test_weights_and_cash_that_sum_to_one_are_published(conn: Connection) -> None:
    publish(conn, {"NVDA": 0.7, "AAPL": 0.2}, cash=0.1)

    [row] = fetch(conn, "SELECT source_etfs FROM analytics_portfolio_allocation WHERE ticker = 'NVDA'")
    assert row["source_etfs"] == ["QQQ", "SPY"]


@pytest.mark.parametrize(("weights", "cash"), [({"NVDA": 0.35}, 0.0), ({"NVDA": 0.9, "AAPL": 0.2}, 0.0), ({}, 0.0)])
def test_weights_that_do_not_sum_to_one_are_refused(conn: Connection, weights: dict[str, float], cash: float) -> None:
    with pytest.raises(psycopg2.IntegrityError, match="do not sum to 1"):
        publish(conn, weights, cash)

    assert fetch(conn, "SELECT 1 FROM analytics_publication") == []


def test_an_unreachable_database_says_where_it_was_looked_for(scratch_database: DatabaseSettings) -> None:
    with pytest.raises(DatabaseUnavailable, match=r"127\.0\.0\.1:1/"):
        connect(replace(scratch_database, host="127.0.0.1", port=1))
