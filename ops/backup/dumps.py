"""PostgreSQL's own dumps: a database as of one moment, and a dump back into a database."""

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import IO

from psycopg2 import sql

from config.config import DatabaseSettings
from database.db_helper import Connection, connect, fetch
from database.queries import evidence
from ops.errors import CannotBackUp, CannotRestore
from ops.native.postgres import BINARIES

# What jobs write there counts only once it is published.
LEFT_OUT = "staging"
# gzip's middle: twice as fast as its default, and a few per cent larger.
COMPRESSION = "gzip:4"
TABLES = """
    SELECT schemaname, tablename FROM pg_tables
    WHERE schemaname !~ '^pg_' AND schemaname NOT IN ('information_schema', %(left_out)s)
    ORDER BY schemaname, tablename"""


def count_rows(conn: Connection) -> dict[str, int]:
    """Return how many rows each table has."""
    found = fetch(conn, TABLES, {"left_out": LEFT_OUT})
    return {row["tablename"]: _count(conn, row["schemaname"], row["tablename"]) for row in found}


def heads_of(conn: Connection) -> dict[str, tuple[int, str]]:
    """Return position and digest of the newest link of each chain. Before there was evidence there is none."""
    if not _is_there(conn, "to_regproc('evidence_heads')"):
        return {}
    return {head["chain"]: (head["position"], bytes(head["digest"]).hex()) for head in evidence.heads(conn)}


def newest_migration_of(conn: Connection) -> str:
    """Return the name of the newest migration that a database has had. 0.1.0 had none."""
    if not _is_there(conn, "to_regclass('schema_migration')"):
        return "0000_version_0_1_0.sql"
    return str(fetch(conn, "SELECT name FROM schema_migration ORDER BY version DESC LIMIT 1")[0]["name"])


@contextmanager
def dumping(database: DatabaseSettings, snapshot: str) -> Iterator[IO[bytes]]:
    """Dump what an open transaction reads, whose snapshot is given, and return what the dump is read from."""
    command = [*_tool("pg_dump", database), f"--snapshot={snapshot}", "--format=custom", f"--compress={COMPRESSION}"]
    command += [f"--exclude-schema={LEFT_OUT}", "--lock-wait-timeout=60s"]
    with tempfile.TemporaryFile() as said:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, env=_environment(database)) as process:
            assert process.stdout is not None
            try:
                yield process.stdout
            except BaseException:
                process.kill()
                raise
        if process.returncode:
            raise CannotBackUp(f"the database {database.name} cannot be dumped: {_last_line(said)}")


@contextmanager
def restoring(database: DatabaseSettings) -> Iterator[IO[bytes]]:
    """Return what a dump is written to, and wait at the end until all of it is in the database, which is empty."""
    # Logins and their rights are not a database's: `apply_roles` gives them.
    command = [*_tool("pg_restore", database), "--exit-on-error", "--no-owner", "--no-acl", "--format=custom"]
    with tempfile.TemporaryFile() as said:
        with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=said, env=_environment(database)) as process:
            assert process.stdin is not None
            try:
                yield process.stdin
                process.stdin.close()
            except BrokenPipeError:
                pass  # it has ended before, and says why
            except BaseException:
                process.kill()
                raise
        if process.returncode:
            raise CannotRestore(f"the database {database.name} cannot be restored: {_last_line(said)}")


def analyze(database: DatabaseSettings) -> None:
    """Count what the planner of queries wants to know, which a dump does not have."""
    with closing(connect(database)) as conn:
        conn.autocommit = True
        with conn.cursor() as cursor:
            cursor.execute("ANALYZE")


def _is_there(conn: Connection, found: str) -> bool:
    return bool(fetch(conn, f"SELECT {found} IS NOT NULL AS is_there")[0]["is_there"])


def _count(conn: Connection, schema: str, table: str) -> int:
    query = sql.SQL("SELECT COUNT(*) AS rows FROM {}").format(sql.Identifier(schema, table))
    return int(fetch(conn, query)[0]["rows"])


def _tool(name: str, database: DatabaseSettings) -> Sequence[str]:
    place = [f"--host={database.host}", f"--port={database.port}", f"--dbname={database.name}"]
    return [str(BINARIES / name), *place, f"--username={database.user}", "--no-password"]


def _environment(database: DatabaseSettings) -> dict[str, str]:
    return {"PGPASSWORD": database.password, "PGCONNECT_TIMEOUT": "5", "LC_ALL": "C"}


def _last_line(said: IO[bytes]) -> str:
    said.seek(0)
    lines = said.read().decode(errors="replace").strip().splitlines()
    errors = [line for line in lines if "error:" in line] or lines
    return errors[0].partition("error:")[2].strip() or errors[0] if errors else "it ended without a word"
