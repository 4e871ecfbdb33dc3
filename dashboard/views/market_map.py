"""Where the market stands: every stock by sector on one map, and the ETFs against the benchmark."""

from collections.abc import Mapping, Sequence
from typing import Any

from dash import dcc, html
from msgspec.structs import asdict

from contract.common import Window
from contract.etfs import Etf, EtfBenchmark
from contract.stocks import MarketMap, Standing
from dashboard import components, figures, search
from dashboard.api_client import ApiClient
from dashboard.colours import readable_on
from dashboard.components import Choice, Component
from dashboard.figures import COLOURS
from dashboard.page import Page, signed
from dashboard.texts import common, market_map
from dashboard.texts.company_names import KOREAN
from dashboard.views import selectors
from dashboard.views.etf_comparison import compared_etfs, etf_panels, no_etfs
from dashboard.views.market_sectors import sectors
from dashboard.views.market_tiles import SIZES, UNKNOWN, Chosen, key_of, name_of, stocks_of, tiles
from dashboard.views.market_windows import MONTH, window_of, window_selector, window_span

GRAPH = "market-map"
FINDER = "map-find"
# From which return on the colour stays the same. It grows about with the root of the window, as returns do, so
# that every window makes the same use of the scale, and two days of one window can be compared.
FULL_COLOUR: Mapping[Window, float] = {"1d": 0.03, "5d": 0.06, "10d": 0.09, "20d": 0.12, MONTH: 0.12}
LINKS_AT_MOST = 300


def page(client: ApiClient, page: Page) -> list[Component]:
    window, as_of = window_of(page), page.address.day("as_of")
    market = client.market_map(as_of)
    compared, why_not = compared_etfs(client, page)
    session = market.as_of_date
    picker = [selectors.session_picker(page, session, client.calendar())] if session else []
    return [
        *components.banners(
            page,
            source=_source(market, compared),
            degraded_reason=components.words(compared.degraded_reasons, page) if compared else "",
        ),
        components.heading(page.say(market_map.TITLE), window_selector(page), *picker),
        *([*_map(market, window, page), sectors(market, window, page)] if market.sectors else [_nothing(page)]),
        *(etf_panels(compared, window, page) if compared else [no_etfs(why_not, page)]),
    ]


def stocks(client: ApiClient, page: Page) -> Sequence[Mapping[str, object]]:
    """Return every stock of the map, then those whose bar of the session is not stored, with the reason alone."""
    market = client.market_map(page.address.day("as_of"))
    nothing: dict[str, object] = dict.fromkeys(Standing.__struct_fields__)
    return [
        *(asdict(stock) for stock in stocks_of(market)),
        *(
            nothing | {"ticker": each.params["ticker"], "missing_reason": each.sentence}
            for each in market.absent_reasons
        ),
    ]


def etfs(client: ApiClient, page: Page) -> Sequence[Etf]:
    """Return every ETF as of the session."""
    return client.etf_benchmark(page.address.day("as_of"), 1).etfs


def _source(market: MarketMap, compared: EtfBenchmark | None) -> str | None:
    of_stocks = [stock.source for stock in stocks_of(market)]
    of_etfs = [etf.source for etf in compared.etfs] if compared else []
    return next(filter(None, [*of_stocks, *of_etfs]), None)


def chosen_of(market: MarketMap, page: Page) -> Chosen:
    return Chosen(window_of(page), page.address.choice("size", SIZES, SIZES[0]), _sought(market, page))


def _sought(market: MarketMap, page: Page) -> Standing | None:
    """Return the stock that fits best what was typed."""
    stocks = {stock.ticker: stock for stock in stocks_of(market)}
    known = [search.Entry(ticker, stock.company_name or "", KOREAN.get(ticker, "")) for ticker, stock in stocks.items()]
    found = search.find(known, page.address.choices.get("find", ""))
    return stocks[found[0].entry.ticker] if found else None


