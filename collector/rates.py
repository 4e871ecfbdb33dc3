"""Collect exchange rates: Yahoo -> stock-daily-data, for the stocks and ETFs that are quoted in another currency."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta

from collector.collection import Collection
from collector.completeness import Kind
from collector.day_budget import take_turns
from collector.delivery import NewBar, deliver, message_fields
from collector.plan import FetchRequest, request_for, sessions_for_returns
from collector.yahoo_answers.model import Bar, Bars
from database.db_helper import Row
from database.queries import collected, ledger
from database.queries.ledger import HOME_CURRENCY
from database.tables import DAILY_STOCK_HISTORY
from utils.errors import TICKER_TROUBLE
from utils.messages import StockDailyBar

log = logging.getLogger(__name__)

RATE_KEPT = timedelta(days=5)  # for how long a rate stands in for later ones: as in collected_dollar_close


def collect_rates(current: Collection, currencies: Iterable[str], as_of: date, since: date | None = None) -> None:
    """Send the exchange rates of currencies. The home currency has none."""
    for currency in sorted(set(currencies) - {HOME_CURRENCY}):
        log.info("rate %s=X: %s", currency, _collect_rate(current, f"{currency}=X", as_of, since))


def _collect_rate(current: Collection, pair: str, as_of: date, since: date | None) -> str:
    stored = collected.bars(current.conn, DAILY_STOCK_HISTORY, pair)
    needed = sessions_for_returns(pair, as_of, since)
    if all(has_rate(stored, day) for day in needed):
        return "already stored, no request"
    ledger.expect(current.conn, Kind.RATE, [(pair, as_of)], current.run_id)
    if not take_turns(current, Kind.RATE, {pair: [as_of]}):
        return "not asked for"
    return fetch_rate(current, pair, request_for(current, pair, stored, as_of, needed))


def fetch_rate(current: Collection, pair: str, request: FetchRequest) -> str:
    """Ask for an exchange rate, send what is new, and return what was done in words.

    A rate is a ticker of its own: units of the currency per US dollar, one figure a day. A late one is not waited for:
    the last one before stands in.
    """
    try:
        fetched = drop_ranges(current.yahoo.daily_bars(pair, request.start, request.end))
    except TICKER_TROUBLE as error:
        return current.note_unusable(Kind.RATE, pair, request.sessions, error.reason)
    outcome = deliver(
        current,
        Kind.RATE,
        fetched,
        request,
        lambda new: rate_messages(fetched, new, pair.removesuffix("=X"), current.run_id),
    )
    if pair in current.receipt.late:
        current.receipt.late.remove(pair)
    return outcome


def drop_ranges(fetched: Bars) -> Bars:
    """Drop the range and the volume of the days, which say nothing of the figure that counts."""
    bars = [Bar(bar.session, None, None, None, bar.close, bar.close, 0, 0.0, 1.0) for bar in fetched.bars]
    return replace(fetched, bars=bars)


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


def rate_messages(fetched: Bars, new: Iterable[NewBar], currency: str, run_id: str | None) -> Iterator[StockDailyBar]:
    """Yield messages with the day's close alone: the range columns stay empty."""
    for each in new:
        fields = message_fields(each, fetched, run_id) | {"currency": currency, "adj_close": each.bar.close}
        fields |= dict.fromkeys(("open_price", "high_price", "low_price"))
        yield StockDailyBar(**fields, quote_type="CURRENCY")
