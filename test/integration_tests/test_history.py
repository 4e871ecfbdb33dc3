"""`history` on the invented market with real client, PostgreSQL and spark-submit. Only the broker is a stand-in."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date
from typing import Any

import httpx
import pytest

from batch import spark_active_stock_allocator as allocator
from batch import spark_trending_etf_identifier as identifier
from batch.runner import Job
from collector import kafka_producer_etf_daily, kafka_producer_trending_etf_holdings
from config.config import Settings
from database.db_helper import Connection, Row, connect, fetch, transaction
from ops.pipeline import history
from ops.pipeline.history import Range
from utils.dates import session_before
from utils.errors import RateLimited

UNTIL = date(2026, 8, 21)
FIRST = session_before(UNTIL, 29)
PUBLISHED = (
    "analytics_trending_etfs",
    "analytics_portfolio_allocation",
    "analytics_allocation_candidates",
    "analytics_publication",
)
COLLECTED = ("collected_daily_etf_ohlc", "collected_daily_stock_history", "collected_etf_holdings")
DAILY_JOBS = ("trending", "allocation")
# When and by which run a row was written may differ.
OF_THE_RUN = {"run_id", "published_at"}


@pytest.fixture
def platform(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return settings with the stack's Spark. Its jobs find the scratch database in the environment."""
    database = settings.database
    for name, value in (
        ("HOST", database.host),
        ("PORT", str(database.port)),
        ("NAME", database.name),
        ("USER", database.user),
        ("PASSWORD", database.password),
    ):
        monkeypatch.setenv(f"DB_{name}", value)
    return replace(settings, spark=Settings.from_env().spark, spark_database=database)


@pytest.fixture
def conn(settings: Settings) -> Iterator[Connection]:
    with closing(connect(settings.database)) as conn:
        yield conn


def published(conn: Connection, sessions: list[date]) -> list[Row]:
    rows = [
        {name: value for name, value in row.items() if name not in OF_THE_RUN} | {"table": table}
        for table in PUBLISHED
        for row in fetch(conn, f"SELECT * FROM {table} WHERE as_of_date = ANY(%(days)s)", {"days": sessions})
        if row.get("job", "trending") in DAILY_JOBS
    ]
    return sorted(rows, key=lambda row: json.dumps(row, default=str, sort_keys=True))


def run_singly(settings: Settings, spark: Any, conn: Connection, session: date) -> None:
    """Run the five stages for one session as the DAGs do."""
    job = Job(spark, conn, settings.database, [session], "daily")
    kafka_producer_etf_daily.run(settings, "benchmark", session)
    kafka_producer_etf_daily.run(settings, "sector", session)
    assert identifier.run(job).skipped == {}
    kafka_producer_trending_etf_holdings.run(settings, session)
    assert allocator.run(job).skipped == {}


def test_its_portfolios_are_those_of_single_runs(
    platform: Settings, conn: Connection, spark: Any, market: httpx.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    # Every second answer has other last digits of adjusted closes, which would show in the last digits of returns.
    market.put("/control/noise", json={"is_on": False}).raise_for_status()
    asked = Range(platform, FIRST, UNTIL)
    history.run(asked, history.steps(asked))
    assert history.conclude(asked, 61.0) == 0
    told = capsys.readouterr().out
    assert "30 sessions from 2026-07-13 to 2026-08-21" in told
    assert "90 portfolios of 30 sessions" in told
    # A query that is planned as for empty tables takes minutes in place of seconds.
    query = "SELECT relname FROM pg_stat_user_tables WHERE relname = ANY(%(tables)s) AND last_analyze IS NOT NULL"
    assert {row["relname"] for row in fetch(conn, query, {"tables": list(COLLECTED)})} == set(COLLECTED)
    chosen = [FIRST, date(2026, 8, 3), date(2026, 8, 17), UNTIL]  # Korea was closed on the 17th
    of_the_range = published(conn, chosen)
    assert len(of_the_range) > 100
    [month] = fetch(conn, "SELECT * FROM analytics_publication WHERE job = 'rebalance'")
    assert (month["as_of_date"], month["status"]) == (date(2026, 7, 26), "published")

    with transaction(conn), conn.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join((*PUBLISHED, *COLLECTED))}, logs_expected_bar, logs_restatement")
    every_sector = replace(platform, collector=replace(platform.collector, sector_lookups_per_run=100))
    for session in chosen:
        run_singly(every_sector, spark, conn, session)
    assert published(conn, chosen) == of_the_range


def test_an_interrupted_one_goes_on_where_it_was(
    platform: Settings, conn: Connection, fault: Callable[..., None]
) -> None:
    asked = Range(platform, session_before(UNTIL, 249), UNTIL)
    collecting = history.steps(asked)[:3]
    fault(kind="rate_limit", endpoint="chart", ticker="AMZN", count=1)
    with pytest.raises(RateLimited):
        history.run(asked, collecting)
    before = charts(conn)

    history.run(asked, collecting)
    after = charts(conn)[len(before) :]
    history.run(asked, collecting)

    assert "AMZN" in after and len(after) > 20
    assert not set(after[1:]) & set(before), "what was stored is not fetched again"
    assert charts(conn) == [*before, *after], "nor is anything when all is there"
    [rows] = fetch(conn, "SELECT COUNT(*) AS n FROM collected_daily_etf_ohlc")
    assert rows["n"] == 15 * 270


def charts(conn: Connection) -> list[str]:
    rows = fetch(conn, "SELECT symbol FROM logs_yahoo_request WHERE endpoint = 'chart' ORDER BY id")
    return [row["symbol"] for row in rows]
