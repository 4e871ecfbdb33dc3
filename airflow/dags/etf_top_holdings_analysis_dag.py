"""### How the ETFs' top holdings performed

A Spark job measures the largest holdings (`top_holdings`) of every ETF with a holdings snapshot over 5, 10 and 20
sessions, in US dollars: total and mean daily return, volatility, Sharpe ratio, and the rank by total return. A
holding without collected prices keeps a row that tells which are missing. `etf_holdings_daily` collects all holdings.

**When**: Monday to Friday 13:30 UTC, in both schedule modes, about the session before. A weekday without a session is
about the last one.

**Reads** `collected_etf_holdings`, `collected_daily_stock_history` (stage 4 of the session), `logs_open_break`.
**Writes** `analytics_etf_top_holdings` and its rows in `analytics_publication`, in one transaction.
"""

# Airflow only reads files that contain the words airflow and dag: this comment has to stay.
from dag_common import RUN_DOC, daily_dag
from dag_spark import SparkJob

DAG_ID = "etf_top_holdings_analysis"

with daily_dag(
    DAG_ID,
    "30 13 * * 1-5",
    doc=f"{__doc__}\n{RUN_DOC.format(dag_id=DAG_ID)}",
    tags=["daily", "analysis", "spark"],
):
    SparkJob(task_id="measure_top_holdings", script="spark_etf_top_holdings.py")
