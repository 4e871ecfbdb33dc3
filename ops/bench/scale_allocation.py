"""Stage 5 for hundreds of ETFs beside duckdb: from the same tables to the same rows, candidates and reasons included.

The job reads, computes and publishes, with everything that belongs to a publication: evidence of what it rests on, and
a link of the chain. duckdb computes the same rows and only writes these.
"""

import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

from batch.returns import windows_of
from config.config import PROJECT_ROOT, DatabaseSettings, Settings
from config.periods import PERIODS
from database.db_helper import Connection, connect, fetch, identifiers, transaction
from database.tables import ALLOCATION_CANDIDATES, PORTFOLIO_ALLOCATION, PUBLICATION, Table
from ops.bench.report import Target, step, table
from ops.bench.scratch import scratch_database
from ops.errors import RunFailed
from utils.dates import HOME_EXCHANGE, last_sessions
from utils.spark_utils import submit_command

ETFS, HOLDINGS, STOCKS, SESSIONS, ROUNDS = 500, 25, 3_000, 250, 3
LAST = date(2026, 8, 21)
WANTED = 3.0
SCRIPT = "spark_active_stock_allocator.py"
PUBLISHED = (ALLOCATION_CANDIDATES, PORTFOLIO_ALLOCATION)
UNIVERSE = """
benchmark = "SPY"
periods = [5, 10, 20]
top_holdings = {holdings}
max_position_weight = 1.0
cost_rate = 0.001
[benchmarks]
SPY = "made"
{etfs}
[sectors]
"""
# Random walks of stocks, each with a sector and a share count: the same ones each time.
STOCK_BARS = """
    INSERT INTO collected_daily_stock_history (ticker, trade_date, close_price, adj_close, volume, company_name, sector,
        quote_type, currency, market_cap, market_cap_source, fetched_at, source)
    SELECT 'S' || nth, trade_date, price, price, 1000, 'Company ' || nth, 'Sector ' || nth %% 11, 'EQUITY', 'USD',
        (price * (1000000 + nth * 1000))::bigint, 'shares_x_close', TIMESTAMPTZ '2026-08-22', 'simulated'
    FROM (
        SELECT nth, trade_date,
            (50 * EXP(SUM(move) OVER (PARTITION BY nth ORDER BY trade_date)))::numeric(22, 10) AS price
        FROM (
            SELECT nth, trade_date, (RANDOM() - 0.499) * 0.04 AS move
            FROM GENERATE_SERIES(1, %(stocks)s) AS nth, UNNEST(%(days)s::date[]) AS trade_date
        ) AS step
    ) AS walk
"""
# Two lists of each ETF, the second one from the middle of the sessions on.
HOLDING_LISTS = """
    INSERT INTO collected_etf_holdings (etf_ticker, stock_ticker, stock_name, holding_percent, collected_date,
        holding_rank, fetched_at, source)
    SELECT 'E' || etf, 'S' || 1 + (etf * 37 + rank * 101 + list) %% %(stocks)s, 'Company', 0.2 / rank, collected, rank,
        TIMESTAMPTZ '2026-08-22', 'simulated'
    FROM GENERATE_SERIES(1, %(etfs)s) AS etf, GENERATE_SERIES(1, %(holdings)s) AS rank,
        UNNEST(%(lists)s::date[]) WITH ORDINALITY AS list (collected, list)
"""
# What stage 3 would publish: over each period about two ETFs in five trend.
TRENDING = """
    INSERT INTO analytics_trending_etfs (as_of_date, etf_ticker, spy_return_5d, spy_return_10d, spy_return_20d,
        is_trending_5d, is_trending_10d, is_trending, source)
    SELECT as_of_date, 'E' || etf, 0, 0, 0, RANDOM() < 0.4, RANDOM() < 0.4, RANDOM() < 0.4, 'simulated'
    FROM UNNEST(%(sessions)s::date[]) AS as_of_date, GENERATE_SERIES(1, %(etfs)s) AS etf;
    INSERT INTO analytics_publication (job, as_of_date, period_days, status, row_count, source)
    SELECT 'trending', as_of_date, 0, 'published', %(etfs)s, 'simulated' FROM UNNEST(%(sessions)s::date[]) AS as_of_date
"""
READ = {
    "trending": """
        SELECT as_of_date, etf_ticker, period_days FROM analytics_trending_etfs
        CROSS JOIN LATERAL (VALUES (5, is_trending_5d), (10, is_trending_10d), (20, is_trending))
            AS flag (period_days, trends)
        WHERE trends
    """,
    "holdings": """
        SELECT etf_ticker, stock_ticker AS ticker, holding_rank, holding_percent::float8 AS holding_percent,
            collected_date, source
        FROM collected_etf_holdings
    """,
    "prices": """
        SELECT ticker, trade_date, dollar_adj_close AS price, dollar_market_cap AS market_cap, market_cap_source,
            company_name, sector
        FROM collected_dollar_close WHERE NOT is_etf
    """,
}
COMPUTE = """
    CREATE TABLE held AS
    SELECT as_of_date, period_days, etf_ticker, ticker, holding_rank, holding_percent, collected_date AS holdings_as_of,
        source
    FROM trending JOIN (
        SELECT *,
            MIN(collected_date) OVER (PARTITION BY etf_ticker) = collected_date AS is_first,
            MIN(collected_date) OVER (PARTITION BY etf_ticker ORDER BY collected_date
                RANGE BETWEEN INTERVAL 1 DAY FOLLOWING AND UNBOUNDED FOLLOWING) AS until
        FROM holdings
    ) AS list USING (etf_ticker)
    WHERE (is_first OR collected_date <= as_of_date) AND (until IS NULL OR as_of_date < until);

    CREATE TABLE stocks AS
    SELECT stock.*, start_session, end_session, period_days, closing.price / opening.price - 1 AS period_return,
        closing.market_cap, closing.market_cap_source, closing.company_name, closing.sector
    FROM (
        SELECT as_of_date, ticker, BOOL_OR(period_days = 5) AS is_trending_5d, BOOL_OR(period_days = 10) AS
            is_trending_10d, BOOL_OR(period_days = 20) AS is_trending_20d
        FROM held GROUP BY as_of_date, ticker
    ) AS stock
    JOIN windows USING (as_of_date)
    JOIN prices AS closing ON (closing.ticker, closing.trade_date) = (stock.ticker, end_session)
    JOIN prices AS opening ON (opening.ticker, opening.trade_date) = (stock.ticker, start_session);

    CREATE TABLE measured AS
    SELECT * FROM stocks JOIN (
        SELECT as_of_date, ticker,
            MAX(period_return) FILTER (period_days = 5) AS return_5d,
            MAX(period_return) FILTER (period_days = 10) AS return_10d,
            MAX(period_return) FILTER (period_days = 20) AS return_20d,
            MAX(average) FILTER (period_days = 5) AS sector_avg_5d,
            MAX(average) FILTER (period_days = 10) AS sector_avg_10d,
            MAX(average) FILTER (period_days = 20) AS sector_avg_20d
        FROM stocks JOIN (
            SELECT as_of_date, period_days, sector, AVG(period_return) AS average
            FROM stocks GROUP BY as_of_date, period_days, sector
        ) AS sector USING (as_of_date, period_days, sector)
        GROUP BY as_of_date, ticker
    ) AS over_all USING (as_of_date, ticker);

    CREATE TABLE chosen AS
    SELECT *, is_eligible AND ticker = best_ticker AS is_selected,
        CASE
            WHEN is_eligible AND ticker = best_ticker THEN NULL
            WHEN period_return <= 0 THEN
                '[{{"code":"not_positive","params":{{"gain":' || period_return || '}}}}]'
            WHEN NOT is_eligible THEN
                '[{{"code":"no_market_cap","params":{{"session":"' || end_session || '"}}}}]'
            WHEN best_return > period_return THEN '[{{"code":"returned_more","params":{{"ticker":"' || best_ticker
                || '","gain":' || best_return || '}}}}]'
            WHEN best_percent > holding_percent THEN
                '[{{"code":"larger_holding","params":{{"ticker":"' || best_ticker || '"}}}}]'
            ELSE '[{{"code":"first_by_ticker","params":{{"ticker":"' || best_ticker || '"}}}}]'
        END AS exclusion_reason
    FROM (
        SELECT *,
            FIRST_VALUE(ticker) OVER best_first AS best_ticker,
            FIRST_VALUE(period_return) OVER best_first AS best_return,
            FIRST_VALUE(holding_percent) OVER best_first AS best_percent
        FROM (
            SELECT *, period_return > 0 AND COALESCE(market_cap, 0) > 0 AS is_eligible
            FROM held JOIN measured USING (as_of_date, period_days, ticker)
        ) AS candidate
        WINDOW best_first AS (
            PARTITION BY as_of_date, period_days, etf_ticker
            ORDER BY is_eligible DESC, period_return DESC, holding_percent DESC, ticker)
    ) AS judged;

    CREATE TABLE positions AS
    WITH position AS (
        SELECT as_of_date, period_days, ticker, ANY_VALUE(chosen) AS row, LIST(etf_ticker ORDER BY etf_ticker) AS etfs,
            MAX(holdings_as_of) AS holdings_as_of, ANY_VALUE(period_return) / ANY_VALUE(market_cap) AS score
        FROM chosen WHERE is_selected GROUP BY as_of_date, period_days, ticker
    ), weighted AS (
        SELECT *, score / SUM(score) OVER portfolio AS portfolio_weight,
            ROW_NUMBER() OVER (PARTITION BY as_of_date, period_days ORDER BY score DESC, ticker) AS position_rank
        FROM position WINDOW portfolio AS (PARTITION BY as_of_date, period_days)
    )
    SELECT *,
        MAX(position_rank) FILTER (period_days = 5) OVER of_stock AS rank_5d,
        MAX(position_rank) FILTER (period_days = 10) OVER of_stock AS rank_10d,
        MAX(position_rank) FILTER (period_days = 20) OVER of_stock AS rank_20d
    FROM weighted WINDOW of_stock AS (PARTITION BY as_of_date, ticker);

    COPY (SELECT {candidates} FROM chosen) TO '{folder}/analytics_allocation_candidates' (FORMAT csv, HEADER false);
    COPY (SELECT {positions} FROM positions) TO '{folder}/analytics_portfolio_allocation' (FORMAT csv, HEADER false);
    COPY (
        SELECT 'allocation', as_of_date, period_days, 'published', NULL, NULL, COUNT(*), 0, MAX(holdings_as_of),
            'simulated', NULL
        FROM positions GROUP BY as_of_date, period_days
    ) TO '{folder}/analytics_publication' (FORMAT csv, HEADER false);
"""
# How duckdb's columns of positions differ from those of the table.
OF_POSITION = {
    **{name: name for name in ("as_of_date", "ticker", "period_days", "portfolio_weight", "score", "position_rank")},
    **{name: name for name in ("holdings_as_of", *(f"rank_{days}d" for days in PERIODS))},
    "source_etfs": "'{' || ARRAY_TO_STRING(etfs, ',') || '}'",
    "allocation_reason": """'[{"code":"best_of_etfs","params":{"top":HOLDINGS,"etfs":["' || ARRAY_TO_STRING(etfs, '","')
        || '"],"days":' || period_days || ',"gain":' || row.period_return || ',"market_cap":' || row.market_cap
        || '}}]'""",
    "is_degraded": "FALSE",
}
DIFFERENT = {
    ALLOCATION_CANDIDATES: """
        ours.is_selected <> theirs.is_selected OR ours.holding_rank <> theirs.holding_rank
        OR ours.market_cap <> theirs.market_cap OR ours.holdings_as_of <> theirs.holdings_as_of
        OR ours.start_session <> theirs.start_session OR ABS(ours.period_return - theirs.period_return) > 1e-9
        OR ours.exclusion_reason #>> '{0,code}' IS DISTINCT FROM theirs.exclusion_reason #>> '{0,code}'
        OR ours.exclusion_reason #>> '{0,params,ticker}'
            IS DISTINCT FROM theirs.exclusion_reason #>> '{0,params,ticker}'
        OR ABS((ours.exclusion_reason #>> '{0,params,gain}')::float8
            - (theirs.exclusion_reason #>> '{0,params,gain}')::float8) > 1e-9
    """,
    PORTFOLIO_ALLOCATION: """
        ABS(ours.portfolio_weight - theirs.portfolio_weight) > 1e-9 OR ours.position_rank <> theirs.position_rank
        OR ours.source_etfs <> theirs.source_etfs OR ours.sector <> theirs.sector
        OR ABS(ours.return_20d - theirs.return_20d) > 1e-9 OR ABS(ours.sector_avg_5d - theirs.sector_avg_5d) > 1e-9
        OR ours.is_trending_10d <> theirs.is_trending_10d OR ours.rank_10d IS DISTINCT FROM theirs.rank_10d
        OR (ours.allocation_reason #>> '{0,params,market_cap}')
            <> (theirs.allocation_reason #>> '{0,params,market_cap}')
    """,
}


