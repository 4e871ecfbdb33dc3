"""### The track record of the published portfolios

A Spark job follows each portfolio (5, 10, 20 sessions, and the monthly one) as it was published: bought at the close
of the session after its own, and held with drifting weights until the next publication is bought. It is compared with
SPY, gross and net of the cost of the trades (`cost_rate` in `config/universe.toml`). A position without a close keeps
its last one, and so does a position behind a withheld break. The session's row tells which. A session that was not
computable is no decision. Annual figures are given from 60 sessions on. While nothing is to follow, an empty
publication tells why.

**When**: Monday to Friday 13:30 UTC, after stage 5, about the session before (`PIPELINE_SCHEDULE=staggered`), or when
`daily_pipeline_controller` starts it after stage 5. The first run after a rebalance includes the monthly portfolio.

Every run computes the whole series again, so one run also corrects the days before it.

**Reads** `analytics_publication`, `analytics_portfolio_allocation`, `analytics_monthly_portfolio`,
`collected_daily_stock_history`, `collected_daily_etf_ohlc`, `logs_open_break`.
**Writes** `analytics_portfolio_performance`, `analytics_performance_summary` and its row in `analytics_publication`,
in one transaction.
"""

# Airflow only reads files that contain the words airflow and dag: this comment has to stay.
from dag_common import RUN_DOC, daily_dag
from dag_spark import SparkJob

DAG_ID = "portfolio_performance"

with daily_dag(
    DAG_ID,
    "30 13 * * 1-5",
    schedule_mode="staggered",
    doc=f"{__doc__}\n{RUN_DOC.format(dag_id=DAG_ID)}",
    tags=["daily", "analysis", "spark"],
):
    SparkJob(task_id="follow_portfolios", script="spark_portfolio_performance.py")
