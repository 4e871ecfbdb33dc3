"""When a venue trades: its sessions with the moments (unix seconds) they open and close."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, cached_property
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from utils.dates import CALENDAR_START, HOME_EXCHANGE, sessions_of
from utils.errors import InvalidInput

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Venue:
    """A place of trade.

    `ends` is the daily end of a venue without a calendar: it trades on every weekday. `stated_end` is what Yahoo gives
    as the end of the session where that is not the end. Answers are `delay` seconds behind. `closed` are days without
    trade that the calendar has as sessions.
    """

    calendar: str
    zone: ZoneInfo
    opens: time
    ends: time | None = None
    stated_end: time | None = None
    delay: float = 0.0
    closed: frozenset[date] = frozenset()


NEW_YORK = Venue(HOME_EXCHANGE, ZoneInfo("America/New_York"), time(9, 30))
# An election and holidays made after the calendar package was published.
SEOUL = Venue(
    "XKRX",
    ZoneInfo("Asia/Seoul"),
    time(9, 0),
    stated_end=time(15, 0),
    delay=20 * 60,
    closed=frozenset({date(2026, 6, 3), date(2026, 7, 17), date(2027, 5, 3), date(2027, 7, 19)}),
)
TOKYO = Venue("XTKS", ZoneInfo("Asia/Tokyo"), time(9, 0), delay=20 * 60)
LONDON = Venue("XLON", ZoneInfo("Europe/London"), time(8, 0), delay=20 * 60)
FRANKFURT = Venue("XETR", ZoneInfo("Europe/Berlin"), time(9, 0), delay=15 * 60)
# Yahoo dates exchange rates by London, from midnight to midnight.
CURRENCIES = Venue("weekdays", ZoneInfo("Europe/London"), time(0, 0), ends=time(23, 59))


@dataclass(frozen=True)
class TradingDays:
    """A venue's sessions in order, from 2015 to about a year ahead."""

    days: tuple[date, ...]
    opens: Floats
    closes: Floats

    def count_opened(self, before: float) -> int:
        """Return how many sessions opened before the moment."""
        return int(np.searchsorted(self.opens, before, side="left"))

    def position(self, day: date) -> int | None:
        return self._position.get(day)

    def positions(self, days: Iterable[date]) -> list[int]:
        return [self._position[day] for day in days]

    @cached_property
    def _position(self) -> dict[date, int]:
        return {day: at for at, day in enumerate(self.days)}


@cache
def trading_days(venue: Venue) -> TradingDays:
    if venue.ends is not None:
        days = _weekdays(CALENDAR_START, sessions_of().days[-1])
        closes = _seconds(days, venue.ends, venue.zone)
    else:
        calendar = sessions_of(venue.calendar)
        open_days = {
            day: close for day, close in zip(calendar.days, calendar.closes, strict=True) if day not in venue.closed
        }
        days = tuple(open_days)
        closes = np.array([close.timestamp() for close in open_days.values()])
    return TradingDays(days, _seconds(days, venue.opens, venue.zone), closes)


def _weekdays(start: date, end: date) -> tuple[date, ...]:
    span = (start + timedelta(days=n) for n in range((end - start).days + 1))
    return tuple(day for day in span if day.weekday() < 5)


def _seconds(days: tuple[date, ...], at: time, zone: ZoneInfo) -> Floats:
    return np.array([datetime.combine(day, at, zone).timestamp() for day in days])


def end_of_market(last_session: date) -> float:
    """Return the opening bell after the last session: from then on the market would have something new to say."""
    home = trading_days(NEW_YORK)
    position = home.position(last_session)
    if position is None or position + 1 >= len(home.days):
        raise InvalidInput(f"{last_session} is not an {HOME_EXCHANGE} session with a known next one")
    return float(home.opens[position + 1])


def holdings_known_from(as_of: date) -> float:
    """Return from when a fund's holdings of a day are known: its closing bell, or 16:00 New York without a session."""
    home = trading_days(NEW_YORK)
    position = home.position(as_of)
    if position is not None:
        return float(home.closes[position])
    return datetime.combine(as_of, time(16, 0), NEW_YORK.zone).timestamp()


def utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
