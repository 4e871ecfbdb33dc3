"""Log in logs_stage_run how each run of a DAG goes: its tasks tell what they do, Airflow tells when the run ends.

A listener sees every DAG, so no DAG needs a line for it. Hooks of a task run in the task's own process. Hooks of a run
run where its end is noticed: in the scheduler, or in the webserver when a person marks the run. A failure to write is
logged there, and changes nothing for the run.
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
from utils.errors import reason_of
from utils.reasons import Reason, reason

log = logging.getLogger(__name__)

# Airflow's words for a run's end -> the code of a reason.
ENDS = {"timed_out": "took_too_long", "all_tasks_deadlocked": "deadlocked"}


@hookimpl
def on_task_instance_running(task_instance: Any) -> None:
    _note(task_instance, lambda conn, dag_id, run_id: stage_runs.started(conn, dag_id, run_id, as_of(task_instance)))


@hookimpl
def on_task_instance_success(task_instance: Any) -> None:
    """Log a task's `outcome`, if it has one: (nothing was to do, the reasons that say what was done)."""
    outcome = getattr(getattr(task_instance, "task", None), "outcome", None)
    if outcome:
        is_skipped, reasons = outcome
        _note(task_instance, partial(stage_runs.told, reasons=reasons, is_skipped=is_skipped))


@hookimpl
def on_task_instance_failed(task_instance: Any, error: str | BaseException | None) -> None:
    is_late = task_instance.state == "up_for_retry"
    _note(task_instance, partial(stage_runs.stopped, reasons=[told_by(error)], is_late=is_late))


@hookimpl
def on_dag_run_success(dag_run: Any) -> None:
    _note(dag_run, partial(stage_runs.ended, failure=None))


@hookimpl
def on_dag_run_failed(dag_run: Any, msg: str) -> None:
    _note(dag_run, partial(stage_runs.ended, failure=reason(ENDS.get(msg, "no_word"))))


def as_of(task_instance: Any) -> date:
    """Return the day that the run is about, as its tasks get it."""
    context = task_instance.get_template_context()
    day = task_instance.task.dag.user_defined_macros["as_of"](context["params"], context["dag_run"])
    return date.fromisoformat(day)


def told_by(error: str | BaseException | None) -> Reason:
    """Return why a task has failed. Airflow's own errors are written for readers."""
    from airflow.sdk.exceptions import AirflowException

    return reason_of(error, isinstance(error, AirflowException))


def _note(run: Any, write: Callable[[Connection, str, str], None]) -> None:
    """Write a note about a task instance or a DAG run."""
    try:
        with closing(connect(Settings.from_env().database)) as conn:
            write(conn, run.dag_id, run.run_id)
    except Exception as error:
        log.warning("logs_stage_run lacks a note of %s %s: %s", run.dag_id, run.run_id, error)


class RunListenerPlugin(AirflowPlugin):
    name = "run_listener"
    listeners = (sys.modules[__name__],)  # type: ignore[assignment]
