"""The ETFs against the benchmark: a table, and the course of each over the window."""

from collections.abc import Mapping, Sequence
from datetime import date

from dash import dcc, html

from contract.common import WINDOWS, Window
from contract.etfs import EtfBenchmark, EtfSeries
from dashboard import components, figures
from dashboard.api_client import ApiClient
from dashboard.components import Component
from dashboard.page import Page, price, signed
from dashboard.texts import market_map
from dashboard.views import selectors
from dashboard.views.market_windows import MONTH, said_of, window_of
from utils.errors import NotPublished

# The longest month has 23 sessions; its return starts with the last one of the month before.
SESSIONS_OF_A_MONTH = 24
# What a reader can tell apart: of more ETFs those farthest ahead and farthest behind are shown. The table is complete
# when it is asked for.
LINES_AT_MOST = 40
ETFS_AT_MOST = 60


def compared_etfs(client: ApiClient, page: Page) -> tuple[EtfBenchmark | None, str]:
    """Get the ETFs with as many closes as the window needs, or why there are none."""
    window = window_of(page)
    sessions = SESSIONS_OF_A_MONTH if window == MONTH else int(window[:-1]) + 1
    try:
        compared = client.etf_benchmark(page.address.day("as_of"), sessions)
    except NotPublished as error:
        return None, str(error)
    is_there = compared.sessions and any(etf.close_price for etf in compared.etfs)
    return (compared, "") if is_there else (None, page.say(market_map.NO_ETFS_DETAIL))


def no_etfs(why: str, page: Page) -> Component:
    return components.state(page.say(market_map.NO_ETFS_TITLE), why, page.say(market_map.NO_ETFS_HINT))


def etf_panels(compared: EtfBenchmark, window: Window, page: Page) -> list[Component]:
    say, benchmark = page.say, compared.benchmark
    first = first_session(compared.sessions, window)
    days = compared.sessions[first:]
    returns = {etf.ticker: _course_of(etf, etf.adj_closes[first:], days[0]) for etf in compared.etfs}
    named = {etf.ticker for etf in shown_etfs(compared.etfs, window, LINES_AT_MOST)}
    drawn = {ticker: its for ticker, its in returns.items() if ticker in named}
    lines = figures.etf_lines([day.isoformat() for day in days], drawn, benchmark, page.palette)
    hidden = len(compared.etfs) - len(drawn)
    left_out = [html.P(say(market_map.LINES_LEFT_OUT, count=f"{hidden:,}"), className="note")] if hidden else []
    return [
        html.Div(
            [
                components.panel(
                    say(market_map.ETFS, benchmark=benchmark, day=page.day(compared.as_of_date)),
                    *_not_computable(compared, page),
                    _etf_table(compared, returns, window, page),
                    *_rest_of_etfs(compared, page),
                    *_doubts(compared, page),
                    tools=[components.download(page, "etfs")],
                ),
                components.panel(
                    say(market_map.LINES, day=page.day(days[0])),
                    components.graph("etf-lines", lines),
                    html.P(say(market_map.LINES_READING, benchmark=benchmark, **page.hues), className="note"),
                    *left_out,
                ),
            ],
            className="etfs",
        )
    ]


def _not_computable(compared: EtfBenchmark, page: Page) -> list[Component]:
    if compared.status != "not_computable":
        return []
    reason = components.words(compared.reasons, page)
    return [html.P(reason[:1].upper() + reason[1:], className="banner degraded", role="note")]


def first_session(sessions: Sequence[date], window: Window) -> int:
    """Where in the sessions a window starts: of the month with the last session before it.

    >>> sessions = [date(2026, 7, 30), date(2026, 7, 31), date(2026, 8, 3)]
    >>> first_session(sessions, "month"), first_session(sessions, "5d")
    (1, 0)
    """
    if window != MONTH:
        return 0
    before = sum(1 for day in sessions if day < sessions[-1].replace(day=1))
    return max(before - 1, 0)


def _course_of(etf: EtfSeries, closes: Sequence[float | None], first: date) -> list[float | None]:
    """Return the returns since the first session: none of them where the prices do not go on as they were on it."""
    is_parted = any(day > first for day in etf.breaks)
    return figures.rebased([None] * len(closes) if is_parted else closes)


