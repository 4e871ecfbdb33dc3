"""All portfolios over time, in one call each: for whoever analyses them elsewhere."""

from fastapi import APIRouter, Response

from api.deps import Between, FollowedPeriod, LongPage, OnePeriod, RespondList
from api.models.schemas import listed
from contract.portfolios import Record, Weights
from database.queries import portfolios, track_record

router = APIRouter(prefix="/portfolios", tags=["portfolios"])


@router.get("/weights", responses=listed(Weights))
async def weights(respond: RespondList, days: Between, page: LongPage, period: OnePeriod = None) -> Response:
    """Return the weights of all portfolios over time, one row for each position of each session and period.

    As published last, which /stocks/portfolio shows as well. The weights of a portfolio sum to 1: cash has a row of its
    own, without a ticker. A portfolio that is not computable has one row without a weight.
    """
    return await respond(portfolios.weights, *days, period, page)


@router.get("/record", responses=listed(Record))
async def record(respond: RespondList, days: Between, page: LongPage, period: FollowedPeriod = None) -> Response:
    """Return every session's returns of each followed portfolio and of the benchmark.

    The same record as /dashboard/performance: decided on one session, bought at the close of the next, held with
    drifting weights. It follows what was published first, so that a later revision changes no past return.
    """
    return await respond(track_record.record, *days, period, page)
