"""One page of a long answer."""

from collections.abc import Mapping
from typing import Any, Generic, NamedTuple, TypeVar

from database.db_helper import Connection, fetch
from database.queries.typed import fetch_as

Row = TypeVar("Row")


class Span(NamedTuple):
    """Which part of a list is wanted: `limit` rows after the first `offset` ones."""

    limit: int
    offset: int = 0


class Found(NamedTuple, Generic[Row]):
    """A part of a list, and how long the whole list is."""

    total: int
    rows: list[Row]


def fetch_page(conn: Connection, kind: type[Row], query: str, params: Mapping[str, Any], span: Span) -> Found[Row]:
    """Return the rows of an ordered query that lie in the span."""
    [counted] = fetch(conn, f"SELECT COUNT(*) AS total FROM ({query}) AS found", params)
    rows = fetch_as(conn, kind, f"{query} LIMIT %(limit)s OFFSET %(offset)s", {**params, **span._asdict()})
    return Found(counted["total"], rows)


def cut(rows: list[Row], span: Span) -> Found[Row]:
    """Return the rows of a list that lie in the span.

    >>> cut(["a", "b", "c"], Span(limit=1, offset=1))
    Found(total=3, rows=['b'])
    """
    return Found(len(rows), rows[span.offset : span.offset + span.limit])
