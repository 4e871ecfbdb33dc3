"""The one definition of a period return."""

from datetime import date
from typing import Any

import pytest

from batch.reasons import read_each
from batch.returns import (
    ends_of,
    exchange_of,
    exchanges_of,
    windows_of,
    with_returns,
    with_windows,
)
from batch.sources import source_label, source_rank
from dollar_prices import dollar_prices
from reason_words import text_json, words_of_each
from utils import dates
from utils.dates import sessions_between
from utils.spark_utils import local_frame

PRICES = "ticker string, trade_date date, currency string, price double, source_rank int, sector string"
WANTED = "ticker string, start_session date, end_session date"
START, MIDDLE, END = date(2026, 8, 14), date(2026, 8, 19), date(2026, 8, 21)


def returns(spark: Any, prices: list[tuple[Any, ...]], wanted: tuple[Any, ...] = ("A", START, END)) -> Any:
    frame = spark.createDataFrame([(*row, 1, "Technology") for row in prices], PRICES)
    [row] = with_returns(spark.createDataFrame([wanted], WANTED), frame).collect()
    return row


def test_a_falling_price_gives_a_negative_return(spark: Any) -> None:
    """(max close - min close) / min close would never be negative. Extremes in between must not matter either."""
    row = returns(spark, [("A", START, "USD", 100.0), ("A", MIDDLE, "USD", 40.0), ("A", END, "USD", 90.0)])
    assert row.period_return == pytest.approx(-0.10, abs=1e-15)
    assert row.missing == []


def test_n_sessions_take_n_plus_one_closes() -> None:
    sessions = sessions_between(date(2026, 7, 1), date(2026, 8, 21))
    for days in (5, 10, 20):
        [window] = windows_of([END], ["XNYS"], [days])
        between = [day for day in sessions if window.start_session <= day <= window.end_session]
        assert (between[-1], len(between)) == (END, days + 1)


def test_sessions_are_counted_not_days() -> None:
    """Over 4 July 2025 (a Friday) five sessions reach back eight days."""
    [window] = windows_of([date(2025, 7, 8)], ["XNYS"], [5])
    assert (window.start_session, window.end_session) == (date(2025, 6, 30), date(2025, 7, 8))


def test_no_shorter_window_replaces_a_missing_end_point(spark: Any) -> None:
    row = returns(spark, [("A", MIDDLE, "USD", 100.0), ("A", END, "USD", 110.0)])
    assert row.period_return is None
    assert words_of_each(row.missing) == ["no price on 2026-08-14"]


def test_a_return_keeps_every_decimal_of_the_prices(spark: Any) -> None:
    row = returns(spark, [("A", START, "USD", 0.0123456789), ("A", END, "USD", 0.0123456797)])
    assert row.period_return == pytest.approx(0.0123456797 / 0.0123456789 - 1, rel=1e-12)
    assert row.period_return > 0


def test_both_missing_end_points_are_named(spark: Any) -> None:
    row = returns(spark, [("B", START, "USD", 1.0), ("B", END, "USD", 1.0)])
    assert words_of_each(row.missing) == ["no price on 2026-08-21", "no price on 2026-08-14"]
    assert row.sector is None


def test_what_is_known_of_the_ticker_is_of_the_end_session(spark: Any) -> None:
    prices = [("A", START, "USD", 1.0, 3, "Old"), ("A", END, "USD", 2.0, 1, "New")]
    frame = spark.createDataFrame(prices, PRICES)
    [row] = with_returns(spark.createDataFrame([("A", START, END)], WANTED), frame).collect()
    assert (row.period_return, row.sector, row.price_source_rank) == (1.0, "New", 3)


DOUBTS = "ticker string, trade_date date, kind string, reason string"


