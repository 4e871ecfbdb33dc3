"""By when each session's and month's portfolios should be published: `python -m alerts.due MOMENT` prints it as JSON.

A process of its own, since the calendars take three times the memory of the watcher.
"""

import sys
from datetime import UTC, date, datetime, time, timedelta

import msgspec

from alerts.incidents import OLDEST
from alerts.observed import Due
from config.config import Settings
from utils.dates import DAY, SATURDAY, last_sundays_between, sessions_between

AHEAD = timedelta(days=10)


def main() -> None:
    settings = Settings.from_env()
    moment = datetime.fromisoformat(sys.argv[1])
    sys.stdout.buffer.write(msgspec.json.encode(dues(moment, settings.schedule, settings.alerts.published_by)))


def dues(moment: datetime, schedule: str, at: time) -> list[Due]:
    """Return the sessions and months around a moment, each with the moment by which its portfolios are due.

    They begin with the oldest one of which anybody is told.
    """
    day = moment.astimezone(UTC).date()
    around = day - OLDEST, day + AHEAD
    return [
        *(Due(session, due_moment(session, schedule, at)) for session in sessions_between(*around)),
        *(Due(sunday, month_due_moment(sunday, at), is_month=True) for sunday in last_sundays_between(*around)),
    ]


def due_moment(session: date, schedule: str, at: time) -> datetime:
    """Return when a session's portfolios are due: at an hour (UTC) of the day on which stage 5 is over.

    The controller runs through the night after the session, the staggered stages on the morning of the next weekday.

    >>> friday = date(2026, 8, 21)
    >>> [f"{due_moment(friday, mode, time(15)):%a %H:%M}" for mode in ("staggered", "controller")]
    ['Mon 15:00', 'Sat 15:00']
    """
    day = session + DAY
    while schedule == "staggered" and day.weekday() >= SATURDAY:
        day += DAY
    return datetime.combine(day, at, UTC)


def month_due_moment(sunday: date, at: time) -> datetime:
    """Return when a month's portfolio is due: at an hour of the Monday, before whose close it is to be bought.

    A month without a run on its Sunday is made by the repoll of that day.

    >>> print(month_due_moment(date(2026, 8, 30), time(15)))
    2026-08-31 15:00:00+00:00
    """
    return datetime.combine(sunday + DAY, at, UTC)


if __name__ == "__main__":
    main()
