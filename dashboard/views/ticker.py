"""One ticker: its prices, its returns beside the benchmark's, who holds it or what it holds, its record with us."""

from collections.abc import Mapping, Sequence

from dash import dcc, html
from msgspec.structs import asdict

from config.periods import MONTHLY
from contract.etfs import Etf
from contract.holdings import Comparison, Holder, StoredHolding
from contract.portfolios import Appearance, Appearances
from contract.stocks import History, PublishedBar, WindowReturn
from dashboard import components, figures, search
from dashboard.address import Address
from dashboard.api_client import ApiClient
from dashboard.components import Choice, Component
from dashboard.figures import Candle, Mark, Strip
from dashboard.page import Page, compact, percent, price
from dashboard.texts import common, ticker
from utils.errors import ActstockError, InvalidInput, NotPublished, UnknownTicker
from utils.splits import ratio_text

# Sessions of a range: those of its last return, so that a bar more is shown.
RANGES = {"1m": 21, "3m": 63, "6m": 126, "1y": 252}
DEFAULT_RANGE = "6m"
PRICE_COLUMNS = ("ticker", "currency", *PublishedBar.__struct_fields__)
# What the API gives at once, of which the table shows the first.
APPEARANCE_ROWS = 1000
APPEARANCES_IN_SIGHT = 20
# More than a snapshot has: the source lists the ten largest holdings.
HOLDINGS_ROWS = 25
ETF = "ETF"
CURRENCY = "CURRENCY"


def page(client: ApiClient, page: Page) -> list[Component]:
    symbol = page.address.subject.upper()
    if not symbol:
        return [_lost(page.say(ticker.NO_SUBJECT), page)]
    bars = _sessions(page)
    try:
        return _page_of(symbol, _history(client, symbol, bars), client, page)
    except (InvalidInput, NotPublished):  # what is no symbol at all is either, by the letters in it
        return [_lost(page.say(ticker.UNKNOWN, ticker=symbol), page, _meant(client, symbol, page))]


def prices(client: ApiClient, page: Page) -> Sequence[Mapping[str, object]]:
    """Return the bars that are shown, with the ticker and the currency of the prices and the market cap."""
    history = client.history(page.address.subject, _sessions(page))
    return [{"ticker": history.ticker, "currency": history.currency, **asdict(bar)} for bar in history.bars]


def record(client: ApiClient, page: Page) -> Sequence[Appearance]:
    """Return every portfolio that the ticker is in, in as many requests as it takes."""
    found: list[Appearance] = []
    while True:
        part = client.appearances(page.address.subject, APPEARANCE_ROWS, len(found))
        found += part.appearances
        if not part.next:
            return found


def _sessions(page: Page) -> int:
    return RANGES[page.address.choice("range", list(RANGES), DEFAULT_RANGE)] + 1


def _history(client: ApiClient, symbol: str, bars: int) -> History | None:
    """None for what has no prices: it may be a small holding all the same."""
    try:
        return client.history(symbol, bars)
    except UnknownTicker:
        return None


def _page_of(symbol: str, history: History | None, client: ApiClient, page: Page) -> list[Component]:
    if history is None:
        return _priceless(symbol, client.holders(symbol), client.appearances(symbol, APPEARANCE_ROWS), page)
    if history.quote_type == ETF:
        listed = client.etf_list().etfs
        etf = next((each for each in listed if each.ticker == symbol), None)
        return _about(history, etf, [_holdings(client.holdings(symbol, HOLDINGS_ROWS).holdings, page)], page)
    if history.quote_type == CURRENCY:
        return _about(history, None, [], page)
    held = _holders(client.holders(symbol), page)
    past = client.appearances(symbol, APPEARANCE_ROWS)
    return [*_about(history, None, [held], page, past.appearances), _appearances(past, page)]


def _priceless(symbol: str, held: Comparison, past: Appearances, page: Page) -> list[Component]:
    say = page.say
    return [
        _heading(symbol, held.holding_name, page),
        components.state(say(ticker.NO_PRICES_TITLE, ticker=symbol), say(ticker.NO_PRICES_DETAIL), ""),
        html.Div([_holders(held, page), _appearances(past, page)], className="halves"),
    ]


