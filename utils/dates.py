"""Exchange sessions: functions from dates to dates. Holidays and early closes come from exchange_calendars."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, partial
from typing import Any

from config.exchange_days import extra_days
from config.exchanges import FILE as EXCHANGES_FILE
from config.exchanges import RATE, ExchangesError, Listing, exchanges, suffix_of
from utils.errors import InvalidInput, NotASession, UnknownExchange
from utils.kept_sessions import KeptSessions, kept_sessions
from utils.reasons import Reason, of_ticker, reason

HOME_EXCHANGE = "XNYS"
SESSIONS_OF_A_MONTH = 20
CALENDAR_START = date(2000, 1, 3)
# A service may run for so long without a new start.
KNOWN_AHEAD = timedelta(days=3 * 366)
DAY = timedelta(days=1)
SATURDAY, SUNDAY = 5, 6
WEEKDAYS_OF_A_WEEK, DAYS_OF_A_WEEK = 5, 7
# date.fromisoformat takes other spellings, too: 20260821, 2026-W34-5.
ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True)
class Sessions:
    """An exchange's sessions from 2000 to some years ahead, in order, with the moments (UTC) at which they end."""

    exchange: str
    days: tuple[date, ...]
    closes: tuple[datetime, ...]

    def position(self, day: date) -> int:
        """Return the index of a session, or raise NotASession, which names the nearest sessions."""
        at = bisect_left(self.days, day)
        if at == len(self.days) or day < self.days[0]:
            raise self.outside(day)
        if self.days[at] != day:
            weekday = reason(f"weekday_{day.weekday()}")
            near = {"before": self.days[at - 1], "after": self.days[at]}
            raise NotASession(reason("not_a_session", day=day, weekday=weekday, exchange=self.exchange, **near))
        return at

    def outside(self, day: date) -> NotASession:
        """Return the error for a day that the calendar does not reach."""
        ends = {"first": self.days[0], "last": self.days[-1]}
        return NotASession(reason("outside_calendar", day=day, exchange=self.exchange, **ends))


@cache
def sessions_of(exchange: str = HOME_EXCHANGE) -> Sessions:
    """Return an exchange's sessions: those of exchange_calendars, with the extra days of config/exchange_days.csv.

    The package knows only some years of India, China and Singapore, which publish their holidays year by year. In all
    other years every weekday of the exchange counts as a session, until somebody adds the holidays.
    """
    # Of the calendar alone, which ends after a year by default: nothing that is computed rests on it.
    end = datetime.now(UTC).date() + KNOWN_AHEAD
    kept = kept_sessions().get(exchange)
    usual_close: Callable[[date], datetime]
    if kept and end <= kept.until:
        closes, usual_close = kept.all_closes(CALENDAR_START, end), kept.usual_close
    else:
        closes, usual_close = _computed_closes(exchange, end)
    for extra in extra_days():
        if extra.exchange == exchange and not extra.is_open:
            closes.pop(extra.day, None)
        elif extra.exchange == exchange:
            closes.setdefault(extra.day, usual_close(extra.day))
    sessions = tuple(sorted(closes))
    return Sessions(exchange, sessions, tuple(closes[day] for day in sessions))


def _computed_closes(exchange: str, end: date) -> tuple[dict[date, datetime], Callable[[date], datetime]]:
    """Return the closes as the calendar package has them, and what gives the usual close of another day."""
    first_known = exchanges().calendar_from(exchange) or CALENDAR_START
    calendar = _calendar(exchange, first_known, end)
    closes = _closes(calendar)
    unknown = _weekdays(calendar, CALENDAR_START, first_known - DAY)
    if last_known := calendar.bound_max():
        unknown += _weekdays(calendar, last_known.date() + DAY, sessions_of().days[-1])
    usual_close = partial(_usual_close, calendar)
    return closes | {day: usual_close(day) for day in unknown}, usual_close


def _calendar(exchange: str, first: date, end: date) -> Any:
    import exchange_calendars  # imports pandas, too slow for DAG files, which import this module when they are parsed

    try:
        return exchange_calendars.get_calendar(exchange, start=first.isoformat(), end=end.isoformat())
    except exchange_calendars.errors.InvalidCalendarName:
        raise ExchangesError(f"{EXCHANGES_FILE}: the package exchange_calendars has no exchange {exchange!r}") from None
    except ValueError:  # its holidays are published year by year
        return exchange_calendars.get_calendar(exchange, start=first.isoformat())


def _closes(calendar: Any) -> dict[date, datetime]:
    return dict(zip((day.date() for day in calendar.sessions), map(_utc, calendar.closes), strict=True))


