"""What the dashboard's views are made of: one call shows a view, another two its details."""

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from api import monthly_performance, pipeline_state, portfolio_summary, sector_standings
from api.deps import AsOf, Between, Configured, OnePeriod, Page, Period, Respond, RespondList, SymbolChoice
from api.errors import documented
from api.models.schemas import answer, listed
from config.universe import universe
from contract.common import Window
from contract.etfs import EtfBenchmark, EtfList, Series
from contract.holdings import Snapshots, TrendingTopHoldings
from contract.pipeline import Calendar, Gaps, Pipeline, RejectedMessages, RequestCounts, Restatements, Sessions
from contract.portfolios import ActiveAllocations, CandidatePart, MonthlyPerformances, Performance
from contract.stocks import MarketMap, Performers, PerformersBySector, SectorMonths
from contract.summary import Summary
from database.db_helper import Connection
from database.queries import etfs, holdings, pipeline, portfolios, publications, sectors, track_record

router = APIRouter(prefix="/dashboard", tags=["dashboard"])

ReturnWindow = Annotated[Window, Query(description="Sessions the return is taken over, or the month so far")]


@router.get("/market-map", responses=listed(MarketMap) | documented(404))
async def market_map(respond: RespondList, as_of_date: AsOf = None) -> Response:
    """Return every stock with a bar of the session by sector: market cap, and the return over each window.

    A sector's returns are weighted by market cap at the start of each window. In `newest_month` its stocks count alike.
    """
    return await respond(sector_standings.market_map, as_of_date)


@router.get("/etf-list", responses=listed(EtfList) | documented(404), summary="ETF list")
async def etf_list(respond: RespondList, as_of_date: AsOf = None) -> Response:
    """Return every ETF of the universe with its place in a trending publication, and its close of that session."""
    return await respond(etfs.listing, universe().benchmark, as_of_date)


@router.get("/etf-benchmark", responses=answer(EtfBenchmark) | documented(404), summary="ETFs vs SPY")
async def etf_benchmark(
    respond: Respond,
    as_of_date: AsOf = None,
    sessions: Annotated[int, Query(ge=1, le=260, description="Closes of this many sessions")] = 60,
) -> Response:
    """Return the ETF list with each one's adjusted closes of the last sessions, for charts and sparklines."""
    return await respond(etfs.benchmark_view, universe().benchmark, as_of_date, sessions)


@router.get("/spy-benchmark", responses=listed(Series), summary="SPY")
async def spy_benchmark(respond: RespondList, days: Between, page: Page) -> Response:
    """Return the benchmark's closes between `from` and `to` with the return since the first of them."""
    return await respond(etfs.series, universe().benchmark, *days, page)


@router.get("/active-allocations", responses=answer(ActiveAllocations) | documented(404))
async def active_allocations(
    respond: Respond,
    as_of_date: AsOf = None,
    period_days: OnePeriod = None,
    candidates: Annotated[
        CandidatePart, Query(description="position: what the ETFs offered that chose `ticker`; all of them are many")
    ] = "all",
    ticker: SymbolChoice = None,
) -> Response:
    """Return the portfolios of one session with every candidate, and why each other one was not chosen."""
    return await respond(_allocations, as_of_date, period_days, candidates, ticker)


@router.get("/summary", responses=answer(Summary) | documented(404), operation_id="summary")
async def summary_of_portfolio(respond: Respond, period_days: Period = 20, as_of_date: AsOf = None) -> Response:
    """Return what has changed in a portfolio since the session before, and how it has done."""
    return await respond(portfolio_summary.summary, period_days, as_of_date)


@router.get("/etf-holdings", responses=listed(Snapshots), summary="ETF holdings")
async def etf_holdings(respond: RespondList, as_of_date: AsOf = None) -> Response:
    """Return the newest holdings of each ETF that were known by the session."""
    return await respond(holdings.snapshots, as_of_date)


@router.get("/trending-etf-top-holdings", responses=listed(TrendingTopHoldings) | documented(404))
async def trending_etf_top_holdings(
    respond: RespondList, period_days: Period = 20, as_of_date: AsOf = None
) -> Response:
    """Return the ETFs that trend over a period as of a session, best first, with their analysed top holdings."""
    return await respond(holdings.trending_top_holdings, period_days, as_of_date)


@router.get("/sector-trending", responses=listed(SectorMonths))
async def sector_trending(respond: RespondList, days: Between, page: Page) -> Response:
    """Return every sector month by month, newest first. Each stock counts alike.

    `from` and `to` are about the months' first days.
    """
    return await respond(sectors.months, *days, page)


