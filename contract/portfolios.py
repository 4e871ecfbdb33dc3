"""The portfolios, daily and monthly, and what has become of them."""

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, Struct

from contract.common import DegradedReason, MarketCapSource, Paged, Source, Status
from contract.reasons import Reasons
from utils.messages import Moment

HINDSIGHT = (
    "What was held rests on later holdings, or was published after the close at which it is bought: no real record"
)


class Position(Struct):
    position_rank: Annotated[int, Meta(description="1 = largest weight")]
    ticker: str
    company_name: str | None
    sector: str | None
    portfolio_weight: float
    period_return: Annotated[float, Meta(description="In US dollars, over the portfolio's period")]
    score: Annotated[float, Meta(description="period_return / market_cap; the weight is its share of all scores")]
    market_cap: Annotated[int, Meta(description="In US dollars")]
    market_cap_source: MarketCapSource
    source_etfs: Annotated[list[str], Meta(description="The trending ETFs that chose the stock")]
    allocation_reason: str
    allocation_reasons: Reasons
    holdings_as_of: date
    start_session: date
    end_session: date
    return_5d: float | None
    return_10d: float | None
    return_20d: float | None


class Portfolio(Struct):
    as_of_date: date
    period_days: int
    status: Status
    reason: Annotated[str | None, Meta(description="Why it is empty or not computable")]
    reasons: Reasons
    degraded_reason: DegradedReason
    degraded_reasons: Reasons
    cash_weight: Annotated[float | None, Meta(description="null of a portfolio that is not computable")]
    holdings_as_of: Annotated[date | None, Meta(description="Latest holdings snapshot that was used")]
    holdings_known_later: Annotated[
        bool, Meta(description="That snapshot is later than as_of_date: not known at the time")
    ]
    source: Source
    published_at: Moment
    run_id: str | None
    positions: list[Position]


class Candidate(Struct):
    etf_ticker: str
    ticker: str
    holding_rank: int
    holding_percent: Annotated[float, Meta(description="Share of the ETF, a fraction")]
    holdings_as_of: date
    period_return: float | None
    market_cap: Annotated[int | None, Meta(description="In US dollars")]
    is_selected: bool
    exclusion_reason: Annotated[str | None, Meta(description="Why it was not chosen; null of a chosen one")]
    exclusion_reasons: Reasons
    start_session: date
    end_session: date
    source: Source


CandidatePart = Literal["all", "position", "none"]


class ExplainedPortfolio(Portfolio):
    candidate_count: Annotated[int, Meta(description="Of all holdings that were looked at, whatever part is asked for")]
    candidates: Annotated[list[Candidate], Meta(description="Every holding that was looked at, by ETF and rank")]


class ActiveAllocations(Struct):
    as_of_date: date
    bars: Annotated[
        dict[str, int], Meta(description="(ticker, session) expected of that session, by state of the ledger")
    ]
    portfolios: Annotated[list[ExplainedPortfolio], Meta(description="By period, the shortest first")]


class Appearance(Struct):
    as_of_date: date
    period_days: Annotated[int | None, Meta(description="null: in a monthly portfolio")]
    rebalance_date: Annotated[date | None, Meta(description="Of a monthly portfolio")]
    weight: float
    rank: int
    score: float
    period_return: float | None
    source_etfs: list[str] | None
    source_periods: list[int] | None
    is_degraded: Annotated[bool, Meta(description="Something was not there, or in doubt, when it was computed")]
    degraded_reason: DegradedReason
    degraded_reasons: Reasons
    holdings_as_of: Annotated[date | None, Meta(description="Latest holdings snapshot that the portfolio used")]
    holdings_known_later: Annotated[
        bool, Meta(description="That snapshot is later than as_of_date: not known at the time")
    ]
    source: Source


class Appearances(Paged):
    ticker: str
    appearances: Annotated[list[Appearance], Meta(description="Newest first")]


