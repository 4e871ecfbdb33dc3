"""What the dashboard uses of the API's answers; dates are ISO texts, as they travel."""

from typing import TypedDict


class Position(TypedDict):
    position_rank: int
    ticker: str
    company_name: str | None
    sector: str | None
    portfolio_weight: float
    period_return: float
    score: float
    market_cap: int
    market_cap_source: str
    source_etfs: list[str]
    allocation_reason: str
    holdings_as_of: str
    start_session: str
    end_session: str


class Candidate(TypedDict):
    etf_ticker: str
    ticker: str
    holding_rank: int
    holding_percent: float
    holdings_as_of: str
    period_return: float | None
    market_cap: int | None
    is_selected: bool
    exclusion_reason: str | None
    start_session: str
    end_session: str
    source: str


class Portfolio(TypedDict):
    as_of_date: str
    period_days: int
    status: str
    reason: str | None
    degraded_reason: str | None
    cash_weight: float | None
    holdings_as_of: str | None
    holdings_known_later: bool
    source: str
    published_at: str
    run_id: str | None
    positions: list[Position]
    candidates: list[Candidate]


class ActiveAllocations(TypedDict):
    as_of_date: str
    bars: dict[str, int]
    portfolios: list[Portfolio]


class MonthlyPosition(TypedDict):
    final_rank: int
    ticker: str
    company_name: str | None
    sector: str | None
    final_weight: float
    score: float
    source_periods: list[int]
    price_usd: float | None
    price_date: str | None
    previous_weight: float | None
    previous_rank: int | None


class MonthlyPortfolio(TypedDict):
    """Without any date until there is a first one."""

    rebalance_date: str | None
    valid_until: str | None
    as_of_date: str | None
    previous_rebalance_date: str | None
    status: str
    reason: str | None
    degraded_reason: str | None
    holdings_as_of: str | None
    source: str | None
    is_in_record: bool
    record_as_of: str | None
    positions: list[MonthlyPosition]
    removed: list[MonthlyPosition]


class Trade(TypedDict):
    ticker: str
    company_name: str | None
    side: str | None
    shares: int | None
    held_shares: int | None
    target_shares: int | None
    price_usd: float | None
    price_date: str | None
    value: float | None
    cost: float | None
    held_weight: float
    target_weight: float
    missing_reason: str | None


class MonthlyTrades(TypedDict):
    rebalance_date: str | None
    previous_rebalance_date: str | None
    as_of_date: str | None
    source: str | None
    capital: float
    cost_rate: float
    bought: float
    sold: float
    cost: float
    cash_left: float
    trades: list[Trade]


class PublishedDay(TypedDict):
    as_of_date: str
    is_degraded: bool
    is_computable: bool


class Calendar(TypedDict):
    sessions: list[PublishedDay]
    rebalances: list[PublishedDay]


class Returns(TypedDict):
    return_5d: float | None
    return_10d: float | None
    return_20d: float | None
    return_month: float | None


class Standing(Returns):
    ticker: str
    company_name: str | None
    sector_source: str | None
    trade_date: str
    currency: str
    close_price: float
    rate_date: str | None
    market_cap: int | None
    missing_reason: str | None
    degraded_reason: str | None
    source: str


class SectorMonth(TypedDict):
    year: int
    month: int
    as_of_date: str | None
    avg_monthly_return: float | None
    benchmark_return: float | None
    is_trending: bool
    degraded_reason: str | None
    holdings_as_of: str | None
    holdings_known_later: bool


class SectorStocks(Returns):
    sector: str | None
    stock_count: int
    market_cap: int | None
    left_out: dict[str, list[str]]
    newest_month: SectorMonth | None
    stocks: list[Standing]


class MarketMap(TypedDict):
    """Without a session until a stock is stored."""

    as_of_date: str | None
    sectors: list[SectorStocks]


class Etf(Returns):
    ticker: str
    sector_name: str | None
    description: str | None
    is_benchmark: bool
    currency: str | None
    close_price: float | None
    outperformance_5d: float | None
    outperformance_10d: float | None
    outperformance_20d: float | None
    outperformance_month: float | None
    is_trending_5d: bool
    is_trending_10d: bool
    is_trending_20d: bool
    missing_reason: str | None
    source: str | None


class EtfList(TypedDict):
    as_of_date: str | None
    etfs: list[Etf]


class EtfSeries(Etf):
    adj_closes: list[float | None]


class EtfBenchmark(TypedDict):
    as_of_date: str | None
    status: str
    reason: str | None
    degraded_reason: str | None
    benchmark: str
    sessions: list[str]
    etfs: list[EtfSeries]