@router.get("/monthly-performance", responses=listed(MonthlyPerformances), operation_id="monthly_performance")
async def performance_by_month(respond: RespondList, page: Page) -> Response:
    """Compare what each month's portfolio has returned since it was published with the benchmark.

    Bought at the close of the session after the rebalance, sold at the close of the session after the next one (at the
    latest when it expires), in between left alone: weights drift, no cost is taken off. Stored closes of now,
    in US dollars; a position without both closes leaves the month without a figure, and `missing_reason` says which.
    """
    return await respond(monthly_performance.monthly, universe().benchmark, page)


@router.get("/performance", responses=answer(Performance), operation_id="performance")
async def portfolio_performance(
    respond: Respond,
    as_of_date: AsOf = None,
    series: Annotated[bool, Query(description="false: the figures alone, the lists are empty")] = True,
) -> Response:
    """Follow each of the published portfolios forward, session by session, against SPY.

    Decided on one session, bought at the close of the next, held with drifting weights until the next publication is
    bought; the month's portfolio makes way for cash when it expires. Figures and series as of the session.
    """
    return await respond(track_record.performance, as_of_date, series)


@router.get("/top-performers", responses=listed(Performers) | documented(404))
async def top_performers(
    respond: RespondList, page: Page, window: ReturnWindow = "20d", as_of_date: AsOf = None
) -> Response:
    """Return the stocks with the highest return over a window, best first."""
    return await respond(sector_standings.best, window, as_of_date, page)


@router.get("/top-performers-by-sector", responses=listed(PerformersBySector) | documented(404))
async def top_performers_by_sector(
    respond: RespondList,
    window: ReturnWindow = "20d",
    as_of_date: AsOf = None,
    top: Annotated[int, Query(ge=1, le=50, description="This many of each sector")] = 3,
) -> Response:
    """Return the best stocks of every sector over a window."""
    return await respond(sector_standings.best_of_each, window, as_of_date, top)


@router.get("/sessions", responses=listed(Sessions))
async def sessions(respond: RespondList, days: Between, page: Page) -> Response:
    """Return the sessions with publications, newest first."""
    return await respond(publications.sessions, *days, page)


@router.get("/calendar", responses=answer(Calendar))
async def calendar(respond: Respond, settings: Configured) -> Response:
    """Return the sessions and rebalance dates with published portfolios, how the last run went, and what comes next."""
    return await respond(pipeline_state.calendar, settings.airflow_ui_url)


@router.get("/pipeline", responses=answer(Pipeline), operation_id="pipeline")
async def state_of_pipeline(
    respond: Respond,
    settings: Configured,
    sessions: Annotated[int, Query(ge=1, le=60, description="This many of the last ones")] = 10,
) -> Response:
    """Return the last sessions with their runs, the tables' freshness, the consumers' lag, and what went wrong."""
    return await respond.uncached(pipeline_state.state, settings, sessions)


@router.get("/errors", responses=listed(RejectedMessages))
async def rejected_messages(
    respond: RespondList,
    page: Page,
    waiting: Annotated[
        bool | None, Query(description="Those that wait, or those that are closed; both when left out")
    ] = None,
) -> Response:
    """Return messages that a consumer rejected, newest first."""
    return await respond(pipeline.errors, waiting, page)


@router.get("/gaps", responses=listed(Gaps))
async def gaps(respond: RespondList, days: Between, page: Page) -> Response:
    """Return every (ticker, session) that was expected and is not stored, and why."""
    return await respond(pipeline.gaps, *days, page)


@router.get("/restatements", responses=listed(Restatements))
async def restatements(respond: RespondList, days: Between, page: Page) -> Response:
    """Return stored bars that the source has changed since, with the old values."""
    return await respond(pipeline.restatements, *days, page)


@router.get("/requests", responses=listed(RequestCounts))
async def request_counts(
    respond: RespondList, page: Page, by: Annotated[Literal["hour", "day"], Query(description="Count by this")] = "hour"
) -> Response:
    """Count the requests to Yahoo, by hour or day."""
    return await respond(pipeline.requests_by, by, page)


def _allocations(
    conn: Connection, as_of: date | None, period_days: int | None, part: CandidatePart, ticker: str | None
) -> ActiveAllocations:
    found = portfolios.allocations(conn, as_of, period_days, part, ticker)
    session = found[0].as_of_date
    bars = pipeline.expected_bars(conn, [session]).get(session, {})
    return ActiveAllocations(as_of_date=session, bars=bars, portfolios=found)
