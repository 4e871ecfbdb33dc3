"""The ledger of expected (ticker, session), and the log of stored bars that the source has changed since."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from psycopg2 import sql

from database.db_helper import Connection, Row, Values, fetch, transaction, upsert
from database.tables import DAILY_ETF_OHLC, EXPECTED_BAR, PRICE_BREAK, RESTATEMENT, Table
from utils.errors import NotStored

HOME_CURRENCY = "USD"
# What a person reads for a state of the ledger; a bar that is in no state was never asked for.
STATES = {
    "stored": "stored",
    "late": "late",
    "missing": "missing at the source",
    "quarantined": "quarantined",
    "closed": "market closed",
}


def expect(conn: Connection, kind: str, wanted: Collection[tuple[str, date]], run_id: str | None) -> None:
    """Note what a run is going to ask for, so that it is known even if the run does not get that far."""
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO logs_expected_bar (kind, ticker, trade_date, state, reason, run_id)
            SELECT %s, ticker, trade_date, 'late', 'expected, no answer of the source yet', %s
            FROM UNNEST(%s::text[], %s::date[]) AS wanted (ticker, trade_date)
            ON CONFLICT DO NOTHING
            """,
            (kind, run_id, [ticker for ticker, _ in wanted], [session for _, session in wanted]),
        )


@dataclass(frozen=True)
class Judged:
    """The breaks that the judgement of a ticker's sessions from first to last has found: rows of PRICE_BREAK."""

    kind: str
    ticker: str
    first: date
    last: date
    breaks: Sequence[Values]


def record(
    conn: Connection, expected: Sequence[Values], restated: Sequence[Values], judged: Judged | None = None
) -> None:
    """What the source said of expected bars, and what it has changed: rows of EXPECTED_BAR and RESTATEMENT.

    The breaks of what was judged take the place of those found there before.
    """
    if not (expected or restated or judged):
        return
    with transaction(conn):
        upsert(conn, EXPECTED_BAR, expected)
        upsert(conn, RESTATEMENT, restated)
        if judged:
            _replace_breaks(conn, judged)


def _replace_breaks(conn: Connection, judged: Judged) -> None:
    with conn.cursor() as cursor:
        cursor.execute(
            "DELETE FROM logs_price_break WHERE (kind, ticker) = (%s, %s) AND trade_date BETWEEN %s AND %s",
            (judged.kind, judged.ticker, judged.first, judged.last),
        )
    upsert(conn, PRICE_BREAK, judged.breaks)


def lost_dividends(conn: Connection, kind: str, ticker: str) -> dict[date, float]:
    """The dividends of a ticker that were stored once and that the source has left out since, by session."""
    rows = fetch(
        conn,
        """
        SELECT last_session, (old_values ->> 'dividend')::float8 AS dividend
        FROM logs_restatement
        WHERE (kind, ticker, change) = (%(kind)s, %(ticker)s, 'restated')
            AND (old_values ->> 'dividend')::float8 > 0 AND (new_values ->> 'dividend')::float8 = 0
        ORDER BY recorded_at
        """,
        {"kind": kind, "ticker": ticker},
    )
    return {row["last_session"]: row["dividend"] for row in rows}


def gaps(conn: Connection, start: date | None = None, end: date | None = None) -> list[Row]:
    """Every expected (ticker, session) that is not stored, by session, state and ticker."""
    return fetch(
        conn,
        """
        SELECT trade_date, state, kind, ticker, reason, first_expected_at, asked_at
        FROM logs_session_ledger
        WHERE state <> 'stored'
          AND (%(start)s::date IS NULL OR trade_date >= %(start)s)
          AND (%(end)s::date IS NULL OR trade_date <= %(end)s)
        ORDER BY trade_date, state, kind, ticker
        """,
        {"start": start, "end": end},
    )


