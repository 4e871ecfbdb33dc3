"""Watching a run of Airflow: what is told, and how it ends."""

from contextlib import nullcontext
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from ops.errors import RunFailed, UnknownName
from ops.pipeline import runs
from ops.pipeline.airflow_client import Run, Task
from utils.errors import InvalidInput

CONTROLLER = Run("daily_pipeline_controller", "manual__1", "running", None, None)
CHILD = Run("daily_benchmark_etf_collection", "2026-08-21__manual__1", "success", None, None)


class FakeAirflow:
    """Plays a list of moments: the run's state and its tasks at each look."""

    url = shown = "http://airflow"

    def __init__(self, moments: list[tuple[str, list[Task]]], children: list[Run] | None = None) -> None:
        self._moments = moments
        self._children = children or []
        self._paused = {CONTROLLER.dag_id: False, "sleeping": True}

    def dags(self) -> dict[str, bool]:
        return self._paused

    def unpause(self, dag_id: str) -> None:
        self._paused[dag_id] = False

    def trigger(self, dag_id: str, conf: dict[str, Any]) -> Run:
        return CONTROLLER

    def run(self, run: Run) -> Run:
        return replace(run, state=self._moments[0][0])

    def runs_named(self, ending: str) -> list[Run]:
        return [child for child in self._children if child.run_id.endswith(ending)]

    def tasks(self, run: Run) -> list[Task]:
        if run in self._children:
            return [task(run, "collect", "success")]
        return self._moments.pop(0)[1] if len(self._moments) > 1 else self._moments[0][1]

    def failure_of(self, task: Task) -> str:
        return "3 rows are missing"

    def address(self, run: Run) -> str:
        return f"{self.url}/{run.run_id}"


def task(run: Run, name: str, state: str) -> Task:
    return Task(run, name, state, None, None, 1.5, 1)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "POLL_SECONDS", 0)


def test_each_task_is_told_once_with_those_of_the_runs_it_started() -> None:
    first = [task(CONTROLLER, "stage_1", "deferred"), task(CONTROLLER, "stage_2", "none")]
    second = [task(CONTROLLER, "stage_1", "success"), task(CONTROLLER, "stage_2", "skipped")]
    told: list[str] = []
    airflow = FakeAirflow([("running", first), ("running", second), ("success", second)], [CHILD])
    ended = runs.Watch(airflow, CONTROLLER, lambda each: told.append(each.task_id)).follow()  # type: ignore[arg-type]
    assert ended.state == "success"
    assert told == ["collect", "stage_1", "stage_2"]


def test_a_failed_run_says_why_and_where(capsys: pytest.CaptureFixture[str]) -> None:
    tasks = [task(CONTROLLER, "stage_1", "failed"), task(CONTROLLER, "stage_2", "upstream_failed")]
    with pytest.raises(RunFailed, match="ended as failed: http://airflow/manual__1"):
        runs.run(FakeAirflow([("failed", tasks)]), CONTROLLER.dag_id, {})  # type: ignore[arg-type]
    printed = capsys.readouterr().out
    assert "stage_1                 3 rows are missing" in printed
    assert "http://airflow/manual__1/tasks/stage_1" in printed
    assert "something before it failed" in printed


@pytest.mark.parametrize("name", ["trending", "pipeline", "5"])
def test_only_a_stage_that_collects_can_accept_late_bars(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "running_platform", lambda: None)
    monkeypatch.setattr(runs, "connect", lambda _: FakeAirflow([]))
    with pytest.raises(InvalidInput, match="is for a stage that collects: benchmark, sector, holdings"):
        runs.run_command(name, None, accept_late=True)


def test_a_stage_is_told_to_accept_late_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    monkeypatch.setattr(runs, "running_platform", lambda: None)
    monkeypatch.setattr(runs, "connect", lambda _: FakeAirflow([]))
    monkeypatch.setattr(runs, "run", lambda airflow, dag_id, conf: told.append((dag_id, conf)))
    runs.run_command("benchmark", date(2026, 8, 21), accept_late=True)
    assert told == [("daily_benchmark_etf_collection", {"as_of_date": "2026-08-21", "accept_late": True})]


def test_a_paused_dag_is_not_waited_for() -> None:
    with pytest.raises(RunFailed, match=r"sleeping is paused and would not run: ./start.sh run sleeping --unpause"):
        runs.run(FakeAirflow([("queued", [])]), "sleeping", {})  # type: ignore[arg-type]


@pytest.mark.parametrize(("unpause", "paused"), [(True, False), (False, True)])
def test_a_paused_dag_runs_once_it_is_unpaused(monkeypatch: pytest.MonkeyPatch, unpause: bool, paused: bool) -> None:
    airflow = FakeAirflow([("success", [])])
    monkeypatch.setattr(runs, "running_platform", lambda: None)
    monkeypatch.setattr(runs, "connect", lambda _: airflow)
    with nullcontext() if unpause else pytest.raises(RunFailed):
        assert runs.run_command("sleeping", None, unpause=unpause) == 0
    assert airflow.dags()["sleeping"] is paused


@pytest.mark.parametrize(
    ("name", "dag_id"),
    [
        ("1", "daily_benchmark_etf_collection"),
        ("5", "daily_portfolio_allocation"),
        ("trending", "daily_trending_etf_analysis"),
        ("pipeline", "daily_pipeline_controller"),
        ("etf-holdings", "etf_holdings_daily"),
        ("monthly-etfs", "monthly_etf_collection_last_weekend"),
        ("daily_pipeline_controller", "daily_pipeline_controller"),
    ],
)
def test_a_stage_has_a_number_a_short_name_and_its_dag(name: str, dag_id: str) -> None:
    assert runs.resolve(FakeAirflow([]), name) == dag_id  # type: ignore[arg-type]


def test_an_unknown_stage_is_answered_with_its_neighbours() -> None:
    with pytest.raises(UnknownName, match="did you mean trending"):
        runs.resolve(FakeAirflow([]), "trendy")  # type: ignore[arg-type]


class FakeBackfill(FakeAirflow):
    """Two sessions, of which the second ends at the third look."""

    def __init__(self, last_state: str) -> None:
        super().__init__([])
        self._states = [["queued", "queued"], ["success", "running"], ["success", last_state]]

    def dags(self) -> dict[str, bool]:
        return {runs.CONTROLLER: False}

    def create_backfill(self, dag_id: str, start: date, end: date, conf: dict[str, Any]) -> int:
        assert conf == {"stage_delay_minutes": 0}
        return 1

    def backfill_is_over(self, number: int) -> bool:
        return False  # Airflow notices it half a minute late

    def backfill_runs(self, dag_id: str, start: date, end: date) -> list[Run]:
        states = self._states.pop(0)
        return [Run(dag_id, f"backfill__{day}", state, None, None) for day, state in zip("12", states, strict=True)]


def backfill(monkeypatch: pytest.MonkeyPatch, last_state: str) -> int:
    monkeypatch.setattr(runs, "running_platform", lambda: None)
    monkeypatch.setattr(runs, "connect", lambda platform: FakeBackfill(last_state))
    return runs.backfill_command(date(2026, 8, 20), date(2026, 8, 21))


def test_a_backfill_tells_of_each_session_and_ends_with_the_last(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert backfill(monkeypatch, "success") == 0
    printed = capsys.readouterr().out
    assert [printed.count(f"✓ backfill__{day}") for day in "12"] == [1, 1]
    assert "2 sessions in" in printed


def test_a_backfill_with_a_failed_session_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RunFailed, match="1 of 2 sessions failed: http://airflow/backfill__2"):
        backfill(monkeypatch, "failed")
