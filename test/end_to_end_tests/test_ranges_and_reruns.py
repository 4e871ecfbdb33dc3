"""The DAGs on the running Airflow: what a user does by hand, again, and over a range."""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from database.db_helper import Connection, Row, fetch, transaction
from ops.errors import RunFailed
from ops.pipeline.airflow_client import Airflow, Run
from utils.dates import session_before, sessions_between

CONTROLLER = "daily_pipeline_controller"
BENCHMARK = "daily_benchmark_etf_collection"
TRENDING = "daily_trending_etf_analysis"
BACKFILL_SECONDS = 900
# Per session, all that the five stages write about it; snapshots of holdings are about the day they were taken.
BY_SESSION = {
    "collected_daily_etf_ohlc": "trade_date",
    "collected_daily_stock_history": "trade_date",
    "analytics_trending_etfs": "as_of_date",
    "analytics_portfolio_allocation": "as_of_date",
    "analytics_allocation_candidates": "as_of_date",
    "analytics_publication": "as_of_date",
}
# When and by which run a row was written may differ, and a stock's sector is looked up by one run or a later one. With
# it the average of its sector's stocks is there, or another one.
OF_SECTORS = {"sector", "sector_source", "sector_avg_5d", "sector_avg_10d", "sector_avg_20d"}
# The message that brought a row, and the source's answer in it.
OF_THE_MESSAGE = {"topic", "partition_id", "kafka_offset", "answer_digest", "quote_digest"}
OF_THE_RUN = {"run_id", "fetched_at", "published_at", *OF_SECTORS, *OF_THE_MESSAGE}
HELD = "ticker IN (SELECT ticker FROM analytics_allocation_candidates WHERE as_of_date = ANY(%(days)s))"


# It follows the portfolios of days before, whose stocks' bars `forget` takes away, too.
PERFORMANCE = "performance"


def rows_about(conn: Connection, sessions: list[date]) -> dict[str, list[Row]]:
    def of(table: str, day: str) -> list[Row]:
        rows = fetch(conn, f"SELECT * FROM {table} WHERE {day} = ANY(%(days)s) ORDER BY 1, 2, 3, 4", {"days": sessions})
        return [
            {name: value for name, value in row.items() if name not in OF_THE_RUN}
            for row in rows
            if row.get("job") != PERFORMANCE
        ]

    return {table: of(table, day) for table, day in BY_SESSION.items()}


def forget(conn: Connection, sessions: list[date]) -> None:
    """Delete all that the stages would write again about the sessions: of the stocks' bars those of their holdings."""
    with transaction(conn), conn.cursor() as cursor:
        for table, day in BY_SESSION.items():
            only = f"AND {HELD}" if table == "collected_daily_stock_history" else ""
            cursor.execute(f"DELETE FROM {table} WHERE {day} = ANY(%(days)s) {only}", {"days": sessions})


def await_end(airflow: Airflow, run: Run, seconds: float = 240) -> Run:
    until = time.monotonic() + seconds
    while not (current := airflow.run(run)).has_ended:
        assert time.monotonic() < until, f"{run.dag_id} has not ended"
        time.sleep(1)
    return current


def over_a_weekend(as_of: date) -> list[date]:
    """Return a past Friday and the Monday after it, both of them sessions."""
    for friday in sessions_between(session_before(as_of, 25), session_before(as_of, 5)):
        pair = sessions_between(friday, friday + timedelta(days=3))
        if friday.weekday() == 4 and len(pair) == 2:
            return pair
    raise AssertionError(f"no weekend between two sessions before {as_of}")


def is_published(conn: Connection, session: date) -> bool:
    return bool(fetch(conn, "SELECT 1 FROM analytics_publication WHERE as_of_date = %(day)s", {"day": session}))


