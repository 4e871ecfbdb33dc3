"""How sectors did in a month, against plain pandas. No database: frames in, rows out."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from batch import batch_monthly_sector_analyzer as analyzer
from batch.prices import PRICE_COLUMNS
from batch.sources import with_source_rank
from dollar_prices import dollar_prices
from reason_words import text, text_json, words, words_of_each
from utils.dates import sessions_between
from utils.spark_utils import local_frame

AS_OF = date(2026, 8, 21)
JULY_END = date(2026, 7, 31)
SESSIONS = sessions_between(JULY_END, AS_OF)
Closes = Mapping[str, Sequence[float | None]]


def walk(seed: int, drift: float = 0.0) -> list[float]:
    steps = np.random.default_rng(seed).normal(drift, 0.02, len(SESSIONS))
    return [float(price) for price in 100 * np.cumprod(1 + steps)]


def flat_but(change: float) -> list[float]:
    """Return closes that make all of the month's return on the first day."""
    return [100.0] + [100 * (1 + change)] * (len(SESSIONS) - 1)


@pytest.fixture
def analyze(spark: Any) -> Callable[..., dict[str, Any]]:
    """Return August's rows by sector, from each ticker's sector and closes on SESSIONS (None: no price)."""

    def rows(
        sectors: Mapping[str, str],
        closes: Closes,
        benchmark: float = 0.0,
        extra: Sequence[tuple[Any, ...]] = (),
        known: Mapping[str, date] | None = None,
        doubts: Sequence[tuple[Any, ...]] = (),
    ) -> dict[str, Any]:
        stocks = [(AS_OF, ticker, sector, (known or {}).get(ticker)) for ticker, sector in sectors.items()]
        said = "ticker string, trade_date date, kind string, reason string"
        prices = [
            (ticker, day, "USD", price, 1_000, "yahoo", None, None)
            for ticker, values in closes.items()
            for day, price in zip(SESSIONS, values, strict=True)
            if price is not None
        ]
        windows = [window for exchange in ("XNYS", "XKRX") for window in analyzer.monthly_windows_of(AS_OF, exchange)]
        frame = local_frame(spark, windows, analyzer.MonthlyWindow._fields)
        spy = [("SPY", day, "USD", price, "recorded") for day, price in zip(SESSIONS, flat_but(benchmark), strict=True)]
        etf = "ticker string, trade_date date, currency string, price double, source string"
        found = analyzer.sector_trends(
            stocks=spark.createDataFrame(stocks, "month_end date, ticker string, sector string, known_since date"),
            windows=frame,
            prices=dollar_prices(spark, [*prices, *extra]).select(*PRICE_COLUMNS),
            benchmark=analyzer.benchmark_returns(frame, with_source_rank(spark.createDataFrame(spy, etf))),
            doubts=spark.createDataFrame([(*doubt, text_json(told)) for *doubt, told in doubts], said)
            if doubts
            else None,
        ).collect()
        return {row.sector: row for row in found}

    return rows


def test_the_figures_are_those_of_pandas(analyze: Callable[..., dict[str, Any]]) -> None:
    sectors = {"A": "Technology", "B": "Technology", "C": "Technology", "D": "Energy"}
    closes = {ticker: walk(seed) for seed, ticker in enumerate(sectors)}
    rows = analyze(sectors, closes)
    frame = pd.DataFrame(closes)
    assert set(rows) == {"Technology", "Energy"}
    for sector, row in rows.items():
        own = frame[[ticker for ticker in sectors if sectors[ticker] == sector]]
        daily = own.pct_change().iloc[1:].mean(axis="columns")
        assert row.stock_count == own.shape[1]
        assert row.avg_monthly_return == pytest.approx((own.iloc[-1] / own.iloc[0] - 1).mean(), rel=1e-12)
        assert row.volatility == pytest.approx(daily.std(ddof=1), rel=1e-9)
        assert (row.positive_days, row.trading_days) == ((daily > 0).sum(), len(SESSIONS) - 1)
        assert (row.best_day, row.worst_day) == (pytest.approx(daily.max()), pytest.approx(daily.min()))
        assert (row.year, row.month, row.as_of_date) == (2026, 8, AS_OF)


