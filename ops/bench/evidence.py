"""Changed cells found and named, out of 2,000, and the time to verify a chain of a million rows."""

import random
import time
from collections import Counter
from contextlib import closing
from datetime import date

from config.config import Settings
from database.db_helper import Connection, connect, transaction
from ops.bench.made_evidence import evidence_tables, fill, one_cell_changed
from ops.bench.report import Target, step, table
from ops.bench.scratch import scratch_database
from ops.evidence.verify import verify

CHANGES = 2_000
ROWS, ROWS_A_LINK = 1_000_000, 5_000
LAST = date(2026, 8, 21)
SAY_EVERY = 200


def measure(settings: Settings) -> list[Target]:
    """Change cells in one database, and verify a long chain in another."""
    with scratch_database(settings.database) as database, closing(connect(database)) as conn:
        fill(conn, database, tickers=8, last=LAST, days=4, answers=5)
        changed, named, false = change_cells(conn, CHANGES)
    table(
        ("table", "cells changed", "found and named"),
        [(name, f"{count:,}", f"{named[name]:,}") for name, count in sorted(changed.items())],
    )
    with scratch_database(settings.database) as database, closing(connect(database)) as conn:
        _fill_with_bars(conn)
        seconds = _seconds_to_verify(conn)
    return [
        Target("changed cells found and named", named.total(), CHANGES),
        Target("findings beside them", false, 0, at_most=True),
        Target(f"{ROWS:,} rows verified", seconds, 10, " s", at_most=True, digits=1),
    ]


def change_cells(conn: Connection, number: int) -> tuple[Counter[str], Counter[str], int]:
    """Change cells one by one. Return the changes and those named, by table, and how many findings are of no change."""
    chance = random.Random(13)
    changed, named, false = Counter[str](), Counter[str](), _count_findings(conn)
    for nth in range(1, number + 1):
        with one_cell_changed(conn, chance, evidence_tables()) as change:
            findings = [finding for _, _, findings in verify(conn) for finding in findings]
        hits = sum(change.is_named_by(finding.table, finding.row, finding.columns) for finding in findings)
        changed[change.table] += 1
        named[change.table] += hits > 0
        false += len(findings) - hits
        if nth % SAY_EVERY == 0:
            step(f"{nth:,} cells changed, {named.total():,} found and named, {false} findings beside them")
    return changed, named, false


def _count_findings(conn: Connection) -> int:
    return sum(len(findings) for _, _, findings in verify(conn))


def _fill_with_bars(conn: Connection) -> None:
    """Store a million bars, as many in a transaction as a consumer's batch has."""
    step(f"storing {ROWS:,} bars")
    for nth in range(ROWS // ROWS_A_LINK):
        with transaction(conn), conn.cursor() as cursor:
            cursor.execute(
                """
                INSERT INTO collected_daily_etf_ohlc (ticker, trade_date, open_price, high_price, low_price,
                    close_price, adj_close, volume, fetched_at, source)
                SELECT 'T' || %s, DATE '2000-01-01' + day, 100 + RANDOM(), 101 + RANDOM(), 99 + RANDOM(),
                    100 + RANDOM(), 100 + RANDOM(), (RANDOM() * 1e6)::bigint, clock_timestamp(), 'made'
                FROM GENERATE_SERIES(1, %s) AS day
                """,
                (nth, ROWS_A_LINK),
            )
    conn.autocommit = True
    with conn.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    conn.autocommit = False


def _seconds_to_verify(conn: Connection) -> float:
    began = time.monotonic()
    for check, seconds, findings in verify(conn):
        if seconds > 0.1 or findings:
            step(f"{check.name}: {seconds:.1f} s, {len(findings)} findings")
    return time.monotonic() - began
