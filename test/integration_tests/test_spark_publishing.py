"""What the Spark jobs read from PostgreSQL and leave there: whole publications, again and again the same."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from types import ModuleType
from typing import Any

import pytest
from psycopg2 import sql

import market_rows
from batch import prices, publishing
from batch import spark_active_stock_allocator as allocator
from batch import spark_trending_etf_identifier as identifier
from batch.allocation_inputs import read_inputs
from batch.runner import Job
from config.config import DatabaseSettings
from database import tables
from database.db_helper import Connection, Row, connect, fetch, replace_partition, transaction
from database.queries import decisions, missing_holdings
from database.queries.corrections import corrections
from database.queries.reasons import with_sentences
from database.tables import ALLOCATION_CANDIDATES, Table
from market.invented import InventedMarket
from utils.dates import session_before
from utils.errors import NotPublished, NotStored

AS_OF = date(2026, 8, 21)
BEFORE = date(2026, 8, 20)
COLLECTED = (tables.DAILY_ETF_OHLC, tables.DAILY_STOCK_HISTORY, tables.ETF_HOLDINGS)
PUBLISHED = (tables.TRENDING_ETFS, tables.PORTFOLIO_ALLOCATION, ALLOCATION_CANDIDATES, tables.PUBLICATION)


@pytest.fixture(scope="module")
def collected() -> dict[Table, list[tuple[Any, ...]]]:
    """Return the rows of an invented market's last sessions."""
    return dict(market_rows.rows_of(InventedMarket(seed=7, until=AS_OF, sessions=40)))


@pytest.fixture
def conn(scratch_database: DatabaseSettings, collected: dict[Table, list[tuple[Any, ...]]]) -> Iterator[Connection]:
    """Fill a database with these sessions and publish nothing. EWY and XLV trend over every period."""
    with closing(connect(scratch_database)) as connection:
        with transaction(connection), connection.cursor() as cursor:
            for table in (*COLLECTED, *PUBLISHED):
                cursor.execute(sql.SQL("TRUNCATE {}").format(sql.Identifier(table.name)))
            for table, rows in collected.items():
                replace_partition(connection, table, {"source": "simulated"}, rows)
            cursor.execute(
                "UPDATE collected_daily_etf_ohlc SET adj_close = adj_close * 2 "
                "WHERE ticker IN ('EWY', 'XLV') AND trade_date >= %s",
                (BEFORE,),
            )
        yield connection


@pytest.fixture
def run(spark: Any, conn: Connection, scratch_database: DatabaseSettings) -> Callable[..., Any]:
    """Run a job, for AS_OF unless other sessions are given."""

    def run_job(module: ModuleType, *sessions: date) -> Any:
        return module.run(Job(spark, conn, scratch_database, list(sessions or (AS_OF,)), "a run"))

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


def everything(conn: Connection) -> dict[str, list[Row]]:
    return {table.name: rows_of(conn, table) for table in PUBLISHED}


def test_both_jobs_publish(run: Callable[..., Any], conn: Connection) -> None:
    trending, allocation = run(identifier).summary(), run(allocator).summary()
    assert trending == {"days": 1, "publications": 1, "empty": 0, "degraded": 0, "rows": 14, "skipped": {}}
    assert (allocation["publications"], allocation["empty"]) == (3, 0)
    lines = rows_of(conn, tables.PUBLICATION)
    assert {(line["job"], line["period_days"]) for line in lines} == {
        ("trending", 0), ("allocation", 5), ("allocation", 10), ("allocation", 20),
    }  # fmt: skip
    assert {(line["run_id"], line["source"], line["status"]) for line in lines} == {("a run", "simulated", "published")}
    assert allocation["rows"] == len(rows_of(conn, tables.PORTFOLIO_ALLOCATION))


def test_again_gives_the_same_rows(run: Callable[..., Any], conn: Connection) -> None:
    run(identifier)
    run(allocator)
    first = everything(conn)
    run(identifier)
    run(allocator)
    assert everything(conn) == first
    assert first["analytics_portfolio_allocation"]


