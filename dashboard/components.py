"""What the views are put together from, styled by assets/finviz.css. Pure: no request, no clock."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from dash import dcc, html

from config.periods import MONTHLY, PERIODS
from contract.common import Window
from contract.etfs import Etf
from contract.holdings import Holder
from contract.reasons import ShownReason
from dashboard import login, preferences
from dashboard.address import Address
from dashboard.figures import Figure
from dashboard.page import Page, Said, percent, signed, typeset_words
from dashboard.texts import LANGUAGES, common, ticker
from dashboard.texts import login as login_texts
from dashboard.texts.reasons import reason_in
from utils.dates import ISO_DATE

Component = Any
MAIN = "view"
HEADER = "header"
# The shapes of a view that is on its way.
SKELETON = ("line", "tiles", "block")
# In letters: some lines of a phone.
LONG_REASON = 200
TICKER_SEARCH = "ticker-search"


class Choice(NamedTuple):
    """One of a few to choose from, as a link that keeps the rest of the address."""

    value: str
    label: str
    href: str
    hint: str = ""


def aria(**named: str) -> dict[str, Any]:
    """Attributes for whoever listens to the page: aria(label="Views")."""
    return {f"aria-{name}": value for name, value in named.items()}


def frame() -> Component:
    """Return the page around the views. Its content depends on the address."""
    return html.Div(
        className="page",
        children=[
            dcc.Location(id="address", refresh=False),
            html.Header(id=HEADER, className="top"),
            dcc.Loading(
                html.Main([html.Div(className=f"bone {part}") for part in SKELETON], id=MAIN, tabIndex="-1"),
                type="dot",
                color="var(--accent)",
                delay_show=250,
                parent_className="loader",
                overlay_style={"visibility": "visible", "opacity": 0.45},
                # What comes later, or again, covers nothing.
                target_components={MAIN: "children"},  # type: ignore[arg-type]
            ),
        ],
    )


def header(page: Page, views: Sequence[tuple[str, str]]) -> list[Component]:
    """Return the header. views: path and name of each view in the navigation, which keeps session and period."""
    kept = urlencode(kept_choices(page.address))
    links = [
        dcc.Link(
            name, href=f"{path}?{kept}" if kept else path, className="selected" if path == page.address.path else ""
        )
        for path, name in views
    ]
    return [
        html.A(page.say(common.SKIP), href=f"#{MAIN}", className="skip"),
        dcc.Link(page.say(common.TITLE), href="/", className="brand", title=page.say(common.TAGLINE)),
        html.Nav(links, className="views", **aria(label=page.say(common.VIEWS))),
        ticker_search(page),
        html.Div([_other_language(page), _other_theme(page), *_leave(page)], className="preferences"),
    ]


def kept_choices(address: Address) -> dict[str, str]:
    """Return the choices that mean the same on another view. A wrong one stays where it is.

    The month's portfolio is chosen by its rebalance date, which is no session.

    >>> kept_choices(Address("/map", choices={"as_of": "2026-08-20", "window": "5d"}))
    {'as_of': '2026-08-20'}
    >>> kept_choices(Address("/", choices={"as_of": "2026-07-26", "period": "monthly"}))
    {'period': 'monthly'}
    >>> kept_choices(Address("/", choices={"as_of": "yesterday", "period": "7"}))
    {}
    """
    period, as_of = address.choices.get("period", ""), address.choices.get("as_of", "")
    kept = {"period": period} if period in (*map(str, PERIODS), MONTHLY) else {}
    if period != MONTHLY and ISO_DATE.fullmatch(as_of):
        kept["as_of"] = as_of
    return kept


def _other_language(page: Page) -> Component:
    other = next(language for language in LANGUAGES if language != page.language)
    label = page.say(common.OTHER_LANGUAGE)
    return html.A(label, href=preference(page, language=other), lang=other, title=page.say(common.LANGUAGE))


def _other_theme(page: Page) -> Component:
    other, label = ("dark", common.DARK) if page.theme == "light" else ("light", common.LIGHT)
    return html.A(page.say(label), href=preference(page, theme=other), title=page.say(common.THEME))


def _leave(page: Page) -> list[Component]:
    if not login.has_entered():
        return []
    button = html.Button(page.say(login_texts.LEAVE), type="submit", className="link")
    return [html.Form(button, action=login.LOGOUT, method="POST")]


def preference(page: Page, **chosen: str) -> str:
    """Return the address that keeps a preference and leads back to this view."""
    return preferences.href(preferences.PATH, **chosen, then=page.address.href())


def banners(
    page: Page,
    *,
    source: str | None,
    degraded_reason: str = "",
    later_holdings: date | None = None,
    session: date | None = None,
) -> list[Component]:
    """Return the warnings about the data shown.

    degraded_reason: in the reader's words
    later_holdings: their day, where it is after the session
    """
    told: list[tuple[str, Component]] = []
    if source in common.SOURCE_BANNERS:
        told.append(("source", page.say(common.SOURCE_BANNERS[source])))
    if later_holdings:
        days = {"holdings": page.day(later_holdings), "session": page.day(session)}
        told.append(("hindsight", page.say(common.HOLDINGS_LATER, **days)))
    if degraded_reason:
        told.append(("degraded", _degraded(degraded_reason.rstrip("."), page)))
    return [html.Div(text, className=f"banner {kind}", role="note") for kind, text in told]


def _degraded(reason: str, page: Page) -> Component:
    """Return the warning; a long reason can be folded, which the page's script does on a phone."""
    if len(reason) <= LONG_REASON:
        return page.say(common.DEGRADED, reason=reason)
    return html.Details([html.Summary(page.say(common.DEGRADED_AT_ALL)), html.P(f"{reason[:1].upper()}{reason[1:]}.")])


