"""The portfolios of the made market by duckdb, the other side of `bench scale`, and what differs from ours.

The made market has all prices and market caps. So a candidate is excluded for one of four reasons: its return is not
positive, another one returned more, is the larger holding, or is first by ticker.
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2

if TYPE_CHECKING:
    import duckdb

PERIODS = (5, 10, 20)
# Figures count as the same when they differ by less than this share of themselves.
TOLERANCE = 1e-9

# What is read of PostgreSQL: a table of duckdb, its columns, and the query.
READ = {
    "published": ("as_of_date DATE", "SELECT as_of_date FROM analytics_publication WHERE job = 'trending'"),
    "trending": (
        "as_of_date DATE, etf_ticker VARCHAR, period_days INTEGER",
        """
        SELECT as_of_date, etf_ticker, period_days FROM analytics_trending_etfs CROSS JOIN LATERAL (
            VALUES (5, is_trending_5d), (10, is_trending_10d), (20, is_trending)
        ) AS flag (period_days, is_on)
        WHERE is_on
        """,
    ),
    "holding": (
        "etf_ticker VARCHAR, ticker VARCHAR, holding_rank INTEGER, holding_percent DOUBLE, holdings_as_of DATE",
        """
        SELECT etf_ticker, stock_ticker, holding_rank, holding_percent::float8, collected_date
        FROM collected_etf_holdings
        """,
    ),
    "bar": (
        "ticker VARCHAR, trade_date DATE, price DOUBLE, market_cap BIGINT, market_cap_source VARCHAR, "
        "company_name VARCHAR, sector VARCHAR, source VARCHAR",
        """
        SELECT ticker, trade_date, adj_close::float8, market_cap, market_cap_source, company_name, sector, source
        FROM collected_daily_stock_history WHERE currency = 'USD' AND quote_type = 'EQUITY'
        """,
    ),
}


def _each(template: str) -> str:
    """Write a column for each period."""
    return ", ".join(template.format(n=n) for n in PERIODS)


def _of_period(template: str) -> str:
    """Write the column of a row's period."""
    return "CASE period_days " + " ".join(f"WHEN {n} THEN {template.format(n=n)}" for n in PERIODS) + " END"


def _reason(code: str, **params: str) -> str:
    """Write a list of one reason. params: the SQL of each."""
    named = ", ".join(f"'{name}', {value}" for name, value in params.items())
    return f"JSON_ARRAY(JSON_OBJECT('code', '{code}', 'params', JSON_OBJECT({named})))::VARCHAR"


