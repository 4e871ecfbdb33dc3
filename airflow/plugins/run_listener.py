"""Notes in logs_stage_run how each run of a DAG goes: its tasks say what they do, Airflow when the run is over.

A listener sees every DAG without a line in any of them. A task's hooks run in the task's own process, a run's where its
end is found: in the scheduler, or in the webserver when a person marks it. That a note cannot be written is logged
there and changes nothing for the run.
"""

import logging
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import date
from functools import partial
from typing import Any

from airflow.listeners import hookimpl
from airflow.plugins_manager import AirflowPlugin

from config.config import Settings
from database.db_helper import Connection, connect
from database.queries import stage_runs

log = logging.getLogger(__name__)

LONGEST_REASON = 1000
# What Airflow tells of a run's end, as a sentence.
ENDS = {
    "timed_out": "the run took longer than it may",
    "all_tasks_deadlocked": "no task of the run can start any more",
}
NOT_SAID = "a task ended without saying why: its log in Airflow may"


@hookimpl
def on_task_instance_running(task_instance: Any) -> None:
    _note(task_instance, lambda conn, dag_id, run_id: stage_runs.started(conn, dag_id, run_id, as_of(task_instance)))


@hookimpl
def on_task_instance_success(task_instance: Any) -> None:
    """A task whose `outcome` is (whether there was nothing to do, what it did) is quoted."""
    outcome = getattr(getattr(task_instance, "task", None), "outcome", None)
    if outcome:
        is_skipped, reason = outcome
        _note(task_instance, partial(stage_runs.told, reason=reason, is_skipped=is_skipped))


@hookimpl
def on_task_instance_failed(task_instance: Any, error: str | BaseException | None) -> None:
    is_late = task_instance.state == "up_for_retry"
    _note(task_instance, partial(stage_runs.stopped, reason=reason_of(error), is_late=is_late))


@hookimpl
def on_dag_run_success(dag_run: Any) -> None:
    _note(dag_run, partial(stage_runs.ended, failure=None))


@hookimpl
def on_dag_run_failed(dag_run: Any, msg: str) -> None:
    _note(dag_run, partial(stage_runs.ended, failure=ENDS.get(msg, NOT_SAID)))


def as_of(task_instance: Any) -> date:
    """The day that the run is about, as its tasks are told it."""
    context = task_instance.get_template_context()
    told = task_instance.task.dag.user_defined_macros["as_of"](context["params"], context["dag_run"])
    return date.fromisoformat(told)


def reason_of(error: str | BaseException | None) -> str:
    """The first line of what went wrong; what nobody worded for a reader has its kind before it."""
    from airflow.sdk.exceptions import AirflowException

    said = next(iter(str(error or "").strip().splitlines()), "")
    if isinstance(error, BaseException) and not isinstance(error, AirflowException):
        said = f"{type(error).__name__}: {said}"
    return (said or NOT_SAID)[:LONGEST_REASON]


def _note(run: Any, write: Callable[[Connection, str, str], None]) -> None:
    """run: a task instance or a DAG run."""
    try:
        with closing(connect(Settings.from_env().database)) as conn:
            write(conn, run.dag_id, run.run_id)
    except Exception as error:
        log.warning("logs_stage_run lacks a note of %s %s: %s", run.dag_id, run.run_id, error)


class RunListenerPlugin(AirflowPlugin):
    name = "run_listener"
    listeners = (sys.modules[__name__],)  # type: ignore[assignment]
