"""What the API answers. Returns and weights are fractions (0.0325 is 3.25 %)."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

Source = Annotated[
    Literal["yahoo", "simulated", "recorded"],
    Field(description="Where the prices come from: Yahoo, an invented market, or a recorded one"),
]
DegradedReason = Annotated[
    str | None,
    Field(description="Which prices were not there to compute it from, and why; null when none was missing"),
]
QuoteType = Literal["ETF", "EQUITY", "CURRENCY"]


class Problem(BaseModel):
    error: str = Field(description="Kind of error, stable", examples=["NotPublished"])
    detail: str = Field(description="What happened and what to do")


class Service(BaseModel):
    name: str
    version: str
    links: dict[str, str]


class Dependency(BaseModel):
    name: Literal["database", "kafka", "spark-master"]
    status: Literal["ok", "away"]
    latency_ms: float
    detail: str | None = Field(None, description="Why it is away")


class LatestPublication(BaseModel):
    job: str
    period_days: int = Field(description="0 for a job without periods")
    as_of_date: date
    status: Literal["published", "empty"]
    degraded_reason: DegradedReason
    source: Source
    published_at: datetime


class Health(BaseModel):
    status: Literal["ok", "degraded"] = Field(description="degraded: a dependency is away")
    dependencies: list[Dependency]
    publications: list[LatestPublication] = Field(description="What each job published last; empty when unknown")


class Position(BaseModel):
    position_rank: int = Field(description="1 = largest weight")
    ticker: str
    company_name: str | None
    sector: str | None
    portfolio_weight: float
    period_return: float = Field(description="In US dollars, over the portfolio's period")
    score: float = Field(description="period_return / market_cap; the weight is its share of all scores")
    market_cap: int = Field(description="In US dollars")
    market_cap_source: str = Field(description="shares_x_close, or quoted: the source's figure of the fetch day")
    source_etfs: list[str] = Field(description="The trending ETFs that chose the stock")
    allocation_reason: str
    holdings_as_of: date
    start_session: date
    end_session: date
    return_5d: float | None
    return_10d: float | None
    return_20d: float | None


class Portfolio(BaseModel):
    as_of_date: date
    period_days: int
    status: Literal["published", "empty"]
    reason: str | None = Field(description="Why an empty portfolio is empty")
    degraded_reason: DegradedReason
    cash_weight: float
    holdings_as_of: date | None = Field(description="Latest holdings snapshot that was used")
    holdings_known_later: bool = Field(description="That snapshot is later than as_of_date: not known at the time")
    source: Source
    published_at: datetime
    run_id: str | None
    positions: list[Position]


class MonthlyPosition(BaseModel):
    final_rank: int
    ticker: str
    company_name: str | None
    sector: str | None
    final_weight: float
    score: float
    source_periods: list[int]


class MonthlyPortfolio(BaseModel):
    rebalance_date: date | None
    valid_until: date | None
    as_of_date: date | None
    status: Literal["published", "empty"]
    reason: str | None
    source: Source | None
    positions: list[MonthlyPosition]


class Bar(BaseModel):
    trade_date: date
    open_price: float | None
    high_price: float | None
    low_price: float | None
    close_price: float = Field(description="Adjusted for splits")
    adj_close: float = Field(description="Adjusted for splits and dividends")
    volume: int
    price_change_percent: float | None = Field(description="Percent against the session before")
    dividend: float
    split_ratio: float
    market_cap: int | None
    market_cap_source: str | None
    source: Source
    fetched_at: datetime


class Security(BaseModel):
    ticker: str
    quote_type: QuoteType
    currency: str = Field(description="Of prices and market cap; of a CURRENCY: units of it per US dollar")
    company_name: str | None
    sector: str | None


class LatestBar(Bar, Security):
    pass


class History(Security):
    bars: list[Bar] = Field(description="Oldest first")


class Etf(BaseModel):
    ticker: str
    etf_type: str
    sector_name: str | None
    description: str | None
    trade_date: date | None
    close_price: float | None
    price_change_percent: float | None
    source: Source | None
    return_5d: float | None
    return_10d: float | None
    return_20d: float | None
    is_trending_5d: bool
    is_trending_10d: bool
    is_trending_20d: bool
    rank_by_outperformance: int | None
    missing_reason: str | None


class EtfList(BaseModel):
    as_of_date: date | None = Field(description="Session of the returns and flags; null before the first one")
    degraded_reason: DegradedReason
    etfs: list[Etf]
