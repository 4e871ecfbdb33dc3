"""What the API answers. Returns and weights are fractions (0.0325 is 3.25 %)."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

Source = Annotated[
    Literal["yahoo", "simulated", "recorded"],
    Field(description="Where the prices come from: Yahoo, an invented market, or a recorded one"),
]
DegradedReason = Annotated[
    str | None,
    Field(description="Which prices were not there or are in doubt (a break, a rate of a day before); null: none"),
]
Status = Annotated[
    Literal["published", "empty", "not_computable"],
    Field(
        description="not_computable: too little history, `reason` says what is missing; that is not the same as cash"
    ),
]
MarketCapSource = Annotated[
    Literal["implied_x_close", "derived_x_close", "shares_x_close", "quoted"],
    Field(
        description="What the close was multiplied with: the source's share count of all classes, its market cap / its "
        "price, the listed class's count; quoted: the source's own figure of the fetch day, as no count is known"
    ),
]
SectorSource = Annotated[
    Literal["yahoo", "derived"] | None,
    Field(description="derived: from a sector ETF that holds the stock, not Yahoo's own word; null: no sector"),
]
Window = Literal["5d", "10d", "20d", "month"]
QuoteType = Literal["ETF", "EQUITY", "CURRENCY"]


class Problem(BaseModel):
    error: str = Field(description="Kind of error, stable", examples=["NotPublished"])
    detail: str = Field(description="What happened and what to do")


class Paged(BaseModel):
    """A part of a list that grows."""

    total: int = Field(description="Entries in the whole list")
    limit: int
    offset: int
    next: str | None = Field(description="Address of the next part; null on the last one")


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
    status: Status
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
    market_cap_source: MarketCapSource
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
    status: Status
    reason: str | None = Field(description="Why it is empty or not computable")
    degraded_reason: DegradedReason
    cash_weight: float | None = Field(description="null of a portfolio that is not computable")
    holdings_as_of: date | None = Field(description="Latest holdings snapshot that was used")
    holdings_known_later: bool = Field(description="That snapshot is later than as_of_date: not known at the time")
    source: Source
    published_at: datetime
    run_id: str | None
    positions: list[Position]


class Candidate(BaseModel):
    etf_ticker: str
    ticker: str
    holding_rank: int
    holding_percent: float = Field(description="Share of the ETF, a fraction")
    holdings_as_of: date
    period_return: float | None
    market_cap: int | None = Field(description="In US dollars")
    is_selected: bool
    exclusion_reason: str | None = Field(description="Why it was not chosen; null of a chosen one")
    start_session: date
    end_session: date
    source: Source


class ExplainedPortfolio(Portfolio):
    candidates: list[Candidate] = Field(description="Every holding that was looked at, by ETF and rank")


class ActiveAllocations(BaseModel):
    as_of_date: date
    bars: dict[str, int] = Field(description="(ticker, session) expected of that session, by state of the ledger")
    portfolios: list[ExplainedPortfolio] = Field(description="By period, the shortest first")


class Appearance(BaseModel):
    as_of_date: date
    period_days: int | None = Field(description="null: in a monthly portfolio")
    rebalance_date: date | None = Field(description="Of a monthly portfolio")
    weight: float
    rank: int
    score: float
    period_return: float | None
    source_etfs: list[str] | None
    source_periods: list[int] | None
    source: Source


class Record(Paged):
    ticker: str
    appearances: list[Appearance] = Field(description="Newest first")


class MonthlyPosition(BaseModel):
    final_rank: int
    ticker: str
    company_name: str | None
    sector: str | None
    final_weight: float
    score: float
    source_periods: list[int]
    price_usd: float | None = Field(
        description="Newest close known at as_of_date as it was traded, before any later split, in US dollars"
    )
    price_date: date | None
    split_factor: float = Field(description="Of the splits since price_date: price_usd / the close adjusted for them")
    previous_weight: float | None = Field(None, description="The month before; null when it was not in it")
    previous_rank: int | None = None


class MonthlyPortfolio(BaseModel):
    rebalance_date: date | None
    valid_until: date | None
    as_of_date: date | None
    previous_rebalance_date: date | None = None
    status: Status
    reason: str | None = Field(description="Why it is empty, or which of the three portfolios adds nothing")
    degraded_reason: str | None = Field(None, description="What its portfolios lacked, or what was in doubt")
    holdings_as_of: date | None = Field(
        None, description="Newest holdings used; after as_of_date: not known at the time"
    )
    source: Source | None
    published_at: datetime | None = None
    is_in_record: bool = Field(
        False, description="false: published after the record of `/dashboard/performance` was computed last"
    )
    record_as_of: date | None = Field(None, description="Last session of the monthly portfolio's record")
    positions: list[MonthlyPosition]
    removed: list[MonthlyPosition] = Field([], description="What the month before had and this one has not")


class Trade(BaseModel):
    ticker: str
    company_name: str | None
    side: Literal["buy", "sell", "keep"] | None = Field(description="null: without a price nothing can be counted")
    shares: int | None = Field(description="To trade: positive buys, negative sells")
    held_shares: int | None
    target_shares: int | None
    price_usd: float | None = Field(
        description="Newest close known at as_of_date as it was traded, before any later split, in US dollars; the "
        "shares are counted at it"
    )
    price_date: date | None
    split_factor: float = Field(description="Of the splits since price_date: price_usd / the close adjusted for them")
    value: float | None = Field(description="Of what is traded, in US dollars")
    cost: float | None = Field(description="In US dollars, at cost_rate")
    held_weight: float = Field(description="Last month's weight, drifted with the prices up to as_of_date")
    target_weight: float
    missing_reason: str | None


class MonthlyTrades(BaseModel):
    rebalance_date: date | None
    previous_rebalance_date: date | None = Field(description="null: everything is bought")
    as_of_date: date | None
    source: Source | None
    capital: float = Field(description="What last month's portfolio is worth now, in US dollars")
    cost_rate: float = Field(description="Of the traded value")
    bought: float
    sold: float
    cost: float
    cash_left: float
    trades: list[Trade] = Field(description="This month's positions by rank, then those that leave")


class MonthlyPerformance(BaseModel):
    rebalance_date: date
    valid_until: date
    as_of_date: date
    entry_session: date | None = Field(description="Bought at its close; null while no session has closed since")
    exit_session: date | None = Field(description="Sold at its close, or the newest stored close")
    is_over: bool
    portfolio_return: float | None = Field(description="Null while a position lacks a close: see missing_reason")
    benchmark_return: float | None
    excess_return: float | None
    covered_weight: float = Field(description="Weight of the positions with both closes")
    position_count: int
    missing_reason: str | None
    source: Source


class MonthlyPerformances(Paged):
    benchmark: str
    months: list[MonthlyPerformance] = Field(description="Newest first")


class PortfolioPerformance(BaseModel):
    """The series have one value for each of `sessions`; the first is the capital before the first purchase, 1."""

    period_days: int = Field(description="0: the monthly portfolio")
    first_session: date = Field(description="The first portfolio is bought at its close")
    last_session: date
    session_count: int = Field(description="Sessions with a return: all but the first")
    total_return_gross: float
    total_return_net: float = Field(description="Less the cost of every trade")
    benchmark_return: float | None
    max_drawdown: float = Field(description="Of the net value; 0 or negative")
    benchmark_max_drawdown: float | None
    turnover_average: float = Field(description="Of a session, the first one included")
    turnover_total: float
    cost_total: float = Field(description="Sum of the costs, each as a fraction of the value at its trade")
    cagr: float | None = Field(description="This and the next five: of the net returns, 252 sessions a year")
    volatility: float | None
    sharpe: float | None = Field(description="Risk-free rate 0; null without variance")
    sortino: float | None
    calmar: float | None
    beta: float | None = Field(description="To the benchmark")
    not_annualised_reason: str | None = Field(description="Why the six are null: too few sessions")
    hindsight_sessions: int = Field(description="Held from holdings collected later than its session: no real record")
    degraded_sessions: int = Field(description="Held a portfolio that was published as degraded")
    carried_sessions: int = Field(description="A position or the benchmark had no close and stood at its last one")
    carried_weight: float | None = Field(description="What stood so at last_session: weight of its positions")
    carried_reason: str | None = Field(description="Which, the benchmark included, and why; null: none at last_session")
    source: Source
    sessions: list[date] = Field(description="Oldest first")
    gross: list[float]
    net: list[float]
    benchmark: list[float | None]
    drawdown: list[float] = Field(description="Of `net`, from its highest by then")
    benchmark_drawdown: list[float | None]
    turnover: list[float] = Field(description="At the close, one-way: half of all bought and sold, over the value")


class Performance(BaseModel):
    as_of_date: date | None = Field(description="The last session that was followed; null before there is one")
    benchmark: str
    cost_rate: float = Field(description="What a trade costs, of the traded value")
    annualised_from_sessions: int
    status: Literal["published", "empty"]
    reason: str | None = Field(description="Why there is nothing to follow")
    source: Source | None = Field(description="Of the least trustworthy price of the whole record")
    portfolios: list[PortfolioPerformance] = Field(description="The monthly one, then by period")


class Bar(BaseModel):
    trade_date: date
    open_price: float | None
    high_price: float | None
    low_price: float | None
    close_price: float = Field(description="Adjusted for splits")
    adj_close: float = Field(description="Adjusted for splits and dividends")
    volume: int | None = Field(description="null: not known, the source sends 0 then")
    price_change_percent: float | None = Field(description="Percent against the session before")
    dividend: float
    capital_gain: float = Field(description="Paid out beside the dividend")
    split_ratio: float
    market_cap: int | None
    market_cap_source: MarketCapSource | None
    source: Source
    fetched_at: datetime


class Security(BaseModel):
    ticker: str
    quote_type: QuoteType
    currency: str = Field(description="Of prices and market cap; of a CURRENCY: units of it per US dollar")
    company_name: str | None
    sector: str | None
    sector_source: SectorSource


class LatestBar(Bar, Security):
    pass


class WindowReturn(BaseModel):
    """A symbol's return over a window beside the benchmark's, in US dollars, as of the symbol's newest bar."""

    window: Window
    start_session: date
    end_session: date
    period_return: float | None
    benchmark_return: float | None = Field(description="Over the home exchange's sessions of the window")
    missing_reason: str | None = Field(description="Why one of the two is null")
    degraded_reason: DegradedReason


