"""What the ETFs own."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import AfterValidator

from api.deps import SYMBOL, AsOf, Between, Etf, Page, Period, RespondList, Symbol, known_etf
from api.errors import documented
from api.models.schemas import listed
from config.universe import universe
from contract.holdings import AllHoldings, Comparison, HoldingsSummary, TopHoldings
from database.db_helper import Connection
from database.queries import holdings, stocks

router = APIRouter(prefix="/etf-holdings", tags=["etf-holdings"])


@router.get("/top-holdings/{etf}", responses=listed(TopHoldings) | documented(404))
async def top_holdings(respond: RespondList, etf: Etf, period_days: Period = 20, as_of_date: AsOf = None) -> Response:
    """Return the analysis of an ETF's largest holdings over a period: return, volatility and Sharpe ratio."""
    return await respond(holdings.top_holdings, etf, period_days, as_of_date)


@router.get("/all-holdings", responses=listed(AllHoldings) | documented(404))
async def all_holdings(
    respond: RespondList,
    days: Between,
    page: Page,
    etf: Annotated[
        str | None, Query(pattern=SYMBOL, max_length=20, description="Of this ETF alone"), AfterValidator(known_etf)
    ] = None,
) -> Response:
    """Return every stored holding of every snapshot collected between `from` and `to`, newest snapshot first."""
    return await respond(holdings.every, etf, *days, page)


@router.get("/summary", responses=listed(HoldingsSummary))
async def holdings_summary(respond: RespondList) -> Response:
    """Return the snapshots of every ETF, and how much of the fund the newest one lists."""
    return await respond(holdings.summary, universe().top_holdings)


@router.get("/comparison/{holding}", responses=listed(Comparison) | documented(404))
async def holders(respond: RespondList, holding: Symbol) -> Response:
    """Return the ETFs that own a stock, largest share first."""
    return await respond(_comparison, holding)


def _comparison(conn: Connection, holding: str) -> Comparison:
    return holdings.holders(conn, stocks.known(conn, holding))
