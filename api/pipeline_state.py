"""The state of the pipeline: its last sessions, tables and consumers, what was rejected, and the requests to Yahoo."""

from collections.abc import Sequence
from datetime import date, timedelta
from urllib.parse import quote

import msgspec

from config.config import Settings
from config.stages import HISTORY, STAGES
from contract.pipeline import Calendar, Links, Pipeline, Publication, SessionState, StageRun
from database.db_helper import Connection, Row
from database.queries import consumer_lag, pipeline, publications, stage_runs
from database.queries.paging import Page
from database.queries.reasons import with_sentences
from utils.dates import last_session_by, last_sessions, session_after

NEWEST_ERRORS = 10
QUARANTINED_BARS = 50
HOURS = 24
FAILED_REQUESTS = 20
DAYS = 14
# A quarter: holidays are weeks apart.
COMING_SESSIONS = 60
STAGE_NUMBERS = {dag_id: number for number, dag_id in enumerate(STAGES.values(), 1)}


def state(conn: Connection, settings: Settings, session_count: int) -> Pipeline:
    """Return the last sessions up to the newest one with expected bars or runs, and the state of everything else."""
    days = last_sessions(pipeline.newest_session(conn), session_count)[::-1]
    return Pipeline(
        sessions=_sessions(conn, settings.airflow_ui_url, days) if days else [],
        tables=pipeline.freshness(conn),
        consumers=consumer_lag.newest(conn),
        quarantined=pipeline.quarantined(conn, QUARANTINED_BARS),
        errors=pipeline.error_counts(conn),
        newest_errors=pipeline.errors(conn, None, Page(NEWEST_ERRORS)).errors,
        requests_by_hour=pipeline.requests_by(conn, "hour", Page(HOURS)).counts,
        requests_by_day=pipeline.requests_by(conn, "day", Page(DAYS)).counts,
        failed_requests=pipeline.failed_requests(conn, FAILED_REQUESTS),
        links=Links(airflow=settings.airflow_ui_url, spark_master=settings.spark_ui_url),
        coming_sessions=_coming(days),
    )


def calendar(conn: Connection, airflow: str) -> Calendar:
    """Return the published days, the newest session with expected bars or runs, and those to come.

    airflow: its UI's address
    """
    published = publications.published_days(conn)
    days = last_sessions(pipeline.newest_session(conn), 1)
    return Calendar(
        sessions=published.sessions,
        rebalances=published.rebalances,
        last_run=_sessions(conn, airflow, days)[0] if days else None,
        coming_sessions=_coming(days),
    )


def _coming(days: Sequence[date]) -> list[date]:
    """Return the home sessions after the first of some days; none where there is none."""
    return [session_after(days[0], ahead) for ahead in range(1, COMING_SESSIONS + 1)] if days else []


def _sessions(conn: Connection, airflow: str, days: Sequence[date]) -> list[SessionState]:
    """Return the state of the days, which are given newest first.

    A rebalance is shown with the last session by its date, which it was computed from.
    """
    first, last = days[-1], days[0]
    until = session_after(last, 1) - timedelta(days=1)
    published = publications.sessions(conn, first, last, Page(len(days)))
    publications_of: dict[date, list[Publication]] = {each.as_of_date: each.publications for each in published.sessions}
    for publication in publications.rebalances(conn, first, until):
        publications_of.setdefault(last_session_by(publication.as_of_date), []).append(publication)
    runs: dict[date, list[StageRun]] = {}
    for row in stage_runs.between(conn, first, until):
        runs.setdefault(last_session_by(row["as_of_date"]), []).append(_run(row, airflow))
    bars = pipeline.expected_bars(conn, days)
    return [
        SessionState(
            as_of_date=day, publications=publications_of.get(day, []), bars=bars.get(day, {}), runs=runs.get(day, [])
        )
        for day in days
    ]


def _run(row: Row, airflow: str) -> StageRun:
    dag_id, run_id = row["dag_id"], row["run_id"]
    is_known_there = dag_id != HISTORY
    address = f"{airflow}/dags/{quote(dag_id, safe='')}/runs/{quote(run_id, safe='')}" if is_known_there else airflow
    return msgspec.convert(
        {**with_sentences(row), "stage": STAGE_NUMBERS.get(dag_id), "airflow_url": address}, StageRun
    )
