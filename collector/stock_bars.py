"""Collect stock bars and the exchange rates that they need: Yahoo -> stock-daily-data, for whoever needs them."""

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time

from collector.collection import Collection
from collector.completeness import Kind
from collector.delivery import NewBar, deliver, message_fields
from collector.etf_bars import fetch_etfs
from collector.market_caps import AHEAD, Worths
from collector.plan import (
    FetchRequest,
    explain_no_exchange,
    has_exchange,
    last_session_of,
    plan_requests,
    sessions_for_returns,
)
from collector.rates import collect_rates
from collector.stock_sectors import lookups_left, sectors_of
from collector.yahoo_answers.envelope import Refusal
from collector.yahoo_answers.model import Bars, Quote
from collector.yahoo_answers.quotes import quotes_from_answer
from config.universe import universe
from database.db_helper import Connection, Row
from database.queries import collected, source_answers
from database.tables import DAILY_ETF_OHLC, DAILY_STOCK_HISTORY
from utils.errors import TICKER_TROUBLE, EvidenceChanged
from utils.logging_utils import log_progress
from utils.messages import HoldingsSnapshot, SectorSource, StockDailyBar

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Company:
    """What each of a stock's rows has beside its prices.

    earlier: what the source quoted some weeks before, where the share count leaves open which it is
    is_new: nothing that it quoted is kept from so long before a split that the stored counts seem to have twice
    """

    quote: Quote
    sector: str | None
    sector_source: SectorSource | None = None
    earlier: Quote | None = None
    is_new: bool = False


def collect_stocks(
    current: Collection,
    tickers: Sequence[str],
    as_of: date,
    since: date | None = None,
    held: Sequence[str] = (),
    snapshots: Sequence[HoldingsSnapshot] = (),
) -> None:
    """Send the stocks' bars and the exchange rates that the foreign ones need, of all sessions since one if given.

    held: stocks of which the session's own bar is enough. snapshots: the fund holdings that this run has fetched. An
    ETF of the universe is left out, as it has its bars from stage 1 or 2. One that was of the universe goes on as a
    fund: its stored bars are the history that counts. Trouble with one ticker is only noted.
    """
    first_choice = _select_collectable(current, tickers, as_of)
    beside = [ticker for ticker in _select_collectable(current, held, as_of) if ticker not in first_choice]
    needed = {ticker: sessions_for_returns(ticker, as_of, since) for ticker in first_choice}
    needed |= {ticker: [last_session_of(ticker, as_of)] for ticker in beside}
    is_fund = collected.newest_sessions(current.conn, DAILY_ETF_OHLC, list(needed))
    stocks = {ticker: sessions for ticker, sessions in needed.items() if ticker not in is_fund}
    requests = plan_requests(current, Kind.STOCK, stocks, as_of)
    # What a range stores counts for hundreds of sessions, and none of them would fetch its sectors once more.
    currencies = fetch_stocks(current, requests, every_sector=since is not None, snapshots=snapshots)
    currencies |= collected.currencies(current.conn, DAILY_STOCK_HISTORY, list(stocks))
    currencies |= fetch_etfs(current, {fund: needed[fund] for fund in is_fund}, as_of)
    collect_rates(current, currencies, as_of, since)


def fetch_stocks(
    current: Collection,
    requests: Mapping[str, FetchRequest],
    every_sector: bool = False,
    snapshots: Sequence[HoldingsSnapshot] = (),
) -> set[str]:
    """Ask for each stock, send what is new, and return the currencies they are quoted in.

    Of the unknown sectors as many are looked up as the day's budget leaves beside the bars. every_sector: not only
    those that a day usually takes.
    """
    possible = [
        ticker
        for ticker in requests
        if explain_no_exchange(ticker) is None or has_exchange(current, Kind.STOCK, ticker, requests[ticker].sessions)
    ]
    companies = _describe_companies(current, possible, every_sector, snapshots)
    currencies: set[str] = set()
    for number, ticker in enumerate(possible, 1):
        outcome = _fetch_stock(current, companies[ticker], requests[ticker], currencies)
        log_progress(log, number, len(possible), f"{ticker}: {outcome}")
    return currencies


def _select_collectable(current: Collection, tickers: Iterable[str], as_of: date) -> list[str]:
    """Return each ticker once, without ETFs of the universe and those on an unknown exchange, which are noted."""
    found = []
    for ticker in dict.fromkeys(tickers):
        if ticker in universe().etfs:
            log.info("%s: an ETF of the universe: its bars are collected as such", ticker)
        elif has_exchange(current, Kind.STOCK, ticker, [as_of]):
            found.append(ticker)
    return found


