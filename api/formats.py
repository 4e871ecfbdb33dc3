"""The formats of an answer, and which of them a client wants."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Literal

from utils.errors import ActstockError
from utils.reasons import reason

FormatName = Literal["json", "csv", "parquet", "arrow"]


class Format(StrEnum):
    """A format by the name that `format=` takes."""

    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"
    ARROW = "arrow"


MEDIA_TYPES = {
    Format.JSON: "application/json",
    Format.CSV: "text/csv",
    Format.PARQUET: "application/vnd.apache.parquet",
    Format.ARROW: "application/vnd.apache.arrow.stream",
}
SUFFIXES = {Format.JSON: "json", Format.CSV: "csv", Format.PARQUET: "parquet", Format.ARROW: "arrows"}
# What an answer without a list comes in.
DOCUMENT: Sequence[Format] = (Format.JSON,)
LIST: Sequence[Format] = tuple(Format)


class NotAcceptable(ActstockError):
    """No format of an answer is one that the client takes."""

    retryable = False


def chosen(accept: str, offered: Sequence[Format]) -> Format:
    """Return the format that an Accept header likes best, of several the first one that is offered.

    Raises NotAcceptable when it takes none.

    >>> str(chosen("text/csv;q=0.5, application/vnd.apache.parquet", LIST)), str(chosen("text/html, */*;q=0.1", LIST))
    ('parquet', 'json')
    """
    ranges = list(_ranges(accept or "*/*"))
    best = max(offered, key=lambda each: _quality(MEDIA_TYPES[each], ranges))
    if not _quality(MEDIA_TYPES[best], ranges):
        raise NotAcceptable(reason("no_format", accept=accept, offered=[MEDIA_TYPES[each] for each in offered]))
    return best


def _ranges(accept: str) -> Iterator[tuple[str, float]]:
    """Yield each media range with its quality. What is not written as one is no wish, and is left out.

    >>> list(_ranges("text/csv; charset=utf-8; q=0.5,*/*, text/html;q=x"))
    [('text/csv', 0.5), ('*/*', 1.0)]
    """
    for part in accept.lower().split(","):
        media_range, *parameters = (each.strip() for each in part.split(";"))
        wishes = [each.removeprefix("q=") for each in parameters if each.startswith("q=")]
        try:
            quality = float(wishes[0]) if wishes else 1.0
        except ValueError:
            continue
        if 0 <= quality <= 1:
            yield media_range, quality


def _quality(media_type: str, ranges: Sequence[tuple[str, float]]) -> float:
    """Return the quality of the most specific range that a media type is in; 0 without one (RFC 9110, 12.5.1).

    >>> _quality("text/csv", [("*/*", 0.1), ("text/*", 0.5), ("text/csv", 0.0)])
    0.0
    """
    for written in (media_type, f"{media_type.partition('/')[0]}/*", "*/*"):
        found = [quality for media_range, quality in ranges if media_range == written]
        if found:
            return max(found)
    return 0.0