def _map(market: MarketMap, window: Window, page: Page) -> list[Component]:
    say, full, chosen = page.say, FULL_COLOUR[window], chosen_of(market, page)
    enlarged = _enlarged(market, chosen, page)
    figure = figures.market_map(
        tiles(market, chosen, page), say(market_map.TO_USE), full, page.palette, enlarged, chosen.ticker
    )
    area = say(market_map.SIZE_HINTS[chosen.size])
    reading = say(market_map.READING, area=area, window=window_span(window, page), high=f"±{full:.0%}")
    return [
        components.panel(
            say(market_map.STOCKS, count=sum(1 for _ in stocks_of(market)), day=page.day(market.as_of_date)),
            _options(chosen, page),
            *_found(chosen, page),
            components.graph(GRAPH, figure),
            html.P(reading, className="note"),
            *_left_out(market, chosen, page),
            *_absent(market, page),
            *_derived(market, page),
            _links(market, window, page),
            tools=[*_way_back(enlarged, page), _legend(full, page), components.download(page, "stocks")],
            name="market-map",
        )
    ]


def _enlarged(market: MarketMap, chosen: Chosen, page: Page) -> str:
    """Return the sector that is shown alone, that of the sought stock if there is one; nothing for the whole map."""
    named = page.address.choice("sector", ["", *map(key_of, market.sectors)], "")
    if named or chosen.sought is None or not chosen.area(chosen.sought):
        return named
    return next(key_of(sector) for sector in market.sectors if chosen.sought in sector.stocks)


def _options(chosen: Chosen, page: Page) -> Component:
    """Show how the map is drawn, and the field that finds a stock on it."""
    say, texts = page.say, market_map
    sizes = [
        Choice(size, say(texts.SIZES[size]), page.address.href(size=size), say(texts.SIZE_HINTS[size]))
        for size in SIZES
    ]
    colours = [
        Choice(
            each,
            "–".join(say(hue) for hue in common.HUES[each]),
            components.preference(page, colours=each),
            say(texts.COLOUR_HINTS[each]),
        )
        for each in COLOURS
    ]
    return html.Div(
        [
            _option(say(texts.SIZE), components.selector(say(texts.SIZE), sizes, chosen.size)),
            _option(
                say(texts.COLOURS), components.selector(say(texts.COLOURS), colours, page.colours, is_preference=True)
            ),
            _finder(page),
        ],
        className="map-options",
    )


def _option(name: str, choices: Component) -> Component:
    return html.Div([html.Span(name, className="soft", **components.aria(hidden="true")), choices])


def _finder(page: Page) -> Component:
    """Show the field that finds a stock on the map, by its code or its name."""
    field = dcc.Input(
        id=FINDER,
        type="text",
        value=page.address.choices.get("find", ""),
        placeholder=page.say(market_map.FIND_HINT),
        autoComplete="off",
        spellCheck=False,
        maxLength=search.LONGEST,
    )
    return html.Label([html.Span(page.say(market_map.FIND), className="soft"), field])


def _found(chosen: Chosen, page: Page) -> list[Component]:
    """Say which stock was found, and where."""
    typed = page.address.choices.get("find", "")
    if not typed:
        return []
    stock = chosen.sought
    if stock is None:
        return [html.P(page.say(market_map.NOT_FOUND, typed=typed), className="banner degraded", role="status")]
    told = market_map.FOUND if chosen.area(stock) else market_map.FOUND_WITHOUT_AREA
    sector = page.sector(stock.sector) if stock.sector else page.say(market_map.UNKNOWN_SECTOR)
    where = page.say(told, name=page.company(stock.ticker, stock.company_name or stock.ticker), sector=sector)
    gain = components.gain(stock.over(chosen.window))
    return [
        html.P([components.ticker_link(stock.ticker, page), " ", gain, " ", where], className="found", role="status")
    ]


def _way_back(enlarged: str, page: Page) -> list[Component]:
    if not enlarged:
        return []
    name = page.say(market_map.UNKNOWN_SECTOR) if enlarged == UNKNOWN else page.sector(enlarged)
    told = page.say(market_map.WHOLE_MAP, sector=name)
    return [dcc.Link(told, href=page.address.href(sector=None, find=None), className="button small", id="whole-map")]


