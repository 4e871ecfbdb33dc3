"""Top holdings and sectors as they are published from an invented market, compared with plain pandas."""

import logging
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from types import ModuleType
from typing import Any

import pandas as pd
import pytest
from psycopg2 import sql

import market_rows
from batch import batch_monthly_sector_analyzer as sectors
from batch import spark_etf_top_holdings as top_holdings
from batch.runner import Job
from config.config import DatabaseSettings
from config.universe import universe
from database import tables
from database.db_helper import Connection, Row, connect, fetch, replace_partition, transaction
from database.queries.reasons import with_sentences
from database.tables import Table
from market.invented import InventedMarket
from utils.dates import session_after
from utils.errors import NotStored

AS_OF, BEFORE = date(2026, 8, 21), date(2026, 8, 20)
JULY_END, JUNE_END = date(2026, 7, 31), date(2026, 6, 30)
COLLECTED = (tables.DAILY_ETF_OHLC, tables.DAILY_STOCK_HISTORY, tables.ETF_HOLDINGS)
PUBLISHED = (tables.ETF_TOP_HOLDINGS, tables.SECTOR_TRENDING, tables.PUBLICATION)


@pytest.fixture(scope="module")
def collected() -> dict[Table, list[tuple[Any, ...]]]:
    """Return the rows of an invented market's last sessions, from the end of May on."""
    return dict(market_rows.rows_of(InventedMarket(seed=7, until=AS_OF, sessions=60)))


@pytest.fixture
def conn(scratch_database: DatabaseSettings, collected: dict[Table, list[tuple[Any, ...]]]) -> Iterator[Connection]:
    with closing(connect(scratch_database)) as connection:
        with transaction(connection), connection.cursor() as cursor:
            for table in (*COLLECTED, *PUBLISHED):
                cursor.execute(sql.SQL("TRUNCATE {}").format(sql.Identifier(table.name)))
            for table, rows in collected.items():
                replace_partition(connection, table, {"source": "simulated"}, rows)
        yield connection


@pytest.fixture
def run(spark: Any, conn: Connection, scratch_database: DatabaseSettings) -> Callable[..., Any]:
    """Run a job, for AS_OF unless other days are given."""

    def run_job(module: ModuleType, *days: date) -> Any:
        return module.run(Job(spark, conn, scratch_database, list(days or (AS_OF,)), "a run"))

    return run_job


def change(conn: Connection, statement: str, **params: Any) -> int:
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute(statement, params)
        return int(cursor.rowcount)


def rows_of(conn: Connection, table: Table, **where: Any) -> list[Row]:
    found = fetch(conn, sql.SQL("SELECT * FROM {} AS t ORDER BY t::text").format(sql.Identifier(table.name)))
    for row in found:
        row.pop("published_at", None)
    return [row for row in with_sentences(found) if all(row[column] == value for column, value in where.items())]


@pytest.fixture
def dollars(conn: Connection) -> pd.DataFrame:
    """Return adjusted closes in dollars, days by tickers. Each ticker has its own exchange's sessions."""
    bars = pd.DataFrame(
        fetch(conn, "SELECT ticker, trade_date, currency, adj_close, close_price FROM collected_daily_stock_history")
    )
    rates = bars[bars["ticker"] == "KRW=X"].set_index("trade_date")["close_price"]
    bars["price"] = bars["adj_close"] / bars["trade_date"].map(rates).where(bars["currency"] == "KRW", 1.0)
    return bars.pivot(index="trade_date", columns="ticker", values="price").drop(columns="KRW=X")


# ── top holdings ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_top_holdings_of_every_etf_are_those_of_pandas(
    run: Callable[..., Any], conn: Connection, dollars: pd.DataFrame
) -> None:
    summary = run(top_holdings).summary()
    rows = rows_of(conn, tables.ETF_TOP_HOLDINGS, analysis_date=AS_OF)
    assert (summary["publications"], summary["rows"], summary["empty"], summary["degraded"]) == (3, len(rows), 0, 0)
    assert {row["etf_ticker"] for row in rows} == set(universe().etfs)
    assert len(rows) == 15 * 5 * 3
    for row in rows:
        closes = dollars[row["stock_ticker"]].dropna()
        returns = closes.pct_change().iloc[-row["period_days"] :]
        assert row["total_return"] == pytest.approx(closes.iloc[-1] / closes.iloc[-1 - row["period_days"]] - 1)
        assert row["avg_return"] == pytest.approx(returns.mean(), abs=1e-12)
        assert row["volatility"] == pytest.approx(returns.std(ddof=1), rel=1e-9)
        assert row["sharpe_ratio"] == pytest.approx(returns.mean() / returns.std(ddof=1), rel=1e-7)
        assert (row["end_session"], row["missing_reason"], row["source"]) == (AS_OF, None, "simulated")
    assert sum(row["stock_ticker"].endswith(".KS") for row in rows) >= 15
    groups = pd.DataFrame(rows).sort_values("rank_position").groupby(["etf_ticker", "period_days"])
    assert all(group["rank_position"].tolist() == [1, 2, 3, 4, 5] for _, group in groups)
    assert all(group["total_return"].is_monotonic_decreasing for _, group in groups)


