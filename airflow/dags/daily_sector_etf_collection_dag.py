"""### Stage 2: the sector ETFs

Fetches the daily bars of the ten sector ETFs from Yahoo and sends them to Kafka. Green when they are in Postgres.
What is stored is not fetched again: QQQ, which is also a benchmark, is there since stage 1. A failure of one ETF is
logged and does not affect the others. A bar that a person has to check first is quarantined, and the stage continues
without it.

**Reads** Yahoo (pool `yahoo`: one request every 5 seconds).
**Writes** topic `etf-daily-data` → `collected_daily_etf_ohlc`; with rates `stock-daily-data` →
`collected_daily_stock_history`; `logs_expected_bar`, `logs_restatement`, `logs_price_break`.
"""

from datetime import date
from typing import Any

from airflow.sdk import task
from dag_common import AS_OF, RUN_ID, YAHOO_POOL, StoredSensor, accepts_late, airflow_errors, collection_dag

from config.config import Settings

with collection_dag("daily_sector_etf_collection", "0 10 * * 1-5", doc=__doc__, tags=["stage 2"]):

    @task(pool=YAHOO_POOL)
    def collect(as_of: str, started_by: str, params: Any = None, ti: Any = None) -> dict[str, Any]:
        from collector.kafka_producer_etf_daily import run

        with airflow_errors():
            late = accepts_late(params, ti)
            return run(Settings.from_env(), "sector", date.fromisoformat(as_of), started_by, late).to_dict()

    StoredSensor(task_id="stored", receipt=collect(AS_OF, RUN_ID))
