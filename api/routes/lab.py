"""The lab: does the rule have an edge?"""

from fastapi import APIRouter, Response

from api.deps import AsOf, Respond
from api.errors import documented
from api.models.schemas import answer
from contract.lab import LabReport
from database.queries import lab

router = APIRouter(prefix="/lab", tags=["lab"], responses=documented(404))


@router.get("", responses=answer(LabReport), operation_id="lab", summary="Does the rule have an edge?")
async def report(respond: Respond, as_of_date: AsOf = None) -> Response:
    """Return the verdict on the rule from the prices up to a session, and every figure that it rests on."""
    return await respond(lab.report, as_of_date)
