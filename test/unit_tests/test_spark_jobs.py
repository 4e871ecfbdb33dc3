"""The Spark jobs' decisions on tables small enough to follow by hand. No database: frames in, rows out."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from batch import portfolios
from batch import spark_active_stock_allocator as allocator
from batch import spark_trending_etf_identifier as identifier
from batch.portfolios import TrendingResult
from batch.returns import windows_of, with_returns
from batch.sources import with_source_rank
from config.universe import ALL_HOLDINGS, universe
from dollar_prices import DESCRIBED, dollar_prices
from reason_words import text_json, words, words_of_each
from utils.reasons import from_json, reason
from utils.spark_utils import local_frame

AS_OF = date(2026, 8, 21)
STARTS = {5: date(2026, 8, 14), 10: date(2026, 8, 7), 20: date(2026, 7, 24)}
KOREAN_STARTS = {5: date(2026, 8, 13), 10: date(2026, 8, 6), 20: date(2026, 7, 23)}
WINDOW = ("as_of_date", "exchange", "period_days", "start_session", "end_session")

ETF_PRICES = "ticker string, trade_date date, currency string, price double, source string"
TRENDING = "as_of_date date, etf_ticker string, period_days int, source string"
HOLDINGS = (
    "etf_ticker string, ticker string, holding_rank int, holding_percent double, holdings_as_of date, source string"
)


def windows(spark: Any, sessions: Sequence[date] = (AS_OF,)) -> Any:
    return local_frame(spark, windows_of(sessions, ["XNYS", "XKRX"], [5, 10, 20]), WINDOW)


# ── trending ETFs ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def identify(spark: Any) -> Callable[..., dict[str, Any]]:
    """Return the job's rows by ETF, from closes 20, 10, 5 and 0 sessions before AS_OF (None: no price)."""

    def rows(source: dict[str, str] | None = None, **closes: tuple[float | None, ...]) -> dict[str, Any]:
        days = [STARTS[20], STARTS[10], STARTS[5], AS_OF]
        prices = [
            (ticker, day, "USD", float(close), (source or {}).get(ticker, "yahoo"))
            for ticker, values in closes.items()
            for day, close in zip(days, values, strict=True)
            if close is not None
        ]
        known = with_source_rank(spark.createDataFrame(prices, ETF_PRICES))
        returns = with_returns(identifier.with_each_etf(windows(spark), list(closes)), known)
        found = identifier.identify_trending(identifier.one_row_per_etf(returns), "SPY").collect()
        return {row.etf_ticker: row for row in found}

    return rows


def compared(rows: dict[str, Any]) -> identifier.Compared:
    return identifier.Compared.of_rows(AS_OF, list(rows.values()))


def test_an_etf_trends_that_rose_more_than_the_benchmark(identify: Callable[..., dict[str, Any]]) -> None:
    row = identify(SPY=(100, 100, 100, 102), QQQ=(100, 99, 101, 104))["QQQ"]
    assert row.return_20d == pytest.approx(0.04)
    assert row.return_10d == pytest.approx(104 / 99 - 1)
    assert row.return_5d == pytest.approx(104 / 101 - 1)
    assert row.spy_return_20d == row.spy_return_5d == pytest.approx(0.02)
    assert row.outperformance == pytest.approx(0.02)
    assert (row.is_trending, row.is_trending_10d, row.is_trending_5d) == (True, True, True)
    assert row.missing_reason is None


def test_a_falling_etf_does_not_trend(identify: Callable[..., dict[str, Any]]) -> None:
    """It fell less than the benchmark, and between its end points it had been far above both."""
    row = identify(SPY=(100, 80, 80, 90), XLU=(100, 200, 150, 95))["XLU"]
    assert row.outperformance == pytest.approx(0.05)
    assert row.return_20d == pytest.approx(-0.05)
    assert not row.is_trending


