"""Collect stock bars and exchange rates: Yahoo -> stock-daily-data, for whichever producer needs them."""

import logging
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from datetime import date

from collector.collect import Collection, differs, fetch_range, is_covered, message_fields, news
from collector.yahoo import Bar, Bars, Quote
from config.config import Topic
from config.universe import universe
from database.db_helper import Row
from database.queries import collected
from database.tables import DAILY_STOCK_HISTORY
from utils.dates import exchange_of, window_of
from utils.errors import UnknownTicker
from utils.messages import MarketCapSource, StockDailyBar

log = logging.getLogger(__name__)

HOME_CURRENCY = "USD"


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
    companies = _companies(current, wanted)
    for number, ticker in enumerate(wanted, 1):
        outcome = _collect_stock(current, companies[ticker], stored[ticker], as_of)
        log.info("[%d/%d] %s: %s", number, len(wanted), ticker, outcome)
    quoted_in = {company.quote.currency for company in companies.values()}
    foreign = (quoted_in | collected.currencies(current.conn, tickers)) - {HOME_CURRENCY, None}
    for currency in sorted(foreign, key=str):
        log.info("rate %s=X: %s", currency, _collect_rate(current, f"{currency}=X", as_of))


def _is_covered(stored: dict[date, Row], ticker: str, as_of: date) -> bool:
    return is_covered(stored, ticker, as_of, universe().longest_period)


def _last_session(ticker: str, as_of: date) -> date:
    return window_of(as_of, 0, exchange_of(ticker))[1]


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


def _collect_stock(current: Collection, company: Company, stored: dict[date, Row], as_of: date) -> str:
    ticker = company.quote.ticker
    try:
        fetched = current.yahoo.daily_bars(ticker, *fetch_range(stored, ticker, as_of, current.settings.collector))
    except UnknownTicker as error:
        current.receipt.missing[ticker] = str(error)
        return str(error)
    quarantined = collected.quarantined(current.conn, Topic.STOCK_DAILY, ticker)
    messages = list(stock_messages(fetched, stored, quarantined, company, current.run_id))
    quarantined |= {message.trade_date for message in messages if not message.is_plausible}
    sent = current.send(Topic.STOCK_DAILY, messages)
    return f"{sent} bars sent{_expect_last(current, fetched, stored, _last_session(ticker, as_of), quarantined)}"


def _collect_rate(current: Collection, pair: str, as_of: date) -> str:
    """An exchange rate's daily closes (units of the currency per US dollar), as a ticker of its own."""
    stored = collected.bars(current.conn, DAILY_STOCK_HISTORY, pair)
    if _is_covered(stored, pair, as_of):
        return "already stored, no request"
    try:
        fetched = current.yahoo.daily_bars(pair, *fetch_range(stored, pair, as_of, current.settings.collector))
    except UnknownTicker as error:
        current.receipt.missing[pair] = str(error)
        return str(error)
    sent = current.send(Topic.STOCK_DAILY, rate_messages(fetched, stored, pair.removesuffix("=X"), current.run_id))
    return f"{sent} rates sent{_expect_last(current, fetched, stored, as_of)}"


def _expect_last(
    current: Collection,
    fetched: Bars,
    stored: dict[date, Row],
    session: date,
    quarantined: Set[date] = frozenset(),
) -> str:
    """Expect the session's row, or note why there will be none; counts what was restated.

    One doubtful stock does not hold up the others: it is no candidate until a person has accepted its bar.
    """
    current.receipt.changed += sum(bar.session in stored and differs(bar, stored[bar.session]) for bar in fetched.bars)
    if session in quarantined:
        current.receipt.missing[fetched.ticker] = f"the bar of {session} is quarantined: see logs_consumer_error"
        return f", {session} is quarantined"
    if any(bar.session == session for bar in fetched.bars):
        current.receipt.expect(Topic.STOCK_DAILY, fetched.ticker, session)
        return ""
    current.receipt.missing[fetched.ticker] = f"no bar of {session} at the source"
    return f", none of {session} at the source"


def stock_messages(
    fetched: Bars, stored: dict[date, Row], quarantined: set[date], company: Company, run_id: str | None
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


def rate_messages(fetched: Bars, stored: dict[date, Row], currency: str, run_id: str | None) -> Iterator[StockDailyBar]:
    for bar, previous_close in news(fetched.bars, stored):
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