class TestRange:
    @pytest.mark.timeout(2 * BACKFILL_SECONDS)
    def test_a_backfill_of_the_controller_gives_what_daily_runs_give(
        self, pipeline: Run, run_dag: Callable[..., Run], airflow: Airflow, conn: Connection, as_of: date
    ) -> None:
        sessions = over_a_weekend(as_of)
        # A run of the controller takes a minute or two: test_degraded may have made it, and one of the two is enough.
        if not is_published(conn, sessions[-1]):
            run_dag(CONTROLLER, as_of_date=sessions[-1].isoformat(), stage_delay_minutes=0)
        daily = rows_about(conn, sessions[-1:])
        assert all(daily.values())
        forget(conn, sessions)

        number = airflow.create_backfill(CONTROLLER, sessions[0], sessions[-1], {"stage_delay_minutes": 0})
        until = time.monotonic() + BACKFILL_SECONDS
        while not airflow.backfill_is_over(number):
            assert time.monotonic() < until, "the backfill has not ended"
            time.sleep(2)

        runs = airflow.backfill_runs(CONTROLLER, sessions[0], sessions[-1])
        assert [(run.run_id[:20], run.state) for run in runs] == [
            (f"backfill__{session}", "success") for session in sessions
        ]
        assert rows_about(conn, sessions[-1:]) == daily
        assert all(rows_about(conn, sessions[:1]).values())


class TestByHand:
    def test_a_cleared_run_gives_the_same_rows(
        self, pipeline: Run, run_dag: Callable[..., Run], airflow: Airflow, conn: Connection, as_of: date
    ) -> None:
        run = run_dag(TRENDING, as_of_date=as_of.isoformat())
        before = rows_about(conn, [as_of])

        cleared = {"dag_run_id": run.run_id, "dry_run": False, "only_failed": False, "reset_dag_runs": True}
        airflow._ask("POST", f"/api/v2/dags/{TRENDING}/clearTaskInstances", json=cleared)

        assert await_end(airflow, run).state == "success"
        assert [task.tries for task in airflow.tasks(run)] == [2]
        assert rows_about(conn, [as_of]) == before

    def test_without_a_date_it_is_about_the_last_session_at_its_logical_date(
        self, pipeline: Run, airflow: Airflow, as_of: date
    ) -> None:
        """In the morning, before the exchange opens: the session before."""
        body = {"logical_date": f"{as_of}T09:{datetime.now(UTC):%M:%S.%f}Z", "conf": {}}
        raw = airflow._ask("POST", f"/api/v2/dags/{BENCHMARK}/dagRuns", json=body)
        [run] = airflow.runs_named(raw["dag_run_id"])

        assert await_end(airflow, run).state == "success"
        assert receipt(airflow, run)["as_of"] == session_before(as_of, 1).isoformat()

    def test_a_day_without_a_session_fails_at_once_and_says_why(self, pipeline: Run, airflow: Airflow) -> None:
        run = await_end(airflow, airflow.trigger(BENCHMARK, {"as_of_date": "2026-08-22"}))

        assert run.state == "failed"
        [collect] = [task for task in airflow.tasks(run) if task.task_id == "collect"]
        assert collect.tries == 1
        said = airflow._ask("GET", f"{path(run)}/taskInstances/collect/logs/1", params={"full_content": True})
        assert "2026-08-22 (Saturday) is not an XNYS session: the nearest are 2026-08-21 and 2026-08-24" in str(said)

    def test_what_is_no_date_is_refused(self, pipeline: Run, airflow: Airflow) -> None:
        with pytest.raises(RunFailed, match="'20260821' is not a 'date'"):
            airflow.trigger(CONTROLLER, {"as_of_date": "20260821"})


def path(run: Run) -> str:
    return f"/api/v2/dags/{run.dag_id}/dagRuns/{quote(run.run_id, safe='')}"


def receipt(airflow: Airflow, run: Run) -> dict[str, Any]:
    answer = airflow._ask("GET", f"{path(run)}/taskInstances/collect/xcomEntries/return_value")
    return dict(answer["value"])
