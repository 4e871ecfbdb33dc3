"""### The month's holdings of the benchmark ETFs, and its sectors

Stores what the benchmark ETFs (SPY, QQQ, IWM, EWY, DIA, SCHD) hold at the end of the month: the snapshot that counts
as of the session. It is taken from Postgres if it is there, else from Yahoo, through Kafka. `collect` is green when
it is in Postgres. Then a Spark job measures the month's returns sector by sector.

A month that is run late gets the holdings of the day on which they are fetched. `holdings_as_of` is then after
`as_of_date`.

**When**: the last Saturday of the month, 10:00 UTC, about the last session before it.

**Reads** Yahoo (pool `yahoo`: one request every 5 seconds); `collected_daily_stock_history`.
**Writes** topic `etf-holdings-data` → `collected_monthly_benchmark_holdings`, `collected_etf_holdings`;
`analytics_sector_trending` and its rows in `analytics_publication`.
"""

from datetime import date

# Airflow only reads files that contain the words airflow and dag: this comment has to stay.
from dag_collect import Collect, Receipt
from dag_common import RUN_DOC, daily_dag
from dag_spark import SparkJob

from config.config import Settings

DAG_ID = "monthly_etf_collection_last_weekend"


def produce(settings: Settings, as_of: date, started_by: str, _accept_late: bool) -> Receipt:
    from collector.kafka_producer_etf_holdings import run

    return run(settings, "benchmark", as_of, started_by, for_the_month=True)


with daily_dag(
    DAG_ID,
    "0 10 * * L6",  # L6: the last Saturday
    doc=f"{__doc__}\n{RUN_DOC.format(dag_id=DAG_ID)}",
    tags=["monthly", "collection", "analysis", "spark"],
):
    Collect(produce=produce) >> SparkJob(task_id="analyze_sectors", script="batch_monthly_sector_analyzer.py")
