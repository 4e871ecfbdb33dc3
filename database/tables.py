"""What writers and readers need to know of each table: its name, key and columns. schema.sql defines them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """`columns` are the ones written, in order; serial and defaulted ones are left out."""

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...]

    @property
    def values(self) -> tuple[str, ...]:
        """The columns that are not part of the key."""
        return tuple(column for column in self.columns if column not in self.key)


META_ETF = Table("collected_meta_etf", ("ticker",), ("ticker", "etf_type", "sector_name", "description"))

_BAR = (
    "ticker",
    "trade_date",
    "open_price",
    "high_price",
    "low_price",
    "close_price",
    "adj_close",
    "volume",
    "price_change_percent",
    "dividend",
    "split_ratio",
    "capital_gain",
    "currency",
)
_PROVENANCE = ("fetched_at", "source", "run_id")

DAILY_ETF_OHLC = Table("collected_daily_etf_ohlc", ("ticker", "trade_date"), (*_BAR, *_PROVENANCE))

DAILY_STOCK_HISTORY = Table(
    "collected_daily_stock_history",
    ("ticker", "trade_date"),
    (
        *_BAR,
        "company_name",
        "sector",
        "sector_source",
        "quote_type",
        "shares_outstanding",
        "market_cap",
        "market_cap_source",
        *_PROVENANCE,
    ),
)

ETF_HOLDINGS = Table(
    "collected_etf_holdings",
    ("etf_ticker", "stock_ticker", "collected_date"),
    ("etf_ticker", "stock_ticker", "stock_name", "holding_percent", "collected_date", "holding_rank", *_PROVENANCE),
)

MONTHLY_BENCHMARK_HOLDINGS = Table(
    "collected_monthly_benchmark_holdings",
    ("etf_ticker", "holding_ticker", "as_of_date"),
    ("etf_ticker", "holding_ticker", "holding_name", "holding_percent", "as_of_date", "holdings_as_of", *_PROVENANCE),
)

PUBLICATION = Table(
    "analytics_publication",
    ("job", "as_of_date", "period_days"),
    (
        "job",
        "as_of_date",
        "period_days",
        "status",
        "reason",
        "degraded_reason",
        "row_count",
        "cash_weight",
        "holdings_as_of",
        "source",
        "run_id",
    ),
)

TRENDING_ETFS = Table(
    "analytics_trending_etfs",
    ("as_of_date", "etf_ticker"),
    (
        "as_of_date",
        "etf_ticker",
        "return_5d",
        "spy_return_5d",
        "outperformance_5d",
        "is_trending_5d",
        "return_10d",
        "spy_return_10d",
        "outperformance_10d",
        "is_trending_10d",
        "return_20d",
        "spy_return_20d",
        "outperformance",
        "rank_by_outperformance",
        "is_trending",
        "sector_name",
        "missing_reason",
        "is_degraded",
        "source",
    ),
)

PORTFOLIO_ALLOCATION = Table(
    "analytics_portfolio_allocation",
    ("as_of_date", "ticker", "period_days"),
    (
        "as_of_date",
        "ticker",
        "period_days",
        "portfolio_weight",
        "period_return",
        "score",
        "market_cap",
        "market_cap_source",
        "position_rank",
        "source_etfs",
        "allocation_reason",
        "holdings_as_of",
        "start_session",
        "end_session",
        "company_name",
        "sector",
        "return_5d",
        "sector_avg_5d",
        "is_trending_5d",
        "rank_5d",
        "return_10d",
        "sector_avg_10d",
        "is_trending_10d",
        "rank_10d",
        "return_20d",
        "sector_avg_20d",
        "is_trending_20d",
        "rank_20d",
        "is_degraded",
        "source",
    ),
)

ALLOCATION_CANDIDATES = Table(
    "analytics_allocation_candidates",
    ("as_of_date", "period_days", "etf_ticker", "ticker"),
    (
        "as_of_date",
        "period_days",
        "etf_ticker",
        "ticker",
        "holding_rank",
        "holding_percent",
        "holdings_as_of",
        "period_return",
        "market_cap",
        "is_selected",
        "exclusion_reason",
        "start_session",
        "end_session",
        "source",
    ),
)

ETF_TOP_HOLDINGS = Table(
    "analytics_etf_top_holdings",
    ("etf_ticker", "stock_ticker", "period_days", "analysis_date"),
    (
        "etf_ticker",
        "stock_ticker",
        "stock_name",
        "period_days",
        "rank_position",
        "avg_return",
        "total_return",
        "volatility",
        "sharpe_ratio",
        "analysis_date",
        "holding_rank",
        "holding_percent",
        "holdings_as_of",
        "start_session",
        "end_session",
        "missing_reason",
        "source",
    ),
)

MONTHLY_PORTFOLIO = Table(
    "analytics_monthly_portfolio",
    ("rebalance_date", "ticker"),
    (
        "rebalance_date",
        "ticker",
        "valid_until",
        "final_rank",
        "final_weight",
        "score",
        "source_periods",
        "as_of_date",
        "company_name",
        "sector",
        "holdings_as_of",
        "is_degraded",
        "source",
    ),
)

SECTOR_TRENDING = Table(
    "analytics_sector_trending",
    ("year", "month", "sector"),
    (
        "year",
        "month",
        "sector",
        "stock_count",
        "avg_monthly_return",
        "volatility",
        "positive_days",
        "trading_days",
        "best_day",
        "worst_day",
        "is_trending",
        "benchmark_return",
        "as_of_date",
        "source",
    ),
)

PORTFOLIO_PERFORMANCE = Table(
    "analytics_portfolio_performance",
    ("period_days", "trade_date"),
    (
        "period_days",
        "trade_date",
        "decided_on",
        "gross_value",
        "net_value",
        "benchmark_value",
        "gross_return",
        "net_return",
        "benchmark_return",
        "drawdown",
        "benchmark_drawdown",
        "turnover",
        "cost",
        "cash_weight",
        "position_count",
        "carried_weight",
        "carried_reason",
        "is_degraded",
        "has_hindsight",
        "source",
    ),
)

PERFORMANCE_SUMMARY = Table(
    "analytics_performance_summary",
    ("period_days", "last_session"),
    (
        "period_days",
        "first_session",
        "last_session",
        "session_count",
        "total_return_gross",
        "total_return_net",
        "benchmark_return",
        "max_drawdown",
        "benchmark_max_drawdown",
        "turnover_average",
        "turnover_total",
        "cost_total",
        "cost_rate",
        "cagr",
        "volatility",
        "sharpe",
        "sortino",
        "calmar",
        "beta",
        "not_annualised_reason",
        "hindsight_sessions",
        "degraded_sessions",
        "carried_sessions",
        "source",
    ),
)

CONSUMER_ERROR = Table(
    "logs_consumer_error",
    ("topic", "partition_id", "kafka_offset", "record_time"),
    (
        "raw_value",
        "error_msg",
        "topic",
        "partition_id",
        "kafka_offset",
        "record_time",
        "message_key",
        "ticker",
        "trade_date",
    ),
)

PRICE_BREAK = Table(
    "logs_price_break",
    ("kind", "ticker", "trade_date"),
    ("kind", "ticker", "trade_date", "is_withheld", "reason", "judged_at", "run_id"),
)

EXPECTED_BAR = Table(
    "logs_expected_bar",
    ("kind", "ticker", "trade_date"),
    ("kind", "ticker", "trade_date", "state", "reason", "asked_at", "run_id"),
)

MISSING_HOLDINGS = Table(
    "logs_missing_holdings", ("etf_ticker", "as_of_date"), ("etf_ticker", "as_of_date", "reason", "run_id")
)

RESTATEMENT = Table(
    "logs_restatement",
    ("kind", "ticker", "last_session", "change", "replaced_fetched_at"),
    (
        "kind",
        "ticker",
        "last_session",
        "change",
        "replaced_fetched_at",
        "first_session",
        "price_factor",
        "adj_factor",
        "old_values",
        "new_values",
        "fetched_at",
        "run_id",
    ),
)
