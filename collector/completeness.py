"""Find what an answer lacks, and which stored bars it changes. Decisions alone: no clock, no connection."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from math import isclose
from typing import Any, Literal, NamedTuple

from collector.yahoo_answers.model import Bar, Bars
from config.config import Topic
from database.db_helper import Row, Values
from database.queries import collected
from database.tables import DAILY_ETF_OHLC, DAILY_STOCK_HISTORY, Table
from utils.dates import HOME_EXCHANGE, exchange_of, expected_days, last_closed_session, sessions_between
from utils.messages import DailyBar
from utils.reasons import Reason, reason

SAME = 1e-9  # relative: what a price may differ by after a round trip through the database
SAME_FACTOR = 1e-6  # relative: the source gives adjusted prices with seven digits, of which the last ones vary
RANGE = ("open_price", "high_price", "low_price")
# These columns settle after a session, so that their changes until then are noise. The close is right at once.
SETTLING = {*RANGE, "volume"}
SETTLING_SESSIONS = 2
LONGEST_SETTLING_DAYS = 30  # across the longest holidays; a row fetched later is not looked up in the calendar
SETTLED = 5e-3  # relative: as far as settling moves a range as a rule
ROUNDED = 1e-3  # relative: what a split's volumes and dividends may differ by, which are rounded


ChangeKind = Literal["restated", "split", "dividend"]


class Kind(StrEnum):
    """The kind of instrument: decides the topic and the table of its bars."""

    ETF = "etf"
    STOCK = "stock"
    RATE = "rate"

    @property
    def topic(self) -> Topic:
        return Topic.ETF_DAILY if self is Kind.ETF else Topic.STOCK_DAILY

    @property
    def table(self) -> Table:
        return DAILY_ETF_OHLC if self is Kind.ETF else DAILY_STOCK_HISTORY


@dataclass(frozen=True)
class Absence:
    """A session without a bar.

    late: it may still come. missing: the source is past it. closed: nothing was traded.
    """

    session: date
    state: Literal["late", "missing", "closed"]
    reason: Reason


def absences(fetched: Bars, stored: Collection[date], start: date, end: date, late_sessions: int) -> Iterator[Absence]:
    """Yield what is neither stored nor in the answer for start to end, in order.

    Nothing is expected before the ticker's first bar. Of a foreign ticker the home sessions on which its own exchange
    was closed are yielded, too.
    """
    there = {bar.session for bar in fetched.bars} | set(stored)
    start = max(start, min(there, default=end))
    days = expected_days(fetched.ticker, start, end)
    last = max((bar.session for bar in fetched.bars), default=start)
    ended_on = max(there) if fetched.bars and _has_ended(fetched, max(there), late_sessions) else None
    for day in days:
        if day not in there:
            yield _absence(day, fetched, last, late_sessions, ended_on)
    if exchange_of(fetched.ticker) != HOME_EXCHANGE:
        for day in sessions_between(start, end):
            if day not in days:
                yield Absence(day, "closed", reason("exchange_closed", exchange=exchange_of(fetched.ticker)))


def _absence(day: date, fetched: Bars, last_bar: date, late_sessions: int, ended_on: date | None) -> Absence:
    if day < last_bar:
        return Absence(day, "missing", reason("passed_over"))
    passed = _sessions_over_since(day, fetched)
    if passed > late_sessions:
        return Absence(day, "missing", reason("no_bar_later", sessions=passed))
    if ended_on:
        return Absence(day, "missing", reason("no_bar_since", session=ended_on))
    return Absence(day, "late", reason("no_bar_yet"))


def _has_ended(fetched: Bars, last: date, late_sessions: int) -> bool:
    """Tell whether the session after the last bar is missing for good: then no later one is only late.

    A ticker that is delisted or halted may go on to be answered, with its old bars.
    """
    return _sessions_over_since(last, fetched) - 1 > late_sessions


def _sessions_over_since(day: date, fetched: Bars) -> int:
    exchange = exchange_of(fetched.ticker)
    last_closed = last_closed_session(fetched.answer.fetched_at, exchange)
    return len(sessions_between(day + timedelta(days=1), last_closed, exchange))


def differs(bar: Bar, stored: Row | None, exchange: str = HOME_EXCHANGE) -> bool:
    """Tell whether a bar says something else than the stored row, the source's noise aside."""
    return stored is None or bool(_changed_columns(bar, stored, exchange))