@pytest.mark.parametrize(
    ("sector", "benchmark", "trends"),
    [(0.05, 0.04, True), (0.05, 0.05, False), (0.05, 0.06, False), (-0.01, -0.02, False), (0.0, -0.02, False)],
)
def test_a_sector_trends_that_rose_more_than_the_benchmark(
    analyze: Callable[..., dict[str, Any]], sector: float, benchmark: float, trends: bool
) -> None:
    row = analyze({"A": "Energy"}, {"A": flat_but(sector)}, benchmark)["Energy"]
    assert (row.avg_monthly_return, row.benchmark_return) == (pytest.approx(sector), pytest.approx(benchmark))
    assert row.is_trending is trends


@pytest.mark.parametrize("missing", [0, -1])
def test_a_stock_without_a_price_at_both_ends_does_not_count(
    analyze: Callable[..., dict[str, Any]], missing: int
) -> None:
    """Not on the days on which it has prices, either."""
    partly: list[float | None] = [*walk(9)]
    partly[missing] = None
    closes = {"A": walk(1), "B": partly}
    row = analyze({"A": "Energy", "B": "Energy"}, closes)["Energy"]
    assert (row.stock_count, row.trading_days) == (1, len(SESSIONS) - 1)
    assert row.best_day == pytest.approx(pd.Series(walk(1)).pct_change().max())
    assert analyze({"B": "Energy"}, closes) == {}


def test_a_day_without_a_price_of_a_stock_is_the_others_day(analyze: Callable[..., dict[str, Any]]) -> None:
    """Two returns need it: of that day, and of the next."""
    partly: list[float | None] = [*walk(2)]
    partly[5] = None
    closes = pd.DataFrame({"A": walk(1), "B": partly}, dtype="float64")
    daily = closes.pct_change(fill_method=None).iloc[1:].mean(axis="columns")
    row = analyze({"A": "Energy", "B": "Energy"}, {"A": walk(1), "B": partly})["Energy"]
    assert row.stock_count == 2
    assert words_of_each(row.gaps) == [f"B: no price on {SESSIONS[5]}"]
    assert row.volatility == pytest.approx(daily.std(ddof=1), rel=1e-9)


def test_a_korean_stock_counts_in_dollars_on_the_days_its_exchange_was_open(
    analyze: Callable[..., dict[str, Any]],
) -> None:
    """Korea was closed on August 17: that day has no return of its own, and the next one begins on the 14th."""
    days = sessions_between(JULY_END, AS_OF, "XKRX")
    assert date(2026, 8, 17) not in days
    won = [70_000 * (1 + 0.001 * (day.day % 7)) for day in days]
    rates = [1_400.0 + day.day for day in days]
    dollars = pd.Series([price / rate for price, rate in zip(won, rates, strict=True)])
    extra = [
        ("005930.KS", day, "KRW", price, 1_000, "yahoo", rate, "simulated")
        for day, price, rate in zip(days, won, rates, strict=True)
    ]
    row = analyze({"005930.KS": "Technology"}, {}, extra=extra)["Technology"]
    assert row.avg_monthly_return == pytest.approx(dollars.iloc[-1] / dollars.iloc[0] - 1)
    assert row.trading_days == len(days) - 1 == len(SESSIONS) - 2
    assert row.volatility == pytest.approx(dollars.pct_change().std(ddof=1), rel=1e-9)
    assert row.source == "simulated"


def test_a_row_is_no_better_than_the_benchmarks_prices(analyze: Callable[..., dict[str, Any]]) -> None:
    assert analyze({"A": "Energy"}, {"A": walk(1)})["Energy"].source == "recorded"


def test_a_month_begins_at_the_last_session_of_the_one_before() -> None:
    """Around Good Friday and Easter Monday of 2024, when March ended on a Thursday."""
    whole, *days = analyzer.monthly_windows_of(date(2024, 4, 3), "XNYS")
    assert (whole.start_session, whole.end_session) == (date(2024, 3, 28), date(2024, 4, 3))
    assert [(span.start_session, span.end_session) for span in days] == [
        (date(2024, 3, 28), date(2024, 4, 1)),
        (date(2024, 4, 1), date(2024, 4, 2)),
        (date(2024, 4, 2), date(2024, 4, 3)),
    ]


