"""Rows as instances of the contract's classes."""

from collections.abc import Hashable, Mapping
from functools import cache
from typing import Any, TypeVar, cast

import msgspec
from psycopg2 import sql

from contract.reasons import ShownReason
from database.db_helper import Connection, fetch
from database.queries.reasons import with_sentences

Answer = TypeVar("Answer")


def fetch_as(
    conn: Connection, kind: type[Answer], query: str | sql.Composable, params: Mapping[str, Any] | None = None
) -> list[Answer]:
    """Return the rows of a query as instances of a class.

    A field that the query lacks, or has with another type, is an error; columns beside the fields are left out.
    A column of reasons gives two fields: see `with_sentences`.
    """
    rows = fetch(conn, query, params)
    has_reasons = _has_reasons(cast(Hashable, kind))
    return [msgspec.convert(with_sentences(row) if has_reasons else row, kind) for row in rows]


@cache
def _has_reasons(kind: Hashable) -> bool:
    """Return whether a class, or one inside it, has reasons. Rows of the others need no second look."""
    return ShownReason.__name__ in msgspec.json.schema(kind).get("$defs", {})