class History(Security, Paged):
    bars: list[Bar] = Field(description="Oldest first; the next part is what lies before")
    benchmark: str
    returns: list[WindowReturn] = Field(description="Whatever part of the bars is asked for; none of a CURRENCY")


class Returns(BaseModel):
    """Returns over 5, 10 and 20 sessions and over the month so far, in US dollars."""

    return_5d: float | None
    return_10d: float | None
    return_20d: float | None
    return_month: float | None = Field(None, description="Since the last close of the month before")


class Standing(Returns):
    ticker: str
    company_name: str | None
    sector: str | None
    sector_source: SectorSource
    trade_date: date = Field(description="The exchange's last session closed by then")
    currency: str
    close_price: float = Field(description="In `currency`")
    rate_date: date | None = Field(
        description="Day of the exchange rate: before trade_date where that has none, null without one"
    )
    price_change_percent: float | None
    market_cap: int | None = Field(description="In US dollars")
    market_cap_source: MarketCapSource | None
    start_cap_5d: int | None = Field(description="Market cap in US dollars at the start of the window")
    start_cap_10d: int | None
    start_cap_20d: int | None
    start_cap_month: int | None
    missing_reason: str | None = Field(description="Why a return is null")
    degraded_reason: DegradedReason
    source: Source


class SectorMonth(BaseModel):
    """A month of a sector as published: each of its stocks counts alike, whatever its market cap."""

    year: int
    month: int
    as_of_date: date | None = Field(description="Last session that counts; null of a row older than this column")
    sector: str
    stock_count: int
    avg_monthly_return: float | None = Field(
        description="Mean of the stocks' returns, each counting alike, in US dollars; `return_month` of a sector is "
        "weighted by market cap instead"
    )
    benchmark_return: float | None = Field(description="Over the same sessions")
    volatility: float | None
    positive_days: int
    trading_days: int
    best_day: float | None
    worst_day: float | None
    is_trending: bool
    degraded_reason: DegradedReason
    holdings_as_of: date | None = Field(description="Latest holdings snapshot that made a stock known")
    holdings_known_later: bool = Field(description="That snapshot is later than as_of_date: seen with hindsight")
    source: Source | None


