"""### What has become of the published portfolios

A Spark job follows each portfolio (5, 10, 20 sessions, and the month's) as it was published: bought at the close of the
session after its own, held with drifting weights until the next publication is bought, against SPY. Gross, and net of
what the trades cost (`cost_rate` in `config/universe.toml`); a position without a close stands at its last one, which
its row says; so does one behind a withheld break of its prices. A session that was not computable is no decision.
Figures for a year from 60 sessions on. Before there is anything to follow, an empty line says so.

**When**: Monday to Friday 13:30 UTC, after stage 5, about the session before (`PIPELINE_SCHEDULE=staggered`), or when
`daily_pipeline_controller` starts it after stage 5. The month's portfolio is picked up by the first run after it.

Every run computes the whole series anew, so that one run also mends the days before it.

**Reads** `analytics_publication`, `analytics_portfolio_allocation`, `analytics_monthly_portfolio`,
`collected_daily_stock_history`, `collected_daily_etf_ohlc`, `logs_open_break`.
**Writes** `analytics_portfolio_performance`, `analytics_performance_summary` and its line in `analytics_publication`,
in one transaction.
"""

# Airflow reads a file only if it finds the words airflow and dag in it.
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
