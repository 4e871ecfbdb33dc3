"""About the service itself: what it is, and whether it can work."""

from fastapi import APIRouter, Request, Response

from api import health
from api.deps import Pool
from api.models.schemas import Health, Service

router = APIRouter(tags=["service"])


@router.get("/")
def service(request: Request) -> Service:
    """Name, version and where to go from here."""
    return Service(
        name=request.app.title,
        version=request.app.version,
        links={"documentation": "/docs", "openapi": "/openapi.json", "health": "/health"},
    )


@router.get(
    "/health",
    summary="Health",
    responses={503: {"model": Health, "description": "A dependency is away; the body names it"}},
)
async def health_of_platform(request: Request, response: Response, pool: Pool) -> Health:
    """Each dependency with its latency, and what each job published last; 503 when one is away."""
    found = await health.check(request.app.state.settings, pool)
    response.status_code = 200 if found.status == "ok" else 503
    return found
