"""Cron timetables that date a run by the day it is about: the session before the tick, or the tick's own day.

A tick is a moment at which the cron fires.
"""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pendulum
from airflow.plugins_manager import AirflowPlugin
from airflow.timetables.base import DagRunInfo, TimeRestriction
from airflow.timetables.trigger import CronTriggerTimetable

# After the New York close in summer (20:00 UTC) and in winter (21:00 UTC), and when the controller runs.
EVENING = time(21, 30)
SATURDAY = 5
# A scheduler that starts within this time after a tick still runs it. Older ticks are left to the repoll, because five
# missed stages would otherwise start together, in no order.
GRACE = timedelta(minutes=10)
# Of a DAG that finds what was missed: until shortly before its next tick.
ALL_DAY = timedelta(hours=23)


class SessionTimetable(CronTriggerTimetable):
    """Fires like cron (UTC). The logical date of a run is 21:30 UTC of the weekday that the run is about.

    A run at 09:00 on Tuesday is about Monday, and one at 21:30 on Tuesday is about Tuesday. With these dates, a
    backfill "from 2026-08-10 to 2026-08-14" is about exactly these days in every DAG, whatever its hour.

    on_schedule=False: never fires by itself, but can be backfilled, with the same dates
    grace: for how long after a tick a scheduler still runs it, once the DAG has had a first run
    """

    def __init__(self, cron: str, *, on_schedule: bool = True, grace: timedelta = GRACE) -> None:
        super().__init__(cron, timezone="UTC")
        self._on_schedule = on_schedule
        self._grace = grace

    @property
    def can_be_scheduled(self) -> bool:  # type: ignore[override]
        return self._on_schedule

    @property
    def summary(self) -> str:
        return self._expression if self._on_schedule else f"off ({self._expression})"

    def serialize(self) -> dict[str, Any]:
        grace_minutes = self._grace.total_seconds() / 60
        return {"cron": self._expression, "on_schedule": self._on_schedule, "grace_minutes": grace_minutes}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> "SessionTimetable":
        # Airflow keeps DAGs as earlier versions have stored them.
        grace = timedelta(minutes=data["grace_minutes"]) if "grace_minutes" in data else GRACE
        return cls(data["cron"], on_schedule=data["on_schedule"], grace=grace)

    def generate_run_id(self, *, run_type: Any, run_after: datetime, data_interval: Any, **extra: Any) -> str:
        dated = data_interval.start if data_interval else run_after
        return str(run_type.generate_run_id(suffix=dated.isoformat()))

    def next_dagrun_info(self, *, last_automated_data_interval: Any, restriction: TimeRestriction) -> DagRunInfo | None:
        if restriction.latest is not None:  # Only a backfill has an end, the DAGs have none.
            assert restriction.earliest is not None, "a backfill has a first day"
            return self._next_in_range(last_automated_data_interval, restriction.earliest, restriction.latest)
        if not self._on_schedule:
            return None
        return self._next_on_schedule(last_automated_data_interval, pendulum.now("UTC"))

    def _next_on_schedule(self, last: Any, now: pendulum.DateTime) -> DagRunInfo:
        tick = self._align_to_next(now - (GRACE if last is None else self._grace))
        if last is not None:
            tick = max(tick, self._tick_after(last))
        return DagRunInfo.interval(start=self._date_of(tick), end=tick)

    def _next_in_range(self, last: Any, earliest: pendulum.DateTime, latest: datetime) -> DagRunInfo | None:
        tick = self._align_to_next(earliest) if last is None else self._tick_after(last)
        while self._date_of(tick) < earliest:
            tick = self._get_next(tick)
        dated = self._date_of(tick)
        return DagRunInfo.exact(dated) if dated <= _end_of(latest) else None

    def _date_of(self, tick: pendulum.DateTime) -> pendulum.DateTime:
        return session_evening(tick)

    def _tick_after(self, last: Any) -> pendulum.DateTime:
        """Return the tick after that of a run."""
        # A scheduled run's interval ends at its tick, a backfilled one's in the evening it is about.
        return self._get_next(self._align_to_next(last.end))


class DayTimetable(SessionTimetable):
    """Dates runs by their tick: for runs about the day on which they start, which need not have a session."""

    def _date_of(self, tick: pendulum.DateTime) -> pendulum.DateTime:
        return tick


def session_evening(tick: datetime) -> pendulum.DateTime:
    """Return 21:30 UTC of the last weekday whose evening was over, or just began, at the tick.

    >>> print(session_evening(datetime(2026, 8, 18, 9, tzinfo=UTC)))    # Tuesday morning: Monday's
    2026-08-17 21:30:00+00:00
    >>> print(session_evening(datetime(2026, 8, 17, 9, tzinfo=UTC)))    # Monday morning: Friday's
    2026-08-14 21:30:00+00:00
    >>> print(session_evening(datetime(2026, 8, 18, 21, 30, tzinfo=UTC)))
    2026-08-18 21:30:00+00:00
    """
    day = tick.date() if tick.time() >= EVENING else tick.date() - timedelta(days=1)
    while day.weekday() >= SATURDAY:
        day -= timedelta(days=1)
    return pendulum.instance(datetime.combine(day, EVENING, tzinfo=UTC))


def _end_of(latest: datetime) -> datetime:
    """Return the end of a backfill. A day without a time of day includes the whole day."""
    return latest if latest.time() != time(0) else latest + timedelta(days=1)


class SessionTimetablePlugin(AirflowPlugin):
    name = "session_timetable"
    timetables = (SessionTimetable, DayTimetable)  # type: ignore[assignment]