@pytest.mark.parametrize("exchange", ["XNYS", "XKRX", "XTKS", "XLON"])
def test_the_days_of_a_month_lead_from_its_start_to_its_end(exchange: str) -> None:
    for month_end in analyzer.month_ends_between(date(2019, 1, 1), date(2027, 12, 31)):
        whole, *days = analyzer.monthly_windows_of(month_end, exchange)
        assert [whole.start_session, *(day.end_session for day in days)] == [
            *(day.start_session for day in days),
            whole.end_session,
        ]


def test_a_month_that_lacks_a_day_of_a_stock_is_degraded_and_says_which(
    analyze: Callable[..., dict[str, Any]],
) -> None:
    """B fell by 72 % on a day whose bar waits for a person: its worst day is not that one."""
    fallen: list[Any] = [100.0] * 5 + [28.0] * (len(SESSIONS) - 5)
    whole = analyze({"A": "Energy", "B": "Energy"}, {"A": flat_but(0.01), "B": fallen})["Energy"]
    assert whole.worst_day == pytest.approx(-0.36)
    assert analyzer.publication_of(AS_OF, [whole], "yahoo").degraded_reason == []
    fallen[5] = None
    row = analyze({"A": "Energy", "B": "Energy"}, {"A": flat_but(0.01), "B": fallen})["Energy"]
    said = analyzer.publication_of(AS_OF, [row], "yahoo", [text("C has no bar of 2026-08-21 (late)")])
    assert (row.stock_count, row.worst_day) == (2, pytest.approx(0.0))
    assert words(said.degraded_reason) == f"B: no price on {SESSIONS[5]}; C has no bar of 2026-08-21 (late)"


def test_a_day_across_a_withheld_break_is_left_out_and_told(analyze: Callable[..., dict[str, Any]]) -> None:
    """So is the stock's month, which is across it, too."""
    tenfold = [100.0] * 5 + [1000.0] * (len(SESSIONS) - 5)
    broken = [("B", SESSIONS[5], "withheld", "prices break")]
    row = analyze({"A": "Energy", "B": "Energy"}, {"A": flat_but(0.01), "B": tenfold}, doubts=broken)["Energy"]
    assert (row.stock_count, row.best_day) == (1, pytest.approx(0.01))
    noted = [("B", SESSIONS[5], "noted", "n")]
    row = analyze({"A": "Energy", "B": "Energy"}, {"A": flat_but(0.01), "B": tenfold}, doubts=noted)["Energy"]
    assert (row.stock_count, words_of_each(row.gaps)) == (2, ["B: n"])


def test_stocks_that_became_known_later_are_hindsight(analyze: Callable[..., dict[str, Any]]) -> None:
    """Of those that count alone: D lacks its month's end."""
    later = date(2026, 9, 24)
    known = {"A": JULY_END, "B": later, "D": date(2026, 10, 1)}
    closes: Closes = {"A": walk(1), "B": walk(2), "C": walk(3), "D": [*walk(4)[:-1], None]}
    rows = analyze({"A": "Energy", "B": "Energy", "C": "Energy", "D": "Energy"}, closes, known=known)
    said = analyzer.publication_of(AS_OF, list(rows.values()), "yahoo")
    assert said.holdings_as_of == later > said.as_of_date
    alone = analyze({"A": "Energy", "C": "Energy"}, closes, known=known)
    assert analyzer.publication_of(AS_OF, list(alone.values()), "yahoo").holdings_as_of == JULY_END


def test_an_empty_month_says_why() -> None:
    said = analyzer.publication_of(AS_OF, [], "recorded")
    assert (said.status, said.source, said.row_count) == ("empty", "recorded", 0)
    assert words(said.reason) == "no stock with a known sector has a price on 2026-07-31 and on 2026-08-21"
