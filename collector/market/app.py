"""The market server as an application: Yahoo's endpoints, and beside them /control and /health."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from email.utils import format_datetime

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from collector.market import control, yahoo_routes
from collector.market.crumbs import unauthorized
from collector.market.envelope import Refused
from collector.market.faults import Delay, HttpFault, RateLimit, Unauthorized
from collector.market.state import MarketState

log = logging.getLogger(__name__)

OURS = ("/control", "/health", "/docs", "/openapi.json")
Handler = Callable[[Request], Awaitable[Response]]


def create_app(state: MarketState) -> FastAPI:
    app = FastAPI(title="Market server", description=control.__doc__, redoc_url=None)
    app.state.market = state
    app.include_router(control.router)
    app.include_router(yahoo_routes.router)
    app.add_exception_handler(Refused, _refused)

    @app.middleware("http")
    async def stamp(request: Request, call_next: Handler) -> Response:
        """Every answer is of the market's moment, whatever time it is, and says whose prices it has."""
        is_ours = request.scope["path"].startswith(OURS)
        response = await (call_next(request) if is_ours else _as_yahoo(state, request, call_next))
        response.headers["Date"] = format_datetime(state.clock.now(), usegmt=True)
        response.headers["X-Market-Source"] = state.market.label
        return response

    return app


async def _as_yahoo(state: MarketState, request: Request, call_next: Handler) -> Response:
    endpoint, tickers = yahoo_routes.endpoint_of(request.scope["path"]), yahoo_routes.tickers_of(request)
    response = await _faulty_answer(state.faults.due(endpoint, tickers)) or await call_next(request)
    state.counts.count(endpoint, tickers, response.status_code)
    log.debug("%s %s -> %d", endpoint, ",".join(tickers), response.status_code)
    return response


async def _faulty_answer(faults: Sequence[HttpFault]) -> Response | None:
    """None when the right answer is due after all, perhaps late."""
    for fault in faults:
        if isinstance(fault, Delay):
            await asyncio.sleep(fault.seconds)
    refusal = next((fault for fault in faults if not isinstance(fault, Delay)), None)
    if refusal is None:
        return None
    if isinstance(refusal, RateLimit):
        return PlainTextResponse("Too Many Requests\r\n", 429)
    if isinstance(refusal, Unauthorized):
        refused = unauthorized("Invalid Crumb")
        return JSONResponse(refused.body, refused.status)
    return PlainTextResponse("Internal Server Error\r\n", 500)


async def _refused(_: Request, refused: Exception) -> Response:
    assert isinstance(refused, Refused)
    return JSONResponse(refused.body, refused.status)