def computed_sessions(exchange: str, until: date) -> KeptSessions:
    """Return an exchange's sessions as the calendar package has them."""
    calendar = _calendar(exchange, CALENDAR_START, until)
    closes = _closes(calendar)
    days = _weekdays(calendar, CALENDAR_START, until)
    unusual = {day: closes[day] for day in days if day in closes and closes[day] != _usual_close(calendar, day)}
    usual = [(since.date() if since else date.min, at) for since, at in calendar.close_times]
    return KeptSessions(until, calendar.tz.key, tuple(usual), frozenset(days) - closes.keys(), unusual)


def _weekdays(calendar: Any, start: date, end: date) -> list[date]:
    """Return the days from start to end, both included, that are in the exchange's trading week."""
    days = (start + timedelta(days=n) for n in range((end - start).days + 1))
    return [day for day in days if calendar.weekmask[day.weekday()] == "1"]


def _usual_close(calendar: Any, day: date) -> datetime:
    """Return when a session without an early close ends on a day."""
    at: time = next(at for since, at in reversed(calendar.close_times) if since is None or since.date() <= day)
    return datetime.combine(day, at, calendar.tz).astimezone(UTC)


def _utc(close: Any) -> datetime:
    moment: datetime = close.to_pydatetime().astimezone(UTC)
    return moment


def find_exchange(ticker: str) -> str | None:
    """Return a ticker's exchange by its suffix, or None when config/exchanges.toml does not have it.

    >>> [find_exchange(ticker) for ticker in ("005930.KS", "BRK-B", "KRW=X", "VNM.VN")]
    ['XKRX', 'XNYS', 'XNYS', None]
    """
    listing = exchanges().by_suffix.get(suffix_of(ticker))
    return listing.exchange if listing else None


def exchange_of(ticker: str) -> str:
    """Return a ticker's exchange by its suffix. Raise UnknownExchange when config/exchanges.toml does not have it.

    >>> [exchange_of(ticker) for ticker in ("005930.KS", "7203.T", "VOD.L", "BRK-B")]
    ['XKRX', 'XTKS', 'XLON', 'XNYS']
    """
    return _listing_of(ticker).exchange


def time_zone_of(ticker: str) -> str:
    """Return the time zone in which Yahoo dates a ticker's bars.

    >>> time_zone_of("SPY"), time_zone_of("005930.KS"), time_zone_of("KRW=X")
    ('America/New_York', 'Asia/Seoul', 'Europe/London')
    """
    return _listing_of(ticker).time_zone


def delay_of(ticker: str) -> timedelta:
    """Return by how much Yahoo delays the prices of a ticker's exchange.

    >>> [delay_of(ticker).seconds // 60 for ticker in ("SPY", "005930.KS", "KRW=X")]
    [1, 20, 0]
    """
    return _listing_of(ticker).delay


def why_no_exchange(ticker: str) -> Reason | None:
    """Tell why a ticker has no sessions, or return None when it has.

    >>> str(why_no_exchange("VNM.VN"))
    'no exchange is known for the suffix .VN'
    """
    return None if find_exchange(ticker) else reason("no_exchange", suffix=suffix_of(ticker))


def _listing_of(ticker: str) -> Listing:
    if listing := exchanges().by_suffix.get(suffix_of(ticker)):
        return listing
    unknown = reason("no_exchange", suffix=suffix_of(ticker))
    raise UnknownExchange(of_ticker(ticker, [reason("add_exchange", reason=unknown)]))