def _lost(why: str, page: Page, meant: Sequence[Component] = ()) -> Component:
    to_map = dcc.Link(page.say(ticker.TO_MAP), href="/map", className="button")
    title, hint = page.say(common.UNKNOWN_TICKER_TITLE), page.say(ticker.TO_FIND)
    return components.state(title, why, hint, *meant, to_map, components.newest_link(page, "/"), is_page=True)


def _meant(client: ApiClient, typed: str, page: Page) -> list[Component]:
    """Return links to what an unknown ticker may mean."""
    try:
        found = search.find(search.entries(client), typed)
    except ActstockError:
        return []
    if not found:
        return []
    links = [components.ticker_link(entry.ticker, page) for entry, _ in found]
    return [html.Span([page.say(ticker.DID_YOU_MEAN), *(part for each in links for part in (" ", each))])]


# ── what it is, and its prices ───────────────────────────────────────────────


def _about(
    history: History,
    etf: Etf | None,
    beside: Sequence[Component],
    page: Page,
    past: Sequence[Appearance] = (),
) -> list[Component]:
    """etf: where it stands among the others, of an ETF; beside: what stands at the chart's side, below its returns.

    past: the portfolios that it was in
    """
    newest = history.bars[-1]
    return [
        *components.banners(page, source=newest.source),
        _heading(history.ticker, history.company_name, page, _range_selector(page)),
        _facts(history, newest, etf, page),
        html.Div([_chart(history, past, page), html.Div([*_returns(history, page), *beside])], className="beside"),
    ]


def _heading(symbol: str, name: str | None, page: Page, *tools: Component) -> Component:
    told = page.company(symbol, name) if name else ""
    title = html.Div([html.H1(symbol), html.Span(told, className="soft")], className="named")
    return html.Div([title, *tools], className="heading")


def _range_selector(page: Page) -> Component:
    choices = [
        Choice(name, page.say(text), page.address.href(range=name), page.say(ticker.RANGE_HINT, days=RANGES[name]))
        for name, text in ticker.RANGES.items()
    ]
    selected = page.address.choice("range", list(RANGES), DEFAULT_RANGE)
    return components.selector(page.say(ticker.RANGE), choices, selected)


def _facts(history: History, newest: PublishedBar, etf: Etf | None, page: Page) -> Component:
    say = page.say
    close = f"{price(newest.close_price)} {history.currency}"
    sector = [(say(common.SECTOR), _sector(history, page))] if history.sector else []
    cap = [(say(common.MARKET_CAP), _market_cap(newest, history, page))] if history.quote_type == "EQUITY" else []
    trends = [(say(ticker.TRENDS), components.trends(etf, page))] if etf and not etf.is_benchmark else []
    return components.facts(
        (say(ticker.KIND), say(ticker.KINDS[history.quote_type])),
        *sector,
        (say(ticker.NEWEST_CLOSE, day=page.day(newest.trade_date)), close),
        *cap,
        *trends,
        (say(common.PRICES), say(common.SOURCES[newest.source])),
    )


def _sector(history: History, page: Page) -> Component:
    """With a mark where it is not the source's own word."""
    if history.sector_source != "derived":
        return page.sector(history.sector)
    return html.Span(
        [page.sector(history.sector), html.Span(f" {page.say(ticker.DERIVED_SECTOR)}", className="aside soft")]
    )


def _market_cap(newest: PublishedBar, history: History, page: Page) -> Component:
    """In the currency of the prices, and how it was come by."""
    if not newest.market_cap:
        return page.say(ticker.NO_CAP)
    source = ticker.CAP_SOURCES.get(newest.market_cap_source or "")
    cap = f"{compact(newest.market_cap)} {history.currency}"
    return html.Span([cap, html.Span(f" {page.say(source)}" if source else "", className="aside soft")])


