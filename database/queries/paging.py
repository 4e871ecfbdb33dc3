"""One page of a long answer."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from database.db_helper import Connection, Row, fetch


class Span(NamedTuple):
    """Which part of a list is wanted: `limit` rows after the first `offset` ones."""

    limit: int
    offset: int = 0


class Found(NamedTuple):
    """A part of a list, how long the whole list is, and what is said once of all its rows."""

    total: int
    rows: list[Row]
    about: Mapping[str, Any] = {}


def fetch_page(conn: Connection, query: str, params: Mapping[str, Any], span: Span) -> Found:
    """The rows of an ordered query that lie in the span."""
    [counted] = fetch(conn, f"SELECT COUNT(*) AS total FROM ({query}) AS found", params)
    rows = fetch(conn, f"{query} LIMIT %(limit)s OFFSET %(offset)s", {**params, **span._asdict()})
    return Found(counted["total"], rows)


def cut(rows: list[Row], span: Span, **about: Any) -> Found:
    """The same for rows that are all there.

    >>> cut([{"n": 1}, {"n": 2}, {"n": 3}], Span(limit=1, offset=1))
    Found(total=3, rows=[{'n': 2}], about={})
    """
    return Found(len(rows), rows[span.offset : span.offset + span.limit], about)
