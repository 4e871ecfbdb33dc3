"""The market server's HTTP side: Yahoo's endpoints, and beside them /control and /health."""

import asyncio
import base64
import hashlib
import logging
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime, formatdate
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from collector.market import answers, control
from collector.market.clock import MarketClock
from collector.market.faults import Delay, Endpoint, Faults, FaultyMarket, HttpFault, RateLimit, Unauthorized
from collector.market.history import HistoricalMarket
from collector.market.model import Market

log = logging.getLogger(__name__)

COOKIE_SECONDS = 365 * 24 * 3600
ENVELOPES: dict[Endpoint, str] = {"chart": "chart", "quoteSummary": "quoteSummary", "quote": "quoteResponse"}
OURS = ("/control", "/health", "/docs", "/openapi.json")
Handler = Callable[[Request], Awaitable[Response]]


@dataclass
class RequestCounts:
    """What a run cost: Yahoo requests by endpoint, by endpoint and ticker, and by the status they got."""

    by_endpoint: Counter[str] = field(default_factory=Counter)
    by_ticker: Counter[tuple[str, str]] = field(default_factory=Counter)
    by_status: Counter[str] = field(default_factory=Counter)

    def count(self, endpoint: Endpoint, tickers: Sequence[str], status: int) -> None:
        self.by_endpoint[endpoint] += 1
        self.by_status[str(status)] += 1
        self.by_ticker.update((endpoint, ticker) for ticker in tickers)

    def clear(self) -> None:
        for counter in (self.by_endpoint, self.by_ticker, self.by_status):
            counter.clear()

    def described(self) -> dict[str, Any]:
        tickers: dict[str, dict[str, int]] = {}
        for (endpoint, ticker), count in sorted(self.by_ticker.items()):
            tickers.setdefault(endpoint, {})[ticker] = count
        return {
            "total": self.by_endpoint.total(),
            "by_endpoint": dict(self.by_endpoint),
            "by_ticker": tickers,
            "by_status": dict(self.by_status),
        }


@dataclass
class MarketState:
    """Everything a request is answered from."""

    market: HistoricalMarket
    clock: MarketClock
    faults: Faults
    counts: RequestCounts
    visible: Market

    @classmethod
    def of(cls, market: HistoricalMarket, clock: MarketClock, faults: Faults) -> "MarketState":
        return cls(market, clock, faults, RequestCounts(), FaultyMarket(market, faults))


def create_app(state: MarketState) -> FastAPI:
    app = FastAPI(title="ActStock market server", description=__doc__, redoc_url=None)
    app.state.market = state
    app.include_router(control.router)
    _add_yahoo(app, state)

    @app.middleware("http")
    async def stamp(request: Request, call_next: Handler) -> Response:
        """Count and spoil Yahoo's requests; every answer is of the market clock and says whose prices it has."""
        now = state.clock.now()
        if request.url.path.startswith(OURS):
            response = await call_next(request)
        else:
            response = await _as_yahoo(state, request, call_next)
        response.headers["Date"] = format_datetime(now, usegmt=True)
        response.headers["X-Market-Source"] = state.market.label
        return response

    return app


async def _as_yahoo(state: MarketState, request: Request, call_next: Handler) -> Response:
    endpoint, tickers = _endpoint_of(request.url.path), _tickers_of(request)
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
        return _unauthorized("Invalid Crumb")
    return PlainTextResponse("Internal Server Error\r\n", 500)


