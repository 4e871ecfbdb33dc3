"""### Stage 4: what the trending ETFs hold

For each ETF that trends over 5, 10 or 20 sessions: its top five holdings and their prices, from Yahoo through Kafka;
then the closes of what the published portfolios hold, until it is sold. Green when they are in Postgres. Nothing else
is fetched: about 97 % fewer requests than for every holding of every ETF. What the day's budget of 75 requests leaves
goes to sectors that Yahoo has not been asked for yet.

What is wrong at one stock or fund is noted and keeps nothing else. A fund whose holdings cannot be had goes on with the
last ones that are stored, and the session's portfolios say so. A bar that a person should look at first is quarantined.

**Reads** `analytics_trending_etfs` (stage 3 of the same session), `analytics_portfolio_allocation` and
`analytics_monthly_portfolio` (what is held); Yahoo (pool `yahoo`).
**Writes** topics `etf-holdings-data` and `stock-daily-data` → `collected_etf_holdings`,
`collected_daily_stock_history`; `logs_missing_holdings`, `logs_expected_bar`, `logs_restatement`, `logs_price_break`.
"""

from datetime import date
from typing import Any

from airflow.sdk import task
from dag_common import AS_OF, RUN_ID, YAHOO_POOL, StoredSensor, accepts_late, airflow_errors, collection_dag

from config.config import Settings

with collection_dag("daily_trending_etf_holdings_collection", "0 12 * * 1-5", doc=__doc__, tags=["stage 4"]):

    @task(pool=YAHOO_POOL)
    def collect(as_of: str, started_by: str, params: Any = None, ti: Any = None) -> dict[str, Any]:
        from collector.kafka_producer_trending_etf_holdings import run

        with airflow_errors():
            late = accepts_late(params, ti)
            return run(Settings.from_env(), date.fromisoformat(as_of), started_by, late).to_dict()

    StoredSensor(task_id="stored", receipt=collect(AS_OF, RUN_ID))
