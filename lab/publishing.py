"""Store a report for the API: collected_* and variants.toml -> analytics_lab_report."""

from datetime import date

import msgspec

from contract.lab import LabReport
from database.db_helper import Connection, transaction


def publish(conn: Connection, session: date, report: LabReport) -> None:
    """Store what the lab says about the prices up to a session, in the place of what it said before."""
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO analytics_lab_report (as_of_date, source, report)
            VALUES (%s, %s, %s)
            ON CONFLICT (as_of_date)
                DO UPDATE SET source = EXCLUDED.source, report = EXCLUDED.report, published_at = CLOCK_TIMESTAMP()
            """,
            (session, report.source, msgspec.json.encode(report).decode()),
        )