# The stocks that are held on a day by any ETF that trends over any period. The made bars have no gaps: so many rows
# before are so many sessions before.
STOCKS = f"""
    CREATE TABLE stock AS
    WITH held AS (
        SELECT as_of_date, ticker, {_each("BOOL_OR(period_days = {n}) AS is_trending_{n}d")}
        FROM trending JOIN holding USING (etf_ticker) GROUP BY as_of_date, ticker
    ), returns AS (
        SELECT *, {_each("price / LAG(price, {n}) OVER of_ticker - 1.0 AS return_{n}d")},
            {_each("LAG(trade_date, {n}) OVER of_ticker AS start_{n}d")}
        FROM bar WINDOW of_ticker AS (PARTITION BY ticker ORDER BY trade_date)
    )
    SELECT held.*, returns.* EXCLUDE (ticker, price),
        {_each("AVG(return_{n}d) OVER (PARTITION BY as_of_date, sector) AS sector_avg_{n}d")}
    FROM held JOIN returns ON returns.ticker = held.ticker AND returns.trade_date = held.as_of_date
"""
CANDIDATES = f"""
    CREATE TABLE candidate AS
    WITH listed AS (
        SELECT as_of_date, period_days, etf_ticker, ticker, holding_rank, holding_percent, holdings_as_of,
            {_of_period("return_{n}d")} AS period_return, market_cap, {_of_period("start_{n}d")} AS start_session,
            trade_date AS end_session, source
        FROM trending JOIN holding USING (etf_ticker) JOIN stock USING (as_of_date, ticker)
    ), ordered AS (
        SELECT *, ROW_NUMBER() OVER best_first = 1 AND period_return > 0 AS is_selected,
            FIRST_VALUE(ticker) OVER best_first AS best, FIRST_VALUE(period_return) OVER best_first AS best_return,
            FIRST_VALUE(holding_percent) OVER best_first AS best_percent
        FROM listed
        WINDOW best_first AS (
            PARTITION BY as_of_date, period_days, etf_ticker ORDER BY period_return DESC, holding_percent DESC, ticker)
    )
    SELECT as_of_date, period_days, etf_ticker, ticker, holding_rank, holding_percent, holdings_as_of, period_return,
        market_cap, is_selected,
        CASE
            WHEN is_selected THEN NULL
            WHEN period_return <= 0 THEN {_reason("not_positive", gain="period_return")}
            WHEN best_return > period_return THEN {_reason("returned_more", ticker="best", gain="best_return")}
            WHEN best_percent > holding_percent THEN {_reason("larger_holding", ticker="best")}
            ELSE {_reason("first_by_ticker", ticker="best")}
        END AS exclusion_reason,
        start_session, end_session, source
    FROM ordered
"""
POSITIONS = f"""
    CREATE TABLE position AS
    WITH chosen AS (
        SELECT as_of_date, period_days, ticker, ANY_VALUE(period_return) AS period_return,
            ANY_VALUE(market_cap) AS market_cap, LIST(etf_ticker ORDER BY etf_ticker) AS etfs,
            MAX(holdings_as_of) AS holdings_as_of, ANY_VALUE(start_session) AS start_session
        FROM candidate WHERE is_selected GROUP BY as_of_date, period_days, ticker
    ), weighted AS (
        SELECT *, period_return / market_cap AS score,
            period_return / market_cap / SUM(period_return / market_cap) OVER (PARTITION BY as_of_date, period_days)
                AS portfolio_weight
        FROM chosen
    ), ranked AS (
        SELECT *, ROW_NUMBER() OVER (
            PARTITION BY as_of_date, period_days ORDER BY portfolio_weight DESC, score DESC, ticker) AS position_rank
        FROM weighted
    )
    SELECT as_of_date, ticker, period_days, portfolio_weight, period_return, score, ranked.market_cap,
        market_cap_source, position_rank, '{{' || ARRAY_TO_STRING(etfs, ',') || '}}' AS source_etfs,
        {
    _reason(
        "best_of_etfs",
        top="(SELECT MAX(holding_rank) FROM holding)",
        etfs="etfs",
        days="period_days",
        gain="period_return",
        market_cap="ranked.market_cap",
    )
} AS allocation_reason,
        holdings_as_of, start_session, trade_date AS end_session, company_name, sector,
        {_each("return_{n}d, sector_avg_{n}d, is_trending_{n}d")},
        {_each("MAX(position_rank) FILTER (period_days = {n}) OVER (PARTITION BY as_of_date, ticker) AS rank_{n}d")},
        FALSE AS is_degraded, source
    FROM ranked JOIN stock USING (as_of_date, ticker)
"""
PUBLICATIONS = """
    CREATE TABLE publication AS
    SELECT 'allocation' AS job, published.as_of_date, period.period_days,
        CASE WHEN COUNT(DISTINCT ticker) FILTER (is_selected) > 0 THEN 'published' ELSE 'empty' END AS status,
        COUNT(DISTINCT ticker) FILTER (is_selected) AS row_count,
        CASE WHEN COUNT(DISTINCT ticker) FILTER (is_selected) > 0 THEN 0 ELSE 1 END AS cash_weight,
        MAX(holdings_as_of) AS holdings_as_of, COALESCE(MAX(source), 'simulated') AS source
    FROM published CROSS JOIN (VALUES (5), (10), (20)) AS period (period_days)
    LEFT JOIN candidate ON candidate.as_of_date = published.as_of_date AND candidate.period_days = period.period_days
    GROUP BY published.as_of_date, period.period_days
"""
WRITTEN = {
    "candidate": "analytics_allocation_candidates",
    "position": "analytics_portfolio_allocation",
    "publication": "analytics_publication",
}

# What is compared: a query and the keys of its rows. Reasons are taken apart, for the sake of their figures.
COMPARED = {
    "candidates": (
        """
        SELECT as_of_date, period_days, etf_ticker, ticker, holding_rank, holding_percent, holdings_as_of,
            period_return, market_cap, is_selected, start_session, end_session, source,
            JSONB_ARRAY_LENGTH(exclusion_reason) AS reasons, exclusion_reason #>> '{0,code}' AS code,
            exclusion_reason #>> '{0,params,ticker}' AS better, exclusion_reason #>> '{0,params,gain}' AS gain
        FROM analytics_allocation_candidates
        """,
        ("as_of_date", "period_days", "etf_ticker", "ticker"),
    ),
    "positions": (
        """
        SELECT position.*, allocation_reason #>> '{0,code}' AS code, allocation_reason #>> '{0,params,top}' AS top,
            allocation_reason #>> '{0,params,etfs}' AS etfs, allocation_reason #>> '{0,params,gain}' AS gain,
            allocation_reason #>> '{0,params,market_cap}' AS cap
        FROM analytics_portfolio_allocation AS position
        """,
        ("as_of_date", "period_days", "ticker"),
    ),
    "publications": (
        """
        SELECT as_of_date, period_days, status, degraded_reason, row_count, cash_weight, holdings_as_of, source
        FROM analytics_publication WHERE job = 'allocation'
        """,
        ("as_of_date", "period_days"),
    ),
}
NOT_COMPARED = "allocation_reason"


def allocate(db: "duckdb.DuckDBPyConnection", dsn: str) -> None:
    """Read what the portfolios need, make them, and write them in one transaction."""
    with tempfile.TemporaryDirectory() as folder, psycopg2.connect(dsn) as conn, conn.cursor() as cursor:
        _make(db, cursor, Path(folder))
        for name, table in WRITTEN.items():
            _write(db, cursor, name, table, Path(folder))
        # Leaving the connection commits.


