"""Which returns lack a price or have one in doubt: found as sets, so that only these few are looked at one by one."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from operator import attrgetter

from batch.returns import ReturnWindow, ends_of
from database.db_helper import Connection, fetch
from database.queries import ledger
from database.queries.doubts import doubts, sessions_exchange
from utils.reasons import Reason

# The ends of returns without a price in dollars. What is before a ticker's first bar counts if a run has asked for it.
POINTS_WITHOUT_PRICE = """
    WITH listed AS MATERIALIZED (
        SELECT
            ticker,
            exchange,
            LEAST(
                (SELECT MIN(trade_date) FROM collected_daily_etf_ohlc AS bar WHERE bar.ticker = listed.ticker),
                (SELECT MIN(trade_date) FROM collected_daily_stock_history AS bar WHERE bar.ticker = listed.ticker)
            ) AS first_bar
        FROM UNNEST(%(tickers)s::text[], %(exchanges)s::text[]) AS listed (ticker, exchange)
    ), close AS MATERIALIZED (
        SELECT ticker, trade_date, per_dollar
        FROM collected_dollar_close
        WHERE ticker = ANY(%(tickers)s) AND trade_date BETWEEN %(first)s AND %(last)s
    ), asked AS MATERIALIZED (
        SELECT ticker, trade_date FROM logs_expected_bar
        WHERE ticker = ANY(%(tickers)s) AND trade_date BETWEEN %(first)s AND %(last)s
        UNION
        SELECT ticker, trade_date FROM logs_quarantined_bar
        WHERE ticker = ANY(%(tickers)s) AND trade_date BETWEEN %(first)s AND %(last)s
    )
    SELECT ticker, trade_date
    FROM listed
    JOIN UNNEST(%(end_exchanges)s::text[], %(ends)s::date[]) AS ends (exchange, trade_date) USING (exchange)
    LEFT JOIN close USING (ticker, trade_date)
    LEFT JOIN asked USING (ticker, trade_date)
    WHERE per_dollar IS NULL
        AND (close.ticker IS NOT NULL OR asked.ticker IS NOT NULL OR (trade_date < first_bar) IS NOT TRUE)
"""


def reasons_by_day(
    conn: Connection, tickers: Sequence[str], windows: Sequence[ReturnWindow]
) -> dict[date, list[Reason]]:
    """Return the days whose returns lack a price, or have one in doubt, with the reasons.

    They are in the order of the windows, and in that of the tickers.
    """
    touched = touched_windows(conn, tickers, windows)
    place = {ticker: nth for nth, ticker in enumerate(tickers)}
    wanted = [
        (window.as_of_date, (ticker, window.start_session, window.end_session))
        for window in windows
        for ticker in sorted(touched.get(window, ()), key=place.__getitem__)
    ]
    reasons = ledger.why_missing(conn, {each for _, each in wanted}) if wanted else {}
    gaps: dict[date, list[Reason]] = {}
    for as_of, window in wanted:
        if window in reasons:
            gaps.setdefault(as_of, []).extend(reasons[window])
    return gaps


def touched_windows(
    conn: Connection, tickers: Sequence[str], windows: Sequence[ReturnWindow]
) -> dict[ReturnWindow, set[str]]:
    """Return the windows that end or begin without a price, or have a doubt in them, each with the tickers."""
    by_exchange = {
        exchange: _ByDay([window for window in windows if window.exchange == exchange])
        for exchange in {window.exchange for window in windows}
    }
    touched: dict[ReturnWindow, set[str]] = defaultdict(set)
    for ticker, day in _points_without_price(conn, tickers, windows):
        for window in by_exchange[sessions_exchange(ticker)].ending_or_beginning(day):
            touched[window].add(ticker)
    for ticker, found in doubts(conn, tickers, ends_of(windows)).items():
        for doubt in found:
            for window in by_exchange[sessions_exchange(ticker)].around(doubt.trade_date):
                touched[window].add(ticker)
    return touched


def _points_without_price(
    conn: Connection, tickers: Sequence[str], windows: Sequence[ReturnWindow]
) -> Iterator[tuple[str, date]]:
    points = {(window.exchange, day) for window in windows for day in (window.start_session, window.end_session)}
    days = ends_of(windows)
    rows = fetch(
        conn,
        POINTS_WITHOUT_PRICE,
        {
            "tickers": list(tickers),
            "exchanges": [sessions_exchange(ticker) for ticker in tickers],
            "end_exchanges": [exchange for exchange, _ in points],
            "ends": [day for _, day in points],
            "first": days[0],
            "last": days[-1],
        },
    )
    return ((row["ticker"], row["trade_date"]) for row in rows)


class _ByDay:
    """The windows of an exchange, to be found by a day."""

    def __init__(self, windows: Sequence[ReturnWindow]) -> None:
        self._by_end = sorted(windows, key=attrgetter("end_session"))
        self._ends = [window.end_session for window in self._by_end]
        self._longest = max((window.end_session - window.start_session for window in windows), default=timedelta())
        self._at: dict[date, list[ReturnWindow]] = defaultdict(list)
        for window in windows:
            self._at[window.start_session].append(window)
            self._at[window.end_session].append(window)

    def ending_or_beginning(self, day: date) -> Sequence[ReturnWindow]:
        return self._at.get(day, ())

    def around(self, day: date) -> Iterator[ReturnWindow]:
        """Yield the windows from whose start to whose end, both included, the day is."""
        for window in self._by_end[bisect_left(self._ends, day) :]:
            if window.end_session > day + self._longest:
                return
            if window.start_session <= day:
                yield window
