"""Watching a run of Airflow: its messages and its end."""

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

    def running_backfill(self, dag_id: str) -> int | None:
        return None


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


def test_a_failed_try_is_told_with_its_reason_before_the_next_one(capsys: pytest.CaptureFixture[str]) -> None:
    waiting = [task(CONTROLLER, "stage_1", "up_for_retry")]
    airflow = FakeAirflow([("running", waiting), ("running", waiting), ("success", [])])
    runs.Watch(airflow, CONTROLLER).follow()  # type: ignore[arg-type]
    assert capsys.readouterr().out.count("try 1 failed, and another follows: 3 rows are missing") == 1


@pytest.mark.parametrize("name", ["5", "pipeline"])
@pytest.mark.parametrize(
    ("day", "message"),
    [(date(2026, 8, 22), "is not an XNYS session"), (date(2126, 8, 23), "is outside the XNYS calendar")],
)
def test_a_day_without_a_session_is_refused_before_a_run(
    monkeypatch: pytest.MonkeyPatch, name: str, day: date, message: str
) -> None:
    monkeypatch.setattr(runs, "running_platform", lambda: None)
    monkeypatch.setattr(runs, "connect", lambda _: FakeAirflow([]))
    monkeypatch.setattr(runs, "run", lambda *_: pytest.fail("a run was triggered"))
    with pytest.raises(InvalidInput, match=message):
        runs.run_command(name, day)


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
    """A backfill of two sessions. The second ends at the third look."""

    def __init__(self, last_state: str) -> None:
        super().__init__([])
        self._states = [["queued", "queued"], ["success", "running"], ["success", last_state]]

    def dags(self) -> dict[str, bool]:
        return {CONTROLLER.dag_id: False}

    def create_backfill(self, dag_id: str, start: date, end: date, conf: dict[str, Any]) -> int:
        assert conf == {"stage_delay_minutes": 0}
        return 1

    def tasks(self, run: Run) -> list[Task]:
        return [task(run, "stage_3", "running")]

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


class SecondBackfill(FakeBackfill):
    """An Airflow with a backfill under way."""

    cancelled: int | None = None

    def running_backfill(self, dag_id: str) -> int | None:
        return 7

    def backfill_range(self, number: int) -> tuple[date, date]:
        return date(2026, 8, 20), date(2026, 8, 21)

    def cancel_backfill(self, number: int) -> None:
        self.cancelled = number


@pytest.fixture
def second_backfill(monkeypatch: pytest.MonkeyPatch) -> SecondBackfill:
    airflow = SecondBackfill("success")
    monkeypatch.setattr(runs, "running_platform", lambda: None)
    monkeypatch.setattr(runs, "connect", lambda *_, **__: airflow)
    return airflow


def test_a_second_backfill_is_refused_with_the_way_to_the_first(second_backfill: SecondBackfill) -> None:
    with pytest.raises(RunFailed, match=r"backfill 7 of 2026-08-20 to 2026-08-21 is under way.*--watch.*--cancel"):
        runs.backfill_command(date(2026, 8, 20), date(2026, 8, 21))


def test_a_backfill_can_be_watched_from_elsewhere(
    second_backfill: SecondBackfill, capsys: pytest.CaptureFixture[str]
) -> None:
    assert runs.watch_backfill_command() == 0
    assert "2 sessions in" in capsys.readouterr().out


def test_a_backfill_can_be_cancelled(second_backfill: SecondBackfill) -> None:
    assert runs.cancel_backfill_command() == 0
    assert second_backfill.cancelled == 7


def test_the_status_shows_the_backfill(second_backfill: SecondBackfill, capsys: pytest.CaptureFixture[str]) -> None:
    runs.show_backfill(None)  # type: ignore[arg-type]
    assert "backfill 7 of 2026-08-20 to 2026-08-21 is under way" in capsys.readouterr().out


def test_what_a_backfill_works_at_is_printed_where_no_terminal_shows_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(runs, "REPORT_SECONDS", -1)
    assert backfill(monkeypatch, "success") == 0
    assert "1 of 2 sessions, at work: backfill__2, stage_3" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["watch", "cancel"])
def test_nothing_to_watch_or_cancel_is_said(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(runs, "running_platform", lambda: None)
    monkeypatch.setattr(runs, "connect", lambda *_, **__: FakeBackfill("success"))
    with pytest.raises(RunFailed, match="no backfill is under way"):
        getattr(runs, f"{name}_backfill_command")()