def expected_count(conn: Connection, start: date | None = None, end: date | None = None) -> int:
    """How many (ticker, session) were expected, closed markets left out."""
    [row] = fetch(
        conn,
        """
        SELECT COUNT(*) AS n FROM logs_session_ledger
        WHERE state <> 'closed'
          AND (%(start)s::date IS NULL OR trade_date >= %(start)s)
          AND (%(end)s::date IS NULL OR trade_date <= %(end)s)
        """,
        {"start": start, "end": end},
    )
    return int(row["n"])


def newest_session(conn: Connection) -> date:
    """The last session of which anything was expected; NotStored when nothing ever was."""
    [row] = fetch(conn, "SELECT MAX(trade_date) AS newest FROM logs_session_ledger")
    if row["newest"] is None:
        raise NotStored("nothing has been collected yet: run stage 1 first (daily_benchmark_etf_collection)")
    newest: date = row["newest"]
    return newest


def restatements(conn: Connection, start: date | None = None, end: date | None = None) -> list[Row]:
    """Changed bars whose sessions touch the range, in the order in which they were found."""
    return fetch(
        conn,
        """
        SELECT kind, ticker, change, first_session, last_session, price_factor, adj_factor, old_values, new_values,
            replaced_fetched_at, fetched_at, recorded_at, run_id
        FROM logs_restatement
        WHERE (%(start)s::date IS NULL OR last_session >= %(start)s)
          AND (%(end)s::date IS NULL OR first_session <= %(end)s)
        ORDER BY recorded_at, ticker, last_session
        """,
        {"start": start, "end": end},
    )


def why_missing(conn: Connection, table: Table, wanted: Collection[tuple[str, date]]) -> dict[tuple[str, date], str]:
    """Those of the wanted (ticker, session) that have no price in dollars, with the ledger's word on why.

    A stock quoted in another currency wants that session's exchange rate too. What lies before a ticker's first bar
    is no gap: it was not listed.
    """
    query = sql.SQL(
        """
        WITH wanted AS (
            SELECT ticker, trade_date FROM UNNEST(%(tickers)s::text[], %(sessions)s::date[]) AS w (ticker, trade_date)
        ), needed AS (
            SELECT ticker, trade_date, ticker AS needed FROM wanted
            UNION ALL
            SELECT ticker, trade_date, bar.currency || '=X'
            FROM wanted
            JOIN collected_daily_stock_history AS bar USING (ticker, trade_date)
            WHERE bar.currency <> %(home)s AND NOT %(are_etfs)s
        ), first_bar AS (
            SELECT ticker, MIN(trade_date) AS trade_date FROM {table} GROUP BY ticker
        )
        SELECT needed.ticker, needed.trade_date, needed.needed, ledger.state
        FROM needed
        LEFT JOIN first_bar ON first_bar.ticker = needed.needed
        LEFT JOIN logs_session_ledger AS ledger
            ON ledger.ticker = needed.needed AND ledger.trade_date = needed.trade_date
            AND (ledger.kind = 'etf') = %(are_etfs)s
        WHERE ledger.state IS DISTINCT FROM 'stored'
          AND (ledger.state IS NOT NULL OR (needed.trade_date < first_bar.trade_date) IS NOT TRUE)
        """
    ).format(table=sql.Identifier(table.name))
    params = {
        "tickers": [ticker for ticker, _ in wanted],
        "sessions": [session for _, session in wanted],
        "home": HOME_CURRENCY,
        "are_etfs": table is DAILY_ETF_OHLC,
    }
    return {(row["ticker"], row["trade_date"]): _said(row) for row in fetch(conn, query, params)}


def _said(row: Row) -> str:
    """
    >>> _said({"ticker": "IWM", "needed": "IWM", "trade_date": date(2026, 8, 21), "state": "late"})
    'IWM has no bar of 2026-08-21 (late)'
    >>> _said({"ticker": "005930.KS", "needed": "KRW=X", "trade_date": date(2026, 8, 21), "state": None})
    '005930.KS has no KRW=X rate of 2026-08-21 (not collected)'
    """
    what = "bar" if row["needed"] == row["ticker"] else f"{row['needed']} rate"
    return f"{row['ticker']} has no {what} of {row['trade_date']} ({STATES.get(row['state'], 'not collected')})"
