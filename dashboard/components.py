"""Records -> Dash components, styled by assets/finviz.css. Pure: no request, no clock."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from urllib.parse import parse_qs, urlencode

from dash import dcc, html

from dashboard import figures
from dashboard.api_client import MonthlyPortfolio, MonthlyPosition, Portfolio, Position
from dashboard.texts import Texts
from utils.dates import parse_date
from utils.errors import InvalidInput

Component = Any
SCORE_UNIT = 1e12
MONTHLY = "monthly"


@dataclass(frozen=True)
class View:
    """What the address asks for: a portfolio's sessions or the month, and the session or the rebalance date."""

    period: str
    as_of: date | None = None

    @classmethod
    def of(cls, search: str, periods: Sequence[int]) -> "View":
        """The view of `?period=10&as_of=2026-08-21`: the longest period and the newest session by default."""
        asked = {name: values[-1] for name, values in parse_qs(search.removeprefix("?")).items()}
        period = asked.get("period", str(max(periods)))
        known = [*map(str, periods), MONTHLY]
        if period not in known:
            raise InvalidInput(f"period={period}: choose one of {', '.join(known)}")
        return cls(period, parse_date(asked["as_of"]) if "as_of" in asked else None)

    @property
    def is_monthly(self) -> bool:
        return self.period == MONTHLY

    @property
    def days(self) -> int:
        return int(self.period)

    @property
    def search(self) -> str:
        as_of = {"as_of": self.as_of.isoformat()} if self.as_of else {}
        return "?" + urlencode({"period": self.period, **as_of})


def frame(texts: Texts) -> Component:
    """The page around the views."""
    return html.Div(
        className="page",
        children=[
            dcc.Location(id="address", refresh=False),
            html.Header(
                className="top",
                children=[
                    dcc.Link(texts.title, href="/", className="brand"),
                    html.Span(texts.tagline, className="tagline"),
                ],
            ),
            dcc.Loading(
                html.Main(id="view", children=loading(texts)),
                type="dot",
                color="var(--accent)",
                delay_show=250,
                parent_className="loader",
                overlay_style={"visibility": "visible", "opacity": 0.45},
            ),
        ],
    )


def loading(texts: Texts) -> Component:
    return html.Div(texts.loading, className="state", role="status")


def portfolio_page(portfolio: Portfolio, view: View, periods: Sequence[int], texts: Texts) -> list[Component]:
    body = (
        _positions(portfolio, texts)
        if portfolio["positions"]
        else state(texts.empty_title, portfolio["reason"] or "", texts.empty_hint)
    )
    holdings = portfolio["holdings_as_of"] if portfolio["holdings_known_later"] else None
    return [
        *_banners(portfolio["source"], holdings, portfolio["as_of_date"], portfolio["degraded_reason"], texts),
        _heading(view, periods, texts),
        _facts(portfolio, texts),
        body,
        html.P(texts.method, className="method"),
    ]


def month_page(month: MonthlyPortfolio, view: View, periods: Sequence[int], texts: Texts) -> list[Component]:
    """The month's merged portfolio; what it rests on is said like that of a session."""
    later = max(filter(None, (month["holdings_as_of"], month["as_of_date"])), default=None)  # ISO texts sort like dates
    holdings = later if later != month["as_of_date"] else None
    body = (
        _month_positions(month, texts)
        if month["positions"]
        else state(texts.empty_month_title, month["reason"] or "", texts.empty_month_hint)
    )
    return [
        *_banners(month["source"], holdings, month["as_of_date"], month["degraded_reason"], texts),
        _heading(view, periods, texts),
        _month_facts(month, texts),
        body,
        html.P(texts.month_method, className="method"),
    ]


def failed_page(view: View, periods: Sequence[int], message: Component, texts: Texts) -> list[Component]:
    return [_heading(view, periods, texts), message]


def state(title: str, detail: str, hint: str, *actions: Component) -> Component:
    """What to show in place of data: what is, why, and what to do."""
    return html.Div(
        className="state",
        role="status",
        children=[
            html.H2(title),
            html.P(detail[:1].upper() + detail[1:], className="detail"),
            html.P(hint, className="hint"),
            html.Div(list(actions), className="actions"),
        ],
    )


