"""Portfolios, and the daily bars of any collected symbol."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Response

from api import trades
from api.deps import AsOf, Between, Day, Page, Period, Replies, Symbol
from api.errors import documented
from api.models.schemas import answer
from config.universe import universe
from contract.portfolios import MonthlyPortfolio, MonthlyTrades, Portfolio, Record
from contract.stocks import History, LatestBar
from database.db_helper import Connection, Row
from database.queries import portfolios, stocks
from utils.errors import NotPublished, UnknownTicker

router = APIRouter(prefix="/stocks", tags=["stocks"], responses=documented(404))

NO_REBALANCE_YET = "no rebalance is published yet: the first one follows the last Sunday of a month"


@router.get("/portfolio", responses=answer(Portfolio))
async def portfolio(reply: Replies, period_days: Period = 20, as_of_date: AsOf = None) -> Response:
    """The portfolio of one period, as published.

    A session for which nobody was eligible is a publication too: `status` is "empty", `positions` is empty, and
    `reason` says why. So is one before which too little history is stored: "not_computable". A session that was never
    computed is a 404, a day without a session a 422.
    """
    return await reply(Portfolio, portfolios.allocation, period_days, as_of_date)


@router.get("/monthly-portfolio", responses=answer(MonthlyPortfolio))
async def monthly_portfolio(
    reply: Replies, rebalance_date: Annotated[Day | None, Query(description="The newest when left out")] = None
) -> Response:
    """The month's merged portfolio, and what it changes against the month before.

    "empty" with a reason until there is a first one. `price_usd` is the newest close known at `as_of_date` as it was
    traded, before any later split, for whoever wants to count the shares of the trades.
    """
    return await reply(MonthlyPortfolio, _monthly, rebalance_date)


@router.get("/monthly-trades", responses=answer(MonthlyTrades))
async def monthly_trades(
    reply: Replies,
    rebalance_date: Annotated[Day | None, Query(description="The newest when left out")] = None,
    capital: Annotated[float, Query(gt=0, le=1e12, description="Worth of last month's portfolio now, $")] = 100_000,
) -> Response:
    """What to buy and sell for the month's portfolio, in whole shares, and what that costs.

    From last month's portfolio, bought at its weights and drifted since, to this month's; counted at the newest closes
    known at `as_of_date` as they were traded, before any later split. Without a month before, everything is bought. No
    trade until there is a first rebalance.
    """
    return await reply(MonthlyTrades, _trades, rebalance_date, capital)


@router.get("/{symbol}/latest", responses=answer(LatestBar))
async def latest(reply: Replies, symbol: Symbol) -> Response:
    """The newest daily bar of an ETF, a stock or an exchange rate."""
    return await reply(LatestBar, _latest, symbol)


@router.get("/{symbol}/history", responses=answer(History))
async def history(reply: Replies, symbol: Symbol, days: Between, page: Page) -> Response:
    """Daily bars between `from` and `to`, oldest first: the newest `limit` ones but for `offset`.

    With the symbol's returns up to its newest bar, beside the benchmark's.
    """
    return await reply.page(History, "bars", stocks.history, symbol, universe().benchmark, *days, span=page)


@router.get("/{symbol}/record", responses=answer(Record))
async def record(reply: Replies, symbol: Symbol, page: Page) -> Response:
    """Every published portfolio that a symbol is in, daily and monthly ones."""
    return await reply.page(Record, "appearances", stocks.record, symbol, span=page)


def _latest(conn: Connection, symbol: str) -> Row:
    bar = stocks.latest(conn, symbol)
    if bar is None:
        raise UnknownTicker(f"no bar of {symbol} is stored")
    return bar


def _trades(conn: Connection, rebalance_date: date | None, capital: float) -> Row:
    found = trades.monthly(conn, rebalance_date, capital)
    if found:
        return found
    if rebalance_date:
        raise NotPublished(f"no rebalance of {rebalance_date} is published")
    nothing = dict.fromkeys(("rebalance_date", "previous_rebalance_date", "as_of_date", "source"))
    sums = dict.fromkeys(("bought", "sold", "cost"), 0.0)
    return {
        **nothing,
        "capital": capital,
        "cost_rate": universe().cost_rate,
        **sums,
        "cash_left": capital,
        "trades": [],
    }


def _monthly(conn: Connection, rebalance_date: date | None) -> Row:
    found = portfolios.monthly(conn, rebalance_date)
    if found:
        return found
    if rebalance_date:
        raise NotPublished(f"no rebalance of {rebalance_date} is published")
    nothing = dict.fromkeys(MonthlyPortfolio.__struct_fields__)
    lists: Row = {"positions": [], "removed": []}
    return {**nothing, "status": "empty", "reason": NO_REBALANCE_YET, "is_in_record": False, **lists}
