"""What a month's portfolio has brought since it was published, and SPY over the same sessions.

Decided on one session, bought at the close of the next one; sold at the close of the session after the next rebalance,
at the latest when it ends to be valid; until then it stands at the newest stored close. Bought once and held: the
weights drift. No cost is taken off. A position without both closes leaves the month without a figure. What is in doubt
of the decision and of the prices stands beside the figure.
"""

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from contract.portfolios import MonthlyPerformance, MonthlyPerformances
from contract.reasons import data_of, shown
from database.db_helper import Connection
from database.queries import etfs, portfolios
from database.queries.paging import Page
from database.queries.portfolios import Rebalance
from database.queries.returns import Return, TickerWindow, between
from utils.dates import month_sold_on, session_at, traded_on
from utils.reasons import join, of_ticker


class Held(NamedTuple):
    """The home sessions at whose closes a portfolio is bought and sold (or stands now)."""

    entry: date
    exit: date
    is_over: bool


def monthly(conn: Connection, benchmark: str, page: Page) -> MonthlyPerformances:
    """Return every month's portfolio, newest first, followed to its end or to the newest stored close."""
    found = portfolios.rebalances(conn, page)
    newest = etfs.newest_session(conn, benchmark)
    held = [(row, _held(row, newest)) for row in found.rows]
    returns: dict[date, dict[str, Return]] = {row.rebalance_date: {} for row in found.rows}
    for each in between(conn, [each for row, times in held if times for each in _windows(row, times, benchmark)]):
        returns[date.fromisoformat(each.name)][each.ticker] = each
    months = [_performance(row, times, returns[row.rebalance_date], benchmark) for row, times in held]
    return MonthlyPerformances(found.total, *page, next=None, benchmark=benchmark, months=months)


def _held(rebalance: Rebalance, newest: date | None) -> Held | None:
    """Return when a month's portfolio is held; None while no session has closed since."""
    entry = traded_on(rebalance.rebalance_date)
    if newest is None or newest < entry:
        return None
    end = month_sold_on(rebalance.rebalance_date, rebalance.next_rebalance_date)
    return Held(entry, min(end, newest), end <= newest)


def _windows(rebalance: Rebalance, held: Held, benchmark: str) -> list[TickerWindow]:
    tickers = [benchmark, *(position.ticker for position in rebalance.positions)]
    name = rebalance.rebalance_date.isoformat()
    return [
        TickerWindow(ticker, name, session_at(ticker, held.entry), session_at(ticker, held.exit))
        for ticker in dict.fromkeys(tickers)
    ]


def _performance(
    rebalance: Rebalance, held: Held | None, returns: Mapping[str, Return], benchmark: str
) -> MonthlyPerformance:
    gains = {ticker: each.period_return for ticker, each in returns.items() if each.period_return is not None}
    priced = [each for each in rebalance.positions if each.ticker in gains]
    portfolio = sum((each.final_weight * gains[each.ticker] for each in priced), 0.0)
    has_return = len(priced) == len(rebalance.positions)
    of_benchmark = gains.get(benchmark)
    missing = [of_ticker(ticker, each.missing) for ticker, each in returns.items() if each.missing]
    noted = [of_ticker(ticker, each.noted) for ticker, each in returns.items() if each.noted]
    degraded = [*data_of(rebalance.degraded_reasons), *noted]
    return MonthlyPerformance(
        rebalance_date=rebalance.rebalance_date,
        valid_until=rebalance.valid_until,
        as_of_date=rebalance.as_of_date,
        entry_session=held.entry if held else None,
        exit_session=held.exit if held else None,
        is_over=held.is_over if held else False,
        portfolio_return=portfolio if has_return else None,
        benchmark_return=of_benchmark,
        excess_return=portfolio - of_benchmark if has_return and of_benchmark is not None else None,
        covered_weight=sum((each.final_weight for each in priced), 0.0),
        position_count=len(rebalance.positions),
        missing_reason=join(missing),
        missing_reasons=shown(missing),
        degraded_reason=join(degraded),
        degraded_reasons=shown(degraded),
        holdings_as_of=rebalance.holdings_as_of,
        holdings_known_later=bool(rebalance.holdings_as_of and rebalance.holdings_as_of > rebalance.as_of_date),
        source=rebalance.source,
    )
