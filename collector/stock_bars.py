"""Collect stock bars and exchange rates: Yahoo -> stock-daily-data, for whichever producer needs them."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from collector.collect import Asked, Collection, fetch_range, is_covered, message_fields, news
from collector.completeness import Kind
from collector.yahoo import Bar, Bars, Quote
from config.config import Topic
from config.universe import universe
from database.db_helper import Row
from database.queries import collected, ledger
from database.queries.ledger import HOME_CURRENCY
from database.tables import DAILY_STOCK_HISTORY
from utils.dates import exchange_of, window_of
from utils.errors import UnknownTicker
from utils.messages import MarketCapSource, StockDailyBar

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Company:
    """What goes into each of a stock's rows beside its prices."""

    quote: Quote
    sector: str | None


def collect_stocks(current: Collection, tickers: Sequence[str], as_of: date) -> None:
    """Send the stocks' bars and the exchange rates that the foreign ones need. Unknown tickers are only noted."""
    stored = {ticker: collected.bars(current.conn, DAILY_STOCK_HISTORY, ticker) for ticker in tickers}
    wanted = [ticker for ticker in tickers if not _is_covered(stored[ticker], ticker, as_of)]
    for ticker in tickers:
        if ticker not in wanted:
            current.receipt.already_stored.append(ticker)
            current.receipt.expect(Topic.STOCK_DAILY, ticker, _last_session(ticker, as_of))
    sessions = [(ticker, _last_session(ticker, as_of)) for ticker in wanted]
    ledger.expect(current.conn, Kind.STOCK, sessions, current.run_id)
    currencies = fetch_stocks(current, {ticker: _asked(current, ticker, stored[ticker], as_of) for ticker in wanted})
    for currency in sorted((currencies | collected.currencies(current.conn, tickers)) - {HOME_CURRENCY}):
        log.info("rate %s=X: %s", currency, _collect_rate(current, f"{currency}=X", as_of))


def fetch_stocks(current: Collection, asked: Mapping[str, Asked]) -> set[str]:
    """Ask for each stock and send what is new; returns the currencies they are quoted in."""
    companies = _companies(current, list(asked))
    for number, (ticker, of_ticker) in enumerate(asked.items(), 1):
        log.info("[%d/%d] %s: %s", number, len(asked), ticker, _fetch_stock(current, companies[ticker], of_ticker))
    return {company.quote.currency for company in companies.values() if company.quote.currency}


def fetch_rate(current: Collection, pair: str, asked: Asked) -> str:
    """Ask for an exchange rate's daily closes (units of the currency per US dollar), a ticker of its own."""
    try:
        fetched = current.yahoo.daily_bars(pair, asked.start, asked.end)
    except UnknownTicker as error:
        return current.unknown(Kind.RATE, pair, asked.sessions, str(error))
    currency = pair.removesuffix("=X")
    return current.deliver(
        Kind.RATE,
        fetched,
        asked,
        lambda quarantined: rate_messages(fetched, asked.stored, quarantined, currency, current.run_id),
    )


def _is_covered(stored: dict[date, Row], ticker: str, as_of: date) -> bool:
    return is_covered(stored, ticker, as_of, universe().longest_period)


def _last_session(ticker: str, as_of: date) -> date:
    return window_of(as_of, 0, exchange_of(ticker))[1]


def _asked(current: Collection, ticker: str, stored: dict[date, Row], as_of: date) -> Asked:
    start, end = fetch_range(stored, ticker, as_of, current.settings.collector)
    return Asked(stored, start, end, [_last_session(ticker, as_of)])


def _companies(current: Collection, tickers: Sequence[str]) -> dict[str, Company]:
    """One batch request for all quotes; a few sectors a run, since each is a request, kept for good once known."""
    if not tickers:
        return {}
    quotes = current.yahoo.quotes(tickers)
    sectors = dict.fromkeys(tickers) | collected.known_sectors(current.conn, tickers)
    unknown = [ticker for ticker in tickers if ticker in quotes and sectors[ticker] is None]
    for ticker in unknown[: current.settings.collector.sector_lookups_per_run]:
        sectors[ticker] = current.yahoo.sector(ticker)
    unquoted = Quote("", None, None, None, None)
    return {
        ticker: Company(quotes.get(ticker, replace(unquoted, ticker=ticker)), sectors[ticker]) for ticker in tickers
    }


def _fetch_stock(current: Collection, company: Company, asked: Asked) -> str:
    ticker = company.quote.ticker
    try:
        fetched = current.yahoo.daily_bars(ticker, asked.start, asked.end)
    except UnknownTicker as error:
        return current.unknown(Kind.STOCK, ticker, asked.sessions, str(error))
    return current.deliver(
        Kind.STOCK,
        fetched,
        asked,
        lambda quarantined: stock_messages(fetched, asked.stored, quarantined, company, current.run_id),
    )


def _collect_rate(current: Collection, pair: str, as_of: date) -> str:
    stored = collected.bars(current.conn, DAILY_STOCK_HISTORY, pair)
    if _is_covered(stored, pair, as_of):
        return "already stored, no request"
    ledger.expect(current.conn, Kind.RATE, [(pair, as_of)], current.run_id)
    return fetch_rate(current, pair, _asked(current, pair, stored, as_of))


def stock_messages(
    fetched: Bars, stored: Mapping[date, Row], quarantined: set[date], company: Company, run_id: str | None
) -> Iterator[StockDailyBar]:
    for bar, previous_close in news(fetched.bars, stored, quarantined):
        shares = _shares(bar, stored.get(bar.session), company.quote)
        market_cap, cap_source = _market_cap(bar, shares, company.quote)
        yield StockDailyBar(
            **message_fields(bar, fetched, previous_close, run_id),
            currency=fetched.currency,
            company_name=company.quote.name,
            sector=company.sector,
            shares_outstanding=shares,
            market_cap=market_cap,
            market_cap_source=cap_source,
        )


def rate_messages(
    fetched: Bars, stored: Mapping[date, Row], quarantined: set[date], currency: str, run_id: str | None
) -> Iterator[StockDailyBar]:
    for bar, previous_close in news(fetched.bars, stored, quarantined):
        fields = message_fields(bar, fetched, previous_close, run_id)
        yield StockDailyBar(**fields, currency=currency, quote_type="CURRENCY")


def _shares(bar: Bar, stored: Row | None, quote: Quote) -> int | None:
    """The share count a past session was first stored with, unless a split has rewritten its close since."""
    if stored and stored["shares_outstanding"] and abs(bar.close / stored["close_price"] - 1) < 0.01:
        return int(stored["shares_outstanding"])
    return quote.shares_outstanding


def _market_cap(bar: Bar, shares: int | None, quote: Quote) -> tuple[int | None, MarketCapSource | None]:
    """Shares x that session's close where shares are known, else the figure Yahoo quotes today, and which it is."""
    if shares:
        return round(shares * bar.close), "shares_x_close"
    return (quote.market_cap, "quoted") if quote.market_cap else (None, None)