def test_rising_less_than_the_benchmark_is_no_trend(identify: Callable[..., dict[str, Any]]) -> None:
    assert not identify(SPY=(100, 100, 100, 105), XLP=(100, 100, 100, 104))["XLP"].is_trending


def test_as_much_as_the_benchmark_is_no_trend(identify: Callable[..., dict[str, Any]]) -> None:
    row = identify(SPY=(100, 100, 100, 105), XLP=(200, 200, 200, 210))["XLP"]
    assert (row.is_trending, row.is_trending_10d, row.is_trending_5d) == (False, False, False)


def test_the_benchmark_is_no_candidate(identify: Callable[..., dict[str, Any]]) -> None:
    assert set(identify(SPY=(1, 1, 1, 2), QQQ=(1, 1, 1, 3))) == {"QQQ"}


def test_each_period_has_a_flag_of_its_own(identify: Callable[..., dict[str, Any]]) -> None:
    row = identify(SPY=(100, 100, 100, 100), IWM=(105, 95, 105, 100))["IWM"]
    assert (row.is_trending, row.is_trending_10d, row.is_trending_5d) == (False, True, False)


def test_a_missing_start_gives_no_value_and_says_why(identify: Callable[..., dict[str, Any]]) -> None:
    row = identify(SPY=(100, 100, 100, 101), DIA=(None, 100, 100, 105))["DIA"]
    assert (row.return_20d, row.outperformance, row.rank_by_outperformance, row.is_trending) == (
        None,
        None,
        None,
        False,
    )
    assert row.is_trending_10d
    assert words(row.missing_reason) == "DIA: no price on 2026-07-24"


def test_a_missing_end_gives_no_value_for_any_period(identify: Callable[..., dict[str, Any]]) -> None:
    row = identify(SPY=(100, 100, 100, 101), DIA=(100, 100, 100, None))["DIA"]
    assert (row.return_20d, row.return_10d, row.return_5d) == (None, None, None)
    assert words(row.missing_reason) == "DIA: no price on 2026-08-21"


def test_without_the_benchmark_nothing_trends(identify: Callable[..., dict[str, Any]]) -> None:
    row = identify(SPY=(None, 100, 100, 101), QQQ=(50, 100, 100, 105))["QQQ"]
    assert row.return_20d == pytest.approx(1.1)
    assert (row.spy_return_20d, row.outperformance, row.is_trending) == (None, None, False)
    assert words(row.missing_reason) == "SPY: no price on 2026-07-24"


def test_every_reason_is_named_once(identify: Callable[..., dict[str, Any]]) -> None:
    row = identify(SPY=(None, 100, None, 101), QQQ=(None, 100, 100, None))["QQQ"]
    assert words(row.missing_reason) == (
        "QQQ: no price on 2026-07-24; QQQ: no price on 2026-08-21; "
        "SPY: no price on 2026-07-24; SPY: no price on 2026-08-14"
    )


def test_ranks_follow_the_outperformance_then_the_ticker(identify: Callable[..., dict[str, Any]]) -> None:
    rows = identify(
        SPY=(100, 100, 100, 100), XLK=(100, 100, 100, 103), XLB=(100, 100, 100, 103), XLF=(100, 100, 100, 109),
        DIA=(None, 100, 100, 150), XLV=(100, 100, 100, 90),
    )  # fmt: skip
    ranks = {etf: row.rank_by_outperformance for etf, row in rows.items()}
    assert ranks == {"XLF": 1, "XLB": 2, "XLK": 3, "XLV": 4, "DIA": None}


def test_a_row_carries_the_worst_label_of_its_prices(identify: Callable[..., dict[str, Any]]) -> None:
    closes = {"SPY": (1, 1, 1, 1), "QQQ": (1, 1, 1, 1)}
    assert identify({"SPY": "recorded"}, **closes)["QQQ"].source == "recorded"
    assert identify({"SPY": "recorded", "QQQ": "simulated"}, **closes)["QQQ"].source == "simulated"


