"""Prices of any symbol, and the stocks by sector."""

from datetime import date
from typing import Annotated

from msgspec import Meta, Struct

from contract.common import (
    WINDOWS,
    DegradedByWindow,
    DegradedReason,
    MarketCapSource,
    MissingByWindow,
    Paged,
    QuoteType,
    Returns,
    SectorSource,
    Source,
    Window,
)
from contract.reasons import Reasons
from utils.messages import Moment

AbsentReason = Annotated[
    str | None,
    Meta(
        description="Which stocks were expected to have a bar of the session and have none, and why. They are in no "
        "figure. null: none"
    ),
]
Currency = Annotated[str, Meta(description="Of prices and market cap; of a CURRENCY: units of it per US dollar")]


class PublishedBar(Struct):
    trade_date: date
    open_price: float | None
    high_price: float | None
    low_price: float | None
    close_price: Annotated[float, Meta(description="Adjusted for splits")]
    adj_close: Annotated[float, Meta(description="Adjusted for splits and dividends")]
    volume: Annotated[int | None, Meta(description="null: not known, the source sends 0 then")]
    price_change_percent: Annotated[
        float | None, Meta(description="Percent against the session before: 1.5 is 1.5 %, not a fraction as elsewhere")
    ]
    dividend: float
    capital_gain: Annotated[float, Meta(description="Paid out beside the dividend")]
    split_ratio: float
    market_cap: int | None
    market_cap_source: MarketCapSource | None
    source: Source
    fetched_at: Moment


class LatestBar(PublishedBar):
    ticker: str
    quote_type: QuoteType
    currency: Currency
    company_name: str | None
    sector: str | None
    sector_source: SectorSource


class WindowReturn(Struct):
    """A symbol's return over a window beside the benchmark's, in US dollars, as of the symbol's newest bar."""

    window: Window
    start_session: date
    end_session: date
    period_return: float | None
    benchmark_return: Annotated[float | None, Meta(description="Over the home exchange's sessions of the window")]
    missing_reason: Annotated[str | None, Meta(description="Why one of the two is null")]
    missing_reasons: Reasons
    degraded_reason: DegradedReason
    degraded_reasons: Reasons


class History(Paged):
    ticker: str
    quote_type: QuoteType
    currency: Currency
    company_name: str | None
    sector: str | None
    sector_source: SectorSource
    bars: Annotated[list[PublishedBar], Meta(description="Oldest first; the next part is what lies before")]
    benchmark: str
    returns: Annotated[
        list[WindowReturn], Meta(description="Whatever part of the bars is asked for; none of a CURRENCY")
    ]


class Standing(Returns):
    ticker: str
    company_name: str | None
    sector: str | None
    sector_source: SectorSource
    trade_date: Annotated[date, Meta(description="The exchange's last session closed by then")]
    currency: str
    close_price: Annotated[float, Meta(description="In `currency`")]
    rate_date: Annotated[
        date | None,
        Meta(description="Day of the exchange rate: before trade_date where that has none, null without one"),
    ]
    price_change_percent: Annotated[
        float | None, Meta(description="Percent against the session before: 1.5 is 1.5 %, not a fraction as elsewhere")
    ]
    market_cap: Annotated[int | None, Meta(description="In US dollars")]
    market_cap_source: MarketCapSource | None
    start_cap_1d: Annotated[int | None, Meta(description="Market cap in US dollars at the start of the window")]
    start_cap_5d: int | None
    start_cap_10d: int | None
    start_cap_20d: int | None
    start_cap_month: int | None
    missing_reason: Annotated[
        str | None, Meta(description="Why a return is null, of the shortest window that lacks one")
    ]
    missing_reasons: Reasons
    missing_by_window: MissingByWindow
    degraded_reason: Annotated[str | None, Meta(description="What is in doubt, of the shortest window with a doubt")]
    degraded_reasons: Reasons
    degraded_by_window: DegradedByWindow
    source: Source

    def start_cap(self, window: Window) -> int | None:
        """Return the market cap in US dollars at the start of a window."""
        caps = {
            "1d": self.start_cap_1d,
            "5d": self.start_cap_5d,
            "10d": self.start_cap_10d,
            "20d": self.start_cap_20d,
            "month": self.start_cap_month,
        }
        return caps[window]

    def counts(self, window: Window) -> bool:
        """Return whether the stock counts in its sector's return over a window."""
        return self.over(window) is not None and bool(self.start_cap(window))


