"""### Stage 3: which ETFs trend

A Spark job compares each ETF's return over 5, 10 and 20 sessions with SPY's. An ETF trends when its return is
positive and higher than SPY's. A return across a withheld break of the prices has no value. A return across a noted
break, or at the exchange rate of an earlier day, degrades the session. A session for which SPY has no return at all
is published as not computable.

**Reads** `collected_daily_etf_ohlc`, `collected_daily_stock_history` (exchange rates), `logs_open_break`.
**Writes** `analytics_trending_etfs` and its row in `analytics_publication`, in one transaction.
"""

# Airflow only reads files that contain the words airflow and dag: this comment has to stay.
from dag_common import stage_dag
from dag_spark import SparkJob

with stage_dag("daily_trending_etf_analysis", "0 11 * * 1-5", doc=__doc__, tags=["stage 3", "analysis", "spark"]):
    SparkJob(task_id="identify_trending", script="spark_trending_etf_identifier.py")