def test_again_and_in_a_range_the_rows_are_the_same(run: Callable[..., Any], conn: Connection) -> None:
    run(top_holdings, BEFORE)
    run(top_holdings)
    first = rows_of(conn, tables.ETF_TOP_HOLDINGS), rows_of(conn, tables.PUBLICATION)
    run(top_holdings)
    run(top_holdings, BEFORE, AS_OF)
    assert (rows_of(conn, tables.ETF_TOP_HOLDINGS), rows_of(conn, tables.PUBLICATION)) == first
    assert len(first[1]) == 6


def test_before_stage_4_it_says_so(run: Callable[..., Any], conn: Connection) -> None:
    change(conn, "DELETE FROM collected_daily_stock_history WHERE trade_date = %(d)s", d=AS_OF)
    with pytest.raises(NotStored, match="no stock has a price of 2026-08-21: collect it first"):
        run(top_holdings)
    outcome = run(top_holdings, BEFORE, AS_OF)
    assert list(outcome.skipped) == [AS_OF]
    assert {line["as_of_date"] for line in rows_of(conn, tables.PUBLICATION)} == {BEFORE}


def test_when_nothing_trends_nobody_collects_and_that_is_an_empty_publication(
    run: Callable[..., Any], conn: Connection
) -> None:
    change(conn, "DELETE FROM collected_daily_stock_history WHERE trade_date = %(d)s", d=AS_OF)
    change(
        conn,
        "INSERT INTO analytics_publication (job, as_of_date, period_days, status, row_count, source) "
        "VALUES ('trending', %(d)s, 0, 'empty', 14, 'simulated')",
        d=AS_OF,
    )
    run(top_holdings)
    lines = rows_of(conn, tables.PUBLICATION, job="top_holdings")
    assert [(line["status"], line["row_count"]) for line in lines] == [("empty", 75)] * 3
    assert all("none of the 75 top holdings has a return" in line["reason"] for line in lines)
    assert all("no price on 2026-08-21" in row["missing_reason"] for row in rows_of(conn, tables.ETF_TOP_HOLDINGS))


def test_without_any_holdings_it_says_what_to_collect(run: Callable[..., Any], conn: Connection) -> None:
    change(conn, "DELETE FROM collected_etf_holdings")
    with pytest.raises(NotStored, match="no holdings of any ETF are stored: collect them first"):
        run(top_holdings)


def test_a_later_snapshot_shows_as_such(run: Callable[..., Any], conn: Connection) -> None:
    change(
        conn,
        "DELETE FROM collected_etf_holdings WHERE etf_ticker = 'XLV' AND collected_date < "
        "(SELECT MAX(collected_date) FROM collected_etf_holdings WHERE etf_ticker = 'XLV')",
    )
    change(conn, "UPDATE collected_etf_holdings SET collected_date = %(d)s WHERE etf_ticker = 'XLV'", d=AS_OF)
    run(top_holdings, BEFORE)
    known = {row["etf_ticker"]: row["holdings_as_of"] for row in rows_of(conn, tables.ETF_TOP_HOLDINGS)}
    assert known.pop("XLV") == AS_OF
    assert all(day <= BEFORE for day in known.values())
    assert {line["holdings_as_of"] for line in rows_of(conn, tables.PUBLICATION)} == {AS_OF}


