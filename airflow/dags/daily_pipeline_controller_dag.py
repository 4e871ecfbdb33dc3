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

from airflow.sdk import Param, chain
from dag_common import SETTINGS, daily_dag
from dag_stage import Stage

from config.stages import BEGINS

DELAY = "{{ params.stage_delay_minutes }}"

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
    chain(
        Stage(task_id="stage_1_benchmark_etfs", trigger_dag_id="daily_benchmark_etf_collection"),
        Stage(task_id="stage_2_sector_etfs", trigger_dag_id="daily_sector_etf_collection", after_minutes=DELAY),
        Stage(task_id="stage_3_trending_etfs", trigger_dag_id="daily_trending_etf_analysis"),
        Stage(task_id="stage_4_holdings", trigger_dag_id="daily_trending_etf_holdings_collection", after_minutes=DELAY),
        Stage(task_id="stage_5_portfolios", trigger_dag_id="daily_portfolio_allocation"),
        Stage(task_id="portfolio_performance", trigger_dag_id="portfolio_performance"),
    )
