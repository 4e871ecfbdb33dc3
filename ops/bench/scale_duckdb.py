"""The other side of `bench scale`: the same figures by duckdb, which is a process of its own with its own packages.

`python -m ops.bench.scale_duckdb trending DSN FIRST LAST` reads the bars from PostgreSQL and writes the rows back.
`... allocation DSN` does so with the portfolios, and `... compare-allocation OURS THEIRS` compares the two databases.
`... stage-trending` and `... stage-allocation` leave the rows in tables for ops.bench.scale_published.
`... make FOLDER FIRST BEHIND SESSIONS` makes bars of so numbered tickers as Parquet, some of them missing, and
`... returns FOLDER MADE CORES SESSIONS` computes their returns.
"""

import json
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import duckdb
import psycopg2

from ops.bench.scale_duckdb_allocation import allocate, copy_in, differing_rows, make_table, stage

CORES = 2
TOLERANCE = 1e-9
FIRST = "DATE '2000-01-03'"
ONE_MISSING_OF = 500
PERIODS = (5, 10, 20)
BARS = """
    COPY (SELECT ticker, trade_date, adj_close::float8, source FROM collected_daily_etf_ohlc WHERE currency = 'USD')
    TO STDOUT (FORMAT csv)
"""
TABLE_COLUMNS = """as_of_date, etf_ticker, return_5d, spy_return_5d, outperformance_5d, is_trending_5d, return_10d,
    spy_return_10d, outperformance_10d, is_trending_10d, return_20d, spy_return_20d, outperformance,
    rank_by_outperformance, is_trending, is_degraded, source"""
# The bars of the jobs' database have no gaps: so many rows before are so many sessions before.
RETURNS = ", ".join(f"price / LAG(price, {n}) OVER of_ticker - 1.0 AS return_{n}d" for n in PERIODS)
TRENDING = f"""
    WITH returns AS (
        SELECT ticker, trade_date, source, {RETURNS}
        FROM bar WINDOW of_ticker AS (PARTITION BY ticker ORDER BY trade_date)
    ), compared AS (
        SELECT own.*, spy.return_5d AS spy_return_5d, spy.return_10d AS spy_return_10d, spy.return_20d AS spy_return_20d
        FROM returns AS own
        JOIN returns AS spy ON spy.ticker = 'SPY' AND spy.trade_date = own.trade_date
        WHERE own.ticker <> 'SPY' AND own.trade_date BETWEEN ? AND ?
    )
    SELECT trade_date, ticker,
        return_5d, spy_return_5d, return_5d - spy_return_5d,
        COALESCE(return_5d > spy_return_5d AND return_5d > 0, FALSE),
        return_10d, spy_return_10d, return_10d - spy_return_10d,
        COALESCE(return_10d > spy_return_10d AND return_10d > 0, FALSE),
        return_20d, spy_return_20d, return_20d - spy_return_20d,
        RANK() OVER (PARTITION BY trade_date ORDER BY return_20d - spy_return_20d DESC, ticker),
        COALESCE(return_20d > spy_return_20d AND return_20d > 0, FALSE),
        FALSE, source
    FROM compared
"""
PUBLISH = """
    INSERT INTO analytics_publication (job, as_of_date, period_days, status, row_count, cash_weight, source)
    SELECT 'trending', as_of_date, 0,
        CASE WHEN BOOL_OR(is_trending OR is_trending_5d OR is_trending_10d) THEN 'published' ELSE 'empty' END,
        COUNT(*), 0, MAX(source)
    FROM analytics_trending_etfs GROUP BY as_of_date
"""


def trending(dsn: str, first: str, last: str) -> None:
    with tempfile.TemporaryDirectory() as folder, psycopg2.connect(dsn) as conn, conn.cursor() as cursor:
        rows = _trending_rows(cursor, Path(folder), first, last)
        cursor.execute("DELETE FROM analytics_trending_etfs WHERE as_of_date BETWEEN %s AND %s", (first, last))
        copy_in(cursor, "analytics_trending_etfs", TABLE_COLUMNS, rows)
        cursor.execute("DELETE FROM analytics_publication WHERE job = 'trending'")
        cursor.execute(PUBLISH)
        # Leaving the connection commits.


def stage_trending(dsn: str, first: str, last: str, table: str) -> None:
    """Make a table of the rows, and print how many there are."""
    with tempfile.TemporaryDirectory() as folder, psycopg2.connect(dsn) as conn, conn.cursor() as cursor:
        rows = _trending_rows(cursor, Path(folder), first, last)
        make_table(cursor, table, "analytics_trending_etfs")
        print(json.dumps({"rows": copy_in(cursor, table, TABLE_COLUMNS, rows)}))


def _trending_rows(cursor: "psycopg2.extensions.cursor", folder: Path, first: str, last: str) -> Path:
    """Read the bars, and write the rows into a file of CSV."""
    read, written = folder / "bars.csv", folder / "rows.csv"
    with read.open("wb") as file:
        cursor.copy_expert(BARS, file, size=2**20)
    with _duckdb() as db:
        db.execute(
            "CREATE TABLE bar AS SELECT * FROM read_csv(?, header = false, "
            "columns = {'ticker': 'VARCHAR', 'trade_date': 'DATE', 'price': 'DOUBLE', 'source': 'VARCHAR'})",
            [str(read)],
        )
        db.execute(f"COPY ({TRENDING}) TO '{written}' (FORMAT csv, HEADER false)", [first, last])
    return written


