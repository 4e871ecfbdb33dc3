"""The moment the market server answers as of. It stands still until it is set, or follows the real clock."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta

from market.sessions import NEW_YORK, end_of_market, trading_days, utc
from utils.dates import close_of, require_closed_session
from utils.errors import InvalidInput

# Yahoo's quotes are up to fifteen minutes late: by then the closing price is there.
AFTER_CLOSE = timedelta(minutes=15)
REAL = "real"


class MarketClock:
    """Moments between the first session's opening bell and the one after the last session."""

    def __init__(self, sessions: Sequence[date], real_now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        home = trading_days(NEW_YORK)
        self._sessions = sessions
        self._begins = utc(home.opens[home.days.index(sessions[0])])
        self._ends = utc(end_of_market(sessions[-1]))
        self._real_now = real_now
        self._standing: datetime | None = close_of(sessions[-1]) + AFTER_CLOSE

    def now(self) -> datetime:
        return self._standing or self._real_now()

    @property
    def is_real(self) -> bool:
        return self._standing is None

    def set(self, text: str) -> datetime:
        """Take "real", a moment with its offset from UTC, or a session's date, which means a little after its close."""
        moment = self._real_now() if text == REAL else self._moment_of(text)
        if not self._begins <= moment < self._ends:
            raise InvalidInput(
                f"{_show(moment)} is outside the market, which has the sessions {self._sessions[0]} to "
                f"{self._sessions[-1]}: set a moment from {_show(self._begins)} to just before {_show(self._ends)}"
            )
        self._standing = None if text == REAL else moment
        return moment

    def _moment_of(self, text: str) -> datetime:
        try:
            moment = datetime.fromisoformat(text)
            utc_moment = moment.astimezone(UTC)
        except (ValueError, OverflowError):
            raise InvalidInput(
                f"{text!r} is not a clock setting: write {REAL!r}, a date like 2026-08-21 (just after that session's "
                "close) or a moment like 2026-08-21T20:30:00Z"
            ) from None
        if len(text) == len("2026-08-21"):
            return close_of(require_closed_session(moment.date(), self._ends)) + AFTER_CLOSE
        if moment.tzinfo is None:
            raise InvalidInput(f"{text!r} does not say in which time zone: add a Z for UTC")
        return utc_moment


def _show(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
