"""Run stages and backfills through Airflow, telling of each task as it ends."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any

from config.stages import BESIDE, CONTROLLER, STAGES
from ops.console import console, done, failed, say
from ops.errors import NotRunning, OpsError, RunFailed, UnknownName
from ops.native.environment import AIRFLOW_USER
from ops.pipeline.airflow_client import BAD, PATIENCE_SECONDS, Airflow, Run, Task
from ops.running import Platform, running_platform
from utils.dates import require_closed_session, sessions_between
from utils.errors import InvalidInput

# They ask the source, which may lack a bar.
COLLECTING = ("benchmark", "sector", "holdings")
SHORT_NAMES = STAGES | {str(number): dag for number, dag in enumerate(STAGES.values(), 1)} | BESIDE
ABOUT_A_SESSION = {*STAGES.values(), CONTROLLER}
POLL_SECONDS = 1.0
# A DAG file that is new to Airflow has to be found and read first.
DAG_WAIT_SECONDS = 120.0
# Where no terminal shows what is at work, a line says it this often.
REPORT_SECONDS = 60.0


def run_command(name: str, as_of: date | None, accept_late: bool = False, unpause: bool = False) -> int:
    """Trigger a stage or a DAG, and follow it to its end."""
    airflow = connect(running_platform())
    dag_id = resolve(airflow, name)
    if as_of and dag_id in ABOUT_A_SESSION:
        # A run of Airflow would need ten seconds to say so, and would stay there in red.
        require_closed_session(as_of, datetime.now(UTC))
    conf: dict[str, Any] = {"as_of_date": as_of.isoformat()} if as_of else {}
    if dag_id == CONTROLLER:
        conf["stage_delay_minutes"] = 0
    if accept_late:
        if dag_id not in [STAGES[stage] for stage in COLLECTING]:
            raise InvalidInput(f"--accept-late is for a stage that collects: {', '.join(COLLECTING)}")
        conf["accept_late"] = True
    if unpause:
        find_dag(airflow, dag_id)
        airflow.unpause(dag_id)
    run(airflow, dag_id, conf)
    return 0


def backfill_command(start: date, end: date) -> int:
    """Run the whole line for every session of the range, one after another."""
    sessions = sessions_between(start, end)
    if not sessions:
        raise InvalidInput(f"the exchange has no session from {start} to {end}")
    airflow = connect(running_platform())
    wait_for_dag(airflow, CONTROLLER)
    if (running := airflow.running_backfill(CONTROLLER)) is not None:
        raise RunFailed(
            f"{_describe_backfill(airflow, running)}, and Airflow runs one at a time: "
            "./start.sh backfill --watch follows it, ./start.sh backfill --cancel ends it"
        )
    number = airflow.create_backfill(CONTROLLER, start, end, {"stage_delay_minutes": 0})
    say(f"Backfill {number} of {CONTROLLER} from {start} to {end}: {_backfills(airflow)}")
    return _follow_backfill(airflow, number, start, end)


def watch_backfill_command() -> int:
    """Follow the backfill that is under way to its end."""
    airflow, number = _running_backfill()
    say(_describe_backfill(airflow, number))
    return _follow_backfill(airflow, number, *airflow.backfill_range(number))


def cancel_backfill_command() -> int:
    """End the backfill that is under way. The session at work goes on to its end."""
    airflow, number = _running_backfill()
    airflow.cancel_backfill(number)
    say(f"Backfill {number} is cancelled: the session at work is finished, the others are left out")
    return 0


def show_backfill(platform: Platform) -> None:
    """Print which backfill is under way. Nothing without one, and while Airflow does not answer."""
    with suppress(OpsError):
        airflow = connect(platform, patience=0)
        if (number := airflow.running_backfill(CONTROLLER)) is not None:
            say(f"  {_describe_backfill(airflow, number)}: ./start.sh backfill --watch, or --cancel")


def _running_backfill() -> tuple[Airflow, int]:
    airflow = connect(running_platform())
    number = airflow.running_backfill(CONTROLLER)
    if number is None:
        raise RunFailed(f"no backfill is under way; those of the past: {_backfills(airflow)}")
    return airflow, number


def _describe_backfill(airflow: Airflow, number: int) -> str:
    start, end = airflow.backfill_range(number)
    return f"backfill {number} of {start} to {end} is under way"


def _backfills(airflow: Airflow) -> str:
    return f"{airflow.shown}/dags/{CONTROLLER}/backfills"


def _follow_backfill(airflow: Airflow, number: int, start: date, end: date) -> int:
    began = time.monotonic()
    runs = _watch_backfill(airflow, number, start, end)
    bad = [each for each in runs if each.state != "success"]
    if bad:
        raise RunFailed(f"{len(bad)} of {len(runs)} sessions failed: " + ", ".join(map(airflow.address, bad)))
    say(f"{len(runs)} sessions in {time.monotonic() - began:.0f} s")
    return 0


def connect(platform: Platform, patience: float = PATIENCE_SECONDS) -> Airflow:
    return Airflow(platform.airflow_url, AIRFLOW_USER, platform.airflow_password, platform.shown["Airflow"], patience)


def resolve(airflow: Airflow, name: str) -> str:
    """Return the DAG id of a short name, a stage's number or a DAG's own id."""
    if name in SHORT_NAMES:
        return SHORT_NAMES[name]
    known = airflow.dags()
    if name not in known:
        raise UnknownName("stage or DAG", name, [*STAGES, *BESIDE, *known])
    return name


def run(airflow: Airflow, dag_id: str, conf: Mapping[str, Any]) -> None:
    """Trigger a DAG and wait until it has succeeded. RunFailed says what failed and where to look."""
    wait_for_dag(airflow, dag_id)
    started = airflow.trigger(dag_id, conf)
    say(f"{dag_id}: {airflow.address(started)}")
    began = time.monotonic()
    ended = Watch(airflow, started).follow()
    if ended.state != "success":
        raise RunFailed(f"{dag_id} ended as {ended.state}: {airflow.address(started)}")
    say(f"{dag_id} succeeded in {time.monotonic() - began:.0f} s")


def wait_for_dag(airflow: Airflow, dag_id: str) -> None:
    """Wait until a run of the DAG would start. RunFailed says that it is paused."""
    if find_dag(airflow, dag_id):
        raise RunFailed(f"{dag_id} is paused and would not run: ./start.sh run {dag_id} --unpause")


def find_dag(airflow: Airflow, dag_id: str) -> bool:
    """Wait until Airflow has read the DAG, and return whether it is paused."""
    deadline = time.monotonic() + DAG_WAIT_SECONDS
    with console.status(f"[dim]waiting for Airflow to read {dag_id}[/]"):
        while dag_id not in (dags := airflow.dags()):
            broken = airflow.import_errors()
            if broken:
                raise RunFailed("Airflow cannot read " + "; ".join(f"{file}: {why}" for file, why in broken.items()))
            if time.monotonic() > deadline:
                raise NotRunning(f"Airflow has not found {dag_id}: ./start.sh logs airflow-dag-processor")
            time.sleep(POLL_SECONDS)
    return dags[dag_id]


class Watch:
    """Tells of the tasks of a run, and of the runs that it starts, as each one ends."""

    def __init__(self, airflow: Airflow, run: Run, tell: Callable[[Task], None] | None = None) -> None:
        self._airflow = airflow
        self._run = run
        self._tell = tell or self._print
        self._told: set[tuple[str, str, str, int]] = set()

    def follow(self) -> Run:
        with console.status("") as status:
            while True:
                current = self._airflow.run(self._run)
                active = self._report_ended(self._runs())
                status.update(f"[dim]{', '.join(active) or current.state}[/]")
                if current.has_ended:
                    return current
                time.sleep(POLL_SECONDS)

    def _runs(self) -> list[Run]:
        return [*self._airflow.runs_named(f"__{self._run.run_id}"), self._run]

    def _report_ended(self, runs: list[Run]) -> list[str]:
        """Report tasks that have ended since, and return those that are at work."""
        active = []
        for task in (task for run in runs for task in self._airflow.tasks(run)):
            key = (task.run.dag_id, task.run.run_id, task.task_id, task.tries if task.is_retried else 0)
            if (task.has_ended or task.is_retried) and key not in self._told:
                self._told.add(key)
                self._tell(task)
            if task.is_active:
                active.append(f"{task.task_id} ({task.state.replace('_', ' ')})")
        return active

    def _print(self, task: Task) -> None:
        name = task.task_id if task.run == self._run else f"  {task.task_id}"
        if task.is_retried:
            failed(name, f"try {task.tries} failed, and another follows: {self._reason(task)}")
        elif task.state not in BAD:
            done(name, task.seconds, "" if task.state == "success" else task.state)
        elif task.state == "upstream_failed":
            failed(name, "not run: something before it failed")
        else:
            failed(name, f"{self._reason(task)}\n      {self._airflow.address(task.run)}/tasks/{task.task_id}")

    def _reason(self, task: Task) -> str:
        try:
            return self._airflow.failure_of(task)
        except RunFailed as error:
            return f"failed, and its log cannot be read: {error}"


def _watch_backfill(airflow: Airflow, number: int, start: date, end: date) -> list[Run]:
    told: set[str] = set()
    reported = time.monotonic()
    with console.status("") as status:
        while True:
            over = airflow.backfill_is_over(number)
            runs = airflow.backfill_runs(CONTROLLER, start, end)
            for each in (one for one in runs if one.has_ended and one.run_id not in told):
                told.add(each.run_id)
                say(f"  {'[green]✓[/]' if each.state == 'success' else '[red]✗[/]'} {each.run_id}")
            at_work = f"{len(told)} of {len(runs)} sessions, at work: {_at_work(airflow, runs)}"
            status.update(f"[dim]{at_work}[/]")
            if not console.is_terminal and time.monotonic() - reported > REPORT_SECONDS:
                reported = time.monotonic()
                say(f"  {at_work}")
            # Airflow itself notices the end of a backfill only every half minute.
            if over or (runs and all(each.has_ended for each in runs)):
                return runs
            time.sleep(2 * POLL_SECONDS)


def _at_work(airflow: Airflow, runs: list[Run]) -> str:
    """Return the session of a backfill that is at work, with its tasks that are."""
    running = [each for each in runs if each.state == "running"]
    tasks = [task.task_id for run in running for task in airflow.tasks(run) if task.is_active]
    return ", ".join([*(each.run_id for each in running), *tasks]) or "none yet"