def heading(title: str, *tools: Component) -> Component:
    return html.Div([html.H1(title), *tools], className="heading")


def selector(label: str, choices: Sequence[Choice], selected: str, is_preference: bool = False) -> Component:
    """Show a few choices side by side.

    is_preference: what is chosen is kept for every view, and the page loads anew
    """
    links = [
        dcc.Link(
            choice.label,
            href=choice.href,
            title=choice.hint or None,
            className="selected" if choice.value == selected else "",
            refresh=is_preference,
        )
        for choice in choices
    ]
    return html.Nav(links, className="selector", **aria(label=label))


def meaning(said: object) -> str | None:
    """Return what a heading means, for its tooltip."""
    return said.meaning or None if isinstance(said, Said) else None


def term(name: str) -> Component:
    """Show the name of a figure, with what it means."""
    return html.Dt(name, title=meaning(name))


def facts(*named: tuple[str, Component]) -> Component:
    return html.Dl([html.Div([term(name), html.Dd(value)]) for name, value in named], className="facts")


def panel(title: str, *content: Component, tools: Sequence[Component] = (), name: str = "") -> Component:
    """Show a part of a view. name: its class, and where the page can be taken to."""
    head = html.Div([html.H2(title), *tools], className="panel-head")
    place: dict[str, Any] = {"id": name} if name == "why" else {}
    return html.Section([head, *content], className=f"panel {name}".strip(), **place)


def bars(name: str, shares: Sequence[tuple[Component, float]], cash: tuple[str, float]) -> Component:
    """Show shares as bars in their order, and the cash at the end where there is some. It needs no chart's script."""
    longest = max(share for _, share in [*shares, cash])
    rows = [_bar(label, share, longest, "bar") for label, share in shares]
    if cash[1] > 0:
        rows.append(_bar(*cash, longest, "bar cash"))
    return html.Table(html.Tbody(rows), id=name, className="bars")


def _bar(label: Component, share: float, longest: float, kind: str) -> Component:
    length = html.Span(className=kind, style={"--share": f"{share / longest:.4f}"})
    return html.Tr([html.Th(label, scope="row"), html.Td([length, percent(share)])])


def graph(name: str, figure: Figure) -> Component:
    """Show a chart that has its height before it is drawn, so that nothing jumps."""
    return dcc.Graph(
        id=name,
        figure=figure,
        config={"displayModeBar": False, "responsive": True, "scrollZoom": False},
        style={"height": figure["layout"]["height"]},
    )


def table(name: str, columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[Component]]) -> Component:
    """Show a plain table that scrolls sideways where it must. columns: heading and class of each."""
    head = html.Thead(html.Tr([html.Th(title, className=kind, title=meaning(title)) for title, kind in columns]))
    body = html.Tbody(
        [html.Tr([html.Td(cell, className=kind) for cell, (_, kind) in zip(row, columns, strict=True)]) for row in rows]
    )
    return html.Div(html.Table([head, body], id=name), className="scroll", tabIndex=0)


def cards(rows: Sequence[tuple[Component, Component, Sequence[tuple[str, Component]]]]) -> Component:
    """Show a table's rows one below the other, for a phone and for paper. Stands before the grid that it replaces.

    rows: what each is about, the way to more of it, and its figures by name
    """
    return html.Ul(
        [
            html.Li(
                [
                    html.Div([about, html.Span(way, className="way")], className="first"),
                    html.Dl([html.Div([term(name), html.Dd(value)]) for name, value in figures]),
                ]
            )
            for about, way, figures in rows
        ],
        className="cards",
    )


def tags(names: Sequence[str]) -> Component:
    # The blanks are for whoever copies or hears them.
    return html.Span([part for name in names for part in (html.Span(name, className="tag"), " ")])


def ticker_href(symbol: str, page: Page) -> str:
    """Return the address of a ticker's page, of the session that is shown."""
    kept = {name: value for name, value in kept_choices(page.address).items() if name == "as_of"}
    return Address("/ticker", symbol, kept).href()


