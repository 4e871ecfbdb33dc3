"""Databases beside the platform's own, on the same server: for a measurement, for a replay; and empty tables."""

from collections.abc import Collection
from contextlib import closing
from dataclasses import replace

from psycopg2 import sql

from config.config import DatabaseSettings
from database.db_helper import Connection, connect, fetch, transaction
from database.migrate import apply_schema

# Every server has it, and nothing of ours is in it.
ADMINISTRATION = "postgres"


def create_database(server: DatabaseSettings, name: str) -> DatabaseSettings:
    """Create an empty database with the platform's tables, replacing one of that name."""
    made = replace(server, name=name)
    with closing(connect(server)) as admin:
        admin.autocommit = True
        _drop(admin, name)
        _execute(admin, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    with closing(connect(made)) as conn:
        apply_schema(conn)
    return made


def copy_database(of: DatabaseSettings, copy: DatabaseSettings) -> None:
    """Create a database as another one is that nobody is connected to, replacing one of that name."""
    with closing(connect(replace(of, name=ADMINISTRATION))) as admin:
        admin.autocommit = True
        _drop(admin, copy.name)
        made, template = sql.Identifier(copy.name), sql.Identifier(of.name)
        _execute(admin, sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(made, template))


def drop_databases(server: DatabaseSettings, prefix: str) -> None:
    """Drop every database whose name begins with the prefix, whoever is connected to it."""
    with closing(connect(server)) as admin:
        admin.autocommit = True
        names = fetch(
            admin, "SELECT datname FROM pg_database WHERE starts_with(datname, %(prefix)s)", {"prefix": prefix}
        )
        for row in names:
            _drop(admin, row["datname"])


def empty_tables(conn: Connection, prefix: str = "", keep: Collection[str] = ()) -> None:
    """Empty the tables whose names begin so, but for those to keep. Only their owner can."""
    rows = fetch(conn, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    tables = [row["tablename"] for row in rows if row["tablename"].startswith(prefix) and row["tablename"] not in keep]
    refusing = [table for table in tables if table.startswith("evidence_")]
    with transaction(conn):
        for table in refusing:
            _execute(conn, _trigger(table, "DISABLE"))
        _execute(conn, sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(map(sql.Identifier, tables))))
        for table in refusing:
            _execute(conn, _trigger(table, "ENABLE ALWAYS"))


def exists(server: DatabaseSettings, name: str) -> bool:
    with closing(connect(server)) as admin:
        return bool(fetch(admin, "SELECT 1 FROM pg_database WHERE datname = %(name)s", {"name": name}))


def _trigger(table: str, what: str) -> sql.Composed:
    return sql.SQL("ALTER TABLE {} {} TRIGGER evidence_is_never_changed").format(sql.Identifier(table), sql.SQL(what))


def _drop(admin: Connection, name: str) -> None:
    _execute(admin, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _execute(conn: Connection, statement: sql.Composable) -> None:
    with conn.cursor() as cursor:
        cursor.execute(statement)