def strips(past: Sequence[Appearance], page: Page) -> list[Strip]:
    """Return the sessions of each portfolio that the ticker was in, the shortest period first, the month last."""
    found = []
    for days in (*page.periods, None):
        same = [each for each in past if each.period_days == days]
        name = page.say(common.DAYS, days=days) if days else page.say(common.MONTH)
        cards = [page.say(ticker.IN_PORTFOLIO, portfolio=name, weight=percent(each.weight)) for each in same]
        found.append(Strip(name, [each.as_of_date.isoformat() for each in same], cards))
    return found


def _chart(history: History, past: Sequence[Appearance], page: Page) -> Component:
    say, bars = page.say, history.bars
    title = say(
        ticker.PRICES_TITLE,
        count=len(bars),
        day=page.day(bars[-1].trade_date),
        currency=history.currency,
    )
    session = page.address.day("as_of")
    mark = Mark(session.isoformat(), page.short_day(session)) if session else None
    figure = figures.prices([candle(bar, page) for bar in bars], page.palette, strips(past, page), mark)
    return components.panel(
        title,
        components.graph("prices", figure),
        html.P(
            [say(ticker.PRICES_READING, **page.hues), *([" ", say(ticker.STRIPS_READING)] if past else [])],
            className="note",
        ),
        tools=[components.download(page, "prices")],
    )


def candle(bar: PublishedBar, page: Page) -> Candle:
    marks = []
    if bar.dividend:
        marks.append(("D", page.say(ticker.DIVIDEND, amount=f"{bar.dividend:,g}")))
    if bar.split_ratio not in (0, 1):
        marks.append(("S", page.say(ticker.SPLIT, ratio=ratio_text(bar.split_ratio))))
    return Candle(
        bar.trade_date.isoformat(),
        bar.open_price,
        bar.high_price,
        bar.low_price,
        bar.close_price,
        bar.adj_close,
        bar.volume,
        _card(bar, page),
        tuple(marks),
    )


def _card(bar: PublishedBar, page: Page) -> str:
    """Return the text of a session's hover card."""
    say = page.say
    amounts = [
        (ticker.OPEN, bar.open_price),
        (ticker.HIGH, bar.high_price),
        (ticker.LOW, bar.low_price),
        (ticker.CLOSE, bar.close_price),
        (ticker.ADJUSTED, bar.adj_close),
    ]
    lines = [f"{say(name)} {price(amount)}" for name, amount in amounts if amount is not None]
    return "<br>".join([*lines, f"{say(ticker.VOLUME)} {compact(bar.volume) if bar.volume else '–'}"])


def _returns(history: History, page: Page) -> list[Component]:
    if not history.returns:
        return []
    say, benchmark = page.say, history.benchmark
    columns = [
        (say(ticker.WINDOW), ""),
        (say(ticker.RETURN), "number strong"),
        (say(common.BENCHMARK, benchmark=benchmark), "number"),
        (say(ticker.AHEAD), "number"),
    ]
    rows = [
        (
            html.Span(components.window_name(each.window, page), title=f"{each.start_session} → {each.end_session}"),
            components.gain(each.period_return),
            components.gain(each.benchmark_return),
            components.gain(_ahead(each)),
        )
        for each in history.returns
    ]
    reasons = [reasons for each in history.returns for reasons in (each.missing_reasons, each.degraded_reasons)]
    by_words = {components.words(each, page): each for each in reasons if each}
    return [
        components.panel(
            say(ticker.RETURNS, benchmark=benchmark),
            components.table("returns", columns, rows),
            *(html.P(components.reason(each, page), className="note") for _, each in sorted(by_words.items())),
            html.P(say(ticker.RETURNS_READING), className="note"),
        )
    ]


def _ahead(each: WindowReturn) -> float | None:
    own, its = each.period_return, each.benchmark_return
    return own - its if own is not None and its is not None else None


# ── who holds it, what it holds, where it was with us ────────────────────────


