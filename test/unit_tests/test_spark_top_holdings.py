"""How top holdings are measured, against plain pandas. No database: frames in, rows out."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from batch import spark_etf_top_holdings as analysis
from batch.prices import PRICE_COLUMNS
from batch.returns import ReturnWindow, windows_of
from batch.sources import with_source_rank
from dollar_prices import dollar_prices
from reason_words import words
from utils.dates import session_before, sessions_between
from utils.spark_utils import local_frame

AS_OF = date(2026, 8, 21)
SESSIONS = sessions_between(session_before(AS_OF, 20), AS_OF)
KOREAN = sessions_between(date(2026, 7, 23), AS_OF, "XKRX")  # 20 sessions of its own: Korea was closed on August 17
HOLDINGS = (
    "etf_ticker string, ticker string, stock_name string, holding_rank int, holding_percent double, "
    "holdings_as_of date, source string"
)
Prices = Sequence[float | None]


def walk(seed: int, count: int = 21) -> list[float]:
    steps = np.random.default_rng(seed).normal(0.001, 0.02, count)
    return [float(price) for price in 100 * np.cumprod(1 + steps)]


def held(etf: str, *tickers: str, as_of: date = AS_OF, share: float | None = None) -> list[tuple[Any, ...]]:
    return [
        (etf, ticker, f"{ticker} Inc.", rank, share or 0.2 - rank / 100, as_of, "yahoo")
        for rank, ticker in enumerate(tickers, 1)
    ]


@pytest.fixture
def measure(spark: Any) -> Callable[..., dict[tuple[str, str, int], Any]]:
    """Return the rows by ETF, ticker and period, from holdings and closes by ticker (None: no price)."""

    def rows(
        holdings: Sequence[Sequence[tuple[Any, ...]]],
        closes: dict[str, Prices],
        rates: Prices = (),
        days: Sequence[date] = (AS_OF,),
        source: str = "yahoo",
    ) -> dict[tuple[str, str, int], Any]:
        prices = [
            (ticker, day, "KRW" if _is_korean(ticker) else "USD", price, 1_000, source, rate, "yahoo")
            for ticker, values in closes.items()
            for day, price, rate in _dated(ticker, values, rates)
            if price is not None
        ]
        windows = windows_of(days, ["XNYS", "XKRX"], [5, 10, 20])
        etfs = sorted({row[0] for group in holdings for row in group})
        measured = analysis.top_holdings(
            etfs=spark.createDataFrame(
                [(day, etf) for day in days for etf in etfs], "as_of_date date, etf_ticker string"
            ),
            holdings=with_source_rank(spark.createDataFrame([row for group in holdings for row in group], HOLDINGS)),
            windows=local_frame(spark, windows, ReturnWindow._fields),
            daily_windows=local_frame(
                spark, analysis.daily_windows_of(windows), ("exchange", "start_session", "end_session")
            ),
            prices=dollar_prices(spark, prices).select(*PRICE_COLUMNS),
        ).collect()
        return {(row.etf_ticker, row.stock_ticker, row.period_days): row for row in measured}

    return rows


def _is_korean(ticker: str) -> bool:
    return ticker.endswith(".KS")


def _dated(ticker: str, values: Prices, rates: Prices) -> Any:
    return zip(KOREAN if _is_korean(ticker) else SESSIONS, values, rates or [None] * len(values), strict=True)


def same(row: Any, dollars: Sequence[float]) -> None:
    """Return pandas' figures for the last N returns of these closes."""
    returns = pd.Series(dollars).pct_change().iloc[-row.period_days :]
    assert row.total_return == pytest.approx(dollars[-1] / dollars[-1 - row.period_days] - 1, rel=1e-12)
    assert row.avg_return == pytest.approx(returns.mean(), rel=1e-9)
    assert row.volatility == pytest.approx(returns.std(ddof=1), rel=1e-9)
    assert row.sharpe_ratio == pytest.approx(returns.mean() / returns.std(ddof=1), rel=1e-9)
    assert row.missing_reason is None


def test_the_figures_are_those_of_pandas(measure: Callable[..., Any]) -> None:
    closes = {ticker: walk(seed) for seed, ticker in enumerate("ABCDE")}
    rows = measure([held("QQQ", *closes)], closes)
    assert len(rows) == 15
    for (_, ticker, _), row in rows.items():
        same(row, closes[ticker])


def test_korean_stocks_are_measured_in_dollars_on_their_own_sessions(measure: Callable[..., Any]) -> None:
    won, rates = [700.0 * price for price in walk(7)], [1350 + 10 * rate for rate in walk(8)]
    rows = measure([held("EWY", "005930.KS")], {"005930.KS": won}, rates)
    assert [(row.start_session, row.end_session) for row in rows.values()] == [
        (KOREAN[-1 - days], AS_OF) for days in (5, 10, 20)
    ]
    for row in rows.values():
        same(row, [price / rate for price, rate in zip(won, rates, strict=True)])


def test_ranks_follow_the_total_return_of_each_period(measure: Callable[..., Any]) -> None:
    """B rose early, A late. C's price is missing and D equals A."""
    early, late = [100.0] * 5 + [120.0] * 16, [100.0] * 19 + [110.0] * 2
    rows = measure([held("QQQ", "D", "A", "B", "C")], {"A": late, "B": early, "C": [None] * 20 + [1.0], "D": late})
    ranks = {days: [row.stock_ticker for row in rows.values() if row.period_days == days] for days in (5, 20)}
    assert ranks == {5: ["D", "A", "B", "C"], 20: ["B", "D", "A", "C"]}
    assert [row.rank_position for row in rows.values()] == [1, 2, 3, 4] * 3
    assert rows["QQQ", "B", 20].holding_rank == 3


