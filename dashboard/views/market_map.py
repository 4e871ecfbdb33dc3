"""Where the market stands: every stock by sector on one map, and the ETFs against the benchmark."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, get_args

from dash import dcc, html
from msgspec.structs import asdict

from contract.common import WINDOWS, Window
from contract.etfs import EtfBenchmark, EtfSeries
from contract.stocks import MarketMap, SectorMonth, SectorStocks, Standing
from dashboard import components, figures, search
from dashboard.api_client import ApiClient
from dashboard.colours import readable_on
from dashboard.components import Choice, Component
from dashboard.figures import COLOURS, Tile
from dashboard.page import Page, compact, price, signed
from dashboard.texts import common, market_map
from dashboard.texts.company_names import KOREAN
from dashboard.views import selectors
from utils.errors import NotPublished

GRAPH = "market-map"
FINDER = "map-find"
Size = Literal["cap", "equal"]
SIZES: tuple[Size, ...] = get_args(Size)
ONE_DAY: Window = "1d"
MONTH: Window = "month"
# From which return on the colour stays the same. It grows about with the root of the window, as returns do, so
# that every window makes the same use of the scale, and two days of one window can be compared.
FULL_COLOUR: Mapping[Window, float] = {"1d": 0.03, "5d": 0.06, "10d": 0.09, "20d": 0.12, MONTH: 0.12}
DEFAULT_WINDOW: Window = "20d"
# The longest month has 23 sessions; its return starts with the last one of the month before.
SESSIONS_OF_A_MONTH = 24
SHOWN_TICKERS = 8
# What a reader can tell apart, and a browser draws at once. Of more stocks the largest have tiles of their own; of more
# ETFs those farthest ahead and farthest behind are shown. The lists beside them are complete when they are asked for.
TILES_AT_MOST = 1000
LINES_AT_MOST = 40
ETFS_AT_MOST = 60
LINKS_AT_MOST = 300
SOME, ALL = "some", "all"
UNKNOWN = "unknown"


def page(client: ApiClient, page: Page) -> list[Component]:
    window, as_of = window_of(page), page.address.day("as_of")
    market = client.market_map(as_of)
    compared, why_not = _compared(client, page)
    session = market.as_of_date
    picker = [selectors.session_picker(page, session, client.calendar())] if session else []
    return [
        *components.banners(
            page,
            source=_source(market, compared),
            degraded_reason=components.words(compared.degraded_reasons, page) if compared else "",
        ),
        components.heading(page.say(market_map.TITLE), _window_selector(page), *picker),
        *([*_map(market, window, page), _sectors(market, window, page)] if market.sectors else [_nothing(page)]),
        *(_etfs(compared, window, page) if compared else [_no_etfs(why_not, page)]),
    ]


def stocks(client: ApiClient, page: Page) -> Sequence[Standing]:
    """Every stock of the map."""
    return list(_stocks(client.market_map(page.address.day("as_of"))))


def etfs(client: ApiClient, page: Page) -> Sequence[Mapping[str, object]]:
    """Return the table of the ETFs, without the closes of each session."""
    compared = client.etf_benchmark(page.address.day("as_of"), 1)
    return [{name: value for name, value in asdict(etf).items() if name != "adj_closes"} for etf in compared.etfs]


def window_of(page: Page) -> Window:
    return page.address.choice("window", WINDOWS, DEFAULT_WINDOW)


def _window_selector(page: Page) -> Component:
    choices = [
        Choice(
            window, components.window_name(window, page), page.address.href(window=window), _window_hint(window, page)
        )
        for window in WINDOWS
    ]
    return components.selector(page.say(market_map.WINDOW), choices, window_of(page))


def _window_hint(window: Window, page: Page) -> str:
    if window == ONE_DAY:
        return page.say(common.ONE_DAY_HINT)
    return page.say(market_map.MONTH_HINT) if window == MONTH else page.say(common.PERIOD_HINT, days=window[:-1])


def _window_span(window: Window, page: Page) -> str:
    """Return the window within a sentence."""
    if window == ONE_DAY:
        return page.say(market_map.SPAN_DAY)
    return page.say(market_map.SPAN_MONTH) if window == MONTH else page.say(market_map.SPAN_DAYS, days=window[:-1])


def _source(market: MarketMap, compared: EtfBenchmark | None) -> str | None:
    of_stocks = [stock.source for stock in _stocks(market)]
    of_etfs = [etf.source for etf in compared.etfs] if compared else []
    return next(filter(None, [*of_stocks, *of_etfs]), None)


def _stocks(market: MarketMap) -> Iterable[Standing]:
    return (stock for sector in market.sectors for stock in sector.stocks)


# ── the map ──────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Chosen:
    """What a reader has chosen of the map. sought: the stock that was looked for, where the map has it."""

    window: Window
    size: Size
    sought: Standing | None

    @property
    def ticker(self) -> str:
        return self.sought.ticker if self.sought else ""

    def area(self, stock: Standing) -> int:
        """Return the area of a stock: dollars, or one like every other."""
        return 1 if self.size == "equal" else stock.market_cap or 0


def chosen_of(market: MarketMap, page: Page) -> Chosen:
    return Chosen(window_of(page), page.address.choice("size", SIZES, SIZES[0]), _sought(market, page))


def _sought(market: MarketMap, page: Page) -> Standing | None:
    """Return the stock that fits best what was typed."""
    stocks = {stock.ticker: stock for stock in _stocks(market)}
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
    reading = say(market_map.READING, area=area, window=_window_span(window, page), high=f"±{full:.0%}")
    return [
        components.panel(
            say(market_map.STOCKS, count=sum(1 for _ in _stocks(market)), day=page.day(market.as_of_date)),
            _options(chosen, page),
            *_found(chosen, page),
            components.graph(GRAPH, figure),
            html.P(reading, className="note"),
            *_left_out(market, chosen, page),
            *_derived(market, page),
            _links(market, window, page),
            tools=[*_way_back(enlarged, page), _legend(full, page), components.download(page, "stocks")],
            name="market-map",
        )
    ]


def _enlarged(market: MarketMap, chosen: Chosen, page: Page) -> str:
    """Return the sector that is shown alone, that of the sought stock if there is one; nothing for the whole map."""
    named = page.address.choice("sector", ["", *map(_key_of, market.sectors)], "")
    if named or chosen.sought is None or not chosen.area(chosen.sought):
        return named
    return next(_key_of(sector) for sector in market.sectors if chosen.sought in sector.stocks)


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


def _key_of(sector: SectorStocks) -> str:
    """Return what a sector goes by in an address and on the map, the same in every language."""
    return sector.sector or UNKNOWN


def _name_of(sector: SectorStocks, page: Page) -> str:
    return page.sector(sector.sector) if sector.sector else page.say(market_map.UNKNOWN_SECTOR)


def tiles(market: MarketMap, chosen: Chosen, page: Page) -> list[Tile]:
    """Each sector that has an area, followed by its stocks. By market cap, those without one have no place."""
    drawn = sorted(
        (stock for stock in _stocks(market) if chosen.area(stock)),
        key=lambda stock: stock.market_cap or 0,
        reverse=True,
    )
    own = {stock.ticker for stock in drawn[:TILES_AT_MOST]} | {chosen.ticker}
    return [tile for sector in market.sectors for tile in _tiles_of(sector, own, chosen, page)]


def _tiles_of(sector: SectorStocks, own: Set[str], chosen: Chosen, page: Page) -> list[Tile]:
    """own: the stocks that have a tile of their own; the others of the sector share one."""
    name, window = _name_of(sector, page), chosen.window
    sector_id = f"{figures.GROUP}{_key_of(sector)}"
    drawn = [stock for stock in sector.stocks if chosen.area(stock)]
    members = [
        Tile(stock.ticker, stock.ticker, sector_id, chosen.area(stock), stock.over(window), _stock_card(stock, page))
        for stock in drawn
        if stock.ticker in own
    ]
    members += _others([stock for stock in drawn if stock.ticker not in own], sector, chosen, page)
    if not members:
        return []
    gain = sector.over(window)
    about = page.say(market_map.CARD_STOCKS, count=sector.stock_count)
    out = sector.left_out[window]
    without = page.say(market_map.WITHOUT, window=_window_span(window, page), tickers=_some(out)) if out else ""
    card = _card(name, [about], sector, page, without)
    return [Tile(sector_id, f"{name}  {signed(gain)}", "", sum(tile.area for tile in members), gain, card), *members]


def _others(stocks: Sequence[Standing], sector: SectorStocks, chosen: Chosen, page: Page) -> list[Tile]:
    """Return the one tile of a sector's smaller stocks: their caps together, their return as that of a sector."""
    if not stocks:
        return []
    window = chosen.window
    starts = [
        (cap, stock.over(window) or 0.0)
        for stock in stocks
        if stock.counts(window) and (cap := stock.start_cap(window))
    ]
    start = sum(cap for cap, _ in starts)
    gain = sum(cap * own for cap, own in starts) / start if start else None
    name = page.say(market_map.OTHERS, count=f"{len(stocks):,}")
    card = f"<b>{_name_of(sector, page)}: {name}</b><br>{page.say(market_map.OTHERS_CARD)}<br>{signed(gain)}"
    area = sum(map(chosen.area, stocks))
    key = _key_of(sector)
    return [Tile(f"{figures.GROUP}others:{key}", name, f"{figures.GROUP}{key}", area, gain, card)]