class Bar(TypedDict):
    trade_date: str
    open_price: float | None
    high_price: float | None
    low_price: float | None
    close_price: float
    adj_close: float
    volume: int | None
    dividend: float
    split_ratio: float
    market_cap: int | None
    market_cap_source: str | None
    source: str


class WindowReturn(TypedDict):
    window: str
    start_session: str
    end_session: str
    period_return: float | None
    benchmark_return: float | None
    missing_reason: str | None
    degraded_reason: str | None


class History(TypedDict):
    ticker: str
    quote_type: str
    currency: str
    company_name: str | None
    sector: str | None
    sector_source: str | None
    bars: list[Bar]
    benchmark: str
    returns: list[WindowReturn]


class Holder(TypedDict):
    etf_ticker: str
    collected_date: str
    holding_rank: int
    holding_percent: float
    is_trending_5d: bool
    is_trending_10d: bool
    is_trending_20d: bool


class Comparison(TypedDict):
    holding_ticker: str
    holding_name: str | None
    etfs: list[Holder]


class StoredHolding(TypedDict):
    collected_date: str
    holding_rank: int
    stock_ticker: str
    stock_name: str | None
    holding_percent: float


class AllHoldings(TypedDict):
    holdings: list[StoredHolding]


class Appearance(TypedDict):
    as_of_date: str
    period_days: int | None
    rebalance_date: str | None
    weight: float
    rank: int
    period_return: float | None
    source_etfs: list[str] | None
    source_periods: list[int] | None


class Record(TypedDict):
    total: int
    appearances: list[Appearance]


class PortfolioPerformance(TypedDict):
    """The lists have one value for each of `sessions`."""

    period_days: int
    first_session: str
    last_session: str
    session_count: int
    total_return_gross: float
    total_return_net: float
    benchmark_return: float | None
    max_drawdown: float
    turnover_average: float
    cost_total: float
    cagr: float | None
    volatility: float | None
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    beta: float | None
    not_annualised_reason: str | None
    hindsight_sessions: int
    degraded_sessions: int
    carried_sessions: int
    carried_weight: float | None
    carried_reason: str | None
    source: str
    sessions: list[str]
    gross: list[float]
    net: list[float]
    benchmark: list[float | None]
    drawdown: list[float]
    benchmark_drawdown: list[float | None]
    turnover: list[float]


class Performance(TypedDict):
    as_of_date: str | None
    benchmark: str
    cost_rate: float
    annualised_from_sessions: int
    status: str
    reason: str | None
    source: str | None
    portfolios: list[PortfolioPerformance]


class Publication(TypedDict):
    job: str
    as_of_date: str
    period_days: int
    status: str
    reason: str | None
    degraded_reason: str | None
    source: str


class StageRun(TypedDict):
    dag_id: str
    stage: int | None
    run_id: str
    as_of_date: str
    state: str
    reason: str | None
    started_at: str
    ended_at: str | None
    airflow_url: str


class SessionState(TypedDict):
    as_of_date: str
    publications: list[Publication]
    bars: dict[str, int]
    runs: list[StageRun]


class TableState(TypedDict):
    table_name: str
    row_count: int
    newest_date: str | None
    fetched_at: str | None


class ConsumerLag(TypedDict):
    consumer_group: str
    topic: str
    partition_id: int
    committed_offset: int
    end_offset: int
    lag: int
    measured_at: str


class ErrorCount(TypedDict):
    topic: str
    rejected: int
    waiting: int
    newest_at: str


class RejectedMessage(TypedDict):
    id: int
    topic: str
    partition_id: int
    kafka_offset: int
    message_key: str | None
    error_msg: str
    raw_value: str | None
    received_at: str
    replayed_at: str | None


class QuarantinedBar(TypedDict):
    kind: str
    ticker: str
    trade_date: str
    reason: str
    received_at: str


class Quarantined(TypedDict):
    total: int
    bars: list[QuarantinedBar]


class RequestCount(TypedDict):
    started_at: str
    requests: int
    limited: int
    failed: int


class Links(TypedDict):
    airflow: str
    spark_master: str


class Pipeline(TypedDict):
    sessions: list[SessionState]
    tables: list[TableState]
    consumers: list[ConsumerLag]
    quarantined: Quarantined
    errors: list[ErrorCount]
    newest_errors: list[RejectedMessage]
    requests_by_hour: list[RequestCount]
    requests_by_day: list[RequestCount]
    links: Links


class Gap(TypedDict):
    trade_date: str
    state: str
    kind: str
    ticker: str
    reason: str


class Gaps(TypedDict):
    total: int
    gaps: list[Gap]


class Restatement(TypedDict):
    kind: str
    ticker: str
    change: str
    first_session: str
    last_session: str
    price_factor: float
    recorded_at: str


class Restatements(TypedDict):
    total: int
    restatements: list[Restatement]
