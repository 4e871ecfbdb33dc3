"""What a month's portfolio has brought since it was published, and SPY over the same sessions.

Decided on one session, bought at the close of the next one; sold at the close of the session after the next rebalance,
at the latest when it ends to be valid; until then it stands at the newest stored close. Bought once and held: the
weights drift. No cost is taken off. A position without both closes leaves the month without a figure.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from database.db_helper import Connection, Row
from database.queries import etfs, portfolios
from database.queries.paging import Found, Span
from database.queries.returns import Stretch, between
from utils.dates import month_sold_on, session_at, traded_on

_NOT_YET: Row = {"period_return": None, "missing_reason": None}


class Held(NamedTuple):
    """The home sessions at whose closes a portfolio is bought and sold (or stands now)."""

    entry: date
    exit: date
    is_over: bool


def monthly(conn: Connection, benchmark: str, span: Span) -> Found:
    """Every month's portfolio, newest first, followed to its end or to the newest stored close."""
    found = portfolios.rebalances(conn, span)
    newest = etfs.newest_session(conn, benchmark)
    held = {row["rebalance_date"]: _held(row, newest) for row in found.rows}
    stretches = [
        each
        for row in found.rows
        if (times := held[row["rebalance_date"]])
        for each in _stretches(row, times, benchmark)
    ]
    returns = {(each["name"], each["ticker"]): each for each in between(conn, stretches)}
    rows = [_performance(row, held[row["rebalance_date"]], returns, benchmark) for row in found.rows]
    return Found(found.total, rows, {"benchmark": benchmark})


def _held(rebalance: Row, newest: date | None) -> Held | None:
    """None while no session has closed since."""
    entry = traded_on(rebalance["rebalance_date"])
    if newest is None or newest < entry:
        return None
    end = month_sold_on(rebalance["rebalance_date"], rebalance["next_rebalance_date"])
    return Held(entry, min(end, newest), end <= newest)


def _stretches(rebalance: Row, held: Held, benchmark: str) -> list[Stretch]:
    tickers = [benchmark, *(position["ticker"] for position in rebalance["positions"])]
    return [
        Stretch(
            ticker,
            rebalance["rebalance_date"].isoformat(),
            *(session_at(ticker, session) for session in (held.entry, held.exit)),
        )
        for ticker in dict.fromkeys(tickers)
    ]


def _performance(rebalance: Row, held: Held | None, returns: Mapping[tuple[str, str], Row], benchmark: str) -> Row:
    positions: Sequence[Row] = rebalance["positions"]
    tickers = [benchmark, *(position["ticker"] for position in positions)]
    found = {ticker: returns.get((rebalance["rebalance_date"].isoformat(), ticker), _NOT_YET) for ticker in tickers}
    gains = [
        (position["final_weight"], gain)
        for position in positions
        if (gain := found[position["ticker"]]["period_return"]) is not None
    ]
    portfolio = sum(weight * gain for weight, gain in gains) if len(gains) == len(positions) else None
    of_benchmark = found[benchmark]["period_return"]
    missing = [f"{ticker}: {row['missing_reason']}" for ticker, row in found.items() if row["missing_reason"]]
    return {
        **{name: rebalance[name] for name in ("rebalance_date", "valid_until", "as_of_date", "source")},
        "entry_session": held.entry if held else None,
        "exit_session": held.exit if held else None,
        "is_over": held.is_over if held else False,
        "portfolio_return": portfolio,
        "benchmark_return": of_benchmark,
        "excess_return": None if portfolio is None or of_benchmark is None else portfolio - of_benchmark,
        "covered_weight": sum(weight for weight, _ in gains),
        "position_count": len(positions),
        "missing_reason": "; ".join(missing) or None,
    }
