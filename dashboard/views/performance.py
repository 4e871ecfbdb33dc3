"""How the published portfolios have done against the benchmark, and how far that can be called a record."""

from collections.abc import Mapping, Sequence

from dash import dcc, html

from config.periods import MONTHLY, MONTHLY_PERIOD
from contract.portfolios import Correction, Performance, PortfolioPerformance
from dashboard import components, figures
from dashboard.api_client import ApiClient
from dashboard.components import Component
from dashboard.page import Page, percent, signed
from dashboard.texts import common
from dashboard.texts import performance as texts
from dashboard.views import selectors, tear_sheet

SHOWN_CORRECTIONS = 5
SERIES_COLUMNS = (
    "trade_date",
    "gross_value",
    "net_value",
    "benchmark_value",
    "drawdown",
    "benchmark_drawdown",
    "turnover",
)


def page(client: ApiClient, page: Page) -> list[Component]:
    record = client.performance(page.address.day("as_of"))
    shown = _selected(record, page)
    terms = {"benchmark": record.benchmark, "rate": percent(record.cost_rate)}
    heading = components.heading(
        page.say(texts.TITLE),
        selectors.period_selector(page, keeps_day=True),
        html.Span(_name(_days(page), page), className="only-paper"),
        *_earlier(record, page),
    )
    method = html.P(page.say(texts.METHOD, **terms), className="method")
    if shown is None:
        return [*components.banners(page, source=record.source), heading, _empty(record, page), method]
    return [
        *components.banners(page, source=shown.source),
        *_doubts(shown, page),
        heading,
        _facts(record, shown, page),
        components.panel(
            page.say(texts.CHART, **terms),
            components.graph("performance", _chart(record, tear_sheet.in_range(shown, page), page)),
            tools=[
                tear_sheet.range_selector(page),
                tear_sheet.print_button(page),
                components.download(page, "performance"),
            ],
        ),
        tear_sheet.panels(record, shown, page),
        _comparison(record, page),
        *_corrections(record, page),
        method,
    ]


def series(client: ApiClient, page: Page) -> Sequence[Mapping[str, object]]:
    """Return the selected portfolio session by session, over the range that is shown."""
    selected = _selected(client.performance(page.address.day("as_of")), page)
    if selected is None:
        return []
    shown = tear_sheet.in_range(selected, page)
    values = (
        [day.isoformat() for day in shown.sessions],
        shown.gross,
        shown.net,
        shown.benchmark,
        shown.drawdown,
        shown.benchmark_drawdown,
        shown.turnover,
    )
    return [dict(zip(SERIES_COLUMNS, row, strict=True)) for row in zip(*values, strict=True)]


def _selected(record: Performance, page: Page) -> PortfolioPerformance | None:
    """Return the portfolio of the address; None while it has not been held."""
    return next((each for each in record.portfolios if each.period_days == _days(page)), None)


def _days(page: Page) -> int:
    selected = selectors.selected(page)
    return MONTHLY_PERIOD if selected == MONTHLY else int(selected)


def _earlier(record: Performance, page: Page) -> list[Component]:
    """Of an earlier session than the newest: which, and the way back."""
    if "as_of" not in page.address.choices:
        return []
    told = [html.Span(page.say(texts.EARLIER, session=page.day(record.as_of_date)))] if record.as_of_date else []
    return [html.Div([*told, " ", dcc.Link(page.say(common.SHOW_NEWEST), href=page.address.href(as_of=None))])]


def _empty(record: Performance, page: Page) -> Component:
    reason = components.words(record.reasons, page)
    reason = reason or page.say(texts.NOT_THIS_ONE, portfolio=_name(_days(page), page))
    return components.state(page.say(texts.EMPTY_TITLE), reason, page.say(texts.EMPTY_HINT))


def _doubts(shown: PortfolioPerformance, page: Page) -> list[Component]:
    """Return the warnings that keep it from being a real record."""
    told = (
        ("hindsight", texts.HINDSIGHT, shown.hindsight_sessions),
        ("degraded", texts.DEGRADED, shown.degraded_sessions),
        ("degraded", texts.CARRIED, shown.carried_sessions),
    )
    banners = [(kind, page.say(text, count=count, sessions=shown.session_count)) for kind, text, count in told if count]
    if shown.carried_reasons:
        reason = components.words(shown.carried_reasons, page)
        terms = {"session": page.day(shown.last_session), "weight": percent(shown.carried_weight)}
        banners.append(("degraded", page.say(texts.CARRIED_NOW, reason=reason.rstrip("."), **terms)))
    return [html.Div(text, className=f"banner {kind}", role="note") for kind, text in banners]


