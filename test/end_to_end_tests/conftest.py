"""The running test stack: its Airflow, its market's truth, and one pipeline run that the tests look at.

The files run by name: test_daily_line compares whole tables with one session's truth, so it comes before the tests that
run other sessions.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date, datetime
from typing import Any

import httpx
import pytest

from config.config import Settings
from database.db_helper import Connection, connect
from market.invented import InventedMarket
from ops.native.stack import Stack
from ops.pipeline.airflow_client import Airflow, Run, Task
from ops.replay.market_client import authorization
from ops.testing import STACK

RUN_SECONDS = 420


@pytest.fixture(scope="session")
def stack() -> Stack:
    """Return the running stack, whose ports the ring may have moved (ACTSTOCK_PORT_OFFSET)."""
    started = Stack.started_in(STACK.home)
    assert started, f"no stack is running in {STACK.home}"
    return started


@pytest.fixture(scope="session")
def settings() -> Settings:
    return Settings.from_env()


@pytest.fixture(scope="session")
def control(settings: Settings) -> Iterator[httpx.Client]:
    """Return a client of the market server's control endpoints."""
    headers = authorization(os.environ["MARKET_TOKEN"])
    with httpx.Client(base_url=settings.yahoo.base_url, headers=headers, timeout=30) as client:
        yield client


@pytest.fixture(scope="session")
def status(control: httpx.Client) -> dict[str, Any]:
    return dict(control.get("/control/status").raise_for_status().json())


@pytest.fixture(scope="session")
def truth(status: dict[str, Any]) -> InventedMarket:
    """Build the server's market as a Python object."""
    return InventedMarket(status["seed"], date.fromisoformat(status["last_session"]))


@pytest.fixture(scope="session")
def market_now(status: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(status["clock"]["at"])


@pytest.fixture(scope="session")
def as_of(status: dict[str, Any]) -> date:
    return date.fromisoformat(status["last_session"])


@pytest.fixture(scope="session")
def airflow() -> Airflow:
    return Airflow(os.environ["AIRFLOW_URL"], os.environ["AIRFLOW_USER"], os.environ["AIRFLOW_PASSWORD"])


@pytest.fixture(scope="session")
def run_dag(airflow: Airflow) -> Callable[..., Run]:
    """Trigger a DAG and wait for its end. A run without success fails with its tasks' errors."""

    def run(dag_id: str, **conf: Any) -> Run:
        _await_dag(airflow, dag_id)
        started = airflow.trigger(dag_id, conf)
        until = time.monotonic() + RUN_SECONDS
        while not (current := airflow.run(started)).has_ended:
            assert time.monotonic() < until, f"{dag_id} has not ended after {RUN_SECONDS} s: {_tell(airflow, started)}"
            time.sleep(1)
        assert current.state == "success", _tell(airflow, started)
        return current

    return run


@pytest.fixture(scope="session")
def pipeline(run_dag: Callable[..., Run], as_of: date, control: httpx.Client) -> Run:
    """All five stages for the market's last session, through Airflow."""
    control.delete("/control/requests").raise_for_status()
    run = run_dag("daily_pipeline_controller", as_of_date=as_of.isoformat(), stage_delay_minutes=0)
    # Tests behind it compare rows of several fetches to the last digit.
    control.put("/control/noise", json={"is_on": False}).raise_for_status()
    return run


@pytest.fixture
def conn(settings: Settings) -> Iterator[Connection]:
    with closing(connect(settings.database)) as conn:
        yield conn


@pytest.fixture(scope="session")
def api(settings: Settings) -> Iterator[httpx.Client]:
    headers = {"X-API-Key": os.environ["API_KEY"]}
    with httpx.Client(base_url=settings.api_url, headers=headers, timeout=30, trust_env=False) as client:
        yield client


def _await_dag(airflow: Airflow, dag_id: str) -> None:
    until = time.monotonic() + 120
    while dag_id not in airflow.dags():
        assert time.monotonic() < until, f"Airflow has not read {dag_id}: {airflow.import_errors()}"
        time.sleep(1)


def _tell(airflow: Airflow, run: Run) -> str:
    tasks: list[Task] = [task for each in [run, *airflow.runs_named(f"__{run.run_id}")] for task in airflow.tasks(each)]
    states = ", ".join(f"{task.run.dag_id}.{task.task_id}: {task.state}" for task in tasks)
    failed = [task for task in tasks if task.state == "failed"]
    return states + "".join(f"\n{airflow.failure_of(task)}" for task in failed)
