"""### The five stages of one session, in order

Stage 1 → delay → 2 → 3 → delay → 4 → 5 → track record: starts the DAG of each step, all for the same session, and
waits for it. Waiting holds no worker slot. A stage that fails stops the chain. To continue, remove the cause and
clear the failed task here.

**When**: Monday to Friday 21:30 UTC, about the same day's session, if `PIPELINE_SCHEDULE=controller`. In the
staggered mode each stage has its own hour, and this DAG runs by hand or in a backfill only.

**By hand**: *Trigger*, with `as_of_date` (an XNYS session that is over, `YYYY-MM-DD`) or without (the last one
closed). `stage_delay_minutes` is the delay after stages 1 and 3 (default: the setting `STAGE_DELAY_MINUTES`). 0 means
no delay.

**Backfill**, in either mode, without the delays and one session at a time: `airflow backfill create --dag-id
daily_pipeline_controller --from-date 2026-08-10 --to-date 2026-08-14 --max-active-runs 1 --dag-run-conf
'{"stage_delay_minutes": 0}'`, or `./start.sh backfill 2026-08-10 2026-08-14`. From and to are the first and the last
session, both included. Days with a run are left out unless asked for (`--reprocess-behavior completed`).

**Reads and writes** nothing itself: see the stages.
"""

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import Param, chain, task
from dag_common import AS_OF, SETTINGS, Delay, daily_dag

from config.stages import BEGINS

SESSION = "{{ ti.xcom_pull(task_ids='session') }}"
DELAY = "{{ params.stage_delay_minutes }}"


def stage(task_id: str, dag_id: str) -> TriggerDagRunOperator:
    """Start a DAG for the session, and wait for its end in the triggerer.

    There is no logical date, because two controllers may run the same session. The run's id is stable, so that a retry
    or a cleared task starts the same run again. The retry is for a bug of Airflow (apache/airflow #67287): a trigger
    that fires within a second of the deferral can fail the task.
    """
    return TriggerDagRunOperator(
        task_id=task_id,
        trigger_dag_id=dag_id,
        trigger_run_id=f"{SESSION}__{{{{ run_id }}}}",
        conf={"as_of_date": SESSION},
        logical_date=None,
        reset_dag_run=True,
        fail_when_dag_is_paused=True,
        wait_for_completion=True,
        deferrable=True,
        poke_interval=1,
        retries=1,
    )


with daily_dag(
    "daily_pipeline_controller",
    BEGINS["controller"],
    schedule_mode="controller",
    doc=__doc__,
    tags=["daily", "controller"],
    params={
        "stage_delay_minutes": Param(
            SETTINGS.stage_delay_minutes,
            type="integer",
            minimum=0,
            title="Minutes to wait after stages 1 and 3",
        )
    },
):

    @task
    def session(as_of: str) -> str:
        """Return the one date that every stage gets."""
        return as_of

    chain(
        session(AS_OF),
        stage("stage_1_benchmark_etfs", "daily_benchmark_etf_collection"),
        Delay(task_id="delay_after_stage_1", minutes=DELAY),
        stage("stage_2_sector_etfs", "daily_sector_etf_collection"),
        stage("stage_3_trending_etfs", "daily_trending_etf_analysis"),
        Delay(task_id="delay_after_stage_3", minutes=DELAY),
        stage("stage_4_holdings", "daily_trending_etf_holdings_collection"),
        stage("stage_5_portfolios", "daily_portfolio_allocation"),
        stage("portfolio_performance", "portfolio_performance"),
    )