def _etf_table(
    compared: EtfBenchmark, returns: Mapping[str, Sequence[float | None]], window: Window, page: Page
) -> Component:
    say, benchmark = page.say, compared.benchmark
    columns = [
        (say(market_map.ETF), ""),
        (say(market_map.FOLLOWS), "follows"),
        (say(market_map.COURSE), ""),
        (say(market_map.AHEAD, benchmark=benchmark), "number strong"),
        (say(market_map.TRENDS), "tags"),
        *((components.window_name(each, page), "number strong" if each == window else "number") for each in WINDOWS),
        (say(market_map.CLOSE), "number"),
    ]
    most = len(compared.etfs) if selectors.lists_all(page, "etfs") else ETFS_AT_MOST
    rows = [
        (
            components.ticker_link(etf.ticker, page),
            _follows(etf, page),
            _course(etf, returns, compared, window, page),
            components.gain(etf.ahead(window)),
            components.trends(etf, page),
            *(_gain(etf, each, page) for each in WINDOWS),
            _close(etf),
        )
        for etf in shown_etfs(compared.etfs, window, most)
    ]
    return components.table("etfs", columns, rows)


def _gain(etf: EtfSeries, window: Window, page: Page) -> Component:
    """Show a return, with a mark where it is in doubt; under the pointer is why, or why there is none."""
    told = etf.missing_by_window.get(window) or etf.degraded_by_window.get(window)
    if not told:
        return components.gain(etf.over(window))
    mark = [] if etf.over(window) is None else [" △"]
    return html.Span([components.gain(etf.over(window)), *mark], title=components.words(told, page))


def _doubts(compared: EtfBenchmark, page: Page) -> list[Component]:
    """List the ETFs of which a figure is missing or in doubt, each with the reasons."""
    told = [(etf, said) for etf in by_outperformance(compared.etfs, window_of(page)) if (said := said_of(etf, page))]
    if not told:
        return []
    lines = [html.Li([components.ticker_link(etf.ticker, page), " ", "; ".join(said)]) for etf, said in told]
    count = html.Span(f" {len(lines)}", className="soft")
    return [html.Details([html.Summary([page.say(market_map.DOUBTS), count]), html.Ul(lines, className="left-out")])]


def shown_etfs(etfs: Sequence[EtfSeries], window: Window, most: int) -> list[EtfSeries]:
    """Return the benchmark and, of more than so many, those farthest ahead and those farthest behind it."""
    ordered = by_outperformance(etfs, window)
    if len(ordered) <= most:
        return ordered
    known = sum(1 for etf in ordered if etf.is_benchmark or etf.ahead(window) is not None)
    ahead = most // 2
    return [*ordered[:ahead], *ordered[max(known - (most - ahead), ahead) : known]]


def _rest_of_etfs(compared: EtfBenchmark, page: Page) -> list[Component]:
    """Return the way to the ETFs in the middle, or back."""
    if len(compared.etfs) <= ETFS_AT_MOST:
        return []
    if selectors.lists_all(page, "etfs"):
        return [dcc.Link(page.say(market_map.FEWER_ETFS), href=page.address.href(etfs=None), className="button small")]
    told = page.say(market_map.MORE_ETFS, count=f"{len(compared.etfs) - ETFS_AT_MOST:,}")
    return [dcc.Link(told, href=page.address.href(etfs=selectors.ALL), className="button small")]


def _close(etf: EtfSeries) -> str:
    """With its currency where that is not the dollar."""
    if etf.close_price is None:
        return "–"
    return price(etf.close_price) + ("" if etf.currency == "USD" else f" {etf.currency}")


def by_outperformance(etfs: Sequence[EtfSeries], window: Window) -> list[EtfSeries]:
    """Return the benchmark, then the others, the farthest ahead first, those without a figure last."""

    def place(etf: EtfSeries) -> tuple[bool, bool, float, str]:
        ahead = etf.ahead(window)
        return not etf.is_benchmark, ahead is None, -(ahead or 0.0), etf.ticker

    return sorted(etfs, key=place)


def _follows(etf: EtfSeries, page: Page) -> Component:
    name = page.company(etf.ticker, etf.description) if etf.description else ""
    return html.Span(name, title=name or None)


def _course(
    etf: EtfSeries, returns: Mapping[str, Sequence[float | None]], compared: EtfBenchmark, window: Window, page: Page
) -> Component:
    its = next((each for each in compared.etfs if each.is_benchmark), etf)
    told = page.say(
        market_map.COURSE_OF,
        ticker=etf.ticker,
        own=signed(etf.over(window)),
        benchmark=its.ticker,
        its=signed(its.over(window)),
    )
    image = figures.sparkline(returns[etf.ticker], returns[its.ticker], page.palette)
    return html.Img(src=image, alt=told, width=figures.SPARK_WIDTH, height=figures.SPARK_HEIGHT)
