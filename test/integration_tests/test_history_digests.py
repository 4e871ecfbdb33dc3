"""What a year of the invented market gives is what it gave before, to the last bit: each job's publications.

history_digests.json has of each job how many publications there are, and two digests of those that the platform makes
itself: of what they rest on, and of their rows. Where the first one differs, the market or a job before has changed.
After a change that is to give other results this writes the file anew, beside a running platform:
./start.sh exec env NEW_DIGESTS=1 python -m pytest test/integration_tests/test_history_digests.py
"""

import json
import os
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import market_rows
from batch import (
    batch_monthly_sector_analyzer,
    spark_active_stock_allocator,
    spark_etf_top_holdings,
    spark_monthly_portfolio_rebalancer,
    spark_portfolio_performance,
    spark_trending_etf_identifier,
)
from batch.publishing import JobResult
from batch.runner import SESSIONS, Job, JobCalendar
from config.config import DatabaseSettings
from database.db_helper import Connection, connect, fetch
from market.invented import InventedMarket
from utils.dates import session_before

FILE = Path(__file__).with_name("history_digests.json")
LAST = date(2026, 8, 21)
FIRST = session_before(LAST, 249)
# In the order of the stages.
JOBS: Iterable[tuple[Callable[[Job], JobResult], JobCalendar]] = (
    (spark_trending_etf_identifier.run, SESSIONS),
    (spark_etf_top_holdings.run, SESSIONS),
    (batch_monthly_sector_analyzer.run, batch_monthly_sector_analyzer.MONTHS),
    (spark_active_stock_allocator.run, SESSIONS),
    (spark_monthly_portfolio_rebalancer.run, spark_monthly_portfolio_rebalancer.REBALANCE_DATES),
    (spark_portfolio_performance.run, SESSIONS),
)
DIGESTS = """
    SELECT job, COUNT(*) AS publications,
        encode(sha256(STRING_AGG(inputs::bytea, '' ORDER BY as_of_date)), 'hex') AS inputs,
        encode(sha256(STRING_AGG(rows::bytea, '' ORDER BY as_of_date)), 'hex') AS rows
    FROM (
        SELECT about ->> 'job' AS job, about ->> 'as_of_date' AS as_of_date, about ->> 'input_digest' AS inputs,
            about ->> 'output_digest' AS rows
        FROM evidence_link WHERE chain = 'publications'
    ) AS publication
    GROUP BY job ORDER BY job
"""


def test_a_year_gives_what_it_gave_before(spark: Any, scratch_database: DatabaseSettings) -> None:
    with closing(connect(scratch_database)) as conn:
        market_rows.store(conn, InventedMarket(seed=7, until=LAST))
        found = {row.pop("job"): row for row in computed(spark, conn, scratch_database)}
    if os.environ.get("NEW_DIGESTS"):
        FILE.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    assert found == json.loads(FILE.read_text(encoding="utf-8")), __doc__


def computed(spark: Any, conn: Connection, database: DatabaseSettings) -> list[dict[str, Any]]:
    for run, calendar in JOBS:
        result = run(Job(spark, conn, database, calendar.between(FIRST, LAST), "a run"))
        assert not result.skipped
    return fetch(conn, DIGESTS)
