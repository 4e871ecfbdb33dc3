"""Yahoo's endpoints, on whatever host they are asked: the paths alone tell Yahoo's hosts apart."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse

from market.chart import ChartQuery, chart_of
from market.crumbs import crumb_needed, crumb_of, set_cookie_header
from market.envelope import YahooJson
from market.noise import reordered
from market.quotes import quote_rows, shares_over_time
from market.refusals import CONSENT_PAGE, CONSENT_PATH, Endpoint
from market.state import State
from market.summaries import asked_for, formatted, modules_of

router = APIRouter(include_in_schema=False)
with_crumb = [Depends(crumb_needed)]

ENDPOINTS: tuple[Endpoint, ...] = ("getcrumb", "chart", "quoteSummary", "quote", "timeseries")
ABOUT_ONE_TICKER = ("chart", "quoteSummary", "timeseries")


@router.get("/")
async def cookie() -> Response:
    """Answer 404 as fc.yahoo.com does, with the cookie that everything else hangs on."""
    return PlainTextResponse("Not Found", 404, {"Set-Cookie": set_cookie_header()})


@router.get("/v1/test/getcrumb")
async def crumb(request: Request) -> Response:
    return PlainTextResponse(crumb_of(request))


@router.get(CONSENT_PATH)
async def consent() -> Response:
    """Show the page that a redirection for consent leads to."""
    return HTMLResponse(CONSENT_PAGE)


@router.get("/v8/finance/chart/{ticker}")
async def chart(
    state: State,
    ticker: str,
    period1: int | None = None,
    period2: int | None = None,
    span: Annotated[str, Query(alias="range")] = "1d",
    interval: str = "1d",
    events: str = "",
) -> Response:
    """Answer with a chart, for which Yahoo needs no crumb."""
    now, query = state.clock.now(), ChartQuery(period1, period2, span, interval, events)
    moment = state.visible.moment_of(ticker, now)
    result = chart_of(state.visible, ticker, moment, query, state.noise.is_second("chart", ticker))
    state.faults.spoil_chart(ticker, result)
    age = {"Age": str(int((now - moment).total_seconds()))}
    return YahooJson({"chart": {"result": [result], "error": None}}, headers=age)


@router.get("/v10/finance/quoteSummary/{ticker}", dependencies=with_crumb)
async def quote_summary(
    state: State,
    ticker: str,
    modules: str = "",
    is_formatted: Annotated[bool, Query(alias="formatted")] = True,
) -> Response:
    known = state.faults.spoilt_modules(ticker, modules_of(state.visible, ticker, state.clock.now()))
    found = asked_for(known, modules.split(","))
    result = formatted(found) if is_formatted else found
    return YahooJson({"quoteSummary": {"result": [result], "error": None}})


@router.get("/v7/finance/quote", dependencies=with_crumb)
async def quote(state: State, request: Request) -> Response:
    tickers = tickers_of(request)
    rows = state.faults.spoilt_rows(quote_rows(state.visible, tickers, state.clock.now()))
    if state.noise.is_second("quote", ",".join(tickers)):
        rows = [reordered(row) for row in rows]
    return YahooJson({"quoteResponse": {"result": rows, "error": None}})


@router.get("/ws/fundamentals-timeseries/v1/finance/timeseries/{ticker}")
async def timeseries(
    state: State, ticker: str, types: Annotated[list[str] | None, Query(alias="type")] = None
) -> Response:
    names = [name for listed in types or [] for name in listed.split(",")]
    return YahooJson(shares_over_time(state.visible, ticker, state.clock.now(), names))


def endpoint_of(path: str) -> Endpoint:
    """Return the kind of request that a path is for.

    >>> endpoint_of("/v8/finance/chart/SPY"), endpoint_of("/"), endpoint_of("/consent")
    ('chart', 'cookie', 'other')
    """
    if path == "/":
        return "cookie"
    return next((endpoint for endpoint in ENDPOINTS if endpoint in path.split("/")), "other")


def tickers_of(request: Request) -> list[str]:
    """Return the tickers that a request is about."""
    path = str(request.scope["path"])
    if endpoint_of(path) == "quote":
        listed = request.query_params.get("symbols", "").split(",")
        return [symbol.strip() for symbol in listed if symbol.strip()]
    return [path.rpartition("/")[2]] if endpoint_of(path) in ABOUT_ONE_TICKER else []
