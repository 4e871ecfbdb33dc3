"""The tiles of the market's map: sectors, their stocks, and what is said about each under the pointer."""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from typing import Literal, get_args

from contract.common import WINDOWS, Window
from contract.stocks import MarketMap, SectorStocks, Standing
from dashboard import components, figures
from dashboard.figures import Tile
from dashboard.page import Page, compact, price, signed
from dashboard.texts import market_map
from dashboard.views.market_windows import said_of, window_span

Size = Literal["cap", "equal"]
SIZES: tuple[Size, ...] = get_args(Size)
SHOWN_TICKERS = 8
# What a reader can tell apart, and a browser draws at once. Of more stocks the largest have tiles of their own.
TILES_AT_MOST = 1000
UNKNOWN = "unknown"


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


def stocks_of(market: MarketMap) -> Iterable[Standing]:
    return (stock for sector in market.sectors for stock in sector.stocks)


def key_of(sector: SectorStocks) -> str:
    """Return what a sector goes by in an address and on the map, the same in every language."""
    return sector.sector or UNKNOWN


def name_of(sector: SectorStocks, page: Page) -> str:
    return page.sector(sector.sector) if sector.sector else page.say(market_map.UNKNOWN_SECTOR)


def tiles(market: MarketMap, chosen: Chosen, page: Page) -> list[Tile]:
    """Each sector that has an area, followed by its stocks. By market cap, those without one have no place."""
    drawn = sorted(
        (stock for stock in stocks_of(market) if chosen.area(stock)),
        key=lambda stock: stock.market_cap or 0,
        reverse=True,
    )
    own = {stock.ticker for stock in drawn[:TILES_AT_MOST]} | {chosen.ticker}
    return [tile for sector in market.sectors for tile in _tiles_of(sector, own, chosen, page)]


def _tiles_of(sector: SectorStocks, own: Set[str], chosen: Chosen, page: Page) -> list[Tile]:
    """own: the stocks that have a tile of their own; the others of the sector share one."""
    name, window = name_of(sector, page), chosen.window
    sector_id = f"{figures.GROUP}{key_of(sector)}"
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
    without = page.say(market_map.WITHOUT, window=window_span(window, page), tickers=_some(out)) if out else ""
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
    card = f"<b>{name_of(sector, page)}: {name}</b><br>{page.say(market_map.OTHERS_CARD)}<br>{signed(gain)}"
    area = sum(map(chosen.area, stocks))
    key = key_of(sector)
    return [Tile(f"{figures.GROUP}others:{key}", name, f"{figures.GROUP}{key}", area, gain, card)]


def _stock_card(stock: Standing, page: Page) -> str:
    """Return the text of a stock's hover card."""
    name = page.company(stock.ticker, stock.company_name) if stock.company_name else ""
    lines = [name, f"{price(stock.close_price)} {stock.currency}"]
    if stock.rate_date and stock.rate_date != stock.trade_date:
        lines.append(page.say(market_map.CARRIED_RATE, day=page.day(stock.rate_date)))
    if stock.sector_source == "derived":
        lines.append(page.say(market_map.DERIVED))
    return _card(stock.ticker, lines, stock, page, "<br>".join(said_of(stock, page)))


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