def _describe_companies(
    current: Collection, tickers: Sequence[str], every_sector: bool, snapshots: Sequence[HoldingsSnapshot]
) -> dict[str, Company]:
    """Return what goes beside the prices: quotes by one batch request, sectors as far as they are known or found."""
    if not tickers:
        return {}
    quotes = _fetch_quotes(current, tickers)
    lookups = lookups_left(current, planned=len(tickers) + 1, every_sector=every_sector)  # their bars, and a rate
    sectors = sectors_of(current, tickers, quotes, snapshots, lookups, every_sector)
    unquoted = Quote("", None, None, None, None)
    return {
        ticker: Company(quotes.get(ticker, replace(unquoted, ticker=ticker)), *sectors[ticker]) for ticker in tickers
    }


def _fetch_quotes(current: Collection, tickers: Sequence[str]) -> dict[str, Quote]:
    try:
        quotes = current.yahoo.quotes(tickers)
    except TICKER_TROUBLE as error:
        log.warning("no share counts of this session, the last ones that are stored go on: %s", error)
        return {}
    for answer in {quote.answer.digest: quote.answer for quote in quotes.values() if quote.answer}.values():
        current.keep(answer)
    return quotes


def _fetch_stock(current: Collection, company: Company, request: FetchRequest, currencies: set[str]) -> str:
    """Ask for one stock and send what is new. Add its currency to the others'. Return what was done in words."""
    ticker = company.quote.ticker
    try:
        fetched = current.yahoo.daily_bars(ticker, request.start, request.end)
    except TICKER_TROUBLE as error:
        return current.note_unusable(Kind.STOCK, ticker, request.sessions, error.reason)
    currencies.add(fetched.currency)
    company = _with_quotes_before(current.conn, company, fetched, request.stored)
    return deliver(
        current,
        Kind.STOCK,
        fetched,
        request,
        lambda new: stock_messages(fetched, request.stored, new, company, current.run_id),
        again=sessions_to_size(fetched, request.stored, company),
    )


def _worths(fetched: Bars, stored: Mapping[date, Row], company: Company) -> Worths:
    return Worths(fetched.bars, stored, company.quote, fetched.currency, company.earlier, company.is_new)


def _with_quotes_before(conn: Connection, company: Company, fetched: Bars, stored: Mapping[date, Row]) -> Company:
    """Return the company with what earlier quotes tell of its share count, where that is open."""
    ticker, worths = company.quote.ticker, _worths(fetched, stored, company)
    if worths.is_waiting:
        company = replace(company, earlier=quote_before(conn, ticker, fetched.answer.fetched_at - AHEAD))
    if worths.doubled_at:
        ahead = datetime.combine(worths.doubled_at, time(), UTC) - AHEAD
        company = replace(company, is_new=collected.quote_digest_before(conn, ticker, ahead) is None)
    return company


def quote_before(conn: Connection, ticker: str, moment: datetime) -> Quote | None:
    """Return the last quote that was kept of a stock up to a moment, or None where none is, or none can be read."""
    digest = collected.quote_digest_before(conn, ticker, moment)
    try:
        body = source_answers.read(conn, digest) if digest else None
        return quotes_from_answer(json.loads(body)).get(ticker) if body else None
    except (EvidenceChanged, Refusal, ValueError) as error:
        log.warning("%s: its quote of before cannot be read: %s", ticker, error)
        return None


def sessions_to_size(fetched: Bars, stored: Mapping[date, Row], company: Company) -> set[date]:
    """Return the sessions whose stored rows lack a market cap that can be given now, or have a mistaken one."""
    worths = _worths(fetched, stored, company)
    lacking = [bar for bar in fetched.bars if bar.session in stored and not stored[bar.session]["market_cap"]]
    mistaken = {bar.session for bar in fetched.bars if worths.is_mistaken(bar.session)}
    return mistaken | {bar.session for bar in lacking if worths.is_counted and worths.at(bar).market_cap}


def stock_messages(
    fetched: Bars, stored: Mapping[date, Row], new: Iterable[NewBar], company: Company, run_id: str | None
) -> Iterator[StockDailyBar]:
    """Yield the messages of bars worth sending, with the company's name, and its size at each session."""
    worths = _worths(fetched, stored, company)
    name = company.quote.name or last_name(stored)
    for each in new:
        worth = worths.at(each.bar)
        yield StockDailyBar(
            **message_fields(each, fetched, run_id),
            company_name=name,
            sector=company.sector,
            sector_source=company.sector_source,
            shares_outstanding=worth.shares,
            market_cap=worth.market_cap,
            market_cap_source=worth.source,
            quote_digest=company.quote.answer.digest if company.quote.answer else None,
        )


def last_name(stored: Mapping[date, Row]) -> str | None:
    """Return the newest name that is stored."""
    names = (stored[day].get("company_name") for day in sorted(stored, reverse=True))
    return next(filter(None, names), None)