class SectorStanding(Returns):
    """The returns are the stocks', weighted by their market caps at the start of each window.

    They are those of who held all of the sector from there. A month of `newest_month` counts each stock alike.
    """

    sector: str | None = Field(description="null: not known (yet)")
    stock_count: int
    market_cap: int | None = Field(description="In US dollars, as of the session")
    left_out: dict[Window, list[str]] = Field(
        description="By window, the stocks that do not count in its return: none of their own, or no market cap at its "
        "start"
    )
    newest_month: SectorMonth | None = Field(description="The newest month computed up to the session, or before")


class SectorStocks(SectorStanding):
    stocks: list[Standing] = Field(description="Largest market cap first")


class MarketMap(BaseModel):
    as_of_date: date | None = Field(description="null before the first stock is stored")
    sectors: list[SectorStocks] = Field(description="Largest first")


class Performers(Paged):
    as_of_date: date | None
    window: Window
    stocks: list[Standing] = Field(description="Best first")


class SectorPerformers(BaseModel):
    sector: str | None
    stocks: list[Standing]


class PerformersBySector(BaseModel):
    as_of_date: date | None
    window: Window
    sectors: list[SectorPerformers]


class SectorMembers(Paged):
    sector: str
    as_of_date: date | None
    stocks: list[Standing] = Field(description="Largest market cap first")