def parse_date(text: str) -> date:
    """Parse an ISO date, or raise InvalidInput."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(reason("no_date", text=repr(text))) from None


def close_of(session: date, exchange: str = HOME_EXCHANGE) -> datetime:
    """Return the moment (UTC) at which a session ends, early closes included."""
    sessions = sessions_of(exchange)
    return sessions.closes[sessions.position(session)]


def last_closed_session(moment: datetime, exchange: str = HOME_EXCHANGE) -> date:
    """Return the last session whose close is at or before a moment.

    >>> last_closed_session(datetime(2026, 8, 18, 9, tzinfo=UTC))   # Tuesday 09:00: Monday's session
    datetime.date(2026, 8, 17)
    """
    sessions = sessions_of(exchange)
    return sessions.days[bisect_right(sessions.closes, moment) - 1]


def session_before(session: date, count: int, exchange: str = HOME_EXCHANGE) -> date:
    """Return the session `count` sessions before this one. A negative count looks ahead.

    Raise NotASession outside the calendar.
    """
    sessions = sessions_of(exchange)
    at = sessions.position(session) - count
    if not 0 <= at < len(sessions.days):
        at_ends = {"first": sessions.days[0], "last": sessions.days[-1]}
        raise NotASession(reason("sessions_before_outside", count=count, session=session, exchange=exchange, **at_ends))
    return sessions.days[at]


def last_session_by(day: date, exchange: str = HOME_EXCHANGE) -> date:
    """Return the day itself if it is a session, else the last one before it.

    Raise NotASession outside the calendar.

    >>> last_session_by(date(2024, 3, 31))   # the Sunday after Good Friday
    datetime.date(2024, 3, 28)
    """
    sessions = sessions_of(exchange)
    if not sessions.days[0] <= day <= sessions.days[-1]:
        raise sessions.outside(day)
    return sessions.days[bisect_right(sessions.days, day) - 1]


def session_after(day: date, count: int, exchange: str = HOME_EXCHANGE) -> date:
    """Return the `count`th session after a day, which need not be a session itself.

    Raise NotASession outside the calendar.

    >>> session_after(date(2024, 3, 31), 1), session_after(date(2024, 3, 28), 1)
    (datetime.date(2024, 4, 1), datetime.date(2024, 4, 1))
    """
    return session_before(last_session_by(day, exchange), -count, exchange)


def valid_until(rebalance_date: date) -> date:
    """Return the expiry of a monthly portfolio: the 20th session after its rebalance date.

    >>> valid_until(date(2026, 7, 26))
    datetime.date(2026, 8, 21)
    """
    return session_after(rebalance_date, SESSIONS_OF_A_MONTH)


def traded_on(decided_on: date) -> date:
    """Return the session at whose close a portfolio is bought.

    It is the one after the decision, because a session's prices are known only after its close.

    >>> traded_on(date(2026, 8, 21)), traded_on(date(2026, 7, 26))
    (datetime.date(2026, 8, 24), datetime.date(2026, 7, 27))
    """
    return session_after(decided_on, 1)


def month_sold_on(rebalance_date: date, following: date | None) -> date:
    """Return the session at whose close a monthly portfolio is sold.

    It is sold when the following one is bought, and at its expiry at the latest.

    >>> month_sold_on(date(2026, 7, 26), None), month_sold_on(date(2026, 7, 26), date(2026, 8, 9))
    (datetime.date(2026, 8, 21), datetime.date(2026, 8, 10))
    """
    end = valid_until(rebalance_date)
    return max(traded_on(rebalance_date), min(end, traded_on(following)) if following else end)


def sessions_between(start: date, end: date, exchange: str = HOME_EXCHANGE) -> list[date]:
    """Return the sessions from start to end, both included."""
    days = sessions_of(exchange).days
    return list(days[bisect_left(days, start) : bisect_right(days, end)])


def about_sessions(start: date, end: date) -> int:
    """Return about how many sessions a range has, without reading a calendar: its weekdays.

    >>> about_sessions(date(2026, 8, 21), date(2026, 8, 21)), about_sessions(date(2025, 8, 22), date(2026, 8, 21))
    (1, 261)
    """
    return ((end - start).days * WEEKDAYS_OF_A_WEEK + WEEKDAYS_OF_A_WEEK) // DAYS_OF_A_WEEK + 1


def session_at(ticker: str, session: date) -> date | None:
    """Return a ticker's last session that was over at a home session's close. None without a known exchange.

    >>> [str(session_at(ticker, date(2026, 8, 17))) for ticker in ("SPY", "005930.KS", "VNM.VN")]   # closed in Korea
    ['2026-08-17', '2026-08-14', 'None']
    """
    exchange = find_exchange(ticker)
    return window_of(session, 0, exchange)[1] if exchange else None


def exchanges_using(ticker: str) -> set[str]:
    """Return a ticker's own exchange.

    For an exchange rate, return the exchanges in its currency, whose prices it converts.

    >>> exchanges_using("7203.T"), exchanges_using("KRW=X"), exchanges_using("QAR=X")   # Qatar's is not in the table
    ({'XTKS'}, {'XKRX'}, {'XNYS'})
    """
    if not ticker.endswith(RATE):
        return {exchange_of(ticker)}
    return exchanges().in_currency(ticker.removesuffix(RATE)) or {HOME_EXCHANGE}


def expected_days(ticker: str, start: date, end: date) -> list[date]:
    """Return the days from start to end on which a ticker should have a bar: the sessions of its exchange.

    An exchange rate should have one on the sessions of all exchanges in its currency. Weekends are left out, because
    currencies are not traded then.

    >>> days = date(2026, 8, 14), date(2026, 8, 18)     # Korea was closed on Monday the 17th
    >>> [[day.day for day in expected_days(ticker, *days)] for ticker in ("SPY", "005930.KS", "KRW=X", "JPY=X")]
    [[14, 17, 18], [14, 18], [14, 18], [14, 17, 18]]
    """
    days = {day for exchange in exchanges_using(ticker) for day in sessions_between(start, end, exchange)}
    return sorted(day for day in days if not (ticker.endswith(RATE) and day.weekday() >= SATURDAY))


def last_sessions(end: date | None, count: int) -> list[date]:
    """Return the home exchange's last `count` sessions up to a day, oldest first. None of them without a day.

    >>> [day.day for day in last_sessions(date(2026, 8, 23), 2)]   # a Sunday
    [20, 21]
    """
    days = sessions_of().days
    position = bisect_right(days, end) if end else 0
    return list(days[max(position - count, 0) : position])


def require_closed_session(day: date, moment: datetime, exchange: str = HOME_EXCHANGE) -> date:
    """Return the day if its session was over at a moment, or raise NotASession."""
    if close_of(day, exchange) > moment:
        last = last_closed_session(moment, exchange)
        raise NotASession(reason("not_over_yet", exchange=exchange, day=day, last=last))
    return day


def window_of(as_of: date, period_days: int, exchange: str = HOME_EXCHANGE) -> tuple[date, date]:
    """Return both ends of the window of an N-session return as of a home session.

    The window ends at the exchange's last session that was over at the home exchange's close of `as_of`. It starts N of
    the exchange's own sessions earlier.

    >>> window_of(date(2026, 8, 21), 5)
    (datetime.date(2026, 8, 14), datetime.date(2026, 8, 21))
    >>> window_of(date(2026, 8, 17), 1, "XKRX")   # Korea was closed on the 17th
    (datetime.date(2026, 8, 13), datetime.date(2026, 8, 14))
    >>> window_of(date(2026, 7, 17), 1, "XKRX")   # and on Constitution Day, which only config/exchange_days.csv knows
    (datetime.date(2026, 7, 15), datetime.date(2026, 7, 16))
    """
    end = as_of if exchange == HOME_EXCHANGE else last_closed_session(close_of(as_of), exchange)
    return session_before(end, period_days, exchange), end


def previous_month_end(day: date) -> date:
    """Return the home exchange's last session of the month before that of a day.

    Raise NotASession outside the calendar.

    >>> previous_month_end(date(2026, 8, 28))
    datetime.date(2026, 7, 31)
    """
    return last_session_by(day.replace(day=1) - DAY)


def month_to_date(as_of: date, exchange: str = HOME_EXCHANGE) -> tuple[date, date]:
    """Return both ends of the window of the month so far, as of a home session.

    Like every window it follows the home exchange: it starts at the exchange's last session that was over at the home
    exchange's last close of the month before, and ends as `window_of` says.

    >>> month_to_date(date(2026, 8, 21))
    (datetime.date(2026, 7, 31), datetime.date(2026, 8, 21))
    >>> month_to_date(date(2024, 4, 30), "XKRX")   # Korea was open on Good Friday, the 29th
    (datetime.date(2024, 3, 28), datetime.date(2024, 4, 30))
    """
    return window_of(previous_month_end(as_of), 0, exchange)[1], window_of(as_of, 0, exchange)[1]


def last_sunday(year: int, month: int) -> date:
    """Return the last Sunday of a month.

    >>> last_sunday(2026, 8)
    datetime.date(2026, 8, 30)
    """
    return _last(SUNDAY, year, month)


def _last(weekday: int, year: int, month: int) -> date:
    last_day = date(year + month // 12, month % 12 + 1, 1) - DAY
    return last_day - (last_day.weekday() - weekday) % DAYS_OF_A_WEEK * DAY


def last_sundays_between(start: date, end: date) -> list[date]:
    """Return the last Sundays of months that lie from start to end, both included.

    >>> [day.isoformat() for day in last_sundays_between(date(2025, 11, 30), date(2026, 1, 24))]
    ['2025-11-30', '2025-12-28']
    """
    return _last_between(SUNDAY, start, end)


def last_saturdays_between(start: date, end: date) -> list[date]:
    """Return the last Saturdays of months that lie from start to end, both included.

    >>> [day.isoformat() for day in last_saturdays_between(date(2026, 1, 1), date(2026, 2, 28))]
    ['2026-01-31', '2026-02-28']
    """
    return _last_between(SATURDAY, start, end)


def _last_between(weekday: int, start: date, end: date) -> list[date]:
    months = range(start.year * 12 + start.month - 1, end.year * 12 + end.month)
    days = [_last(weekday, month // 12, month % 12 + 1) for month in months]
    return [day for day in days if start <= day <= end]


def last_sunday_by(day: date) -> date:
    """Return the newest last Sunday of a month on or before a day.

    >>> last_sunday_by(date(2026, 8, 29)), last_sunday_by(date(2026, 8, 30))
    (datetime.date(2026, 7, 26), datetime.date(2026, 8, 30))
    """
    return last_sundays_between(day - timedelta(days=62), day)[-1]


def next_last_sunday(day: date) -> date:
    """Return the first last Sunday of a month after a day.

    >>> next_last_sunday(date(2026, 8, 29)), next_last_sunday(date(2026, 8, 30))
    (datetime.date(2026, 8, 30), datetime.date(2026, 9, 27))
    """
    return last_sundays_between(day + timedelta(days=1), day + timedelta(days=62))[0]
