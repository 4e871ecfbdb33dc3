"""### What is cleared away

Deletes what only tells of past runs, once it is older than the settings say, counted back from the run's session:

* `airflow_rows`: Airflow's own rows of runs, tasks and events (`airflow db clean`), older than KEEP_ROWS_DAYS. Of each
  DAG the newest run stays.
* `logged_rows`: the log of requests and that of runs, older than KEEP_ROWS_DAYS.
* `files`: the logs of tasks, and what killed Spark jobs have left on this machine, older than KEEP_FILES_DAYS.

What was collected, published or is evidence is never deleted. Spark's worker clears its own folders after a week,
Kafka its messages after a year, and the services' logs are cut at 20 MB, one older file of each stays.

**When**: Monday to Friday 15:30 UTC, after everything else.

**By hand**: *Trigger*, with `as_of_date` (an XNYS session that is over, `YYYY-MM-DD`) or without (the last one
closed).

**Backfill**: *Run Backfill* in the trigger dialog, or `airflow backfill create --dag-id maintenance --from-date
2026-08-10 --to-date 2026-08-14`. The last session of the range deletes as much as all of them.

**Reads** nothing.
**Writes** nothing.
**Deletes from** `logs_yahoo_request`, `logs_stage_run`, Airflow's database, and the folders of logs.
"""

import logging
import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

from airflow.sdk import task
from airflow.sdk.exceptions import AirflowException
from dag_common import AS_OF, airflow_errors, daily_dag

from config.config import Settings

log = logging.getLogger(__name__)

CONNECTION = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
# Airflow hides its database from tasks, under its own name.
CLEANING_CONNECTION = "AIRFLOW_CLEANING_CONN"


def days_before(as_of: str, days: int) -> datetime:
    return datetime.fromisoformat(as_of).replace(tzinfo=UTC) - timedelta(days=days)


def folders() -> list[Path]:
    """Return the folders whose old files go: the tasks' logs, and natively what Spark keeps while a job runs."""
    of_spark = os.environ.get("SPARK_LOCAL_DIRS")
    return [Path(os.environ["AIRFLOW_HOME"], "logs"), *([Path(of_spark)] if of_spark else [])]


with daily_dag("maintenance", "30 15 * * 1-5", doc=__doc__, tags=["daily", "maintenance"]):

    @task
    def airflow_rows(as_of: str) -> None:
        before = days_before(as_of, Settings.from_env().retention.rows_days)
        command = ["airflow", "db", "clean", "--clean-before-timestamp", before.isoformat(), "--skip-archive", "--yes"]
        environment = os.environ | {CONNECTION: os.environ[CLEANING_CONNECTION]}
        run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        log.info("%s", run.stdout)
        if run.returncode:
            raise AirflowException(f"airflow db clean ended with code {run.returncode}: {run.stderr[-1000:]}")

    @task
    def logged_rows(as_of: str) -> dict[str, int]:
        from contextlib import closing

        from database.db_helper import connect
        from database.queries.retention import forget_older

        settings = Settings.from_env()
        with airflow_errors(), closing(connect(settings.database)) as conn:
            return forget_older(conn, days_before(as_of, settings.retention.rows_days))

    @task
    def files(as_of: str) -> None:
        from utils.old_files import remove_older

        before = days_before(as_of, Settings.from_env().retention.files_days)
        for folder in folders():
            log.info("%s: %s", folder, remove_older(folder, before))

    airflow_rows(AS_OF)
    logged_rows(AS_OF)
    files(AS_OF)
