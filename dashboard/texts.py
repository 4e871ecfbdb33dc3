"""Every sentence the dashboard shows, in one place per language."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Texts:
    title: str
    tagline: str
    portfolio: str
    period: str
    period_hint: str
    monthly: str
    monthly_hint: str
    weights: str
    positions: str
    as_of: str
    published: str
    cash: str
    holdings_as_of: str
    prices: str
    rank: str
    ticker: str
    company: str
    sector: str
    weight: str
    period_return: str
    market_cap: str
    market_cap_quoted: str
    score: str
    score_hint: str
    source_etfs: str
    rebalanced: str
    valid_until: str
    removed: str
    before: str
    new: str
    source_periods: str
    month_score_hint: str
    why: str
    newest: str
    sources: dict[str, str]
    source_banners: dict[str, str]
    holdings_later: str
    degraded: str
    method: str
    month_method: str
    loading: str
    empty_title: str
    empty_hint: str
    empty_month_title: str
    empty_month_hint: str
    not_published_title: str
    not_published_hint: str
    away_title: str
    away_hint: str
    refused_title: str
    refused_hint: str
    bad_address_title: str
    bad_address_hint: str
    try_again: str
    show_newest: str


ENGLISH = Texts(
    title="ActStock",
    tagline="Best stocks of the ETFs that beat the market",
    portfolio="Portfolio",
    period="Period",
    period_hint="Return over {days} sessions",
    monthly="month",
    monthly_hint="The three portfolios merged on the last Sunday of a month",
    weights="Weights",
    positions="Positions",
    as_of="Session",
    published="Published",
    cash="Cash",
    holdings_as_of="ETF holdings of",
    prices="Prices",
    rank="#",
    ticker="Ticker",
    company="Company",
    sector="Sector",
    weight="Weight",
    period_return="Return {days}d",
    market_cap="Mkt cap",
    market_cap_quoted="Quoted market cap: the share count is not known",
    score="Score",
    score_hint="Return ÷ market cap, times 10¹². The weight is a position's share of all scores.",
    source_etfs="ETFs",
    rebalanced="Rebalanced",
    valid_until="Valid until",
    removed="No longer in it",
    before="Month before",
    new="new",
    source_periods="In the portfolios of",
    month_score_hint="0.3 to 3 by which of the three portfolios hold it. The weight is its share of all scores.",
    why="Why",
    newest="newest",
    sources={"yahoo": "Yahoo Finance", "simulated": "Simulated", "recorded": "Recorded"},
    source_banners={
        "simulated": "Simulated prices. They come from an invented market and say nothing about real stocks.",
        "recorded": "Recorded prices. They come from a stored market history, not from Yahoo today.",
    },
    holdings_later=(
        "Seen with hindsight: the ETF holdings are those of {holdings}, after the session of {session}. "
        "Nobody could have known them on that day."
    ),
    degraded="Degraded: computed without prices that were not there. {reason}.",
    method=(
        "For each ETF that beat SPY with a positive return, the best performer of its top holdings. "
        "Score = return ÷ market cap, weight = score ÷ sum of all scores. "
        "Returns are of adjusted closes, in US dollars."
    ),
    month_method=(
        "A stock counts by which of the three portfolios of the session hold it: those of the 20-session one come "
        "first, the others from rank 20 on. Weight = score ÷ sum of all scores."
    ),
    loading="Loading the portfolio…",
    empty_title="No positions for this session",
    empty_hint="The portfolio is all cash. Another period may hold positions.",
    empty_month_title="No monthly portfolio",
    empty_month_hint="./start.sh run rebalance publishes the newest one.",
    not_published_title="Not published yet",
    not_published_hint="Trigger daily_pipeline_controller in Airflow, wait until it is green, and try again.",
    away_title="The data cannot be reached",
    away_hint="See which service is away with ./start.sh status and bring it back with ./start.sh restart SERVICE.",
    refused_title="The API refused the dashboard's key",
    refused_hint="API and dashboard must be started with the same API_KEY: restart both.",
    bad_address_title="This address cannot be shown",
    bad_address_hint="The exchange has no session on that day, or the address was mistyped.",
    try_again="Try again",
    show_newest="Show the newest session",
)
