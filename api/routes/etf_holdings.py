"""What the ETFs own."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import AfterValidator

from api.deps import SYMBOL, AsOf, Between, Etf, Page, Period, Replies, Symbol, known_etf
from api.errors import documented
from api.models.schemas import answer
from config.universe import universe
from contract.holdings import AllHoldings, Comparison, HoldingsSummary, TopHoldings
from database.db_helper import Connection, Row
from database.queries import holdings, stocks

router = APIRouter(prefix="/etf-holdings", tags=["etf-holdings"])


@router.get("/top-holdings/{etf}", responses=answer(TopHoldings) | documented(404))
async def top_holdings(reply: Replies, etf: Etf, period_days: Period = 20, as_of_date: AsOf = None) -> Response:
    """Return, volatility and Sharpe ratio of an ETF's largest holdings over a period, as analysed for a session."""
    return await reply(TopHoldings, holdings.top_holdings, etf, period_days, as_of_date)


@router.get("/all-holdings", responses=answer(AllHoldings) | documented(404))
async def all_holdings(
    reply: Replies,
    days: Between,
    page: Page,
    etf: Annotated[
        str | None, Query(pattern=SYMBOL, max_length=20, description="Of this ETF alone"), AfterValidator(known_etf)
    ] = None,
) -> Response:
    """Every stored holding of every snapshot collected between `from` and `to`, newest snapshot first."""
    return await reply.page(AllHoldings, "holdings", holdings.every, etf, *days, span=page)


@router.get("/summary", responses=answer(HoldingsSummary))
async def summary(reply: Replies) -> Response:
    """Of every ETF: which snapshots there are, and how much of the fund the newest one lists."""
    return await reply(HoldingsSummary, _summary, universe().top_holdings)


@router.get("/comparison/{holding}", responses=answer(Comparison) | documented(404))
async def comparison(reply: Replies, holding: Symbol) -> Response:
    """The ETFs that own a stock, by how much of it they own."""
    return await reply(Comparison, _comparison, holding)


def _summary(conn: Connection, top: int) -> Row:
    return {"etfs": holdings.summary(conn, top)}


def _comparison(conn: Connection, holding: str) -> Row:
    return holdings.holders(conn, stocks.known(conn, holding))
