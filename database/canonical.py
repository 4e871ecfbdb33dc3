"""The canonical text of rows, as the SQL function canonical_text writes it: digests are over this text.

A row is one line, PostgreSQL's own text of a record in UTC. So what a reader or Spark has computed gets the digest that
the database gives it, and a line can be taken apart into its cells again.
"""

import hashlib
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import singledispatch
from typing import Any, NamedTuple

QUOTED_IN_RECORD = re.compile(r'[\s"\\(),]')
QUOTED_IN_ARRAY = re.compile(r'[\s"\\{},]')
# One cell of a record: quoted, or plain, with the sign that ends it.
CELL = re.compile(r'(?:"(?P<quoted>(?:[^"\\]|""|\\.)*)"|(?P<plain>[^",()\\]*))(?P<end>[,)])', re.DOTALL)
ESCAPE = re.compile(r'""|\\(.)', re.DOTALL)
# PostgreSQL writes shorter numbers without an exponent, Python longer ones as well.
MOST_DIGITS = 15
# From here on floats are even numbers.
FIRST_EVEN = 2.0**53


class Json(NamedTuple):
    """A value of a JSONB column, which a list would not tell from an array."""

    value: Any


def canonical_text(rows: Iterable[Iterable[Any]]) -> str:
    r"""Return the canonical text of rows.

    >>> canonical_text([("NVDA", 1e-7, None), ("BRK-B", 1e15, "a b")])
    '(NVDA,1e-07,)\n(BRK-B,1e+15,"a b")'
    """
    return "\n".join(record_text(row) for row in rows)


def record_text(cells: Iterable[Any]) -> str:
    """Return the canonical text of one row. A NUMERIC is a Decimal with all digits of its column.

    >>> record_text(["", True, [5, 20], date(2026, 8, 21), Decimal("1.50"), Json({"sector": "Energy"})])
    '("",t,"{5,20}",2026-08-21,1.50,"{""sector"": ""Energy""}")'
    """
    return "(" + ",".join("" if cell is None else _quoted_in_record(cell_text(cell)) for cell in cells) + ")"


def digest(text: str) -> bytes:
    """Return the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).digest()


def link_digest(previous: bytes, body_digest: bytes, facts: str) -> bytes:
    """Return the digest of a link, as the SQL function of that name does.

    facts: the canonical text of its chain, position, known_at and about
    """
    return hashlib.sha256(previous + body_digest + facts.encode()).digest()


def records(text: str) -> Iterator[list[str | None]]:
    r"""Take the canonical text of rows apart: the cells of each row as texts.

    >>> list(records('(NVDA,1e-07,)\n(BRK-B,"",")\n")'))
    [['NVDA', '1e-07', None], ['BRK-B', '', ')\n']]
    """
    at = 0
    while at < len(text):
        cells, at = _record_at(text, at)
        yield cells


def _record_at(text: str, at: int) -> tuple[list[str | None], int]:
    """Return the cells of the record that begins at a place, and where the next one begins."""
    cells: list[str | None] = []
    at += 1
    while True:
        found = CELL.match(text, at)
        if found is None:
            raise ValueError(f"no row of canonical text: {text[at : at + 40]!r}")
        quoted, plain = found["quoted"], found["plain"]
        cells.append(ESCAPE.sub(lambda escape: escape[1] or '"', quoted) if quoted is not None else plain or None)
        at = found.end()
        if found["end"] == ")":
            return cells, at + 1


@singledispatch
def cell_text(value: Any) -> str:
    """Return a value as PostgreSQL writes it."""
    return str(value)


@cell_text.register
def _(value: bool) -> str:
    return "t" if value else "f"


@cell_text.register
def _(value: float) -> str:
    """Write the shortest number that is read back as the same one."""
    sign, digits, exponent = Decimal(_shortest(value)).as_tuple()
    if isinstance(exponent, str):
        return {"F": "-Infinity" if sign else "Infinity"}.get(exponent, "NaN")
    significant = "".join(map(str, digits)).rstrip("0") or "0"
    power = exponent + len(digits) - 1 if any(digits) else 0
    minus = "-" if sign else ""
    if -5 < power < MOST_DIGITS:
        return minus + _plain(significant, power)
    fraction = f".{significant[1:]}" if len(significant) > 1 else ""
    return f"{minus}{significant[0]}{fraction}e{power:+03d}"


@cell_text.register
def _(value: Decimal) -> str:
    return format(value, "f")


@cell_text.register
def _(value: bytes) -> str:
    return f"\\x{value.hex()}"


@cell_text.register
def _(value: datetime) -> str:
    """Write a moment in UTC, or what has no time zone as it is."""
    moment = value if value.tzinfo is None else value.astimezone(UTC)
    fraction = f".{moment.microsecond:06d}".rstrip("0") if moment.microsecond else ""
    return f"{moment:%Y-%m-%d %H:%M:%S}{fraction}{'' if value.tzinfo is None else '+00'}"


@cell_text.register
def _(value: date) -> str:
    return value.isoformat()


@cell_text.register(list)
@cell_text.register(tuple)
def _(value: Sequence[Any]) -> str:
    return "{" + ",".join("NULL" if item is None else _quoted_in_array(cell_text(item)) for item in value) + "}"


@cell_text.register(dict)
def _(value: Mapping[str, Any]) -> str:
    return json_text(value)


@cell_text.register
def _(value: Json) -> str:
    return json_text(value.value)


def json_text(value: Any) -> str:
    """Return a value as PostgreSQL writes JSONB: shorter names first, numbers without an exponent.

    >>> json_text({"session": "2026-08-21", "of": [1e22, 0.5, None, True]})
    '{"of": [10000000000000000000000, 0.5, null, true], "session": "2026-08-21"}'
    """
    if isinstance(value, Mapping):
        ordered = sorted(value.items(), key=lambda item: (len(item[0].encode()), item[0].encode()))
        return "{" + ", ".join(f"{json_text(name)}: {json_text(each)}" for name, each in ordered) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(json_text, value)) + "]"
    if isinstance(value, float):
        # json writes 1e22 as 1e+22 and 1.0 as 1.0, and a NUMERIC keeps the digits that were written.
        return format(Decimal(json.dumps(value)), "f")
    return json.dumps(value, ensure_ascii=False)


def _shortest(value: float) -> str:
    """Return the shortest number that is nearer to this float than to any other.

    Python also takes a number that lies halfway, and rounds it to the even one. PostgreSQL does not. Only among floats
    that are whole numbers does such a one have few digits.
    """
    text = repr(value)
    if not FIRST_EVEN <= abs(value) < math.inf:
        return text
    neighbours = (math.nextafter(value, math.inf), math.nextafter(value, -math.inf))
    halfway = [Decimal(value) + Decimal(neighbour) for neighbour in neighbours if math.isfinite(neighbour)]
    candidates = (f"{value:.{digits}e}" for digits in range(len(Decimal(text).normalize().as_tuple().digits) - 1, 17))
    return next(each for each in candidates if 2 * Decimal(each) not in halfway)


def _plain(digits: str, power: int) -> str:
    """Write a number without an exponent: its digits, the first of which counts 10 ** power."""
    if power < 0:
        return f"0.{'0' * (-power - 1)}{digits}"
    whole, fraction = digits[: power + 1].ljust(power + 1, "0"), digits[power + 1 :]
    return f"{whole}.{fraction}" if fraction else whole


def _quoted_in_record(text: str) -> str:
    if text and not QUOTED_IN_RECORD.search(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '""') + '"'


def _quoted_in_array(text: str) -> str:
    if text and text.upper() != "NULL" and not QUOTED_IN_ARRAY.search(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
