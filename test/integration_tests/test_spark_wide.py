"""Both sizes of a job publish the same, to the last bit: rows, publications, and the digests of what they rest on."""

from contextlib import closing
from datetime import date
from typing import Any

import pyspark.sql.functions as F
import pytest
from psycopg2.errors import InsufficientPrivilege

import market_rows
from batch import spark_trending_etf_identifier as identifier
from batch.runner import Job
from batch.staging import staged
from config.config import DatabaseSettings
from database.db_helper import Connection, connect, fetch, transaction
from database.roles import SPARK, STAGING
from database.tables import TRENDING_ETFS
from market.invented import InventedMarket
from profiles import wide_session
from scratch_databases import logged_in_as
from utils.dates import sessions_between

FIRST, LAST = date(2026, 7, 27), date(2026, 8, 21)
# Holes, a fund listed late, days without the benchmark, a day on which nothing can trend, and doubts of every kind.
TROUBLES = """
    DELETE FROM collected_daily_etf_ohlc WHERE ticker = 'IWM' AND trade_date IN ('2026-08-05', '2026-08-12');
    DELETE FROM collected_daily_etf_ohlc WHERE ticker = 'XLRE' AND trade_date < '2026-08-03';
    DELETE FROM collected_daily_etf_ohlc WHERE ticker = 'SPY' AND trade_date = '2026-08-07';
    UPDATE collected_daily_etf_ohlc SET adj_close = adj_close / 1000
        WHERE ticker <> 'SPY' AND trade_date = '2026-08-19';
    INSERT INTO logs_expected_bar (kind, ticker, trade_date, state, reason)
        VALUES ('etf', 'IWM', '2026-08-12', 'late', '[{"code": "expected", "params": {}}]');
    INSERT INTO logs_price_break (kind, ticker, trade_date, is_withheld, reason, judged_at) VALUES
        ('etf', 'QQQ', '2026-08-11', FALSE, '[{"code": "text", "params": {"text": "\\"jumps\\" \\\\,"}}]', now()),
        ('etf', 'XLK', '2026-08-13', TRUE, '[{"code": "text", "params": {"text": "it falls"}}]', now());
    INSERT INTO logs_consumer_error (topic, partition_id, kafka_offset, ticker, trade_date, error_msg, reason)
        VALUES ('etf-daily-data', 0, 7, 'XLK', '2026-08-13', 'it falls',
            '[{"code": "text", "params": {"text": "it falls"}}]');
"""
EVERYTHING = """
    SELECT 'row' AS kind, trending::text AS said FROM analytics_trending_etfs AS trending
    UNION ALL
    SELECT 'publication', ROW(job, as_of_date, period_days, status, reason, degraded_reason, row_count, cash_weight,
        holdings_as_of, source)::text
    FROM analytics_publication
    UNION ALL
    SELECT 'revision', ROW(about -> 'input_digest', about -> 'output_digest', about -> 'tables', about -> 'revision',
        body, body_digest)::text
    FROM evidence_link WHERE chain = 'publications'
    UNION ALL
    SELECT 'kept', ROW(as_of_date, status, reason, degraded_reason, row_count)::text FROM evidence_publication
    ORDER BY 1, 2
"""


@pytest.fixture(scope="module")
def databases(
    scratch_database: DatabaseSettings, empty_database: DatabaseSettings
) -> tuple[DatabaseSettings, DatabaseSettings]:
    """Fill two databases alike."""
    market = InventedMarket(seed=7, until=LAST, sessions=60)
    for database in (scratch_database, empty_database):
        with closing(connect(database)) as conn:
            market_rows.store(conn, market)
            with transaction(conn), conn.cursor() as cursor:
                cursor.execute(TROUBLES)
    return scratch_database, empty_database


def publish(spark: Any, database: DatabaseSettings) -> list[tuple[str, str]]:
    """Publish the sessions, and return all that is stored of it."""
    with closing(connect(database)) as conn:
        result = identifier.run(Job(spark, conn, database, sessions_between(FIRST, LAST), "a run"))
        assert list(result.skipped) == [date(2026, 8, 7)]
        return [(row["kind"], row["said"]) for row in fetch(conn, EVERYTHING)]


def test_both_sizes_publish_the_same(spark: Any, databases: tuple[DatabaseSettings, DatabaseSettings]) -> None:
    small = publish(spark, databases[0])
    wide = publish(wide_session(spark), databases[1])
    assert wide == small
    kinds = [kind for kind, _ in small]
    assert {kind: kinds.count(kind) for kind in kinds} == {"row": 266, "publication": 19, "revision": 19, "kept": 19}
    said = "\n".join(text for _, text in small)
    assert all(word in said for word in ("empty", "lacks_bar", "state_late", "prices_break", "no_price"))
    # Published again, by the other size, nothing is new.
    assert publish(wide_session(spark), databases[0]) == small


def test_what_a_job_stages_is_gone_when_it_ends(
    spark: Any, databases: tuple[DatabaseSettings, DatabaseSettings]
) -> None:
    wide = wide_session(spark)
    _, database = databases
    with closing(connect(database)) as conn, closing(connect(database)) as killed:
        job = Job(wide, conn, database, [], None)
        with transaction(killed), killed.cursor() as cursor:
            cursor.execute(f"CREATE TABLE {STAGING}.analytics_trending_etfs_left_behind (day date)")
        frame = job.read("SELECT * FROM analytics_trending_etfs").withColumn("return_5d", 0 / F.lit(3.0))
        with staged(job, TRENDING_ETFS, frame) as rows:
            names = [row["tablename"] for row in staged_tables(conn)]
            assert (names, rows.row_count) == ([rows.name], 266)
            other = Job(wide, killed, database, [], None)
            with staged(other, TRENDING_ETFS, frame):
                assert len(staged_tables(conn)) == 2, "a living job's table stays"
        assert staged_tables(conn) == []


def staged_tables(conn: Connection) -> list[dict[str, Any]]:
    return fetch(conn, "SELECT tablename FROM pg_tables WHERE schemaname = %(schema)s", {"schema": STAGING})


def test_the_jobs_login_may_stage_and_publish(spark: Any, databases: tuple[DatabaseSettings, DatabaseSettings]) -> None:
    database, _ = databases
    before = date(2026, 8, 20)
    with logged_in_as(SPARK, database) as login, closing(connect(login)) as conn:
        result = identifier.run(Job(wide_session(spark), conn, login, [before], "another run"))
        assert [each.status for each in result.publications] == ["published"]
        with pytest.raises(InsufficientPrivilege), transaction(conn), conn.cursor() as cursor:
            cursor.execute("CREATE TABLE public.of_mine (day date)")