def _changed_columns(bar: Bar, stored: Row, exchange: str) -> list[str]:
    values = values_of(bar)
    changed = [
        column
        for column, value in values.items()
        if not _is_same_value(column, value, stored.get(column, value), bar.close)
    ]
    # None, and 0 as a volume, are unknown: what is known now is no noise.
    is_filled_in = any(values[column] and not stored[column] for column in changed)
    is_noise = SETTLING.issuperset(changed) and not is_filled_in and _is_settling(bar.session, stored, exchange)
    return [] if is_noise else changed


def _is_settling(session: date, stored: Row, exchange: str) -> bool:
    """Tell whether a row was fetched before the source had settled the session's volume and range."""
    if "fetched_at" not in stored or (stored["fetched_at"].date() - session).days > LONGEST_SETTLING_DAYS:
        return False
    last = last_closed_session(stored["fetched_at"], exchange)
    return len(sessions_between(session + timedelta(days=1), last, exchange)) <= SETTLING_SESSIONS


def values_of(bar: Bar) -> dict[str, float | None]:
    """Return a bar's values by the columns that store them."""
    return {
        "open_price": bar.open,
        "high_price": bar.high,
        "low_price": bar.low,
        "close_price": bar.close,
        "adj_close": bar.adj_close,
        "volume": bar.volume,
        "dividend": bar.dividend,
        "split_ratio": bar.split_ratio,
        "capital_gain": bar.capital_gain,
    }


def _same(new: float | None, old: float | None, tolerance: float = SAME) -> bool:
    if new is None or old is None:
        return new is old
    return isclose(new, old, rel_tol=tolerance, abs_tol=0)


def _is_same_dividend(new: float, old: float, close: float, tolerance: float = SAME) -> bool:
    """Tell whether two dividends are the same. One in another currency is as exact as the adjusted closes behind it."""
    return isclose(new, old, rel_tol=tolerance, abs_tol=SAME_FACTOR * close if new and old else 0)


def is_same_bar(message: DailyBar, other: Mapping[str, Any]) -> bool:
    """Tell whether an earlier message says the same as this one, the volume and the source's noise aside.

    A rejected message may be anything, so its values are checked here.
    """
    values = {column: getattr(message, column) for column in collected.PRICE_COLUMNS if column != "volume"}
    olds = {column: other.get(column, value) for column, value in values.items()}
    return "close_price" in other and all(
        isinstance(old, float | int | None) and _is_same_value(column, values[column], old, message.close_price)
        for column, old in olds.items()
    )


def _is_same_value(column: str, new: float | None, old: float | None, close: float) -> bool:
    if column == "dividend" and new is not None and old is not None:
        return _is_same_dividend(new, old, close)
    return _same(new, old, SAME_FACTOR if column == "adj_close" else SAME)


class Factors(NamedTuple):
    """The factors (new / old) of a bar's prices and of its adjusted close."""

    price: float
    adj: float

    def are(self, other: "Factors") -> bool:
        return all(_same(mine, its, SAME_FACTOR) for mine, its in zip(self, other, strict=True))

    def since(self, other: "Factors") -> "Factors":
        return Factors(self.price / other.price, self.adj / other.adj)


UNCHANGED = Factors(1.0, 1.0)


@dataclass(frozen=True)
class Change:
    """A restated bar (first_session = last_session), or a split or dividend that rescaled all bars up to last_session.

    The values are those of the bar of last_session, of the columns that changed.
    """

    change: ChangeKind
    first_session: date
    last_session: date
    factors: Factors
    old_values: dict[str, Any]
    new_values: dict[str, Any]
    replaced_fetched_at: datetime

    def row(self, kind: Kind, ticker: str, fetched_at: datetime, run_id: str | None) -> Values:
        """Return a row of logs_restatement."""
        return (
            kind,
            ticker,
            self.last_session,
            self.change,
            self.replaced_fetched_at,
            self.first_session,
            *self.factors,
            json.dumps(self.old_values),
            json.dumps(self.new_values),
            fetched_at,
            run_id,
        )