def stage(db: "duckdb.DuckDBPyConnection", dsn: str, tables: Mapping[str, str]) -> dict[str, Any]:
    """Make tables of the candidates and the positions. Return how many rows each has, and the publications."""
    with tempfile.TemporaryDirectory() as folder, psycopg2.connect(dsn) as conn, conn.cursor() as cursor:
        _make(db, cursor, Path(folder))
        counts = {}
        for name, table in tables.items():
            make_table(cursor, table, WRITTEN[name])
            counts[name] = _write(db, cursor, name, table, Path(folder))
    found = db.execute(
        "SELECT * REPLACE (as_of_date::varchar AS as_of_date, holdings_as_of::varchar AS holdings_as_of) "
        "FROM publication ORDER BY as_of_date, period_days"
    )
    names = [column for column, *_ in found.description or []]
    return {**counts, "publications": [dict(zip(names, row, strict=True)) for row in found.fetchall()]}


def _make(db: "duckdb.DuckDBPyConnection", cursor: "psycopg2.extensions.cursor", folder: Path) -> None:
    for name, (columns, query) in READ.items():
        path = _copy_out(cursor, query, folder / f"{name}.csv")
        db.execute(f"CREATE TABLE {name} ({columns})")
        db.execute(f"COPY {name} FROM '{path}' (FORMAT csv, HEADER true)")
    for made in (STOCKS, CANDIDATES, POSITIONS, PUBLICATIONS):
        db.execute(made)


def _write(
    db: "duckdb.DuckDBPyConnection", cursor: "psycopg2.extensions.cursor", name: str, table: str, folder: Path
) -> int:
    path = folder / f"{name}.csv"
    db.execute(f"COPY {name} TO '{path}' (FORMAT csv, HEADER false)")
    columns = ", ".join(column for column, *_ in db.execute(f"DESCRIBE {name}").fetchall())
    return copy_in(cursor, table, columns, path)


def make_table(cursor: "psycopg2.extensions.cursor", table: str, like: str) -> None:
    """Make a table for rows that are published later. table: with its schema."""
    cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {table.partition('.')[0]}")
    cursor.execute(f"CREATE UNLOGGED TABLE {table} (LIKE {like})")


def copy_in(cursor: "psycopg2.extensions.cursor", table: str, columns: str, path: Path) -> int:
    """Write a file of CSV into a table, and return how many rows it has."""
    with path.open("rb") as file:
        cursor.copy_expert(f"COPY {table} ({columns}) FROM STDIN (FORMAT csv)", file, 2**20)
    return cursor.rowcount


def differing_rows(db: "duckdb.DuckDBPyConnection", ours: str, theirs: str) -> dict[str, dict[str, int]]:
    """Return how many rows ours has of each kind, and how many are not the same on either side."""
    return {kind: _differing(db, ours, theirs, query, keys) for kind, (query, keys) in COMPARED.items()}


def _differing(
    db: "duckdb.DuckDBPyConnection", ours: str, theirs: str, query: str, keys: tuple[str, ...]
) -> dict[str, int]:
    with tempfile.TemporaryDirectory() as folder:
        for side, dsn in (("ours", ours), ("theirs", theirs)):
            with psycopg2.connect(dsn) as conn, conn.cursor() as cursor:
                path = _copy_out(cursor, query, Path(folder) / f"{side}.csv")
            db.execute(f"CREATE OR REPLACE VIEW {side} AS SELECT * FROM read_csv('{path}', all_varchar = true)")
        columns = [column for column, *_ in db.execute("DESCRIBE ours").fetchall()]
        others = " OR ".join(map(_differs, set(columns) - {*keys, NOT_COMPARED}))
        [(count, differing)] = db.execute(
            f"SELECT COUNT({keys[0]}), COUNT(*) FILTER (ours.source IS NULL OR theirs.source IS NULL OR {others}) "
            f"FROM ours FULL JOIN theirs USING ({', '.join(keys)})"
        ).fetchall()
    return {"rows": count, "differing": differing}


def _differs(column: str) -> str:
    """Write the condition for two texts that are neither the same nor figures that are."""
    ours, theirs = (f"TRY_CAST({side}.{column} AS DOUBLE)" for side in ("ours", "theirs"))
    return (
        f"(ours.{column} IS DISTINCT FROM theirs.{column} "
        f"AND COALESCE(ABS({ours} - {theirs}) > {TOLERANCE} * ABS({theirs}), TRUE))"
    )


def _copy_out(cursor: "psycopg2.extensions.cursor", query: str, path: Path) -> Path:
    """Write the rows of a query into a file of CSV with the names of the columns."""
    with path.open("wb") as file:
        cursor.copy_expert(f"COPY ({query}) TO STDOUT (FORMAT csv, HEADER)", file, size=2**20)
    return path
