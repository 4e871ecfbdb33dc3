"""Collect holdings snapshots: Yahoo -> etf-holdings-data, for whichever producer needs them."""

import logging
from collections.abc import Iterable, Sequence
from datetime import date

from collector.collection import Collection
from collector.day_budget import Rank, put_off, requests_left
from collector.yahoo_answers.model import FundHoldings
from config.config import Topic
from config.universe import Universe, universe
from database.db_helper import Connection
from database.queries import collected, missing_holdings
from database.tables import ETF_HOLDINGS
from utils.dates import last_closed_session
from utils.errors import TICKER_TROUBLE, InvalidMessage, UnusableAnswer
from utils.messages import EtfMetadata, Holding, HoldingsSnapshot, from_json, to_json
from utils.reasons import Reason, of_ticker, reason

log = logging.getLogger(__name__)


def collect_snapshot(current: Collection, etf: str, as_of: date) -> HoldingsSnapshot | None:
    """Send today's snapshot unless one of as_of or later is stored, and return the one that counts as of as_of.

    A fetch can only ever give today's list: once a snapshot as late as as_of is there, another adds nothing to it. When
    there is none to be had, the last one that is stored goes on, and the session's results say so. None when there is
    no snapshot at all.
    """
    dates = collected.snapshot_dates(current.conn, etf)
    if dates and dates[-1] >= as_of:
        current.receipt.already_stored.append(f"{etf} holdings")
        return stored_snapshot(current.conn, etf, snapshot_for(as_of, dates))
    if requests_left(current, Rank.LISTS) == 0:
        return _fall_back(current, etf, as_of, dates, put_off(current))
    try:
        fetched = _fetch(current, etf)
    except (*TICKER_TROUBLE, InvalidMessage) as error:
        return _fall_back(current, etf, as_of, dates, error.reason)
    current.send(Topic.ETF_HOLDINGS, [fetched])
    current.receipt.expect(ETF_HOLDINGS, etf, fetched.collected_date)
    used = snapshot_for(as_of, [*dates, fetched.collected_date])
    return fetched if used == fetched.collected_date else stored_snapshot(current.conn, etf, used)


def _fetch(current: Collection, etf: str) -> HoldingsSnapshot:
    """Return the fund's list as a message that its consumer will take.

    Raise UnusableAnswer or InvalidMessage when there is none.
    """
    fetched = current.yahoo.top_holdings(etf)
    for note in fetched.notes:
        log.warning("%s: %s", etf, note)
        current.receipt.notes.append(of_ticker(etf, [note]))
    snapshot = to_snapshot(fetched, current.run_id)
    if snapshot is None:
        raise UnusableAnswer(reason("no_holdings_listed", etf=etf))
    if why := missing_holdings.why_short(current.conn, etf, snapshot.collected_date, len(snapshot.holdings)):
        log.warning("%s", why)
        current.receipt.notes.append(why)
    current.keep(fetched.answer)
    return from_json(HoldingsSnapshot, to_json(snapshot))


def _fall_back(
    current: Collection, etf: str, as_of: date, dates: Sequence[date], why: Reason
) -> HoldingsSnapshot | None:
    instead = reason("holdings_used", day=dates[-1]) if dates else reason("no_holdings_stored")
    current.receipt.missing[f"{etf} holdings"] = [why, instead]
    log.warning("%s holdings: %s; %s", etf, why, instead)
    missing_holdings.record(current.conn, etf, as_of, [why], current.run_id)
    return stored_snapshot(current.conn, etf, dates[-1]) if dates else None


def snapshot_for(as_of: date, dates: Iterable[date]) -> date:
    """Return the day of the snapshot that counts as of a session: the latest by then, else the earliest after it.

    Results that rest on a later one are marked.

    >>> days = [date(2026, 8, 3), date(2026, 8, 20)]
    >>> [snapshot_for(date(2026, 8, day), days).day for day in (1, 3, 19, 21)]
    [3, 3, 3, 20]
    """
    known = [day for day in dates if day <= as_of]
    return max(known) if known else min(dates)


def tickers_used(conn: Connection, etf: str, sessions: Iterable[date]) -> list[str]:
    """Return the ETF's largest holdings in the stored snapshots that count as of any of the sessions."""
    dates = collected.snapshot_dates(conn, etf)
    used = sorted({snapshot_for(session, dates) for session in sessions}) if dates else []
    return list(dict.fromkeys(ticker for day in used for ticker in largest(stored_snapshot(conn, etf, day))))


def largest(snapshot: HoldingsSnapshot) -> list[str]:
    """Return the holdings that stand for selection."""
    return [holding.ticker for holding in snapshot.holdings[: universe().top_holdings]]


def stored_snapshot(conn: Connection, etf: str, collected_date: date) -> HoldingsSnapshot:
    """Read a stored snapshot."""
    rows = collected.snapshot(conn, etf, collected_date)
    return HoldingsSnapshot(
        etf_ticker=etf,
        collected_date=collected_date,
        holdings=[
            Holding(row["stock_ticker"], row["stock_name"], row["holding_percent"], row["holding_rank"]) for row in rows
        ],
        fetched_at=rows[0]["fetched_at"],
        source=rows[0]["source"],
        run_id=rows[0]["run_id"],
        answer_digest=rows[0]["answer_digest"],
    )


def to_snapshot(fetched: FundHoldings, run_id: str | None) -> HoldingsSnapshot | None:
    """Return the fund's list as a message, or None when it is empty."""
    if not fetched.holdings:
        return None
    return HoldingsSnapshot(
        etf_ticker=fetched.etf,
        collected_date=last_closed_session(fetched.answer.fetched_at),
        holdings=[
            Holding(holding.ticker, holding.name, holding.percent, rank)
            for rank, holding in enumerate(fetched.holdings, 1)
        ],
        metadata=metadata(fetched.etf, universe()),
        fetched_at=fetched.answer.fetched_at,
        source=fetched.answer.source,
        run_id=run_id,
        answer_digest=fetched.answer.digest,
    )


def metadata(etf: str, known: Universe) -> EtfMetadata:
    """Return an ETF's type, sector and description."""
    return EtfMetadata(known.etf_type(etf), known.sectors.get(etf), known.description(etf))
