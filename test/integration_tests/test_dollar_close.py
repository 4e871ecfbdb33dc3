"""The view collected_dollar_close: prices and market caps in dollars, at the rate of their own day."""

import math
import random
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest

from config.config import DatabaseSettings
from database.db_helper import Connection, Row, connect, fetch, transaction

DAY = date(2026, 8, 21)
RATES = {"EUR": "0.8571428571", "GBP": "0.7345678901", "JPY": "147.3300018311", "KRW": "1391.8699951172", "TST": "2"}


@pytest.fixture(scope="module")
def conn(scratch_database: DatabaseSettings) -> Iterator[Connection]:
    with closing(connect(scratch_database)) as connection:
        yield connection


def stored_in_dollars(conn: Connection, *bars: dict[str, Any]) -> list[Row]:
    """Store bars of DAY alone, a rate being one of a currency, and return what the view makes of them."""
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute("TRUNCATE collected_daily_stock_history, collected_daily_etf_ohlc")
        for bar in bars:
            row = {"day": DAY, "kind": "EQUITY", "cap": None, "source": "yahoo"} | bar
            cursor.execute(
                """
                INSERT INTO collected_daily_stock_history (ticker, trade_date, close_price, adj_close, volume,
                    quote_type, currency, market_cap, fetched_at, source)
                VALUES (%(ticker)s, %(day)s, %(close)s, %(close)s, 1,
                    %(kind)s, %(currency)s, %(cap)s, NOW(), %(source)s)
                """,
                row,
            )
    return fetch(conn, "SELECT * FROM collected_dollar_close ORDER BY ticker")


def rate(currency: str, **other: Any) -> dict[str, Any]:
    return {"ticker": f"{currency}=X", "kind": "CURRENCY", "currency": currency, "close": RATES[currency]} | other


def test_a_dollar_price_is_the_quotient_of_two_doubles_to_the_last_bit(conn: Connection) -> None:
    draw = random.Random(12)
    bars: list[dict[str, Any]] = [
        {
            "ticker": f"S{number:04}",
            "currency": draw.choice([*RATES, "USD"]),
            "close": f"{draw.lognormvariate(3, 4):.10f}",
            "cap": draw.choice([None, round(draw.lognormvariate(24, 4)), draw.randrange(1, 1000)]),
        }
        for number in range(1000)
    ]
    rows = stored_in_dollars(conn, *bars, *map(rate, RATES))
    assert len(rows) == len(bars)
    for bar, row in zip(bars, rows, strict=True):
        per_dollar = float(RATES.get(bar["currency"], "1"))
        assert row["dollar_adj_close"] == row["dollar_close"] == float(bar["close"]) / per_dollar
        cap = bar["cap"] and Fraction(bar["cap"] / per_dollar)
        assert row["dollar_market_cap"] == (cap and math.floor(cap + Fraction(1, 2)))


@pytest.mark.parametrize(("cap", "dollars"), [(1, 1), (3, 2), (5, 3), (7, 4), (2**53 + 2, 2**52 + 1)])
def test_half_a_dollar_of_market_cap_is_rounded_up(conn: Connection, cap: int, dollars: int) -> None:
    [row] = stored_in_dollars(conn, {"ticker": "A", "currency": "TST", "close": 1, "cap": cap}, rate("TST"))
    assert row["dollar_market_cap"] == dollars


def test_dollars_need_no_rate(conn: Connection) -> None:
    [row] = stored_in_dollars(conn, {"ticker": "A", "currency": "USD", "close": "12.5", "cap": 1_000_001})
    assert (row["dollar_adj_close"], row["dollar_market_cap"], row["rate_source"]) == (12.5, 1_000_001, None)


def test_without_a_rate_a_bar_keeps_its_currency_and_has_no_dollars(conn: Connection) -> None:
    [row] = stored_in_dollars(conn, {"ticker": "A.KS", "currency": "KRW", "close": 70_000, "cap": 1}, rate("JPY"))
    assert (row["currency"], row["dollar_adj_close"], row["dollar_market_cap"]) == ("KRW", None, None)


@pytest.mark.parametrize(("age", "rate_date"), [(5, DAY - timedelta(days=5)), (6, None)])
def test_a_rate_stands_in_for_five_days(conn: Connection, age: int, rate_date: date | None) -> None:
    earlier = rate("KRW", day=DAY - timedelta(days=age), source="recorded")
    [row] = stored_in_dollars(conn, {"ticker": "A.KS", "currency": "KRW", "close": 70_000}, earlier)
    assert row["rate_date"] == rate_date
    assert row["rate_source"] == (rate_date and "recorded")
