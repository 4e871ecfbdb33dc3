"""Collected rows as they were known at a watermark, each with its version: what a publication has read.

Of a row the newest version up to the watermark counts, never a later one, whatever has been stored since.
"""

from collections.abc import Iterable, Mapping
from datetime import date

from contract.evidence import HoldingRow, PriceRow
from database.db_helper import Connection
from database.queries.evidence_as_of import versions_of
from database.queries.typed import fetch_as
from database.tables import DAILY_ETF_OHLC, DAILY_STOCK_HISTORY, ETF_HOLDINGS

ETF_BARS, STOCK_BARS, HOLDINGS = (each.name for each in (DAILY_ETF_OHLC, DAILY_STOCK_HISTORY, ETF_HOLDINGS))
_VERSIONS = {each.name: versions_of(each) for each in (DAILY_ETF_OHLC, DAILY_STOCK_HISTORY, ETF_HOLDINGS)}
Watermark = Mapping[str, int]  # chain -> position
Day = tuple[str, date]  # of a ticker, or of an ETF's snapshot


# The columns of the stocks' bars that those of the ETFs lack.
_OF_STOCKS = {
    ETF_BARS: "NULL::bigint AS shares_outstanding, NULL::bigint AS market_cap, NULL AS market_cap_source, "
    "NULL AS quote_digest",
    STOCK_BARS: "bar.shares_outstanding, bar.market_cap, bar.market_cap_source, "
    "ENCODE(bar.quote_digest, 'hex') AS quote_digest",
}


class Bars:
    """The bars of some ETFs and stocks on some days that were known at a watermark, each with its exchange rate."""

    def __init__(self, conn: Connection, etfs: Iterable[Day], stocks: Iterable[Day], watermark: Watermark) -> None:
        rows = fetch_as(
            conn,
            PriceRow,
            f"{_bars(ETF_BARS, 'etf')} UNION ALL {_bars(STOCK_BARS, 'stock')}",
            {
                **_wanted("etf", etfs),
                **_wanted("stock", stocks),
                "etf_known": watermark.get(ETF_BARS, 0),
                "stock_known": watermark.get(STOCK_BARS, 0),
            },
        )
        self._rows = {(row.version.chain, row.ticker, row.trade_date): row for row in rows}

    def etf(self, ticker: str, day: date) -> PriceRow | None:
        return self._rows.get((ETF_BARS, ticker, day))

    def stock(self, ticker: str, day: date) -> PriceRow | None:
        return self._rows.get((STOCK_BARS, ticker, day))


def _wanted(kind: str, days: Iterable[Day]) -> dict[str, object]:
    wanted = sorted(set(days))
    return {f"{kind}_tickers": [ticker for ticker, _ in wanted], f"{kind}_days": [day for _, day in wanted]}


def _bars(chain: str, kind: str) -> str:
    """Select the wanted bars of a chain. kind: the beginning of its parameters' names."""
    return f"""
        SELECT
            bar.ticker,
            bar.trade_date,
            bar.currency,
            bar.adj_close,
            bar.close_price,
            {_OF_STOCKS[chain]},
            bar.source,
            bar.fetched_at,
            {_version("bar")} AS version,
            rate.found AS rate
        FROM UNNEST(%({kind}_tickers)s::varchar[], %({kind}_days)s::date[]) AS wanted (ticker, trade_date)
        CROSS JOIN LATERAL (
            SELECT *
            FROM {_VERSIONS[chain]} AS known
            WHERE (known.ticker, known.trade_date) = (wanted.ticker, wanted.trade_date)
                AND known.position <= %({kind}_known)s
            ORDER BY known.position DESC
            LIMIT 1
        ) AS bar
        {_link("bar", chain)}
        LEFT JOIN LATERAL ({_RATE}) AS rate ON TRUE
        WHERE NOT bar.is_removed
    """


def holdings(conn: Connection, snapshots: Iterable[Day], top: int, watermark: Watermark) -> dict[str, list[HoldingRow]]:
    """Return the largest holdings of these snapshots that were known at a watermark, by ETF and rank."""
    wanted = sorted(set(snapshots))
    rows = fetch_as(
        conn,
        _HoldingOf,
        f"""
        SELECT holding.*, {_version("holding")} AS version
        FROM UNNEST(%(etfs)s::varchar[], %(days)s::date[]) AS wanted (etf_ticker, collected_date)
        CROSS JOIN LATERAL (
            SELECT DISTINCT ON (known.stock_ticker) known.*
            FROM {_VERSIONS[HOLDINGS]} AS known
            WHERE (known.etf_ticker, known.collected_date) = (wanted.etf_ticker, wanted.collected_date)
                AND known.position <= %(known)s
            ORDER BY known.stock_ticker, known.position DESC
        ) AS holding
        {_link("holding", HOLDINGS)}
        WHERE NOT holding.is_removed AND holding.holding_rank <= %(top)s
        ORDER BY holding.etf_ticker, holding.holding_rank, holding.stock_ticker
        """,
        {
            "etfs": [etf for etf, _ in wanted],
            "days": [day for _, day in wanted],
            "known": watermark.get(HOLDINGS, 0),
            "top": top,
        },
    )
    found: dict[str, list[HoldingRow]] = {}
    for row in rows:
        found.setdefault(row.etf_ticker, []).append(row)
    return found


class _HoldingOf(HoldingRow):
    etf_ticker: str


def _link(row: str, chain: str) -> str:
    """Join the link that a row was added with, under the name of the row with `_link`."""
    return f"JOIN evidence_link AS {row}_link ON {row}_link.chain = '{chain}' AND {row}_link.position = {row}.position"


def _version(row: str) -> str:
    """Select a row's version as JSON: its link, the address of its message, and the digest of the source's answer."""
    return f"""
        JSONB_BUILD_OBJECT(
            'chain', {row}_link.chain,
            'position', {row}_link.position,
            'known_at', {row}_link.known_at,
            'digest', ENCODE({row}_link.digest, 'hex'),
            'kafka', CASE WHEN {row}.topic IS NOT NULL THEN JSONB_BUILD_OBJECT(
                'topic', {row}.topic, 'partition', {row}.partition_id, 'offset', {row}.kafka_offset) END,
            'answer_digest', ENCODE({row}.answer_digest, 'hex')
        )
    """


# As the view collected_dollar_close chooses it: the rate of the bar's day, else the last one of the five days before.
_RATE = f"""
    SELECT JSONB_BUILD_OBJECT(
        'ticker', rate.ticker,
        'trade_date', rate.trade_date,
        'close_price', rate.close_price,
        'source', rate.source,
        'fetched_at', rate.fetched_at,
        'version', {_version("rate")}
    ) AS found
    FROM (
        SELECT DISTINCT ON (known.trade_date) *
        FROM {_VERSIONS[STOCK_BARS]} AS known
        WHERE bar.currency <> 'USD'
            AND known.ticker = bar.currency || '=X'
            AND known.quote_type = 'CURRENCY'
            AND known.trade_date BETWEEN bar.trade_date - 5 AND bar.trade_date
            AND known.position <= %(stock_known)s
        ORDER BY known.trade_date DESC, known.position DESC
    ) AS rate
    {_link("rate", STOCK_BARS)}
    WHERE NOT rate.is_removed
    ORDER BY rate.trade_date DESC
    LIMIT 1
"""
