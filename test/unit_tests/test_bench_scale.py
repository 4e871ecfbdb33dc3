"""The sides of `bench scale`: what the benchmark computes by means of its own is what the jobs compute."""

import math
from datetime import date
from itertools import product
from typing import Any

from batch.returns import windows_of, with_returns
from config.periods import PERIODS
from ops.bench.scale_returns import with_returns_of_bars
from utils.dates import sessions_between
from utils.spark_utils import local_frame

SESSIONS = sessions_between(date(2026, 6, 1), date(2026, 8, 21))
COMPUTED = SESSIONS[max(PERIODS) :]
# A listed late, B with holes of one session and of several, C without any.
HOLES = {
    "A": set(SESSIONS[:11]),
    "B": {SESSIONS[3], SESSIONS[12], *SESSIONS[30:37]},
    "C": set[date](),
}
BARS = [
    (ticker, day, 100.0 * math.exp(math.sin(nth * 7 + len(ticker) + ord(ticker))))
    for ticker, (nth, day) in product(HOLES, enumerate(SESSIONS))
    if day not in HOLES[ticker]
]


def test_the_returns_of_very_many_bars_are_those_of_the_jobs(spark: Any) -> None:
    bars = spark.createDataFrame(BARS, "ticker string, trade_date date, price double")
    numbered = local_frame(spark, [(day, nth) for nth, day in enumerate(SESSIONS)], ("trade_date", "position"))
    rows = with_returns_of_bars(bars, numbered, PERIODS).collect()
    of_bars = {(row.ticker, row.trade_date, days): row[f"return_{days}d"] for row in rows for days in PERIODS}

    assert len(rows) == len(BARS)
    jobs = of_the_jobs(spark)
    missing = [key for key, value in jobs.items() if value is None]
    assert 0 < len(missing) < len(jobs) / 2, "windows with a hole at their start, and others"
    # To the last bit.
    assert {key: value for key, value in of_bars.items() if key in jobs} == jobs


def of_the_jobs(spark: Any) -> dict[tuple[str, date, int], float | None]:
    """Return the returns to each bar by the jobs' own definition."""
    stored = {(ticker, day) for ticker, day, _ in BARS}
    wanted = [
        (ticker, window.period_days, window.start_session, window.end_session)
        for ticker, window in product(HOLES, windows_of(COMPUTED, ["XNYS"], PERIODS))
        if (ticker, window.end_session) in stored
    ]
    prices = [(ticker, day, "USD", price, 1) for ticker, day, price in BARS]
    rows = with_returns(
        spark.createDataFrame(wanted, "ticker string, period_days int, start_session date, end_session date"),
        spark.createDataFrame(prices, "ticker string, trade_date date, currency string, price double, source_rank int"),
    ).collect()
    return {(row.ticker, row.end_session, row.period_days): row.period_return for row in rows}