def reload_link(view: View, texts: Texts) -> Component:
    """A plain link, so that the page is asked for again."""
    return html.A(texts.try_again, href=view.search, className="button")


def newest_link(view: View, texts: Texts) -> Component:
    return dcc.Link(texts.show_newest, href=replace(view, as_of=None).search, className="button")


def _heading(view: View, periods: Sequence[int], texts: Texts) -> Component:
    label: dict[str, Any] = {"aria-label": texts.period}
    links = [
        *(_period_link(str(days), f"{days}d", texts.period_hint.format(days=days), view) for days in periods),
        _period_link(MONTHLY, texts.monthly, texts.monthly_hint, view),
    ]
    return html.Div(
        className="heading",
        children=[html.H1(texts.portfolio), html.Nav(className="periods", children=links, **label)],
    )


def _period_link(period: str, name: str, hint: str, view: View) -> Component:
    """To the same session over another period; a rebalance date is no session, so between those the newest is shown."""
    to_month = MONTHLY in (period, view.period)
    return dcc.Link(
        name,
        href=View(period, None if to_month and period != view.period else view.as_of).search,
        className="selected" if period == view.period else "",
        title=hint,
    )


def _banners(
    source: str | None, later_holdings: str | None, as_of: str | None, degraded_reason: str | None, texts: Texts
) -> list[Component]:
    """later_holdings: the day of the ETF holdings, where it is after the session."""
    banners = []
    if source in texts.source_banners:
        banners.append(html.Div(texts.source_banners[source], className="banner source", role="note"))
    if later_holdings:
        told = texts.holdings_later.format(holdings=day_text(later_holdings), session=day_text(as_of))
        banners.append(html.Div(told, className="banner hindsight", role="note"))
    if degraded_reason:
        told = texts.degraded.format(reason=degraded_reason)
        banners.append(html.Div(told, className="banner degraded", role="note"))
    return banners


def _facts(portfolio: Portfolio, texts: Texts) -> Component:
    return _fact_list(
        (texts.as_of, day_text(portfolio["as_of_date"])),
        (texts.positions, str(len(portfolio["positions"]))),
        (texts.cash, f"{portfolio['cash_weight']:.2%}"),
        (texts.holdings_as_of, day_text(portfolio["holdings_as_of"])),
        (texts.prices, texts.sources.get(portfolio["source"], portfolio["source"])),
        (texts.published, moment_text(portfolio["published_at"])),
    )


def _month_facts(month: MonthlyPortfolio, texts: Texts) -> Component:
    source = month["source"] or ""
    return _fact_list(
        (texts.rebalanced, day_text(month["rebalance_date"])),
        (texts.valid_until, day_text(month["valid_until"])),
        (texts.as_of, day_text(month["as_of_date"])),
        (texts.positions, str(len(month["positions"]))),
        (texts.removed, ", ".join(each["ticker"] for each in month["removed"]) or "–"),
        (texts.prices, texts.sources.get(source, source) or "–"),
    )


def _fact_list(*facts: tuple[str, str]) -> Component:
    return html.Dl(className="facts", children=[html.Div([html.Dt(name), html.Dd(value)]) for name, value in facts])


def _positions(portfolio: Portfolio, texts: Texts) -> Component:
    shares = [(each["ticker"], each["portfolio_weight"]) for each in portfolio["positions"]]
    return _columns(figures.weights(shares, texts.cash, portfolio["cash_weight"]), _table(portfolio, texts), texts)


def _month_positions(month: MonthlyPortfolio, texts: Texts) -> Component:
    shares = [(each["ticker"], each["final_weight"]) for each in month["positions"]]
    return _columns(figures.weights(shares, texts.cash), _month_table(month, texts), texts)


def _columns(figure: Any, table: Component, texts: Texts) -> Component:
    """A chart of weights beside its table."""
    chart = dcc.Graph(
        id="weights",
        figure=figure,
        config={"displayModeBar": False, "responsive": True},
        style={"height": figure.layout.height},
    )
    return html.Div(
        className="columns",
        children=[
            html.Section([html.H2(texts.weights), chart], className="panel"),
            html.Section([html.H2(texts.positions), table], className="panel wide"),
        ],
    )


