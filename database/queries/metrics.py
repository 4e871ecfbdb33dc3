"""The state of the gate and of the ledger in numbers, for whoever watches them from outside."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from config.config import YahooSettings
from database.db_helper import Connection, fetch
from database.queries import requests

# So many days of runs are counted.
DAYS_OF_RUNS = 7
BAR_STATES = ("late", "missing", "quarantined")
RUN_STATES = ("running", "late", "green", "skipped", "failed")

# By the values of the labels.
Counts = Mapping[tuple[str, ...], float]


class State(NamedTuple):
    """What PostgreSQL knows of the gate and the ledger at one moment.

    requests: those of the budget's day, by endpoint and outcome
    budget_left: None without a budget
    shut_until: None while the gate is open
    bars: expected ones that are not stored, by state
    publication_ages: seconds since each job's newest publication
    runs: the newest ones of each DAG and day of a week, by DAG and state
    """

    requests: Counts
    budget_left: int | None
    shut_until: datetime | None
    bars: Counts
    publication_ages: Counts
    runs: Counts


def state(conn: Connection, yahoo: YahooSettings) -> State:
    return State(
        requests=requests.by_outcome_of_budget_day(conn, yahoo.day_begins),
        budget_left=requests.left_of_budget(conn, yahoo),
        shut_until=_shut_until(conn, timedelta(seconds=yahoo.cooldown_seconds)),
        bars=_bars(conn),
        publication_ages=_publication_ages(conn),
        runs=_runs(conn),
    )


def _shut_until(conn: Connection, cooldown: timedelta) -> datetime | None:
    latest = requests.latest(conn)
    until = latest.limited_at + cooldown if latest.limited_at else None
    return until if until and until > latest.now else None


def _bars(conn: Connection) -> Counts:
    rows = fetch(
        conn,
        """
        SELECT state, COUNT(*) AS bars
        FROM logs_session_ledger
        WHERE state IN ('late', 'missing', 'quarantined')
        GROUP BY state
        """,
    )
    return {(name,): 0.0 for name in BAR_STATES} | {(row["state"],): row["bars"] for row in rows}


def _publication_ages(conn: Connection) -> Counts:
    rows = fetch(
        conn,
        """
        SELECT job, EXTRACT(EPOCH FROM clock_timestamp() - MAX(published_at))::float8 AS age
        FROM analytics_publication
        GROUP BY job
        ORDER BY job
        """,
    )
    return {(row["job"],): row["age"] for row in rows}


def _runs(conn: Connection) -> Counts:
    """Count the newest run of each DAG and day: a run that failed and went well the second time is green."""
    rows = fetch(
        conn,
        """
        SELECT dag_id, state, COUNT(*) AS runs
        FROM (
            SELECT DISTINCT ON (dag_id, as_of_date) dag_id, state
            FROM logs_stage_run
            WHERE started_at > clock_timestamp() - MAKE_INTERVAL(days => %(days)s)
            ORDER BY dag_id, as_of_date, started_at DESC, run_id
        ) AS newest
        GROUP BY dag_id, state
        ORDER BY dag_id, state
        """,
        {"days": DAYS_OF_RUNS},
    )
    known = {(row["dag_id"], name): 0.0 for row in rows for name in RUN_STATES}
    return known | {(row["dag_id"], row["state"]): row["runs"] for row in rows}
