"""Collect stock bars and exchange rates: Yahoo -> stock-daily-data, for whichever producer needs them."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from collector.collect import Asked, Collection, Fresh, fetch_range, is_covered, message_fields, needed_sessions
from collector.completeness import Kind
from collector.market_caps import Worths
from collector.stock_sectors import lookups_left, sectors_of
from collector.yahoo import Bar, Bars, Quote
from config.universe import universe
from database.db_helper import Row
from database.queries import collected, ledger
from database.queries.ledger import HOME_CURRENCY
from database.tables import DAILY_STOCK_HISTORY
from utils.dates import exchange_of, window_of
from utils.errors import TICKER_TROUBLE, UnknownExchange
from utils.logging_utils import log_progress
from utils.messages import HoldingsSnapshot, SectorSource, StockDailyBar

log = logging.getLogger(__name__)

LONGEST_NAME = 200
RATE_KEPT = timedelta(days=5)  # for how long a rate stands in for later ones: as in collected_dollar_close


@dataclass(frozen=True)
class Company:
    """What goes into each of a stock's rows beside its prices."""

    quote: Quote
    sector: str | None
    sector_source: SectorSource | None = None


def collect_stocks(
    current: Collection,
    tickers: Sequence[str],
    as_of: date,
    since: date | None = None,
    held: Sequence[str] = (),
    snapshots: Sequence[HoldingsSnapshot] = (),
) -> None:
    """Send the stocks' bars and the exchange rates that the foreign ones need, of all sessions since one if given.

    held: stocks of which the session's own bar is enough. snapshots: what this run has fetched of funds' holdings.
    What is wrong at one ticker is only noted. An ETF of the universe has its bars from stage 1 or 2.
    """
    first_choice = _collectable(current, tickers, as_of)
    beside = [ticker for ticker in _collectable(current, held, as_of) if ticker not in first_choice]
    needed = {ticker: needed_of(ticker, as_of, since) for ticker in first_choice}
    needed |= {ticker: [last_session_of(ticker, as_of)] for ticker in beside}
    stored = {ticker: collected.bars(current.conn, DAILY_STOCK_HISTORY, ticker) for ticker in needed}
    wanted = [ticker for ticker in needed if not is_covered(stored[ticker], needed[ticker])]
    for ticker in needed:
        if ticker not in wanted:
            current.receipt.already_stored.append(ticker)
            current.receipt.expect(DAILY_STOCK_HISTORY, ticker, last_session_of(ticker, as_of))
    sessions = [(ticker, last_session_of(ticker, as_of)) for ticker in wanted]
    ledger.expect(current.conn, Kind.STOCK, sessions, current.run_id)
    asked = {ticker: asked_of(current, ticker, stored[ticker], as_of, needed[ticker]) for ticker in wanted}
    # What a range stores counts for hundreds of sessions, and none of them would fetch its sectors once more.
    currencies = fetch_stocks(current, asked, every_sector=since is not None, snapshots=snapshots)
    currencies |= collected.currencies(current.conn, DAILY_STOCK_HISTORY, list(needed))
    collect_rates(current, currencies, as_of, since)


def fetch_stocks(
    current: Collection,
    asked: Mapping[str, Asked],
    every_sector: bool = False,
    snapshots: Sequence[HoldingsSnapshot] = (),
) -> set[str]:
    """Ask for each stock and send what is new; returns the currencies they are quoted in.

    Of the sectors that are not known yet some are looked up, as many as the day's budget allows, or every one.
    """
    possible = []
    for ticker, of_ticker in asked.items():
        if reason := why_no_exchange(ticker):
            log.info("%s: %s", ticker, current.unknown(Kind.STOCK, ticker, of_ticker.sessions, reason))
        else:
            possible.append(ticker)
    companies = _companies(current, possible, every_sector, snapshots)
    currencies: set[str] = set()
    for number, ticker in enumerate(possible, 1):
        outcome = _fetch_stock(current, companies[ticker], asked[ticker], currencies)
        log_progress(log, number, len(possible), f"{ticker}: {outcome}")
    return currencies


def collect_rates(current: Collection, currencies: Iterable[str], as_of: date, since: date | None = None) -> None:
    """Send the exchange rates of currencies; the home currency has none."""
    for currency in sorted(set(currencies) - {HOME_CURRENCY}):
        log.info("rate %s=X: %s", currency, _collect_rate(current, f"{currency}=X", as_of, since))


def fetch_rate(current: Collection, pair: str, asked: Asked) -> str:
    """Ask for an exchange rate, a ticker of its own: units of the currency per US dollar, one figure a day.

    One that is late is not waited for: the last one before stands in.
    """
    try:
        fetched = of_one_figure(current.yahoo.daily_bars(pair, asked.start, asked.end))
    except TICKER_TROUBLE as error:
        return current.unknown(Kind.RATE, pair, asked.sessions, str(error))
    outcome = current.deliver(
        Kind.RATE,
        fetched,
        asked,
        lambda fresh: rate_messages(fetched, fresh, pair.removesuffix("=X"), current.run_id),
    )
    if pair in current.receipt.late:
        current.receipt.late.remove(pair)
    return outcome


def of_one_figure(fetched: Bars) -> Bars:
    """Rates without the range and the volume of their days, which say nothing of the figure that counts."""
    bars = [Bar(bar.session, None, None, None, bar.close, bar.close, 0, 0.0, 1.0) for bar in fetched.bars]
    return replace(fetched, bars=bars)


def needed_of(ticker: str, as_of: date, since: date | None) -> list[date]:
    return needed_sessions(ticker, as_of, universe().longest_period, since)