def cut_list(conn: Connection, etf: str, day: date, lines: int) -> None:
    """Store a later list of an ETF: the first lines of the one that is there."""
    change(
        conn,
        """
        INSERT INTO collected_etf_holdings (
            etf_ticker, stock_ticker, holding_percent, collected_date, holding_rank, fetched_at, source)
        SELECT etf_ticker, stock_ticker, holding_percent, %(day)s, holding_rank, fetched_at, source
        FROM collected_etf_holdings
        WHERE etf_ticker = %(etf)s AND holding_rank <= %(lines)s
            AND collected_date = (SELECT MIN(collected_date) FROM collected_etf_holdings WHERE etf_ticker = %(etf)s)
        """,
        etf=etf,
        day=day,
        lines=lines,
    )


def test_a_list_cut_to_a_few_lines_is_said_of_its_portfolios(run: Callable[..., Any], conn: Connection) -> None:
    run(identifier)
    run(allocator)
    [before] = {line["is_degraded"] for line in rows_of(conn, tables.PORTFOLIO_ALLOCATION)}
    cut_list(conn, "EWY", AS_OF, 2)
    summary = run(allocator).summary()
    why = "EWY: its list of holdings of 2026-08-21 has 2, where those before had up to 10"

    assert not before and summary["degraded"] == 3, "EWY trends over every period, and nothing is held up"
    published = rows_of(conn, tables.PUBLICATION, job="allocation")
    assert {line["degraded_reason"] for line in published} == {why}
    assert all(line["is_degraded"] for line in rows_of(conn, tables.PORTFOLIO_ALLOCATION))


@pytest.mark.parametrize(
    ("lists", "is_said"),
    [
        ((10, 5), False),
        ((10, 4), True),
        ((10, 10, 10, 2), True),
        ((10, 2, 2, 2, 2, 2), True),
        ((10, 2, 2, 2, 2, 2, 2), False),
        ((4, 1), False),
        ((1, 1), False),
        ((2,), False),
    ],
)
def test_a_list_is_short_beside_those_before(conn: Connection, lists: tuple[int, ...], is_said: bool) -> None:
    """A commodity fund lists few, and what stays short for five lists is the fund's own way."""
    days = [date(2026, 6, day) for day in range(1, len(lists) + 1)]
    change(conn, "DELETE FROM collected_etf_holdings WHERE etf_ticker = 'QQQ'")
    change(
        conn,
        """
        INSERT INTO collected_etf_holdings (
            etf_ticker, stock_ticker, holding_percent, collected_date, holding_rank, fetched_at, source)
        SELECT 'QQQ', 'S' || number, 0.01, day, number, now(), 'simulated'
        FROM UNNEST(%(days)s::date[], %(lists)s::int[]) AS list (day, lines), generate_series(1, lines) AS number
        """,
        days=days,
        lists=list(lists),
    )
    said = missing_holdings.said_of_lists(conn, [date(2026, 5, 1), days[-1], AS_OF])
    assert {day for day, etf in said if etf == "QQQ"} == ({days[-1], AS_OF} if is_said else set())


def test_a_stock_of_several_etfs_is_stored_once_for_each_period(run: Callable[..., Any], conn: Connection) -> None:
    run(identifier)
    change(
        conn,
        "UPDATE collected_etf_holdings SET stock_ticker = 'AAPL' "
        "WHERE etf_ticker IN ('EWY', 'XLV') AND holding_rank = 1",
    )
    change(
        conn,
        "UPDATE collected_daily_stock_history SET adj_close = adj_close * 5 "
        "WHERE ticker = 'AAPL' AND trade_date = %(d)s",
        d=AS_OF,
    )
    run(allocator)
    positions = rows_of(conn, tables.PORTFOLIO_ALLOCATION)
    shared = [row for row in positions if row["ticker"] == "AAPL"]
    assert len(shared) == 3
    assert all({"EWY", "XLV"} <= set(row["source_etfs"]) for row in shared)
    for days in (5, 10, 20):
        weights = [row["portfolio_weight"] for row in positions if row["period_days"] == days]
        assert sum(weights) == pytest.approx(1.0, abs=1e-9)


