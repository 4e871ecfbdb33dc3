"""Collect stock bars and exchange rates: Yahoo -> stock-daily-data, for whichever producer needs them."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from collector.collect import Asked, Collection, Fresh, fetch_range, is_covered, message_fields, needed_sessions
from collector.completeness import Kind
from collector.yahoo import Bar, Bars, Quote
from config.universe import universe
from database.db_helper import Row
from database.queries import collected, ledger
from database.queries.ledger import HOME_CURRENCY
from database.tables import DAILY_STOCK_HISTORY
from utils.dates import exchange_of, window_of
from utils.errors import UnknownTicker
from utils.logging_utils import log_progress
from utils.messages import MarketCapSource, StockDailyBar

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Company:
    """What goes into each of a stock's rows beside its prices."""

    quote: Quote
    sector: str | None


def collect_stocks(current: Collection, tickers: Sequence[str], as_of: date, since: date | None = None) -> None:
    """Send the stocks' bars and the exchange rates that the foreign ones need, of all sessions since one if given.

    Unknown tickers are only noted.
    """
    stored = {ticker: collected.bars(current.conn, DAILY_STOCK_HISTORY, ticker) for ticker in tickers}
    needed = {ticker: _needed(ticker, as_of, since) for ticker in tickers}
    wanted = [ticker for ticker in tickers if not is_covered(stored[ticker], needed[ticker])]
    for ticker in tickers:
        if ticker not in wanted:
            current.receipt.already_stored.append(ticker)
            current.receipt.expect(DAILY_STOCK_HISTORY, ticker, _last_session(ticker, as_of))
    sessions = [(ticker, _last_session(ticker, as_of)) for ticker in wanted]
    ledger.expect(current.conn, Kind.STOCK, sessions, current.run_id)
    asked = {ticker: _asked(current, ticker, stored[ticker], as_of, needed[ticker]) for ticker in wanted}
    # What a range stores counts for hundreds of sessions, and none of them would fetch its sectors once more.
    currencies = fetch_stocks(current, asked, every_sector=since is not None)
    for currency in sorted((currencies | collected.currencies(current.conn, tickers)) - {HOME_CURRENCY}):
        log.info("rate %s=X: %s", currency, _collect_rate(current, f"{currency}=X", as_of, since))


def fetch_stocks(current: Collection, asked: Mapping[str, Asked], every_sector: bool = False) -> set[str]:
    """Ask for each stock and send what is new; returns the currencies they are quoted in.

    Of the sectors that are not known yet a few are looked up, or every one.
    """
    lookups = None if every_sector else current.settings.collector.sector_lookups_per_run
    companies = _companies(current, list(asked), lookups)
    for number, (ticker, of_ticker) in enumerate(asked.items(), 1):
        log_progress(log, number, len(asked), f"{ticker}: {_fetch_stock(current, companies[ticker], of_ticker)}")
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
        lambda fresh: rate_messages(fetched, fresh, currency, current.run_id),
    )


def _needed(ticker: str, as_of: date, since: date | None) -> list[date]:
    return needed_sessions(ticker, as_of, universe().longest_period, since)


def _last_session(ticker: str, as_of: date) -> date:
    return window_of(as_of, 0, exchange_of(ticker))[1]


def _asked(current: Collection, ticker: str, stored: dict[date, Row], as_of: date, needed: Sequence[date]) -> Asked:
    start, end = fetch_range(stored, ticker, as_of, current.settings.collector, needed[0])
    return Asked(stored, start, end, [_last_session(ticker, as_of)])


def _companies(current: Collection, tickers: Sequence[str], lookups: int | None) -> dict[str, Company]:
    """One batch request for all quotes; at most so many sectors, since each is a request, kept for good once known."""
    if not tickers:
        return {}
    quotes = current.yahoo.quotes(tickers)
    sectors = dict.fromkeys(tickers) | collected.known_sectors(current.conn, tickers)
    unknown = [ticker for ticker in tickers if ticker in quotes and sectors[ticker] is None]
    looked_up = unknown[:lookups]
    for number, ticker in enumerate(looked_up, 1):
        sectors[ticker] = current.yahoo.sector(ticker)
        log_progress(log, number, len(looked_up), f"{ticker}: {sectors[ticker] or 'no sector'}")
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
        lambda fresh: stock_messages(fetched, asked.stored, fresh, company, current.run_id),
    )


def _collect_rate(current: Collection, pair: str, as_of: date, since: date | None) -> str:
    stored = collected.bars(current.conn, DAILY_STOCK_HISTORY, pair)
    needed = _needed(pair, as_of, since)
    if is_covered(stored, needed):
        return "already stored, no request"
    ledger.expect(current.conn, Kind.RATE, [(pair, as_of)], current.run_id)
    return fetch_rate(current, pair, _asked(current, pair, stored, as_of, needed))


def stock_messages(
    fetched: Bars, stored: Mapping[date, Row], fresh: Iterable[Fresh], company: Company, run_id: str | None
) -> Iterator[StockDailyBar]:
    for each in fresh:
        bar = each.bar
        shares = _shares(bar, stored.get(bar.session), company.quote)
        market_cap, cap_source = _market_cap(bar, shares, company.quote)
        yield StockDailyBar(
            **message_fields(each, fetched, run_id),
            company_name=company.quote.name,
            sector=company.sector,
            shares_outstanding=shares,
            market_cap=market_cap,
            market_cap_source=cap_source,
        )


def rate_messages(fetched: Bars, fresh: Iterable[Fresh], currency: str, run_id: str | None) -> Iterator[StockDailyBar]:
    for each in fresh:
        fields = message_fields(each, fetched, run_id) | {"currency": currency}
        yield StockDailyBar(**fields, quote_type="CURRENCY")


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
