"""Rows of a table of one database into the same table of another one."""

import tempfile
from collections.abc import Sequence
from typing import Any

from psycopg2 import sql

from database.db_helper import Connection, fetch, transaction
from database.queries.evidence_as_of import VERSIONED

MEMORY_BYTES = 2**24


def copy_rows(source: Connection, target: Connection, table: str, where: str, params: Sequence[Any] = ()) -> None:
    """Copy the rows for which a condition holds, in the columns that both tables have."""
    columns = [name for name in _columns(target, table) if name in _columns(source, table)]
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    with tempfile.SpooledTemporaryFile(MEMORY_BYTES) as rows:
        with transaction(source), source.cursor() as cursor:
            query = cursor.mogrify(f"SELECT {names.as_string(cursor)} FROM {table} WHERE {where}", params).decode()
            cursor.copy_expert(f"COPY ({query}) TO STDOUT", rows)
        rows.seek(0)
        with transaction(target), target.cursor() as cursor:
            cursor.copy_expert(sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names), rows)


def keep_no_versions(conn: Connection) -> None:
    """Let a database keep no versions of what is copied into it: they stay where the rows come from."""
    with transaction(conn), conn.cursor() as cursor:
        for table in VERSIONED:
            cursor.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(sql.Identifier(table.name)))


def _columns(conn: Connection, table: str) -> list[str]:
    """Return a table's columns, without those that the database computes."""
    rows = fetch(
        conn,
        """
        SELECT attname AS name FROM pg_attribute
        WHERE attrelid = %(table)s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
        ORDER BY attnum
        """,
        {"table": table},
    )
    return [row["name"] for row in rows]
