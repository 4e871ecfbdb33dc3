"""Days on which an exchange seems to have been closed in fact: list them, or add one to the exchanges' extra days.

python -m collector.closed_days                                          every suspected day, with the command to add it
python -m collector.closed_days --add XKRX 2026-06-03 "local elections"  a day that the calendar calls a session
python -m collector.closed_days --open --add XNYS 2026-06-06 "..."       a session that the calendar does not know
"""

import argparse
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import date, datetime
from typing import NamedTuple

from config.config import Settings
from config.exchange_days import ExtraDay, add, extra_days, extra_days_file
from config.exchanges import exchanges
from database.db_helper import Connection, Row, connect
from database.queries import closed_days
from utils.command_line import exit_code_of
from utils.dates import (
    close_of,
    delay_of,
    exchange_of,
    exchanges_using,
    expected_days,
    find_exchange,
    parse_date,
    session_after,
    sessions_between,
    sessions_of,
)
from utils.errors import InvalidInput
from utils.logging_utils import configure_logging
from utils.reasons import Reason, reason

SHOWN_TICKERS = 3


class Suspect(NamedTuple):
    """A day that the calendar calls a session, and the tickers that the source has around it but not on it."""

    exchange: str
    day: date
    tickers: tuple[str, ...]


def suspected(conn: Connection, start: date | None = None, end: date | None = None) -> list[Suspect]:
    """Return the sessions of a range on which no ticker of an exchange has a bar, while its neighbours have."""
    lacking = closed_days.lacking(conn, start, end)
    return suspects(lacking, closed_days.around(conn, {row["trade_date"] for row in lacking}))


def suspects(lacking: Iterable[Row], around: Iterable[Row]) -> list[Suspect]:
    """Decide on rows of `closed_days.lacking` and `closed_days.around`.

    Two tickers must testify, or all that are followed; one bar of the exchange proves that it was open.
    """
    asked = {(row["ticker"], row["trade_date"]): row["asked_at"] for row in lacking}
    days = {(exchange, day) for ticker, day in asked if (exchange := find_exchange(ticker))}
    near: dict[tuple[str, date], list[Row]] = {}
    for row in around:
        near.setdefault((find_exchange(row["ticker"]) or "", row["day"]), []).append(row)
    found = []
    for exchange, day in sorted(days, key=lambda each: (each[1], each[0])):
        rows = near.get((exchange, day), [])
        if any(row["is_there"] for row in rows) or not sessions_between(day, day, exchange):
            continue
        followed = [row for row in rows if row["is_before"]]
        witnesses = [row["ticker"] for row in followed if _testifies(row, asked.get((row["ticker"], day)))]
        if len(witnesses) > 1 or (witnesses and len(witnesses) == len(followed)):
            found.append(Suspect(exchange, day, tuple(witnesses)))
    return found


def _testifies(row: Row, asked_at: datetime | None) -> bool:
    """Tell whether the source has later bars of a ticker, or had none of the day when the next session was over."""
    if row["is_after"]:
        return True
    following = session_after(row["day"], 1, exchange_of(row["ticker"]))
    over = close_of(following, exchange_of(row["ticker"])) + delay_of(row["ticker"])
    return asked_at is not None and asked_at >= over


def list_suspects(conn: Connection, start: date | None = None, end: date | None = None) -> Iterator[str]:
    """Yield the suspected days line by line, each with the command that adds it."""
    found = suspected(conn, start, end)
    if found:
        yield f"sessions on which no ticker of an exchange has a bar: {len(found)}"
    for exchange, day, tickers in found:
        shown = ", ".join(tickers[:SHOWN_TICKERS]) + (", ..." if len(tickers) > SHOWN_TICKERS else "")
        yield (
            f"  {day}  {exchange:<4}  the source has none of {len(tickers)} ({shown}) and answers for its neighbours: "
            "closed in fact?"
        )
        yield f'  if it was closed: ./start.sh closed-days --add {exchange} {day} "why"'


def settle(conn: Connection) -> int:
    """Bring the ledger's lines in step with the calendars, whose days may have been added since, and return how many.

    A day that is no session any more is a closed market instead of a gap, and the other way round.
    """
    lines = [line for row in closed_days.unstored(conn) if (line := _settled(row))]
    closed_days.restate(conn, lines)
    return len(lines)


def _settled(row: Row) -> tuple[str, str, date, str, Reason] | None:
    """Return a ledger's line with its new state and reason.

    None when it stays as it is, or is of no known exchange.
    """
    ticker, day = row["ticker"], row["trade_date"]
    if find_exchange(ticker) is None:
        return None
    is_session, is_closed = bool(expected_days(ticker, day, day)), row["state"] == "closed"
    if is_session is not is_closed:
        return None
    state, why = ("missing", reason("session_after_all")) if is_session else ("closed", _why_closed(ticker, day))
    return row["kind"], ticker, day, state, why


def _why_closed(ticker: str, day: date) -> Reason:
    names = sorted(exchanges_using(ticker))
    added = [each.reason for each in extra_days() if (each.exchange, each.day) == (names[0], day) and not each.is_open]
    if added and len(names) == 1:
        return reason("no_session_because", exchanges=names, why=added[0])
    return reason("no_session", exchanges=names)


def add_day(exchange: str, day: date, is_open: bool, why: str) -> Iterator[str]:
    """Append a day to the file of extra days, and say how to make it count.

    Raise InvalidInput when the day changes nothing.
    """
    if exchange not in exchanges().names():
        names = ", ".join(sorted(exchanges().names()))
        raise InvalidInput(f"{exchange!r} is no exchange of config/exchanges.toml: take one of {names}")
    days = sessions_of(exchange).days
    if days[0] <= day <= days[-1] and bool(sessions_between(day, day, exchange)) is is_open:
        raise InvalidInput(f"{day} ({day:%A}) is {'a' if is_open else 'no'} session of {exchange} already")
    add(extra_days_file(), ExtraDay(exchange, day, is_open, why))
    yield f"{exchange} is {'open' if is_open else 'closed'} on {day} ({why}): added to {extra_days_file()}"
    yield "services read it when they start: ./start.sh restart airflow-scheduler api alerts"
    yield "then ./start.sh gaps lists the published sessions to compute again"


def main(arguments: list[str] | None = None) -> int:
    from collector.gaps import range_of, range_parser  # which reports suspected days, so it imports this module

    parser = range_parser(__doc__)
    parser.add_argument(
        "--add", nargs=3, metavar=("EXCHANGE", "DATE", "REASON"), help="add a day on which an exchange was closed"
    )
    parser.add_argument("--open", action="store_true", help="the day to add is one on which the exchange was open")
    options = parser.parse_args(arguments)
    configure_logging()
    return exit_code_of(lambda: _run(options, *range_of(options)))


def _run(options: argparse.Namespace, start: date | None, end: date | None) -> None:
    if options.add:
        exchange, day, why = options.add
        for line in add_day(exchange, parse_date(day), options.open, why):
            print(line)
        return
    if options.open:
        raise InvalidInput("--open says of the day to --add that the exchange was open: name it with --add")
    with closing(connect(Settings.from_env().database)) as conn:
        print("\n".join(list_suspects(conn, start, end)) or "every session has a bar of each exchange that is followed")


if __name__ == "__main__":
    sys.exit(main())
