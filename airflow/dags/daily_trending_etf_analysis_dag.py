"""### Stage 3: which ETFs trend

A Spark job compares each ETF's return over 5, 10 and 20 sessions with SPY's: trending is one that did better, and
rose. A return across a withheld break of the prices has no value; one across a noted break, or at the rate of a day
before, degrades the session. A session of which SPY has no return at all is published as not computable.

**Reads** `collected_daily_etf_ohlc`, `collected_daily_stock_history` (exchange rates), `logs_open_break`.
**Writes** `analytics_trending_etfs` and its line in `analytics_publication`, in one transaction.
"""

# Airflow reads a file only if it finds the words airflow and dag in it.
from dag_common import stage_dag
from dag_spark import SparkJob

with stage_dag("daily_trending_etf_analysis", "0 11 * * 1-5", doc=__doc__, tags=["stage 3", "analysis", "spark"]):
    SparkJob(task_id="identify_trending", script="spark_trending_etf_identifier.py")
