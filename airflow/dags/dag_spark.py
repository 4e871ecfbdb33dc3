"""The task of the Spark stages: runs a job of batch/ for the run's session, on the cluster of `spark_default`."""

from datetime import timedelta
from typing import Any

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.sdk.exceptions import AirflowException
from dag_common import AS_OF, RUN_ID, SETTINGS, SPARK_POOL, task_error

from config.config import PROJECT_ROOT
from utils.command_line import failure_in
from utils.spark_utils import JOB_CORES, submit_conf


class SparkJob(SparkSubmitOperator):
    """Runs spark-submit, and raises the job's own error as the task's.

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

    def execute(self, context: Any) -> None:
        try:
            super().execute(context)
        except AirflowException as failure:
            # Airflow ends its error with what spark-submit printed last, and a job's last line is an object.
            told = failure_in(str(failure).splitlines())
            if told is None:
                raise
            raise task_error(told.reason, told.retryable) from None
