"""The market server as an application: Yahoo's endpoints, and beside them /control and /health."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from email.utils import format_datetime

from fastapi import FastAPI, Request, Response
from starlette.middleware.gzip import GZipMiddleware

from market import control, yahoo_routes
from market.envelope import Refused, YahooJson
from market.refusals import Delay, Endpoint, Refusal
from market.state import MarketState

log = logging.getLogger(__name__)

OURS = ("/control", "/health", "/docs", "/openapi.json")
CACHED = {
    "chart": "public, max-age=10, stale-while-revalidate=20",
    "quote": "public, max-age=1, stale-while-revalidate=9",
    "quoteSummary": "public, max-age=1, stale-while-revalidate=9",
}
COMPRESSED_FROM = 1000  # bytes
Handler = Callable[[Request], Awaitable[Response]]


def create_app(state: MarketState, token: str = "") -> FastAPI:
    """Return the application. token: what /control asks for, if anything."""
    app = FastAPI(title="Market server", description=control.__doc__, redoc_url=None)
    app.state.market = state
    app.state.token = token
    app.include_router(control.router)
    app.include_router(control.control)
    app.include_router(yahoo_routes.router)
    app.add_exception_handler(Refused, _refused)

    @app.middleware("http")
    async def stamp(request: Request, call_next: Handler) -> Response:
        """Stamp every answer with the market's moment and with whose prices it has."""
        is_ours = request.scope["path"].startswith(OURS)
        response = await (call_next(request) if is_ours else _as_yahoo(state, request, call_next))
        response.headers["Date"] = format_datetime(state.clock.now(), usegmt=True)
        response.headers["X-Market-Source"] = state.market.label
        return response

    app.add_middleware(GZipMiddleware, minimum_size=COMPRESSED_FROM, compresslevel=1)
    return app


async def _as_yahoo(state: MarketState, request: Request, call_next: Handler) -> Response:
    endpoint, tickers = yahoo_routes.endpoint_of(request.scope["path"]), yahoo_routes.tickers_of(request)
    response = await _refusal(state.faults.due(endpoint, tickers), request, endpoint) or await call_next(request)
    state.counts.count(endpoint, tickers, response.status_code)
    log.debug("%s %s -> %d", endpoint, ",".join(tickers), response.status_code)
    response.headers["Server"] = "ATS"
    response.headers.setdefault("Age", "0")
    response.headers.setdefault("Cache-Control", CACHED.get(endpoint, "private, no-cache, no-store, max-age=0"))
    return response


async def _refusal(faults: Sequence[Refusal], request: Request, endpoint: Endpoint) -> Response | None:
    """Return the refusal that is due, or None when the right answer is due after all, perhaps late."""
    for fault in faults:
        if isinstance(fault, Delay):
            await asyncio.sleep(fault.seconds)
    answers = (fault.answer(request, endpoint) for fault in faults)
    return next((answer for answer in answers if answer is not None), None)


async def _refused(_: Request, refused: Exception) -> Response:
    assert isinstance(refused, Refused)
    return YahooJson(refused.body, refused.status)