def test_prices_reach_spark_with_every_decimal(
    run: Callable[..., Any], spark: Any, conn: Connection, scratch_database: DatabaseSettings
) -> None:
    """NUMERIC comes as double precision with all ten decimals, from adjusted closes, not closes."""
    change(
        conn,
        "UPDATE collected_daily_stock_history SET adj_close = 0.0123456789, close_price = 7 WHERE ticker = 'AAPL'",
    )
    current = Job(spark, conn, scratch_database, [AS_OF], None)
    frame = prices.read_prices(current, prices.STOCK_PRICES, ["AAPL"], [AS_OF])
    assert dict(frame.dtypes)["price"] == "double"
    [row] = frame.collect()
    assert row.price == 0.0123456789


def test_a_failure_while_publishing_leaves_what_was_there(
    run: Callable[..., Any], conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(identifier)
    run(allocator)
    before = everything(conn)
    change(conn, "UPDATE collected_daily_stock_history SET adj_close = adj_close * 2 WHERE trade_date < %(d)s", d=AS_OF)

    def broken(conn: Connection, table: Table, *arguments: Any) -> int:
        if table is ALLOCATION_CANDIDATES:
            raise OSError("the disk is full")
        return replace_partition(conn, table, *arguments)

    monkeypatch.setattr(publishing, "replace_partition", broken)
    with pytest.raises(OSError, match="the disk is full"):
        run(allocator)
    assert everything(conn) == before


def test_a_corrected_price_replaces_the_old_result(run: Callable[..., Any], conn: Connection) -> None:
    """A position that is none any more is gone, not left over."""
    run(identifier)
    run(allocator)
    [first] = rows_of(conn, tables.PORTFOLIO_ALLOCATION, period_days=20, position_rank=1)
    change(
        conn,
        "UPDATE collected_daily_stock_history SET adj_close = adj_close / 9 "
        "WHERE (ticker, trade_date) = (%(t)s, %(d)s)",
        t=first["ticker"],
        d=first["end_session"],
    )
    run(allocator)
    assert first["ticker"] not in {row["ticker"] for row in rows_of(conn, tables.PORTFOLIO_ALLOCATION)}
    candidates = rows_of(conn, ALLOCATION_CANDIDATES, period_days=20, ticker=first["ticker"])
    assert all("is not positive" in row["exclusion_reason"] for row in candidates)


def test_a_restated_bar_is_a_revision_that_the_record_does_not_follow(
    run: Callable[..., Any], conn: Connection
) -> None:
    restate = """
        UPDATE collected_daily_stock_history SET adj_close = adj_close / 9
        WHERE (ticker, trade_date) = (%(ticker)s, %(day)s)
    """
    run(identifier)
    run(allocator)
    first, made = fetch(conn, decisions.POSITIONS), revisions(conn)
    run(identifier)
    run(allocator)
    assert revisions(conn) == made, "the same again is no revision"
    [largest] = rows_of(conn, tables.PORTFOLIO_ALLOCATION, period_days=20, position_rank=1)
    between = session_before(AS_OF, 3)
    assert change(conn, restate, ticker=largest["ticker"], day=between) == 1
    run(allocator)
    assert revisions(conn) == made, "no return begins or ends there"
    assert change(conn, restate, ticker=largest["ticker"], day=largest["end_session"]) == 1
    run(allocator)
    assert revisions(conn) == made | {"allocation": made["allocation"] + 1}
    assert sorted(map(str, fetch(conn, decisions.POSITIONS))) == sorted(map(str, first))
    correction = corrections(conn, AS_OF).rows[0]
    assert (correction.job, correction.as_of_date, correction.changed) == ("allocation", AS_OF, ["inputs"])
    assert 0 < correction.difference <= 1


def revisions(conn: Connection) -> dict[str, int]:
    """Return the newest revision of each job's session."""
    rows = fetch(
        conn,
        """
        SELECT about ->> 'job' AS job, MAX((about ->> 'revision')::int) AS revision FROM evidence_link
        WHERE chain = 'publications' AND about ->> 'as_of_date' = %(day)s GROUP BY about ->> 'job'
        """,
        {"day": str(AS_OF)},
    )
    return {row["job"]: row["revision"] for row in rows}


def test_stage_5_before_stage_3_says_so(run: Callable[..., Any], conn: Connection) -> None:
    with pytest.raises(NotPublished, match="stage 3 has not published 2026-08-21: run daily_trending_etf_analysis"):
        run(allocator)
    assert rows_of(conn, tables.PUBLICATION) == []


def test_stage_3_before_stage_1_says_so(run: Callable[..., Any], conn: Connection) -> None:
    change(conn, "DELETE FROM collected_daily_etf_ohlc WHERE ticker = 'SPY' AND trade_date = %(d)s", d=AS_OF)
    with pytest.raises(NotStored, match="SPY has no price of 2026-08-21: collect it first"):
        run(identifier)
    assert rows_of(conn, tables.PUBLICATION) == []


def test_a_range_goes_past_a_session_that_cannot_be_computed(run: Callable[..., Any], conn: Connection) -> None:
    run(identifier)
    before = rows_of(conn, tables.TRENDING_ETFS, as_of_date=AS_OF)
    change(conn, "DELETE FROM collected_daily_etf_ohlc WHERE ticker = 'SPY' AND trade_date = %(d)s", d=AS_OF)
    outcome = run(identifier, BEFORE, AS_OF)
    assert list(outcome.skipped) == [AS_OF]
    assert [line.as_of_date for line in outcome.publications] == [BEFORE]
    assert rows_of(conn, tables.TRENDING_ETFS, as_of_date=AS_OF) == before
    change(conn, "DELETE FROM analytics_publication WHERE as_of_date = %(d)s", d=AS_OF)
    outcome = run(allocator, BEFORE, AS_OF)
    assert list(outcome.skipped) == [AS_OF]
    assert {line.as_of_date for line in outcome.publications} == {BEFORE}


def test_nothing_trends_is_published_too(run: Callable[..., Any], conn: Connection) -> None:
    """SPY far above everything: stage 3 is empty with a reason, and stage 5 three times cash."""
    change(
        conn,
        "UPDATE collected_daily_etf_ohlc SET adj_close = adj_close * 9 WHERE ticker = 'SPY' AND trade_date = %(d)s",
        d=AS_OF,
    )
    run(identifier)
    run(allocator)
    lines = rows_of(conn, tables.PUBLICATION)
    assert [line["status"] for line in lines] == ["empty"] * 4
    assert {line["job"]: line["row_count"] for line in lines} == {"trending": 14, "allocation": 0}
    assert {(line["cash_weight"], line["reason"]) for line in lines if line["job"] == "allocation"} == {
        (1.0, f"no ETF trends over {days} sessions") for days in (5, 10, 20)
    }
    assert len(rows_of(conn, tables.TRENDING_ETFS)) == 14
    assert rows_of(conn, ALLOCATION_CANDIDATES) == []


def test_a_day_without_a_rate_takes_the_one_before_and_says_so(run: Callable[..., Any], conn: Connection) -> None:
    query = "SELECT close_price FROM collected_daily_stock_history WHERE ticker = 'KRW=X' AND trade_date = %(d)s"
    [before] = fetch(conn, query, {"d": BEFORE})
    change(conn, "DELETE FROM collected_daily_stock_history WHERE ticker = 'KRW=X' AND trade_date = %(d)s", d=AS_OF)
    run(identifier)
    run(allocator)
    rows = rows_of(conn, ALLOCATION_CANDIDATES, ticker="005930.KS", period_days=20)
    own = "SELECT market_cap FROM collected_daily_stock_history WHERE ticker = '005930.KS' AND trade_date = %(d)s"
    [stored] = fetch(conn, own, {"d": AS_OF})
    assert {row["market_cap"] for row in rows} == {round(stored["market_cap"] / before["close_price"])}
    for line in rows_of(conn, tables.PUBLICATION, job="allocation"):
        told = line["degraded_reason"] or ""
        assert "005930.KS: the KRW=X rate of 2026-08-21 is that of 2026-08-20" in told.split("; ")


def test_five_days_without_a_rate_exclude_the_korean_stocks_with_that_reason(
    run: Callable[..., Any], conn: Connection
) -> None:
    change(conn, "DELETE FROM collected_daily_stock_history WHERE ticker = 'KRW=X' AND trade_date > '2026-08-15'")
    run(identifier)
    run(allocator)
    korean = [row for row in rows_of(conn, ALLOCATION_CANDIDATES) if row["ticker"].endswith(".KS")]
    assert len(korean) >= 5
    assert {row["exclusion_reason"] for row in korean} == {"no KRW=X rate on 2026-08-21"}
    assert not any(row["ticker"].endswith(".KS") for row in rows_of(conn, tables.PORTFOLIO_ALLOCATION))


def test_a_fund_in_another_currency_is_compared_in_dollars(run: Callable[..., Any], conn: Connection) -> None:
    """XLV as if it were listed in won: its return is that of its dollars."""
    change(conn, "UPDATE collected_daily_etf_ohlc SET currency = 'KRW' WHERE ticker = 'XLV'")
    run(identifier)
    [row] = rows_of(conn, tables.TRENDING_ETFS, etf_ticker="XLV")
    [dollars] = fetch(
        conn,
        """
        SELECT (now.adj_close / rate_now.close_price) / (old.adj_close / rate_old.close_price) - 1 AS earned
        FROM collected_daily_etf_ohlc AS now, collected_daily_etf_ohlc AS old,
            collected_daily_stock_history AS rate_now, collected_daily_stock_history AS rate_old
        WHERE (now.ticker, now.trade_date) = ('XLV', '2026-08-21')
            AND (old.ticker, old.trade_date) = ('XLV', '2026-08-14')
            AND (rate_now.ticker, rate_now.trade_date) = ('KRW=X', '2026-08-21')
            AND (rate_old.ticker, rate_old.trade_date) = ('KRW=X', '2026-08-14')
        """,
    )
    assert row["return_5d"] == pytest.approx(dollars["earned"], abs=1e-12)


def test_korean_positions_are_in_dollars(run: Callable[..., Any], conn: Connection) -> None:
    run(identifier)
    run(allocator)
    [row] = fetch(
        conn,
        """
        SELECT DISTINCT ON (position.ticker)
            position.market_cap, position.period_return,
            stock_end.market_cap / rate_end.close_price AS cap,
            (stock_end.adj_close / rate_end.close_price) / (stock_start.adj_close / rate_start.close_price) - 1 AS r
        FROM analytics_portfolio_allocation AS position
        JOIN collected_daily_stock_history AS stock_end
            ON (stock_end.ticker, stock_end.trade_date) = (position.ticker, position.end_session)
        JOIN collected_daily_stock_history AS stock_start
            ON (stock_start.ticker, stock_start.trade_date) = (position.ticker, position.start_session)
        JOIN collected_daily_stock_history AS rate_end
            ON (rate_end.ticker, rate_end.trade_date) = ('KRW=X', position.end_session)
        JOIN collected_daily_stock_history AS rate_start
            ON (rate_start.ticker, rate_start.trade_date) = ('KRW=X', position.start_session)
        WHERE position.ticker LIKE '%%.KS' AND position.period_days = 20
        """,
        {},
    )
    assert row["market_cap"] == round(row["cap"])
    assert row["period_return"] == pytest.approx(row["r"], abs=1e-12)


def test_a_trending_etf_without_holdings_chooses_nobody(run: Callable[..., Any], conn: Connection) -> None:
    run(identifier)
    change(conn, "DELETE FROM collected_etf_holdings WHERE etf_ticker = 'XLV'")
    run(allocator)
    assert not any("XLV" in row["source_etfs"] for row in rows_of(conn, tables.PORTFOLIO_ALLOCATION))
    assert rows_of(conn, tables.PORTFOLIO_ALLOCATION, period_days=20)


def test_without_any_holdings_the_portfolios_are_empty_and_say_so(run: Callable[..., Any], conn: Connection) -> None:
    run(identifier)
    change(conn, "DELETE FROM collected_etf_holdings")
    run(allocator)
    lines = rows_of(conn, tables.PUBLICATION, job="allocation")
    assert [line["status"] for line in lines] == ["empty"] * 3
    assert all(line["reason"].startswith("no holdings are stored of ") for line in lines)
    assert {(line["holdings_as_of"], line["source"]) for line in lines} == {(None, "simulated")}


def test_a_later_snapshot_shows_as_such(run: Callable[..., Any], conn: Connection) -> None:
    run(identifier, BEFORE)
    change(conn, "DELETE FROM collected_etf_holdings WHERE collected_date <= %(d)s", d=BEFORE)
    later = {"d": AS_OF}
    assert change(
        conn,
        "INSERT INTO collected_etf_holdings (etf_ticker, stock_ticker, holding_percent, collected_date, holding_rank, "
        "fetched_at, source) SELECT etf_ticker, 'AAPL', 0.1, %(d)s, 1, now(), 'simulated' FROM "
        "(SELECT DISTINCT etf_ticker FROM analytics_trending_etfs) AS etfs ON CONFLICT DO NOTHING",
        **later,
    )
    run(allocator, BEFORE)
    lines = rows_of(conn, tables.PUBLICATION, job="allocation")
    assert {line["holdings_as_of"] for line in lines} == {AS_OF}
    assert {row["holdings_as_of"] for row in rows_of(conn, ALLOCATION_CANDIDATES)} == {AS_OF}


def test_a_recorded_price_is_a_better_source_than_a_simulated_one(run: Callable[..., Any], conn: Connection) -> None:
    """A publication carries the worst label of what it is made of."""
    for table in COLLECTED:
        change(conn, f"UPDATE {table.name} SET source = 'recorded'")
    change(conn, "UPDATE collected_daily_stock_history SET source = 'simulated' WHERE ticker = 'KRW=X'")
    run(identifier)
    run(allocator)
    labels = {(row["ticker"][-3:] == ".KS", row["source"]) for row in rows_of(conn, ALLOCATION_CANDIDATES)}
    assert labels == {(False, "recorded"), (True, "simulated")}
    [line] = rows_of(conn, tables.PUBLICATION, job="trending")
    assert line["source"] == "recorded"
    [line] = rows_of(conn, tables.PUBLICATION, job="allocation", period_days=20)
    assert line["source"] == "simulated"


@pytest.mark.parametrize(
    "frame_of",
    [
        lambda job: identifier.compare_etfs(job, [AS_OF]),
        lambda job: allocator.all_candidates(read_inputs(job)),
    ],
    ids=["trending", "allocation"],
)
def test_a_job_is_one_task(
    frame_of: Callable[..., Any],
    run: Callable[..., Any],
    spark: Any,
    conn: Connection,
    scratch_database: DatabaseSettings,
) -> None:
    """No shuffle and no broadcast: each would be a stage of its own, and starting it is most of what it costs."""
    run(identifier)
    current = Job(spark, conn, scratch_database, [AS_OF], None)
    plan = frame_of(current)._jdf.queryExecution().executedPlan().toString()
    assert "JDBCRelation" in plan
    assert "Exchange" not in plan