# ── sectors ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_sectors_of_a_month_are_those_of_pandas(
    run: Callable[..., Any], conn: Connection, dollars: pd.DataFrame
) -> None:
    """American stocks alone, whose days are the home exchange's."""
    change(conn, "UPDATE collected_daily_stock_history SET sector = NULL WHERE ticker LIKE '%%.KS'")
    run(sectors, JULY_END)
    rows = rows_of(conn, tables.SECTOR_TRENDING, month=7)
    known = fetch(conn, "SELECT DISTINCT ticker, sector FROM collected_daily_stock_history WHERE sector IS NOT NULL")
    july = dollars[(dollars.index >= JUNE_END) & (dollars.index <= JULY_END)]
    base = _spy(conn, JULY_END) / _spy(conn, JUNE_END) - 1
    assert {row["sector"] for row in rows} == {each["sector"] for each in known}
    assert len(rows) >= 8
    for row in rows:
        own = july[[each["ticker"] for each in known if each["sector"] == row["sector"]]].dropna(how="all")
        own = own.loc[:, own.iloc[0].notna() & own.iloc[-1].notna()]
        daily = own.pct_change(fill_method=None).iloc[1:].mean(axis="columns")
        assert row["stock_count"] == own.shape[1]
        assert row["avg_monthly_return"] == pytest.approx((own.iloc[-1] / own.iloc[0] - 1).mean(), abs=1e-12)
        assert row["volatility"] == pytest.approx(daily.std(ddof=1), rel=1e-9)
        assert (row["positive_days"], row["trading_days"]) == ((daily > 0).sum(), len(daily))
        assert (row["best_day"], row["worst_day"]) == (pytest.approx(daily.max()), pytest.approx(daily.min()))
        assert row["benchmark_return"] == pytest.approx(base, abs=1e-12)
        assert row["is_trending"] == (row["avg_monthly_return"] > max(base, 0))
        assert (row["year"], row["as_of_date"], row["source"]) == (2026, JULY_END, "simulated")


def _spy(conn: Connection, day: date) -> float:
    query = "SELECT adj_close FROM collected_daily_etf_ohlc WHERE ticker = 'SPY' AND trade_date = %(d)s"
    return float(fetch(conn, query, {"d": day})[0]["adj_close"])


def test_a_running_month_counts_up_to_the_session_and_finishes_the_one_before(
    run: Callable[..., Any], conn: Connection
) -> None:
    """July was run before its last weekend, five sessions short of its end."""
    run(sectors, date(2026, 7, 24))
    assert {row["as_of_date"] for row in rows_of(conn, tables.SECTOR_TRENDING, month=7)} == {date(2026, 7, 24)}
    run(sectors, AS_OF)
    found = {(row["month"], row["as_of_date"], row["trading_days"]) for row in rows_of(conn, tables.SECTOR_TRENDING)}
    assert found == {(6, JUNE_END, 21), (7, JULY_END, 22), (8, AS_OF, 15)}
    lines = rows_of(conn, tables.PUBLICATION, job="sectors")
    assert [line["as_of_date"] for line in lines] == [JUNE_END, JULY_END, AS_OF], "one line a month, of what it has now"


def test_a_running_month_can_be_computed_again(run: Callable[..., Any], conn: Connection) -> None:
    run(sectors, BEFORE)
    once = rows_of(conn, tables.SECTOR_TRENDING), rows_of(conn, tables.PUBLICATION)
    run(sectors, AS_OF)
    assert rows_of(conn, tables.SECTOR_TRENDING) != once[0]
    run(sectors, BEFORE)
    assert (rows_of(conn, tables.SECTOR_TRENDING), rows_of(conn, tables.PUBLICATION)) == once


def test_a_finished_month_stays_finished(run: Callable[..., Any], conn: Connection) -> None:
    """July's own run, which came before its last session, is repeated after August's has finished it."""
    friday = date(2026, 7, 24)
    run(sectors, friday)
    run(sectors, AS_OF)
    once = rows_of(conn, tables.SECTOR_TRENDING), rows_of(conn, tables.PUBLICATION)
    assert [line["as_of_date"] for line in once[1]] == [JUNE_END, JULY_END, AS_OF]
    run(sectors, friday)
    assert (rows_of(conn, tables.SECTOR_TRENDING), rows_of(conn, tables.PUBLICATION)) == once


def test_a_range_is_its_months(run: Callable[..., Any], conn: Connection) -> None:
    days = sectors.MONTHS.between(date(2026, 7, 6), AS_OF)
    assert days == [JULY_END, AS_OF]
    run(sectors, *days)
    of_range = rows_of(conn, tables.SECTOR_TRENDING)
    change(conn, "TRUNCATE analytics_sector_trending")
    run(sectors, JULY_END)
    run(sectors, AS_OF)
    assert rows_of(conn, tables.SECTOR_TRENDING) == of_range


