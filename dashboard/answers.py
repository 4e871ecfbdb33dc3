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