def test_a_session_on_which_something_trends_is_published(identify: Callable[..., dict[str, Any]]) -> None:
    rows = identify(SPY=(100, 100, 100, 100), QQQ=(105, 105, 99, 100), DIA=(105, 105, 105, 100))
    published = identifier.publication_of(compared(rows))
    assert (published.status, published.reason, published.row_count) == ("published", [], 2)


def test_a_session_on_which_nothing_trends_is_empty_and_says_why(identify: Callable[..., dict[str, Any]]) -> None:
    rows = identify(SPY=(100, 100, 100, 100), QQQ=(105, 105, 105, 100), DIA=(None, 105, 105, 100))
    published = identifier.publication_of(compared(rows))
    assert (published.status, published.row_count) == ("empty", 2)
    assert words(published.reason) == (
        "no ETF has a positive return that is higher than SPY's over any period; without a value: "
        "DIA: no price on 2026-07-24"
    )


def test_a_session_before_which_too_little_is_stored_is_not_computable(identify: Callable[..., dict[str, Any]]) -> None:
    """No history of SPY is no reason to be in cash."""
    rows = identify(SPY=(None, None, None, 100), QQQ=(50, 60, 70, 100), DIA=(None, 60, 70, 100))
    published = identifier.publication_of(compared(rows))
    assert (published.status, published.row_count) == ("not_computable", 2)
    assert words(published.reason) == (
        "not computable: no ETF can be compared with SPY over any period; "
        "SPY: no price on 2026-07-24; SPY: no price on 2026-08-07; SPY: no price on 2026-08-14"
    )


def test_one_period_is_enough_to_decide(identify: Callable[..., dict[str, Any]]) -> None:
    rows = identify(SPY=(None, None, 99, 100), QQQ=(50, 60, 100, 90))
    assert identifier.publication_of(compared(rows)).status == "empty"
    rows = identify(SPY=(None, None, 99, 100), QQQ=(50, 60, 70, 100))
    assert identifier.publication_of(compared(rows)).status == "published"


def test_a_portfolio_over_a_period_that_is_not_computable_is_no_cash(allocate: Callable[..., list[Any]]) -> None:
    """The shorter ones are decided as ever."""
    rows = allocate({"QQQ": [5]}, [held("QQQ", "A")], [stock("A", 100, 110, days=5)])
    trending = TrendingResult("yahoo", [], {20: [reason("not_comparable_over", benchmark="SPY", days=20)]})
    positions, publications = portfolios.portfolios(rows, {AS_OF: trending}, {})
    assert [(line.period_days, line.status, words(line.reason)) for line in publications] == [
        (5, "published", None),
        (10, "empty", "no ETF trends over 10 sessions"),
        (20, "not_computable", "not computable: no ETF can be compared with SPY over 20 sessions"),
    ]
    assert [line.cash_weight for line in publications] == [0.0, 1.0, 1.0]
    assert {row["period_days"] for row in positions} == {5}


# ── portfolios ───────────────────────────────────────────────────────────────────────────────────────────────────────


def stock(
    ticker: str,
    start: float | None,
    end: float | None,
    cap: int | None = 1_000,
    *,
    days: int = 20,
    sector: str | None = "Technology",
    currency: str = "USD",
    rates: tuple[float | None, float | None] = (None, None),
    source: str = "yahoo",
) -> list[tuple[Any, ...]]:
    """Return a stock's rows at both ends of a window. The market cap is that at the end."""
    first = (STARTS if currency == "USD" else KOREAN_STARTS)[days]
    return [
        (ticker, day, currency, float(price), market_cap, "quoted", f"{ticker} Inc.", sector, source, rate, "yahoo")
        for day, price, market_cap, rate in ((first, start, 1, rates[0]), (AS_OF, end, cap, rates[1]))
        if price is not None
    ]


