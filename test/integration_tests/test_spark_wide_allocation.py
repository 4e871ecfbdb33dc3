"""Both sizes of stage 5 publish the same, to the last bit: candidates, positions, publications, digests."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

import market_rows
from batch import spark_active_stock_allocator as allocator
from batch import spark_trending_etf_identifier as identifier
from batch.runner import Job
from config.config import DatabaseSettings
from database.db_helper import Connection, fetch
from market.invented import InventedMarket
from profiles import OF_JOB, wide_session
from utils.dates import sessions_between

FIRST, LAST = date(2026, 7, 27), date(2026, 8, 21)
# Funds without holdings, with an earlier list and with short ones, stocks without a cap, a price or a rate, and doubts
# of every kind.
TROUBLES = """
    DELETE FROM collected_etf_holdings WHERE etf_ticker = 'XLF';
    INSERT INTO logs_missing_holdings (etf_ticker, as_of_date, reason)
        SELECT etf_ticker, '2026-08-20', '[{"code": "no_holdings_listed", "params": {"etf": "QQQ"}}]'
        FROM (SELECT DISTINCT etf_ticker FROM collected_etf_holdings) AS fund;
    INSERT INTO collected_etf_holdings (
        etf_ticker, stock_ticker, holding_percent, collected_date, holding_rank, fetched_at, source)
        SELECT etf_ticker, stock_ticker, holding_percent, '2026-08-18', holding_rank, fetched_at, source
        FROM collected_etf_holdings WHERE etf_ticker IN ('SPY', 'QQQ', 'EWY') AND holding_rank <= 2
        ON CONFLICT DO NOTHING;
    UPDATE collected_daily_stock_history SET market_cap = NULL WHERE ticker IN (
        SELECT stock_ticker FROM collected_etf_holdings WHERE etf_ticker = 'QQQ' AND holding_rank <= 2);
    UPDATE collected_daily_stock_history SET market_cap = NULL
        WHERE quote_type = 'EQUITY' AND trade_date BETWEEN '2026-08-11' AND '2026-08-17';
    DELETE FROM collected_daily_stock_history WHERE trade_date = '2026-08-06' AND ticker IN (
        SELECT stock_ticker FROM collected_etf_holdings WHERE holding_rank = 1);
    DELETE FROM collected_daily_stock_history
        WHERE ticker = 'KRW=X' AND trade_date BETWEEN '2026-08-10' AND '2026-08-20';
    INSERT INTO logs_expected_bar (kind, ticker, trade_date, state, reason)
        SELECT DISTINCT 'stock', stock_ticker, DATE '2026-08-06', 'late', '[{"code": "expected", "params": {}}]'::jsonb
        FROM collected_etf_holdings WHERE holding_rank = 1;
    INSERT INTO logs_price_break (kind, ticker, trade_date, is_withheld, reason, judged_at)
        SELECT DISTINCT 'stock', stock_ticker, DATE '2026-08-13', FALSE,
            '[{"code": "text", "params": {"text": "it \\"jumps\\"\\\\, twice"}}]'::jsonb, now()
        FROM collected_etf_holdings WHERE holding_rank = 2;
"""
EVERYTHING = f"""
    SELECT 'candidate' AS kind, candidate::text AS said FROM analytics_allocation_candidates AS candidate
    UNION ALL
    SELECT 'position', position::text FROM analytics_portfolio_allocation AS position
    UNION ALL
    {OF_JOB.format(job="allocation")}
    ORDER BY 1, 2
"""


@pytest.fixture
def conn(scratch_database: DatabaseSettings) -> Iterator[Connection]:
    with market_rows.stored(scratch_database, InventedMarket(seed=7, until=LAST, sessions=60), TROUBLES) as connection:
        yield connection


def test_both_sizes_publish_the_same(spark: Any, conn: Connection, scratch_database: DatabaseSettings) -> None:
    def publish(session: Any, job: Any, run_id: str) -> list[tuple[str, str]]:
        job.run(Job(session, conn, scratch_database, sessions_between(FIRST, LAST), run_id))
        return [(row["kind"], row["said"]) for row in fetch(conn, EVERYTHING)]

    publish(spark, identifier, "small")
    small = publish(spark, allocator, "small")
    wide = publish(wide_session(spark), allocator, "wide")
    assert wide == small, "and nothing of it is a new revision"
    runs = fetch(conn, "SELECT DISTINCT run_id FROM analytics_publication WHERE job = 'allocation'")
    assert [row["run_id"] for row in runs] == ["wide"]

    kinds = [kind for kind, _ in small]
    assert kinds.count("publication") == 60
    assert kinds.count("candidate") > 1_000
    assert kinds.count("position") > 100
    said = "\n".join(text for _, text in small)
    codes = (
        "nobody_eligible",
        "earlier_holdings",
        "short_list",
        "no_holdings",
        "no_market_cap",
        "state_late",
        "no_rate",
        "prices_break",
    )
    assert [code for code in codes if code not in said] == []
