"""Exchange sessions: dates in, dates out. Holidays and early closes come from exchange_calendars."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache

from utils.errors import InvalidInput, NotASession

HOME_EXCHANGE = "XNYS"
# Yahoo's ticker suffix -> exchange; a ticker without a known suffix trades on the home exchange's sessions.
EXCHANGE_BY_SUFFIX = {".KS": "XKRX", ".KQ": "XKRX"}
EXCHANGES = tuple(dict.fromkeys([HOME_EXCHANGE, *EXCHANGE_BY_SUFFIX.values()]))
SESSIONS_OF_A_MONTH = 20
CALENDAR_START = date(2015, 1, 2)


@dataclass(frozen=True)
class Sessions:
    """An exchange's sessions from 2015 to about a year ahead, in order, with the moment (UTC) each one ends."""

    exchange: str
    days: tuple[date, ...]
    closes: tuple[datetime, ...]

    def position(self, day: date) -> int:
        """Index of a session; NotASession names the neighbours of a day that is none."""
        at = bisect_left(self.days, day)
        if at == len(self.days) or day < self.days[0]:
            raise NotASession(f"{day} is outside the {self.exchange} calendar ({self.days[0]} to {self.days[-1]})")
        if self.days[at] != day:
            raise NotASession(
                f"{day} ({day:%A}) is not a {self.exchange} session: "
                f"the nearest are {self.days[at - 1]} and {self.days[at]}"
            )
        return at


@cache
def sessions_of(exchange: str = HOME_EXCHANGE) -> Sessions:
    import exchange_calendars  # heavy (pandas): DAG files import this module while they are parsed

    calendar = exchange_calendars.get_calendar(exchange, start=CALENDAR_START.isoformat())
    return Sessions(
        exchange=exchange,
        days=tuple(day.date() for day in calendar.sessions),
        closes=tuple(close.to_pydatetime().astimezone(UTC) for close in calendar.closes),
    )


def exchange_of(ticker: str) -> str:
    """
    >>> exchange_of("005930.KS"), exchange_of("BRK-B")
    ('XKRX', 'XNYS')
    """
    suffix = "." + ticker.rpartition(".")[2] if "." in ticker else ""
    return EXCHANGE_BY_SUFFIX.get(suffix, HOME_EXCHANGE)


def find_exchange(ticker: str) -> str | None:
    return exchange_of(ticker)


def parse_date(text: str) -> date:
    """An ISO date, or InvalidInput."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"{text!r} is not a date: write it as YYYY-MM-DD, for example 2026-08-21") from None


def close_of(session: date, exchange: str = HOME_EXCHANGE) -> datetime:
    """The moment (UTC) the session ends, early closes included."""
    sessions = sessions_of(exchange)
    return sessions.closes[sessions.position(session)]


def last_closed_session(moment: datetime, exchange: str = HOME_EXCHANGE) -> date:
    """The last session whose close is at or before the moment.

    >>> last_closed_session(datetime(2026, 8, 18, 9, tzinfo=UTC))   # Tuesday 09:00: Monday's session
    datetime.date(2026, 8, 17)
    """
    sessions = sessions_of(exchange)
    return sessions.days[bisect_right(sessions.closes, moment) - 1]


def session_before(session: date, count: int, exchange: str = HOME_EXCHANGE) -> date:
    """The session `count` sessions before this one (0: itself; negative: after); NotASession outside the calendar."""
    sessions = sessions_of(exchange)
    at = sessions.position(session) - count
    if not 0 <= at < len(sessions.days):
        raise NotASession(
            f"{count} sessions before {session} is outside the {exchange} calendar "
            f"({sessions.days[0]} to {sessions.days[-1]})"
        )
    return sessions.days[at]


def last_session_by(day: date, exchange: str = HOME_EXCHANGE) -> date:
    """The day itself if it is a session, else the last one before it; NotASession outside the calendar.

    >>> last_session_by(date(2024, 3, 31))   # the Sunday after Good Friday
    datetime.date(2024, 3, 28)
    """
    sessions = sessions_of(exchange)
    if not sessions.days[0] <= day <= sessions.days[-1]:
        raise NotASession(f"{day} is outside the {exchange} calendar ({sessions.days[0]} to {sessions.days[-1]})")
    return sessions.days[bisect_right(sessions.days, day) - 1]


def session_after(day: date, count: int, exchange: str = HOME_EXCHANGE) -> date:
    """The `count`th session after a day, which need not be one itself; NotASession outside the calendar.

    >>> session_after(date(2024, 3, 31), 1), session_after(date(2024, 3, 28), 1)
    (datetime.date(2024, 4, 1), datetime.date(2024, 4, 1))
    """
    return session_before(last_session_by(day, exchange), -count, exchange)


def valid_until(rebalance_date: date) -> date:
    """The last session for which a month's portfolio is meant: the 20th after its rebalance date.

    >>> valid_until(date(2026, 7, 26))
    datetime.date(2026, 8, 21)
    """
    return session_after(rebalance_date, SESSIONS_OF_A_MONTH)


def traded_on(decided_on: date) -> date:
    """The session at whose close a portfolio is bought: a session's prices are known only after its own close.

    >>> traded_on(date(2026, 8, 21)), traded_on(date(2026, 7, 26))
    (datetime.date(2026, 8, 24), datetime.date(2026, 7, 27))
    """
    return session_after(decided_on, 1)


def month_sold_on(rebalance_date: date, following: date | None) -> date:
    """The session at whose close a month's portfolio is sold: that of the purchase of the following one, if there is
    one, and at the latest the last one for which it is meant.

    >>> month_sold_on(date(2026, 7, 26), None), month_sold_on(date(2026, 7, 26), date(2026, 8, 9))
    (datetime.date(2026, 8, 21), datetime.date(2026, 8, 10))
    """
    end = valid_until(rebalance_date)
    return max(traded_on(rebalance_date), min(end, traded_on(following)) if following else end)


def sessions_between(start: date, end: date, exchange: str = HOME_EXCHANGE) -> list[date]:
    """Sessions from start to end, both included."""
    days = sessions_of(exchange).days
    return list(days[bisect_left(days, start) : bisect_right(days, end)])


def exchanges_using(ticker: str) -> set[str]:
    """A ticker's own exchange; of an exchange rate all of them, as it converts their prices."""
    return {HOME_EXCHANGE, *EXCHANGE_BY_SUFFIX.values()} if ticker.endswith("=X") else {exchange_of(ticker)}