class Weight(Struct):
    """A position of a portfolio, or its cash: together they are 1. A portfolio that is not computable is one row."""

    session: Annotated[date, Meta(description="The session that the portfolio is of")]
    period: Annotated[int, Meta(description="Sessions of the portfolio's period")]
    status: Status
    ticker: Annotated[str | None, Meta(description="null: cash, or nothing where it is not computable")]
    weight: Annotated[float | None, Meta(description="A fraction of the portfolio; null where it is not computable")]
    rank: Annotated[int | None, Meta(description="1 = largest weight; null of cash")]
    company_name: str | None
    sector: str | None
    period_return: Annotated[float | None, Meta(description="In US dollars, over the portfolio's period")]
    score: Annotated[float | None, Meta(description="period_return / market_cap")]
    market_cap: Annotated[int | None, Meta(description="In US dollars")]
    market_cap_source: MarketCapSource | None
    source_etfs: Annotated[list[str] | None, Meta(description="The trending ETFs that chose the stock")]
    is_degraded: Annotated[bool, Meta(description="Something was not there, or in doubt, when it was computed")]
    degraded_reason: DegradedReason
    degraded_reasons: Reasons
    reason: Annotated[str | None, Meta(description="Why the portfolio is empty or not computable")]
    reasons: Reasons
    holdings_as_of: Annotated[date | None, Meta(description="Latest holdings snapshot that was used")]
    holdings_known_later: Annotated[
        bool, Meta(description="That snapshot is later than the session: not known at the time")
    ]
    source: Source
    published_at: Moment


class Weights(Paged):
    weights: Annotated[list[Weight], Meta(description="Oldest session first, then by period and rank; cash last")]


class RecordSession(Struct):
    """What became of one of the portfolios in a session, at its close, beside the benchmark."""

    session: date
    period: Annotated[int, Meta(description="Sessions of the portfolio's period; 0: the monthly portfolio")]
    decided_on: Annotated[date, Meta(description="Session (month: rebalance date) of what was held up to the close")]
    net_return: Annotated[
        float | None, Meta(description="Less the cost of every trade, since the session before; null of the first one")
    ]
    gross_return: Annotated[float | None, Meta(description="Since the session before; null of the first one")]
    benchmark_return: Annotated[float | None, Meta(description="Since the session before; null without its close")]
    net_value: Annotated[float, Meta(description="Of a capital of 1 before the first purchase, less all costs")]
    gross_value: Annotated[float, Meta(description="Of a capital of 1 before the first purchase")]
    benchmark_value: Annotated[float | None, Meta(description="Of a capital of 1 in the benchmark")]
    drawdown: Annotated[float, Meta(description="Of net_value, from its highest by then; 0 or negative")]
    benchmark_drawdown: Annotated[float | None, Meta(description="Of benchmark_value, from its highest by then")]
    turnover: Annotated[float, Meta(description="At the close, one-way: half of all bought and sold, over the value")]
    cost: Annotated[float, Meta(description="Of what was traded at the close, as a fraction of the value")]
    cash_weight: Annotated[float, Meta(description="At the close, before what is traded there")]
    position_count: int
    is_degraded: Annotated[bool, Meta(description="What was held was published without some prices, or in doubt")]
    has_hindsight: Annotated[bool, Meta(description=HINDSIGHT)]
    carried_weight: Annotated[float, Meta(description="Of positions without a close, which stand at their last one")]
    carried_reason: Annotated[str | None, Meta(description="Which, the benchmark included, and why; null: none")]
    carried_reasons: Reasons
    source: Source


class Record(Paged):
    benchmark: str
    sessions: Annotated[list[RecordSession], Meta(description="Oldest first, then by period")]


class MonthlyPosition(Struct):
    final_rank: int
    ticker: str
    company_name: str | None
    sector: str | None
    final_weight: float
    score: float
    source_periods: list[int]
    price_usd: Annotated[
        float | None,
        Meta(description="Newest close known at as_of_date as it was traded, before any later split, in US dollars"),
    ]
    price_date: date | None
    split_factor: Annotated[
        float, Meta(description="Of the splits since price_date: price_usd / the close adjusted for them")
    ]
    previous_weight: Annotated[
        float | None, Meta(description="The month before, as the record follows it; null when it was not in it")
    ]
    previous_rank: int | None


class MonthlyPortfolio(Struct):
    rebalance_date: date | None
    valid_until: date | None
    as_of_date: date | None
    previous_rebalance_date: date | None
    status: Status
    reason: Annotated[str | None, Meta(description="Why it is empty, or which of the three portfolios adds nothing")]
    reasons: Reasons
    degraded_reason: Annotated[str | None, Meta(description="What its portfolios lacked, or what was in doubt")]
    degraded_reasons: Reasons
    holdings_as_of: Annotated[
        date | None, Meta(description="Newest holdings used; after as_of_date: not known at the time")
    ]
    source: Source | None
    published_at: Moment | None
    is_in_record: Annotated[
        bool, Meta(description="false: published after the record of `/dashboard/performance` was computed last")
    ]
    record_as_of: Annotated[date | None, Meta(description="Last session of the monthly portfolio's record")]
    positions: list[MonthlyPosition]
    removed: Annotated[
        list[MonthlyPosition],
        Meta(description="What the month before had, as the record follows it, and this one has not"),
    ]


