"""### Stage 1: the benchmark ETFs

Fetches the daily bars of the universe's benchmark ETFs (`config/universe.toml`) from Yahoo and sends them to Kafka.
Green when they are in Postgres. A session that is already stored costs no request. For an ETF in another currency the
exchange rate is fetched, too. A failure of one ETF is logged and does not affect the others. Only the benchmark SPY
is indispensable. A bar that a person has to check first is quarantined, and the stage continues without it.

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
from config.stages import BEGINS


def produce(settings: Settings, as_of: date, started_by: str, accept_late: bool) -> Receipt:
    from collector.kafka_producer_etf_daily import run

    return run(settings, "benchmark", as_of, started_by, accept_late)


with collection_dag("daily_benchmark_etf_collection", BEGINS["staggered"], doc=__doc__, tags=["stage 1"]):
    Collect(produce=produce)