class SectorMonth(Struct):
    """A month of a sector as published: each of its stocks counts alike, whatever its market cap."""

    year: int
    month: int
    as_of_date: Annotated[
        date | None, Meta(description="Last session that counts; null of a row older than this column")
    ]
    sector: str
    stock_count: int
    avg_monthly_return: Annotated[
        float | None,
        Meta(
            description="Mean of the stocks' returns, each counting alike, in US dollars; `return_month` of a sector "
            "is weighted by market cap instead"
        ),
    ]
    benchmark_return: Annotated[float | None, Meta(description="Over the same sessions")]
    volatility: float | None
    positive_days: int
    trading_days: int
    best_day: float | None
    worst_day: float | None
    is_trending: bool
    degraded_reason: DegradedReason
    degraded_reasons: Reasons
    holdings_as_of: Annotated[date | None, Meta(description="Latest holdings snapshot that made a stock known")]
    holdings_known_later: Annotated[
        bool, Meta(description="That snapshot is later than as_of_date: seen with hindsight")
    ]
    source: Source | None


class SectorStanding(Returns):
    """The returns are the stocks', weighted by their market caps at the start of each window.

    They are those of who held all of the sector from there. A month of `newest_month` counts each stock alike.
    """

    sector: Annotated[str | None, Meta(description="null: not known (yet)")]
    stock_count: Annotated[int, Meta(description="Stocks with a bar of the session")]
    market_cap: Annotated[int | None, Meta(description="In US dollars, as of the session")]
    left_out: Annotated[
        dict[Window, list[str]],
        Meta(
            description="By window, the stocks that do not count in its return: none of their own, no market cap at "
            "its start, or no bar of the session (`absent_reason`)",
            extra_json_schema={"propertyNames": {"enum": WINDOWS}},
        ),
    ]
    absent_reason: AbsentReason
    absent_reasons: Reasons
    newest_month: Annotated[
        SectorMonth | None, Meta(description="The newest month computed up to the session, or before")
    ]


class SectorStocks(SectorStanding):
    stocks: Annotated[list[Standing], Meta(description="Largest market cap first")]


class MarketMap(Struct):
    as_of_date: Annotated[date | None, Meta(description="null before the first stock is stored")]
    absent_reason: AbsentReason
    absent_reasons: Reasons
    sectors: Annotated[list[SectorStocks], Meta(description="Largest first")]


class Performers(Paged):
    as_of_date: date | None
    window: Window
    absent_reason: AbsentReason
    absent_reasons: Reasons
    stocks: Annotated[list[Standing], Meta(description="Best first")]


class SectorPerformers(Struct):
    sector: str | None
    stocks: list[Standing]


class PerformersBySector(Struct):
    as_of_date: date | None
    window: Window
    absent_reason: AbsentReason
    absent_reasons: Reasons
    sectors: list[SectorPerformers]


class SectorMembers(Paged):
    sector: str
    as_of_date: date | None
    absent_reason: AbsentReason
    absent_reasons: Reasons
    stocks: Annotated[list[Standing], Meta(description="Largest market cap first")]


class SectorHistory(Paged):
    sector: str
    months: Annotated[list[SectorMonth], Meta(description="Newest first")]


class Month(Struct):
    year: int
    month: int
    sectors: Annotated[list[SectorMonth], Meta(description="Best first")]


class SectorMonths(Paged):
    months: Annotated[list[Month], Meta(description="Newest first")]
