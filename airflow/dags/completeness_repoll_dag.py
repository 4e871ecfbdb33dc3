"""### What is late or missing, asked for again

Asks the source once more for every expected bar that is late or missing in the REFETCH_SESSIONS sessions up to the
run's own; green when what came is in Postgres. Then lists in the log of `report` everything that is not there, and the
published sessions that no longer follow from the stored prices, with the command that computes them again. It computes
nothing itself. What stays missing longer is no longer asked for daily: `./start.sh gaps --repoll` asks for all of it.

**When**: Monday to Friday 14:30 UTC, after the stages of either schedule mode.

**By hand**: *Trigger*, with `as_of_date` (an XNYS session that is over, `YYYY-MM-DD`) or without (the last one
closed); or `./start.sh gaps --repoll`.

**Backfill**: *Run Backfill* in the trigger dialog, or `airflow backfill create --dag-id completeness_repoll --from-date
2026-08-10 --to-date 2026-08-14`; the last session of the range alone does as much.

**Reads** the ledger (`logs_session_ledger`); Yahoo (pool `yahoo`).
**Writes** topics `etf-daily-data` and `stock-daily-data` → `collected_daily_etf_ohlc`, `collected_daily_stock_history`;
it writes what is still absent to `logs_expected_bar` and what has changed to `logs_restatement`.
"""

import logging
from contextlib import closing
from datetime import date
from typing import Any

from airflow.sdk import task
from dag_common import AS_OF, RUN_ID, YAHOO_POOL, StoredSensor, airflow_errors, daily_dag

from config.config import Settings

log = logging.getLogger(__name__)

with daily_dag(
    "completeness_repoll",
    "30 14 * * 1-5",
    doc=__doc__,
    tags=["daily", "collection", "completeness"],
):

    @task(pool=YAHOO_POOL)
    def collect(as_of: str, started_by: str) -> dict[str, Any]:
        from collector.gaps import repoll
        from utils.dates import session_before

        settings, end = Settings.from_env(), date.fromisoformat(as_of)
        with airflow_errors():
            start = session_before(end, settings.collector.refetch_sessions)
            return repoll(settings, start, end, started_by).to_dict()

    @task
    def report(as_of: str) -> list[str]:
        from collector.gaps import report
        from database.db_helper import connect

        with airflow_errors(), closing(connect(Settings.from_env().database)) as conn:
            lines = list(report(conn, None, date.fromisoformat(as_of)))
        for line in lines:
            log.info("%s", line)
        return lines

    collected = collect(AS_OF, RUN_ID)
    StoredSensor(task_id="stored", receipt=collected) >> report(AS_OF)
