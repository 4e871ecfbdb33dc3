"""Fill the history of a group of ETFs: what test/1_backfill_etf_benchmarks.py and 2_staggered_sector_backfill.py run.

The producer of the daily stages does the work, through the same topic and consumer. What is stored costs no request, so
a run that was interrupted, or refused by Yahoo, is simply started again.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import groupby

from collector import kafka_producer_etf_daily
from collector.completeness import Kind
from collector.plan import explain_no_exchange, sessions_for_returns
from collector.receipt import Receipt, wait_until_stored
from collector.source_clock import last_session
from config.config import Settings, Topic
from config.universe import Group, universe
from database.db_helper import connect
from database.queries import collected, ledger
from database.tables import DAILY_ETF_OHLC
from utils.command_line import exit_code_of
from utils.dates import HOME_EXCHANGE, exchange_of, parse_date, require_closed_session, session_before, sessions_of
from utils.errors import InvalidInput, NotStored
from utils.kafka_utils import end_offsets
from utils.logging_utils import configure_logging

DEFAULT_DAYS = 60


def main(group: Group, description: str, arguments: Sequence[str] | None = None) -> int:
    """Run the backfill of a group from the shell."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=DEFAULT_DAYS, metavar="N", help=f"sessions ({DEFAULT_DAYS})")
    parser.add_argument("--to", metavar="DATE", help="the last of them (default: the last one closed)")
    parser.add_argument(
        "--spacing", type=float, metavar="SECONDS", help="between two tickers (default: YAHOO_PACE_SECONDS)"
    )
    options = parser.parse_args(arguments)
    configure_logging()

    def command() -> None:
        if options.days < 1 or (options.spacing or 0) < 0:
            raise InvalidInput("--days is at least 1, and --spacing is not negative")
        settings = spaced(Settings.from_env(), options.spacing)
        last = parse_date(options.to) if options.to else last_session(settings.yahoo.base_url)
        run(settings, group, options.days, last)

    return exit_code_of(command)


def spaced(settings: Settings, seconds: float | None) -> Settings:
    """Return the settings with another pace.

    An ETF is one request, so the pace is the time between tickers.
    """
    return settings if seconds is None else replace(settings, yahoo=replace(settings.yahoo, pace_seconds=seconds))


def run(settings: Settings, group: Group, days: int, last: date) -> None:
    """Collect a range, and print at its end what is still missing.

    Raise NotStored when something is. The end is the same for a run that fails.
    """
    first = session_before(require_closed_session(last, datetime.now(UTC)), days - 1)
    try:
        receipt = kafka_producer_etf_daily.run(settings, group, last, "backfill", since=first)
    finally:
        # Also of a run that failed: what it had sent before is on its way to the database.
        sent = {Topic.ETF_DAILY.value: end_offsets(settings.kafka, Topic.ETF_DAILY)}
        wait_until_stored(settings, Receipt(last, end_offsets=sent))
        missing = report(settings, group, first, last)
    wait_until_stored(settings, receipt)
    if missing:
        raise NotStored(f"{missing} bars are still missing: see above, and run it again later")


def report(settings: Settings, group: Group, first: date, last: date) -> int:
    """Print what is missing of each ETF, and return how many bars that is in all."""
    etfs = universe().group(group)
    unknown = {etf: reason for etf in etfs if (reason := explain_no_exchange(etf))}
    needed = {etf: sessions_for_returns(etf, last, first) for etf in etfs if etf not in unknown}
    earliest = min((days[0] for days in needed.values()), default=first)
    with closing(connect(settings.database)) as conn:
        absent = collected.absent(conn, DAILY_ETF_OHLC, [(etf, day) for etf, days in needed.items() for day in days])
        gaps = ledger.gaps(conn, earliest, last)
    state = {(gap["ticker"], gap["trade_date"]): ledger.STATES[gap["state"]] for gap in gaps if gap["kind"] == Kind.ETF}
    print(f"{first} to {last}, with the sessions from {earliest} on that the first ones' returns start at:")
    for etf in etfs:
        if etf in unknown:
            print(f"  {etf:<6} not collected: {unknown[etf]}")
            continue
        missing = {day: state.get((etf, day), "not collected") for ticker, day in absent if ticker == etf}
        said = "; ".join(stretches(missing, exchange_of(etf))) or "complete"
        print(f"  {etf:<6} {len(needed[etf]) - len(missing)} of {len(needed[etf])} bars, {said}")
    return len(absent)


def stretches(missing: Mapping[date, str], exchange: str = HOME_EXCHANGE) -> Iterator[str]:
    """Yield the missing sessions of an exchange in order, with their state.

    Sessions that follow each other in one state are one item.

    >>> days = [date(2026, 8, 14), date(2026, 8, 17), date(2026, 8, 21)]    # the 14th is a Friday
    >>> list(stretches(dict.fromkeys(days, "late")))
    ['2026-08-14 to 2026-08-17 late', '2026-08-21 late']
    """
    calendar = sessions_of(exchange)
    numbered = enumerate(missing.items())
    for (_, state), together in groupby(numbered, lambda each: (calendar.position(each[1][0]) - each[0], each[1][1])):
        days = [day for _, (day, _) in together]
        yield f"{days[0]} {state}" if len(days) == 1 else f"{days[0]} to {days[-1]} {state}"
