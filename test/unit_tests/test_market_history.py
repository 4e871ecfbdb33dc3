"""What is known at a moment: no bar, split, dividend, correction or holding before it happened."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from market.history import HistoricalMarket, History, Snapshot, Wrong, dividend_factors
from market.model import Bar, Holding, Security, UnknownSymbol
from market.sessions import NEW_YORK, trading_days

DAYS = (date(2026, 8, 17), date(2026, 8, 18), date(2026, 8, 19), date(2026, 8, 20), date(2026, 8, 21))
CLOSE = [100.0, 110.0, 54.0, 60.0, 57.0]
SPLIT = [1.0, 1.0, 2.0, 1.0, 1.0]  # on the 19th
DIVIDEND = [0.0, 0.0, 0.0, 3.0, 0.0]  # on the 20th


def moment(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 8, day, hour, minute, tzinfo=UTC)


def history(wrong: tuple[Wrong, ...] = (), intraday: bool = True) -> History:
    trading = trading_days(NEW_YORK)
    at = trading.positions(DAYS)
    close = np.array(CLOSE)
    dividend, split = np.array(DIVIDEND), np.array(SPLIT)
    return History(
        days=DAYS,
        opens_at=trading.opens[at],
        closes_at=trading.closes[at],
        open=close - 1,
        high=close + 2,
        low=close - 2,
        close=close,
        volume=np.full(5, 1000.0),
        dividend=dividend,
        split_ratio=split,
        dividend_factor=dividend_factors(dividend, split, close),
        intraday=intraday,
        wrong=wrong,
    )


def market(with_history: History | None = None) -> HistoricalMarket:
    security = Security("XYZ", "Xyz Inc.", "EQUITY", "USD", "NYQ", NEW_YORK, "Energy", shares=10.0, cap_shares=12.0)
    snapshots = [Snapshot(date(2026, 8, day), (Holding(f"H{day}", "", 0.1),)) for day in (22, 18)]
    known = with_history or history()
    return HistoricalMarket("simulated", {"XYZ": security}, {"XYZ": known}, {"XYZ": snapshots}, DAYS)


def closes(at: datetime) -> list[float | None]:
    return [bar.close for bar in market().bars("XYZ", at)]


def test_nothing_before_the_first_session() -> None:
    assert market().bars("XYZ", moment(17, 13)) == []
    assert market().quote("XYZ", moment(17, 13)) is None


def test_a_session_is_there_when_it_is_over() -> None:
    assert market().bars("XYZ", moment(18, 20)) == [
        Bar(DAYS[0], 99, 102, 98, 100, 100, 1000),
        Bar(DAYS[1], 109, 112, 108, 110, 110, 1000),
    ]


def test_a_running_session_is_partial() -> None:
    bars = market().bars("XYZ", moment(18, 16, 45))  # halfway
    assert [bar.is_partial for bar in bars] == [False, True]
    assert bars[-1] == Bar(DAYS[1], 109, 110.5, 108.5, 109.5, 109.5, 500, is_partial=True)


def test_of_a_running_recorded_session_only_the_open_is_known() -> None:
    bars = history(intraday=False).bars(moment(18, 15).timestamp())
    assert bars[-1] == Bar(DAYS[1], 109, 109, 109, 109, 109, 0, is_partial=True)


def test_a_split_changes_earlier_prices_from_its_opening_bell() -> None:
    assert closes(moment(19, 13, 29)) == [100, 110]
    assert closes(moment(19, 13, 30)) == [50, 55, 53]
    split = market().bars("XYZ", moment(19, 20))
    assert [bar.close for bar in split] == [50, 55, 54]
    assert [bar.volume for bar in split] == [2000, 2000, 1000]
    assert [bar.split_ratio for bar in split] == [1, 1, 2]


def test_a_dividend_changes_earlier_adjusted_closes_from_its_opening_bell() -> None:
    before = [bar.adj_close for bar in market().bars("XYZ", moment(20, 13, 29))]
    assert before == [50, 55, 54]
    after = [bar.adj_close for bar in market().bars("XYZ", moment(20, 20))]
    kept = 1 - 3 / 54
    assert after == pytest.approx([50 * kept, 55 * kept, 54 * kept, 60], abs=1e-8)
    assert closes(moment(20, 20)) == [50, 55, 54, 60]


def test_adjusted_returns_include_the_dividend() -> None:
    bars = market().bars("XYZ", moment(20, 20))
    assert bars[3].adj_close / bars[2].adj_close == pytest.approx(60 / (54 - 3), abs=1e-9)  # type: ignore[operator]


def test_a_wrong_bar_stands_until_it_is_corrected() -> None:
    wrong = Wrong(row=1, corrected_at=moment(20, 13, 30).timestamp(), high=116.0, close=114.0)
    told = history(wrong=(wrong,))
    assert told.bars(moment(18, 20).timestamp())[1] == Bar(DAYS[1], 109, 116, 108, 114, 114, 1000)
    assert told.bars(moment(20, 13, 29).timestamp())[1].close == 57
    assert told.bars(moment(20, 13, 30).timestamp())[1].close == 55


def test_shares_and_market_cap_are_of_the_moment() -> None:
    before, after = market().quote("XYZ", moment(18, 20)), market().quote("XYZ", moment(19, 20))
    assert before and after
    assert (before.shares_outstanding, before.market_cap, before.price) == (10, 12 * 110, 110)
    assert (after.shares_outstanding, after.market_cap, after.previous_close) == (20, 24 * 54, 55)


@pytest.mark.parametrize(
    ("at", "known"),
    [
        (moment(18, 19, 59), []),
        (moment(18, 20), ["H18"]),
        (moment(22, 19, 59), ["H18"]),
        (moment(22, 20), ["H22"]),  # a Saturday: known from 16:00 New York
    ],
)
def test_holdings_are_known_from_the_close_of_their_day(at: datetime, known: list[str]) -> None:
    assert [holding.ticker for holding in market().holdings("XYZ", at)] == known


def test_the_last_bars_are_the_end_of_all() -> None:
    at = (moment(21, 20) + timedelta(days=1)).timestamp()
    assert history().bars(at, count=2) == history().bars(at)[-2:]


def test_an_unknown_ticker() -> None:
    with pytest.raises(UnknownSymbol):
        market().bars("NOPE", moment(21, 20))
