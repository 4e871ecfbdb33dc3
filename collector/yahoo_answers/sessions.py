"""Tell which session a bar is of, and whether that was over when the answer was made."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from collector.yahoo_answers.model import Bar
from utils.dates import close_of, delay_of, exchange_of, time_zone_of
from utils.errors import NotASession


def zone_of(ticker: str, meta: Mapping[str, Any]) -> ZoneInfo:
    """Return the time zone that the answer names, else that of the ticker's exchange."""
    try:
        return ZoneInfo(meta["exchangeTimezoneName"])
    except (KeyError, TypeError, ValueError, ZoneInfoNotFoundError):
        return ZoneInfo(time_zone_of(ticker))


def session_of(stamp: float, zone: ZoneInfo, is_live: bool) -> date:
    """Return the exchange-local day of a stamp: going through UTC can shift it.

    Some zones' midnights come an hour or two early after a change of daylight saving time.
    """
    local = datetime.fromtimestamp(stamp, zone)
    is_early_midnight = not is_live and local.hour >= 22 and not (local.minute or local.second)
    return local.date() + timedelta(days=1) if is_early_midnight else local.date()


def completed(bars: Iterable[Bar], ticker: str, moment: datetime, meta: Mapping[str, Any]) -> list[Bar]:
    """Return the bars whose session was over, by the calendar and by the answer's own trading period.

    The time of the last trade proves nothing: a thin ticker's precedes the close.
    """
    zone, known_by = zone_of(ticker, meta), moment - delay_of(ticker)
    regular = (meta.get("currentTradingPeriod") or {}).get("regular") or {}
    period_end = datetime.fromtimestamp(regular["end"], UTC) if regular.get("end") else None
    return [bar for bar in bars if _end_of(bar.session, exchange_of(ticker), zone, period_end) <= known_by]


def _end_of(session: date, exchange: str, zone: ZoneInfo, period_end: datetime | None) -> datetime:
    """Return the later of the calendar's close and the answer's.

    A day that is no session in the calendar ends at midnight.
    """
    try:
        close = close_of(session, exchange)
    except NotASession:
        close = datetime.combine(session + timedelta(days=1), time(), zone)
    return max(close, period_end) if period_end and period_end.astimezone(zone).date() == session else close