def changes(bars: Sequence[Bar], stored: Mapping[date, Row], exchange: str = HOME_EXCHANGE) -> list[Change]:
    """Return what an answer changes of stored bars, newest first.

    A split or dividend multiplies everything before it by one factor and leaves all returns as they are, so it is one
    change. It shows from the newest bar backwards, where the factor becomes another one that older bars have too. At
    the oldest bar it shows where the one after it says so itself. Any other difference is a bar's own.
    """
    known = [(bar, after) for bar, after in pairwise([*bars, None]) if bar and bar.session in stored]
    factors_of = [_factors(bar, stored[bar.session]) for bar, _ in known]
    found: list[Change] = []
    in_force = UNCHANGED
    for at in reversed(range(len(known))):
        (bar, after), factors = known[at], factors_of[at]
        old = stored[bar.session]
        is_rescaled = _is_only_rescaled(bar, old, factors, exchange)
        if is_rescaled and factors.are(in_force):
            continue
        older = factors_of[:at]
        if is_rescaled and (any(map(factors.are, older)) or (not older and _is_ex_date(after))):
            event = factors.since(in_force)
            kind: ChangeKind = "dividend" if _same(event.price, 1, SAME_FACTOR) else "split"
            found.append(_change(kind, known[0][0].session, bar, old, event, exchange))
            in_force = factors
        else:
            found.append(_change("restated", bar.session, bar, old, factors, exchange))
    return found


def _is_ex_date(bar: Bar | None) -> bool:
    """Tell whether a bar is the first one without a dividend, or after a split."""
    return bar is not None and (bar.dividend != 0 or bar.split_ratio != 1)


def _factors(bar: Bar, old: Row) -> Factors:
    return Factors(bar.close / old["close_price"], bar.adj_close / old["adj_close"])


def _is_only_rescaled(bar: Bar, old: Row, factors: Factors, exchange: str) -> bool:
    """Tell whether a bar is the stored one times the two factors, noise aside."""
    is_split = not _same(factors.price, 1, SAME_FACTOR)
    rounded = ROUNDED if is_split else SAME
    return (
        _is_same_dividend(bar.dividend, old["dividend"] * factors.price, bar.close, rounded)
        and isclose(bar.capital_gain, old.get("capital_gain", bar.capital_gain) * factors.price, rel_tol=rounded)
        and _same(bar.split_ratio, old["split_ratio"])
        and _has_rescaled_range(bar, old, factors.price, is_split, _is_settling(bar.session, old, exchange))
    )


def _has_rescaled_range(bar: Bar, old: Row, factor: float, is_split: bool, is_settling: bool) -> bool:
    """Tell whether open, high, low and volume are the stored ones, a split's factor and settling aside."""
    if is_settling and not is_split:
        return True
    rounded = SETTLED if is_settling else SAME_FACTOR
    return all(
        _same(new, None if old[column] is None else old[column] * factor, rounded)
        for column, new in values_of(bar).items()
        if column in RANGE
    ) and (
        is_settling
        or isclose(
            bar.volume,
            old["volume"] / factor,
            rel_tol=ROUNDED if is_split else SAME,
            abs_tol=1.0 if is_split else 0.0,
        )
    )


def _change(kind: ChangeKind, first: date, bar: Bar, old: Row, by: Factors, exchange: str) -> Change:
    changed = _changed_columns(bar, old, exchange)
    new = values_of(bar)
    return Change(
        change=kind,
        first_session=first,
        last_session=bar.session,
        factors=by,
        old_values={column: old[column] for column in changed},
        new_values={column: new[column] for column in changed},
        replaced_fetched_at=old["fetched_at"],
    )