def test_unknown_sectors_are_left_out_and_named(
    run: Callable[..., Any], conn: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    """A sector that is known of one of a stock's days is known of all."""
    change(conn, "UPDATE collected_daily_stock_history SET sector = NULL WHERE ticker IN ('AAPL', 'JPM')")
    change(
        conn,
        "UPDATE collected_daily_stock_history SET sector = NULL WHERE ticker = 'NVDA' AND trade_date > %(d)s",
        d=JUNE_END,
    )
    with caplog.at_level(logging.WARNING):
        run(sectors)
    assert "2 stocks are left out, as their sector is not known: AAPL, JPM" in caplog.text
    query = "SELECT COUNT(DISTINCT ticker) AS n FROM collected_daily_stock_history WHERE sector IS NOT NULL"
    [known] = fetch(conn, query)
    assert sum(row["stock_count"] for row in rows_of(conn, tables.SECTOR_TRENDING, month=8)) == known["n"]


def test_a_company_is_in_the_sector_that_was_known_by_the_months_end(run: Callable[..., Any], conn: Connection) -> None:
    """It moved in August. What was made of July does not move with it."""
    run(sectors)
    before = rows_of(conn, tables.SECTOR_TRENDING, month=7)
    moved = "UPDATE collected_daily_stock_history SET sector = 'Space' WHERE ticker = 'NVDA' AND trade_date > %(d)s"
    change(conn, moved, d=JULY_END)
    run(sectors)
    assert rows_of(conn, tables.SECTOR_TRENDING, month=7) == before
    [space] = rows_of(conn, tables.SECTOR_TRENDING, sector="Space")
    assert (space["month"], space["stock_count"]) == (8, 1)


def test_a_sector_that_was_known_later_says_so(run: Callable[..., Any], conn: Connection) -> None:
    change(
        conn,
        "UPDATE collected_daily_stock_history SET sector = NULL WHERE ticker = 'NVDA' AND trade_date <= %(d)s",
        d=BEFORE,
    )
    run(sectors)
    months = {row["as_of_date"]: row["holdings_as_of"] for row in rows_of(conn, tables.PUBLICATION, job="sectors")}
    assert months[JULY_END] == session_after(BEFORE, 1)
    assert months[AS_OF] is None or months[AS_OF] <= AS_OF
    query = "SELECT COUNT(DISTINCT ticker) AS n FROM collected_daily_stock_history WHERE sector IS NOT NULL"
    [known] = fetch(conn, query)
    assert sum(row["stock_count"] for row in rows_of(conn, tables.SECTOR_TRENDING, month=7)) == known["n"]


def test_without_the_benchmarks_price_a_month_is_skipped(run: Callable[..., Any], conn: Connection) -> None:
    change(conn, "DELETE FROM collected_daily_etf_ohlc WHERE ticker = 'SPY' AND trade_date = %(d)s", d=JULY_END)
    with pytest.raises(NotStored, match="SPY has no price of 2026-07-31: collect it first"):
        run(sectors)
    assert rows_of(conn, tables.PUBLICATION) == []


def test_a_month_without_stocks_is_empty_and_says_so(run: Callable[..., Any], conn: Connection) -> None:
    run(sectors)
    change(conn, "DELETE FROM collected_daily_stock_history WHERE trade_date = %(d)s", d=AS_OF)
    run(sectors)
    assert {row["month"] for row in rows_of(conn, tables.SECTOR_TRENDING)} == {7}
    [line] = rows_of(conn, tables.PUBLICATION, as_of_date=AS_OF)
    assert (line["status"], line["row_count"]) == ("empty", 0)
    assert line["reason"] == "no stock with a known sector has a price on 2026-07-31 and on 2026-08-21"


@pytest.mark.parametrize(
    "frame_of",
    [
        lambda current: top_holdings.measure_holdings(current, [AS_OF], top_holdings.held_tickers(current)),
        lambda current: sectors.measure_sectors(current, [AS_OF], sectors.tickers_of(current, [AS_OF])),
    ],
    ids=["top holdings", "sectors"],
)
def test_each_job_is_one_task(
    frame_of: Callable[[Job], Any], spark: Any, conn: Connection, scratch_database: DatabaseSettings
) -> None:
    """No shuffle and no broadcast: each would be a stage of its own, and starting it is most of what it costs."""
    frame = frame_of(Job(spark, conn, scratch_database, [AS_OF], None))
    plan = frame._jdf.queryExecution().executedPlan().toString()
    assert "JDBCRelation" in plan
    assert "Exchange" not in plan
