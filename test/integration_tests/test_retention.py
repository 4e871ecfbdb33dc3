"""What only tells of the past is deleted, and nothing else."""

from contextlib import closing
from datetime import UTC, datetime

from config.config import DatabaseSettings
from database.db_helper import connect, fetch, transaction
from database.queries.retention import OLD_ROWS, forget_older


def test_old_rows_of_the_logs_go(scratch_database: DatabaseSettings) -> None:
    with closing(connect(scratch_database)) as conn:
        with transaction(conn), conn.cursor() as cursor:
            for day in ("2025-08-20", "2025-08-21", "2026-08-21"):
                cursor.execute(
                    "INSERT INTO logs_yahoo_request (requested_at, endpoint, symbol) VALUES (%(day)s, 'chart', 'SPY');"
                    "INSERT INTO logs_stage_run (dag_id, run_id, as_of_date, state, started_at)"
                    "VALUES ('a dag', %(day)s, %(day)s, 'green', %(day)s)",
                    {"day": day},
                )
        assert forget_older(conn, datetime(2025, 8, 21, tzinfo=UTC)) == dict.fromkeys(OLD_ROWS, 1)
        for table, column in OLD_ROWS.items():
            left = fetch(conn, f"SELECT {column}::date AS day FROM {table} ORDER BY 1")
            assert [str(row["day"]) for row in left] == ["2025-08-21", "2026-08-21"]
