"""What a variant would have earned, against one session after another, and without the future."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import product
from statistics import mean, stdev
from typing import Any

import numpy as np
import pytest

from batch import spark_active_stock_allocator as allocator
from batch import spark_trending_etf_identifier as identifier
from batch.portfolios import portfolio_of
from batch.returns import windows_of, with_returns
from batch.sources import with_source_rank
from batch.weights import weights_of
from config.periods import trending_column
from config.universe import universe
from dollar_prices import DESCRIBED, dollar_prices
from lab import strategy
from lab import variants as variants_module
from lab.in_spark import in_spark
from lab.invented import invented_prices, weekdays
from lab.lookahead import differences, differences_when_read
from lab.overfitting import change_sessions, choices, walk_forward
from lab.panel import one_by_one, panel_of, with_changes
from lab.prices import Prices, Stocks, breaks_at_sessions, carried, prices_of, stocks_of
from lab.reader import Holding, ranks_of
from lab.sharpe import yearly
from lab.strategy import is_decision, marks_of, outcome_of, returns_at, returns_of, targets_of
from lab.variants import DEFAULT_FILE, Variant, load, trials_of
from lab.weights import shares_of
from lab_reference import walk
from lab_reference import walk_forward as walk_forward_plainly
from utils.dates import exchange_of, sessions_between, window_of
from utils.errors import InvalidInput
from utils.spark_utils import local_frame

SEED = Variant(20, 0, 0, "seed", "daily", "etf", 1.0)
VARIANTS = [
    SEED,
    Variant(5, 2, 1, "equal", "daily", "etf", 1.0),
    Variant(10, 1, 3, "equal", "weekly", "etf", 0.25),
    Variant(60, 5, 5, "inverse_volatility", "monthly", "etf", 0.4),
    Variant(20, 0, 0, "seed", "weekly", "etf", 0.3),
]


@pytest.fixture(scope="module")
def prices() -> Prices:
    """Return a market that lacks three closes, and in which the prices of four funds break."""
    prices = invented_prices(320, 5)
    prices.closes[100, 2] = np.nan
    prices.closes[201, 7] = np.nan
    breaks = np.zeros_like(prices.closes, dtype=np.bool_)
    for at, fund in ((90, 1), (150, 4), (155, 4), (230, 0), (301, 9)):
        prices.closes[at:, fund] *= 2.5
        breaks[at, fund] = True
    prices.closes[149, 4] = np.nan
    return replace(prices, breaks=breaks)


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
@pytest.mark.parametrize("cost", [0.0, 0.001, 0.01])
def test_earns_what_one_session_after_another_earns(variant: Variant, cost: float, prices: Prices) -> None:
    assert outcome_of(variant, prices).net(cost) == pytest.approx(walk(variant, prices, cost), abs=1e-12)


def test_a_decision_earns_nothing_before_the_session_after_its_purchase() -> None:
    """The fund rises in session 5, which decides. It is bought at the close of 6, so only the rise of 7 is earned."""
    fund = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 3.0, 6.0])
    prices = Prices(weekdays(8), ("FUND",), fund[:, None], np.ones(8))
    outcome = outcome_of(SEED._replace(period=5), prices)
    assert outcome.gross.tolist() == [0, 0, 0, 0, 0, 0, 0, 1.0]
    assert outcome.turnover.tolist() == [0, 0, 0, 0, 0, 0, 0.5, 0]


def with_foreign_stocks(prices: Prices, listed: Prices) -> Prices:
    """Return a market whose sessions are those of New York, with every third stock listed in Korea."""
    days, stocks = tuple(sessions_between(date(2019, 1, 2), date(2026, 8, 21))[: len(prices)]), listed.stocks
    assert stocks is not None
    tickers = tuple(f"{ticker}.KS" if at % 3 == 0 else ticker for at, ticker in enumerate(stocks.tickers))
    random = np.random.default_rng(9)
    closes: dict[tuple[str, date], float] = {}
    caps: dict[tuple[str, date], float] = {}
    for ticker in tickers:
        own = sessions_between(days[0], days[-1], exchange_of(ticker))
        closes |= dict(zip(((ticker, day) for day in own), risen(random, len(own)), strict=True))
        caps |= dict.fromkeys(((ticker, day) for day in own), float(random.exponential(1e9)))
    breaks = {tickers[0]: [days[450]], tickers[1]: [days[500]]}
    held = stocks_of(closes, caps, tickers, days, stocks.ranks, stocks.known, breaks)
    return replace(prices, sessions=days, stocks=held)


@pytest.fixture(scope="module")
def market() -> Prices:
    """Return a market with stocks, whose holdings and what was known of them changed."""
    prices, random = invented_prices(900, 7), np.random.default_rng(8)
    closes = np.asarray(50 * np.cumprod(1 + random.normal(0, 0.015, (900, 30)), axis=0), dtype=np.float64)
    ranks = np.repeat(random.integers(0, 6, (3, 14, 30)) * (random.random((3, 14, 30)) < 0.3), 300, axis=0)
    caps = closes * random.exponential(1e9, 30)
    stocks = Stocks(tuple(f"S{at}" for at in range(30)), closes, caps, ranks.astype(np.int16), np.arange(900) >= 400)
    return replace(prices, stocks=stocks)


def test_no_return_crosses_a_break() -> None:
    """The fund rises by 1 %, and one day its prices are a hundred times as high. Who holds it then keeps the last one.

    Session 7 has decided to hold it, and 8 buys at a new price. From 8 on no window is known, until that from 8 to 13.
    """
    fund = np.asarray(1.01 ** np.arange(18), dtype=np.float64)
    fund[8:] *= 100
    breaks = (np.arange(18) == 8)[:, None]
    prices = Prices(weekdays(18), ("FUND",), fund[:, None], np.ones(18), breaks=breaks)
    gross = outcome_of(SEED._replace(period=5), prices).gross
    assert gross == pytest.approx([0.01 if at in (7, 9, 15, 16, 17) else 0.0 for at in range(18)])


@pytest.mark.parametrize("cost", [0.0, 0.001, 0.01])
def test_walking_forward_pays_for_what_it_changes(cost: float, prices: Prices) -> None:
    """At the close after each training, from what the variant before has there into what the new one has bought."""
    variants = [VARIANTS[1], VARIANTS[2], VARIANTS[4]]
    panel = panel_of(variants, prices)
    changing = with_changes(panel, prices, change_sessions(len(panel), 60, 20))
    found = choices(panel.excess(cost), 60, 20)
    assert len({each.variant for each in found}) > 1
    plain = walk_forward_plainly(variants, prices, len(prices) - len(panel), cost, 60, 20)
    walked = walk_forward(changing, cost, 60, 20)
    assert walked.sessions == len(plain)
    assert walked.out_of_sample == pytest.approx(yearly(mean(plain) / stdev(plain)))


def test_no_variant_knows_the_future(market: Prices, prices: Prices) -> None:
    assert differences([*load().variants, *VARIANTS], market) == []
    assert differences(VARIANTS, prices) == []


def test_no_variant_knows_the_future_of_a_foreign_exchange(market: Prices) -> None:
    """Not even in a session in which the exchange at home is closed and the other one open."""
    foreign = with_foreign_stocks(replace(market, stocks=None), market)
    stock_leg = load().of_leg("stocks")
    assert foreign.stocks is not None and foreign.stocks.ends is not None
    assert differences(stock_leg, foreign) == []
    assert differences_when_read(stock_leg, foreign, foreign.until(700)) == []
    ends = np.minimum(foreign.stocks.ends + 1, len(foreign.stocks.closes) - 1)
    early = replace(foreign, stocks=replace(foreign.stocks, ends=ends))
    assert {found.variant for found in differences_when_read(stock_leg, early, foreign.until(700))} == set(stock_leg)


def ahead(values: Any, by: int) -> Any:
    """Return each row as it is some sessions later, as far as there are any."""
    return values[np.minimum(np.arange(len(values)) + by, len(values) - 1)]


@pytest.mark.parametrize("by", [1, 2, 3])
def test_knowledge_of_later_sessions_is_found_in_every_variant(
    by: int, market: Prices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one session it decides on the close it buys at. The newest sessions, which it skips, it has to look over."""

    def cheat(variant: Variant, prices: Prices) -> Any:
        assets, targets, hindsight = targets_of(variant, prices)
        return assets, ahead(targets, variant.skip + by), hindsight

    monkeypatch.setattr(strategy, "targets_of", cheat)
    assert {found.variant for found in differences(load().variants, market)} == set(load().variants)


