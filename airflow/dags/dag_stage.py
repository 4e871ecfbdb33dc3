"""Tasks that start another DAG for a session, and wait for its end: a stage of the controller, or a whole session."""

import time
from contextlib import closing
from datetime import date, timedelta
from typing import Any

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk.exceptions import AirflowFailException, DagRunTriggerException
from dag_common import AS_OF, RUN_ID, STARTS_AND_WAITS, airflow_errors

from config.config import Settings
from config.stages import CONTROLLER

# A stage that has nothing to wait for is over by then.
WAIT_HERE_SECONDS = 15
POLL_SECONDS = 0.25
# How often, and for how long at most, one looks again whether a session is still at work.
LOOK_AGAIN_AFTER = timedelta(minutes=1)
LOOKS_AT_MOST = 24 * 60


class Started(TriggerDagRunOperator):
    """Starts a DAG, and waits for it in the triggerer. A failed one is not started again: its own tasks were tried."""

    def execute_complete(self, context: Any, event: tuple[str, dict[str, Any]]) -> None:
        """Go on after a run that was waited for in the triggerer."""
        _, told = event
        for run_id in told["run_ids"]:
            self._is_over(run_id, told[run_id])

    def _is_over(self, run_id: str, state: str) -> bool:
        """Tell whether a run has succeeded. Raise AirflowFailException when it has failed."""
        if state in self.failed_states:
            raise AirflowFailException(f"{self.trigger_dag_id} failed: its run {run_id} tells why")
        return state in self.allowed_states


class Stage(Started):
    """Starts a DAG after some minutes, and waits for it.

    The end of a short run is waited for in this process: the triggerer and another process would take two seconds to
    notice it. A longer run, and the minutes before it, are waited for in the triggerer, without a worker slot.

    The run's id is stable, so that a retry or a cleared task starts the same run again. The retries are for a process
    that was killed, and for a bug of Airflow (apache/airflow #67287): a trigger that fires within a second of the
    deferral can fail the task.

    after_minutes: a number, or a template of one
    session: a template of the session (by default that of the run)
    more: parameters of the started run, beside its session
    """

    template_fields = (*Started.template_fields, "after_minutes")

    def __init__(
        self, *, after_minutes: int | str = 0, session: str = AS_OF, more: dict[str, Any] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(
            trigger_run_id=f"{session}__{RUN_ID}",
            conf={"as_of_date": session} | (more or {}),
            poke_interval=1,
            **STARTS_AND_WAITS,
            **kwargs,
        )
        self.after_minutes = after_minutes

    def execute(self, context: Any) -> None:
        from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger

        if minutes := int(self.after_minutes):
            self.log.info("Starting %s in %s minutes", self.trigger_dag_id, minutes)
            self.defer(trigger=TimeDeltaTrigger(timedelta(minutes=minutes)), method_name="start")
        self.start(context)

    def start(self, context: Any, event: Any = None) -> None:
        """Start the DAG, and wait. Raise AirflowFailException when it fails."""
        try:
            super().execute(context)
        except DagRunTriggerException as asked:
            _trigger(asked)
        self._wait(context["ti"], str(self.trigger_run_id))

    def _wait(self, ti: Any, run_id: str) -> None:
        from airflow.providers.standard.triggers.external_task import DagStateTrigger

        until = time.monotonic() + WAIT_HERE_SECONDS
        while time.monotonic() < until:
            if self._is_over(run_id, ti.get_dagrun_state(self.trigger_dag_id, run_id)):
                return
            time.sleep(POLL_SECONDS)
        self.defer(
            trigger=DagStateTrigger(
                dag_id=self.trigger_dag_id,
                states=[*self.allowed_states, *self.failed_states],
                run_ids=[run_id],
                poll_interval=self.poke_interval,
            ),
            method_name="execute_complete",
        )


class ComputeSession(Stage):
    """Has the controller compute a session that was never computed, and waits for it.

    One that a stage is at work on is waited for first, without a worker slot, and then looked at again. A month rests
    on the session before its weekend. In the staggered schedule that one's own stages begin on Monday.
    """

    template_fields = (*Stage.template_fields, "session")

    def __init__(self, *, session: str = AS_OF, **kwargs: Any) -> None:
        super().__init__(
            task_id="compute_session",
            trigger_dag_id=CONTROLLER,
            session=session,
            more={"stage_delay_minutes": 0},
            **kwargs,
        )
        self.session = session

    def execute(self, context: Any) -> None:
        self.look(context)

    def look(self, context: Any, event: Any = None, looks: int = 1) -> None:
        """Compute the session if need be. Raise AirflowFailException when it stays at work.

        looks: how many there were, with this one
        """
        session = date.fromisoformat(self.session)
        if _is_at_work(session):
            self._look_again(looks)
        elif _was_never_computed(session):
            super().execute(context)
        else:
            self.log.info("%s is computed, or nobody but a person has it computed", session)

    def _look_again(self, looks: int) -> None:
        from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger

        if looks >= LOOKS_AT_MOST:
            raise AirflowFailException(f"{self.session} is still at work: its runs tell why")
        self.log.info("%s is at work", self.session)
        self.defer(trigger=TimeDeltaTrigger(LOOK_AGAIN_AFTER), method_name="look", kwargs={"looks": looks + 1})


def _is_at_work(session: date) -> bool:
    from database.db_helper import connect
    from database.queries.unpublished import at_work

    with airflow_errors(), closing(connect(Settings.from_env().database)) as conn:
        return session in at_work(conn)


def _was_never_computed(session: date) -> bool:
    from config.universe import universe
    from database.db_helper import connect
    from database.queries.unpublished import never_computed

    with airflow_errors(), closing(connect(Settings.from_env().database)) as conn:
        return bool(never_computed(conn, universe().benchmark, universe().periods, session, session))


def _trigger(asked: DagRunTriggerException) -> None:
    """Start the run that the operator asks for, as Airflow does it after the operator, which then only defers."""
    from airflow.sdk.execution_time import task_runner
    from airflow.sdk.execution_time.comms import TriggerDagRun

    task_runner.SUPERVISOR_COMMS.send(
        TriggerDagRun(
            dag_id=asked.trigger_dag_id,
            run_id=asked.dag_run_id,
            logical_date=asked.logical_date,
            conf=asked.conf,
            reset_dag_run=asked.reset_dag_run,
        )
    )
