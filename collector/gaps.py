"""What is not stored: list it, or ask the source again for what is late, missing, quarantined or doubtful.

python -m collector.gaps                                  every gap, and the sessions to compute (again)
python -m collector.gaps --from 2026-08-10 --to 2026-08-21 --repoll
"""

import argparse
import logging
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import date
from itertools import groupby
from operator import itemgetter

from collector import closed_days
from collector.collect import Asked, Collection, Receipt, collection, wait_until_stored
from collector.completeness import Kind
from collector.kafka_producer_etf_daily import fetch_etf
from collector.recomputing import told
from collector.stock_bars import fetch_rate, fetch_stocks
from config.config import Settings
from config.universe import universe
from database.db_helper import Connection, Row, connect
from database.queries import collected, ledger
from database.queries.stale_publications import stale
from database.queries.stale_sessions import Figure, outdated, ranges
from database.queries.unpublished import unpublished
from utils.command_line import exit_code_of
from utils.dates import exchange_of, last_session_by, parse_date, session_before, why_no_exchange
from utils.errors import InvalidInput
from utils.logging_utils import configure_logging

log = logging.getLogger(__name__)

# A quarantined bar may be another one by now.
REPOLLED = ("late", "missing", "quarantined")
SHOWN_FIGURES = 3
SHOWN_TICKERS = 12


def repoll(settings: Settings, start: date | None, end: date | None, run_id: str | None = None) -> Receipt:
    """Ask the source again for what is late, missing, quarantined or doubtful in a range, one request a ticker.

    A rejected bar counts also where an earlier one of its session is stored: returns across it may have no value.
    Each request covers all that is stored of the ticker, like every other one, so that its prices stay of one fetch.
    """
    with closing(connect(settings.database)) as conn:
        closed_days.settle(conn)
        wanted = [gap for gap in ledger.gaps(conn, start, end) if gap["state"] in REPOLLED]
        wanted += ledger.doubtful(conn, start, end)
        as_of = end or ledger.newest_session(conn)
    with collection(settings, as_of, run_id) as current:
        for kind, of_kind in _by(wanted, "kind"):
            asked = {ticker: _asked(current, Kind(kind), ticker, gaps) for ticker, gaps in _by(of_kind, "ticker")}
            _ask(current, Kind(kind), asked)
        if not wanted:
            current.receipt.note = "nothing is late, missing or quarantined"
    return current.receipt


def _by(gaps: Iterable[Row], column: str) -> Iterator[tuple[str, list[Row]]]:
    key = itemgetter(column)
    for value, rows in groupby(sorted(gaps, key=key), key):
        yield value, list(rows)


def _asked(current: Collection, kind: Kind, ticker: str, gaps: list[Row]) -> Asked:
    """All that is stored of a ticker and its gaps; of one that nothing is stored of, its whole history."""
    stored = collected.bars(current.conn, kind.table, ticker)
    sessions = sorted(gap["trade_date"] for gap in gaps if gap["state"] in REPOLLED)
    days = [*stored, *(gap["trade_date"] for gap in gaps)]
    if not stored and not why_no_exchange(ticker):
        last = last_session_by(max(days), exchange_of(ticker))
        days.append(session_before(last, current.settings.collector.history_sessions, exchange_of(ticker)))
    return Asked(stored, min(days), max(days), sessions)


def _ask(current: Collection, kind: Kind, asked: Mapping[str, Asked]) -> None:
    if kind is Kind.STOCK:
        fetch_stocks(current, asked)
        return
    ask = fetch_etf if kind is Kind.ETF else fetch_rate
    for ticker, of_ticker in asked.items():
        log.info("%s: %s", ticker, ask(current, ticker, of_ticker))


def came(receipt: Receipt) -> str:
    """What a repoll has brought.

    >>> stored = {"collected_daily_etf_ohlc": [("IWM", date(2026, 8, 20))]}
    >>> came(Receipt(date(2026, 8, 21), requests=2, expected=stored))
    '2 requests; came: IWM 2026-08-20'
    """
    bars = [f"{ticker} {session}" for rows in receipt.expected.values() for ticker, session in rows]
    still = [f"{ticker}: {reason}" for ticker, reason in receipt.missing.items()]
    changed = [f"{receipt.changed} stored bars were changed by the source"] if receipt.changed else []
    parts = [f"{receipt.requests} requests", f"came: {', '.join(bars) or 'nothing'}", *changed, *still]
    return "; ".join([*parts, receipt.note] if receipt.note else parts)