def ticker_link(symbol: str, page: Page, label: str = "") -> Component:
    return dcc.Link(label or symbol, href=ticker_href(symbol, page), className="ticker")


def moment(moment: datetime | None, page: Page) -> Component:
    """Show a moment in UTC; the page's script adds the reader's own time."""
    if moment is None:
        return page.moment(None)
    return html.Time(page.moment(moment), dateTime=moment.isoformat(), className="moment")


def named_lines(*named: tuple[str, Component]) -> Component:
    """Show a few facts one below the other."""
    return html.Dl([html.Div([term(name), html.Dd(value)]) for name, value in named], className="named-lines")


def gain(share: float | None) -> Component:
    """Show a return with its sign, and the sign's colour."""
    return html.Span(signed(share), className=sign_class(share))


def window_name(window: Window, page: Page) -> str:
    """Return a window of the API ("5d", "month") as a word."""
    return page.say(common.MONTH_SO_FAR) if window == "month" else page.say(common.DAYS, days=window[:-1])


def words(reasons: Sequence[ShownReason], page: Page) -> str:
    """Return reasons as a text, in the reader's language where they are known there."""
    return typeset_words(reason_in(page.language, reasons)[0])


def reason(reasons: Sequence[ShownReason], page: Page) -> Component:
    """Show why a number is missing."""
    told, language = reason_in(page.language, reasons)
    return html.Span(typeset_words(told), lang=language)


def doubt(name: str, hint: str = "") -> Component:
    """Show a tag that warns of a figure, with its reason as the hint."""
    return html.Span(name, className="tag degraded", title=hint or None)


def not_computable(reasons: Sequence[ShownReason], page: Page) -> Component:
    """Show that a portfolio could not be computed, which is not the same as cash."""
    return state(page.say(common.NOT_COMPUTABLE_TITLE), words(reasons, page), page.say(common.NOT_COMPUTABLE_HINT))


def periods(lengths: Iterable[int], page: Page) -> list[str]:
    """Return the names of periods, by their number of sessions."""
    return [page.say(common.DAYS, days=days) for days in lengths]


def trends(etf: Etf | Holder, page: Page) -> Component:
    """Show the periods over which an ETF trends."""
    over = {5: etf.is_trending_5d, 10: etf.is_trending_10d, 20: etf.is_trending_20d}
    names = periods((days for days in page.periods if over[days]), page)
    return tags(names) if names else html.Span("–", className="soft")


def ticker_search(page: Page) -> Component:
    """Show a field that leads to a ticker's page. The page's script makes it a combobox."""
    label = page.say(ticker.SEARCH)
    field = dcc.Input(
        id=TICKER_SEARCH,
        type="text",
        placeholder=page.say(ticker.SEARCH_HINT),
        autoComplete="off",
        spellCheck=False,
        maxLength=60,
    )
    told: dict[str, Any] = {"data-text": page.say(ticker.SUGGESTIONS, count="{count}")}
    return html.Div(
        [
            html.Label([html.Span(label, className="unseen"), field], title=label),
            html.Ul(id="ticker-suggestions", role="listbox", hidden=True, **aria(label=page.say(ticker.SUGGESTED))),
            html.Span(id="ticker-suggestions-status", role="status", className="unseen", **told),
        ],
        className="search",
        role="search",
    )


def download(page: Page, name: str) -> Component:
    """Show the link to a table of this view as CSV."""
    shown = page.address
    query = {**shown.choices, **({"subject": shown.subject} if shown.subject else {}), "path": shown.path}
    return html.A(
        page.say(common.DOWNLOAD),
        href=f"/download/{name}.csv?{urlencode(query)}",
        title=page.say(common.DOWNLOAD_HINT),
        className="button small",
        download=f"{name}.csv",
    )


def state(title: str, detail: str, hint: str, *actions: Component, is_page: bool = False) -> Component:
    """Show a message in place of data: what happened, why, and what to do. is_page: nothing else is shown."""
    return html.Div(
        className="state",
        role="status",
        children=[
            html.H1(title) if is_page else html.H2(title),
            html.P(detail[:1].upper() + detail[1:], className="detail"),
            html.P(hint, className="hint"),
            html.Div(list(actions), className="actions"),
        ],
    )


def reload_link(page: Page) -> Component:
    """Show a plain link, so that the page is asked for again."""
    return html.A(page.say(common.TRY_AGAIN), href=page.address.href(), className="button")


def newest_link(page: Page, href: str) -> Component:
    return dcc.Link(page.say(common.SHOW_NEWEST), href=href, className="button")


def sign_class(value: float | None) -> str:
    """Return the class that colours a number, always beside its sign."""
    return "" if not value else "up" if value > 0 else "down"