def _stock_card(stock: Standing, page: Page) -> str:
    """Return the text of a stock's hover card."""
    name = page.company(stock.ticker, stock.company_name) if stock.company_name else ""
    lines = [name, f"{price(stock.close_price)} {stock.currency}"]
    if stock.rate_date and stock.rate_date != stock.trade_date:
        lines.append(page.say(market_map.CARRIED_RATE, day=page.day(stock.rate_date)))
    if stock.sector_source == "derived":
        lines.append(page.say(market_map.DERIVED))
    return _card(
        stock.ticker, lines, stock, page, components.words(stock.missing_reasons or stock.degraded_reasons, page)
    )


def _some(tickers: Sequence[str]) -> str:
    """Return the first of them, and whether there are more.

    >>> _some(["NVDA", "MU"])
    'NVDA, MU'
    """
    shown = ", ".join(tickers[:SHOWN_TICKERS])
    return f"{shown} …" if len(tickers) > SHOWN_TICKERS else shown


def _card(title: str, lines: Sequence[str], standing: Standing | SectorStocks, page: Page, reason: str = "") -> str:
    """Title, what it is, market cap, all four returns, and why one is missing."""
    cap = f"{page.say(market_map.CARD_CAP)} ${compact(standing.market_cap or 0)}"
    returns = [f"{components.window_name(window, page)}  <b>{signed(standing.over(window))}</b>" for window in WINDOWS]
    return "<br>".join(filter(None, [f"<b>{title}</b>", *lines, cap, *returns, reason]))


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
    lacking = [stock for stock in _stocks(market) if stock.ticker in uncounted or not stock.market_cap]
    if not lacking:
        return []
    lines = [html.Li([components.ticker_link(stock.ticker, page), " ", _why(stock, chosen, page)]) for stock in lacking]
    summary = html.Summary([page.say(market_map.LEFT_OUT), html.Span(f" {len(lacking)}", className="soft")])
    return [html.Details([summary, html.Ul(lines, className="left-out")])]