class Trade(Struct):
    ticker: str
    company_name: str | None
    side: Annotated[
        Literal["buy", "sell", "keep"] | None, Meta(description="null: without a price nothing can be counted")
    ]
    shares: Annotated[int | None, Meta(description="To trade: positive buys, negative sells")]
    held_shares: int | None
    target_shares: int | None
    price_usd: Annotated[
        float | None,
        Meta(
            description="Newest close known at as_of_date as it was traded, before any later split, in US dollars; the "
            "shares are counted at it"
        ),
    ]
    price_date: date | None
    split_factor: Annotated[
        float, Meta(description="Of the splits since price_date: price_usd / the close adjusted for them")
    ]
    value: Annotated[float | None, Meta(description="Of what is traded, in US dollars")]
    cost: Annotated[float | None, Meta(description="In US dollars, at cost_rate")]
    held_weight: Annotated[float, Meta(description="Last month's weight, drifted with the prices up to as_of_date")]
    target_weight: Annotated[
        float, Meta(description="In this month's portfolio; held_weight where that is not computable")
    ]
    missing_reason: str | None
    missing_reasons: Reasons
    share_of_volume: Annotated[
        float | None,
        Meta(description="The trade's shares over those traded a session, on average of the last 20; a fraction"),
    ] = None
    is_undrifted: Annotated[
        bool,
        Meta(description="held_weight is counted as if the price had not moved: degraded_reason says what is missing"),
    ] = False


class MonthlyTrades(Struct):
    """capital = the target shares' worth + unpriced_value + cost + cash_left."""

    rebalance_date: date | None
    previous_rebalance_date: Annotated[date | None, Meta(description="null: everything is bought")]
    previous_valid_until: Annotated[
        date | None, Meta(description="Last month's portfolio is sold at the close of this session at the latest")
    ]
    previous_is_expired: Annotated[
        bool,
        Meta(
            description="It is sold before this month is bought, as in the record: nothing is held, `capital` is cash, "
            "and everything is bought"
        ),
    ]
    as_of_date: date | None
    status: Annotated[
        Status,
        Meta(description="not_computable: no decision, and so no trade: `trades` has what is held, to be kept"),
    ]
    reason: Annotated[str | None, Meta(description="Why this month is empty or not computable")]
    reasons: Reasons
    degraded_reason: Annotated[
        str | None,
        Meta(description="Which returns since last month are missing or in doubt: held weights rest on them"),
    ]
    degraded_reasons: Reasons
    source: Source | None
    capital: Annotated[
        float, Meta(description="What last month's portfolio is worth now, or the cash that it became, in US dollars")
    ]
    cost_rate: Annotated[float, Meta(description="Of the traded value")]
    bought: float
    sold: float
    cost: float
    cash_left: float
    unpriced_value: Annotated[
        float, Meta(description="Worth of what is held without a price, by its held weight: it is not traded")
    ]
    trades: Annotated[
        list[Trade],
        Meta(
            description="This month's positions by rank, then those that leave; where this month is not computable, "
            "what is held"
        ),
    ]


class MonthlyPerformance(Struct):
    rebalance_date: date
    valid_until: date
    as_of_date: date
    entry_session: Annotated[
        date | None, Meta(description="Bought at its close; null while no session has closed since")
    ]
    exit_session: Annotated[date | None, Meta(description="Sold at its close, or the newest stored close")]
    is_over: bool
    portfolio_return: Annotated[
        float | None, Meta(description="Null while a position lacks a close: see missing_reason")
    ]
    benchmark_return: float | None
    excess_return: float | None
    covered_weight: Annotated[float, Meta(description="Weight of the positions with both closes")]
    position_count: int
    missing_reason: str | None
    missing_reasons: Reasons
    degraded_reason: Annotated[
        str | None,
        Meta(description="What its portfolios lacked or was in doubt when it was decided, and of the prices since"),
    ]
    degraded_reasons: Reasons
    holdings_as_of: Annotated[date | None, Meta(description="Latest holdings snapshot that was used")]
    holdings_known_later: Annotated[
        bool, Meta(description="That snapshot is later than as_of_date: not known at the time, no real record")
    ]
    source: Source


class MonthlyPerformances(Paged):
    benchmark: str
    months: Annotated[list[MonthlyPerformance], Meta(description="Newest first")]


