"""The market clock: stands still, is set to moments inside the market, or follows the real one."""

from datetime import UTC, date, datetime

import pytest

from market.clock import MarketClock
from utils.dates import sessions_between
from utils.errors import InvalidInput

REAL_NOW = datetime(2026, 8, 20, 14, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> MarketClock:
    return MarketClock(sessions_between(date(2026, 6, 1), date(2026, 8, 21)), real_now=lambda: REAL_NOW)


def test_it_begins_just_after_the_last_close(clock: MarketClock) -> None:
    assert clock.now() == datetime(2026, 8, 21, 20, 15, tzinfo=UTC)
    assert not clock.is_real


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-08-20", datetime(2026, 8, 20, 20, 15, tzinfo=UTC)),
        ("2026-08-20T20:30:00Z", datetime(2026, 8, 20, 20, 30, tzinfo=UTC)),
        ("2026-08-20T09:00:00-04:00", datetime(2026, 8, 20, 13, 0, tzinfo=UTC)),
        ("2026-08-24T13:29:59Z", datetime(2026, 8, 24, 13, 29, 59, tzinfo=UTC)),  # a weekend later, before the bell
        ("real", REAL_NOW),
    ],
)
def test_setting_it(clock: MarketClock, text: str, moment: datetime) -> None:
    assert clock.set(text) == moment == clock.now()
    assert clock.is_real == (text == "real")


def test_an_early_close_counts() -> None:
    clock = MarketClock(sessions_between(date(2025, 11, 3), date(2025, 11, 28)))
    assert clock.now() == datetime(2025, 11, 28, 18, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("yesterday", "not a clock setting"),
        ("2026-13-01", "not a clock setting"),
        ("2026-08-20T20:30:00", "time zone"),
        ("2026-08-22", "not an XNYS session"),
        ("2026-08-24", "not over yet"),
        ("2026-08-24T13:30:00Z", "outside the market"),
        ("2026-05-29T20:00:00Z", "outside the market"),
        ("9999-12-31T23:59:59-10:00", "not a clock setting"),
    ],
)
def test_what_it_cannot_be_set_to(clock: MarketClock, text: str, reason: str) -> None:
    before = clock.now()
    with pytest.raises(InvalidInput, match=reason):
        clock.set(text)
    assert clock.now() == before
