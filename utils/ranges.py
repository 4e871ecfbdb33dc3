"""Ranges: one message with several sessions of one ticker, on the topics of daily bars.

A range is the message of a bar (utils/messages.py) with `"format": 2`, in which every field of BY_SESSION is an array
with one value for each session. A field that has its default value at all of them may be left out. Every other field
holds for all of them:

    {"format": 2, "ticker": "SPY", "trade_date": ["2026-08-20", "2026-08-21"], "close_price": [643.1, 644.12], ...}

The nth values of the arrays make the nth bar's own message. A bar that is rejected is kept as that, and the others are
stored. A range is not longer than LONGEST_RANGE and not larger than LARGEST_BYTES; a request that brings one session
makes a message without a format.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import groupby, islice, repeat
from operator import attrgetter
from typing import Any, Generic, Literal, TypeVar

import msgspec
from msgspec.structs import FieldInfo, fields

from utils.errors import InvalidMessage
from utils.messages import DailyBar, Message, change_percent, from_json, is_leap, range_doubt, to_json
from utils.reasons import Reason, reason

FORMAT = 2
LONGEST_RANGE = 500
# Less than the megabyte that the broker (message.max.bytes) and the client take, with air for the key and the headers.
LARGEST_BYTES = 900_000
BY_SESSION = frozenset(
    (
        *("trade_date", "open_price", "high_price", "low_price", "close_price", "adj_close", "volume"),
        *("previous_close", "is_accepted", "dividend", "split_ratio", "capital_gain", "doubt"),
        *("shares_outstanding", "market_cap", "market_cap_source"),
    )
)
MARK = b'"format":'
SESSIONS = b'"trade_date":['

B = TypeVar("B", bound=DailyBar)
# A message that cannot be stored, and why.
Refused = tuple[bytes, Reason]


@dataclass(frozen=True)
class BarRange(Generic[B]):
    """Bars of one ticker as columns: the values of each given field of BY_SESSION, and what all have in common."""

    kind: type[B]
    common: Mapping[str, Any]
    columns: Mapping[str, Sequence[Any]]

    @property
    def key(self) -> str:
        """The ticker, as of the bars' own messages."""
        ticker: str = self.common["ticker"]
        return ticker

    @property
    def days(self) -> Sequence[date]:
        return self.columns["trade_date"]

    def __len__(self) -> int:
        return len(self.days)

    def rows(self, names: Iterable[str]) -> Iterator[tuple[Any, ...]]:
        """Yield the bars' attributes of these names."""
        return zip(*map(self._values, names), strict=False)

    def bar(self, number: int) -> B:
        return self.kind(**self.common, **{name: values[number] for name, values in self.columns.items()})

    def without(self, numbers: Set[int]) -> "BarRange[B]":
        """Return the range without some of its bars."""
        return self._select([number for number in range(len(self)) if number not in numbers])

    def halves(self) -> "Iterator[BarRange[B]]":
        middle = len(self) // 2
        yield self._select(range(middle))
        yield self._select(range(middle, len(self)))

    def doubtful(self) -> Iterator[int]:
        """Yield the numbers of the bars that no consumer stores (see DailyBar.check)."""
        names = ("is_accepted", "doubt", "open_price", "high_price", "low_price", "close_price", "previous_close")
        for number, (accepted, doubt, opened, high, low, close, before) in enumerate(self.rows(names)):
            if not accepted and (
                doubt is not None
                or is_leap(before, close)
                or (opened and high and low and range_doubt(opened, high, low, close))
            ):
                yield number

    def check_days(self) -> None:
        """Raise InvalidMessage when a date cannot be true."""
        for day in (min(self.days), max(self.days)):
            self.bar(self.days.index(day)).check_days()

    def _values(self, name: str) -> Iterable[Any]:
        if name == "price_change_percent":
            return map(change_percent, self._values("previous_close"), self.columns["close_price"])
        if name in self.columns:
            return self.columns[name]
        return repeat(self.common[name] if name in self.common else _defaults(self.kind)[name], len(self))

    def _select(self, numbers: Sequence[int]) -> "BarRange[B]":
        columns = {name: [values[number] for number in numbers] for name, values in self.columns.items()}
        return BarRange(self.kind, self.common, columns)


def packed(messages: Iterable[Message]) -> Iterator[tuple[bytes, bytes]]:
    """Yield keys and values that carry the messages in their order.

    Bars of one ticker and one fetch that follow each other make a range.
    """
    for is_bars, together in groupby(messages, _common_values):
        while part := list(islice(together, LONGEST_RANGE if is_bars else 1)):
            yield from _pack(part)


def is_range(raw: bytes) -> bool:
    """Tell whether a message has a format. A text in it cannot look so, as its quotes are escaped."""
    return MARK in raw


def count_sessions(raw: bytes | None) -> int:
    """Return how many sessions a message is about, without reading it.

    >>> count_sessions(b'{"format":2,"trade_date":["2026-08-20","2026-08-21"],"volume":[1,2]}'), count_sessions(b"{}")
    (2, 1)
    """
    begin = raw.find(SESSIONS) if raw else -1
    return 1 if raw is None or begin < 0 else raw.count(b",", begin, raw.find(b"]", begin)) + 1


