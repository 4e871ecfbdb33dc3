"""How many requests a day may still make, and whose turn it is when they are not enough for all.

A day begins at noon UTC, so that the stages of one evening count together, those after midnight as well. What is left
over is late in the ledger, like every bar that may still come, and has its turn before all others on the next day.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import date
from shutil import disk_usage

from collector.collection import Collection
from collector.completeness import Kind
from collector.request_plan import QUOTES_PER_REQUEST
from config.config import CollectorSettings
from config.universe import universe
from database.queries import collected, ledger, requests
from utils.reasons import Reason, as_json, reason

log = logging.getLogger(__name__)

SHOWN_TICKERS = 10


def requests_left(current: Collection) -> int | None:
    """Return how many requests may still be made: those of the day's budget, or None without one.

    While the disk is short of room there are none. What the databases cannot store is better not asked for.
    """
    if disk_short(current.settings.collector):
        return 0
    return requests.left_of_budget(current.conn, current.settings.yahoo.requests_per_day)


def take_turns(current: Collection, kind: Kind, wanted: Mapping[str, Sequence[date]]) -> list[str]:
    """Return the tickers to ask for today, in their order, and record the others as late.

    wanted: ticker -> the sessions that it is asked for. The benchmark is asked for without a budget left, too: nothing
    goes on without it. So is an exchange rate, which is one of few. With a disk that is short of room nothing is.
    """
    if disk_short(current.settings.collector):
        today = set()
    elif kind is Kind.RATE or (left := requests_left(current)) is None:
        return list(wanted)
    else:
        in_turn = order_of_turns(list(wanted), collected.newest_sessions(current.conn, kind.table, list(wanted)))
        today = {*in_turn[: _charts_among(left, kind)], universe().benchmark}
    later = {ticker: sessions for ticker, sessions in wanted.items() if ticker not in today}
    if later:
        _postpone(current, kind, later)
    return [ticker for ticker in wanted if ticker in today]


def order_of_turns(tickers: Sequence[str], newest: Mapping[str, date]) -> list[str]:
    """Return the tickers from the longest not collected on, those of which nothing is stored first.

    >>> order_of_turns(["A", "B", "C"], {"A": date(2026, 8, 20), "B": date(2026, 8, 19)})
    ['C', 'B', 'A']
    """
    return sorted(tickers, key=lambda ticker: newest.get(ticker, date.min))


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


def _charts_among(left: int, kind: Kind) -> int:
    """Return how many of the requests can be for bars: for fifty stocks one goes to their quotes."""
    return left if kind is Kind.ETF else left * QUOTES_PER_REQUEST // (QUOTES_PER_REQUEST + 1)


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
