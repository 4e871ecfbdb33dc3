"""Databases beside the platform's own, on the same server: for a measurement, for a replay."""

from contextlib import closing
from dataclasses import replace

from psycopg2 import sql

from config.config import DatabaseSettings
from database.db_helper import Connection, connect, fetch
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


def exists(server: DatabaseSettings, name: str) -> bool:
    with closing(connect(server)) as admin:
        return bool(fetch(admin, "SELECT 1 FROM pg_database WHERE datname = %(name)s", {"name": name}))


def _drop(admin: Connection, name: str) -> None:
    _execute(admin, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _execute(conn: Connection, statement: sql.Composable) -> None:
    with conn.cursor() as cursor:
        cursor.execute(statement)
