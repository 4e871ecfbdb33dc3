"""The task of the Spark stages: runs a job of batch/ for the run's session, on the warm driver or on the cluster."""

from datetime import timedelta
from typing import Any

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.sdk.exceptions import AirflowException
from dag_common import AS_OF, RUN_ID, SETTINGS, SPARK_POOL, task_error

from config.config import PROJECT_ROOT
from utils import spark_driver
from utils.command_line import failure_in
from utils.spark_utils import JOB_CORES, submit_conf


class SparkJob(SparkSubmitOperator):
    """Runs a job in the Spark that has started already, or with spark-submit, and raises its own error as the task's.

    day: the job's as-of date (by default that of the run)
    """

    def __init__(self, *, task_id: str, script: str, day: str = AS_OF, **kwargs: Any) -> None:
        super().__init__(
            task_id=task_id,
            pool=SPARK_POOL,
            application=str(PROJECT_ROOT / "batch" / script),
            application_args=["--as-of-date", day, "--run-id", RUN_ID],
            name=f"{task_id} {day}",
            conf=submit_conf(SETTINGS.spark),
            jars=SETTINGS.spark.jdbc_jar or None,
            total_executor_cores=JOB_CORES,
            execution_timeout=timedelta(minutes=30),
            **kwargs,
        )
        self.script = script

    def execute(self, context: Any) -> None:
        """Run the job on the warm driver, and with spark-submit where that one is away or dies."""
        outcome = spark_driver.run(SETTINGS.spark, self.script, self.application_args or [], self.log.info)
        if outcome is None:
            self._submit(context)
        elif outcome.exit_code:
            _raise(f"{self.script} ended with code {outcome.exit_code}", outcome.lines)

    def _submit(self, context: Any) -> None:
        try:
            super().execute(context)
        except AirflowException as failure:
            # Airflow ends its error with what spark-submit printed last, and a job's last line is an object.
            _raise(str(failure), str(failure).splitlines())


def _raise(message: str, lines: list[str]) -> None:
    """Raise the error that a job told of in its last lines, or the message where it did not come to that."""
    told = failure_in(lines)
    if told is None:
        raise AirflowException(message)
    raise task_error(told.reason, told.retryable) from None
