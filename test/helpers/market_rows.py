"""A market's whole history as table rows, as if every session had been collected on its evening."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from database import tables
from database.db_helper import Connection, replace_partition, transaction
from database.tables import Table
from utils.dates import close_of


def rows_of(market: Any) -> dict[Table, list[tuple[Any, ...]]]:
    """collected_* rows of everything the market shows up to its last session, adjusted as of then."""
    at = close_of(market.sessions[-1])
    rows: dict[Table, list[tuple[Any, ...]]] = {
        tables.DAILY_ETF_OHLC: [],
        tables.DAILY_STOCK_HISTORY: [],
        tables.ETF_HOLDINGS: list(_holdings(market)),
    }
    for ticker in market.tickers:
        kind = market.security(ticker).kind
        table = tables.DAILY_ETF_OHLC if kind == "ETF" else tables.DAILY_STOCK_HISTORY
        rows[table] += [
            tuple(row[column] for column in table.columns) for row in _bars(market, ticker, at) if row["close_price"]
        ]
    return rows


def store(conn: Connection, market: Any) -> None:
    with transaction(conn):
        for table, rows in rows_of(market).items():
            replace_partition(conn, table, {"source": market.label}, rows)


def _bars(market: Any, ticker: str, at: datetime) -> Iterator[dict[str, Any]]:
    security, quote = market.security(ticker), market.quote(ticker, at)
    for bar in market.bars(ticker, at):
        yield {
            "ticker": ticker,
            "trade_date": bar.session,
            "open_price": bar.open,
            "high_price": bar.high,
            "low_price": bar.low,
            "close_price": bar.close,
            "adj_close": bar.close if bar.adj_close is None else bar.adj_close,
            "volume": bar.volume or 0,
            "price_change_percent": None,
            "dividend": bar.dividend,
            "split_ratio": bar.split_ratio,
            "company_name": security.name,
            "sector": security.sector,
            "quote_type": security.kind,
            "currency": security.currency,
            "fetched_at": at,
            "source": market.label,
            "run_id": None,
            **_market_cap(quote, bar.close),
        }


def _market_cap(quote: Any, close: float) -> dict[str, Any]:
    shares = quote.shares_outstanding if quote else None
    if shares:
        cap, cap_source = round(shares * close), "shares_x_close"
    else:
        cap = quote.market_cap if quote else None
        cap_source = "quoted" if cap else None
    return {"shares_outstanding": shares, "market_cap": cap, "market_cap_source": cap_source}


def _holdings(market: Any) -> Iterator[tuple[Any, ...]]:
    """Each snapshot once, on the session at whose close it is first known."""
    for etf in market.etfs:
        seen = None
        for session in market.sessions:
            at = close_of(session)
            if market.holdings_as_of(etf, at) in (None, seen):
                continue
            seen = market.holdings_as_of(etf, at)
            for rank, holding in enumerate(market.holdings(etf, at), 1):
                yield (etf, holding.ticker, holding.name, holding.percent, session, rank, at, market.label, None)
