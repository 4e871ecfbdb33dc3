"""What the DAG files share: dates, retries and errors."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from inspect import cleandoc
from typing import Any

from airflow.sdk import DAG, Param
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from session_timetable import GRACE, DayTimetable, SessionTimetable

from config.config import Settings
from utils.reasons import Reason

SETTINGS = Settings.from_env()

# The session that a run is about, as an ISO date: a template for the templated arguments of tasks.
AS_OF = "{{ as_of(params, dag_run) }}"
# The last session on or before it, when it is a rebalance date.
SESSION_BY = "{{ session_by(as_of(params, dag_run)) }}"
RUN_ID = "{{ run_id }}"

# How a task starts a DAG and waits for it without a worker slot. There is no logical date, because two runs may be
# about the same session.
STARTS_AND_WAITS: dict[str, Any] = {
    "logical_date": None,
    "reset_dag_run": True,
    "fail_when_dag_is_paused": True,
    "wait_for_completion": True,
    "deferrable": True,
}

# Pools of one slot each: one request to Yahoo at a time, and one Spark application on the worker.
YAHOO_POOL = "yahoo"
SPARK_POOL = "spark"

RUN_DOC = """
**By hand**: *Trigger*, with `as_of_date` (an XNYS session that is over, `YYYY-MM-DD`) or without (the last one
closed).
**Again**: clear the run, or trigger its session again. The rows will be the same.

