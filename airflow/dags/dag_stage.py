"""The task of the controller: starts a stage's DAG for the run's session, and waits for its end."""

import time
from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk.exceptions import AirflowFailException, DagRunTriggerException
from dag_common import AS_OF, RUN_ID, STARTS_AND_WAITS

# A stage that has nothing to wait for is over by then.
WAIT_HERE_SECONDS = 15
POLL_SECONDS = 0.25


class Stage(TriggerDagRunOperator):
    """Starts a DAG after some minutes, and waits for it. A failed one is not started again: its own tasks were tried.

    The end of a short run is waited for in this process: the triggerer and another process would take two seconds to
    notice it. A longer run, and the minutes before it, are waited for in the triggerer, without a worker slot.

    The run's id is stable, so that a retry or a cleared task starts the same run again. The retries are for a process
    that was killed, and for a bug of Airflow (apache/airflow #67287): a trigger that fires within a second of the
    deferral can fail the task.

    after_minutes: a number, or a template of one
    """

    template_fields = (*TriggerDagRunOperator.template_fields, "after_minutes")

    def __init__(self, *, after_minutes: int | str = 0, **kwargs: Any) -> None:
        super().__init__(
            trigger_run_id=f"{AS_OF}__{RUN_ID}",
            conf={"as_of_date": AS_OF},
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
