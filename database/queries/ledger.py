"""The ledger of expected (ticker, session), and the log of stored bars that the source has changed since."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from database.db_helper import Connection, Row, Values, fetch, transaction, upsert
from database.queries.doubts import against, doubts
from database.tables import EXPECTED_BAR, PRICE_BREAK, RESTATEMENT
from utils.dates import why_no_exchange
from utils.errors import NotStored
from utils.reasons import SENTENCES, Reason, as_json, of_ticker, reason

Window = tuple[str, date, date]  # ticker, and both ends of a return

HOME_CURRENCY = "USD"
# What a person reads for a state of the ledger; a bar that is in no state was never asked for.
STATES = {
    "stored": "stored",
    **{state: SENTENCES[f"state_{state}"] for state in ("late", "missing", "quarantined", "closed")},
}


def expect(conn: Connection, kind: str, wanted: Collection[tuple[str, date]], run_id: str | None) -> None:
    """Note what a run is going to ask for, so that it is known even if the run does not get that far."""
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO logs_expected_bar (kind, ticker, trade_date, state, reason, run_id)
            SELECT %s, ticker, trade_date, 'late', %s::jsonb, %s
            FROM UNNEST(%s::text[], %s::date[]) AS wanted (ticker, trade_date)
            ON CONFLICT DO NOTHING
            """,
            (
                kind,
                as_json([reason("expected")]),
                run_id,
                [ticker for ticker, _ in wanted],
                [session for _, session in wanted],
            ),
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
    """Store the source's answers about expected bars, and its changes: rows of EXPECTED_BAR and RESTATEMENT.

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
    found = [row[PRICE_BREAK.columns.index("trade_date")] for row in judged.breaks]
    with conn.cursor() as cursor:
        # What is found again is not deleted first: it would leave two versions each time.
        cursor.execute(
            "DELETE FROM logs_price_break"
            " WHERE (kind, ticker) = (%s, %s) AND trade_date BETWEEN %s AND %s AND trade_date <> ALL (%s::date[])",
            (judged.kind, judged.ticker, judged.first, judged.last, found),
        )
    upsert(conn, PRICE_BREAK, judged.breaks)


def lost_dividends(conn: Connection, kind: str, ticker: str) -> dict[date, float]:
    """Return the stored dividends of a ticker that the source has left out since, by session."""
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
    """Return every expected (ticker, session) that is not stored, by session, state and ticker."""
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


def doubtful(conn: Connection, start: date | None = None, end: date | None = None) -> list[Row]:
    """Return bars that the source may have mended since: behind a break, of a stock without a cap, or rejected.

    A rejected bar counts also where an earlier one of its session is stored.
    """
    return fetch(
        conn,
        """
        SELECT trade_date, 'doubtful' AS state, kind, ticker
        FROM (
            SELECT trade_date, kind, ticker FROM logs_open_break
            UNION
            SELECT trade_date, 'stock', ticker FROM collected_daily_stock_history
            WHERE quote_type = 'EQUITY' AND market_cap IS NULL
            UNION
            SELECT trade_date, kind, ticker FROM logs_quarantined_bar
        ) AS doubtful
        WHERE (%(start)s::date IS NULL OR trade_date >= %(start)s)
          AND (%(end)s::date IS NULL OR trade_date <= %(end)s)
        ORDER BY trade_date, kind, ticker
        """,
        {"start": start, "end": end},
    )


def expected_count(conn: Connection, start: date | None = None, end: date | None = None) -> int:
    """Count the expected (ticker, session), closed markets left out."""
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
    """Return the last session with expected bars; NotStored without one."""
    [row] = fetch(conn, "SELECT MAX(trade_date) AS newest FROM logs_session_ledger")
    if row["newest"] is None:
        raise NotStored("nothing has been collected yet: run stage 1 first (daily_benchmark_etf_collection)")
    newest: date = row["newest"]
    return newest


def restatements(conn: Connection, start: date | None = None, end: date | None = None) -> list[Row]:
    """Return changed bars whose sessions touch the range, in the order in which they were found."""
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


def why_missing(conn: Connection, windows: Collection[Window], is_expected: bool = False) -> dict[Window, list[Reason]]:
    """Return by window (ticker, start, end) what is missing for its return, or said against it.

    Each end wants a price in dollars, so one in another currency wants a rate, too. What lies before a ticker's first
    bar is no gap: it was not listed. is_expected: nor is what no run has ever asked for.
    """
    points = {(ticker, day) for ticker, start, end in windows for day in (start, end)}
    missing = {
        (row["ticker"], row["trade_date"]): _why_lacking(row)
        for row in _without_price(conn, points)
        if row["state"] or not is_expected
    }
    doubted = doubts(conn, {ticker for ticker, _ in points}, {day for _, day in points})
    found: dict[Window, list[Reason]] = {}
    for ticker, start, end in windows:
        lacking = {day: missing[ticker, day] for day in (start, end) if (ticker, day) in missing}
        # Of a bar that is quarantined for its break, the ledger's word is enough.
        said = [doubt for doubt in doubted.get(ticker, ()) if doubt.trade_date not in lacking]
        withheld, noted = against(said, start, end)
        reasons = list(lacking.values())
        if unknown := why_no_exchange(ticker):
            reasons = [of_ticker(ticker, [unknown])]
        reasons += [of_ticker(ticker, [doubt]) for doubt in (*withheld, *noted)]
        if reasons:
            found[ticker, start, end] = reasons
    return found


def _without_price(conn: Connection, wanted: Collection[tuple[str, date]]) -> list[Row]:
    """Return the (ticker, session) without a price in dollars: what is needed of that day, and its state."""
    return fetch(
        conn,
        """
        -- Each ticker and session once: from a list of the pairs the planner expects so many rows that it reads all.
        WITH close AS (
            SELECT ticker, trade_date, currency, per_dollar
            FROM collected_dollar_close
            WHERE ticker = ANY(%(tickers)s) AND trade_date = ANY(%(sessions)s)
        ), needed AS MATERIALIZED (
            SELECT
                wanted.ticker,
                wanted.trade_date,
                CASE WHEN close.ticker IS NULL THEN wanted.ticker ELSE close.currency || '=X' END AS needed
            FROM UNNEST(%(wanted_tickers)s::text[], %(wanted_sessions)s::date[]) AS wanted (ticker, trade_date)
            LEFT JOIN close USING (ticker, trade_date)
            WHERE close.per_dollar IS NULL
        ), first_bar AS MATERIALIZED (
            SELECT needed, LEAST(
                (SELECT MIN(trade_date) FROM collected_daily_etf_ohlc WHERE ticker = needed),
                (SELECT MIN(trade_date) FROM collected_daily_stock_history WHERE ticker = needed)
            ) AS trade_date
            FROM (SELECT DISTINCT needed FROM needed) AS ticker
        ), quarantined AS MATERIALIZED (
            SELECT ticker, trade_date FROM logs_quarantined_bar
        )
        SELECT
            needed.ticker,
            needed.trade_date,
            needed.needed,
            CASE WHEN quarantined.ticker IS NOT NULL THEN 'quarantined' ELSE expected.state END AS state,
            unknown.trade_date AS unknown_on
        FROM needed
        JOIN first_bar USING (needed)
        LEFT JOIN quarantined ON (quarantined.ticker, quarantined.trade_date) = (needed.needed, needed.trade_date)
        LEFT JOIN logs_expected_bar AS expected
            ON expected.kind IN ('etf', 'stock', 'rate')  -- all kinds: the key begins with it
            AND (expected.ticker, expected.trade_date) = (needed.needed, needed.trade_date)
        LEFT JOIN LATERAL (
            -- A source that knows no bar of a ticker has none of the sessions before. The reason says when that was.
            SELECT trade_date FROM logs_expected_bar AS later
            WHERE later.kind IN ('etf', 'stock', 'rate') AND later.ticker = needed.needed
                AND later.trade_date > needed.trade_date AND later.state = 'missing' AND first_bar.trade_date IS NULL
            ORDER BY trade_date
            LIMIT 1
        ) AS unknown ON TRUE
        WHERE quarantined.ticker IS NOT NULL OR expected.state IS NOT NULL
            OR (needed.trade_date < first_bar.trade_date) IS NOT TRUE
        """,
        {
            "tickers": sorted({ticker for ticker, _ in wanted}),
            "sessions": sorted({session for _, session in wanted}),
            "wanted_tickers": [ticker for ticker, _ in wanted],
            "wanted_sessions": [session for _, session in wanted],
        },
    )


def _why_lacking(row: Row) -> Reason:
    """Return the reason of a missing bar or rate.

    >>> day = {"trade_date": date(2026, 8, 21), "state": None, "unknown_on": None}
    >>> str(_why_lacking(day | {"ticker": "IWM", "needed": "IWM", "state": "late"}))
    'IWM has no bar of 2026-08-21 (late)'
    >>> str(_why_lacking(day | {"ticker": "005930.KS", "needed": "KRW=X"}))
    '005930.KS has no KRW=X rate of 2026-08-21 (not collected)'
    >>> str(_why_lacking(day | {"ticker": "MOG-A", "needed": "MOG-A", "unknown_on": date(2026, 8, 28)}))
    'MOG-A has no bar of 2026-08-21 (the source knew none at all on 2026-08-28)'
    """
    if row["unknown_on"] and not row["state"]:
        state = reason("state_unknown", session=row["unknown_on"])
    else:
        state = reason(f"state_{row['state'] or 'not_collected'}")
    if row["needed"] == row["ticker"]:
        return reason("lacks_bar", ticker=row["ticker"], session=row["trade_date"], state=state)
    return reason("lacks_rate", ticker=row["ticker"], rate=row["needed"], session=row["trade_date"], state=state)