def measure(
    settings: Settings, etfs: int = ETFS, stocks: int = STOCKS, sessions: int = SESSIONS, rounds: int = ROUNDS
) -> list[Target]:
    """Let both compute the same sessions in turn, and compare what they have stored."""
    every = last_sessions(LAST, sessions + max(PERIODS))
    days = every[max(PERIODS) :]
    with (
        scratch_database(settings.database) as scratch,
        tempfile.TemporaryDirectory() as name,
    ):
        folder = Path(name)
        universe = folder / "universe.toml"
        funds = "\n".join(f'E{nth} = "made"' for nth in range(1, etfs + 1))
        universe.write_text(UNIVERSE.format(holdings=HOLDINGS, etfs=funds), encoding="utf-8")
        with closing(connect(scratch)) as conn:
            _fill(conn, every, days, etfs, stocks)
        taken: dict[str, list[tuple[float, float]]] = {"Spark": [], "duckdb": []}
        for _ in range(rounds):
            with closing(connect(scratch)) as conn:
                _forget(conn)
            taken["duckdb"].append(_timed(lambda: _by_duckdb(scratch, folder, days)))
            with closing(connect(scratch)) as conn:
                _set_aside(conn)
            taken["Spark"].append(_timed(lambda: _by_spark(settings, scratch, universe, days)))
        with closing(connect(scratch)) as conn:
            counted = _compare(conn)
    return _told(taken, counted, etfs, sessions)


