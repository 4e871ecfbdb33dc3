"""Bring the database up to date, as its owner: `python -m database.migrate` applies the schema and the roles.

An empty database gets schema.sql. One with tables gets the files of migrations/ that it lacks, in their order. Both get
the last section of schema.sql, whose views, functions and triggers are made anew.
"""

import hashlib
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2.errors import LockNotAvailable

from config.config import Settings
from database.db_helper import Connection, connect, transaction
from database.roles import apply_roles
from utils.command_line import exit_code_of, require_no_arguments
from utils.errors import ActstockError

SCHEMA_FILE = Path(__file__).with_name("schema.sql")
MIGRATIONS = Path(__file__).with_name("migrations")
LAST_SECTION = "-- ── made anew by every migrate"
# Readers hold a table for seconds. Whoever holds it longer would make this, and all readers behind it, wait for good.
LOCK_TIMEOUT = "60s"


class SchemaError(ActstockError):
    """The database cannot be brought to this version, and is what it was."""

    retryable = False


@dataclass(frozen=True)
class Migration:
    """One file of migrations/."""

    version: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


def main(arguments: Sequence[str] | None = None) -> int:
    require_no_arguments(__doc__, arguments)
    return exit_code_of(_migrate)


def read_migrations(folder: Path = MIGRATIONS) -> list[Migration]:
    """Return the migrations in their order."""
    return [
        Migration(int(path.name.partition("_")[0]), path.name, path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob("*.sql"))
    ]


def apply_schema(conn: Connection, folder: Path = MIGRATIONS) -> list[str]:
    """Bring the database to the newest version and return the names of the migrations that this took.

    All of it is one transaction: whatever fails, the database stays as it was. Safe to repeat and to run from several
    processes at once.
    """
    known = read_migrations(folder)
    tables, last_section = _schema()
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('actstock schema'))")
        cursor.execute("SELECT set_config('lock_timeout', %s, TRUE)", (LOCK_TIMEOUT,))
        is_empty = not _exists(cursor, "collected_meta_etf")
        pending = _pending(conn, _applied(cursor), known)
        for name, text in [("schema.sql", tables)] if is_empty else [(each.name, each.text) for each in pending]:
            _execute(conn, cursor, name, text)
        _execute(conn, cursor, "schema.sql", last_section)
        _note(cursor, pending)
    return [] if is_empty else [each.name for each in pending]


def _migrate() -> None:
    settings = Settings.from_env().database
    with closing(connect(settings)) as conn:
        migrated = apply_schema(conn)
        roles = apply_roles(conn, os.environ)
    where = f"{settings.host}:{settings.port}/{settings.name}"
    print(
        f"{where}: schema applied; migrations: {', '.join(migrated) or 'none needed'}; "
        f"roles: {', '.join(roles) or 'none asked for'}"
    )


def _schema() -> tuple[str, str]:
    """Return the two parts of schema.sql: what an empty database gets, and what every database gets."""
    tables, heading, last_section = SCHEMA_FILE.read_text(encoding="utf-8").partition(LAST_SECTION)
    return tables, heading + last_section


def _exists(cursor: Any, table: str) -> bool:
    cursor.execute("SELECT to_regclass(%s) IS NOT NULL", (table,))
    return bool(cursor.fetchone()[0])


def _applied(cursor: Any) -> dict[int, tuple[str, str]]:
    """Return the name and the checksum of each migration that the database has had, by version."""
    if not _exists(cursor, "schema_migration"):
        return {}
    cursor.execute("SELECT version, name, checksum FROM schema_migration")
    return {version: (name, checksum) for version, name, checksum in cursor.fetchall()}


def _pending(
    conn: Connection, applied: Mapping[int, tuple[str, str]], known: Sequence[Migration]
) -> Sequence[Migration]:
    """Return the migrations to come. Raise SchemaError where those of the past are not the ones known here."""
    database = conn.info.dbname
    newer = sorted(applied.keys() - {each.version for each in known})
    if newer:
        raise SchemaError(
            f"the database {database} is newer than this version of the platform, which does not know "
            f"{applied[newer[-1]][0]}: start the version that made it, or a later one"
        )
    for each in known:
        if applied.get(each.version, (each.name, each.checksum)) != (each.name, each.checksum):
            raise SchemaError(
                f"{each.name} differs from migration {each.version} as the database {database} has had it: "
                "put the file back as it was, and make the change in a new one"
            )
    return [each for each in known if each.version not in applied]


def _execute(conn: Connection, cursor: Any, name: str, text: str) -> None:
    try:
        cursor.execute(text)
        # What waits for the end of the transaction is checked now: a table with such checks open cannot be altered.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    except psycopg2.Error as error:
        if conn.closed or not error.diag.message_primary:
            raise
        remedy = "stop the platform, which uses it" if isinstance(error, LockNotAvailable) else "correct what is named"
        raise SchemaError(
            f"{name} cannot be applied to the database {conn.info.dbname}: {error.diag.message_primary}; the database "
            f"is unchanged and works with the version that made it: {remedy}, then run python -m database.migrate"
        ) from None


def _note(cursor: Any, migrations: Sequence[Migration]) -> None:
    for each in migrations:
        cursor.execute(
            "INSERT INTO schema_migration (version, name, checksum) VALUES (%s, %s, %s)",
            (each.version, each.name, each.checksum),
        )


if __name__ == "__main__":
    sys.exit(main())
