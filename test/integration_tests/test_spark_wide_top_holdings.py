"""Both sizes of the top holdings publish the same, to the last bit: rows, publications, digests."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

import market_rows
from batch import spark_etf_top_holdings as analysis
from batch.runner import Job
from config.config import DatabaseSettings
from database.db_helper import Connection, fetch
from market.invented import InventedMarket
from profiles import OF_JOB, wide_session
from utils.dates import sessions_between

FIRST, LAST = date(2026, 8, 10), date(2026, 8, 21)
# A fund without holdings, one without any price, a stock without a price inside a period, and doubts with odd texts.
TROUBLES = """
    DELETE FROM collected_etf_holdings WHERE etf_ticker = 'XLF';
    DELETE FROM collected_daily_stock_history WHERE ticker IN (
        SELECT stock_ticker FROM collected_etf_holdings WHERE etf_ticker = 'XLU');
    DELETE FROM collected_daily_stock_history WHERE trade_date = '2026-08-12' AND ticker IN (
        SELECT stock_ticker FROM collected_etf_holdings WHERE holding_rank = 1);
    INSERT INTO logs_price_break (kind, ticker, trade_date, is_withheld, reason, judged_at)
        SELECT 'stock', stock_ticker, DATE '2026-08-13', MIN(holding_rank) = 3,
            '[{"code": "text", "params": {"text": "it \\"jumps\\"\\\\, twice"}}]'::jsonb, now()
        FROM collected_etf_holdings WHERE holding_rank IN (2, 3) GROUP BY stock_ticker;
"""
EVERYTHING = f"""
    SELECT 'row' AS kind, holding::text AS said FROM analytics_etf_top_holdings AS holding
    UNION ALL
    {OF_JOB.format(job="top_holdings")}
    ORDER BY 1, 2
"""


@pytest.fixture
def conn(scratch_database: DatabaseSettings) -> Iterator[Connection]:
    with market_rows.stored(scratch_database, InventedMarket(seed=7, until=LAST, sessions=60), TROUBLES) as connection:
        yield connection


def test_both_sizes_publish_the_same(spark: Any, conn: Connection, scratch_database: DatabaseSettings) -> None:
    def publish(session: Any, run_id: str) -> list[tuple[str, str]]:
        analysis.run(Job(session, conn, scratch_database, sessions_between(FIRST, LAST), run_id))
        return [(row["kind"], row["said"]) for row in fetch(conn, EVERYTHING)]

    small = publish(spark, "small")
    wide = publish(wide_session(spark), "wide")
    assert wide == small, "and nothing of it is a new revision"
    runs = fetch(conn, "SELECT DISTINCT run_id FROM analytics_publication WHERE job = 'top_holdings'")
    assert [row["run_id"] for row in runs] == ["wide"]

    kinds = [kind for kind, _ in small]
    assert (kinds.count("publication"), kinds.count("revision")) == (30, 10)
    assert kinds.count("row") > 2_000
    said = "\n".join(text for _, text in small)
    assert [word for word in ("no_price", "prices_break", "jumps", "of_ticker") if word not in said] == []
    published = "\n".join(text for kind, text in small if kind == "publication")
    assert "XLU" not in published and "of_ticker" in published
