"""Sectors: where their stocks stand, and how they did month by month."""

from fastapi import APIRouter, Response

from api import sector_standings
from api.deps import AsOf, Between, Page, RespondList, Sector
from api.errors import documented
from api.models.schemas import listed
from config.universe import universe
from contract.etfs import SectorList
from contract.stocks import SectorHistory, SectorMembers
from database.queries import sectors

router = APIRouter(prefix="/sectors", tags=["sectors"], responses=documented(404))


@router.get("", responses=listed(SectorList), operation_id="sectors", summary="Sectors")
async def sectors_of_session(respond: RespondList, as_of_date: AsOf = None) -> Response:
    """Return every sector: its stocks' returns weighted by market cap, the ETF that follows it, its newest month.

    The returns are weighted by market cap at the start of each window; in `newest_month` each stock counts alike.
    """
    return await respond(sector_standings.listing, universe().benchmark, as_of_date)


@router.get("/{sector}/stocks", responses=listed(SectorMembers), summary="Stocks of a sector")
async def sector_stocks(respond: RespondList, sector: Sector, page: Page, as_of_date: AsOf = None) -> Response:
    """Return the sector's stocks with a bar of the session, largest market cap first."""
    return await respond(sector_standings.members, sector, as_of_date, page)


@router.get("/{sector}/history", responses=listed(SectorHistory), summary="Months of a sector")
async def sector_history(respond: RespondList, sector: Sector, days: Between, page: Page) -> Response:
    """Return the sector month by month, newest first. Each stock counts alike.

    `from` and `to` are about the months' first days.
    """
    return await respond(sectors.history, sector, *days, page)
