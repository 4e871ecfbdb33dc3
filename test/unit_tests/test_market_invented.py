"""The invented market: the same seed is the same market, and it has what the platform must cope with."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest

from config.universe import universe
from market.invented import InventedMarket
from market.model import Bar
from market.securities import COMPANIES
from utils.dates import close_of, session_after, sessions_between
from utils.errors import InvalidInput

UNTIL = date(2026, 8, 21)
AFTER_CLOSE = datetime(2026, 8, 21, 20, 15, tzinfo=UTC)


@pytest.fixture(scope="module")
def market() -> InventedMarket:
    return InventedMarket(7, UNTIL)


def returns(bars: list[Bar], days: int) -> dict[date, float]:
    closes = [bar.adj_close or 0.0 for bar in bars]
    return {bars[at].session: closes[at] / closes[at - days] - 1 for at in range(days, len(bars))}


def traded(market: InventedMarket) -> list[str]:
    """Everything but the exchange rates."""
    return [ticker for ticker in market.tickers if market.security(ticker).kind != "CURRENCY"]


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


def test_a_ticker_that_is_spelt_like_a_suffix_is_no_foreign_one(market: InventedMarket) -> None:
    deere = market.security("DE")
    assert (deere.currency, deere.exchange, deere.venue.calendar) == ("USD", "NYQ", "XNYS")


def test_three_years_of_sessions_of_each_exchange(market: InventedMarket) -> None:
    home = [bar.session for bar in market.bars("SPY", AFTER_CLOSE)]
    assert len(home) == 756
    assert home == sessions_between(home[0], UNTIL)
    korean = [bar.session for bar in market.bars("005930.KS", AFTER_CLOSE)]
    closed = {date(2026, 6, 3), date(2026, 7, 17)}  # no calendar package knew of these
    assert korean == [day for day in sessions_between(home[0], UNTIL, "XKRX") if day not in closed]
    assert all(bar.session.weekday() < 5 for bar in market.bars("KRW=X", AFTER_CLOSE))


def test_bars_are_possible_prices(market: InventedMarket) -> None:
    for ticker in traded(market):
        for bar in market.bars(ticker, AFTER_CLOSE):
            assert None not in (bar.open, bar.high, bar.low, bar.close, bar.adj_close, bar.volume)
            assert 0 < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high  # type: ignore
            assert bar.volume >= 0  # type: ignore[operator]


def test_no_step_that_a_split_would_have_to_explain(market: InventedMarket) -> None:
    for ticker in traded(market):
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
    without_cap, without_shares = market.quote("CEG", AFTER_CLOSE), market.quote("BAC", AFTER_CLOSE)
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


@pytest.mark.parametrize("seed", [7, 8, 11])
def test_companies_keep_their_proportions(seed: int) -> None:
    until = date(2026, 11, 27)
    market = InventedMarket(seed, until, sessions=5)
    for company in COMPANIES:
        quote = market.quote(company.ticker, close_of(until))
        if quote and quote.market_cap:
            assert 1 / 3 < quote.market_cap / (company.market_cap * 1e9) < 3, company.ticker


class TestRates:
    """Of a past day the close is about its own open; of the running one it is the price of the moment."""

    def test_a_past_close_is_about_the_open_of_its_day_and_not_of_the_next(self, market: InventedMarket) -> None:
        bars = [bar for bar in market.bars("KRW=X", AFTER_CLOSE) if bar.close and bar.open][:-1]
        own = sum(abs(bar.close / bar.open - 1) for bar in bars) / len(bars)  # type: ignore[operator]
        following = sum(abs(one.close / other.open - 1) for one, other in pairwise(bars)) / len(bars)  # type: ignore
        assert own < 0.001
        assert following > 4 * own

    def test_open_or_close_is_outside_the_range_now_and_then(self, market: InventedMarket) -> None:
        bars = [bar for bar in market.bars("KRW=X", AFTER_CLOSE)[:-1] if bar.close]
        outside = [
            bar
            for bar in bars
            if not bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high  # type: ignore
        ]
        assert 0.05 < len(outside) / len(bars) < 0.20
        assert all(bar.low < bar.high for bar in bars)  # type: ignore[operator]

    def test_the_running_days_close_is_replaced_at_its_end_and_the_open_never(self, market: InventedMarket) -> None:
        moments = [datetime(2026, 8, 20, *at, tzinfo=UTC) for at in ((12, 0), (20, 15), (22, 58), (22, 59))]
        told = [market.bars("KRW=X", at)[-1] for at in moments]
        assert len({bar.close for bar in told}) == 4
        assert len({bar.open for bar in told}) == 1
        assert [bar.is_partial for bar in told] == [True, True, True, False]
        assert market.bars("KRW=X", AFTER_CLOSE)[-2] == told[-1]

    def test_some_days_have_no_rate_two_of_them_in_a_row(self, market: InventedMarket) -> None:
        missing = [bar.session for bar in market.bars("KRW=X", AFTER_CLOSE) if bar.close is None]
        assert missing[-3:] == [date(2026, 1, 8), date(2026, 4, 3), date(2026, 4, 6)]


class TestNewestBar:
    def test_all_but_the_close_settles_within_two_sessions(self, market: InventedMarket) -> None:
        changed = {"open": 0, "high": 0, "low": 0, "volume": 0, "close": 0, "adj_close": 0}
        for session in market.sessions[-40:-5]:
            evening, later = close_of(session) + timedelta(minutes=15), close_of(session) + timedelta(days=6)
            new, settled = (
                next(bar for bar in market.bars("JNJ", at) if bar.session == session) for at in (evening, later)
            )
            for column in changed:
                changed[column] += getattr(new, column) != getattr(settled, column)
            assert settled.volume * 0.8 < new.volume <= settled.volume  # type: ignore[operator]
            after_two = session_after(session, 2)
            known = {bar.session: bar for bar in market.bars("JNJ", close_of(after_two))}
            assert known[session] == settled
        assert changed["close"] == changed["adj_close"] == 0
        assert changed["volume"] > 30
        assert min(changed["open"], changed["high"], changed["low"]) > 5

    def test_prices_are_single_precision(self, market: InventedMarket) -> None:
        for bar in market.bars("AAPL", AFTER_CLOSE):
            for price in (bar.open, bar.high, bar.low, bar.close, bar.adj_close):
                assert price == float(np.float32(price))


def test_a_bad_candle_heals_by_the_next_session(market: InventedMarket) -> None:
    candles = [one for one in market.restatements if one.ticker != "XLF" and one.session.year == 2026]
    assert [(one.ticker, one.session) for one in candles] == [("KO", date(2026, 2, 5)), ("IWM", date(2026, 7, 14))]
    for candle in candles:
        evening, healed = (
            next(bar for bar in market.bars(candle.ticker, at) if bar.session == candle.session)
            for at in (close_of(candle.session), candle.corrected_at)
        )
        assert evening.close == healed.close
        assert evening.high < evening.close <= healed.high  # type: ignore[operator]
        assert candle.corrected_at < close_of(session_after(candle.session, 1))


def test_the_company_s_shares_are_known_whatever_is_told(market: InventedMarket) -> None:
    for ticker, told in {"BRK-B": "implied", "META": "derived", "HD": "its own", "BAC": "cap only"}.items():
        quote, company = market.quote(ticker, AFTER_CLOSE), market.company_shares(ticker, AFTER_CLOSE)
        assert quote and company and quote.market_cap == round(company * quote.price), told
        assert round(quote.market_cap / quote.price) == company
    assert market.company_shares("CEG", AFTER_CLOSE) is None


def test_gold_is_on_the_server_and_in_no_list(market: InventedMarket) -> None:
    assert "GLD" in market.tickers and "GLD" not in market.etfs
    assert len(market.bars("GLD", AFTER_CLOSE)) == 756
    assert market.holdings("GLD", AFTER_CLOSE) == []


@pytest.mark.parametrize(
    ("ticker", "exchange", "currency", "late"),
    [("7203.T", "XTKS", "JPY", 20), ("AZN.L", "XLON", "GBp", 20), ("SAP.DE", "XETR", "EUR", 15)],
)
def test_other_exchanges_have_their_own_sessions(
    market: InventedMarket, ticker: str, exchange: str, currency: str, late: int
) -> None:
    sessions = [bar.session for bar in market.bars(ticker, AFTER_CLOSE)]
    assert sessions == sessions_between(sessions[0], UNTIL, exchange)
    assert market.security(ticker).currency == currency
    told = close_of(UNTIL, exchange) + timedelta(minutes=late)
    assert market.bars(ticker, told - timedelta(seconds=1))[-1].is_partial
    assert not market.bars(ticker, told)[-1].is_partial


def test_a_price_in_pence_and_a_market_cap_in_pounds(market: InventedMarket) -> None:
    quote, company = market.quote("AZN.L", AFTER_CLOSE), market.company_shares("AZN.L", AFTER_CLOSE)
    assert quote and company and quote.price > 1000
    assert quote.market_cap == round(company * quote.price / 100)