def _fill(conn: Connection, every: Sequence[date], days: Sequence[date], etfs: int, stocks: int) -> None:
    params = {"stocks": stocks, "etfs": etfs, "holdings": HOLDINGS, "days": list(every), "sessions": list(days)}
    params["lists"] = [every[0], days[len(days) // 2]]
    with transaction(conn), conn.cursor() as cursor:
        # The versions of invented rows are no part of what is measured, and would take longer than all of it.
        for name in ("collected_daily_stock_history", "collected_etf_holdings"):
            cursor.execute(f"ALTER TABLE {name} DISABLE TRIGGER USER")
        cursor.execute("SELECT SETSEED(0.5)")
        for statement in (STOCK_BARS, HOLDING_LISTS, TRENDING):
            cursor.execute(statement, params)
    conn.autocommit = True
    with conn.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    step(f"{len(every) * stocks:,} bars of {stocks:,} stocks, {etfs} ETFs of {HOLDINGS} holdings, {len(days)} sessions")


def _by_spark(settings: Settings, scratch: DatabaseSettings, universe: Path, days: Sequence[date]) -> None:
    span = ("--from", days[0].isoformat(), "--to", days[-1].isoformat())
    environment = os.environ | {
        "UNIVERSE_FILE": str(universe),
        "PYTHONPATH": str(PROJECT_ROOT),
        **_environment_of(scratch),
    }
    command = submit_command(settings.spark, SCRIPT, *span)
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise RunFailed(f"{SCRIPT}: {(ended.stdout or ended.stderr).strip().splitlines()[-1]}")


def _environment_of(database: DatabaseSettings) -> dict[str, str]:
    return {
        "DB_HOST": database.host,
        "DB_PORT": str(database.port),
        "DB_NAME": database.name,
        "DB_USER": database.user,
        "DB_PASSWORD": database.password,
        "DB_SPARK_USER": database.user,
        "DB_SPARK_PASSWORD": database.password,
    }


def _by_duckdb(scratch: DatabaseSettings, folder: Path, days: Sequence[date]) -> None:
    """Read by COPY, compute, and write by COPY in one transaction."""
    try:
        import duckdb
    except ImportError:
        raise RunFailed("duckdb is not installed: pip install duckdb==2.0.1") from None
    windows = windows_of(days, [HOME_EXCHANGE], PERIODS)
    with closing(duckdb.connect()) as duck, closing(connect(scratch)) as conn:
        for name, query in READ.items():
            _download(conn, query, folder / name)
            duck.execute(f"CREATE TABLE {name} AS FROM read_csv('{folder / name}', header = true)")
        duck.execute(
            "CREATE TABLE windows (as_of_date DATE, period_days INTEGER, start_session DATE, end_session DATE)"
        )
        rows = [(each.as_of_date, each.period_days, each.start_session, each.end_session) for each in windows]
        duck.executemany("INSERT INTO windows VALUES (?, ?, ?, ?)", rows)
        duck.execute(_computing(folder))
        with transaction(conn), conn.cursor() as cursor:
            for each in (PUBLICATION, PORTFOLIO_ALLOCATION, ALLOCATION_CANDIDATES):
                _upload(cursor, each, folder / each.name)


def _computing(folder: Path) -> str:
    positions = ", ".join(
        OF_POSITION.get(name, f"row.{name}").replace("HOLDINGS", str(HOLDINGS)) for name in PORTFOLIO_ALLOCATION.columns
    )
    return COMPUTE.format(candidates=", ".join(ALLOCATION_CANDIDATES.columns), positions=positions, folder=folder)


def _download(conn: Connection, query: str, path: Path) -> None:
    with conn.cursor() as cursor, path.open("wb") as file:
        cursor.copy_expert(f"COPY ({query}) TO STDOUT (FORMAT csv, HEADER)", file)


def _upload(cursor: Any, into: Table, path: Path) -> None:
    with path.open("rb") as file:
        columns = identifiers(into.columns).as_string(cursor)
        cursor.copy_expert(f"COPY {into.name} ({columns}) FROM STDIN (FORMAT csv)", file)


def _timed(work: Callable[[], None]) -> tuple[float, float]:
    """Return how long work takes, and the CPU time of this process and of those that it started."""
    began, cpu = time.monotonic(), _cpu()
    work()
    return time.monotonic() - began, _cpu() - cpu


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _forget(conn: Connection) -> None:
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute("DROP SCHEMA IF EXISTS duckdb CASCADE")
        _truncate(cursor)


def _set_aside(conn: Connection) -> None:
    """Keep what duckdb has stored for the comparison, and make room for Spark."""
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute("CREATE SCHEMA duckdb")
        for each in PUBLISHED:
            cursor.execute(f"CREATE TABLE duckdb.{each.name} AS TABLE {each.name}")
        _truncate(cursor)


def _truncate(cursor: Any) -> None:
    cursor.execute(f"TRUNCATE {', '.join(each.name for each in PUBLISHED)}")
    cursor.execute("DELETE FROM analytics_publication WHERE job = 'allocation'")


def _compare(conn: Connection) -> Mapping[str, int]:
    counted = {}
    for each in PUBLISHED:
        key = ", ".join(each.key)
        [row] = fetch(
            conn,
            f"SELECT COUNT(*) AS n, COUNT(*) FILTER (WHERE ours.as_of_date IS NULL OR theirs.as_of_date IS NULL "
            f"OR {DIFFERENT[each]}) AS different FROM {each.name} AS ours "
            f"FULL JOIN duckdb.{each.name} AS theirs USING ({key})",
        )
        if row["different"]:
            raise RunFailed(f"{row['different']:,} of {row['n']:,} rows of {each.name} are not those of duckdb")
        counted[each.name] = row["n"]
    return counted


def _told(
    taken: Mapping[str, Sequence[tuple[float, float]]], counted: Mapping[str, int], etfs: int, sessions: int
) -> list[Target]:
    best = {name: min(times) for name, times in taken.items()}
    table(
        ("allocation", "seconds, each round", "best", "client CPU"),
        [
            (name, ", ".join(f"{wall:.1f}" for wall, _ in times), f"{best[name][0]:.1f} s", f"{best[name][1]:.1f} s")
            for name, times in taken.items()
        ],
    )
    rows = " and ".join(f"{count:,} rows of {name}" for name, count in counted.items())
    step(f"the same rows: {rows}")
    ratio = best["Spark"][0] / best["duckdb"][0]
    name = f"allocation, {etfs} ETFs x {HOLDINGS} holdings x {sessions} sessions, against duckdb"
    return [Target(name, ratio, WANTED, " x", at_most=True, digits=1)]
