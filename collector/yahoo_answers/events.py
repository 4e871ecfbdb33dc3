"""Read a chart's dividends, splits and capital gains, and put them on its bars."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from typing import Any

from collector.yahoo_answers.model import Bar
from collector.yahoo_answers.sessions import session_of, zone_of
from collector.yahoo_answers.values import major_unit, plain_number

ROUNDING = 1e-6  # prices are float32, adjusted closes differ by 1e-7 from one request to the next
NO_RATIO = 0.0  # No consumer takes a bar with it, so an unreadable split costs its own session alone.


@dataclass(frozen=True)
class Event:
    """What happened on a day, which need not have a row. is_foreign: the dividend is in another currency."""

    day: date
    dividend: float = 0.0
    split_ratio: float = 1.0
    capital_gain: float = 0.0
    is_foreign: bool = False


def events_of(
    listed: Mapping[str, Any], meta: Mapping[str, Any], ticker: str, currency: str, units: float
) -> Iterator[Event]:
    """Yield splits, and dividends and capital gains in `currency`, as far as they can be converted."""
    zone = zone_of(ticker, meta)
    for event in _list_events(listed, "dividends"):
        paid_in, paid_units = major_unit(event["currency"]) if event.get("currency") else (currency, units)
        is_foreign = paid_in != currency
        amount = float(event.get("amount") or 0.0) / paid_units
        yield Event(session_of(event["date"], zone, False), dividend=amount, is_foreign=is_foreign)
    for event in _list_events(listed, "capitalGains"):
        yield Event(session_of(event["date"], zone, False), capital_gain=float(event.get("amount") or 0.0) / units)
    for event in _list_events(listed, "splits"):
        yield Event(session_of(event["date"], zone, False), split_ratio=_ratio_of(event))


def _list_events(events: Mapping[str, Any], kind: str) -> list[Any]:
    listed = events.get(kind) or {}
    every = listed.values() if isinstance(listed, dict) else listed
    return [event for event in every if isinstance(event, dict)]


def _ratio_of(split: Mapping[str, Any]) -> float:
    """Return a split's ratio, or NO_RATIO where it cannot be told."""
    new, old = (plain_number(split.get(name)) for name in ("numerator", "denominator"))
    return new / old if new and old else NO_RATIO


def add_events(bars: Sequence[Bar], events: Iterable[Event]) -> list[Bar]:
    """Add to the bars what happened on their days.

    An event on a day without a bar belongs to the next one.
    """
    changed = list(bars)
    days = [bar.session for bar in bars]
    foreign = set()
    for event in events:
        at = bisect_left(days, event.day)
        if at == len(days):
            continue  # it will come with the bar after it
        changed[at] = replace(
            changed[at],
            dividend=changed[at].dividend + event.dividend,
            split_ratio=changed[at].split_ratio * event.split_ratio,
            capital_gain=changed[at].capital_gain + event.capital_gain,
        )
        foreign |= {at} if event.is_foreign else set()
    return [
        _convert_dividend(before, bar) if before and at in foreign else bar
        for at, (before, bar) in enumerate(pairwise([None, *changed]))
        if bar
    ]


def leave_out(bars: Sequence[Bar], sessions: Set[date]) -> list[Bar]:
    """Return the bars without those of some sessions, whose events belong to the next ones then."""
    left_out = [bar for bar in bars if bar.session in sessions]
    kept = [bar for bar in bars if bar.session not in sessions]
    return add_events(kept, (Event(bar.session, bar.dividend, bar.split_ratio, bar.capital_gain) for bar in left_out))


def hand_on_splits(bars: Iterable[Bar], sessions: Set[date]) -> Iterator[Bar]:
    """Yield the bars, the splits of some sessions with the next ones that are not among them.

    A ratio that cannot be read stays where it is.
    """
    owed = 1.0
    for bar in bars:
        if bar.session not in sessions:
            yield bar if owed == 1 else replace(bar, split_ratio=bar.split_ratio * owed)
            owed = 1.0
        elif bar.split_ratio > 0:
            owed *= bar.split_ratio
            yield replace(bar, split_ratio=1.0)
        else:
            yield bar


def _convert_dividend(before: Bar, bar: Bar) -> Bar:
    """Convert the dividend into the currency of the prices, going by what the adjusted closes take off for it.

    Without a trace of it in the adjusted closes it stays as it is, and does not fit them.
    """
    fall = 1 - (before.adj_close / before.close) / (bar.adj_close / bar.close)
    implied = fall * before.close - bar.capital_gain
    return replace(bar, dividend=implied) if implied > ROUNDING * before.close else bar