class Etf(Returns):
    ticker: str
    etf_type: str
    sector_name: str | None
    description: str | None
    is_benchmark: bool
    trade_date: date | None
    currency: str | None = Field(description="Of close_price; the returns are in US dollars")
    close_price: float | None
    price_change_percent: float | None
    source: Source | None
    outperformance_5d: float | None = Field(description="Return less the benchmark's, the same two sessions")
    outperformance_10d: float | None
    outperformance_20d: float | None
    outperformance_month: float | None = None
    is_trending_5d: bool
    is_trending_10d: bool
    is_trending_20d: bool
    rank_by_outperformance: int | None = Field(description="Over 20 sessions")
    missing_reason: str | None


class EtfList(BaseModel):
    as_of_date: date | None = Field(description="Session of the returns and flags; null before the first one")
    status: Status
    reason: str | None = Field(description="Why no ETF trends, or none can be told to")
    degraded_reason: DegradedReason
    etfs: list[Etf]


class EtfSeries(Etf):
    adj_closes: list[float | None] = Field(
        description="In US dollars, one for each of `sessions`; null where no bar is stored"
    )


class EtfBenchmark(BaseModel):
    as_of_date: date | None
    status: Status
    reason: str | None = Field(description="Why no ETF trends, or none can be told to")
    degraded_reason: DegradedReason
    benchmark: str
    sessions: list[date] = Field(description="Oldest first")
    etfs: list[EtfSeries]


class Point(BaseModel):
    trade_date: date
    close_price: float
    adj_close: float
    cumulative_return: float = Field(description="Since the first session of the range")
    source: Source


class Series(Paged):
    ticker: str
    points: list[Point] = Field(description="Oldest first; the next part is what lies before")


class SectorHistory(Paged):
    sector: str
    months: list[SectorMonth] = Field(description="Newest first")


class Month(BaseModel):
    year: int
    month: int
    sectors: list[SectorMonth] = Field(description="Best first")


class SectorMonths(Paged):
    months: list[Month] = Field(description="Newest first")


