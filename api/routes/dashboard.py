"""What the dashboard's views are made of."""

from fastapi import APIRouter

from api.deps import Db
from api.errors import documented
from api.models.schemas import EtfList
from database.queries import etfs

router = APIRouter(prefix="/dashboard", tags=["dashboard"], responses=documented(401, 503))


@router.get("/etf-list", summary="ETF list")
def etf_list(db: Db) -> EtfList:
    """Every ETF of the universe with its newest close and where it stands in the newest trending publication."""
    rows = etfs.listing(db)
    as_of = next((row["as_of_date"] for row in rows if row["as_of_date"]), None)
    degraded = next((row["degraded_reason"] for row in rows), None)
    return EtfList.model_validate({"as_of_date": as_of, "degraded_reason": degraded, "etfs": rows})