def report(
    conn: Connection, start: date | None = None, end: date | None = None, with_closed: bool = False
) -> Iterator[str]:
    """The gaps of a range line by line, and the published sessions that should be computed again, with the command."""
    closed_days.settle(conn)
    every = ledger.gaps(conn, start, end)
    open_gaps = [gap for gap in every if gap["state"] != "closed"]
    gaps = every if with_closed else open_gaps
    yield f"expected bars that are not stored: {len(open_gaps)} of {ledger.expected_count(conn, start, end):,}"
    for (day, state, reason), rows in groupby(
        sorted(gaps, key=lambda gap: (gap["trade_date"], gap["state"], gap["reason"], gap["ticker"])),
        lambda gap: (gap["trade_date"], gap["state"], gap["reason"]),
    ):
        yield f"  {day}  {ledger.STATES[state]:<21}  {_listed([row['ticker'] for row in rows])}: {reason}"
    yield from closed_days.told(conn, start, end)
    sessions = outdated(conn, universe().benchmark, universe().periods, start, end)
    yield from recomputation(sessions)
    yield from told(stale(conn, universe().benchmark, start, end, sessions))
    yield from computation(unpublished(conn, universe().benchmark, universe().periods, start, end))


def _listed(tickers: list[str]) -> str:
    more = len(tickers) - SHOWN_TICKERS
    return ", ".join(tickers[:SHOWN_TICKERS]) + (f" and {more} more" if more > 0 else "")


def recomputation(sessions: Mapping[date, list[Figure]]) -> Iterator[str]:
    """The sessions whose publication no longer follows from the stored prices, and how to compute them again."""
    yield f"published sessions that no longer follow from the stored prices: {len(sessions)}"
    for day, figures in sessions.items():
        more = len(figures) - SHOWN_FIGURES
        yield f"  {day}  {'; '.join(map(_told, figures[:SHOWN_FIGURES]))}" + (f"; {more} more" if more > 0 else "")
    for start, end in ranges(sessions):
        yield f"compute again: ./start.sh backfill {start} {end}"


def computation(sessions: Sequence[date]) -> Iterator[str]:
    """The sessions that were never computed and could be, if any, and how to.

    >>> list(computation([date(2026, 8, 14), date(2026, 8, 17)]))[1]
    'compute: ./start.sh backfill 2026-08-14 2026-08-17'
    """
    if sessions:
        yield f"sessions never computed whose prices have come: {len(sessions)}"
    for start, end in ranges(sessions):
        yield f"compute: ./start.sh backfill {start} {end}"


def _told(figure: Figure) -> str:
    """
    >>> _told(Figure("AAPL", 5, 0.0123, None)), _told(Figure("AAPL", 0, 3.0e12, 3.1e12))
    ('AAPL over 5 sessions +1.2300 % -> none', 'AAPL market cap 3,000,000,000,000 -> 3,100,000,000,000')
    """
    is_return = figure.period_days > 0
    what = f"over {figure.period_days} sessions" if is_return else "market cap"
    published, now = (_shown(value, is_return) for value in (figure.published, figure.now))
    return f"{figure.ticker} {what} {published} -> {now}"


def _shown(value: float | None, is_return: bool) -> str:
    if value is None:
        return "none"
    return f"{100 * value:+.4f} %" if is_return else f"{value:,.0f}"


def range_parser(description: str | None) -> argparse.ArgumentParser:
    """A command about a range of sessions."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="start", metavar="DATE", help="first session (default: all)")
    parser.add_argument("--to", dest="end", metavar="DATE", help="last session, included (default: all)")
    return parser


def range_of(options: argparse.Namespace) -> tuple[date | None, date | None]:
    start, end = (parse_date(text) if text else None for text in (options.start, options.end))
    if start and end and start > end:
        raise InvalidInput(f"--from {start} is after --to {end}")
    return start, end


def main(arguments: list[str] | None = None) -> int:
    parser = range_parser(__doc__)
    parser.add_argument("--repoll", action="store_true", help="first ask the source again for what is not there")
    parser.add_argument("--closed", action="store_true", help="also list the days on which a foreign market was closed")
    options = parser.parse_args(arguments)
    configure_logging()
    return exit_code_of(lambda: _run(Settings.from_env(), options))


def _run(settings: Settings, options: argparse.Namespace) -> None:
    start, end = range_of(options)
    if options.repoll:
        receipt = repoll(settings, start, end)
        wait_until_stored(settings, receipt)
        print(came(receipt))
    with closing(connect(settings.database)) as conn:
        for line in report(conn, start, end, options.closed):
            print(line)


if __name__ == "__main__":
    sys.exit(main())