def _month_table(month: MonthlyPortfolio, texts: Texts) -> Component:
    not_before = texts.new if month["previous_rebalance_date"] else "–"
    head = [
        html.Th(texts.rank, className="number"),
        html.Th(texts.ticker),
        html.Th(texts.company, className="company"),
        html.Th(texts.sector, className="sector"),
        html.Th(texts.weight, className="number"),
        html.Th(texts.before, className="number"),
        html.Th(texts.score, className="number", title=texts.month_score_hint),
        html.Th(texts.source_periods),
    ]
    return _scrolled(head, [_month_row(position, not_before) for position in month["positions"]])


def _month_row(position: MonthlyPosition, not_before: str) -> Component:
    """not_before: what to show of a position that the month before had not."""
    before = position["previous_weight"]
    return html.Tr(
        [
            html.Td(position["final_rank"], className="number soft"),
            html.Td(position["ticker"], className="ticker"),
            html.Td(position["company_name"] or "", className="company", title=position["company_name"] or ""),
            html.Td(position["sector"] or "", className="sector"),
            html.Td(f"{position['final_weight']:.2%}", className="number strong"),
            html.Td(not_before if before is None else f"{before:.2%}", className="number"),
            html.Td(f"{position['score']:.1f}", className="number"),
            html.Td([html.Span(f"{days}d", className="tag") for days in position["source_periods"]], className="tags"),
        ]
    )


def _scrolled(head: Sequence[Component], rows: Sequence[Component]) -> Component:
    table = html.Table([html.Thead(html.Tr(head)), html.Tbody(rows)], id="positions")
    return html.Div(table, className="scroll", tabIndex=0)


def _table(portfolio: Portfolio, texts: Texts) -> Component:
    returns = texts.period_return.format(days=portfolio["period_days"])
    head = [
        html.Th(texts.rank, className="number"),
        html.Th(texts.ticker),
        html.Th(texts.company, className="company"),
        html.Th(texts.sector, className="sector"),
        html.Th(texts.weight, className="number"),
        html.Th(returns, className="number"),
        html.Th(texts.market_cap, className="number"),
        html.Th(texts.score, className="number", title=texts.score_hint),
        html.Th(texts.source_etfs),
        html.Th(texts.why, className="why"),
    ]
    return _scrolled(head, [_row(position, texts) for position in portfolio["positions"]])


def _row(position: Position, texts: Texts) -> Component:
    is_quoted = position["market_cap_source"] == "quoted"
    gain = position["period_return"]
    return html.Tr(
        [
            html.Td(position["position_rank"], className="number soft"),
            html.Td(position["ticker"], className="ticker"),
            html.Td(position["company_name"] or "", className="company", title=position["company_name"] or ""),
            html.Td(position["sector"] or "", className="sector"),
            html.Td(f"{position['portfolio_weight']:.2%}", className="number strong"),
            html.Td(f"{gain:+.2%}", className=f"number {'up' if gain > 0 else 'down'}"),
            html.Td(
                compact(position["market_cap"]) + ("*" if is_quoted else ""),
                className="number",
                title=texts.market_cap_quoted if is_quoted else None,
            ),
            html.Td(f"{position['score'] * SCORE_UNIT:.3f}", className="number"),
            html.Td([html.Span(etf, className="tag") for etf in position["source_etfs"]], className="tags"),
            html.Td(html.Div(position["allocation_reason"], title=position["allocation_reason"]), className="why"),
        ]
    )


def compact(amount: float) -> str:
    """
    >>> compact(75_130_000_000), compact(4_432_320_000_000), compact(812_000)
    ('75.1B', '4.43T', '812,000')
    """
    for size, unit in ((1e12, "T"), (1e9, "B"), (1e6, "M")):
        if amount >= size:
            return f"{amount / size:.3g}{unit}" if amount < 999.5 * size else f"{amount / size:,.0f}{unit}"
    return f"{amount:,.0f}"


def day_text(iso: str | None) -> str:
    """
    >>> day_text("2026-08-21"), day_text(None)
    ('Fri 21 Aug 2026', '–')
    """
    return f"{date.fromisoformat(iso):%a %-d %b %Y}" if iso else "–"


def moment_text(iso: str) -> str:
    """
    >>> moment_text("2026-08-24T13:03:00Z")
    '24 Aug 2026 13:03 UTC'
    """
    return f"{datetime.fromisoformat(iso):%-d %b %Y %H:%M} UTC"
