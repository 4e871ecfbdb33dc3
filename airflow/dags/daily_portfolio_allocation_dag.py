"""### Stage 5: the three portfolios

A Spark job chooses, for each period (5, 10, 20 sessions) and each ETF that trends over it, the best of the ETF's
largest holdings (`top_holdings` in `config/universe.toml`), and weights them by return over market cap. When no stock
is eligible, an empty portfolio is published, with the reason. A period over which SPY has no return is published as
not computable, which is no decision for cash.

**Reads** `analytics_trending_etfs`, `collected_etf_holdings`, `collected_daily_stock_history`, `logs_open_break`,
`logs_missing_holdings`.
**Writes** `analytics_portfolio_allocation`, `analytics_allocation_candidates` and their rows in
`analytics_publication`, in one transaction.
"""

# Airflow only reads files that contain the words airflow and dag: this comment has to stay.
from dag_common import stage_dag
from dag_spark import SparkJob

with stage_dag("daily_portfolio_allocation", "0 13 * * 1-5", doc=__doc__, tags=["stage 5", "analysis", "spark"]):
    SparkJob(task_id="allocate", script="spark_active_stock_allocator.py")
