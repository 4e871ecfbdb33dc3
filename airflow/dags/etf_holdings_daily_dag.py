"""### What all ETFs hold

Fetches the ten largest holdings of every ETF of the universe from Yahoo, with its metadata, and sends them to Kafka.
Green when they are in Postgres. A snapshot of the session or later that is already stored costs no request. The five
stages do not need this DAG, because stage 4 fetches what it needs. It keeps a daily snapshot of every fund, for a
request each. A fund whose list cannot be fetched is named, and keeps its last stored list.

**Paused at first**: unpause it to let it run.

**When**: Monday to Friday 09:00 UTC, about the session before.

**Reads** Yahoo (pool `yahoo`: one request every 5 seconds).
**Writes** topic `etf-holdings-data` → `collected_etf_holdings`, `collected_meta_etf`;
`logs_missing_holdings`, `logs_yahoo_request`, `evidence_source_answer`.
"""

from datetime import date

# Airflow only reads files that contain the words airflow and dag: this comment has to stay.
from dag_collect import Collect, Receipt
from dag_common import RUN_DOC, daily_dag

from config.config import Settings

DAG_ID = "etf_holdings_daily"


def produce(settings: Settings, as_of: date, started_by: str, _accept_late: bool) -> Receipt:
    from collector.kafka_producer_etf_holdings import run

    return run(settings, "all", as_of, started_by)


with daily_dag(
    DAG_ID,
    "0 9 * * 1-5",
    doc=f"{__doc__}\n{RUN_DOC.format(dag_id=DAG_ID)}",
    tags=["daily", "collection"],
    is_paused_upon_creation=True,
):
    Collect(produce=produce)