def _why(stock: Standing, chosen: Chosen, page: Page) -> Component:
    if stock.over(chosen.window) is None and stock.missing_reasons:
        return components.reason(stock.missing_reasons, page)
    if stock.market_cap:
        return page.say(market_map.NO_START_CAP)
    return page.say(market_map.NO_CAP_TO_COUNT if chosen.area(stock) else market_map.NO_CAP)


def _derived(market: MarketMap, page: Page) -> list[Component]:
    """List the stocks whose sector is not the source's own word."""
    derived = [stock.ticker for stock in _stocks(market) if stock.sector_source == "derived"]
    if not derived:
        return []
    summary = html.Summary([page.say(market_map.DERIVED_COUNT), html.Span(f" {len(derived)}", className="soft")])
    return [html.Details([summary, html.P(", ".join(derived), className="note")])]


def _links(market: MarketMap, window: Window, page: Page) -> Component:
    """Show the map as a list for readers without a mouse: every stock as a link, sector by sector.

    A long list is on the page once it is asked for.
    """
    is_long = sum(1 for _ in _stocks(market)) > LINKS_AT_MOST
    is_asked_for = page.address.choice("stocks", [SOME, ALL], SOME) == ALL
    if is_long and not is_asked_for:
        there = page.address.href(stocks=ALL)
        return html.P(dcc.Link(page.say(market_map.AS_LIST), href=there, className="button small"))
    sectors = [
        html.Li(
            [
                html.H3(f"{_name_of(sector, page)} {signed(sector.over(window))}"),
                *(
                    components.ticker_link(stock.ticker, page, f"{stock.ticker} {signed(stock.over(window))}")
                    for stock in sector.stocks
                ),
            ]
        )
        for sector in market.sectors
    ]
    listed = html.Ul(sectors, className="all-stocks")
    return html.Details([html.Summary(page.say(market_map.AS_LIST)), listed], open=is_asked_for)


def _nothing(page: Page) -> Component:
    say = page.say
    return components.state(say(market_map.EMPTY_TITLE), say(market_map.EMPTY_DETAIL), say(market_map.EMPTY_HINT))


# ── the sectors ──────────────────────────────────────────────────────────────


