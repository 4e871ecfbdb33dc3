"""The invented market: the same seed is the same market, and it has what the platform must cope with."""

from datetime import UTC, date, datetime, timedelta

import pytest

from collector.market.invented import InventedMarket
from collector.market.model import Bar
from config.universe import universe
from utils.dates import close_of, sessions_between
from utils.errors import InvalidInput

UNTIL = date(2026, 8, 21)
AFTER_CLOSE = datetime(2026, 8, 21, 20, 15, tzinfo=UTC)


@pytest.fixture(scope="module")
def market() -> InventedMarket:
    return InventedMarket(7, UNTIL)


def returns(bars: list[Bar], days: int) -> dict[date, float]:
    closes = [bar.adj_close or 0.0 for bar in bars]
    return {bars[at].session: closes[at] / closes[at - days] - 1 for at in range(days, len(bars))}


def everything_known(market: InventedMarket, at: datetime) -> dict[str, object]:
    known: dict[str, object] = {ticker: market.bars(ticker, at)[-60:] for ticker in market.tickers}
    known |= {f"{ticker} quote": market.quote(ticker, at) for ticker in market.tickers}
    return known | {f"{etf} holdings": market.holdings(etf, at) for etf in market.etfs}


def test_the_same_seed_is_the_same_market(market: InventedMarket) -> None:
    assert everything_known(InventedMarket(7, UNTIL), AFTER_CLOSE) == everything_known(market, AFTER_CLOSE)


def test_another_seed_is_another_market(market: InventedMarket) -> None:
    other = InventedMarket(8, UNTIL).bars("SPY", AFTER_CLOSE)
    assert [bar.close for bar in other] != [bar.close for bar in market.bars("SPY", AFTER_CLOSE)]


@pytest.mark.parametrize("earlier_end", [date(2026, 8, 20), date(2026, 5, 15), date(2025, 9, 2)])
def test_a_later_end_leaves_the_past_as_it_was(market: InventedMarket, earlier_end: date) -> None:
    at = close_of(earlier_end) + timedelta(minutes=15)
    assert everything_known(InventedMarket(7, earlier_end), at) == everything_known(market, at)


def test_it_lists_the_universe_with_ten_holdings_each(market: InventedMarket) -> None:
    assert set(market.etfs) == set(universe().etfs)
    for etf in market.etfs:
        holdings = market.holdings(etf, AFTER_CLOSE)
        assert len(holdings) == 10
        assert [one.percent for one in holdings] == sorted((one.percent for one in holdings), reverse=True)
        assert 0 < sum(one.percent for one in holdings) < 1
        assert all(market.sector(one.ticker) for one in holdings)


def test_three_years_of_sessions_of_each_exchange(market: InventedMarket) -> None:
    home = [bar.session for bar in market.bars("SPY", AFTER_CLOSE)]
    assert len(home) == 756
    assert home == sessions_between(home[0], UNTIL)
    assert [bar.session for bar in market.bars("005930.KS", AFTER_CLOSE)] == sessions_between(home[0], UNTIL, "XKRX")
    assert all(bar.session.weekday() < 5 for bar in market.bars("KRW=X", AFTER_CLOSE))


def test_bars_are_possible_prices(market: InventedMarket) -> None:
    for ticker in market.tickers:
        for bar in market.bars(ticker, AFTER_CLOSE):
            assert None not in (bar.open, bar.high, bar.low, bar.close, bar.adj_close, bar.volume)
            assert 0 < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high  # type: ignore
            assert bar.volume >= 0  # type: ignore[operator]


def test_no_step_that_a_split_would_have_to_explain(market: InventedMarket) -> None:
    for ticker in market.tickers:
        assert max(abs(step) for step in returns(market.bars(ticker, AFTER_CLOSE), 1).values()) < 0.25


@pytest.mark.parametrize("days", [5, 10, 20])
def test_trends_come_and_go(market: InventedMarket, days: int) -> None:
    spy = returns(market.bars("SPY", AFTER_CLOSE), days)
    etfs = [returns(market.bars(etf, AFTER_CLOSE), days) for etf in universe().candidates]
    trending = [sum(etf[day] > max(spy[day], 0) for etf in etfs) for day in spy]
    assert sum(0 < count < len(etfs) for count in trending) > 0.7 * len(trending)
    assert 0 in trending
    assert max(trending) >= 8


def test_neighbours_move_together(market: InventedMarket) -> None:
    def correlation(one: str, other: str) -> float:
        from statistics import correlation

        first, second = (returns(market.bars(ticker, AFTER_CLOSE), 1) for ticker in (one, other))
        return correlation(list(first.values()), list(second.values()))

    assert correlation("SPY", "QQQ") > 0.8
    assert correlation("GOOG", "GOOGL") > 0.9
    assert correlation("XLU", "NEE") > correlation("XLU", "NVDA") > 0


def test_holdings_change_over_time_and_are_shared(market: InventedMarket) -> None:
    before = {etf: market.holdings(etf, AFTER_CLOSE - timedelta(days=365)) for etf in market.etfs}
    now = {etf: market.holdings(etf, AFTER_CLOSE) for etf in market.etfs}
    assert any([one.ticker for one in before[etf]] != [one.ticker for one in now[etf]] for etf in market.etfs)
    assert all(before[etf] != now[etf] for etf in market.etfs)
    assert sum("MSFT" in [one.ticker for one in holdings] for holdings in now.values()) >= 3


def test_splits_and_dividends(market: InventedMarket) -> None:
    year_ago = UNTIL - timedelta(days=365)
    actions = {
        ticker: [bar for bar in market.bars(ticker, AFTER_CLOSE) if bar.session > year_ago and bar.split_ratio != 1]
        for ticker in market.tickers
    }
    split = {ticker for ticker, bars in actions.items() if bars}
    assert len(split) >= 2
    assert split & set(market.etfs)
    assert all(sum(bar.dividend > 0 for bar in market.bars(etf, AFTER_CLOSE)) >= 11 for etf in market.etfs)


def test_market_caps_are_shares_times_price_where_both_are_told(market: InventedMarket) -> None:
    apple, duke = market.quote("AAPL", AFTER_CLOSE), market.quote("DUK", AFTER_CLOSE)
    assert apple and apple.market_cap and apple.shares_outstanding and duke and duke.market_cap
    assert apple.market_cap == pytest.approx(apple.shares_outstanding * apple.price, rel=1e-9)
    without_cap, without_shares = market.quote("CEG", AFTER_CLOSE), market.quote("BRK-B", AFTER_CLOSE)
    assert without_cap and without_cap.market_cap is None and without_cap.shares_outstanding is None
    assert without_shares and without_shares.market_cap and without_shares.shares_outstanding is None


def test_a_split_multiplies_the_shares_and_not_the_market_cap(market: InventedMarket) -> None:
    day = next(bar.session for bar in market.bars("LLY", AFTER_CLOSE) if bar.split_ratio == 4)
    after = market.quote("LLY", close_of(day))
    before = market.quote("LLY", close_of(day) - timedelta(days=1))
    assert before and after and before.shares_outstanding and after.market_cap and before.market_cap
    assert after.shares_outstanding == pytest.approx(4 * before.shares_outstanding, abs=4)
    assert after.market_cap / before.market_cap == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize(
    ("until", "sessions", "reason"),
    [
        (date(2026, 8, 22), 756, "not a session"),
        (date(2022, 1, 4), 756, "choose a later end"),
    ],
)
def test_an_impossible_end_is_refused(until: date, sessions: int, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        InventedMarket(7, until, sessions)
