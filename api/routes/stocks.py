"""Portfolios, what a reader owns, and the daily bars of any collected symbol."""

from datetime import date
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Body, Query, Response

from api import orders, rebalancing, trades
from api.deps import AsOf, Between, Day, Page, Period, PortfolioChoice, Respond, RespondList, Symbol
from api.errors import documented
from api.models.schemas import answer, content, listed
from config.universe import universe
from contract.orders import (
    LARGEST_CASH,
    LONGEST_POSITIONS,
    POSITIONS,
    KeptPositions,
    Outside,
    OwnedPositions,
    OwnedTrades,
)
from contract.portfolios import Appearances, MonthlyPortfolio, MonthlyTrades, Portfolio
from contract.reasons import shown
from contract.stocks import History, LatestBar
from database.db_helper import Connection
from database.queries import owned, portfolios, stocks
from utils.errors import NotPublished, UnknownTicker
from utils.reasons import reason

router = APIRouter(prefix="/stocks", tags=["stocks"], responses=documented(404))

NO_REBALANCE_YET = reason("no_rebalance_yet")


@router.get("/portfolio", responses=listed(Portfolio))
async def portfolio(respond: RespondList, period_days: Period = 20, as_of_date: AsOf = None) -> Response:
    """Return the portfolio of one period, as published.

    A session for which nobody was eligible is a publication too: `status` is "empty", `positions` is empty, and
    `reason` says why. So is one before which too little history is stored: "not_computable". A session that was never
    computed is a 404, a day without a session a 422.
    """
    return await respond(portfolios.allocation, period_days, as_of_date)


@router.get("/monthly-portfolio", responses=listed(MonthlyPortfolio))
async def monthly_portfolio(
    respond: RespondList, rebalance_date: Annotated[Day | None, Query(description="The newest when left out")] = None
) -> Response:
    """Return the month's merged portfolio, and its changes against the month before.

    "empty" with a reason until there is a first one. `price_usd` is the newest close known at `as_of_date` as it was
    traded, before any later split, for whoever wants to count the shares of the trades.
    """
    return await respond(_monthly, rebalance_date)


@router.get("/monthly-trades", responses=listed(MonthlyTrades))
async def monthly_trades(
    respond: RespondList,
    rebalance_date: Annotated[Day | None, Query(description="The newest when left out")] = None,
    capital: Annotated[float, Query(gt=0, le=1e12, description="Worth of last month's portfolio now, $")] = 100_000,
) -> Response:
    """Return the trades for the month's portfolio, in whole shares, and their cost.

    From last month's portfolio, bought at its weights and drifted since, to this month's; counted at the newest closes
    known at `as_of_date` as they were traded, before any later split. Without a month before, or with one that has run
    out (`previous_is_expired`), everything is bought. A month that is not computable trades nothing: `status` and
    `reason` say so, and `trades` has what is held until `previous_valid_until`. No trade until there is a first
    rebalance, either: "empty" with a reason.
    """
    return await respond(_trades, rebalance_date, capital)


@router.get("/owned-trades", responses=answer(OwnedTrades), summary="Trades from what is owned")
async def owned_trades(
    respond: Respond,
    period: PortfolioChoice = "20",
    positions: Annotated[
        str,
        Query(
            pattern=POSITIONS,
            max_length=LONGEST_POSITIONS,
            description="What is owned: TICKER:SHARES or TICKER:SHARES:CURRENCY, separated by commas",
            examples=["NVDA:12.5,005930.KS:10:KRW"],
        ),
    ] = "",
    cash: Annotated[float, Query(ge=0, le=LARGEST_CASH, description="In US dollars, counted to the cent")] = 0.0,
    fractional: Annotated[bool, Query(description="Shares to a thousandth, else whole ones")] = False,
    band: Annotated[
        float, Query(ge=0, le=0.5, description="Leave what is off its weight by no more, a fraction")
    ] = 0.0,
    outside: Annotated[
        Outside, Query(description="What the portfolio does not have: sell it, or leave it out")
    ] = "sell",
) -> Response:
    """Return the trades from what somebody owns to the newest portfolio of a period, and their cost.

    Counted at the newest stored closes, each with its date. Cash is spent first: only what is worth more than its
    weight of the whole is sold, before anything is bought, and never more is bought than there is cash for. A position
    without a usable price, or in another currency than its prices, is in `left_out` with its reason, in no sum and in
    no order: its share of the portfolio stays cash. Nothing of the request is kept.
    """
    wishes = orders.Wishes(rebalancing.cents(Decimal(str(cash))), fractional, Decimal(str(band)), outside)
    return await respond.uncached(orders.trades, period, positions, wishes)