def _holders(held: Comparison, page: Page) -> Component:
    say = page.say
    if not held.etfs:
        return components.panel(say(ticker.HELD_BY), html.P(say(ticker.NOT_HELD)))
    columns = [
        (say(ticker.ETF), ""),
        (say(ticker.SHARE), "number strong"),
        (say(ticker.PLACE), "number"),
        (say(ticker.TRENDS), ""),
        (say(ticker.SNAPSHOT), ""),
    ]
    return components.panel(
        say(ticker.HELD_BY), components.table("holders", columns, [_holder(each, page) for each in held.etfs])
    )


def _holder(each: Holder, page: Page) -> Sequence[Component]:
    return (
        components.ticker_link(each.etf_ticker, page),
        percent(each.holding_percent),
        each.holding_rank,
        components.trends(each, page),
        each.collected_date.isoformat(),
    )


def _holdings(stored: Sequence[StoredHolding], page: Page) -> Component:
    """Show an ETF's newest snapshot."""
    say = page.say
    if not stored:
        return components.panel(say(ticker.HOLDINGS), html.P(say(ticker.NO_HOLDINGS)))
    newest = stored[0].collected_date
    columns = [
        (say(ticker.PLACE), "number soft"),
        (say(common.TICKER), ""),
        (say(common.COMPANY), "company soft"),
        (say(ticker.SHARE), "number strong"),
    ]
    rows = [
        (
            each.holding_rank,
            components.ticker_link(each.stock_ticker, page),
            page.company(each.stock_ticker, each.stock_name),
            percent(each.holding_percent),
        )
        for each in stored
        if each.collected_date == newest
    ]
    return components.panel(
        say(ticker.HOLDINGS),
        components.table("holdings", columns, rows),
        html.P(say(ticker.HOLDINGS_READING, day=page.day(newest)), className="note"),
    )


def _appearances(past: Appearances, page: Page) -> Component:
    say = page.say
    title = say(ticker.RECORD, count=past.total)
    if not past.appearances:
        return components.panel(title, html.P(say(ticker.NEVER)))
    columns = [
        (say(common.SESSION), ""),
        (say(ticker.PORTFOLIO), ""),
        (say(common.WEIGHT), "number strong"),
        (say(common.RANK), "number"),
        (say(ticker.RETURN), "number"),
        (say(ticker.CHOSEN_BY), ""),
    ]
    shown = past.appearances[:APPEARANCES_IN_SIGHT]
    rest = say(ticker.NEWEST_SHOWN, count=len(shown), total=past.total) if past.total > len(shown) else ""
    return components.panel(
        title,
        components.table("record", columns, [_appearance(each, page) for each in shown]),
        *([html.P(rest, className="note")] if rest else []),
        tools=[components.download(page, "record")],
    )


def _appearance(each: Appearance, page: Page) -> Sequence[Component]:
    """Return a row that leads to the portfolio it is about."""
    monthly = each.period_days is None
    day = each.rebalance_date if monthly else each.as_of_date
    period = MONTHLY if monthly else each.period_days
    there = Address(choices={"period": str(period), "as_of": str(day)})
    name = page.say(common.MONTH) if monthly else page.say(common.DAYS, days=period)
    return (
        dcc.Link(str(day), href=there.href()),
        html.Span([name, *(part for tag in _rests_on(each, page) for part in (" ", tag))]),
        percent(each.weight),
        each.rank,
        components.gain(each.period_return),
        _through(each, page),
    )


def _rests_on(each: Appearance, page: Page) -> list[Component]:
    """Return the marks of a portfolio that lacked something, or knew too much."""
    lacking = components.words(each.degraded_reasons, page)
    later = page.say(ticker.KNOWN_LATER, day=page.day(each.holdings_as_of))
    return [
        *([components.doubt(f"△ {page.say(common.DEGRADED_TAG)}", lacking)] if each.is_degraded else []),
        *([components.doubt(page.say(common.HINDSIGHT_TAG), later)] if each.holdings_known_later else []),
    ]


def _through(each: Appearance, page: Page) -> Component:
    """Show what brought it in: the ETFs that chose it, or the portfolios that were merged."""
    names = each.source_etfs or components.periods(each.source_periods or [], page)
    return components.tags(names)
