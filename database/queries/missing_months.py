"""Months that were never made and can be: the platform was off on their weekend, or their session came late."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from database.db_helper import Connection, fetch
from database.queries.unpublished import first_on_schedule, never_computed
from utils.dates import last_saturdays_between, last_session_by, last_sundays_between

NOT_COMPUTABLE = "not_computable"


class Months(NamedTuple):
    """What is to be made, oldest first.

    sectors: the sessions before the last Saturdays whose month's sectors are not measured, or were empty before the
        session's portfolios were there
    rebalances: the last Sundays without a monthly portfolio, or with one that was not computable and is now
    """

    sectors: list[date]
    rebalances: list[date]


def missing_months(conn: Connection, benchmark: str, periods: Sequence[int], by: date | None = None) -> Months:
    """Return what is missing of the months whose weekend is not after a day (None: the newest session with portfolios).

    Of those since the first run on schedule, whose session has its portfolios or can be computed.
    """
    live, portfolios = first_on_schedule(conn), _statuses(conn, "allocation", max(periods))
    by = by or max(portfolios, default=None)
    if live is None or by is None:
        return Months([], [])
    can_be = {*portfolios, *never_computed(conn, benchmark, periods, None, last_session_by(by))}
    measured, made = _measured(conn, max(periods)), _statuses(conn, "rebalance")

    def is_missing(sunday: date) -> bool:
        if made.get(sunday, NOT_COMPUTABLE) != NOT_COMPUTABLE:
            return False
        return sunday not in made or portfolios.get(last_session_by(sunday), NOT_COMPUTABLE) != NOT_COMPUTABLE

    saturdays, sundays = last_saturdays_between(live, by), last_sundays_between(live, by)
    return Months(
        [
            session
            for session in map(last_session_by, saturdays)
            if session in can_be and not any(_finishes(day, session) for day in measured)
        ],
        [sunday for sunday in sundays if last_session_by(sunday) in can_be and is_missing(sunday)],
    )


def _finishes(measured: date, session: date) -> bool:
    """Tell whether sectors that were measured as of a day are those of a session's month, and go as far."""
    return measured >= session and (measured.year, measured.month) == (session.year, session.month)


def _measured(conn: Connection, period_days: int) -> list[date]:
    """Return the days whose sectors are measured. Not those empty before the day's portfolios: stocks came later."""
    rows = fetch(
        conn,
        """
        SELECT as_of_date FROM analytics_publication AS sectors
        WHERE job = 'sectors' AND NOT (status = 'empty' AND EXISTS (
            SELECT FROM analytics_publication AS portfolios
            WHERE (job, as_of_date, period_days) = ('allocation', sectors.as_of_date, %(period_days)s)
              AND status <> %(not_computable)s AND portfolios.published_at > sectors.published_at
        ))
        """,
        {"period_days": period_days, "not_computable": NOT_COMPUTABLE},
    )
    return [row["as_of_date"] for row in rows]


def _statuses(conn: Connection, job: str, period_days: int = 0) -> dict[date, str]:
    rows = fetch(
        conn,
        """
        SELECT as_of_date, status FROM analytics_publication
        WHERE (job, period_days) = (%(job)s, %(period_days)s)
        """,
        {"job": job, "period_days": period_days},
    )
    return {row["as_of_date"]: row["status"] for row in rows}
