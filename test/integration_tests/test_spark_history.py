"""The Spark jobs on a whole invented history: submitted to the cluster, and compared with plain pandas."""

import json
import os
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from typing import Any

import pandas as pd
import pytest

import market_rows
import reference
from batch import spark_active_stock_allocator as allocator
from batch import spark_trending_etf_identifier as identifier
from batch.runner import Job
from config.config import PROJECT_ROOT, DatabaseSettings, Settings
from config.universe import universe
from database.db_helper import Connection, connect, fetch
from database.queries.reasons import with_sentences
from market.invented import InventedMarket
from utils.spark_utils import submit_command

PERIODS = (5, 10, 20)
LAST = date(2026, 8, 21)
TOLERANCE = 1e-9
PUBLISHED = ("analytics_trending_etfs", "analytics_portfolio_allocation", "analytics_allocation_candidates")
Submit = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def market() -> InventedMarket:
    return InventedMarket(seed=7, until=LAST)


@pytest.fixture(scope="module")
def history(scratch_database: DatabaseSettings, market: InventedMarket) -> Iterator[DatabaseSettings]:
    """Fill a database with every session of the market."""
    with closing(connect(scratch_database)) as conn:
        market_rows.store(conn, market)
    yield scratch_database


@pytest.fixture
def conn(history: DatabaseSettings) -> Iterator[Connection]:
    with closing(connect(history)) as connection:
        yield connection


@pytest.fixture(scope="module")
def submit(history: DatabaseSettings) -> Submit:
    """spark-submit of a job to the cluster that the environment names, as Airflow does it."""
    settings = Settings.from_env().spark
    database = {"DB_HOST": history.host, "DB_PORT": str(history.port), "DB_NAME": history.name}
    database |= {"DB_USER": history.user, "DB_PASSWORD": history.password}

    def run(script: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = submit_command(settings, script, *arguments)
        environment = os.environ | database | {"PYTHONPATH": str(PROJECT_ROOT)}
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)

    return run


@pytest.fixture(scope="module")
def published(submit: Submit, market: InventedMarket, history: DatabaseSettings) -> dict[str, dict[str, Any]]:
    """Both jobs' summaries after they computed every session in one run each."""
    summaries = {}
    for script in ("spark_trending_etf_identifier.py", "spark_active_stock_allocator.py"):
        outcome = submit(script, "--from", str(market.sessions[0]), "--to", str(LAST), "--run-id", "history")
        assert outcome.returncode == 0, outcome.stderr
        summaries[script] = json.loads(outcome.stdout.strip().splitlines()[-1])
    return summaries


@pytest.fixture(scope="module")
def plain(market: InventedMarket) -> Any:
    collected = reference.collected(market_rows.rows_of(market))
    return reference.Reference(collected, reference.Strategy(universe().benchmark, universe().candidates))


def test_every_session_is_published(published: dict[str, Any], market: InventedMarket, conn: Connection) -> None:
    sessions = len(market.sessions)
    trending, allocation = published.values()
    assert (trending["days"], trending["publications"], trending["skipped"]) == (sessions, sessions, {})
    assert (allocation["days"], allocation["publications"]) == (sessions, sessions * 3)
    [counted] = fetch(
        conn,
        "SELECT COUNT(*) AS lines, COUNT(DISTINCT run_id) AS runs, MIN(source) AS source FROM analytics_publication",
    )
    assert counted == {"lines": sessions * 4, "runs": 1, "source": "simulated"}


