"""The DAGs beside the line that collect holdings, on the running Airflow."""

import time
from collections.abc import Callable
from datetime import date

from config.universe import universe
from database.db_helper import Connection, fetch
from ops.pipeline.airflow_client import Airflow, Run

ALL_HOLDINGS = "etf_holdings_daily"
MONTHLY = "monthly_etf_collection_last_weekend"
SECONDS = 240


def test_all_holdings_are_collected_once_it_is_unpaused(
    pipeline: Run, airflow: Airflow, run_dag: Callable[..., Run], conn: Connection, as_of: date
) -> None:
    assert airflow.dags()[ALL_HOLDINGS] is True
    airflow.unpause(ALL_HOLDINGS)

    run_dag(ALL_HOLDINGS, as_of_date=as_of.isoformat())

    rows = fetch(conn, "SELECT etf_ticker FROM collected_etf_holdings WHERE collected_date = %(d)s", {"d": as_of})
    assert {row["etf_ticker"] for row in rows} == set(universe().etfs)


def test_the_months_holdings_are_stored_before_anything_is_computed(
    pipeline: Run, airflow: Airflow, conn: Connection, as_of: date
) -> None:
    run = airflow.trigger(MONTHLY, {"as_of_date": as_of.isoformat()})
    until = time.monotonic() + SECONDS
    while {task.task_id: task.state for task in airflow.tasks(run)}.get("collect") != "success":
        assert time.monotonic() < until, airflow.tasks(run)
        time.sleep(1)

    rows = fetch(
        conn,
        "SELECT etf_ticker, holdings_as_of FROM collected_monthly_benchmark_holdings WHERE as_of_date = %(d)s",
        {"d": as_of},
    )
    assert {row["etf_ticker"] for row in rows} == set(universe().benchmarks)
    assert {row["holdings_as_of"] for row in rows} == {as_of}
