"""The ETFs beside their benchmark."""

from datetime import date
from typing import Annotated

from msgspec import Meta, Struct

from contract.common import DegradedByWindow, DegradedReason, MissingByWindow, Paged, Returns, Source, Status, Window
from contract.reasons import Reasons
from contract.stocks import AbsentReason, SectorStanding


class Etf(Returns):
    ticker: str
    etf_type: str
    sector_name: str | None
    description: str | None
    is_benchmark: bool
    trade_date: Annotated[
        date | None,
        Meta(
            description="Session of the close: that of the figures, or its exchange's last one closed by then; null: "
            "no bar of it is stored"
        ),
    ]
    currency: Annotated[str | None, Meta(description="Of close_price; the returns are in US dollars")]
    close_price: float | None
    price_change_percent: Annotated[
        float | None, Meta(description="Percent against the session before: 1.5 is 1.5 %, not a fraction as elsewhere")
    ]
    source: Source | None
    outperformance_1d: Annotated[float | None, Meta(description="Return less the benchmark's, the same two sessions")]
    outperformance_5d: float | None
    outperformance_10d: float | None
    outperformance_20d: float | None
    outperformance_month: float | None
    is_trending_5d: bool
    is_trending_10d: bool
    is_trending_20d: bool
    rank_by_outperformance: Annotated[int | None, Meta(description="Over 20 sessions")]
    missing_reason: Annotated[
        str | None,
        Meta(
            description="Why a return is null: as published with those over 5, 10 and 20 sessions, else of the "
            "shortest window that lacks one"
        ),
    ]
    missing_reasons: Reasons
    missing_by_window: MissingByWindow
    degraded_by_window: DegradedByWindow

    def ahead(self, window: Window) -> float | None:
        """Return by how much the return over a window exceeds the benchmark's."""
        return {
            "1d": self.outperformance_1d,
            "5d": self.outperformance_5d,
            "10d": self.outperformance_10d,
            "20d": self.outperformance_20d,
            "month": self.outperformance_month,
        }[window]


class EtfList(Struct):
    as_of_date: Annotated[date | None, Meta(description="Session of the returns and flags; null before the first one")]
    status: Status
    reason: Annotated[str | None, Meta(description="Why no ETF trends, or none can be told to")]
    reasons: Reasons
    degraded_reason: DegradedReason
    degraded_reasons: Reasons
    etfs: list[Etf]


class EtfSeries(Etf):
    adj_closes: Annotated[
        list[float | None], Meta(description="In US dollars, one for each of `sessions`; null where no bar is stored")
    ]
    breaks: Annotated[
        list[date],
        Meta(
            description="Days up to the last of `sessions` from which on `adj_closes` do not continue those before: no "
            "return from before such a day to it or later has a value"
        ),
    ]


class EtfBenchmark(Struct):
    as_of_date: date | None
    status: Status
    reason: Annotated[str | None, Meta(description="Why no ETF trends, or none can be told to")]
    reasons: Reasons
    degraded_reason: DegradedReason
    degraded_reasons: Reasons
    benchmark: str
    sessions: Annotated[list[date], Meta(description="Oldest first")]
    etfs: list[EtfSeries]


class Point(Struct):
    trade_date: date
    close_price: float
    adj_close: float
    cumulative_return: Annotated[
        float | None, Meta(description="Since the first session of the range; null: `missing_reason` of the series")
    ]
    source: Source


class Series(Paged):
    ticker: str
    missing_reason: Annotated[
        str | None,
        Meta(description="Why returns of the range have no value: where its prices break; null: nowhere"),
    ]
    missing_reasons: Reasons
    degraded_reason: DegradedReason
    degraded_reasons: Reasons
    points: Annotated[list[Point], Meta(description="Oldest first; the next part is what lies before")]


class SectorLine(SectorStanding):
    etf: Annotated[Etf | None, Meta(description="The ETF that follows it")]


class SectorList(Struct):
    as_of_date: Annotated[date | None, Meta(description="Session of the stocks' figures")]
    absent_reason: AbsentReason
    absent_reasons: Reasons
    trending_as_of_date: Annotated[date | None, Meta(description="Session of the ETFs' figures")]
    trending_status: Status
    trending_reason: Annotated[str | None, Meta(description="Why no ETF trends, or none can be told to")]
    trending_reasons: Reasons
    sectors: list[SectorLine]
