"""The pipeline at a glance: its last sessions, tables and consumers, what was rejected, and what Yahoo was asked."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from urllib.parse import quote

from config.config import Settings
from config.stages import STAGES
from database.db_helper import Connection, Row
from database.queries import consumer_lag, pipeline, publications, stage_runs
from database.queries.paging import Span
from utils.dates import last_session_by, last_sessions, session_after

NEWEST_ERRORS = 10
QUARANTINED_BARS = 50
HOURS = 24
DAYS = 14
STAGE_NUMBERS = {dag_id: number for number, dag_id in enumerate(STAGES.values(), 1)}


def state(conn: Connection, settings: Settings, session_count: int) -> Row:
    """The last sessions up to the newest one that anything was expected of, and the state of everything else now."""
    days = last_sessions(pipeline.newest_session(conn), session_count)[::-1]
    return {
        "sessions": _sessions(conn, settings.airflow_ui_url, days) if days else [],
        "tables": pipeline.freshness(conn),
        "consumers": consumer_lag.newest(conn),
        "quarantined": pipeline.quarantined(conn, QUARANTINED_BARS),
        "errors": pipeline.error_counts(conn),
        "newest_errors": pipeline.errors(conn, None, Span(NEWEST_ERRORS)).rows,
        "requests_by_hour": pipeline.requests_by(conn, "hour", Span(HOURS)).rows,
        "requests_by_day": pipeline.requests_by(conn, "day", Span(DAYS)).rows,
        "links": {"airflow": settings.airflow_ui_url, "spark_master": settings.spark_ui_url},
    }


def _sessions(conn: Connection, airflow: str, days: Sequence[date]) -> list[Row]:
    """days: newest first. A rebalance is shown with the last session by its date, which it was computed from."""
    first, last = days[-1], days[0]
    until = session_after(last, 1) - timedelta(days=1)
    published = publications.sessions(conn, first, last, Span(len(days)))
    by_day = {row["as_of_date"]: row["publications"] for row in published.rows}
    monthly = _by_session(publications.rebalances(conn, first, until))
    runs = _by_session(_run(row, airflow) for row in stage_runs.between(conn, first, until))
    bars = {row["trade_date"]: row["states"] for row in pipeline.expected_bars(conn, days)}
    return [
        {
            "as_of_date": day,
            "publications": [*by_day.get(day, []), *monthly.get(day, [])],
            "bars": bars.get(day, {}),
            "runs": runs.get(day, []),
        }
        for day in days
    ]


def _by_session(rows: Iterable[Row]) -> dict[date, list[Row]]:
    by_session: dict[date, list[Row]] = {}
    for row in rows:
        by_session.setdefault(last_session_by(row["as_of_date"]), []).append(row)
    return by_session


def _run(row: Row, airflow: str) -> Row:
    dag_id, run_id = row["dag_id"], row["run_id"]
    address = f"{airflow}/dags/{quote(dag_id, safe='')}/runs/{quote(run_id, safe='')}"
    return {**row, "stage": STAGE_NUMBERS.get(dag_id), "airflow_url": address}
