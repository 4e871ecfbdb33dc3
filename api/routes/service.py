"""About the service itself: what it is, and whether it can work."""

import msgspec
from fastapi import APIRouter, Request, Response

from api import auth, health
from api.deps import Pool
from api.models.schemas import answer, content
from contract.service import Health, Service

router = APIRouter(tags=["service"])


@router.get("/", responses=answer(Service))
async def service(request: Request) -> Response:
    """Return name, version and where to go from here."""
    links = {"documentation": "/docs", "openapi": "/openapi.json", "health": "/health"}
    return _json(Service(name=request.app.title, version=request.app.version, links=links))


@router.get(
    "/health",
    operation_id="health",
    summary="Health",
    responses=answer(Health)
    | {503: {"content": content(Health), "description": "A dependency is away; the body names it"}},
)
async def health_of_platform(request: Request, pool: Pool) -> Response:
    """Check each dependency, and return what each job published last. 503 when one is away."""
    found = await health.check(request.app.state.settings, pool)
    return _json(found, 200 if found.status == "ok" else 503)


@router.get(auth.METRICS_PATH, include_in_schema=False)
def metrics(request: Request) -> Response:
    """Return the figures of the API, the gate and the ledger for Prometheus."""
    page, media_type = request.app.state.metrics.page(request.headers.get("accept", ""))
    return Response(page, headers={"Content-Type": media_type, "Cache-Control": "no-store"})


def _json(answer: Service | Health, status: int = 200) -> Response:
    return Response(msgspec.json.encode(answer), status, media_type="application/json")
