"""What is said against the stored dollar closes: sessions at which prices break, and rates carried from a day before.

A return across a withheld break has no value. One across a noted break, or with a carried rate at one of its ends, is
published and its publication is degraded. The jobs, the queries and the ledger all read it here.
"""

from collections.abc import Collection, Mapping
from datetime import date
from typing import NamedTuple

from database.db_helper import Connection, fetch
from database.queries.reasons import sql_reason
from utils.dates import HOME_EXCHANGE, find_exchange
from utils.reasons import Reason, from_rows

WITHHELD, NOTED, CARRIED_RATE = "withheld", "noted", "rate"

# A rate that breaks is a break of every price it converts.
DOUBTS = f"""
    WITH breaks AS (
        SELECT kind, ticker, trade_date, CASE WHEN is_withheld THEN '{WITHHELD}' ELSE '{NOTED}' END AS doubt,
            reason AS found
        FROM logs_open_break
        WHERE trade_date BETWEEN %(first)s AND %(last)s
    )
    SELECT ticker, trade_date, doubt AS kind,
        {sql_reason("prices_break", session="trade_date", reasons="found")} AS reason
    FROM breaks
    WHERE kind <> 'rate' AND ticker = ANY(%(tickers)s)
        AND (kind = 'etf') = EXISTS (SELECT FROM collected_daily_etf_ohlc AS etf WHERE etf.ticker = breaks.ticker)
    UNION ALL
    SELECT converted.ticker, breaks.trade_date, doubt,
        {sql_reason("rate_breaks", rate="breaks.ticker", session="breaks.trade_date", reasons="found")}
    FROM breaks
    CROSS JOIN LATERAL (
        SELECT DISTINCT bar.ticker
        FROM collected_dollar_close AS bar
        WHERE bar.ticker = ANY(%(tickers)s) AND bar.trade_date BETWEEN %(first)s AND %(last)s
            AND bar.currency || '=X' = breaks.ticker
    ) AS converted
    WHERE kind = 'rate'
    UNION ALL
    SELECT ticker, trade_date, '{CARRIED_RATE}',
        {sql_reason("carried_rate", rate="currency || '=X'", session="trade_date", used="rate_date")}
    FROM collected_dollar_close
    WHERE ticker = ANY(%(tickers)s) AND trade_date = ANY(%(sessions)s) AND rate_date <> trade_date
"""


class Doubt(NamedTuple):
    """trade_date: the first session behind a break, or the session whose rate is an earlier one's."""

    trade_date: date
    kind: str
    reason: Reason


Doubts = Mapping[str, list[Doubt]]  # by ticker


def params(tickers: Collection[str], sessions: Collection[date]) -> dict[str, object]:
    """Return the parameters of DOUBTS. sessions: the ends of the returns, between which a break counts."""
    days = sorted(sessions)
    return {
        "tickers": sorted(tickers),
        "sessions": days,
        "first": days[0] if days else None,
        "last": days[-1] if days else None,
    }


def doubts(conn: Connection, tickers: Collection[str], sessions: Collection[date]) -> Doubts:
    """Return the doubts about the prices of these tickers, in the order of their days."""
    found: dict[str, list[Doubt]] = {}
    for row in fetch(conn, f"{DOUBTS} ORDER BY trade_date, kind, reason", params(tickers, sessions)):
        [told] = from_rows([row["reason"]])
        found.setdefault(row["ticker"], []).append(Doubt(row["trade_date"], row["kind"], told))
    return found


def against(of_ticker: Collection[Doubt], start: date, end: date) -> tuple[list[Reason], list[Reason]]:
    """Return the reasons to withhold the return between two sessions, and those to degrade it.

    >>> split = Doubt(date(2026, 8, 12), WITHHELD, Reason("no_price", {"session": "2026-08-12"}))
    >>> against([split], date(2026, 8, 11), date(2026, 8, 12))
    ([Reason(code='no_price', params={'session': '2026-08-12'})], [])
    >>> against([split], date(2026, 8, 12), date(2026, 8, 21))
    ([], [])
    """
    withheld = [each.reason for each in of_ticker if each.kind == WITHHELD and start < each.trade_date <= end]
    noted = [
        each.reason
        for each in of_ticker
        if (each.kind == NOTED and start < each.trade_date <= end)
        or (each.kind == CARRIED_RATE and each.trade_date in (start, end))
    ]
    return withheld, noted


def withheld_days(of_ticker: Collection[Doubt]) -> list[date]:
    """Return the days of the withheld breaks, in order.

    >>> split = Doubt(date(2026, 8, 12), WITHHELD, Reason("no_price", {"session": "2026-08-12"}))
    >>> withheld_days([split, split._replace(kind=NOTED)])
    [datetime.date(2026, 8, 12)]
    """
    return sorted({each.trade_date for each in of_ticker if each.kind == WITHHELD})


def sessions_exchange(ticker: str) -> str:
    """Return the exchange whose sessions count for a ticker: its own, else the home exchange.

    >>> sessions_exchange("005930.KS"), sessions_exchange("VNM.VN")
    ('XKRX', 'XNYS')
    """
    return find_exchange(ticker) or HOME_EXCHANGE
