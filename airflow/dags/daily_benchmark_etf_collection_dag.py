"""### Stage 1: the benchmark ETFs

Fetches the daily bars of the benchmark ETFs (SPY, QQQ, IWM, EWY, DIA, SCHD) from Yahoo and sends them to Kafka. Green
when they are in Postgres. A session that is already stored costs no request. For an ETF in another currency the
exchange rate is fetched, too. A failure of one ETF is logged and does not affect the others. Only SPY is
indispensable. A bar that a person has to check first is quarantined, and the stage continues without it.

**Reads** Yahoo (pool `yahoo`: one request every 5 seconds).
**Writes** topic `etf-daily-data` → `collected_daily_etf_ohlc`; with rates `stock-daily-data` →
`collected_daily_stock_history`; `logs_expected_bar`, `logs_restatement`, `logs_price_break`.
"""

from datetime import date
from typing import Any

from airflow.sdk import task
from dag_common import AS_OF, RUN_ID, YAHOO_POOL, StoredSensor, accepts_late, airflow_errors, collection_dag

from config.config import Settings
from config.stages import BEGINS

with collection_dag("daily_benchmark_etf_collection", BEGINS["staggered"], doc=__doc__, tags=["stage 1"]):

    @task(pool=YAHOO_POOL)
    def collect(as_of: str, started_by: str, params: Any = None, ti: Any = None) -> dict[str, Any]:
        from collector.kafka_producer_etf_daily import run

        with airflow_errors():
            late = accepts_late(params, ti)
            return run(Settings.from_env(), "benchmark", date.fromisoformat(as_of), started_by, late).to_dict()

    StoredSensor(task_id="stored", receipt=collect(AS_OF, RUN_ID))
