"""Rows as instances of the contract's classes."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from psycopg2 import sql

from database.db_helper import Connection, fetch

Answer = TypeVar("Answer")


def fetch_as(
    conn: Connection, kind: type[Answer], query: str | sql.Composable, params: Mapping[str, Any] | None = None
) -> list[Answer]:
    """Return the rows of a query as instances of a class.

    A field that the query lacks, or has with another type, is an error; columns beside the fields are left out.
    """
    return [msgspec.convert(row, kind) for row in fetch(conn, query, params)]