def test_trending_etfs_are_those_of_plain_pandas(published: Any, plain: Any, market: Any, conn: Connection) -> None:
    rows = fetch(conn, "SELECT * FROM analytics_trending_etfs ORDER BY as_of_date, etf_ticker")
    assert len(rows) == len(market.sessions) * 14
    flags = 0
    for row in rows:
        day = pd.Timestamp(row["as_of_date"])
        for days in PERIODS:
            flag = row["is_trending" if days == 20 else f"is_trending_{days}d"]
            returns = plain.etf_returns[days]
            _same(row[f"return_{days}d"], returns[row["etf_ticker"]][day])
            _same(row[f"spy_return_{days}d"], returns["SPY"][day])
            assert flag == (row["etf_ticker"] in plain.trending(day, days))
            flags += flag
    assert flags > 3_000
    unknown = [row for row in rows if row["return_20d"] is None]
    assert {row["as_of_date"] for row in unknown} == set(market.sessions[:20])
    assert all("no price on" in row["missing_reason"] for row in with_sentences(unknown))


def test_portfolios_are_those_of_plain_pandas(published: Any, plain: Any, market: Any, conn: Connection) -> None:
    candidates = _by_portfolio(fetch(conn, "SELECT * FROM analytics_allocation_candidates"))
    positions = _by_portfolio(fetch(conn, "SELECT * FROM analytics_portfolio_allocation"))
    lines = fetch(conn, "SELECT * FROM analytics_publication WHERE job = 'allocation'")
    assert len(lines) == len(market.sessions) * 3
    for line in lines:
        key = (line["as_of_date"], line["period_days"])
        expected = plain.candidates(pd.Timestamp(key[0]), key[1])
        _same_candidates(candidates[key], expected)
        weights, cash = plain.portfolio(expected)
        _same(line["cash_weight"], cash)
        is_computable = key[0] in market.sessions[key[1] :]  # before, SPY has no price at the window's start
        assert line["status"] == ("published" if len(weights) else "empty" if is_computable else "not_computable")
        assert (line["reason"] is None) == (line["status"] == "published")
        assert line["row_count"] == len(positions[key]) == len(weights)
        for row in positions[key]:
            reference_row = weights[row["ticker"]]
            _same(row["portfolio_weight"], reference_row["weight"])
            _same(row["score"] * 1e12, reference_row["score"] * 1e12)
            assert row["source_etfs"] == reference_row["etfs"]
    assert sum(len(rows) for rows in candidates.values()) > 20_000
    assert sum(len(rows) for rows in positions.values()) > 4_000
    assert sum(len(row["source_etfs"]) > 1 for rows in positions.values() for row in rows) > 30
    assert sum(row["ticker"].endswith(".KS") for rows in positions.values() for row in rows) > 100