class FollowedReturn(Struct):
    """The series have one value for each session; the first is the capital before the first purchase, 1."""

    period_days: Annotated[int, Meta(description="0: the monthly portfolio")]
    first_session: Annotated[date, Meta(description="The first portfolio is bought at its close")]
    last_session: date
    session_count: Annotated[int, Meta(description="Sessions with a return: all but the first")]
    total_return_net: Annotated[float, Meta(description="Less the cost of every trade")]
    benchmark_return: float | None
    max_drawdown: Annotated[float, Meta(description="Of the net value; 0 or negative")]
    hindsight_sessions: Annotated[int, Meta(description=f"Sessions of no real record. {HINDSIGHT}")]
    degraded_sessions: Annotated[int, Meta(description="Held a portfolio that was published as degraded")]
    source: Source
    net: list[float]
    benchmark: Annotated[list[float | None], Meta(description="The benchmark's value, of a capital of 1")]


class PortfolioPerformance(FollowedReturn):
    """The series have one value for each of `sessions`; the first is the capital before the first purchase, 1."""

    total_return_gross: float
    benchmark_max_drawdown: float | None
    turnover_average: Annotated[float, Meta(description="Of a session, the first one included")]
    turnover_total: float
    cost_total: Annotated[float, Meta(description="Sum of the costs, each as a fraction of the value at its trade")]
    cagr: Annotated[float | None, Meta(description="This and the next five: of the net returns, 252 sessions a year")]
    volatility: float | None
    sharpe: Annotated[float | None, Meta(description="Risk-free rate 0; null without variance")]
    sortino: float | None
    calmar: float | None
    beta: Annotated[float | None, Meta(description="To the benchmark")]
    not_annualised_reason: Annotated[str | None, Meta(description="Why the six are null: too few sessions")]
    not_annualised_reasons: Reasons
    carried_sessions: Annotated[
        int, Meta(description="A position or the benchmark had no close and stood at its last one")
    ]
    carried_weight: Annotated[float | None, Meta(description="What stood so at last_session: weight of its positions")]
    carried_reason: Annotated[
        str | None, Meta(description="Which, the benchmark included, and why; null: none at last_session")
    ]
    carried_reasons: Reasons
    sessions: Annotated[list[date], Meta(description="Oldest first")]
    gross: list[float]
    drawdown: Annotated[list[float], Meta(description="Of `net`, from its highest by then")]
    benchmark_drawdown: list[float | None]
    turnover: Annotated[
        list[float], Meta(description="At the close, one-way: half of all bought and sold, over the value")
    ]
    position_count: Annotated[
        list[int],
        Meta(description="Positions held up to the close, at the first session those bought; 0: cash alone"),
    ]
    known_net: Annotated[
        list[float],
        Meta(
            description="As `net`, by what was known at last_session, as are all figures. A correction counts on the "
            "session that it is about, and in `net` on the one at which it became known"
        ),
    ]
    known_benchmark: Annotated[
        list[float | None], Meta(description="As `benchmark`, by what was known at last_session")
    ]


class Correction(Struct):
    """A later revision of what the record follows or shows. The record stays what it was."""

    job: Literal["allocation", "rebalance", "performance"]
    as_of_date: Annotated[date, Meta(description="The session; of a rebalance: its date")]
    revision: int
    known_at: Moment
    changed: Annotated[
        list[Literal["inputs", "universe", "calendar", "code", "libraries"]],
        Meta(description="What differs from the revision before; empty: that one is older than revisions"),
    ]
    difference: Annotated[
        float,
        Meta(
            description="Of a portfolio: the weight that is elsewhere, cash included, as a fraction. Of the record: of "
            "the net value. The largest one of all periods"
        ),
    ]


class Performance(Struct):
    as_of_date: Annotated[date | None, Meta(description="The last session that was followed; null before there is one")]
    benchmark: str
    cost_rate: Annotated[float, Meta(description="What a trade costs, of the traded value")]
    annualised_from_sessions: int
    status: Literal["published", "empty"]
    reason: Annotated[str | None, Meta(description="Why there is nothing to follow")]
    reasons: Reasons
    source: Annotated[Source | None, Meta(description="Of the least trustworthy price of the whole record")]
    portfolios: Annotated[list[PortfolioPerformance], Meta(description="The monthly one, then by period")]
    corrections: Annotated[
        list[Correction],
        Meta(description="The newest 50 later revisions up to as_of_date that say something else, newest first"),
    ] = []
    correction_count: Annotated[int, Meta(description="All of them, also those that are not listed")] = 0
