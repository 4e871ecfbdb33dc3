"""Rows that only tell of the past, and that are cleared away after a while. What is evidence stays for good."""

from datetime import datetime

from database.db_helper import Connection, transaction

# The log's time. Rows that a rule still reads are newer: the settings do not allow fewer than 60 days.
OLD_ROWS = {"logs_yahoo_request": "requested_at", "logs_stage_run": "started_at"}


def forget_older(conn: Connection, before: datetime) -> dict[str, int]:
    """Delete what was logged before a moment, and return how many rows of each table that were."""
    deleted = {}
    for table, column in OLD_ROWS.items():
        with transaction(conn), conn.cursor() as cursor:
            cursor.execute(f"DELETE FROM {table} WHERE {column} < %s", (before,))
            deleted[table] = cursor.rowcount
    return deleted
