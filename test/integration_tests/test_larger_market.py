"""A market of 40 ETFs over 400 stocks with 25 holdings each, from its CSV to the map: real but for the broker.

What is published is compared with plain pandas on what was collected.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from typing import Any

import httpx
import pandas as pd
import pytest

import reference
from batch import spark_active_stock_allocator as allocator
from batch import spark_etf_top_holdings as analyzer
from batch import spark_trending_etf_identifier as identifier
from batch.runner import Job
from browsing import Page, Server, api_server, dashboard_server, running
from collector import kafka_producer_etf_daily, kafka_producer_trending_etf_holdings
from config.config import Settings
from config.universe import Universe, universe
from database import tables
from database.db_helper import Connection, connect, fetch
from market.roster import roster_of
from market.universe_files import write_universe
from profiles import wide_session

UNTIL = date(2026, 8, 21)
ETFS, STOCKS, HOLDINGS = 40, 400, 25
PERIODS = (5, 10, 20)
COLLECTED = (tables.DAILY_ETF_OHLC, tables.DAILY_STOCK_HISTORY, tables.ETF_HOLDINGS)


@pytest.fixture(scope="module", autouse=True)
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Universe]:
    """Write the market's universe, a CSV, and let everything follow it."""
    file = write_universe(tmp_path_factory.mktemp("universe"), roster_of(ETFS, STOCKS), HOLDINGS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNIVERSE_FILE", str(file))
        universe.cache_clear()
        yield universe()
    universe.cache_clear()


@pytest.fixture(scope="module")
def market_options() -> tuple[str, ...]:
    return ("--etfs", str(ETFS), "--stocks", str(STOCKS), "--holdings", str(HOLDINGS))


@pytest.fixture
def conn(settings: Settings) -> Iterator[Connection]:
    with closing(connect(settings.database)) as conn:
        yield conn


def test_it_is_collected_computed_and_shown(
    large: Universe,
    settings: Settings,
    market: httpx.Client,
    conn: Connection,
    spark: Any,
    page_at: Callable[[Server], Page],
) -> None:
    # Every second answer has other last digits of adjusted closes, and what is stored first is not what is stored last.
    market.put("/control/noise", json={"is_on": False}).raise_for_status()
    kafka_producer_etf_daily.run(settings, "all", UNTIL)
    jobs = Job(spark, conn, settings.database, [UNTIL], "a run")
    assert identifier.run(jobs).skipped == {}
    kafka_producer_trending_etf_holdings.run(settings, UNTIL)
    assert allocator.run(jobs).skipped == {}
    # By the other size of a job, which has to follow the same universe.
    assert analyzer.run(Job(wide_session(spark), conn, settings.database, [UNTIL], "a run")).skipped == {}

    plain = reference.Reference(collected(conn), reference.Strategy(large.benchmark, large.candidates, top=HOLDINGS))
    day = pd.Timestamp(UNTIL)
    candidates = fetch(conn, "SELECT * FROM analytics_allocation_candidates")
    for days in PERIODS:
        expected = plain.candidates(day, days)
        found = {(row["etf_ticker"], row["ticker"]): row for row in candidates if row["period_days"] == days}
        assert set(found) == {(row["etf"], row["ticker"]) for row in expected}
        for row in expected:
            assert found[row["etf"], row["ticker"]]["period_return"] == pytest.approx(row["return"], rel=1e-9)
            assert found[row["etf"], row["ticker"]]["is_selected"] == row["selected"]
    [compared] = fetch(conn, "SELECT COUNT(*) AS etfs FROM analytics_trending_etfs")
    assert compared["etfs"] == ETFS - 1
    assert len({row["ticker"] for row in candidates}) > 100, "far more than the listed universe has"
    [analysed] = fetch(
        conn,
        "SELECT COUNT(DISTINCT etf_ticker) AS etfs, COUNT(*) AS rows, MAX(rank_position) AS last "
        "FROM analytics_etf_top_holdings WHERE total_return IS NOT NULL",
    )
    assert analysed["last"] == HOLDINGS and analysed["rows"] > 3 * HOLDINGS * analysed["etfs"] / 2

    api = api_server(settings.database)
    with running(api):
        for days in PERIODS:
            weights, cash = plain.portfolio(plain.candidates(day, days))
            shown = api.answer(f"/stocks/portfolio?period_days={days}")
            assert shown["cash_weight"] == cash
            assert {row["ticker"]: row["portfolio_weight"] for row in shown["positions"]} == pytest.approx(
                {ticker: row["weight"] for ticker, row in weights.items()}, rel=1e-9
            )
        sectors = api.answer("/dashboard/market-map")["sectors"]
        on_the_map = {stock["ticker"] for sector in sectors for stock in sector["stocks"]}
        stored = fetch(conn, "SELECT DISTINCT ticker FROM collected_daily_stock_history WHERE quote_type = 'EQUITY'")
        assert on_the_map == {row["ticker"] for row in stored}
        dashboard = dashboard_server(api.url)
        with running(dashboard):
            page = page_at(dashboard)
            page.open("/map")
            tiles = page.run("return document.querySelectorAll('#market-map .slice').length")
            assert tiles == len(on_the_map) + len(sectors)


def collected(conn: Connection) -> reference.Collected:
    """Return the collected rows as frames."""
    return reference.collected(
        {
            table: [tuple(row.values()) for row in fetch(conn, f"SELECT {', '.join(table.columns)} FROM {table.name}")]
            for table in COLLECTED
        }
    )
