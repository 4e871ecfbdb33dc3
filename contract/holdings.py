"""What the ETFs own."""

from datetime import date
from typing import Annotated

from msgspec import Meta, Struct

from contract.common import DegradedReason, Paged, Source, Status
from contract.reasons import Reasons
from utils.messages import Moment


class Holding(Struct):
    holding_rank: int
    stock_ticker: str
    stock_name: str | None
    holding_percent: Annotated[float, Meta(description="Share of the ETF, a fraction")]


class Snapshot(Struct):
    etf_ticker: str
    collected_date: date
    source: Source
    holdings: list[Holding]


class Snapshots(Struct):
    etfs: list[Snapshot]


class StoredHolding(Holding):
    etf_ticker: str
    collected_date: date
    fetched_at: Moment
    source: Source


class AllHoldings(Paged):
    holdings: Annotated[list[StoredHolding], Meta(description="Newest snapshot first")]


class HoldingsOfEtf(Struct):
    etf_ticker: str
    sector_name: str | None
    snapshot_count: int
    first_date: date | None
    newest_date: date | None
    holding_count: Annotated[int, Meta(description="In the newest snapshot; the source lists the largest ones only")]
    listed_percent: Annotated[float | None, Meta(description="What those weigh together, a fraction of the ETF")]
    top_percent: Annotated[float | None, Meta(description="What the ones weigh that the strategy looks at")]
    largest_ticker: str | None
    source: Source | None


class HoldingsSummary(Struct):
    etfs: list[HoldingsOfEtf]


class Holder(Struct):
    etf_ticker: str
    sector_name: str | None
    collected_date: date
    holding_rank: int
    holding_percent: float
    is_trending_5d: bool
    is_trending_10d: bool
    is_trending_20d: bool
    source: Source


class Comparison(Struct):
    holding_ticker: str
    holding_name: str | None
    etfs: Annotated[list[Holder], Meta(description="Largest share first; of each ETF's newest snapshot")]


class TopHolding(Struct):
    rank_position: int
    stock_ticker: str
    stock_name: str | None
    avg_return: Annotated[float | None, Meta(description="Mean daily return")]
    total_return: Annotated[float | None, Meta(description="Return over the period")]
    volatility: float | None
    sharpe_ratio: float | None
    missing_reason: Annotated[str | None, Meta(description="Why a value is null, but for a ratio without variance")]
    missing_reasons: Reasons
    source: Annotated[Source | None, Meta(description="null of a row that is older than this column")]


_HoldingsAsOf = Annotated[date | None, Meta(description="Snapshot that the holdings are of; null of older rows")]
_HoldingsKnownLater = Annotated[
    bool, Meta(description="That snapshot is later than the session: not known at the time")
]


class TopHoldings(Struct):
    etf_ticker: str
    analysis_date: date
    period_days: int
    degraded_reason: Annotated[
        str | None,
        Meta(description="Which prices the analysis of the session lacked or doubted, of all ETFs; null: none"),
    ]
    degraded_reasons: Reasons
    holdings_as_of: _HoldingsAsOf
    holdings_known_later: _HoldingsKnownLater
    holdings: list[TopHolding]


class TrendingEtf(Struct):
    etf_ticker: str
    sector_name: str | None
    period_return: float
    outperformance: float
    source: Source
    holdings_as_of: _HoldingsAsOf
    holdings_known_later: _HoldingsKnownLater
    holdings: Annotated[list[TopHolding], Meta(description="Empty when the session's holdings are not analysed")]


class TrendingTopHoldings(Struct):
    as_of_date: date
    period_days: int
    status: Status
    reason: Annotated[str | None, Meta(description="Why no ETF trends, or none can be told to")]
    reasons: Reasons
    degraded_reason: DegradedReason
    degraded_reasons: Reasons
    etfs: Annotated[list[TrendingEtf], Meta(description="Best first")]
