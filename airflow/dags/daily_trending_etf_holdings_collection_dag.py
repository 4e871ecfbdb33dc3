"""### Stage 4: what the trending ETFs hold

Fetches the largest holdings (`top_holdings` in `config/universe.toml`) of each ETF that trends over 5, 10 or 20
sessions, and the prices of these stocks, from Yahoo through Kafka. Then the closes of the stocks that the published
portfolios hold, until they are sold. Green when all are in Postgres. Nothing else is fetched, which takes about 97 %
fewer requests than all holdings of all ETFs. What is left of the day's budget of 75 requests is used for sectors that
Yahoo was not asked for yet.

A failure of one stock or fund is logged and does not affect the others. For a fund whose holdings cannot be fetched
the last stored ones are used, and the session's portfolios tell so. A bar that a person has to check first is
quarantined.

**Reads** `analytics_trending_etfs` (stage 3 of the same session), `analytics_portfolio_allocation` and
`analytics_monthly_portfolio` (what is held); Yahoo (pool `yahoo`).
**Writes** topics `etf-holdings-data` and `stock-daily-data` → `collected_etf_holdings`,
`collected_meta_etf`, `collected_daily_stock_history`; `logs_missing_holdings`, `logs_expected_bar`, `logs_restatement`,
`logs_price_break`, `logs_yahoo_request`, `evidence_source_answer`.
"""

from datetime import date

# Airflow only reads files that contain the words airflow and dag: this comment has to stay.
from dag_collect import Collect, Receipt
from dag_common import collection_dag

from config.config import Settings


def produce(settings: Settings, as_of: date, started_by: str, accept_late: bool) -> Receipt:
    from collector.kafka_producer_trending_etf_holdings import run

    return run(settings, as_of, started_by, accept_late)


with collection_dag("daily_trending_etf_holdings_collection", "0 12 * * 1-5", doc=__doc__, tags=["stage 4"]):
    Collect(produce=produce)