def expected_days(ticker: str, start: date, end: date) -> list[date]:
    """The days from start to end on which a ticker should have a bar: its exchange's sessions.

    An exchange rate should have one on every session of any exchange, as it converts the prices of all of them.

    >>> days = date(2026, 8, 14), date(2026, 8, 18)     # Korea was closed on Monday the 17th
    >>> [[day.day for day in expected_days(ticker, *days)] for ticker in ("SPY", "005930.KS", "KRW=X")]
    [[14, 17, 18], [14, 18], [14, 17, 18]]
    """
    return sorted({day for exchange in exchanges_using(ticker) for day in sessions_between(start, end, exchange)})


def last_sessions(end: date | None, count: int) -> list[date]:
    """The home exchange's last sessions up to a day, oldest first; none without a day.

    >>> [day.day for day in last_sessions(date(2026, 8, 23), 2)]   # a Sunday
    [20, 21]
    """
    days = sessions_of().days
    position = bisect_right(days, end) if end else 0
    return list(days[max(position - count, 0) : position])


def require_closed_session(day: date, moment: datetime, exchange: str = HOME_EXCHANGE) -> date:
    """The day if its session was over at the moment; NotASession otherwise."""
    if close_of(day, exchange) > moment:
        last = last_closed_session(moment, exchange)
        raise NotASession(f"the {exchange} session of {day} is not over yet: the last closed one is {last}")
    return day


def window_of(as_of: date, period_days: int, exchange: str = HOME_EXCHANGE) -> tuple[date, date]:
    """Both end points of an N-session return as of a home session, on the exchange's own sessions.

    The window ends with the exchange's last session closed by the home exchange's close of `as_of`
    and starts N of its sessions earlier.

    >>> window_of(date(2026, 8, 21), 5)
    (datetime.date(2026, 8, 14), datetime.date(2026, 8, 21))
    >>> window_of(date(2026, 8, 17), 1, "XKRX")   # Korea was closed on the 17th
    (datetime.date(2026, 8, 13), datetime.date(2026, 8, 14))
    """
    end = as_of if exchange == HOME_EXCHANGE else last_closed_session(close_of(as_of), exchange)
    return session_before(end, period_days, exchange), end


def month_to_date(as_of: date, exchange: str = HOME_EXCHANGE) -> tuple[date, date]:
    """Both end points of the return of as_of's month so far: the exchange's last session before it, and `window_of`'s.

    >>> month_to_date(date(2026, 8, 21))
    (datetime.date(2026, 7, 31), datetime.date(2026, 8, 21))
    """
    _, end = window_of(as_of, 0, exchange)
    days = sessions_of(exchange).days
    before = bisect_left(days, as_of.replace(day=1)) - 1
    if before < 0:
        raise NotASession(f"the month before {as_of} is outside the {exchange} calendar ({days[0]} to {days[-1]})")
    return days[before], end


def last_sunday(year: int, month: int) -> date:
    """
    >>> last_sunday(2026, 8)
    datetime.date(2026, 8, 30)
    """
    first_of_next = date(year + month // 12, month % 12 + 1, 1)
    last_day = first_of_next - timedelta(days=1)
    return last_day - timedelta(days=(last_day.weekday() + 1) % 7)


def last_sundays_between(start: date, end: date) -> list[date]:
    """The last Sunday of each month, as far as it is from start to end, both included.

    >>> [day.isoformat() for day in last_sundays_between(date(2025, 11, 30), date(2026, 1, 24))]
    ['2025-11-30', '2025-12-28']
    """
    months = range(start.year * 12 + start.month - 1, end.year * 12 + end.month)
    sundays = [last_sunday(month // 12, month % 12 + 1) for month in months]
    return [day for day in sundays if start <= day <= end]


def last_sunday_by(day: date) -> date:
    """The newest last Sunday of a month that is not after a day.

    >>> last_sunday_by(date(2026, 8, 29)), last_sunday_by(date(2026, 8, 30))
    (datetime.date(2026, 7, 26), datetime.date(2026, 8, 30))
    """
    return last_sundays_between(day - timedelta(days=62), day)[-1]