def _sectors(market: MarketMap, window: Window, page: Page) -> Component:
    """Every sector's returns by market cap beside the newest published month, in which each stock counts alike."""
    say = page.say
    columns = [
        (say(common.SECTOR), ""),
        (say(market_map.STOCK_COUNT), "number"),
        *(
            (
                say(market_map.BY_CAP, window=components.window_name(each, page)),
                "number strong" if each == window else "number",
            )
            for each in WINDOWS
        ),
        (say(market_map.EQUALLY), "number"),
        (say(market_map.COUNTED_TO), "soft"),
    ]
    rows = [
        (
            _name_of(sector, page),
            str(sector.stock_count),
            *(components.gain(sector.over(each)) for each in WINDOWS),
            components.gain(sector.newest_month.avg_monthly_return if sector.newest_month else None),
            _counted_to(sector.newest_month, page),
        )
        for sector in market.sectors
    ]
    return components.panel(
        say(market_map.SECTORS, day=page.day(market.as_of_date)),
        components.table("sectors", columns, rows),
        html.P(say(market_map.SECTORS_READING), className="note"),
        *(html.P(told, className="note") for told in _doubts(market, page)),
    )


def _counted_to(month: SectorMonth | None, page: Page) -> Component:
    """Show the last session of a month, and its doubts."""
    if month is None:
        return "–"
    tags = [
        *([components.doubt(f"△ {page.say(common.DEGRADED_TAG)}")] if month.degraded_reasons else []),
        *([components.doubt(page.say(common.HINDSIGHT_TAG))] if month.holdings_known_later else []),
    ]
    day = month.as_of_date or f"{month.year}-{month.month:02}"
    return html.Span([str(day), *(part for tag in tags for part in (" ", tag))])


def _doubts(market: MarketMap, page: Page) -> list[str]:
    """Explain the months' tags: each reason once."""
    months = [sector.newest_month for sector in market.sectors if sector.newest_month]
    reasons = dict.fromkeys(filter(None, (components.words(month.degraded_reasons, page) for month in months)))
    snapshots = dict.fromkeys(month.holdings_as_of for month in months if month.holdings_known_later)
    return [
        *(page.say(market_map.MONTH_DEGRADED, reason=each) for each in reasons),
        *(page.say(market_map.MONTH_HINDSIGHT, day=page.day(each)) for each in snapshots),
    ]


# ── the ETFs ─────────────────────────────────────────────────────────────────


def _compared(client: ApiClient, page: Page) -> tuple[EtfBenchmark | None, str]:
    """Get the ETFs with as many closes as the window needs, or why there are none."""
    window = window_of(page)
    sessions = SESSIONS_OF_A_MONTH if window == MONTH else int(window[:-1]) + 1
    try:
        compared = client.etf_benchmark(page.address.day("as_of"), sessions)
    except NotPublished as error:
        return None, str(error)
    is_there = compared.sessions and any(etf.close_price for etf in compared.etfs)
    return (compared, "") if is_there else (None, page.say(market_map.NO_ETFS_DETAIL))


def _no_etfs(why: str, page: Page) -> Component:
    return components.state(page.say(market_map.NO_ETFS_TITLE), why, page.say(market_map.NO_ETFS_HINT))


def _etfs(compared: EtfBenchmark, window: Window, page: Page) -> list[Component]:
    say, benchmark = page.say, compared.benchmark
    first = first_session(compared.sessions, window)
    days = compared.sessions[first:]
    returns = {etf.ticker: figures.rebased(etf.adj_closes[first:]) for etf in compared.etfs}
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
    rows = [
        (
            components.ticker_link(etf.ticker, page),
            html.Span(etf.description or "", title=etf.description or None),
            _course(etf, returns, compared, window, page),
            components.gain(etf.ahead(window)),
            components.trends(etf, page),
            *(components.gain(etf.over(each)) for each in WINDOWS),
            _close(etf),
        )
        for etf in shown_etfs(compared.etfs, window, len(compared.etfs) if _lists_etfs(page) else ETFS_AT_MOST)
    ]
    return components.table("etfs", columns, rows)


def shown_etfs(etfs: Sequence[EtfSeries], window: Window, most: int) -> list[EtfSeries]:
    """Return the benchmark and, of more than so many, those farthest ahead and those farthest behind it."""
    ordered = by_outperformance(etfs, window)
    if len(ordered) <= most:
        return ordered
    known = sum(1 for etf in ordered if etf.is_benchmark or etf.ahead(window) is not None)
    ahead = most // 2
    return [*ordered[:ahead], *ordered[max(known - (most - ahead), ahead) : known]]


def _lists_etfs(page: Page) -> bool:
    return page.address.choice("etfs", [SOME, ALL], SOME) == ALL


def _rest_of_etfs(compared: EtfBenchmark, page: Page) -> list[Component]:
    """Return the way to the ETFs in the middle, or back."""
    if len(compared.etfs) <= ETFS_AT_MOST:
        return []
    if _lists_etfs(page):
        return [dcc.Link(page.say(market_map.FEWER_ETFS), href=page.address.href(etfs=None), className="button small")]
    told = page.say(market_map.MORE_ETFS, count=f"{len(compared.etfs) - ETFS_AT_MOST:,}")
    return [dcc.Link(told, href=page.address.href(etfs=ALL), className="button small")]


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