def held(etf: str, *tickers: str, as_of: date = AS_OF, percents: Sequence[float] = ()) -> list[tuple[Any, ...]]:
    shares = percents or [0.2 - rank / 100 for rank in range(len(tickers))]
    return [
        (etf, ticker, rank, share, as_of, "yahoo")
        for rank, (ticker, share) in enumerate(zip(tickers, shares, strict=True), 1)
    ]


@pytest.fixture
def allocate(spark: Any) -> Callable[..., list[Any]]:
    """Return the judged candidates, from the trending ETFs' periods and their holdings."""

    def rows(
        trending: dict[str, Sequence[int]],
        holdings: list[list[tuple[Any, ...]]],
        stocks: list[list[tuple[Any, ...]]],
        trending_source: str = "yahoo",
        doubts: Sequence[tuple[Any, ...]] = (),
    ) -> list[Any]:
        said = "ticker string, trade_date date, kind string, reason string"
        flags = [(AS_OF, etf, days, trending_source) for etf, periods in trending.items() for days in periods]
        return list(
            allocator.candidates_of(
                with_source_rank(spark.createDataFrame(flags, TRENDING)),
                with_source_rank(spark.createDataFrame([row for rows in holdings for row in rows], HOLDINGS)),
                windows(spark),
                dollar_prices(spark, [row for rows in stocks for row in rows], DESCRIBED),
                spark.createDataFrame([(*doubt, text_json(told)) for *doubt, told in doubts], said) if doubts else None,
            ).collect()
        )

    return rows


def reasons(rows: list[Any]) -> dict[str, str | None]:
    return {row.ticker: words(row.exclusion_reason) for row in rows}


def portfolio(rows: list[Any], cap: float = 1.0) -> tuple[dict[str, Any], float]:
    positions, cash = portfolios.portfolio_of([row for row in rows if row.is_selected], cap)
    return {row["ticker"]: row for row in positions}, cash


@pytest.mark.parametrize(("top", "among"), [(5, "the top 5 of QQQ"), (ALL_HOLDINGS, "all holdings of QQQ")])
def test_a_position_says_among_how_many_holdings_it_was_the_best(
    allocate: Callable[..., list[Any]], monkeypatch: pytest.MonkeyPatch, top: int, among: str
) -> None:
    monkeypatch.setattr(portfolios, "universe", lambda: replace(universe(), top_holdings=top))

    positions, _ = portfolio(allocate({"QQQ": [20]}, [held("QQQ", "A")], [stock("A", 100, 110)]))

    assert (words(positions["A"]["allocation_reason"]) or "").startswith(f"best of {among} over 20 sessions: +10.00%")


def test_the_best_performer_of_each_etf_is_chosen(allocate: Callable[..., list[Any]]) -> None:
    rows = allocate(
        {"QQQ": [20]}, [held("QQQ", "A", "B", "C")], [stock("A", 100, 103), stock("B", 100, 110), stock("C", 100, 99)]
    )
    assert reasons(rows) == {
        "A": "B returned more (+10.00 %)",
        "B": None,
        "C": "return of -1.00 % is not positive",
    }
    assert [row.is_selected for row in rows] == [False, True, False]
    assert (rows[1].start_session, rows[1].end_session) == (STARTS[20], AS_OF)


def test_score_and_weight(allocate: Callable[..., list[Any]]) -> None:
    rows = allocate(
        {"QQQ": [20], "XLF": [20]},
        [held("QQQ", "A"), held("XLF", "B")],
        [stock("A", 100, 110, cap=2_000), stock("B", 100, 105, cap=500)],
    )
    positions, cash = portfolio(rows)
    assert positions["A"]["score"] == pytest.approx(0.10 / 2_000, rel=1e-12)
    assert positions["B"]["score"] == pytest.approx(0.05 / 500, rel=1e-12)
    assert positions["A"]["portfolio_weight"] == pytest.approx(1 / 3, rel=1e-12)
    assert positions["B"]["portfolio_weight"] == pytest.approx(2 / 3, rel=1e-12)
    assert (positions["B"]["position_rank"], positions["A"]["position_rank"], cash) == (1, 2, 0.0)


