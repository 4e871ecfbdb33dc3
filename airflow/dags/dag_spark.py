"""The task of the Spark stages: runs a job of batch/ for the run's session, on the cluster of `spark_default`."""

from datetime import timedelta
from typing import Any

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from dag_common import AS_OF, RUN_ID, SETTINGS, SPARK_POOL

from config.config import PROJECT_ROOT
from utils.spark_utils import JOB_CORES, submit_conf

# How Airflow reports a job's exit code 2 (the request cannot be met), and how the job's error line begins.
CANNOT_BE_MET = "Error code is: 2."
ERROR_LINE = "error: "


class SparkJob(SparkSubmitOperator):
    """Runs spark-submit, and raises the job's own error line as the task's error.

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
            errors = [line for line in str(failure).splitlines() if line.startswith(ERROR_LINE)]
            if not errors:
                raise
            kind = AirflowFailException if CANNOT_BE_MET in str(failure) else AirflowException
            raise kind(errors[-1].removeprefix(ERROR_LINE)) from None