def _add_yahoo(app: FastAPI, state: MarketState) -> None:
    """Yahoo's endpoints on all of its hosts: the paths alone tell them apart."""

    def asked(path: str, answer: Callable[[Request, datetime], Response]) -> None:
        async def endpoint(request: Request) -> Response:
            return answer(request, state.clock.now())

        app.add_api_route(path, endpoint, methods=["GET"], include_in_schema=False)

    def chart(request: Request, now: datetime) -> Response:
        return _json("chart", lambda: answers.chart(state.visible, _ticker(request), now, _chart_query(request)))

    def quote_summary(request: Request, now: datetime) -> Response:
        modules = request.query_params.get("modules", "").split(",")
        return _crumb_needed(request) or _json(
            "quoteSummary", lambda: answers.quote_summary(state.visible, _ticker(request), now, modules)
        )

    def quote(request: Request, now: datetime) -> Response:
        return _crumb_needed(request) or _json(
            "quoteResponse", lambda: answers.quotes(state.visible, _tickers_of(request), now)
        )

    def timeseries(request: Request, now: datetime) -> Response:
        types = [name for listed in request.query_params.getlist("type") for name in listed.split(",")]
        return _json("timeseries", lambda: answers.timeseries(state.visible, _ticker(request), now, types))

    asked("/", lambda request, now: _cookie())
    asked("/v1/test/getcrumb", lambda request, now: _crumb(request))
    asked("/v8/finance/chart/{ticker}", chart)
    asked("/v10/finance/quoteSummary/{ticker}", quote_summary)
    asked("/v7/finance/quote", quote)
    asked("/ws/fundamentals-timeseries/v1/finance/timeseries/{ticker}", timeseries)


def _json(envelope: str, build: Callable[[], answers.Json]) -> Response:
    try:
        return JSONResponse(build())
    except answers.Refused as refused:
        return JSONResponse(refused.body(envelope), refused.status)


def _cookie() -> Response:
    """fc.yahoo.com is a 404 that sets the cookie everything else hangs on. It expires by the real clock, which is the
    client's."""
    response = PlainTextResponse("Not Found", 404)
    expires = formatdate(time.time() + COOKIE_SECONDS, usegmt=True)
    value = f"d={secrets.token_urlsafe(12)}"
    response.headers["Set-Cookie"] = f"A3={value}; Expires={expires}; Domain=.yahoo.com; Path=/; SameSite=Lax"
    return response


def _crumb(request: Request) -> Response:
    cookie = request.cookies.get("A3")
    return PlainTextResponse(_crumb_of(cookie)) if cookie else _unauthorized("Invalid Cookie")


def _crumb_needed(request: Request) -> Response | None:
    """As on Yahoo, a chart needs no crumb; a refusal where one is needed and does not fit the cookie."""
    cookie = request.cookies.get("A3")
    if not cookie:
        return _unauthorized("Invalid Cookie")
    return None if request.query_params.get("crumb") == _crumb_of(cookie) else _unauthorized("Invalid Crumb")


def _crumb_of(cookie: str) -> str:
    """Eleven characters that follow from the cookie: clients keep cookies longer than a server runs."""
    return base64.b64encode(hashlib.sha256(cookie.encode()).digest(), altchars=b"./").decode()[:11]


def _unauthorized(description: str) -> Response:
    error = {"code": "Unauthorized", "description": description}
    return JSONResponse({"finance": {"result": None, "error": error}}, 401)


def _endpoint_of(path: str) -> Endpoint:
    """
    >>> _endpoint_of("/v8/finance/chart/SPY"), _endpoint_of("/"), _endpoint_of("/consent")
    ('chart', 'cookie', 'other')
    """
    if path == "/":
        return "cookie"
    known: tuple[Endpoint, ...] = ("getcrumb", "chart", "quoteSummary", "quote", "timeseries")
    return next((endpoint for endpoint in known if endpoint in path.split("/")), "other")


def _tickers_of(request: Request) -> list[str]:
    listed = request.query_params.get("symbols")
    if listed is not None:
        return [symbol.strip() for symbol in listed.split(",") if symbol.strip()]
    last = request.url.path.rpartition("/")[2]
    return [last] if _endpoint_of(request.url.path) in ("chart", "quoteSummary", "timeseries") else []


def _ticker(request: Request) -> str:
    return str(request.path_params["ticker"])


def _chart_query(request: Request) -> answers.ChartQuery:
    asked = request.query_params
    return answers.ChartQuery(
        start=_whole(asked.get("period1")),
        end=_whole(asked.get("period2")),
        span=asked.get("range", "1d"),
        interval=asked.get("interval", "1d"),
        events=asked.get("events", ""),
    )


def _whole(text: str | None) -> int | None:
    try:
        return None if text is None else int(text)
    except ValueError:
        raise answers.Refused(400, "Bad Request", f"Invalid input - {text!r} is not a number of seconds") from None
