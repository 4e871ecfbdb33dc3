"""Portfolios, and the daily bars of any collected symbol."""

from datetime import date
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.deps import AsOf, Db, Limit, Period, Published, Symbol
from api.errors import documented
from api.models.schemas import History, LatestBar, MonthlyPortfolio, Portfolio
from database.db_helper import Connection
from database.queries import portfolios, stocks
from utils.dates import sessions_of
from utils.errors import InvalidInput, NotPublished, UnknownTicker

router = APIRouter(prefix="/stocks", tags=["stocks"], responses=documented(401, 422, 503))

NO_REBALANCE_YET = "no rebalance is published yet: the first one follows the last Sunday of a month"


@router.get("/portfolio", response_model=Portfolio, responses=documented(404))
async def portfolio(published: Published, period_days: Period = 20, as_of_date: AsOf = None) -> Response:
    """The portfolio of one period, as published.

    A session for which nobody was eligible is a publication too: `status` is "empty", `positions` is empty, and
    `reason` says why. A session that was never computed is a 404, a day without a session a 422.
    """
    answer = await published.answer(
        ("portfolio", period_days, as_of_date),
        partial(_portfolio_json, period_days=period_days, as_of=as_of_date),
    )
    return Response(answer.body, media_type="application/json")


@router.get("/monthly-portfolio", responses=documented(404))
def monthly_portfolio(
    db: Db, rebalance_date: Annotated[date | None, Query(description="The newest when left out")] = None
) -> MonthlyPortfolio:
    """The month's merged portfolio; "empty" with a reason until there is a first one."""
    rows = portfolios.monthly(db, rebalance_date)
    if not rows and rebalance_date:
        raise NotPublished(f"no rebalance of {rebalance_date} is published")
    head = rows[0] if rows else {}
    return MonthlyPortfolio.model_validate(
        {
            **{name: head.get(name) for name in ("rebalance_date", "valid_until", "as_of_date", "source")},
            "status": "published" if rows else "empty",
            "reason": None if rows else NO_REBALANCE_YET,
            "positions": rows,
        }
    )


@router.get("/{symbol}/latest", responses=documented(404))
def latest(db: Db, symbol: Symbol) -> LatestBar:
    """The newest daily bar of an ETF, a stock or an exchange rate."""
    bar = stocks.latest(db, symbol)
    if bar is None:
        raise UnknownTicker(f"no bar of {symbol} is stored")
    return LatestBar.model_validate(bar)


@router.get("/{symbol}/history", responses=documented(404))
def history(
    db: Db,
    symbol: Symbol,
    start: Annotated[date | None, Query(alias="from", description="First day")] = None,
    end: Annotated[date | None, Query(alias="to", description="Last day")] = None,
    limit: Limit = 260,
) -> History:
    """Daily bars, oldest first: the newest `limit` ones between `from` and `to`, both included."""
    if start and end and start > end:
        raise InvalidInput(f"from={start} is after to={end}")
    newest = stocks.latest(db, symbol)
    if newest is None:
        raise UnknownTicker(f"no bar of {symbol} is stored")
    return History.model_validate({**newest, "bars": stocks.history(db, symbol, start, end, limit)})


def _portfolio_json(conn: Connection, period_days: int, as_of: date | None) -> bytes:
    row = portfolios.allocation(conn, period_days, as_of)
    if row is None:
        raise _not_published(period_days, as_of)
    return Portfolio.model_validate(row).model_dump_json().encode()


def _not_published(period_days: int, as_of: date | None) -> NotPublished:
    """What to answer for a portfolio that is not there; raises NotASession when there can be none."""
    if as_of is None:
        return NotPublished(f"no {period_days}-session portfolio is published yet: run the five stages for a session")
    sessions_of().position(as_of)
    return NotPublished(
        f"the {period_days}-session portfolio of {as_of} is not published: run the five stages for that session"
    )