def last_session_of(ticker: str, as_of: date) -> date:
    """The ticker's own last session as of a home session."""
    return window_of(as_of, 0, exchange_of(ticker))[1]


def asked_of(current: Collection, ticker: str, stored: dict[date, Row], as_of: date, needed: Sequence[date]) -> Asked:
    start, end = fetch_range(stored, ticker, as_of, current.settings.collector, needed[0])
    return Asked(stored, start, end, [last_session_of(ticker, as_of)])


def why_no_exchange(ticker: str) -> str | None:
    """Why a ticker has no sessions to ask for; None when it has."""
    try:
        exchange_of(ticker)
    except UnknownExchange as error:
        return str(error)
    return None


def _collectable(current: Collection, tickers: Iterable[str], as_of: date) -> list[str]:
    """Each ticker once, without ETFs of the universe; one on an unknown exchange is noted as missing."""
    found = []
    for ticker in dict.fromkeys(tickers):
        if ticker in universe().etfs:
            log.info("%s: an ETF of the universe: its bars are collected as such", ticker)
        elif reason := why_no_exchange(ticker):
            log.info("%s: %s", ticker, current.unknown(Kind.STOCK, ticker, [as_of], reason))
        else:
            found.append(ticker)
    return found


def _companies(
    current: Collection, tickers: Sequence[str], every_sector: bool, snapshots: Sequence[HoldingsSnapshot]
) -> dict[str, Company]:
    """One batch request for all quotes; sectors as far as they are known or looked up."""
    if not tickers:
        return {}
    quotes = _quotes(current, tickers)
    lookups = None if every_sector else lookups_left(current, planned=len(tickers) + 1)  # their bars, and a rate
    sectors = sectors_of(current, tickers, quotes, snapshots, lookups)
    unquoted = Quote("", None, None, None, None)
    return {
        ticker: Company(quotes.get(ticker, replace(unquoted, ticker=ticker)), *sectors[ticker]) for ticker in tickers
    }


def _quotes(current: Collection, tickers: Sequence[str]) -> dict[str, Quote]:
    try:
        return current.yahoo.quotes(tickers)
    except TICKER_TROUBLE as error:
        log.warning("no share counts of this session, the last ones that are stored go on: %s", error)
        return {}


def _fetch_stock(current: Collection, company: Company, asked: Asked, currencies: set[str]) -> str:
    """Ask for one stock and send what is new; its currency is added to the others'."""
    ticker = company.quote.ticker
    try:
        fetched = current.yahoo.daily_bars(ticker, asked.start, asked.end)
    except TICKER_TROUBLE as error:
        return current.unknown(Kind.STOCK, ticker, asked.sessions, str(error))
    currencies.add(fetched.currency)
    asked = replace(asked, stored=with_cap(fetched, asked.stored, company))
    return current.deliver(
        Kind.STOCK,
        fetched,
        asked,
        lambda fresh: stock_messages(fetched, asked.stored, fresh, company, current.run_id),
    )


def with_cap(fetched: Bars, stored: Mapping[date, Row], company: Company) -> dict[date, Row]:
    """The stored rows without those that lack a market cap which can be given now: they count as new."""
    is_counted = Worths(fetched.bars, stored, company.quote, fetched.currency).is_counted
    sent = {bar.session for bar in fetched.bars} if is_counted else set()
    return {day: row for day, row in stored.items() if row["market_cap"] or day not in sent}


def _collect_rate(current: Collection, pair: str, as_of: date, since: date | None) -> str:
    stored = collected.bars(current.conn, DAILY_STOCK_HISTORY, pair)
    needed = needed_of(pair, as_of, since)
    if all(has_rate(stored, day) for day in needed):
        return "already stored, no request"
    ledger.expect(current.conn, Kind.RATE, [(pair, as_of)], current.run_id)
    return fetch_rate(current, pair, asked_of(current, pair, stored, as_of, needed))


def has_rate(stored: Mapping[date, Row], day: date) -> bool:
    """Tell whether a day has a rate for good: its own, or that of a day before where the source went on without one.

    >>> stored = {date(2026, 4, 2): {}, date(2026, 4, 6): {}}   # the source has no rate of Friday the 3rd
    >>> [has_rate(stored, date(2026, 4, day)) for day in (2, 3, 6, 7)]
    [True, True, True, False]
    """
    if day in stored:
        return True
    is_past = any(other > day for other in stored)
    return is_past and any(timedelta(0) < day - other <= RATE_KEPT for other in stored)


def stock_messages(
    fetched: Bars, stored: Mapping[date, Row], fresh: Iterable[Fresh], company: Company, run_id: str | None
) -> Iterator[StockDailyBar]:
    worths = Worths(fetched.bars, stored, company.quote, fetched.currency)
    name = company.quote.name and company.quote.name[:LONGEST_NAME]
    for each in fresh:
        worth = worths.at(each.bar)
        yield StockDailyBar(
            **message_fields(each, fetched, run_id),
            company_name=name,
            sector=company.sector,
            sector_source=company.sector_source,
            shares_outstanding=worth.shares,
            market_cap=worth.market_cap,
            market_cap_source=worth.source,
        )


def rate_messages(fetched: Bars, fresh: Iterable[Fresh], currency: str, run_id: str | None) -> Iterator[StockDailyBar]:
    """The figure that the client gives as a day's close, and nothing else of it."""
    for each in fresh:
        fields = message_fields(each, fetched, run_id) | {"currency": currency, "adj_close": each.bar.close}
        fields |= dict.fromkeys(("open_price", "high_price", "low_price"))
        yield StockDailyBar(**fields, quote_type="CURRENCY")
