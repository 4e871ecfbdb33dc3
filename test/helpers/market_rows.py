"""A market's whole history as table rows, as if every session had been collected on its evening."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Any

from config.config import DatabaseSettings
from database import tables
from database.db_helper import Connection, connect, replace_partition, transaction
from database.queries.ledger import HOME_CURRENCY
from database.tables import Table
from utils.dates import close_of

HELD_FROM = ("XNYS", "XKRX")  # where the funds' stocks trade
SAME_COUNT = 0.01  # up to here market cap / price says no more than the shares outstanding do


def rows_of(market: Any) -> dict[Table, list[tuple[Any, ...]]]:
    """Return all collected_* rows of a market up to its last session, adjusted as of then."""
    at = close_of(market.sessions[-1])
    rows: dict[Table, list[tuple[Any, ...]]] = {
        tables.DAILY_ETF_OHLC: [],
        tables.DAILY_STOCK_HISTORY: [],
        tables.ETF_HOLDINGS: list(_holdings(market)),
    }
    for ticker in _collected(market):
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


@contextmanager
def stored(database: DatabaseSettings, market: Any, troubles: str) -> Iterator[Connection]:
    """Store a market with troubles, which are statements, and return a connection to the database."""
    with closing(connect(database)) as conn:
        store(conn, market)
        with transaction(conn), conn.cursor() as cursor:
            cursor.execute(troubles)
        yield conn


def _collected(market: Any) -> Iterator[str]:
    """Yield the followed ETFs, every stock that a fund may hold, and the exchange rates of these."""
    securities = [market.security(ticker) for ticker in market.tickers]
    stocks = [each for each in securities if each.kind == "EQUITY" and each.venue.calendar in HELD_FROM]
    rates = {f"{each.currency}=X" for each in stocks} - {f"{HOME_CURRENCY}=X"}
    yield from (ticker for ticker in market.tickers if ticker in market.etfs or ticker in rates)
    yield from (stock.ticker for stock in stocks)


def _bars(market: Any, ticker: str, at: datetime) -> Iterator[dict[str, Any]]:
    security = market.security(ticker)
    shares, cap_source = _share_count(market.quote(ticker, at))
    for bar in market.bars(ticker, at):
        yield {
            "ticker": ticker,
            "trade_date": bar.session,
            "volume": bar.volume or 0,
            "price_change_percent": None,
            "dividend": bar.dividend,
            "split_ratio": bar.split_ratio,
            "capital_gain": bar.capital_gain,
            "company_name": security.name,
            "sector": security.sector,
            "sector_source": "yahoo" if security.sector else None,
            "quote_type": security.kind,
            "currency": security.currency,
            "fetched_at": at,
            "source": market.label,
            "run_id": None,
            **_prices(security.kind, bar),
            "shares_outstanding": shares,
            "market_cap": round(shares * bar.close) if shares and bar.close else None,
            "market_cap_source": cap_source,
        }


def _prices(kind: str, bar: Any) -> dict[str, Any]:
    """Return a bar's price columns. A day's exchange rate is its bar's open, or the close where there is none."""
    if kind == "CURRENCY":
        rate = bar.close if bar.open is None else bar.open
        return {
            "open_price": bar.open,
            "high_price": None,
            "low_price": None,
            "close_price": rate,
            "adj_close": rate,
        }
    return {
        "open_price": bar.open,
        "high_price": bar.high,
        "low_price": bar.low,
        "close_price": bar.close,
        "adj_close": bar.close if bar.adj_close is None else bar.adj_close,
    }


def _share_count(quote: Any) -> tuple[int | None, str | None]:
    """Return the company's shares and their source."""
    if quote is None:
        return None, None
    if quote.company_shares:
        return quote.company_shares, "implied_x_close"
    listed = quote.shares_outstanding
    derived = round(quote.market_cap / quote.price) if quote.market_cap else None
    if derived and (not listed or abs(derived / listed - 1) > SAME_COUNT):
        return derived, "derived_x_close"
    return (listed, "shares_x_close") if listed else (None, None)


def _holdings(market: Any) -> Iterator[tuple[Any, ...]]:
    """Yield each snapshot once, on the session at whose close it is first known and not empty."""
    for etf in market.etfs:
        seen = None
        for session in market.sessions:
            at = close_of(session)
            known, listed = market.holdings_as_of(etf, at), market.holdings(etf, at)
            if known in (None, seen) or not listed:
                continue
            seen = known
            for rank, holding in enumerate(listed, 1):
                yield (etf, holding.ticker, holding.name, holding.percent, session, rank, at, market.label, None)
