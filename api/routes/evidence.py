"""What a published weight rests on: from the formula to the source's own answer, and the heads of the chains."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from api.deps import Chain, Digest, PeriodPart, Position, RebalancePart, Respond, SessionPart, Symbol
from api.errors import documented
from api.models.schemas import answer
from contract.evidence import Heads, MonthlyWeightEvidence, WeightEvidence, WholeLink
from database.db_helper import Connection
from database.queries import evidence_months, evidence_publications, evidence_weights, source_answers
from utils.errors import UnknownEvidence
from utils.reasons import reason

router = APIRouter(prefix="/evidence", tags=["evidence"])

Revision = Annotated[
    int | None, Query(ge=1, le=1_000_000, description="1: what was published first; the newest one when left out")
]
STORED_BYTES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The bytes as the source sent them: their SHA-256 is the digest",
        "content": {
            "application/json": {"schema": {}},
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


@router.get("/head", responses=answer(Heads), summary="Heads of the chains")
async def chain_heads(respond: Respond) -> Response:
    """Return the newest link of each chain of evidence. Keep them elsewhere, and any change of the past can be told.

    Nothing of a chain before its head can be changed without changing the head: `./start.sh verify` compares them.
    """
    return await respond(evidence_publications.heads)


@router.get(
    "/links/{chain}/{position}",
    responses=answer(WholeLink) | documented(404),
    summary="A link with all that its digest covers",
)
async def chain_link(respond: Respond, chain: Chain, position: Position) -> Response:
    """Return a link of a chain, so that its digest can be computed again elsewhere.

    Its previous is the digest of the link before: so a reader can follow a chain down from a head that was kept.
    """
    return await respond(evidence_publications.whole_link, chain, position)


@router.get(
    "/weights/monthly/{rebalance_date}/{symbol}",
    responses=answer(MonthlyWeightEvidence) | documented(404),
    summary="Everything behind a monthly weight",
)
async def monthly_weight_evidence(
    respond: Respond, rebalance_date: RebalancePart, symbol: Symbol, revision: Revision = None
) -> Response:
    """Return a weight of a monthly portfolio with all that it follows from, as it was known when it was computed.

    The score of every position, and the weights of the daily portfolios that were merged, in the revision that was
    read: the address below has what is behind each of these.
    """
    return await respond(evidence_months.monthly_weight, rebalance_date, symbol, revision)


@router.get(
    "/weights/{session}/{period_days}/{symbol}",
    responses=answer(WeightEvidence) | documented(404),
    summary="Everything behind a weight",
)
async def weight_evidence(
    respond: Respond, session: SessionPart, period_days: PeriodPart, symbol: Symbol, revision: Revision = None
) -> Response:
    """Return a weight of a daily portfolio with all that it follows from, as it was known when it was computed.

    The formula; of every position both bars with their exchange rates; of each ETF that chose the stock its return
    beside the benchmark's, its holdings, and each candidate with the reason why it was not chosen. Of each row that was
    collected its version: the link it was added with, the Kafka message, and the digest of the source's own answer.
    The weight can be computed again from this answer alone.
    """
    return await respond(evidence_weights.weight, session, period_days, symbol, revision)


@router.get("/answers/{digest}", responses=STORED_BYTES | documented(404), summary="The source's own answer")
async def source_answer(respond: Respond, digest: Digest) -> Response:
    """Return an answer of the source as it was sent, after its digest has been checked.

    JSON is sent as such, everything else as bytes.
    """
    return await respond.kept_bytes(_kept_answer, digest)


def _kept_answer(conn: Connection, digest: str) -> bytes:
    found = source_answers.read(conn, digest)
    if found is None:
        raise UnknownEvidence(reason("no_answer_kept", digest=digest))
    return found
