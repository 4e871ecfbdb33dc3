"""What the lab has said about the rule."""

from datetime import date

import msgspec

from contract.lab import LabReport
from database.db_helper import Connection, fetch
from utils.errors import NotPublished
from utils.reasons import reason


def report(conn: Connection, as_of: date | None) -> LabReport:
    """Return the newest report up to a session."""
    rows = fetch(
        conn,
        """
        SELECT report
        FROM analytics_lab_report
        WHERE as_of_date <= COALESCE(%(as_of)s, 'infinity'::date)
        ORDER BY as_of_date DESC
        LIMIT 1
        """,
        {"as_of": as_of},
    )
    if not rows:
        raise NotPublished(reason("lab_not_run_by", session=as_of) if as_of else reason("lab_not_run"))
    return msgspec.convert(rows[0]["report"], LabReport)