def doubted(spark: Any, doubts: list[tuple[Any, ...]], window: tuple[Any, ...] = ("A", START, END)) -> Any:
    """Return the row of A, +10 % from START to END, with the doubts about its prices."""
    prices = [("A", day, "USD", price, 1, "IT") for day, price in ((START, 100.0), (MIDDLE, 105.0), (END, 110.0))]
    said = [(*doubt, text_json(words)) for *doubt, words in doubts]
    told = spark.createDataFrame(said, DOUBTS) if said else None
    wanted = spark.createDataFrame([window], WANTED)
    [row] = with_returns(wanted, spark.createDataFrame(prices, PRICES), told).collect()
    return row


@pytest.mark.parametrize(
    ("day", "is_across"),
    [(START, False), (date(2026, 8, 17), True), (MIDDLE, True), (END, True), (date(2026, 8, 24), False)],
)
def test_a_withheld_break_leaves_no_return_across_it(spark: Any, day: date, is_across: bool) -> None:
    """Behind the start and up to the end: a break on the first session is before its close."""
    row = doubted(spark, [("A", day, "withheld", f"prices break at {day}: a step of +900 %")])
    if is_across:
        assert (row.period_return, words_of_each(row.missing)) == (None, [f"prices break at {day}: a step of +900 %"])
    else:
        assert (row.period_return, row.missing) == (pytest.approx(0.1), [])
    assert row.noted == []


def test_a_noted_break_leaves_the_return_and_is_told(spark: Any) -> None:
    row = doubted(spark, [("A", MIDDLE, "noted", "n"), ("A", START, "noted", "too early"), ("B", MIDDLE, "noted", "b")])
    assert (row.period_return, row.missing, words_of_each(row.noted)) == (pytest.approx(0.1), [], ["n"])


@pytest.mark.parametrize(("day", "noted"), [(START, ["r"]), (MIDDLE, []), (END, ["r"])])
def test_a_carried_rate_counts_at_the_ends_alone(spark: Any, day: date, noted: list[str]) -> None:
    row = doubted(spark, [("A", day, "rate", "r")])
    assert (row.period_return, words_of_each(row.noted)) == (pytest.approx(0.1), noted)


def test_all_that_is_said_is_told_in_the_order_of_its_days(spark: Any) -> None:
    said = [("A", END, "withheld", "second"), ("A", MIDDLE, "withheld", "first"), ("A", END, "noted", "n")]
    row = doubted(spark, said, ("A", date(2026, 8, 13), END))
    assert words_of_each(row.missing) == ["no price on 2026-08-13", "first", "second"]
    assert words_of_each(row.noted) == ["n"]


def test_without_doubts_nothing_is_said(spark: Any) -> None:
    row = doubted(spark, [])
    assert (row.period_return, row.missing, row.noted) == (pytest.approx(0.1), [], [])


def test_an_unknown_exchange_gives_no_return_and_that_reason(spark: Any) -> None:
    """Stored prices do not help, because their sessions are unknown."""
    prices = [("VIC.VN", day, "USD", 1.0, 1, None) for day in (START, END)]
    wanted = spark.createDataFrame([("VIC.VN", START, END)], WANTED)
    [row] = with_returns(wanted, spark.createDataFrame(prices, PRICES)).collect()
    assert (row.period_return, read_each(row.missing)) == (None, [dates.why_no_exchange("VIC.VN")])
    assert words_of_each(row.missing) == ["no exchange is known for the suffix .VN"]


def test_a_ticker_without_an_exchange_keeps_its_row_on_the_home_sessions(spark: Any) -> None:
    windows = local_frame(spark, windows_of([END], ["XNYS"], [5]), ("as_of_date", "exchange", "days", "s", "e"))
    wanted = spark.createDataFrame([(END, "VIC.VN"), (END, None)], "as_of_date date, ticker string")
    assert {row.ticker: (row.s, row.e) for row in with_windows(wanted, windows).collect()} == {
        "VIC.VN": (START, END),
        None: (START, END),
    }