def test_a_stock_that_several_etfs_choose_is_one_position(allocate: Callable[..., list[Any]]) -> None:
    rows = allocate(
        {"XLV": [20], "SCHD": [20], "QQQ": [20]},
        [held("XLV", "A"), held("SCHD", "A", "B"), held("QQQ", "C")],
        [stock("A", 100, 110), stock("B", 100, 101), stock("C", 100, 110)],
    )
    positions, cash = portfolio(rows)
    assert positions["A"]["source_etfs"] == ["SCHD", "XLV"]
    assert positions["A"]["portfolio_weight"] == positions["C"]["portfolio_weight"] == pytest.approx(0.5)
    assert sum(row["portfolio_weight"] for row in positions.values()) + cash == pytest.approx(1.0, abs=1e-12)


def test_of_equal_returns_the_larger_holding_is_chosen(allocate: Callable[..., list[Any]]) -> None:
    rows = allocate(
        {"QQQ": [20]},
        [held("QQQ", "Z", "A", percents=[0.10, 0.05])],
        [stock("A", 100, 110), stock("Z", 50, 55)],
    )
    assert reasons(rows) == {"Z": None, "A": "Z returned the same and is the larger holding"}


def test_of_equal_holdings_the_first_ticker_is_chosen(allocate: Callable[..., list[Any]]) -> None:
    rows = allocate(
        {"QQQ": [20]},
        [held("QQQ", "Z", "A", percents=[0.10, 0.10])],
        [stock("A", 100, 110), stock("Z", 50, 55)],
    )
    assert reasons(rows) == {"A": None, "Z": "A is equal in return and holding, and first by ticker"}


@pytest.mark.parametrize("cap", [None, 0])
def test_a_candidate_without_a_market_cap_is_passed_over(allocate: Callable[..., list[Any]], cap: int | None) -> None:
    rows = allocate({"QQQ": [20]}, [held("QQQ", "A", "B")], [stock("A", 100, 150, cap=cap), stock("B", 100, 101)])
    assert reasons(rows) == {"A": "no market cap on 2026-08-21", "B": None}


@pytest.mark.parametrize(
    ("start", "end", "reason"),
    [
        (None, 100, "no price on 2026-07-24"),
        (100, None, "no price on 2026-08-21"),
        (None, None, "no price on 2026-08-21; no price on 2026-07-24"),
        (100, 100, "return of +0.00 % is not positive"),
    ],
)
def test_why_a_candidate_is_not_eligible(
    allocate: Callable[..., list[Any]], start: float | None, end: float | None, reason: str
) -> None:
    rows = allocate({"QQQ": [20]}, [held("QQQ", "A", "B")], [stock("A", start, end), stock("B", 100, 101)])
    assert reasons(rows) == {"A": reason, "B": None}


def test_a_candidate_across_a_withheld_break_is_passed_over(allocate: Callable[..., list[Any]]) -> None:
    """Its +900 % would have been the best. B's noted break does not exclude it, and B is chosen."""
    step = "prices break at 2026-08-12: close moved +900 %"
    rows = allocate(
        {"QQQ": [20]},
        [held("QQQ", "A", "B")],
        [stock("A", 100, 1000), stock("B", 100, 101)],
        doubts=[("A", date(2026, 8, 12), "withheld", step), ("B", date(2026, 8, 12), "noted", "n")],
    )
    assert reasons(rows) == {"A": step, "B": None}
    assert {row.ticker: words_of_each(row.noted) for row in rows} == {"A": [], "B": ["n"]}


def test_a_reason_is_data(allocate: Callable[..., list[Any]]) -> None:
    rows = allocate({"QQQ": [20]}, [held("QQQ", "A", "B")], [stock("A", 100, 103), stock("B", 100, 110)])
    [why] = from_json(rows[0].exclusion_reason)
    assert (why.code, why.params) == ("returned_more", {"ticker": "B", "gain": pytest.approx(0.1, abs=1e-15)})