def allocation(dsn: str) -> None:
    with _duckdb() as db:
        allocate(db, dsn)


def stage_allocation(dsn: str, candidates: str, positions: str) -> None:
    """Make tables of the rows, and print how many there are, and the publications."""
    with _duckdb() as db:
        print(json.dumps(stage(db, dsn, {"candidate": candidates, "position": positions})))


def compare_allocation(ours: str, theirs: str) -> None:
    """Print how many candidates, positions and publications there are, and how many differ."""
    with _duckdb() as db:
        print(json.dumps(differing_rows(db, ours, theirs)))


def make(folder: str, first_ticker: str, behind_last: str, sessions: str) -> None:
    """Write the bars in files of whole tickers, as a collector of many tickers leaves them. Some bars are missing."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    start, files, rows = int(first_ticker), 16, 0
    count = int(behind_last) - start
    with _duckdb() as db:
        for nth in range(files):
            first, behind = (start + count * part // files for part in (nth, nth + 1))
            [(written,)] = db.execute(f"""
                COPY (
                    SELECT 'T' || LPAD(ticker::varchar, 6, '0') AS ticker, {FIRST} + day::int AS trade_date,
                        100 * EXP(SUM(HASH(ticker * 100000 + day) / 18446744073709551616.0 * 0.03 - 0.0149)
                            OVER (PARTITION BY ticker ORDER BY day)) AS price
                    FROM RANGE({first}, {behind}) AS each_ticker (ticker), RANGE(0, {int(sessions)}) AS each_day (day)
                    QUALIFY HASH(day * 100000 + ticker) % {ONE_MISSING_OF} <> 0
                    ORDER BY ticker, trade_date
                ) TO '{Path(folder) / f"{nth:02d}.parquet"}'
            """).fetchall()
            rows += written
    print(json.dumps({"rows": rows}))


def returns(folder: str, made: str, cores: str, sessions: str) -> None:
    """Compute the returns by sessions, not by bars: in the fastest of six forms measured (duckdb 2.0.1)."""
    numbered = (
        f"SELECT {FIRST} + day::int AS trade_date, day::int AS position FROM RANGE(0, {int(sessions)}) AS each (day)"
    )
    returns = ", ".join(f"price / {_price_before(n)} - 1.0 AS return_{n}d" for n in PERIODS)
    flags = ", ".join(f"COALESCE(return_{n}d > 0, FALSE) AS is_up_{n}d" for n in PERIODS)
    with _duckdb(int(cores)) as db:
        db.execute("SET memory_limit = '4GB'")
        db.execute("SET preserve_insertion_order = false")
        db.execute(f"""
            COPY (
                SELECT *, {flags} FROM (
                    SELECT ticker, trade_date, price, {returns}
                    FROM '{folder}/*.parquet' JOIN ({numbered}) USING (trade_date)
                    WINDOW of_ticker AS (PARTITION BY ticker ORDER BY position))
            ) TO '{made}'
        """)


def _price_before(sessions: int) -> str:
    """Return the price of so many sessions before: it is that of the bar so many rows before, or nearer."""
    cases = " ".join(
        f"WHEN LAG(position, {n}) OVER of_ticker = position - {sessions} THEN LAG(price, {n}) OVER of_ticker"
        for n in range(sessions, 0, -1)
    )
    return f"CASE {cases} END"


def compare(ours: str, theirs: str) -> None:
    """Print how many bars have another return or flag on either side."""
    names = [f"return_{n}d" for n in PERIODS]
    differ = " OR ".join(
        [
            "ours.ticker IS NULL OR theirs.ticker IS NULL",
            *(f"(ours.{name} IS NULL) <> (theirs.{name} IS NULL)" for name in names),
            *(f"ABS(ours.{name} - theirs.{name}) > {TOLERANCE}" for name in names),
            *(f"ours.is_up_{n}d <> theirs.is_up_{n}d" for n in PERIODS),
        ]
    )
    with _duckdb() as db:
        [(count,)] = db.execute(
            f"SELECT COUNT(*) FROM '{ours}/*.parquet' AS ours "
            f"FULL JOIN '{theirs}' AS theirs USING (ticker, trade_date) WHERE {differ}"
        ).fetchall()
    print(json.dumps({"differing": count}))


def versions() -> None:
    print(f"duckdb {duckdb.__version__}, psycopg2 {version('psycopg2-binary')}")


def _duckdb(cores: int = CORES) -> "duckdb.DuckDBPyConnection":
    return duckdb.connect(config={"threads": cores})


COMMANDS: dict[str, Callable[..., None]] = {
    "trending": trending,
    "stage-trending": stage_trending,
    "allocation": allocation,
    "stage-allocation": stage_allocation,
    "compare-allocation": compare_allocation,
    "make": make,
    "returns": returns,
    "compare": compare,
    "versions": versions,
}

if __name__ == "__main__":
    COMMANDS[sys.argv[1]](*sys.argv[2:])
