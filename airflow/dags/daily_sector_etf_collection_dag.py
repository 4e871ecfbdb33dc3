"""### Stage 2: the sector ETFs

Fetches the daily bars of the universe's sector ETFs from Yahoo and sends them to Kafka. Green when they are in
Postgres. What is stored is not fetched again: QQQ, which is also a benchmark, is there since stage 1. A failure of
one ETF is logged and does not affect the others. A bar that a person has to check first is quarantined, and the stage
continues without it.

**Reads** Yahoo (pool `yahoo`: one request every 5 seconds).
**Writes** topic `etf-daily-data` → `collected_daily_etf_ohlc`; with rates `stock-daily-data` →
`collected_daily_stock_history`; `logs_expected_bar`, `logs_restatement`, `logs_price_break`,
`logs_yahoo_request`, `evidence_source_answer`.
"""

from datetime import date

# Airflow only reads files that contain the words airflow and dag: this comment has to stay.
from dag_collect import Collect, Receipt
from dag_common import collection_dag

from config.config import Settings


def produce(settings: Settings, as_of: date, started_by: str, accept_late: bool) -> Receipt:
    from collector.kafka_producer_etf_daily import run

    return run(settings, "sector", as_of, started_by, accept_late)


with collection_dag("daily_sector_etf_collection", "0 10 * * 1-5", doc=__doc__, tags=["stage 2"]):
    Collect(produce=produce)