def test_a_foreign_return_is_in_dollars_with_the_rate_of_both_days(spark: Any) -> None:
    """+10 % in won while the won lost 10 % against the dollar."""
    prices = dollar_prices(
        spark,
        [
            ("005930.KS", START, "KRW", 70_000.0, 1, "yahoo", 1260.0, "yahoo"),
            ("005930.KS", END, "KRW", 77_000.0, 1, "yahoo", 1400.0, "yahoo"),
        ],
    )
    [row] = with_returns(spark.createDataFrame([("005930.KS", START, END)], WANTED), prices).collect()
    assert row.period_return == pytest.approx((77_000 / 1400) / (70_000 / 1260) - 1, rel=1e-14)
    assert row.period_return < 0


def test_a_missing_rate_is_named_with_its_day(spark: Any) -> None:
    prices = dollar_prices(
        spark,
        [
            ("005930.KS", START, "KRW", 70_000.0, 1, "yahoo", None, None),
            ("005930.KS", END, "KRW", 77_000.0, 1, "yahoo", 1400.0, "yahoo"),
        ],
    )
    [row] = with_returns(spark.createDataFrame([("005930.KS", START, END)], WANTED), prices).collect()
    assert (row.period_return, words_of_each(row.missing)) == (None, ["no KRW=X rate on 2026-08-14"])


def test_a_zero_at_the_start_raises_nothing(spark: Any) -> None:
    assert returns(spark, [("A", START, "USD", 0.0), ("A", END, "USD", 1.0)]).period_return is None


def test_foreign_windows_end_with_the_last_session_closed_by_the_home_close(spark: Any) -> None:
    """17 August 2026 was no session in Seoul. The home window ends on it."""
    as_of = date(2026, 8, 17)
    windows = local_frame(
        spark, windows_of([as_of], ["XNYS", "XKRX"], [5]), ("as_of_date", "exchange", "days", "s", "e")
    )
    wanted = spark.createDataFrame([(as_of, "AAPL"), (as_of, "005930.KS")], "as_of_date date, ticker string")
    ends = {row.ticker: (row.s, row.e) for row in with_windows(wanted, windows).collect()}
    assert ends == {
        "AAPL": (date(2026, 8, 10), date(2026, 8, 17)),
        "005930.KS": (date(2026, 8, 7), date(2026, 8, 14)),
    }


def test_exchanges_are_told_as_utils_dates_tells_them(spark: Any) -> None:
    tickers = [
        "AAPL",
        "BRK-B",
        "BRK.B",
        "005930.KS",
        "035900.KQ",
        "KS",
        "A.KSX",
        "7203.T",
        "A.B.TO",
        "KRW=X",
        "A.",
        ".",
    ]
    frame = spark.createDataFrame([(ticker,) for ticker in tickers], "ticker string")
    told = {row.ticker: row.exchange for row in frame.withColumn("exchange", exchange_of(frame.ticker)).collect()}
    assert told == {ticker: dates.find_exchange(ticker) for ticker in tickers}
    assert (told["7203.T"], told["A.B.TO"], told["A.KSX"], told["A."]) == ("XTKS", "XTSE", None, None)


def test_a_ticker_of_no_known_exchange_needs_no_calendar() -> None:
    assert exchanges_of(["AAPL", "VNM.VN", "005930.KS", "BRK.B"]) == ["XKRX", "XNYS"]


@pytest.mark.parametrize(
    ("source", "number", "label"),
    [("yahoo", 1, "yahoo"), ("recorded", 2, "recorded"), ("simulated", 3, "simulated"), ("else", 3, "simulated")],
)
def test_the_doubt_about_a_source(spark: Any, source: str, number: int, label: str) -> None:
    frame = spark.createDataFrame([(source,)], "source string")
    [row] = frame.select(
        source_rank(frame.source).alias("n"), source_label(source_rank(frame.source)).alias("label")
    ).collect()
    assert (row.n, row.label) == (number, label)


def test_only_the_end_points_prices_are_read() -> None:
    windows = windows_of([END], ["XNYS"], [5, 10])
    assert ends_of(windows) == [date(2026, 8, 7), START, END]
