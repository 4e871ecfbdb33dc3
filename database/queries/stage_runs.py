"""How the runs of the DAGs have gone: noted while they go, and read session by session."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from database.db_helper import Connection, Row, fetch, transaction
from utils.reasons import Reason, as_json

# Of one DAG and session; who computes a session more often than that looks into Airflow.
SHOWN_RUNS = 5
# A run must not be held up by its own record.
PATIENCE_MS = 3000


def started(conn: Connection, dag_id: str, run_id: str, as_of: date) -> None:
    """Note that a task begins. A run that was over begins anew; one that is under way is left as it is."""
    _write(
        conn,
        """
        INSERT INTO logs_stage_run AS noted (dag_id, run_id, as_of_date, state)
        VALUES (%(dag_id)s, %(run_id)s, %(as_of)s, 'running')
        ON CONFLICT (dag_id, run_id) DO UPDATE SET
            as_of_date = EXCLUDED.as_of_date,
            state = 'running',
            reason = NULL,
            started_at = CASE WHEN noted.ended_at IS NULL THEN noted.started_at ELSE EXCLUDED.started_at END,
            ended_at = NULL
        WHERE noted.state <> 'running'
        """,
        dag_id=dag_id,
        run_id=run_id,
        as_of=as_of,
    )


def stopped(conn: Connection, dag_id: str, run_id: str, reasons: Sequence[Reason], *, is_late: bool) -> None:
    """Note that a task could not do its work. is_late: it will try again."""
    _write(
        conn,
        """
        UPDATE logs_stage_run SET state = %(state)s, reason = %(reason)s
        WHERE dag_id = %(dag_id)s AND run_id = %(run_id)s
        """,
        dag_id=dag_id,
        run_id=run_id,
        reason=as_json(reasons),
        state="late" if is_late else "failed",
    )


def told(conn: Connection, dag_id: str, run_id: str, reasons: Sequence[Reason], *, is_skipped: bool) -> None:
    """Note what a task has done, before or after `ended`. is_skipped: there was nothing to do."""
    _write(
        conn,
        """
        UPDATE logs_stage_run SET reason = %(reason)s, state = CASE WHEN %(is_skipped)s THEN 'skipped' ELSE state END
        WHERE dag_id = %(dag_id)s AND run_id = %(run_id)s AND state <> 'failed'
        """,
        dag_id=dag_id,
        run_id=run_id,
        reason=as_json(reasons),
        is_skipped=is_skipped,
    )


def ended(conn: Connection, dag_id: str, run_id: str, failure: Reason | None) -> None:
    """Note that a run is over. failure: why, where none of its tasks has said it; None: it went well."""
    _write(
        conn,
        """
        UPDATE logs_stage_run SET
            ended_at = clock_timestamp(),
            state = CASE
                WHEN %(failure)s IS NOT NULL THEN 'failed'
                WHEN state = 'skipped' THEN 'skipped'
                ELSE 'green'
            END,
            reason = COALESCE(reason, %(failure)s::jsonb)
        WHERE dag_id = %(dag_id)s AND run_id = %(run_id)s
        """,
        dag_id=dag_id,
        run_id=run_id,
        failure=as_json([failure]) if failure else None,
    )


def between(conn: Connection, first: date, last: date) -> list[Row]:
    """Return the newest runs of each DAG and day of a range, both ends included, newest first."""
    return fetch(
        conn,
        """
        SELECT dag_id, run_id, as_of_date, state, reason, started_at, ended_at
        FROM (
            SELECT *, ROW_NUMBER() OVER (PARTITION BY dag_id, as_of_date ORDER BY started_at DESC, run_id) AS place
            FROM logs_stage_run
            WHERE as_of_date BETWEEN %(first)s AND %(last)s
        ) AS runs
        WHERE place <= %(shown)s
        ORDER BY started_at DESC, run_id
        """,
        {"first": first, "last": last, "shown": SHOWN_RUNS},
    )


def _write(conn: Connection, statement: str, **params: Any) -> None:
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, TRUE)", (str(PATIENCE_MS),))
        cursor.execute(statement, params)