def _legend(full: float, page: Page) -> Component:
    scale = page.palette.scale
    low, high = f"−{full:.0%}", f"+{full:.0%}"
    colours = f"linear-gradient(90deg, {scale.down}, {scale.neutral}, {scale.up})"
    bar = {"background": colours, "color": readable_on(scale.neutral)}
    label: dict[str, Any] = {"aria-label": page.say(market_map.LEGEND, low=low, high=high, **page.hues)}
    return html.Div(
        [
            html.Span(low, className="number"),
            html.Span("0%", className="scale", style=bar),
            html.Span(high, className="number"),
            html.Span(className="hatched"),
            html.Span(page.say(market_map.NO_RETURN)),
        ],
        className="legend",
        role="img",
        **label,
    )


def _left_out(market: MarketMap, chosen: Chosen, page: Page) -> list[Component]:
    """List the stocks of which something is missing, each with the reason."""
    uncounted = {ticker for sector in market.sectors for ticker in sector.left_out[chosen.window]}
    lacking = [stock for stock in stocks_of(market) if stock.ticker in uncounted or not stock.market_cap]
    if not lacking:
        return []
    lines = [html.Li([components.ticker_link(stock.ticker, page), " ", _why(stock, chosen, page)]) for stock in lacking]
    summary = html.Summary([page.say(market_map.LEFT_OUT), html.Span(f" {len(lacking)}", className="soft")])
    return [html.Details([summary, html.Ul(lines, className="left-out")])]


def _absent(market: MarketMap, page: Page) -> list[Component]:
    """List the stocks that are not on the map, since their bar of the session is not stored, each with the reason."""
    if not market.absent_reasons:
        return []
    lines = [html.Li(components.words([each], page)) for each in market.absent_reasons]
    count = html.Span(f" {len(lines)}", className="soft")
    return [html.Details([html.Summary([page.say(market_map.ABSENT), count]), html.Ul(lines, className="left-out")])]


def _why(stock: Standing, chosen: Chosen, page: Page) -> Component:
    if missing := stock.missing_by_window.get(chosen.window):
        return components.reason(missing, page)
    if stock.market_cap:
        return page.say(market_map.NO_START_CAP)
    return page.say(market_map.NO_CAP_TO_COUNT if chosen.area(stock) else market_map.NO_CAP)


def _derived(market: MarketMap, page: Page) -> list[Component]:
    """List the stocks whose sector is not the source's own word."""
    derived = [stock.ticker for stock in stocks_of(market) if stock.sector_source == "derived"]
    if not derived:
        return []
    summary = html.Summary([page.say(market_map.DERIVED_COUNT), html.Span(f" {len(derived)}", className="soft")])
    return [html.Details([summary, html.P(", ".join(derived), className="note")])]


def _links(market: MarketMap, window: Window, page: Page) -> Component:
    """Show the map as a list for readers without a mouse: every stock as a link, sector by sector.

    A long list is on the page once it is asked for.
    """
    is_long = sum(1 for _ in stocks_of(market)) > LINKS_AT_MOST
    is_asked_for = selectors.lists_all(page, "stocks")
    if is_long and not is_asked_for:
        there = page.address.href(stocks=selectors.ALL)
        return html.P(dcc.Link(page.say(market_map.AS_LIST), href=there, className="button small"))
    listed = [
        html.Li(
            [
                html.H3(f"{name_of(sector, page)} {signed(sector.over(window))}"),
                *(
                    components.ticker_link(stock.ticker, page, f"{stock.ticker} {signed(stock.over(window))}")
                    for stock in sector.stocks
                ),
            ]
        )
        for sector in market.sectors
    ]
    whole = html.Ul(listed, className="all-stocks")
    return html.Details([html.Summary(page.say(market_map.AS_LIST)), whole], open=is_asked_for)


def _nothing(page: Page) -> Component:
    say = page.say
    return components.state(say(market_map.EMPTY_TITLE), say(market_map.EMPTY_DETAIL), say(market_map.EMPTY_HINT))