def test_equal_returns_and_holdings_are_ranked_by_ticker(measure: Callable[..., Any]) -> None:
    rows = measure([held("QQQ", "Z", "A", share=0.1)], {"A": walk(1), "Z": walk(1)})
    assert [row.stock_ticker for row in rows.values() if row.period_days == 20] == ["A", "Z"]


@pytest.mark.parametrize("growth", [1.0, 1.01])
def test_without_variance_there_is_no_sharpe_ratio(measure: Callable[..., Any], growth: float) -> None:
    rows = measure([held("QQQ", "A")], {"A": [100 * growth**day for day in range(21)]})
    for row in rows.values():
        assert row.avg_return == pytest.approx(growth - 1)
        assert (row.volatility, row.sharpe_ratio) == (pytest.approx(0, abs=1e-12), None)


@pytest.mark.parametrize(
    ("gap", "reason"),
    [
        (-1, "no price on 2026-08-21"),
        (-21, "no price on 2026-07-24"),
    ],
)
def test_a_missing_end_gives_no_value(measure: Callable[..., Any], gap: int, reason: str) -> None:
    closes: list[float | None] = [*walk(3)]
    closes[gap] = None
    row = measure([held("QQQ", "A", "B")], {"A": closes, "B": walk(4)})["QQQ", "A", 20]
    assert (row.total_return, row.avg_return, row.volatility, row.sharpe_ratio) == (None, None, None, None)
    assert (words(row.missing_reason), row.rank_position) == (reason, 2)


def test_a_missing_price_between_the_ends_leaves_the_total_return(measure: Callable[..., Any]) -> None:
    closes: list[float | None] = [*walk(3)]
    closes[-8] = None  # within the last 10 sessions, not within the last 5
    rows = measure([held("QQQ", "A")], {"A": closes})
    same(rows["QQQ", "A", 5], walk(3))
    for days in (10, 20):
        row = rows["QQQ", "A", days]
        assert row.total_return == pytest.approx(walk(3)[-1] / walk(3)[-1 - days] - 1)
        assert (row.avg_return, row.volatility, row.sharpe_ratio) == (None, None, None)
        assert words(row.missing_reason) == f"no price on {SESSIONS[-8]}"


def test_the_snapshot_known_by_the_session_else_the_first_later_one(measure: Callable[..., Any]) -> None:
    later = date(2026, 9, 24)
    rows = measure(
        [
            held("QQQ", "OLD", as_of=date(2026, 7, 1)), held("QQQ", "NOW", as_of=date(2026, 8, 20)),
            held("QQQ", "LATER", as_of=later), held("XLV", "SOON", as_of=later),
        ],
        {"NOW": walk(1)},
    )  # fmt: skip
    assert {(etf, ticker, row.holdings_as_of) for (etf, ticker, _), row in rows.items()} == {
        ("QQQ", "NOW", date(2026, 8, 20)),
        ("XLV", "SOON", later),
    }
    assert words(rows["XLV", "SOON", 20].missing_reason) == "no price on 2026-08-21; no price on 2026-07-24"


def test_a_stock_of_several_etfs_is_measured_for_each(measure: Callable[..., Any]) -> None:
    rows = measure([held("QQQ", "A", "B"), held("XLV", "C", "A")], {name: walk(n) for n, name in enumerate("ABC")})
    assert len(rows) == 12
    mine, other = rows["QQQ", "A", 20], rows["XLV", "A", 20]
    assert (mine.sharpe_ratio, mine.total_return) == (other.sharpe_ratio, other.total_return)
    assert (mine.holding_rank, other.holding_rank) == (1, 2)


def test_a_row_carries_the_worst_label_of_what_it_is_made_of(measure: Callable[..., Any]) -> None:
    rows = measure([held("QQQ", "A")], {"A": walk(1)}, source="recorded")
    assert {row.source for row in rows.values()} == {"recorded"}


def test_what_is_said_of_a_period_as_a_whole(measure: Callable[..., Any]) -> None:
    """An ETF that lacks some of its holdings' prices is degraded. One without any collected price is not."""
    rows = measure([held("QQQ", "A", "B"), held("XLV", "C")], {"A": walk(1)})
    of_period = [row for (_, _, days), row in rows.items() if days == 5]
    said = analysis.publication_of(analysis.Measured.of_rows(AS_OF, 5, of_period))
    assert (said.status, said.reason, said.row_count, said.holdings_as_of) == ("published", [], 3, AS_OF)
    assert words(said.degraded_reason) == "B: no price on 2026-08-21; no price on 2026-08-14"
    without = [row for row in of_period if row.stock_ticker != "A"]
    nothing = analysis.publication_of(analysis.Measured.of_rows(AS_OF, 5, without))
    assert (nothing.status, nothing.degraded_reason) == ("empty", [])
    assert words(nothing.reason) == "none of the 2 top holdings has a return over 5 sessions"


def test_a_range_gives_what_its_sessions_give_one_by_one(measure: Callable[..., Any]) -> None:
    closes = {"A": walk(1), "B": walk(2), "005930.KS": walk(3)}
    rates = walk(4)
    held_by = [held("QQQ", "A", "B"), held("EWY", "005930.KS", as_of=date(2026, 8, 20))]
    both = measure(held_by, closes, rates, days=[SESSIONS[-2], AS_OF])
    alone = measure(held_by, closes, rates)
    assert {key: row for key, row in both.items() if row.analysis_date == AS_OF} == alone