class SectorLine(SectorStanding):
    etf: Etf | None = Field(description="The ETF that follows it")


class SectorList(BaseModel):
    as_of_date: date | None = Field(description="Session of the stocks' figures")
    trending_as_of_date: date | None = Field(description="Session of the ETFs' figures")
    trending_status: Status
    trending_reason: str | None = Field(description="Why no ETF trends, or none can be told to")
    sectors: list[SectorLine]


class Holding(BaseModel):
    holding_rank: int
    stock_ticker: str
    stock_name: str | None
    holding_percent: float = Field(description="Share of the ETF, a fraction")


class Snapshot(BaseModel):
    etf_ticker: str
    collected_date: date
    source: Source
    holdings: list[Holding]


class Snapshots(BaseModel):
    etfs: list[Snapshot]


class StoredHolding(Holding):
    etf_ticker: str
    collected_date: date
    fetched_at: datetime
    source: Source


class AllHoldings(Paged):
    holdings: list[StoredHolding] = Field(description="Newest snapshot first")


class HoldingsOfEtf(BaseModel):
    etf_ticker: str
    sector_name: str | None
    snapshot_count: int
    first_date: date | None
    newest_date: date | None
    holding_count: int = Field(description="In the newest snapshot; the source lists the largest ones only")
    listed_percent: float | None = Field(description="What those weigh together, a fraction of the ETF")
    top_percent: float | None = Field(description="What the ones weigh that the strategy looks at")
    largest_ticker: str | None
    source: Source | None


class HoldingsSummary(BaseModel):
    etfs: list[HoldingsOfEtf]


class Holder(BaseModel):
    etf_ticker: str
    sector_name: str | None
    collected_date: date
    holding_rank: int
    holding_percent: float
    is_trending_5d: bool
    is_trending_10d: bool
    is_trending_20d: bool
    source: Source


class Comparison(BaseModel):
    holding_ticker: str
    holding_name: str | None
    etfs: list[Holder] = Field(description="Largest share first; of each ETF's newest snapshot")


class TopHolding(BaseModel):
    rank_position: int
    stock_ticker: str
    stock_name: str | None
    avg_return: float | None = Field(description="Mean daily return")
    total_return: float | None = Field(description="Return over the period")
    volatility: float | None
    sharpe_ratio: float | None


class TopHoldings(BaseModel):
    etf_ticker: str
    analysis_date: date
    period_days: int
    holdings: list[TopHolding]


class TrendingEtf(BaseModel):
    etf_ticker: str
    sector_name: str | None
    period_return: float
    outperformance: float
    source: Source
    holdings: list[TopHolding] = Field(description="Empty when the session's holdings are not analysed")


class TrendingTopHoldings(BaseModel):
    as_of_date: date
    period_days: int
    status: Status
    reason: str | None = Field(description="Why no ETF trends, or none can be told to")
    degraded_reason: DegradedReason
    etfs: list[TrendingEtf] = Field(description="Best first")


class Publication(LatestPublication):
    reason: str | None = Field(description="Why it is empty or not computable")
    row_count: int
    holdings_as_of: date | None
    run_id: str | None


class Session(BaseModel):
    as_of_date: date
    publications: list[Publication]


class Sessions(Paged):
    sessions: list[Session] = Field(description="Newest first")


class PublishedDay(BaseModel):
    as_of_date: date
    is_degraded: bool = Field(description="Something was not there, or in doubt, when it was computed")
    is_computable: bool = Field(description="false: too little history is stored before it, it shows no portfolio")


class Calendar(BaseModel):
    sessions: list[PublishedDay] = Field(description="With daily portfolios, oldest first")
    rebalances: list[PublishedDay] = Field(description="With a monthly portfolio, oldest first")


