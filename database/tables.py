"""What writers need of each table: its name, key and columns, read from schema.sql."""

from dataclasses import dataclass, replace

from database.schema_reader import schema


@dataclass(frozen=True)
class Table:
    """`columns` are the ones written, in the order of schema.sql."""

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...]

    @property
    def values(self) -> tuple[str, ...]:
        """The columns that are not part of the key."""
        return tuple(column for column in self.columns if column not in self.key)


def table(name: str, *unwritten: str) -> Table:
    """Return a table of schema.sql. unwritten: columns that nobody writes, or that the database fills in."""
    defined = schema()[name]
    return Table(name, defined.key, tuple(column for column in defined.columns if column not in unwritten))


def received(known: Table, *digests: str) -> Table:
    """Return a collected table with the columns that say where its rows come from: digests, and then the address."""
    return replace(known, columns=(*known.columns, *digests, *ADDRESS))


ADDRESS = ("topic", "partition_id", "kafka_offset")
ORIGIN = (*ADDRESS, "answer_digest", "quote_digest")

META_ETF = table("collected_meta_etf", *ORIGIN)
DAILY_ETF_OHLC = table("collected_daily_etf_ohlc", *ORIGIN)
DAILY_STOCK_HISTORY = table("collected_daily_stock_history", *ORIGIN)
ETF_HOLDINGS = table("collected_etf_holdings", "shares", "market_value", *ORIGIN)
MONTHLY_BENCHMARK_HOLDINGS = table("collected_monthly_benchmark_holdings", *ORIGIN)

PUBLICATION = table("analytics_publication", "published_at")
TRENDING_ETFS = table("analytics_trending_etfs")
PORTFOLIO_ALLOCATION = table("analytics_portfolio_allocation")
ALLOCATION_CANDIDATES = table("analytics_allocation_candidates")
ETF_TOP_HOLDINGS = table("analytics_etf_top_holdings")
MONTHLY_PORTFOLIO = table("analytics_monthly_portfolio")
SECTOR_TRENDING = table("analytics_sector_trending")
PORTFOLIO_PERFORMANCE = table("analytics_portfolio_performance")
PERFORMANCE_SUMMARY = table("analytics_performance_summary")

# A bar of a message is known by its place on the topic and its session; the number is for people.
CONSUMER_ERROR = replace(
    table("logs_consumer_error", "id", "received_at", "replayed_at"),
    key=("topic", "partition_id", "kafka_offset", "record_time", "trade_date"),
)
PRICE_BREAK = table("logs_price_break")
EXPECTED_BAR = table("logs_expected_bar", "first_expected_at")
MISSING_HOLDINGS = table("logs_missing_holdings", "asked_at")
RESTATEMENT = table("logs_restatement", "recorded_at")

EVIDENCE_LINK = table("evidence_link")
EVIDENCE_PUBLICATION = table("evidence_publication")
EVIDENCE_PORTFOLIO_ALLOCATION = table("evidence_portfolio_allocation")
EVIDENCE_MONTHLY_PORTFOLIO = table("evidence_monthly_portfolio")
EVIDENCE_PORTFOLIO_PERFORMANCE = table("evidence_portfolio_performance")
EVIDENCE_PERFORMANCE_SUMMARY = table("evidence_performance_summary")
EVIDENCE_SOURCE_ANSWER = table("evidence_source_answer")