def test_a_reason_is_kept_whole_however_long(allocate: Callable[..., list[Any]]) -> None:
    long = [("A", date(2026, 8, 12), "withheld", "x" * 250), ("A", date(2026, 8, 13), "withheld", "y" * 250)]
    rows = allocate({"QQQ": [20]}, [held("QQQ", "A", "B")], [stock("A", 1, 2), stock("B", 100, 101)], doubts=long)
    assert reasons(rows)["A"] == "x" * 250 + "; " + "y" * 250


def test_a_candidate_of_an_unknown_exchange_is_excluded_with_that_reason(allocate: Callable[..., list[Any]]) -> None:
    [row, other] = allocate({"QQQ": [20]}, [held("QQQ", "VIC.VN", "B")], [stock("VIC.VN", 1, 2), stock("B", 100, 101)])
    assert (row.ticker, words(row.exclusion_reason)) == ("VIC.VN", "no exchange is known for the suffix .VN")
    assert (row.start_session, row.end_session, other.is_selected) == (STARTS[20], AS_OF, True)


def test_nobody_eligible_is_an_empty_portfolio_with_everyones_reason(allocate: Callable[..., list[Any]]) -> None:
    rows = allocate({"QQQ": [20]}, [held("QQQ", "A", "B")], [stock("A", 100, 90), stock("B", 100, 110, cap=None)])
    assert portfolio(rows) == ({}, 1.0)
    assert str(portfolios.why_empty(20, rows)) == (
        "none of the 2 largest holdings of QQQ is eligible: "
        "A: return of -10.00 % is not positive; B: no market cap on 2026-08-21"
    )


def test_an_etf_without_holdings_is_known_by_name(allocate: Callable[..., list[Any]]) -> None:
    rows = allocate({"XLU": [20]}, [held("QQQ", "A")], [stock("A", 100, 110)])
    assert [(row.etf_ticker, row.ticker, row.is_selected) for row in rows] == [("XLU", None, False)]
    assert str(portfolios.why_empty(20, rows)) == "no holdings are stored of XLU"


def test_no_trending_etf_is_a_reason_too() -> None:
    assert str(portfolios.why_empty(5, [])) == "no ETF trends over 5 sessions"


def test_korean_stocks_are_judged_in_dollars_on_their_own_sessions(allocate: Callable[..., list[Any]]) -> None:
    """It gained 10 % in won and lost 5 % by the rate. The market cap is at the end's rate."""
    won = stock("005930.KS", 70_000, 77_000, 420_000_000, currency="KRW", rates=(1330.0, 1400.0))
    [row] = allocate({"EWY": [20]}, [held("EWY", "005930.KS")], [won])
    assert row.period_return == pytest.approx((77_000 / 1400) / (70_000 / 1330) - 1, rel=1e-14)
    assert row.market_cap == 300_000
    assert (row.start_session, row.end_session, row.is_selected) == (KOREAN_STARTS[20], AS_OF, True)


@pytest.mark.parametrize(
    ("rates", "reason"),
    [
        ((None, 1400.0), "no KRW=X rate on 2026-07-23"),
        ((1330.0, None), "no KRW=X rate on 2026-08-21"),
    ],
)
def test_without_a_rate_a_korean_stock_is_excluded_with_that_reason(
    allocate: Callable[..., list[Any]], rates: tuple[float | None, float | None], reason: str
) -> None:
    won = stock("005930.KS", 70_000, 77_000, 420_000_000, currency="KRW", rates=rates)
    [row] = allocate({"EWY": [20]}, [held("EWY", "005930.KS")], [won])
    assert (words(row.exclusion_reason), row.period_return) == (reason, None)