def _same_candidates(rows: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    by_key = {(row["etf_ticker"], row["ticker"]): row for row in rows}
    assert set(by_key) == {(row["etf"], row["ticker"]) for row in expected}
    for wanted in expected:
        row = by_key[wanted["etf"], wanted["ticker"]]
        _same(row["period_return"], wanted["return"])
        _same(row["market_cap"], wanted["cap"])
        assert row["is_selected"] == wanted["selected"]
        assert pd.Timestamp(row["holdings_as_of"]) == wanted["holdings_as_of"]


def test_what_stands_beside_a_position_is_that_of_plain_pandas(
    published: Any, plain: Any, market: Any, conn: Connection
) -> None:
    since = {"since": market.sessions[-60]}
    positions = fetch(conn, "SELECT * FROM analytics_portfolio_allocation WHERE as_of_date >= %(since)s", since)
    looked_at = fetch(
        conn,
        "SELECT as_of_date, period_days, ticker FROM analytics_allocation_candidates WHERE as_of_date >= %(since)s",
        since,
    )
    tickers: dict[date, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for row in looked_at:
        tickers[row["as_of_date"]][row["period_days"]].add(row["ticker"])
    ranks = {(row["as_of_date"], row["period_days"], row["ticker"]): row["position_rank"] for row in positions}
    assert len(positions) > 300
    for row in positions:
        day = row["as_of_date"]
        at, everyone = pd.Timestamp(day), set().union(*tickers[day].values())
        for days in PERIODS:
            _same(row[f"return_{days}d"], plain.value(plain.stock_returns[days], at, row["ticker"]))
            _same(row[f"sector_avg_{days}d"], plain.sector_average(at, days, everyone, row["sector"]))
            assert row[f"is_trending_{days}d"] == (row["ticker"] in tickers[day][days])
            assert row[f"rank_{days}d"] == ranks.get((day, days, row["ticker"]))


def test_weights_and_cash_sum_to_one(published: Any, conn: Connection) -> None:
    wrong = fetch(
        conn,
        """
        SELECT line.as_of_date, line.period_days, line.cash_weight, SUM(portfolio_weight) AS placed
        FROM analytics_publication AS line
        LEFT JOIN analytics_portfolio_allocation USING (as_of_date, period_days)
        WHERE line.job = 'allocation'
        GROUP BY line.as_of_date, line.period_days, line.cash_weight
        HAVING ABS(line.cash_weight + COALESCE(SUM(portfolio_weight), 0) - 1) > 1e-9
        """,
    )
    assert wrong == []


def test_day_by_day_gives_the_rows_of_the_range(
    published: Any, spark: Any, history: DatabaseSettings, market: Any, conn: Connection
) -> None:
    """Sessions around a Korean holiday, a split, the change of a snapshot and the history's start."""
    sessions = [*market.sessions[3::97], date(2026, 8, 14), date(2026, 8, 17), date(2026, 8, 18), LAST]
    before = _published(conn, sessions)
    assert len(before) > 200
    for session in sessions:
        current = Job(spark, conn, history, [session], "history")
        for module in (identifier, allocator):
            assert module.run(current).skipped == {}
    assert _published(conn, sessions) == before


def test_what_comes_later_changes_nothing(
    published: Any, spark: Any, history: DatabaseSettings, market: Any, conn: Connection
) -> None:
    """With everything after a session gone, its rows are what they were: no look-ahead."""
    session = market.sessions[-30]
    before = _published(conn, [session])
    with conn.cursor() as cursor:
        for table, column in (
            ("collected_daily_etf_ohlc", "trade_date"),
            ("collected_daily_stock_history", "trade_date"),
            ("collected_etf_holdings", "collected_date"),
        ):
            cursor.execute(f"CREATE TEMP TABLE kept_{table} AS SELECT * FROM {table} WHERE {column} > %s", (session,))
            cursor.execute(f"DELETE FROM {table} WHERE {column} > %s", (session,))
    conn.commit()
    try:
        for module in (identifier, allocator):
            module.run(Job(spark, conn, history, [session], "history"))
        assert _published(conn, [session]) == before
    finally:
        with conn.cursor() as cursor:
            for table in ("collected_daily_etf_ohlc", "collected_daily_stock_history", "collected_etf_holdings"):
                cursor.execute(f"INSERT INTO {table} SELECT * FROM kept_{table}")
        conn.commit()


def _published(conn: Connection, sessions: list[date]) -> list[dict[str, Any]]:
    """Return all that is published of the sessions, without the times."""
    rows = [
        row | {"table": table}
        for table in (*PUBLISHED, "analytics_publication")
        for row in fetch(
            conn,
            f"SELECT * FROM {table} WHERE as_of_date = ANY(%(sessions)s) ORDER BY {table}::text",
            {"sessions": sessions},
        )
    ]
    for row in rows:
        row.pop("published_at", None)
    return sorted(rows, key=lambda row: json.dumps(row, default=str, sort_keys=True))


def _by_portfolio(rows: list[dict[str, Any]]) -> dict[tuple[date, int], list[dict[str, Any]]]:
    grouped: dict[tuple[date, int], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        grouped[row["as_of_date"], row["period_days"]].append(row)
    return grouped


def _same(value: float | None, expected: float) -> None:
    if value is None:
        assert pd.isna(expected)
    else:
        assert abs(value - expected) <= TOLERANCE * max(1.0, abs(expected)), (value, expected)
