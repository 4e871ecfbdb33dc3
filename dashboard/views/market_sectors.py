"""The sectors' returns by market cap, beside their newest published month."""

from dash import html

from contract.common import WINDOWS, Window
from contract.stocks import MarketMap, SectorMonth, SectorStocks
from dashboard import components
from dashboard.components import Component
from dashboard.page import Page
from dashboard.texts import common, market_map
from dashboard.views.market_tiles import name_of


def sectors(market: MarketMap, window: Window, page: Page) -> Component:
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
            _name(sector, page),
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
        *_absent(market, page),
        *(html.P(told, className="note") for told in _doubts(market, page)),
    )


def _name(sector: SectorStocks, page: Page) -> Component:
    """Show a sector's name, and the doubt about figures that lack some of its stocks."""
    name = name_of(sector, page)
    if not sector.absent_reasons:
        return name
    lacking = components.words(sector.absent_reasons, page)
    return html.Span([name, " ", components.doubt(f"△ {page.say(common.DEGRADED_TAG)}", lacking)])


def _absent(market: MarketMap, page: Page) -> list[Component]:
    count = len(market.absent_reasons)
    return [html.P(page.say(market_map.WITHOUT_ABSENT, count=f"{count:,}"), className="note")] if count else []


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