def test_the_newest_snapshot_known_by_the_session_counts(allocate: Callable[..., list[Any]]) -> None:
    snapshots = [
        held("QQQ", "OLD", as_of=date(2026, 7, 1)),
        held("QQQ", "NOW", as_of=date(2026, 8, 20)),
        held("QQQ", "LATER", as_of=date(2026, 8, 24)),
    ]
    [row] = allocate({"QQQ": [20]}, snapshots, [stock("NOW", 100, 110)])
    assert (row.ticker, row.holdings_as_of) == ("NOW", date(2026, 8, 20))


def test_a_snapshot_of_the_session_itself_is_known(allocate: Callable[..., list[Any]]) -> None:
    snapshots = [held("QQQ", "OLD", as_of=date(2026, 7, 1)), held("QQQ", "NOW", as_of=AS_OF)]
    [row] = allocate({"QQQ": [20]}, snapshots, [stock("NOW", 100, 110)])
    assert row.ticker == "NOW"


def test_without_a_known_snapshot_the_first_later_one_stands_in_and_shows_it(
    allocate: Callable[..., list[Any]],
) -> None:
    snapshots = [held("QQQ", "SOON", as_of=date(2026, 8, 24)), held("QQQ", "LATER", as_of=date(2026, 9, 24))]
    [row] = allocate({"QQQ": [20]}, snapshots, [stock("SOON", 100, 110)])
    assert (row.ticker, row.holdings_as_of) == ("SOON", date(2026, 8, 24))
    assert row.holdings_as_of > AS_OF


def test_a_position_of_several_snapshots_carries_the_latest(allocate: Callable[..., list[Any]]) -> None:
    """The date by which a reader sees whether the holdings were known at the time."""
    rows = allocate(
        {"QQQ": [20], "XLV": [20]},
        [held("QQQ", "A", as_of=date(2026, 8, 24)), held("XLV", "A", as_of=date(2026, 8, 3))],
        [stock("A", 100, 110)],
    )
    positions, publications = portfolios.portfolios(rows, {AS_OF: TrendingResult("yahoo")}, {})
    assert [row["holdings_as_of"] for row in positions] == [date(2026, 8, 24)]
    lines = {line.period_days: (line.status, line.cash_weight, line.holdings_as_of) for line in publications}
    assert lines == {
        5: ("empty", 1.0, None),
        10: ("empty", 1.0, None),
        20: ("published", 0.0, date(2026, 8, 24)),
    }


def test_each_period_has_a_portfolio_of_its_own(allocate: Callable[..., list[Any]]) -> None:
    both = [*stock("A", 100, 110), *stock("A", 120, None, days=5)]
    rows = allocate({"QQQ": [5, 20]}, [held("QQQ", "A", "B")], [both, stock("B", 100, 105, days=5)])
    chosen = {(row.period_days, row.ticker): words(row.exclusion_reason) for row in rows}
    assert chosen == {
        (5, "A"): "return of -8.33 % is not positive",
        (5, "B"): None,
        (20, "A"): None,
        (20, "B"): "no price on 2026-07-24",
    }
    assert {row.ticker: row.return_5d for row in rows} == {"A": pytest.approx(110 / 120 - 1), "B": pytest.approx(0.05)}
    assert {row.ticker: row.return_20d for row in rows} == {"A": pytest.approx(0.10), "B": None}
    assert all((row.is_trending_5d, row.is_trending_10d, row.is_trending_20d) == (True, False, True) for row in rows)


def test_a_sectors_average_counts_each_candidate_once(allocate: Callable[..., list[Any]]) -> None:
    """A is held by two ETFs and in two portfolios. D's sector is unknown."""
    rows = allocate(
        {"QQQ": [20], "XLV": [5, 20]},
        [held("QQQ", "A", "B", "D"), held("XLV", "A", "C")],
        [
            stock("A", 100, 110), stock("B", 100, 98), stock("C", 100, 130, sector="Energy"),
            stock("D", 100, 150, sector=None),
        ],
    )  # fmt: skip
    averages = {row.ticker: row.sector_avg_20d for row in rows}
    assert averages == {"A": pytest.approx(0.04), "B": pytest.approx(0.04), "C": pytest.approx(0.30), "D": None}
    assert {row.sector_avg_5d for row in rows} == {None}


