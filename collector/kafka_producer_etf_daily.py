"""Collect ETF bars: Yahoo -> etf-daily-data (stage 1: benchmarks, stage 2: sectors)."""

import logging
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime

from collector.collect import (
    Asked,
    Collection,
    Fresh,
    Receipt,
    add_group,
    add_since,
    collection,
    command_line,
    is_covered,
    message_fields,
    require_complete,
    run_command,
    since_of,
)
from collector.completeness import Kind
from collector.stock_bars import asked_of, collect_rates, last_session_of, needed_of, why_no_exchange
from collector.yahoo import Bars
from config.config import Settings
from config.universe import Group, universe
from database.queries import collected, ledger
from database.tables import DAILY_ETF_OHLC
from utils.dates import require_closed_session
from utils.errors import TICKER_TROUBLE
from utils.logging_utils import log_progress
from utils.messages import EtfDailyBar

log = logging.getLogger(__name__)


def run(
    settings: Settings,
    group: Group,
    as_of: date,
    run_id: str | None = None,
    accept_late: bool = False,
    since: date | None = None,
) -> Receipt:
    """Send what is new of the group's ETFs up to a session, and what the sessions `since` one need.

    BarMissing when one has no bar for it yet, unless late ones are accepted; always when the benchmark has none.
    """
    require_closed_session(as_of, datetime.now(UTC))
    receipt = collect(settings, universe().group(group), as_of, run_id, since)
    return require_complete(receipt, accept_late, universe().benchmark)


def collect(
    settings: Settings, etfs: tuple[str, ...], as_of: date, run_id: str | None = None, since: date | None = None
) -> Receipt:
    """Send what is new of these ETFs, and the exchange rates of those that are not quoted in the home currency.

    The receipt names those that have no bar of the session (yet), or of which the source's answer cannot be used.
    """
    with collection(settings, as_of, run_id) as current:
        possible = [etf for etf in etfs if _has_exchange(current, etf, as_of)]
        stored = {etf: collected.bars(current.conn, DAILY_ETF_OHLC, etf) for etf in possible}
        needed = {etf: needed_of(etf, as_of, since) for etf in possible}
        wanted = [etf for etf in possible if not is_covered(stored[etf], needed[etf])]
        for etf in possible:
            if etf not in wanted:
                current.receipt.expect(DAILY_ETF_OHLC, etf, last_session_of(etf, as_of))
                current.receipt.already_stored.append(etf)
        ledger.expect(current.conn, Kind.ETF, [(etf, last_session_of(etf, as_of)) for etf in wanted], run_id)
        currencies = collected.currencies(current.conn, DAILY_ETF_OHLC, possible)
        for number, etf in enumerate(wanted, 1):
            asked = asked_of(current, etf, stored[etf], as_of, needed[etf])
            log_progress(log, number, len(wanted), f"{etf}: {fetch_etf(current, etf, asked, currencies)}")
        collect_rates(current, currencies, as_of, since)
    return current.receipt


def _has_exchange(current: Collection, etf: str, as_of: date) -> bool:
    reason = why_no_exchange(etf)
    if reason:
        log.info("%s: %s", etf, current.unknown(Kind.ETF, etf, [as_of], reason))
    return reason is None


def fetch_etf(current: Collection, etf: str, asked: Asked, currencies: set[str] | None = None) -> str:
    """Ask for one ETF and send what is new; its currency is added to the others'."""
    if reason := why_no_exchange(etf):
        return current.unknown(Kind.ETF, etf, asked.sessions, reason)
    try:
        fetched = with_range(current.yahoo.daily_bars(etf, asked.start, asked.end))
    except TICKER_TROUBLE as error:
        return current.unknown(Kind.ETF, etf, asked.sessions, str(error))
    if currencies is not None:
        currencies.add(fetched.currency)
    return current.deliver(
        Kind.ETF,
        fetched,
        asked,
        lambda fresh: to_messages(fetched, fresh, current.run_id),
    )


def with_range(fetched: Bars) -> Bars:
    """Without the bars that lack open, high or low: the table has no place for them."""
    return replace(fetched, bars=[bar for bar in fetched.bars if bar.open and bar.high and bar.low])


def to_messages(fetched: Bars, fresh: Iterable[Fresh], run_id: str | None) -> Iterator[EtfDailyBar]:
    for each in fresh:
        yield EtfDailyBar(**message_fields(each, fetched, run_id))


def main(arguments: list[str] | None = None) -> int:
    parser = command_line("Collect ETF bars from Yahoo into etf-daily-data.")
    add_group(parser)
    add_since(parser)
    options = parser.parse_args(arguments)
    return run_command(
        options,
        lambda settings, as_of: run(
            settings, options.group, as_of, options.run_id, options.accept_late, since_of(options)
        ),
    )


if __name__ == "__main__":
    sys.exit(main())
