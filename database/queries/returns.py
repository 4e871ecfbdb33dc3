"""Returns of any stored ticker over any window, for what no job publishes: R = A_end / A_start - 1, in US dollars.

The definition is that of batch.returns, on the sessions of utils.dates: an end point that is not stored or has no
exchange rate, and a withheld break between the two, give no value and a reason. The jobs' own figures are read from
their tables, never computed here.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import NamedTuple

from msgspec import Struct

from contract.common import WINDOWS, Window
from database.db_helper import Connection
from database.queries.doubts import Doubt, against, doubts
from database.queries.reasons import sql_reason
from database.queries.typed import fetch_as
from utils.dates import find_exchange, month_to_date, why_no_exchange, window_of
from utils.reasons import Reason, of_ticker


class TickerWindow(NamedTuple):
    """A ticker's two sessions (None of an unknown exchange); `name` tells several of one ticker apart."""

    ticker: str
    name: str
    start_session: date | None
    end_session: date | None


class Return(Struct):
    """A ticker window with its return. missing: why it has none; noted: why it is in doubt."""

    ticker: str
    name: str
    start_session: date | None
    end_session: date | None
    period_return: float | None
    missing: list[Reason]
    noted: list[Reason]

    @property
    def window(self) -> Window:
        """The window that a ticker window of `ticker_windows` is named after."""
        return next(each for each in WINDOWS if each == self.name)

    def missing_beside(self, benchmark: "Return") -> Sequence[Reason]:
        """Return why it, or the benchmark's over the same window, has no value."""
        return self.missing or _of_benchmark(benchmark, benchmark.missing)

    def noted_beside(self, benchmark: "Return") -> Sequence[Reason]:
        """Return why it, or the benchmark's over the same window, is in doubt."""
        return self.noted or _of_benchmark(benchmark, benchmark.noted)


def _of_benchmark(benchmark: Return, reasons: Sequence[Reason]) -> Sequence[Reason]:
    return [of_ticker(benchmark.ticker, reasons)] if reasons else []


def sessions_of_window(window: Window, as_of: date, exchange: str) -> tuple[date, date]:
    """Return both end points of a window as of a home session, on the exchange's own sessions."""
    return month_to_date(as_of, exchange) if window == "month" else window_of(as_of, int(window[:-1]), exchange)


def ticker_windows(tickers: Iterable[str], as_of: date, windows: Sequence[Window] = WINDOWS) -> list[TickerWindow]:
    """Return the windows of each ticker."""
    exchanges = {ticker: find_exchange(ticker) for ticker in tickers}
    sessions = {
        (exchange, window): sessions_of_window(window, as_of, exchange)
        for exchange in set(filter(None, exchanges.values()))
        for window in windows
    }
    return [
        TickerWindow(ticker, window, *(sessions[exchange, window] if exchange else (None, None)))
        for ticker, exchange in exchanges.items()
        for window in windows
    ]


def between(conn: Connection, windows: Sequence[TickerWindow]) -> list[Return]:
    """Return the return over each ticker window, in their order."""
    columns = list(zip(*windows, strict=True)) or [()] * len(TickerWindow._fields)
    returns = fetch_as(
        conn,
        Return,
        f"""
        SELECT
            ticker_window.ticker,
            ticker_window.name,
            ticker_window.start_session,
            ticker_window.end_session,
            end_point.price / NULLIF(start_point.price, 0) - 1 AS period_return,
            jsonb_path_query_array(
                jsonb_build_array({_why_missing("end")}, {_why_missing("start")}), '$[*] ? (@ != null)') AS missing,
            '[]'::jsonb AS noted
        FROM UNNEST(%(ticker)s::text[], %(name)s::text[], %(start_session)s::date[], %(end_session)s::date[])
            WITH ORDINALITY AS ticker_window (ticker, name, start_session, end_session, nth)
        LEFT JOIN LATERAL ({_dollar_close("end")}) AS end_point ON TRUE
        LEFT JOIN LATERAL ({_dollar_close("start")}) AS start_point ON TRUE
        ORDER BY ticker_window.nth
        """,
        {field: list(column) for field, column in zip(TickerWindow._fields, columns, strict=True)},
    )
    days = {day for each in windows for day in (each.start_session, each.end_session) if day}
    said = doubts(conn, {each.ticker for each in windows}, days)
    for each in returns:
        _apply_doubts(each, said.get(each.ticker, ()))
    return returns


def _apply_doubts(each: Return, said: Collection[Doubt]) -> None:
    """Withhold a return across a withheld break, and note its other doubts."""
    unknown = why_no_exchange(each.ticker)
    if unknown or each.start_session is None or each.end_session is None:
        each.period_return, each.missing = None, [unknown] if unknown else []
        return
    withheld, each.noted = against(said, each.start_session, each.end_session)
    each.missing += withheld
    if each.missing:
        each.period_return = None


def _dollar_close(end_point: str) -> str:
    """Select the adjusted close of a ticker window's end point in dollars."""
    return f"""
        SELECT currency, dollar_adj_close AS price
        FROM collected_dollar_close
        WHERE ticker = ticker_window.ticker AND trade_date = ticker_window.{end_point}_session
        LIMIT 1
    """


def _why_missing(end_point: str) -> str:
    """Select why a price is missing, as the jobs do."""
    session = f"ticker_window.{end_point}_session"
    return f"""
        CASE
            WHEN {end_point}_point.currency IS NULL
                THEN {sql_reason("no_price", session=session)}
            WHEN {end_point}_point.price IS NULL
                THEN {sql_reason("no_rate", rate=f"{end_point}_point.currency || '=X'", session=session)}
        END
    """