def test_ranks_in_the_other_portfolios_of_the_session() -> None:
    def position(ticker: str, days: int, rank: int, day: date = AS_OF) -> dict[str, Any]:
        return {"as_of_date": day, "ticker": ticker, "period_days": days, "position_rank": rank}

    earlier = date(2026, 8, 20)
    rows = portfolios.with_ranks(
        [position("A", 5, 2), position("A", 20, 1), position("B", 5, 1), position("B", 10, 3, earlier)]
    )
    assert [(row["rank_5d"], row["rank_10d"], row["rank_20d"]) for row in rows] == [
        (2, None, 1),
        (2, None, 1),
        (1, None, None),
        (None, 3, None),
    ]


def test_a_cap_limits_a_position_and_leaves_the_rest_in_cash(allocate: Callable[..., list[Any]]) -> None:
    rows = allocate(
        {"QQQ": [20], "XLF": [20]},
        [held("QQQ", "A"), held("XLF", "B")],
        [stock("A", 100, 105, cap=1_000_000), stock("B", 100, 110, cap=10)],
    )
    positions, cash = portfolio(rows, cap=0.3)
    assert [row["portfolio_weight"] for row in positions.values()] == [0.3, 0.3]
    assert cash == pytest.approx(0.4)
    assert [row["ticker"] for row in positions.values()] == ["B", "A"]  # equal weights: by score


def test_a_position_explains_itself(allocate: Callable[..., list[Any]]) -> None:
    rows = allocate({"QQQ": [20]}, [held("QQQ", "A")], [stock("A", 100, 110, cap=2_500_000_000)])
    positions, _ = portfolio(rows)
    assert words(positions["A"]["allocation_reason"]) == (
        "best of the top 5 of QQQ over 20 sessions: +10.00% in US dollars at a market cap of 2.50 billion"
    )
    assert (positions["A"]["company_name"], positions["A"]["sector"]) == ("A Inc.", "Technology")


def test_a_candidate_carries_the_worst_label_of_what_it_is_made_of(allocate: Callable[..., list[Any]]) -> None:
    def label(price: str, trending: str) -> str:
        [row] = allocate({"QQQ": [20]}, [held("QQQ", "A")], [stock("A", 1, 2, source=price)], trending)
        return str(row.source)

    assert label("yahoo", "yahoo") == "yahoo"
    assert label("recorded", "yahoo") == "recorded"
    assert label("recorded", "simulated") == "simulated"


def test_a_range_gives_what_its_sessions_give_one_by_one(spark: Any) -> None:
    """Two sessions, the second with a snapshot, a sector and prices of its own."""
    days = [date(2026, 8, 20), AS_OF]
    trending = [(day, etf, period, "yahoo") for day in days for etf in ("QQQ", "XLV") for period in (5, 20)]
    holdings = [*held("QQQ", "A", "B"), *held("XLV", "A", "C", as_of=date(2026, 8, 20))]
    prices = [
        (ticker, day, "USD", 100.0 + number * (day.day % 7), 1_000, "quoted", ticker, "IT", "yahoo", None, None)
        for number, ticker in enumerate("ABC")
        for window in windows_of(days, ["XNYS"], [5, 10, 20])
        for day in (window.start_session, window.end_session)
    ]  # fmt: skip

    def judged(sessions: list[date]) -> list[Any]:
        return list(
            allocator.candidates_of(
                with_source_rank(spark.createDataFrame([row for row in trending if row[0] in sessions], TRENDING)),
                with_source_rank(spark.createDataFrame(holdings, HOLDINGS)),
                windows(spark, sessions),
                dollar_prices(spark, sorted(set(prices)), DESCRIBED),
            ).collect()
        )

    assert judged(days) == judged(days[:1]) + judged(days[1:])
    assert len(judged(days)) == 16