def _facts(record: Performance, shown: PortfolioPerformance, page: Page) -> Component:
    say = page.say
    return components.facts(
        (say(texts.TOTAL_NET), _coloured(shown.total_return_net)),
        (say(texts.TOTAL_GROSS), _coloured(shown.total_return_gross)),
        (say(texts.TOTAL_BENCHMARK, benchmark=record.benchmark), _coloured(shown.benchmark_return)),
        (say(texts.MAX_DRAWDOWN), signed(shown.max_drawdown)),
        (say(texts.AVERAGE_TURNOVER), percent(shown.turnover_average)),
        (say(texts.COST, rate=percent(record.cost_rate)), percent(shown.cost_total)),
        (say(texts.SESSIONS), str(shown.session_count)),
        (say(texts.LAST_SESSION), page.day(shown.last_session)),
    )


def _coloured(share: float | None) -> Component:
    return html.Span(signed(share), className=components.sign_class(share))


def _chart(record: Performance, shown: PortfolioPerformance, page: Page) -> figures.Figure:
    titles = (page.say(texts.VALUE), page.say(texts.DRAWDOWN), page.say(texts.TURNOVER))
    names = (page.say(texts.NET), page.say(texts.GROSS), record.benchmark)
    return figures.performance(shown, page.palette, names, titles, page.say(common.CASH))


def _comparison(record: Performance, page: Page) -> Component:
    say = page.say
    columns = [
        (say(texts.PORTFOLIO), ""),
        (say(texts.NET), "number"),
        (say(texts.GROSS), "number"),
        (say(common.BENCHMARK, benchmark=record.benchmark), "number"),
        (say(texts.SHORT_DRAWDOWN), "number"),
        (say(texts.SHORT_TURNOVER), "number"),
        (say(texts.SHORT_COST), "number"),
        (say(texts.SHARPE), "number"),
        (say(texts.SHORT_SESSIONS), "number"),
        (say(texts.SINCE), "number"),
    ]
    in_order = sorted(record.portfolios, key=lambda each: each.period_days or max(page.periods) + 1)
    rows = [_compared(each, page) for each in in_order]
    return html.Div(components.panel(say(texts.COMPARISON), components.table("comparison", columns, rows)), id="four")


def _corrections(record: Performance, page: Page) -> list[Component]:
    """List what was published again differently, a line each. The record above is without it."""
    if not record.corrections:
        return []
    lines = [html.Li(_correction(each, page)) for each in record.corrections[:SHOWN_CORRECTIONS]]
    hidden = record.correction_count - len(lines)
    more = [html.Li(page.say(texts.MORE_CORRECTIONS, count=f"{hidden:,}"))] if hidden else []
    told = html.P(page.say(texts.ABOUT_CORRECTIONS))
    return [components.panel(page.say(texts.CORRECTIONS), told, html.Ul([*lines, *more], id="corrections"))]


def _correction(correction: Correction, page: Page) -> str:
    reasons = ", ".join(page.say(texts.CHANGED[reason]) for reason in correction.changed)
    return page.say(
        texts.CORRECTED[correction.job],
        day=page.day(correction.as_of_date),
        moment=page.moment(correction.known_at),
        difference=percent(correction.difference),
        reasons=reasons or page.say(texts.CHANGED_UNKNOWN),
    )


def _compared(portfolio: PortfolioPerformance, page: Page) -> list[Component]:
    return [
        _link(portfolio.period_days, page),
        _coloured(portfolio.total_return_net),
        _coloured(portfolio.total_return_gross),
        _coloured(portfolio.benchmark_return),
        signed(portfolio.max_drawdown),
        percent(portfolio.turnover_average),
        percent(portfolio.cost_total),
        tear_sheet.ratio(portfolio.sharpe),
        str(portfolio.session_count),
        portfolio.first_session.isoformat(),
    ]


def _link(days: int, page: Page) -> Component:
    """To another portfolio; the one that is shown is only named."""
    if days == _days(page):
        return html.Strong(_name(days, page), className="strong")
    period = days if days != MONTHLY_PERIOD else MONTHLY
    return dcc.Link(_name(days, page), href=page.address.href(period=period))


def _name(days: int, page: Page) -> str:
    return page.say(texts.OF_DAYS, days=days) if days != MONTHLY_PERIOD else page.say(texts.OF_MONTH)
