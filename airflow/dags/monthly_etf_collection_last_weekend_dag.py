"""### The month's holdings of the benchmark ETFs, and its sectors

Stores what the universe's benchmark ETFs hold at the end of the month: the snapshot that counts
as of the session. It is taken from Postgres if it is there, else from Yahoo, through Kafka. `collect` is green when
it is in Postgres. Then a Spark job measures the month's returns sector by sector.

Before that, `compute_session` starts `daily_pipeline_controller` for the session where nothing has computed it yet. In
the staggered mode its own stages begin on Monday, when they find everything stored. A session at work is waited for.

A month that is run late gets the holdings of the day on which they are fetched. `holdings_as_of` is then after
`as_of_date`.

**When**: the last Saturday of the month, 10:00 UTC, about the last session before it. A month that was not
measured on its Saturday is measured by `completeness_repoll` on the next weekday.

**Reads** Yahoo (pool `yahoo`: one request every 5 seconds); `collected_daily_stock_history`.
**Writes** topic `etf-holdings-data` → `collected_monthly_benchmark_holdings`, `collected_etf_holdings`,
`collected_meta_etf`; `logs_missing_holdings`, `logs_yahoo_request`, `evidence_source_answer`;
`analytics_sector_trending` and its rows in `analytics_publication`.
"""

from datetime import date

# Airflow only reads files that contain the words airflow and dag: this comment has to stay.
from dag_collect import Collect, Receipt
from dag_common import RUN_DOC, daily_dag
from dag_spark import SparkJob
from dag_stage import ComputeSession

from config.config import Settings
from config.stages import MONTHLY_ETFS


def produce(settings: Settings, as_of: date, started_by: str, _accept_late: bool) -> Receipt:
    from collector.kafka_producer_etf_holdings import run

    return run(settings, "benchmark", as_of, started_by, for_the_month=True)


with daily_dag(
    MONTHLY_ETFS,
    "0 10 * * L6",  # L6: the last Saturday
    doc=f"{__doc__}\n{RUN_DOC.format(dag_id=MONTHLY_ETFS)}",
    tags=["monthly", "collection", "analysis", "spark"],
):
    analyze = SparkJob(task_id="analyze_sectors", script="batch_monthly_sector_analyzer.py")
    [Collect(produce=produce), ComputeSession()] >> analyze