@pytest.mark.parametrize("what", ["ranks", "known"])
@pytest.mark.parametrize("by", [1, 2, 3])
def test_knowledge_of_later_holdings_is_found(
    by: int, what: str, market: Prices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both what was held, and that it was known."""

    def cheat(variant: Variant, prices: Prices) -> Any:
        assert prices.stocks is not None
        later: Any = {what: ahead(getattr(prices.stocks, what), by)}
        return targets_of(variant, replace(prices, stocks=replace(prices.stocks, **later)))

    stock_leg = {variant for variant in load().variants if variant.leg == "stocks"}
    monkeypatch.setattr(strategy, "targets_of", cheat)
    assert {found.variant for found in differences(load().variants, market)} == stock_leg


def test_what_the_reader_knows_of_later_is_found(market: Prices) -> None:
    """Holdings were known from session 400 on. Before that an earlier reader may have others, or none."""
    variants, stocks = load().variants, market.stocks
    stock_leg = {variant for variant in variants if variant.leg == "stocks"}
    assert stocks is not None
    earlier = market.until(500)
    assert differences_when_read(variants, market, earlier) == []
    unknown = stocks.ranks.copy()
    unknown[:400] = 0
    assert differences_when_read(variants, replace(market, stocks=replace(stocks, ranks=unknown)), earlier) == []
    other = stocks.ranks.copy()
    other[499] = np.roll(other[499], 1, axis=1)
    leaks = [
        (replace(market, stocks=replace(stocks, ranks=other)), earlier, stock_leg),
        (market, replace(earlier, stocks=None), stock_leg),
        (replace(market, benchmark=market.benchmark * np.linspace(1, 5, 900)), earlier, set(variants)),
        (replace(market, sessions=market.sessions[:1] * 900), earlier, set(variants)),
    ]
    for prices, then, found in leaks:
        assert {each.variant for each in differences_when_read(variants, prices, then)} == found
    assert differences_when_read(variants, market, replace(market.until(400), stocks=None)) == []


def test_stocks_that_are_held_later_are_no_knowledge(market: Prices) -> None:
    """An earlier reader has no columns for them. The weights are the same to the last bit."""
    stocks = market.stocks
    assert stocks is not None
    places = np.arange(1, 31, 3)  # Among the others: the columns are in the order of the tickers.
    new: Any = {name: np.insert(getattr(stocks, name), places, 1.0, axis=1) for name in ("closes", "caps")}
    ranks = np.insert(stocks.ranks, places, 0, axis=2)
    now = replace(stocks, tickers=tuple(np.insert(stocks.tickers, places, "NEW")), ranks=ranks, **new)
    assert differences_when_read(load().variants, replace(market, stocks=now), market.until(700)) == []


@pytest.mark.parametrize("last", [True, False])
def test_knowledge_of_the_last_session_of_a_month_is_found(
    last: bool, market: Prices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """last: what it takes the newest session for, of which nobody can say it."""

    def cheat(rebalance: str, sessions: tuple[date, ...]) -> Any:
        return np.append(is_decision(rebalance, sessions)[1:], last)

    monkeypatch.setattr(strategy, "is_decision", cheat)
    looking = [variant for variant in load().variants if variant.rebalance != "daily"]
    assert {found.variant for found in differences(looking, market)} == set(looking)


def test_weights_are_those_of_the_jobs() -> None:
    random = np.random.default_rng(3)
    scores = random.exponential(size=(200, 6)) ** 3
    bought = random.random((200, 6)) < 0.7
    for cap in (0.15, 0.3, 0.5, 1.0):
        weights = shares_of(scores, bought, cap)
        for row, score, chosen in zip(weights, scores, bought, strict=True):
            given = {str(at): float(score[at]) for at in np.flatnonzero(chosen)}
            expected = weights_of(given, cap).positions
            assert row.tolist() == pytest.approx([expected.get(str(at), 0.0) for at in range(6)], abs=1e-12)


def test_variants_are_judged_over_the_same_sessions(prices: Prices) -> None:
    panel = panel_of([SEED, Variant(250, 0, 0, "seed", "daily", "etf", 1.0)], prices)
    assert panel.variants == (SEED,)
    assert panel.sessions == prices.sessions[22:]
    assert panel.excess(0.001)[:, 0] == pytest.approx(
        np.array(walk(SEED, prices, 0.001))[22:] - (prices.benchmark[1:] / prices.benchmark[:-1] - 1)[21:], abs=1e-12
    )


def test_spark_computes_the_same(prices: Prices, spark: Any) -> None:
    for ours, theirs in zip(one_by_one(VARIANTS, prices), in_spark(spark)(VARIANTS, prices), strict=True):
        assert (ours.gross == theirs.gross).all()
        assert (ours.drag == theirs.drag).all()


def test_closes_are_arranged_by_the_sessions_of_the_exchange() -> None:
    """Also where the benchmark has none. A close of a day on which the exchange was closed is no session's."""
    first, second, third = sessions_between(date(2026, 8, 19), date(2026, 8, 21))
    closes = {("SPY", first): 1.0, ("SPY", third): 2.0, ("QQQ", first): 3.0, ("QQQ", second): 4.0}
    prices = prices_of({**closes, ("QQQ", date(2026, 8, 22)): 9.0}, "SPY", ["QQQ"])
    assert prices.sessions == (first, second, third)
    assert prices.benchmark.tolist() == [1.0, pytest.approx(np.nan, nan_ok=True), 2.0]
    assert carried(prices.closes)[:, 0].tolist() == [3.0, 4.0, 4.0]
    assert prices.ends is None


def test_a_close_that_the_benchmark_lacks_moves_no_window() -> None:
    """One bar of SPY is quarantined. The platform's window of five sessions is the same as with it, and ours is."""
    days = sessions_between(date(2026, 6, 1), date(2026, 8, 21))
    moves = np.random.default_rng(1).normal(0.001, 0.01, (2, len(days)))
    closes = {
        (ticker, day): float(close)
        for ticker, own in zip(("SPY", "XLF"), 100 * np.cumprod(1 + moves, axis=1), strict=True)
        for day, close in zip(days, own, strict=True)
    }
    lacking = date(2026, 8, 12)
    prices = prices_of({key: close for key, close in closes.items() if key != ("SPY", lacking)}, "SPY", ["XLF"])
    start, end = window_of(date(2026, 8, 17), 5)
    rule = SEED._replace(period=5)
    found = returns_of(prices.closes, rule)[prices.sessions.index(date(2026, 8, 17)), 0]
    assert found == pytest.approx(closes["XLF", end] / closes["XLF", start] - 1)
    # Of these two sessions the benchmark has no return, so nothing is decided. What was decided before is held on.
    decides = outcome_of(rule, prices).decisions.decides
    undecided = [day for day, decided in zip(prices.sessions[5:], decides[5:], strict=True) if not decided]
    assert undecided == [lacking, date(2026, 8, 19)]


def test_stocks_are_bought_out_of_the_trending_funds() -> None:
    """Both funds rise. The first holds A and B, the second C. B falls, so A and C are bought: by return over cap."""
    rise = np.linspace(1.0, 2.0, 9)
    fall = rise[::-1].copy()
    ranks = np.zeros((9, 2, 3), dtype=np.int16)
    ranks[:, 0, :2] = ranks[:, 1, 2] = 1
    known = np.arange(9) >= 7
    caps = np.tile([1.0, 1.0, 4.0], (9, 1))
    stocks = Stocks(("A", "B", "C"), np.column_stack([rise, fall, rise]), caps, ranks, known)
    prices = Prices(weekdays(9), ("X", "Y"), np.column_stack([rise, rise]), np.ones(9), stocks)
    variant = Variant(5, 0, 0, "seed", "daily", "stocks", 1.0)
    _, weights, hindsight = targets_of(variant, prices)
    assert weights[6].tolist() == pytest.approx([0.8, 0.0, 0.2])
    assert targets_of(variant._replace(weights="cap"), prices)[1][6].tolist() == pytest.approx([0.2, 0.0, 0.8])
    assert hindsight.tolist() == [True] * 7 + [False] * 2
    # Session 8 earns with what was decided in 6, when the holdings were not known.
    assert outcome_of(variant, prices).has_hindsight.tolist() == [False] * 7 + [True, True]


@pytest.mark.parametrize("cap", [1.0, 0.25])
def test_the_whole_rule_buys_what_the_platform_buys(cap: float, spark: Any) -> None:
    """The same small market, once more by the platform's own jobs. Two stocks return the same, some have no cap.

    Six stocks are Korean. Korea was closed on 2026-07-17 and 2026-08-17, and open on 2026-07-03.
    """
    days = sessions_between(date(2026, 6, 15), date(2026, 8, 21))
    random = np.random.default_rng(26)
    funds, korean = tuple(f"F{at}" for at in range(6)), (1, 3, 5, 7, 9, 11)
    stocks = tuple(f"S{at:02}{'.KS' if at in korean else ''}" for at in range(16))
    etfs = np.asarray(100 * np.cumprod(1 + random.normal(0.001, 0.02, (len(days), 7)), axis=0), dtype=np.float64)
    closes: dict[tuple[str, date], float] = {}
    caps: dict[tuple[str, date], float] = {}
    for ticker in stocks:
        own = sessions_between(days[0], days[-1], exchange_of(ticker))
        closes |= dict(zip(((ticker, day) for day in own), risen(random, len(own)), strict=True))
        caps |= dict.fromkeys(((ticker, day) for day in own), float(random.integers(10**9, 10**12)))
    closes |= {("S15", day): 2 * closes["S14", day] for day in days}
    del closes["S05.KS", days[-3]], closes["S07.KS", days[-12]]
    caps = {key: worth for key, worth in caps.items() if key[0] != "S01.KS"} | {("S02", day): 0.0 for day in days[-4:]}
    ranks = np.zeros((len(days), len(funds), len(stocks)), dtype=np.int16)
    for fund in range(len(funds)):
        ranks[:, fund, random.permutation([*random.choice(14, 4, replace=False), 15])] = range(1, 6)
        ranks[:, fund, 14] = 6 * (fund % 2)
    held = stocks_of(closes, caps, stocks, days, ranks, np.ones(len(days), np.bool_))
    prices = Prices(tuple(days), funds, etfs[:, 1:], etfs[:, 0], held)

    platform = portfolios_by_the_platform(spark, prices, closes, caps, days[-8:], (5, 10, 20), cap)

    assert len(platform) == 24
    assert sum(len(weights) > 1 for weights in platform.values()) > 12
    assert sum(any(ticker.endswith(".KS") for ticker in weights) for weights in platform.values()) > 12
    for (day, period), weights in platform.items():
        rule = SEED._replace(period=period).with_stocks()._replace(max_position=cap)
        row = targets_of(rule, prices)[1][days.index(day)]
        assert {stocks[at]: float(row[at]) for at in np.flatnonzero(row)} == pytest.approx(weights, abs=1e-12)


def risen(random: np.random.Generator, count: int) -> list[float]:
    closes: list[float] = (100 * np.cumprod(1 + random.normal(0.001, 0.02, count))).tolist()
    return closes


def portfolios_by_the_platform(
    spark: Any,
    prices: Prices,
    closes: Mapping[tuple[str, date], float],
    caps: Mapping[tuple[str, date], float],
    sessions: Sequence[date],
    periods: Sequence[int],
    cap: float,
) -> dict[tuple[date, int], dict[str, float]]:
    """Return the weights of each portfolio of these sessions, by stages 3 and 5.

    closes, caps: of the stocks
    """
    stocks = prices.stocks
    assert stocks is not None
    columns = ("as_of_date", "exchange", "period_days", "start_session", "end_session")
    windows = local_frame(spark, windows_of(sessions, ["XNYS", "XKRX"], periods), columns)
    etfs = ["SPY", *prices.tickers]
    table = np.column_stack([prices.benchmark, prices.closes])
    of_etfs = [
        (etfs[at], prices.sessions[row], "USD", float(close), "yahoo") for (row, at), close in np.ndenumerate(table)
    ]
    known = with_source_rank(
        spark.createDataFrame(of_etfs, "ticker string, trade_date date, currency string, price double, source string")
    )
    returns = with_returns(identifier.with_each_etf(windows, etfs), known)
    flags = identifier.identify_trending(identifier.one_row_per_etf(returns), "SPY").collect()
    trending = [
        (row.as_of_date, row.etf_ticker, days, "yahoo")
        for row in flags
        for days in periods
        if row[trending_column("is_trending", days)]
    ]
    holdings = [
        (prices.tickers[fund], stocks.tickers[at], int(rank), 0.5 - 0.05 * int(rank), prices.sessions[0], "yahoo")
        for (fund, at), rank in np.ndenumerate(stocks.ranks[-1])
        if rank
    ]
    of_stocks = []
    for (ticker, day), close in closes.items():
        worth = int(caps[ticker, day]) if (ticker, day) in caps else None
        of_stocks.append((ticker, day, "USD", close, worth, "quoted", ticker, "Technology", "yahoo", None, "yahoo"))
    candidates = allocator.candidates_of(
        with_source_rank(
            spark.createDataFrame(trending, "as_of_date date, etf_ticker string, period_days int, source string")
        ),
        with_source_rank(
            spark.createDataFrame(
                holdings,
                "etf_ticker string, ticker string, holding_rank int, holding_percent double, holdings_as_of date, "
                "source string",
            )
        ),
        windows,
        dollar_prices(spark, of_stocks, DESCRIBED),
    ).collect()
    found = {}
    for session, days in product(sessions, periods):
        chosen = [row for row in candidates if (row.as_of_date, row.period_days) == (session, days) and row.is_selected]
        positions, _ = portfolio_of(chosen, cap)
        found[session, days] = {row["ticker"]: row["portfolio_weight"] for row in positions}
    return found


def test_a_foreign_stock_has_the_last_close_of_its_own_exchange() -> None:
    """As in the track record. Korea is open on 2026-06-19, when New York is not, and closed on 2026-07-17."""
    days = sessions_between(date(2026, 6, 17), date(2026, 7, 20))
    korean = sessions_between(days[0], days[-1], "XKRX")
    closes = {("005930.KS", day): float(day.toordinal()) for day in korean}
    ranks, known = np.ones((len(days), 1, 1), np.int16), np.ones(len(days), np.bool_)
    held = stocks_of(closes, {}, ["005930.KS"], days, ranks, known, {"005930.KS": [date(2026, 6, 19)]})
    marks = [date.fromordinal(int(mark)) for mark in marks_of(held)[:, 0]]
    assert marks == [window_of(day, 0, "XKRX")[1] for day in days]
    assert held.ends is not None
    breaks = breaks_at_sessions(held.breaks, held.ends)
    assert breaks is not None and [days[at] for at in np.flatnonzero(breaks)] == [date(2026, 6, 22)]
    period = returns_at(held, SEED._replace(period=5))[:, 0]
    at = days.index(date(2026, 7, 17))
    start, end = window_of(date(2026, 7, 17), 5, "XKRX")
    assert period[at] == pytest.approx(end.toordinal() / start.toordinal() - 1)


def test_a_stock_without_a_known_exchange_has_no_return() -> None:
    """Nothing else is lost by it, and without any close of the benchmark there is nothing."""
    days = sessions_between(date(2026, 8, 10), date(2026, 8, 21))
    closes = {(ticker, day): float(day.toordinal()) for ticker in ("VNM.VN", "AAPL") for day in days}
    ranks, known = np.ones((len(days), 1, 2), np.int16), np.ones(len(days), np.bool_)
    held = stocks_of(closes, {}, ["AAPL", "VNM.VN"], days, ranks, known)
    returns = returns_at(held, SEED._replace(period=5))
    assert not np.isnan(returns[5:, 0]).any() and np.isnan(returns[:, 1]).all()
    alone = stocks_of(closes, {}, ["VNM.VN"], days, ranks[:, :, :1], known)
    assert np.isnan(marks_of(alone)).all() and len(marks_of(alone.until(3))) == 3
    assert len(prices_of(closes, "SPY", ["AAPL", "005930.KS"])) == 0


def test_the_whole_rule_has_the_cap_of_the_universe(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the lab marks as the whole rule is what the platform publishes."""
    monkeypatch.setattr(variants_module, "universe", lambda: replace(universe(), max_position_weight=0.25))
    trials = load()
    whole = trials.variants[0].with_stocks()
    assert whole in trials.variants and whole.max_position == 0.25
    assert str(whole) == "20 sessions, all, seed weights, daily, cap 25 %, best stock of each ETF"


def test_holdings_before_the_first_snapshot_are_hindsight() -> None:
    days = weekdays(5)
    holdings = [Holding("X", "A", days[1], 1), Holding("X", "B", days[3], 2), Holding("Y", "B", days[0], 1)]
    ranks, known = ranks_of(holdings, days, ["X", "Y", "GOLD"], ["A", "B"])
    assert ranks[:, 0].tolist() == [[1, 0]] * 3 + [[0, 2]] * 2
    assert ranks[:, 1].tolist() == [[0, 1]] * 5
    assert not ranks[:, 2].any()
    assert known.tolist() == [False, True, True, True, True]


def test_the_file_has_the_seeds_rule_and_eleven_costs() -> None:
    trials = load()
    assert trials.variants[0] == SEED
    assert SEED._replace(leg="stocks", pick="best_of_each") in trials.variants
    assert sum(variant.leg == "etf" for variant in trials.variants) == 24
    assert trials.costs == pytest.approx([cost / 1000 for cost in range(11)])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"period": 4}, "period = 4: give a whole number from 5 to 250"),
        ({"skip": 6}, "skip = 6: give a whole number from 0 to 5"),
        ({"top_n": -1}, "top_n = -1: give 0 for all"),
        ({"weights": "cap"}, 'needs leg = "stocks"'),
        ({"rebalance": "yearly"}, "rebalance = 'yearly': give one of daily, weekly, monthly"),
        ({"max_position": 0}, "max_position = 0: give a share"),
        ({"pick": "best"}, "pick = 'best': give one of all, best_of_each"),
        ({"leg": "stocks"}, r'leg = "stocks" of \[seed\]: give "etf"'),
        ({"pick": "best_of_each"}, 'pick = "best_of_each" needs leg = "stocks"'),
    ],
)
def test_a_wrong_variant_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        trials_of({"seed": {**SEED._asdict(), **change}, "groups": [], "costs_bp": [0]})


@pytest.mark.parametrize("costs", [[], [10, 0], [0, 0], [-1, 0], [0, 101], [60, 80, 100], [0, math.nan]])
def test_wrong_costs_are_refused(costs: list[float]) -> None:
    with pytest.raises(InvalidInput, match="costs_bp"):
        trials_of({"seed": SEED._asdict(), "groups": [], "costs_bp": costs})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"period": [30.0]}, "Expected `int`, got `float` - at `groups[0].period[0]`"),
        ({"top_n": [math.nan]}, "Expected `int`, got `float` - at `groups[0].top_n[0]`"),
        ({"max_position": [True]}, "Expected `float`, got `bool` - at `groups[0].max_position[0]`"),
        ({"max_position": [math.nan]}, "max_position = nan: give a share"),
        ({"picks": ["best_of_each"]}, "unknown field `picks` - at `groups[0]`"),
        ({"skip": []}, "Expected `array` of length >= 1 - at `groups[0].skip`"),
        ({"weights": "equal"}, "Expected `array`, got `str` - at `groups[0].weights`"),
    ],
)
def test_a_wrong_group_is_refused(change: dict[str, Any], message: str) -> None:
    """No line of it is passed over without a word: the number of variants counts."""
    group = {key: [value] for key, value in SEED._asdict().items()} | change
    with pytest.raises(InvalidInput) as error:
        trials_of({"seed": SEED._asdict(), "groups": [group], "costs_bp": [0]})
    assert message in str(error.value)


def test_a_wrong_file_is_named(tmp_path: Any) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(DEFAULT_FILE.read_text(encoding="utf-8").replace("period = 20", "periods = 20"), encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"mine\.toml"):
        load(path)


def test_the_first_sessions_alone(prices: Prices) -> None:
    assert prices.until(7).sessions[-1] == prices.sessions[6] == date(2000, 1, 11)
