"""Decide what to ask the source for: which sessions a ticker needs, and which days one request for it covers."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from collector.collection import Collection
from collector.completeness import Kind
from collector.day_budget import take_turns
from collector.request_plan import say_duration
from config.config import CollectorSettings
from config.universe import universe
from database.db_helper import Row
from database.queries import collected, ledger
from database.tables import DAILY_STOCK_HISTORY
from utils.dates import exchange_of, exchanges_using, expected_days, session_before, window_of
from utils.errors import UnknownExchange
from utils.reasons import Reason

log = logging.getLogger(__name__)

TICKERS_A_QUERY = 100


@dataclass(frozen=True)
class FetchRequest:
    """One request for a ticker's bars: the rows stored before it, the days it covers, the sessions it is made for."""

    stored: Mapping[date, Row]
    start: date
    end: date
    sessions: Sequence[date]


class Requests(Mapping[str, FetchRequest]):
    """Requests by ticker, each made when its turn comes, as what is stored of thousands of tickers is large."""

    def __init__(self, tickers: Iterable[str], make: Callable[[str], FetchRequest]) -> None:
        self._tickers = dict.fromkeys(tickers)
        self._make = make

    def __getitem__(self, ticker: str) -> FetchRequest:
        if ticker not in self._tickers:
            raise KeyError(ticker)
        return self._make(ticker)

    def __iter__(self) -> Iterator[str]:
        return iter(self._tickers)

    def __len__(self) -> int:
        return len(self._tickers)


def plan_requests(
    current: Collection, kind: Kind, needed: Mapping[str, Sequence[date]], as_of: date
) -> Mapping[str, FetchRequest]:
    """Return a request for each ticker that lacks a needed session, and expect the rows of all the others.

    needed: ticker -> the sessions whose bars must be stored. What is asked for is expected in the ledger first, so that
    a run that breaks off leaves a gap to see. What the day's budget has no request for waits for the next day.
    """
    lacking = _lacking(current, kind, needed)
    for ticker in needed:
        if ticker not in lacking:
            current.receipt.already_stored.append(ticker)
            current.receipt.expect(kind.table, ticker, last_session_of(ticker, as_of))
    wanted = {ticker: [last_session_of(ticker, as_of)] for ticker in needed if ticker in lacking}
    days = [(ticker, session) for ticker, sessions in wanted.items() for session in sessions]
    ledger.expect(current.conn, kind, days, current.run_id)
    turns = take_turns(current, kind, wanted)
    if turns:
        log.info("%s", say_duration(len(turns), current.settings.yahoo.pace_seconds))
    return Requests(
        turns,
        lambda ticker: request_for(
            current,
            ticker,
            collected.bars(current.conn, kind.table, ticker),
            as_of,
            [*_sessions_as_stock(current, kind, ticker), *needed[ticker]],
        ),
    )


def _sessions_as_stock(current: Collection, kind: Kind, ticker: str) -> list[date]:
    """Return the first session that a fund has as a stock, if any: a fund's bars hide those that it has as a stock."""
    first = collected.first_session(current.conn, DAILY_STOCK_HISTORY, ticker) if kind is Kind.ETF else None
    return [first] if first else []


def _lacking(current: Collection, kind: Kind, needed: Mapping[str, Sequence[date]]) -> set[str]:
    """Return the tickers that lack a needed session."""
    found: set[str] = set()
    tickers = list(needed)
    for first in range(0, len(tickers), TICKERS_A_QUERY):
        days = [(ticker, day) for ticker in tickers[first : first + TICKERS_A_QUERY] for day in needed[ticker]]
        found.update(ticker for ticker, _ in collected.absent(current.conn, kind.table, days))
    return found


def request_for(
    current: Collection, ticker: str, stored: Mapping[date, Row], as_of: date, needed: Sequence[date]
) -> FetchRequest:
    """Return the request that brings a ticker's needed sessions, made for its last one."""
    start, end = fetch_range(stored, ticker, as_of, current.settings.collector, min(needed))
    return FetchRequest(stored, start, end, [last_session_of(ticker, as_of)])


def sessions_for_returns(ticker: str, as_of: date, since: date | None) -> list[date]:
    """Return the sessions that the returns over the universe's periods need (see needed_sessions)."""
    return needed_sessions(ticker, as_of, universe().longest_period, since)


def needed_sessions(ticker: str, as_of: date, longest_period: int, since: date | None = None) -> list[date]:
    """Return the sessions whose bars must be stored for a ticker's returns.

    For as_of alone: both ends of its longest window. For a range: every session from the window of `since` on.
    """
    start, end = window_of(as_of, longest_period, exchange_of(ticker))
    if since is None:
        return [start, end]
    start = min(window_of(since, longest_period, exchange)[0] for exchange in exchanges_using(ticker))
    return expected_days(ticker, start, end)


def fetch_range(
    stored: Mapping[date, Row], ticker: str, as_of: date, settings: CollectorSettings, back_to: date | None = None
) -> tuple[date, date]:
    """Return the first and last day to ask for: everything stored and the recent sessions up to as_of.

    Asking for everything stored keeps all adjusted closes of a ticker from one and the same fetch, and costs one
    request whatever its length. back_to: an earlier day to begin with.
    """
    exchange = exchange_of(ticker)
    end = last_session_of(ticker, as_of)
    back = settings.refetch_sessions if stored else settings.history_sessions
    start = session_before(end, back, exchange)
    return min([start, back_to or start, *stored]), max([end, *stored])


def last_session_of(ticker: str, as_of: date) -> date:
    """Return the ticker's own last session as of a home session."""
    return window_of(as_of, 0, exchange_of(ticker))[1]


def has_exchange(current: Collection, kind: Kind, ticker: str, sessions: Sequence[date]) -> bool:
    """Tell whether a ticker's exchange is known. Log and record why not."""
    why = explain_no_exchange(ticker)
    if why:
        log.info("%s: %s", ticker, current.note_unusable(kind, ticker, sessions, why))
    return why is None


def explain_no_exchange(ticker: str) -> Reason | None:
    """Return why a ticker has no sessions to ask for, or None when it has."""
    try:
        exchange_of(ticker)
    except UnknownExchange as error:
        return error.reason
    return None
