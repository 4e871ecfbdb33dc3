"""List the bars that are not stored, or ask the source again for the late, missing, quarantined and doubtful ones.

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
from collector.collection import Collection, open_collection
from collector.completeness import Kind
from collector.day_budget import take_turns
from collector.etf_bars import fetch_etf
from collector.plan import FetchRequest, Requests
from collector.rates import fetch_rate
from collector.receipt import Receipt, wait_until_stored
from collector.recomputing import list_stale
from collector.stock_bars import fetch_stocks
from config.config import Settings
from config.stages import MONTHLY_ETFS, REBALANCE, run_name
from config.universe import universe
from database.db_helper import Connection, Row, connect
from database.queries import collected, ledger
from database.queries.missing_months import missing_months
from database.queries.stale_publications import stale
from database.queries.stale_sessions import Difference, Figure, ListOfHoldings, outdated, ranges
from database.queries.unpublished import unpublished
from utils.command_line import exit_code_of
from utils.dates import exchange_of, last_session_by, parse_date, session_before, why_no_exchange
from utils.errors import InvalidInput
from utils.logging_utils import configure_logging
from utils.reasons import from_rows, join, reason

log = logging.getLogger(__name__)

# A quarantined bar may be another one by now.
REPOLLED = ("late", "missing", "quarantined")
SHOWN_DIFFERENCES = 3
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
    with open_collection(settings, as_of, run_id) as current:
        for kind, of_kind in _group_by("kind", wanted):
            _fetch(current, Kind(kind), _requests(current, Kind(kind), dict(_group_by("ticker", of_kind))))
        if not wanted:
            current.receipt.notes.append(reason("nothing_absent"))
    return current.receipt


def _group_by(column: str, gaps: Iterable[Row]) -> Iterator[tuple[str, list[Row]]]:
    key = itemgetter(column)
    for value, rows in groupby(sorted(gaps, key=key), key):
        yield value, list(rows)


def _requests(current: Collection, kind: Kind, gaps: Mapping[str, list[Row]]) -> Mapping[str, FetchRequest]:
    """Return a request for each ticker whose turn it is."""
    wanted = {ticker: _sessions_of(rows) for ticker, rows in gaps.items()}
    return Requests(take_turns(current, kind, wanted), lambda ticker: _request_for(current, kind, ticker, gaps[ticker]))


def _sessions_of(gaps: Iterable[Row]) -> list[date]:
    return sorted(gap["trade_date"] for gap in gaps if gap["state"] in REPOLLED)


def _request_for(current: Collection, kind: Kind, ticker: str, gaps: list[Row]) -> FetchRequest:
    """Return a request for a ticker's stored sessions and its gaps, or for its whole history when nothing is stored."""
    stored = collected.bars(current.conn, kind.table, ticker)
    days = [*stored, *(gap["trade_date"] for gap in gaps)]
    if not stored and not why_no_exchange(ticker):
        last = last_session_by(max(days), exchange_of(ticker))
        days.append(session_before(last, current.settings.collector.history_sessions, exchange_of(ticker)))
    return FetchRequest(stored, min(days), max(days), _sessions_of(gaps))


def _fetch(current: Collection, kind: Kind, requests: Mapping[str, FetchRequest]) -> None:
    if kind is Kind.STOCK:
        fetch_stocks(current, requests)
        return
    fetch = fetch_etf if kind is Kind.ETF else fetch_rate
    for ticker, request in requests.items():
        log.info("%s: %s", ticker, fetch(current, ticker, request))


def summarize_repoll(receipt: Receipt) -> str:
    """Describe what a repoll has brought.

    >>> stored = {"collected_daily_etf_ohlc": [("IWM", date(2026, 8, 20))]}
    >>> summarize_repoll(Receipt(date(2026, 8, 21), requests=2, expected=stored))
    '2 requests; came: IWM 2026-08-20'
    """
    bars = [f"{ticker} {session}" for rows in receipt.expected.values() for ticker, session in rows]
    still = [f"{ticker}: {join(why)}" for ticker, why in receipt.missing.items()]
    changed = [f"{receipt.changed} stored bars were changed by the source"] if receipt.changed else []
    parts = [f"{receipt.requests} requests", f"came: {', '.join(bars) or 'nothing'}", *changed, *still]
    return "; ".join([*parts, *map(str, receipt.notes)])


def report(
    conn: Connection, start: date | None = None, end: date | None = None, with_closed: bool = False
) -> Iterator[str]:
    """Yield the gaps of a range line by line, then the sessions to compute again or at last, with the commands.

    with_closed: list the days on which a foreign market was closed, too.
    """
    closed_days.settle(conn)
    every = ledger.gaps(conn, start, end)
    open_gaps = [gap for gap in every if gap["state"] != "closed"]
    gaps = every if with_closed else open_gaps
    yield f"expected bars that are not stored: {len(open_gaps)} of {ledger.expected_count(conn, start, end):,}"
    for (day, state, why), rows in groupby(
        sorted(gaps, key=lambda gap: (*_group_of(gap), gap["ticker"])),
        _group_of,
    ):
        yield f"  {day}  {ledger.STATES[state]:<21}  {_listed([row['ticker'] for row in rows])}: {why}"
    yield from closed_days.list_suspects(conn, start, end)
    sessions = outdated(conn, universe().benchmark, universe().periods, start, end)
    yield from list_outdated(sessions)
    yield from list_stale(stale(conn, universe().benchmark, start, end, sessions))
    yield from list_unpublished(unpublished(conn, universe().benchmark, universe().periods, start, end))
    months = missing_months(conn, universe().benchmark, universe().periods, end)
    yield from list_missing_months(*([day for day in days if day >= (start or day)] for days in months))


