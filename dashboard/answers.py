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
    cash_weight: float
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


class Calendar(TypedDict):
    sessions: list[PublishedDay]
    rebalances: list[PublishedDay]


class Publication(TypedDict):
    job: str
    as_of_date: str
    period_days: int
    status: str
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
