"""The pipeline at a glance: its last sessions, its tables, what was rejected, and what Yahoo was asked."""

from database.db_helper import Connection, Row
from database.queries import pipeline, publications
from database.queries.paging import Span
from utils.dates import last_sessions

NEWEST_ERRORS = 10
HOURS = 24
DAYS = 14


def state(conn: Connection, session_count: int) -> Row:
    """The last sessions up to the newest one that anything was expected of, and the state of everything else now."""
    days = last_sessions(pipeline.newest_session(conn), session_count)[::-1]
    first, last = (days[-1], days[0]) if days else (None, None)
    published = publications.sessions(conn, first, last, Span(session_count))
    by_day = {row["as_of_date"]: row["publications"] for row in published.rows}
    bars = {row["trade_date"]: row["states"] for row in pipeline.expected_bars(conn, days)}
    return {
        "sessions": [
            {"as_of_date": day, "publications": by_day.get(day, []), "bars": bars.get(day, {})} for day in days
        ],
        "tables": pipeline.freshness(conn),
        "errors": pipeline.error_counts(conn),
        "newest_errors": pipeline.errors(conn, None, Span(NEWEST_ERRORS)).rows,
        "requests_by_hour": pipeline.requests_by(conn, "hour", Span(HOURS)).rows,
        "requests_by_day": pipeline.requests_by(conn, "day", Span(DAYS)).rows,
    }