class StageRun(BaseModel):
    dag_id: str
    stage: int | None = Field(description="1 to 5; null of any other DAG")
    run_id: str
    as_of_date: date = Field(description="Of a rebalance the rebalance date, which need not be a session")
    state: Literal["running", "late", "green", "skipped", "failed"] = Field(
        description="late: waits to try again; skipped: all was done already, nothing was asked for"
    )
    reason: str | None = Field(description="What it did, waits for, found to be done already, or failed of")
    started_at: datetime
    ended_at: datetime | None = Field(description="null: not over")
    airflow_url: str = Field(description="The run in Airflow's UI")


class SessionState(Session):
    bars: dict[str, int] = Field(description="(ticker, session) expected on that day, by state of the ledger")
    runs: list[StageRun] = Field(description="The newest runs of each DAG about the session, newest first")


class TableState(BaseModel):
    table_name: str
    row_count: int
    newest_date: date | None = Field(description="What the newest row is about")
    fetched_at: datetime | None = Field(description="The source's clock at the newest fetch; null where not kept")


class ConsumerLag(BaseModel):
    consumer_group: str
    topic: str
    partition_id: int
    committed_offset: int = Field(description="Of the next message to store")
    end_offset: int = Field(description="Of the next message to come")
    lag: int = Field(description="Messages that wait to be stored")
    measured_at: datetime = Field(description="Every 15 seconds; older than a minute: the consumer is away")


class Links(BaseModel):
    """What a browser can open."""

    airflow: str
    spark_master: str


class ErrorCount(BaseModel):
    topic: str
    rejected: int
    waiting: int = Field(description="Not put back on their topic yet")
    newest_at: datetime


class RejectedMessage(BaseModel):
    id: int
    topic: str
    partition_id: int
    kafka_offset: int
    message_key: str | None
    error_msg: str
    raw_value: str | None = Field(description="The first 2000 characters")
    received_at: datetime
    replayed_at: datetime | None


class RejectedMessages(Paged):
    errors: list[RejectedMessage] = Field(description="Newest first")


class QuarantinedBar(BaseModel):
    kind: Literal["etf", "stock", "rate"]
    ticker: str
    trade_date: date
    reason: str
    received_at: datetime


class Quarantined(BaseModel):
    total: int
    bars: list[QuarantinedBar] = Field(description="Newest session first, the first 50")


class Gap(BaseModel):
    trade_date: date
    state: Literal["late", "missing", "quarantined", "closed"]
    kind: Literal["etf", "stock", "rate"]
    ticker: str
    reason: str
    first_expected_at: datetime | None
    asked_at: datetime | None = Field(description="The source's clock when it answered last")


class Gaps(Paged):
    gaps: list[Gap] = Field(description="Newest session first")


class Restatement(BaseModel):
    kind: Literal["etf", "stock", "rate"]
    ticker: str
    change: Literal["restated", "split", "dividend"]
    first_session: date
    last_session: date
    price_factor: float = Field(description="New price / old price")
    adj_factor: float
    old_values: dict[str, Any] = Field(description="Of the bar of last_session: the columns that changed")
    new_values: dict[str, Any]
    replaced_fetched_at: datetime
    fetched_at: datetime
    recorded_at: datetime


class Restatements(Paged):
    restatements: list[Restatement] = Field(description="The last found first")


class RequestCount(BaseModel):
    started_at: datetime = Field(description="Beginning of the hour or day (UTC)")
    requests: int
    limited: int = Field(description="Answered 429")
    failed: int = Field(description="No answer, or an error status; the limited ones included")


class RequestCounts(Paged):
    by: Literal["hour", "day"]
    counts: list[RequestCount] = Field(description="Newest first; without a request there is no entry")


class Pipeline(BaseModel):
    sessions: list[SessionState] = Field(description="Newest first")
    tables: list[TableState]
    consumers: list[ConsumerLag] = Field(description="By group, topic and partition, as last measured")
    quarantined: Quarantined = Field(description="Bars that wait for a person, or for the source to change")
    errors: list[ErrorCount]
    newest_errors: list[RejectedMessage]
    requests_by_hour: list[RequestCount] = Field(description="The newest 24 hours with requests")
    requests_by_day: list[RequestCount] = Field(description="The newest 14 days with requests")
    links: Links
