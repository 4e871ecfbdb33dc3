"""How many requests a day may still make, and whose turn it is when they are not enough for all.

A day begins with the first stage of the schedule (YAHOO_REQUESTS_PER_DAY), so that it is of one session's run, whatever
follows on that one included. ETFs' bars come first, then their lists of holdings, then all else: what a rank has not
asked for yet is kept for it. What is left over is late in the ledger, like every bar that may still come, and has its
turn before all others on the next day.
"""

import logging
from collections.abc import Container, Mapping, Sequence
from datetime import UTC, date, datetime
from enum import IntEnum
from shutil import disk_usage

from collector.collection import Collection
from collector.completeness import Kind
from collector.request_plan import stocks_among
from config.config import CollectorSettings
from config.universe import universe
from database.queries import collected, etfs, ledger, requests
from database.queries.held import held
from database.tables import DAILY_ETF_OHLC
from utils.dates import exchange_of, last_closed_session, last_session_by, why_no_exchange
from utils.reasons import Reason, as_json, reason

log = logging.getLogger(__name__)

SHOWN_TICKERS = 10


class Rank(IntEnum):
    """What requests are for, in the order of precedence."""

    BARS = 1  # of ETFs: without them nothing can be computed
    LISTS = 2  # of holdings
    STOCKS = 3  # their bars, quotes and sectors


def requests_left(current: Collection, rank: Rank) -> int | None:
    """Return how many requests of a rank may still be made: those of the day's budget, or None without one.

    While the disk is short of room there are none. What the databases cannot store is better not asked for.
    """
    if disk_short(current.settings.collector):
        return 0
    left = requests.left_of_budget(current.conn, current.settings.yahoo)
    return max(0, left - _kept_for_others(current, rank)) if left else left


def take_turns(current: Collection, kind: Kind, wanted: Mapping[str, Sequence[date]]) -> list[str]:
    """Return the tickers to ask for today, in their order, and record the others as late.

    wanted: ticker -> the sessions that it is asked for. The benchmark is asked for without a budget left, too: nothing
    goes on without it. So is an exchange rate, which is one of few. With a disk that is short of room nothing is.
    """
    if disk_short(current.settings.collector):
        today = set()
    elif kind is Kind.RATE or (room := _room(current, kind)) is None or len(wanted) <= room:
        return list(wanted)
    else:
        today = {*_in_turn(current, kind, list(wanted))[:room], universe().benchmark}
    later = {ticker: sessions for ticker, sessions in wanted.items() if ticker not in today}
    if later:
        _postpone(current, kind, later)
    return [ticker for ticker in wanted if ticker in today]


def order_of_turns(tickers: Sequence[str], last: Mapping[str, date], first: Container[str] = ()) -> list[str]:
    """Return the tickers from the one whose last turn is longest ago, those that never had one before them.

    first: those that come before all others

    >>> order_of_turns(["A", "B", "C"], {"A": date(2026, 8, 20), "B": date(2026, 8, 19)}, first={"A"})
    ['A', 'C', 'B']
    """
    return sorted(tickers, key=lambda ticker: (ticker not in first, last.get(ticker, date.min)))


def put_off(current: Collection) -> Reason:
    """Return why something is not asked for on this day. For want of room on the disk the run fails at its end."""
    if short := disk_short(current.settings.collector):
        current.halted = short
        return short
    return reason("budget_spent", budget=current.settings.yahoo.requests_per_day)


def disk_short(settings: CollectorSettings) -> Reason | None:
    """Return how short of room the disk is, or None while it has enough."""
    free = disk_usage(settings.disk_folder).free // 2**20
    if free >= settings.disk_free_mb:
        return None
    return reason("disk_short", folder=str(settings.disk_folder), free=free, least=settings.disk_free_mb)


def _room(current: Collection, kind: Kind) -> int | None:
    """Return how many tickers' bars can be asked for, or None without a budget."""
    if kind is Kind.ETF:
        return requests_left(current, Rank.BARS)
    left = requests_left(current, Rank.STOCKS)
    return None if left is None else stocks_among(left)


def _in_turn(current: Collection, kind: Kind, tickers: Sequence[str]) -> list[str]:
    """Return the tickers in the order of their turns. What the portfolios hold cannot be valued without its price."""
    conn = current.conn
    stored, asked = collected.newest_sessions(conn, kind.table, tickers), requests.bars_asked_on(conn, tickers)
    # What the source has nothing new of had its turn as well: it would come first every day.
    last = {ticker: max(day, asked.get(ticker, day)) for ticker, day in {**asked, **stored}.items()}
    return order_of_turns(tickers, last, held(conn, current.receipt.as_of) if kind is Kind.STOCK else ())


def _kept_for_others(current: Collection, rank: Rank) -> int:
    """Return how many requests the day still needs for what comes before a rank."""
    session = last_closed_session(datetime.now(UTC))
    kept = len(_without_bar(current, session)) if rank > Rank.BARS else 0
    return kept + (len(_without_list(current, session)) if rank > Rank.LISTS else 0)


def _without_bar(current: Collection, session: date) -> list[str]:
    """Return the ETFs whose bar of a session is not stored, and was not asked for today."""
    waiting = _not_asked_for(current, "chart", universe().etfs)
    newest = collected.newest_sessions(current.conn, DAILY_ETF_OHLC, waiting)
    return [
        etf
        for etf in waiting
        if not why_no_exchange(etf) and newest.get(etf, date.min) < last_session_by(session, exchange_of(etf))
    ]


def _without_list(current: Collection, session: date) -> set[str]:
    """Return the ETFs whose list a session needs, and that was not asked for today: of those that may trend in it."""
    trending = etfs.trending(current.conn, session)
    needed = universe().candidates if trending is None else [row["etf_ticker"] for row in trending]
    waiting = _not_asked_for(current, "quoteSummary", needed)
    return set(waiting) - collected.listed_since(current.conn, waiting, session)


def _not_asked_for(current: Collection, endpoint: str, symbols: Sequence[str]) -> list[str]:
    begins = current.settings.yahoo.day_begins
    asked = requests.asked_of_budget_day(current.conn, begins, endpoint, symbols)
    return [symbol for symbol in symbols if symbol not in asked]


def _postpone(current: Collection, kind: Kind, later: Mapping[str, Sequence[date]]) -> None:
    why = put_off(current)
    ledger.record(
        current.conn,
        [
            (kind, ticker, session, "late", as_json([why]), None, current.run_id)
            for ticker, sessions in later.items()
            for session in sessions
        ],
        [],
    )
    names = list(later)
    note = reason("postponed", count=len(names), tickers=names[:SHOWN_TICKERS], reason=why)
    current.receipt.notes.append(note)
    log.warning("%s", note)
