"""Run stages and backfills through Airflow, telling of each task as it ends."""

import time
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from config.stages import CONTROLLER, REBALANCE, STAGES
from ops.console import console, done, failed, say
from ops.errors import NotRunning, RunFailed, UnknownName
from ops.native.environment import AIRFLOW_USER
from ops.pipeline.airflow_client import BAD, Airflow, Run, Task
from ops.running import Platform, running_platform
from utils.errors import InvalidInput

# They ask the source, which may lack a bar.
COLLECTING = ("benchmark", "sector", "holdings")
BESIDE = {
    "pipeline": CONTROLLER,
    "etf-holdings": "etf_holdings_daily",
    "monthly-etfs": "monthly_etf_collection_last_weekend",
    "top-holdings": "etf_top_holdings_analysis",
    "rebalance": REBALANCE,
    "performance": "portfolio_performance",
}
SHORT_NAMES = STAGES | {str(number): dag for number, dag in enumerate(STAGES.values(), 1)} | BESIDE
POLL_SECONDS = 1.0
# A DAG file that is new to Airflow has to be found and read first.
DAG_WAIT_SECONDS = 120.0


def run_command(name: str, as_of: date | None, accept_late: bool = False, unpause: bool = False) -> int:
    """Trigger a stage or a DAG, and follow it to its end."""
    airflow = connect(running_platform())
    dag_id = resolve(airflow, name)
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
    airflow = connect(running_platform())
    wait_for_dag(airflow, CONTROLLER)
    began = time.monotonic()
    number = airflow.create_backfill(CONTROLLER, start, end, {"stage_delay_minutes": 0})
    say(f"Backfill {number} of {CONTROLLER} from {start} to {end}: {airflow.shown}/dags/{CONTROLLER}/backfills")
    runs = _watch_backfill(airflow, number, start, end)
    bad = [each for each in runs if each.state != "success"]
    if bad:
        raise RunFailed(f"{len(bad)} of {len(runs)} sessions failed: " + ", ".join(map(airflow.address, bad)))
    say(f"{len(runs)} sessions in {time.monotonic() - began:.0f} s")
    return 0


def connect(platform: Platform) -> Airflow:
    return Airflow(platform.airflow_url, AIRFLOW_USER, platform.airflow_password, platform.shown["Airflow"])


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
        self._told: set[tuple[str, str, str]] = set()

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
            key = (task.run.dag_id, task.run.run_id, task.task_id)
            if task.has_ended and key not in self._told:
                self._told.add(key)
                self._tell(task)
            elif task.state in ("running", "up_for_retry", "up_for_reschedule"):
                active.append(f"{task.task_id} ({task.state.replace('_', ' ')})")
        return active

    def _print(self, task: Task) -> None:
        name = task.task_id if task.run == self._run else f"  {task.task_id}"
        if task.state not in BAD:
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
    with console.status("") as status:
        while True:
            over = airflow.backfill_is_over(number)
            runs = airflow.backfill_runs(CONTROLLER, start, end)
            for each in (one for one in runs if one.has_ended and one.run_id not in told):
                told.add(each.run_id)
                say(f"  {'[green]✓[/]' if each.state == 'success' else '[red]✗[/]'} {each.run_id}")
            status.update(f"[dim]{len(told)} of {len(runs)} sessions[/]")
            # Airflow itself notices the end of a backfill only every half minute.
            if over or (runs and all(each.has_ended for each in runs)):
                return runs
            time.sleep(2 * POLL_SECONDS)