def _group_of(gap: Row) -> tuple[date, str, str]:
    """Return what the gaps of one line share."""
    return gap["trade_date"], gap["state"], join(from_rows(gap["reason"])) or ""


def _listed(tickers: list[str]) -> str:
    more = len(tickers) - SHOWN_TICKERS
    return ", ".join(tickers[:SHOWN_TICKERS]) + (f" and {more} more" if more > 0 else "")


def list_outdated(sessions: Mapping[date, list[Difference]]) -> Iterator[str]:
    """Yield the sessions whose publication no longer follows from what is stored, and the commands for them."""
    yield f"published sessions that no longer follow from what is stored: {len(sessions)}"
    for day, differences in sessions.items():
        more = len(differences) - SHOWN_DIFFERENCES
        yield f"  {day}  {'; '.join(map(_describe, differences[:SHOWN_DIFFERENCES]))}" + (
            f"; {more} more" if more > 0 else ""
        )
    for start, end in ranges(sessions):
        yield f"compute again: ./start.sh backfill {start} {end}"


def list_unpublished(sessions: Sequence[date]) -> Iterator[str]:
    """Yield the sessions that were never computed and could be, if any, and the commands for them.

    >>> list(list_unpublished([date(2026, 8, 14), date(2026, 8, 17)]))[1]
    'compute: ./start.sh backfill 2026-08-14 2026-08-17'
    """
    if sessions:
        yield f"sessions never computed whose prices have come: {len(sessions)}"
    for start, end in ranges(sessions):
        yield f"compute: ./start.sh backfill {start} {end}"


def list_missing_months(sectors: Sequence[date], rebalances: Sequence[date]) -> Iterator[str]:
    """Yield the months that were never made and can be, if any, and the commands for them.

    >>> print(*list_missing_months([], [date(2026, 7, 26)]), sep=chr(10))
    months never made that can be: 1
    compute: ./start.sh run rebalance --as-of 2026-07-26
    """
    if sectors or rebalances:
        yield f"months never made that can be: {len({(day.year, day.month) for day in (*sectors, *rebalances)})}"
    for dag_id, days in ((MONTHLY_ETFS, sectors), (REBALANCE, rebalances)):
        for day in days:
            yield f"compute: ./start.sh run {run_name(dag_id)} --as-of {day}"


def _describe(difference: Figure | ListOfHoldings) -> str:
    """Describe how something published differs from what would be published now.

    >>> _describe(Figure("AAPL", 5, 0.0123, None)), _describe(Figure("AAPL", 0, 3.0e12, 3.1e12))
    ('AAPL over 5 sessions +1.2300 % -> none', 'AAPL market cap 3,000,000,000,000 -> 3,100,000,000,000')
    >>> _describe(ListOfHoldings("IWM", 5, date(2026, 8, 21), None))
    'IWM list of holdings that stocks are chosen from over 5 sessions 2026-08-21 -> none'
    """
    if isinstance(difference, ListOfHoldings):
        what = f"list of holdings that stocks are chosen from over {difference.period_days} sessions"
        return f"{difference.ticker} {what} {difference.published or 'none'} -> {difference.now or 'none'}"
    is_return = difference.period_days > 0
    what = f"over {difference.period_days} sessions" if is_return else "market cap"
    published, now = (_format(value, is_return) for value in (difference.published, difference.now))
    return f"{difference.ticker} {what} {published} -> {now}"


def _format(value: float | None, is_return: bool) -> str:
    if value is None:
        return "none"
    return f"{100 * value:+.4f} %" if is_return else f"{value:,.0f}"


def range_parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser for a command about a range of sessions."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="start", metavar="DATE", help="first session (default: all)")
    parser.add_argument("--to", dest="end", metavar="DATE", help="last session, included (default: all)")
    return parser


def range_of(options: argparse.Namespace) -> tuple[date | None, date | None]:
    """Return the options --from and --to as dates. Raise InvalidInput when they are in the wrong order."""
    start, end = (parse_date(text) if text else None for text in (options.start, options.end))
    if start and end and start > end:
        raise InvalidInput(f"--from {start} is after --to {end}")
    return start, end


def main(arguments: list[str] | None = None) -> int:
    """List the gaps, after a repoll if asked for one."""
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
        print(summarize_repoll(receipt))
    with closing(connect(settings.database)) as conn:
        for line in report(conn, start, end, options.closed):
            print(line)


if __name__ == "__main__":
    sys.exit(main())
