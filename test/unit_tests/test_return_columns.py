"""What the frames of returns hand on: these columns and no others, in one partition."""

from datetime import date
from typing import Any

import pyspark.sql.functions as F
import pytest

from batch.prices import with_price_rank
from batch.reasons import each_once, json_array, of_ticker, of_ticker_each, read_each, reason_of
from batch.returns import with_returns, with_windows
from batch.sources import with_source_rank
from reason_words import text_json, words_of_each
from utils import reasons
from utils.reasons import reason
from utils.spark_utils import local_frame

START, END = date(2026, 8, 14), date(2026, 8, 21)
READ = "ticker string, trade_date date, price double, source string, rate_source string, sector string"
PRICES = "ticker string, trade_date date, currency string, price double, source_rank int"
WANTED = "ticker string, start_session date, end_session date"


def test_the_less_trusted_source_of_a_price_and_its_rate_replaces_both(spark: Any) -> None:
    rates = {"A": None, "B": "yahoo", "C": "simulated"}
    rows = [(ticker, END, 12.5, "recorded", rate, "Energy") for ticker, rate in rates.items()]
    frame = with_price_rank(spark.createDataFrame(rows, READ))
    assert set(frame.columns) == {"ticker", "trade_date", "price", "sector", "source_rank"}
    assert {row.ticker: row.source_rank for row in frame.collect()} == {"A": 2, "B": 2, "C": 3}


def test_the_number_of_a_source_replaces_it(spark: Any) -> None:
    frame = spark.createDataFrame([("A", "recorded")], "ticker string, source string")
    assert [row.asDict() for row in with_source_rank(frame).collect()] == [{"ticker": "A", "source_rank": 2}]


def test_returns_keep_no_end_points(spark: Any) -> None:
    prices = spark.createDataFrame([("A", day, "USD", 1.0, 1) for day in (START, END)], PRICES)
    frame = with_returns(spark.createDataFrame([("A", START, END)], WANTED), prices)
    assert set(frame.columns) == {
        "ticker",
        "start_session",
        "end_session",
        "period_return",
        "missing",
        "noted",
        "price_source_rank",
    }


def test_windows_add_two_days_and_stay_in_one_partition(spark: Any) -> None:
    """Spark would otherwise shuffle a few thousand rows into as many tasks as it has cores."""
    windows = local_frame(spark, [(END, "XNYS", 5, START, END)], ("as_of_date", "exchange", "days", "first", "last"))
    frame = with_windows(spark.createDataFrame([(END, "A")], "as_of_date date, ticker string"), windows)
    assert set(frame.columns) == {"as_of_date", "ticker", "days", "first", "last"}
    assert frame.rdd.getNumPartitions() == 1


def test_a_row_without_a_window_is_left_out(spark: Any) -> None:
    windows = local_frame(spark, [(END, "XNYS", 5, START, END)], ("as_of_date", "exchange", "days", "first", "last"))
    wanted = spark.createDataFrame([(START, "A"), (END, "005930.KS")], "as_of_date date, ticker string")
    assert with_windows(wanted, windows).collect() == []


def test_each_reason_is_named_after_its_ticker(spark: Any) -> None:
    told = [text_json("late"), text_json("no rate")]
    frame = spark.createDataFrame([("A", told), ("B", [])], "ticker string, reasons array<string>")
    rows = frame.select(of_ticker_each(frame.ticker, "reasons").alias("told")).collect()
    assert [words_of_each(row.told) for row in rows] == [["A: late", "A: no rate"], []]


@pytest.mark.parametrize("gain", [1e-7, 0.1 + 0.2, -0.25, 123456789.0, 1e22])
def test_a_reason_of_columns_is_that_of_their_values(spark: Any, gain: float) -> None:
    frame = spark.createDataFrame([('A"\\ B', gain, END)], "ticker string, gain double, day date")
    made = reason_of("returned_more", ticker=F.col("ticker"), gain=F.col("gain"))
    [row] = frame.select(
        of_ticker(F.col("ticker"), made).alias("nested"), reason_of("no_price", session=F.col("day")).alias("dated")
    ).collect()
    assert read_each([row.nested, row.dated]) == [
        reasons.of_ticker('A"\\ B', [reason("returned_more", ticker='A"\\ B', gain=gain)]),
        reason("no_price", session=END),
    ]


def test_a_reason_takes_the_parameters_of_its_sentence(spark: Any) -> None:
    with pytest.raises(ValueError, match=r"no_price takes \['session'\], not \['day'\]"):
        reason_of("no_price", day=F.lit(END))


def test_each_reason_counts_once_and_none_is_no_reason(spark: Any) -> None:
    rows = [(["b", "a", None, "b"],), ([None],), ([],)]
    frame = spark.createDataFrame(rows, "reasons array<string>").select(json_array(each_once(F.col("reasons"))))
    assert [row[0] for row in frame.collect()] == ["[a,b]", None, None]
