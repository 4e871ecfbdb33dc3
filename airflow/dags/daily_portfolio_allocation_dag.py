"""### Stage 5: the three portfolios

A Spark job picks, for each period (5, 10, 20 sessions) and each ETF trending over it, the best of its top five
holdings, and weights them by return over market cap. Nobody eligible: an empty portfolio is published, with the
reason. A period of which SPY has no return is published as not computable, which is no decision for cash.

**Reads** `analytics_trending_etfs`, `collected_etf_holdings`, `collected_daily_stock_history`, `logs_open_break`,
`logs_missing_holdings`.
**Writes** `analytics_portfolio_allocation`, `analytics_allocation_candidates` and their lines in
`analytics_publication`, in one transaction.
"""

# Airflow reads a file only if it finds the words airflow and dag in it.
from dag_common import stage_dag
from dag_spark import SparkJob

with stage_dag("daily_portfolio_allocation", "0 13 * * 1-5", doc=__doc__, tags=["stage 5", "analysis", "spark"]):
    SparkJob(task_id="allocate", script="spark_active_stock_allocator.py")