**Backfill**: *Run Backfill* in the trigger dialog, or `airflow backfill create --dag-id {dag_id} --from-date
2026-08-10 --to-date 2026-08-14`. From and to are the first and the last session, both included. Days with a
run are left out unless asked for (`--reprocess-behavior completed`).
"""
STAGE_DOC = """
**When**: at its hour (UTC), Monday to Friday, about the session before (`PIPELINE_SCHEDULE=staggered`), or when
`daily_pipeline_controller` starts it. On a weekday without a session it is about the last one. What is stored
is not fetched again.
{run_doc}
A backfill repeats this stage alone. A backfill of `daily_pipeline_controller` takes each session through all five.
"""

COLLECTION_DOC = """
**Bars that are not there**: a late bar is requested again after 1, 2, 4 and 8 minutes. The last try continues without
it, and so does a run with `accept_late`. A bar that is missing at the source, or that waits for a person
(`logs_consumer_error`), is not waited for. Results without it are published as degraded. Without SPY nothing is
published. `./start.sh gaps` lists all these bars, and `completeness_repoll` requests them again.
"""

# After 1, 2, 4 and 8 minutes, and up to as much again of jitter: longer than Yahoo's cooldown, and over within an hour.
RETRIES: dict[str, Any] = {
    "retries": 4,
    "retry_delay": timedelta(minutes=1),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=15),
}


def daily_dag(
    dag_id: str,
    cron: str,
    *,
    schedule_mode: str | None = None,
    grace: timedelta = GRACE,
    doc: str | None,
    **kwargs: Any,
) -> DAG:
    """Make a DAG about one session, with the parameter `as_of_date`.

    schedule_mode: the only PIPELINE_SCHEDULE in which the cron is used (None: it is always used)
    grace: for how long after a tick a platform that was off still runs it
    """
    timetable = SessionTimetable(cron, on_schedule=schedule_mode in (None, SETTINGS.schedule), grace=grace)
    params = {"as_of_date": as_of_param(), **kwargs.pop("params", {})}
    return _dag(dag_id, timetable, day=as_of, doc=doc, params=params, **kwargs)


def rebalance_dag(dag_id: str, cron: str, *, doc: str | None, **kwargs: Any) -> DAG:
    """Make a DAG about a rebalance date: the day on which its cron fires, in both schedule modes."""
    params = {"as_of_date": rebalance_param()}
    return _dag(dag_id, DayTimetable(cron), day=rebalance_date, doc=doc, params=params, **kwargs)


def _dag(dag_id: str, timetable: SessionTimetable, *, day: Callable[..., str], doc: str | None, **kwargs: Any) -> DAG:
    # No start_date: with one in the past, the first start would run the last missed session at once.
    return DAG(
        dag_id,
        schedule=timetable,
        catchup=False,
        is_paused_upon_creation=kwargs.pop("is_paused_upon_creation", False),
        dag_display_name=display_name(doc or dag_id),
        doc_md=doc,
        user_defined_macros={"as_of": day, "session_by": session_by},
        default_args={"owner": "actstock", **RETRIES},
        **kwargs,
    )


def display_name(doc: str) -> str:
    """Return a DAG's name in Airflow's lists: the heading of its document. The stages stand in their order there.

    >>> display_name("### Stage 1: the benchmark ETFs")
    '1 · Benchmark ETFs'
    >>> display_name("### Late bars, requested again")
    'Late bars, requested again'
    """
    heading = doc.strip().splitlines()[0].removeprefix("### ")
    stage = re.fullmatch(r"Stage (\d): (?:the )?(.+)", heading)
    return f"{stage[1]} · {stage[2][0].upper()}{stage[2][1:]}" if stage else heading


def stage_dag(dag_id: str, cron: str, *, doc: str | None, tags: list[str], **kwargs: Any) -> DAG:
    """Make the DAG of a stage: on its own cron in the staggered mode, else started by the controller."""
    more = STAGE_DOC.format(run_doc=RUN_DOC.format(dag_id=dag_id))
    doc = f"{cleandoc(doc or '')}\n\n{more}"
    return daily_dag(dag_id, cron, schedule_mode="staggered", doc=doc, tags=["daily", *tags], **kwargs)


def collection_dag(dag_id: str, cron: str, *, doc: str | None, tags: list[str]) -> DAG:
    """Make the DAG of a stage that collects, with the parameter `accept_late`."""
    doc = f"{cleandoc(doc or '')}\n\n{COLLECTION_DOC}"
    params = {
        "accept_late": Param(
            False,
            type="boolean",
            title="Continue without bars that the source does not have yet",
            description="What is computed without them is published as degraded.",
        )
    }
    return stage_dag(dag_id, cron, doc=doc, tags=[*tags, "collection"], params=params)


def as_of_param() -> Param:
    return Param(
        None,
        type=["null", "string"],
        format="date",
        title="Session (as of)",
        description=(
            "A session of the New York exchange that is over. Empty: the last one closed at the logical date. "
            "A backfill needs it empty."
        ),
    )


def rebalance_param() -> Param:
    return Param(
        None,
        type=["null", "string"],
        format="date",
        title="Rebalance date",
        description="Any day, as a rule the last Sunday of a month. Empty: the last such Sunday by the logical date.",
    )


def as_of(params: Mapping[str, Any], dag_run: Any) -> str:
    """Return the session of a run: the one asked for, else the last one that was over at the run's moment.

    It depends on the run alone, so that a retry and a cleared task get the same session.
    """
    from utils.dates import last_closed_session, parse_date, require_closed_session
    from utils.errors import InvalidInput

    with airflow_errors():
        if asked := params["as_of_date"]:
            if dag_run.run_type == "backfill":
                raise InvalidInput(
                    f"every run of this backfill would compute {asked}, the session asked for in its form: start it "
                    "again and leave 'Session (as of)' empty; each run then computes the session of its own date"
                )
            return require_closed_session(parse_date(asked), dag_run.run_after).isoformat()
        return last_closed_session(min(dag_run.logical_date or dag_run.run_after, dag_run.run_after)).isoformat()


def rebalance_date(params: Mapping[str, Any], dag_run: Any) -> str:
    """Return the rebalance date of a run: the one asked for, else the last such Sunday at the run's moment."""
    from utils.dates import last_sunday_by, parse_date
    from utils.errors import InvalidInput

    with airflow_errors():
        today = dag_run.run_after.date()
        if asked := params["as_of_date"]:
            if (day := parse_date(asked)) > today:
                raise InvalidInput(f"the rebalance date {day} is in the future: this run is of {today}")
            return day.isoformat()
        return last_sunday_by(min(dag_run.logical_date or dag_run.run_after, dag_run.run_after).date()).isoformat()


def session_by(day: str) -> str:
    """Return the last session on or before a day, both as ISO dates: a rebalance merges its portfolios."""
    from utils.dates import last_session_by, parse_date

    with airflow_errors():
        return last_session_by(parse_date(day)).isoformat()


@contextmanager
def airflow_errors() -> Iterator[None]:
    """Raise the platform's errors as Airflow's, with the message alone, and without a retry when none can help."""
    from utils.errors import ActstockError

    try:
        yield
    except ActstockError as error:
        raise task_error(error.reason, error.retryable) from None


class TaskFailed(AirflowException):
    """A task's failure with its reason, which plugins/run_listener.py notes. Another try can help."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(str(reason))
        self.reason = reason


class TaskFailedForGood(AirflowFailException):
    """The same where no other try can help."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(str(reason))
        self.reason = reason


def task_error(reason: Reason, is_retryable: bool) -> TaskFailed | TaskFailedForGood:
    return TaskFailed(reason) if is_retryable else TaskFailedForGood(reason)