@router.get("/owned-positions", responses=answer(KeptPositions), summary="What is owned, where it is kept")
async def owned_positions(respond: Respond) -> Response:
    """Return the positions that this installation keeps, which is one set for all who have the key.

    `positions` is what /stocks/owned-trades takes. Without `saved_at` nothing is kept.
    """
    return await respond.uncached(owned.kept)


@router.put(
    "/owned-positions",
    responses=answer(KeptPositions),
    openapi_extra={"requestBody": {"content": content(OwnedPositions)}},
    summary="Keep what is owned",
)
async def keep_owned_positions(
    respond: Respond,
    positions: Annotated[str, Body(pattern=POSITIONS, max_length=LONGEST_POSITIONS)],
    cash: Annotated[float, Body(strict=True, ge=0, le=LARGEST_CASH)],
) -> Response:
    """Keep positions and cash in the database, in the place of those before.

    Everybody who has the key, or can open the dashboard, sees and can change them.
    """
    return await respond.changed(owned.keep, positions, cash)


@router.delete("/owned-positions", responses=answer(KeptPositions), summary="Forget what is owned")
async def forget_owned_positions(respond: Respond) -> Response:
    """Delete what is kept from the database, for everybody. Backups that were made before still have it."""
    return await respond.changed(owned.forget)


@router.get("/{symbol}/latest", responses=answer(LatestBar))
async def latest_bar(respond: Respond, symbol: Symbol) -> Response:
    """Return the newest daily bar of an ETF, a stock or an exchange rate."""
    return await respond(_latest, symbol)


@router.get("/{symbol}/history", responses=listed(History))
async def history(respond: RespondList, symbol: Symbol, days: Between, page: Page) -> Response:
    """Return one page of daily bars. Pages count back from the newest; inside a page the oldest comes first.

    With the symbol's returns up to its newest bar, beside the benchmark's.
    """
    return await respond(stocks.history, symbol, universe().benchmark, *days, page)


@router.get("/{symbol}/record", responses=listed(Appearances))
async def appearances(respond: RespondList, symbol: Symbol, page: Page) -> Response:
    """Return every published portfolio that a symbol is in, daily and monthly ones."""
    return await respond(stocks.appearances, symbol, page)


def _latest(conn: Connection, symbol: str) -> LatestBar:
    bar = stocks.latest(conn, symbol)
    if bar is None:
        raise UnknownTicker(reason("no_bar_stored", ticker=symbol))
    return bar


def _trades(conn: Connection, rebalance_date: date | None, capital: float) -> MonthlyTrades:
    found = trades.monthly(conn, rebalance_date, capital)
    if found:
        return found
    if rebalance_date:
        raise NotPublished(reason("no_rebalance_of", session=rebalance_date))
    return MonthlyTrades(
        rebalance_date=None,
        previous_rebalance_date=None,
        previous_valid_until=None,
        previous_is_expired=False,
        as_of_date=None,
        status="empty",
        reason=str(NO_REBALANCE_YET),
        reasons=shown([NO_REBALANCE_YET]),
        degraded_reason=None,
        degraded_reasons=[],
        source=None,
        capital=capital,
        cost_rate=universe().cost_rate,
        bought=0.0,
        sold=0.0,
        cost=0.0,
        cash_left=capital,
        unpriced_value=0.0,
        trades=[],
    )


def _monthly(conn: Connection, rebalance_date: date | None) -> MonthlyPortfolio:
    found = portfolios.monthly(conn, rebalance_date)
    if found:
        return found
    if rebalance_date:
        raise NotPublished(reason("no_rebalance_of", session=rebalance_date))
    return MonthlyPortfolio(
        rebalance_date=None,
        valid_until=None,
        as_of_date=None,
        previous_rebalance_date=None,
        status="empty",
        reason=str(NO_REBALANCE_YET),
        reasons=shown([NO_REBALANCE_YET]),
        degraded_reason=None,
        degraded_reasons=[],
        holdings_as_of=None,
        source=None,
        published_at=None,
        is_in_record=False,
        record_as_of=None,
        positions=[],
        removed=[],
    )