def read_range(kind: type[B], raw: bytes) -> tuple[list[B | BarRange[B]], list[Refused]]:
    """Return the bars of a range that can be stored, and the messages of those that cannot, with the reasons."""
    try:
        bars = _columns_of(kind, _decoder(kind).decode(raw))
        bars.check_days()
    except (InvalidMessage, msgspec.DecodeError, ValueError, OverflowError, RecursionError):
        return _read_one_by_one(kind, raw)
    refused = list(bars.doubtful())
    if not refused:
        return [bars], []
    rest = bars.without(set(refused))
    return [rest] if len(rest) else [], [_refusal_of(bars.bar(number)) for number in refused]


def _refusal_of(bar: DailyBar) -> Refused:
    try:
        bar.check()
    except InvalidMessage as error:
        return to_json(bar), error.reason
    raise AssertionError(f"{bar} is plausible")


def _read_one_by_one(kind: type[B], raw: bytes) -> tuple[list[B | BarRange[B]], list[Refused]]:
    """Read each bar of a range that is not in the contract as a whole."""
    good: list[B | BarRange[B]] = []
    refused: list[Refused] = []
    try:
        for single in split(raw):
            try:
                good.append(from_json(kind, single))
            except InvalidMessage as error:
                refused.append((single, error.reason))
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError) as error:
        return [], [(raw, reason("not_a_message", kind=f"{kind.__name__} range", error=str(error)))]
    return good, refused


def split(raw: bytes) -> Iterator[bytes]:
    """Yield the own messages of a range's bars. Raise ValueError when it cannot be told what belongs together."""
    whole = msgspec.json.decode(raw)
    if not isinstance(whole, dict) or whole.pop("format", None) != FORMAT:
        raise ValueError(f"its format is not {FORMAT}: another version of the platform has sent it")
    columns = {name: whole.pop(name) for name in BY_SESSION & whole.keys()}
    _require_arrays(columns)
    for number in range(len(columns["trade_date"])):
        yield msgspec.json.encode({**whole, **{name: values[number] for name, values in columns.items() if values}})


def _require_arrays(columns: Mapping[str, Any]) -> None:
    sessions = columns.get("trade_date")
    if not isinstance(sessions, list) or not sessions:
        raise ValueError("trade_date is no array of sessions")
    for name, values in columns.items():
        if not isinstance(values, list) or len(values) not in (0, len(sessions)):
            raise ValueError(f"{name} has not one value for each of the {len(sessions)} sessions")


def _columns_of(kind: type[B], decoded: Any) -> BarRange[B]:
    common = {name: getattr(decoded, name) for name in _common(kind)}
    columns = {name: values for name in _by_session(kind) if (values := getattr(decoded, name))}
    _require_arrays(columns)
    if empty := _required(kind) - columns.keys():
        raise ValueError(f"{', '.join(sorted(empty))}: an empty array")
    return BarRange(kind, common, columns)


def _pack(messages: Sequence[Message]) -> Iterator[tuple[bytes, bytes]]:
    """Yield a range of these bars, or several when it would be too large."""
    first = messages[0]
    if len(messages) == 1:
        yield first.key.encode(), to_json(first)
    elif len(raw := _range_json(messages)) <= LARGEST_BYTES:
        yield first.key.encode(), raw
    else:
        middle = len(messages) // 2
        yield from _pack(messages[:middle])
        yield from _pack(messages[middle:])


def _range_json(bars: Sequence[Message]) -> bytes:
    kind = type(bars[0])
    written: dict[str, Any] = {"format": FORMAT}
    for name, default in _defaults(kind).items():
        values = list(map(attrgetter(name), bars)) if name in BY_SESSION else getattr(bars[0], name)
        if values != default and (name not in BY_SESSION or values.count(default) < len(bars)):
            written[name] = values
    return msgspec.json.encode(written)


def _common_values(message: Message) -> tuple[Any, ...] | None:
    """Return what the bars of a range have in common, or None for a message that is alone."""
    kind = type(message)
    return (kind, *_common_getter(kind)(message)) if isinstance(message, DailyBar) else None


@cache
def _common_getter(kind: type[Message]) -> "attrgetter[tuple[Any, ...]]":
    return attrgetter(*_common(kind))


@cache
def _fields(kind: type[Message]) -> tuple[FieldInfo, ...]:
    return fields(kind)


@cache
def _defaults(kind: type[Message]) -> dict[str, Any]:
    """Return every field of a kind of message with its default. The marker of a field without one equals no value."""
    return {field.name: field.default for field in _fields(kind)}


@cache
def _common(kind: type[Message]) -> tuple[str, ...]:
    return tuple(name for name in _defaults(kind) if name not in BY_SESSION)


@cache
def _by_session(kind: type[Message]) -> tuple[str, ...]:
    return tuple(name for name in _defaults(kind) if name in BY_SESSION)


@cache
def _required(kind: type[Message]) -> frozenset[str]:
    return frozenset(field.name for field in _fields(kind) if field.required and field.name in BY_SESSION)


@cache
def _decoder(kind: type[Message]) -> msgspec.json.Decoder[Any]:
    """Return a decoder of the kind's ranges, whose arrays hold values of the kind's own types."""
    columns = [_column(field) if field.name in BY_SESSION else _plain(field) for field in _fields(kind)]
    form = ("format", Literal[2])
    struct = msgspec.defstruct(f"{kind.__name__}Range", [form, *columns], kw_only=True, frozen=True, gc=False)
    return msgspec.json.Decoder(struct)


def _column(field: FieldInfo) -> tuple[Any, ...]:
    values = list[field.type]  # type: ignore[name-defined]
    return (field.name, values) if field.required else (field.name, values, msgspec.field(default_factory=list))


def _plain(field: FieldInfo) -> tuple[Any, ...]:
    return (field.name, field.type) if field.required else (field.name, field.type, field.default)
