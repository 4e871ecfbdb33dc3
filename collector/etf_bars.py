"""Collect ETF bars and the exchange rates that they need: Yahoo -> etf-daily-data, for whoever needs them."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from collector.collection import Collection, open_collection
from collector.completeness import Kind
from collector.delivery import NewBar, deliver, message_fields
from collector.plan import FetchRequest, explain_no_exchange, has_exchange, plan_requests, sessions_for_returns
from collector.rates import collect_rates
from collector.receipt import Receipt
from collector.yahoo_answers.model import Bars
from config.config import Settings
from database.queries import collected
from database.tables import DAILY_ETF_OHLC
from utils.errors import TICKER_TROUBLE
from utils.logging_utils import log_progress
from utils.messages import EtfDailyBar

log = logging.getLogger(__name__)


def collect_etfs(
    settings: Settings, etfs: Sequence[str], as_of: date, run_id: str | None = None, since: date | None = None
) -> Receipt:
    """Send what is new of these ETFs, and the exchange rates of those that are not quoted in the home currency.

    The receipt names those that have no bar of the session (yet), or whose answer cannot be used.
    """
    with open_collection(settings, as_of, run_id) as current:
        possible = [etf for etf in etfs if has_exchange(current, Kind.ETF, etf, [as_of])]
        needed = {etf: sessions_for_returns(etf, as_of, since) for etf in possible}
        collect_rates(current, fetch_etfs(current, needed, as_of), as_of, since)
    return current.receipt


def fetch_etfs(current: Collection, needed: Mapping[str, Sequence[date]], as_of: date) -> set[str]:
    """Ask for the ETFs that lack a needed session, send what is new, and return the currencies that all are quoted in.

    needed: ticker -> the sessions whose bars must be stored
    """
    requests = plan_requests(current, Kind.ETF, needed, as_of)
    currencies = collected.currencies(current.conn, DAILY_ETF_OHLC, list(needed))
    for number, (etf, request) in enumerate(requests.items(), 1):
        log_progress(log, number, len(requests), f"{etf}: {fetch_etf(current, etf, request, currencies)}")
    return currencies


def fetch_etf(current: Collection, etf: str, request: FetchRequest, currencies: set[str] | None = None) -> str:
    """Ask for one ETF and send what is new. Add its currency to the others'. Return what was done in words."""
    if why := explain_no_exchange(etf):
        return current.note_unusable(Kind.ETF, etf, request.sessions, why)
    try:
        fetched = current.yahoo.daily_bars(etf, request.start, request.end)
    except TICKER_TROUBLE as error:
        return current.note_unusable(Kind.ETF, etf, request.sessions, error.reason)
    if currencies is not None:
        currencies.add(fetched.currency)
    return deliver(current, Kind.ETF, fetched, request, lambda new: etf_messages(fetched, new, current.run_id))


def etf_messages(fetched: Bars, new: Iterable[NewBar], run_id: str | None) -> Iterator[EtfDailyBar]:
    """Yield the messages of bars worth sending."""
    for each in new:
        yield EtfDailyBar(**message_fields(each, fetched, run_id))
