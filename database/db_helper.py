"""Connections, reads and transactional writes."""

import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import itemgetter
from typing import Any, Protocol, cast

import msgspec
import psycopg2
from psycopg2 import extensions, extras, sql
from psycopg2.extensions import connection

from config.config import DatabaseSettings
from database.tables import Table
from utils.errors import DatabaseUnavailable
from utils.reasons import reason

CONNECT_TIMEOUT_SECONDS = 5

Connection = connection
Row = dict[str, Any]
Values = Sequence[Any]

# Each chunk hands the interpreter to other threads, and getting it back takes a while: few and large ones.
COPY_CHUNK_BYTES = 2**20

# str: for what JSON does not know, like NumPy's numbers.
_JSON = msgspec.json.Encoder(enc_hook=str)
_ESCAPE = re.compile(rb"\\(?:u....|.)")

_NUMERIC_AS_FLOAT = extensions.new_type(
    extensions.DECIMAL.values, "NUMERIC_AS_FLOAT", lambda text, _: None if text is None else float(text)
)


class Readable(Protocol):
    """What COPY reads from."""

    def read(self, size: int = -1, /) -> bytes: ...


class _OneTransaction(connection):
    """A connection whose transactions are all one, which ends with it."""

    def __enter__(self) -> "_OneTransaction":
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the transaction open."""


def connect(settings: DatabaseSettings, kind: type[Connection] = connection) -> Connection:
    """Return a connection in UTC that reads NUMERIC as float. DatabaseUnavailable says which server was tried."""
    try:
        conn = psycopg2.connect(
            host=settings.host,
            port=settings.port,
            dbname=settings.name,
            user=settings.user,
            password=settings.password,
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            options="-c timezone=UTC",
            connection_factory=kind,
        )
    except psycopg2.OperationalError as error:
        server = f"{settings.host}:{settings.port}/{settings.name}"
        raise DatabaseUnavailable(reason("database_unusable", server=server, error=_first_line(error))) from None
    extensions.register_type(_NUMERIC_AS_FLOAT, conn)
    return conn


@contextmanager
def transaction(conn: Connection) -> Iterator[None]:
    """Commit at the end, or roll back on an error. A lost connection becomes DatabaseUnavailable."""
    try:
        with conn:
            yield
    except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
        # The rollback of a lost connection only says that it is closed. What ended it came before.
        lost = error.__context__ if isinstance(error.__context__, psycopg2.OperationalError) else error
        raise DatabaseUnavailable(reason("database_gone", error=_first_line(lost))) from None


@contextmanager
def held_alone(conn: Connection, name: str) -> Iterator[None]:
    """Hold a name that one connection at a time can have. Others wait. It ends with the connection at the latest."""
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtext(%s))", (name,))
    try:
        yield
    finally:
        if not conn.closed:  # else the lock went with it, and why is on its way
            with transaction(conn), conn.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtext(%s))", (name,))


@contextmanager
def reading_at_once(settings: DatabaseSettings) -> Iterator[tuple[Connection, str]]:
    """Return a connection that reads everything as of one moment, and the name by which other sessions take part."""
    conn = connect(settings, _OneTransaction)
    try:
        conn.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with conn.cursor() as cursor:
            cursor.execute("SELECT pg_export_snapshot()")
            [(snapshot,)] = cursor.fetchall()
        yield conn, snapshot
    finally:
        conn.close()


@contextmanager
def reading_as_of(settings: DatabaseSettings, snapshot: str) -> Iterator[Connection]:
    """Return a connection that reads what another one reads at once (`reading_at_once`), as long as that is open."""
    conn = connect(settings, _OneTransaction)
    try:
        conn.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with conn.cursor() as cursor:
            cursor.execute("SET TRANSACTION SNAPSHOT %s", (snapshot,))
        yield conn
    finally:
        conn.close()


@contextmanager
def one_transaction(conn: Connection) -> Iterator[Connection]:
    """Read several queries in one transaction: one for each would ask the server three times as often."""
    with transaction(conn):
        yield cast(Connection, _Joined(conn))


class _Joined:
    """Stands for a connection inside a transaction. What would begin one joins it, and ends nothing."""

    def __init__(self, conn: Connection) -> None:
        self.cursor = conn.cursor

    def __enter__(self) -> "_Joined":
        return self

    def __exit__(self, *_: object) -> None:
        pass


def fetch(conn: Connection, query: str | sql.Composable, params: Mapping[str, Any] | None = None) -> list[Row]:
    """Return the rows of a query as dicts, in a transaction of its own."""
    with transaction(conn), conn.cursor(cursor_factory=extras.RealDictCursor) as cursor:
        cursor.execute(query, params)
        return [dict(row) for row in cursor.fetchall()]


def upsert(conn: Connection, table: Table, rows: Iterable[Values], newest_by: str | None = None) -> int:
    """Insert or update rows (values in `table.columns` order) inside the caller's transaction.

    Of several rows with one key the last one counts. With `newest_by` the row with the highest value in that column
    counts, the stored row included, so that old messages can be read again.
    """
    return prepared_upsert(table, rows, newest_by)(conn)


def prepared_upsert(table: Table, rows: Iterable[Values], newest_by: str | None = None) -> Callable[[Connection], int]:
    """Do what an upsert can do without the database, and return the rest of it."""
    key_of = itemgetter(*(table.columns.index(column) for column in table.key))
    if newest_by:
        rows = sorted(rows, key=itemgetter(table.columns.index(newest_by)))
    by_key = {key_of(row): row for row in rows}
    count, lines = len(by_key), _to_csv(by_key.values())

    def upsert(conn: Connection) -> int:
        if count:
            with conn.cursor() as cursor, _staged(cursor, table, lines) as staging:
                cursor.execute(_merge(table, staging, newest_by))
        return count

    return upsert


def merge_partition(conn: Connection, table: Table, partition: Mapping[str, Any], rows: Sequence[Values]) -> int:
    """Make `rows` the only ones of a partition, which is given as column -> value, and touch no other row twice.

    Runs inside the caller's transaction. So the versions of the table have what has changed, and nothing else.
    """
    conditions = sql.SQL(" AND ").join(sql.SQL("{} = %s").format(sql.Identifier(column)) for column in partition)
    with conn.cursor() as cursor, _staged(cursor, table, _to_csv(rows)) as staging:
        cursor.execute(
            sql.SQL("DELETE FROM {table} WHERE {conditions} AND ({key}) NOT IN (SELECT {key} FROM {staging})").format(
                table=sql.Identifier(table.name), conditions=conditions, key=identifiers(table.key), staging=staging
            ),
            list(partition.values()),
        )
        cursor.execute(_merge(table, staging, None))
    return len(rows)


def replace_partition(conn: Connection, table: Table, partition: Mapping[str, Any], rows: Sequence[Values]) -> int:
    """Make `rows` the only ones of a partition, which is given as column -> value or list of values.

    Runs inside the caller's transaction.
    """
    with conn.cursor() as cursor:
        _delete(cursor, table, partition)
        copy_rows(cursor, sql.Identifier(table.name), table, rows)
    return len(rows)


def copy_rows(cursor: Any, into: sql.Identifier, table: Table, rows: Iterable[Values]) -> None:
    """Add rows of a table to it, or to another one with its columns. Runs inside the caller's transaction."""
    _copy(cursor, into, table.columns, _to_csv(map(_with_arrays, rows)))


def replace_partition_from(conn: Connection, table: Table, partition: Mapping[str, Any], other: sql.Identifier) -> None:
    """Make the rows of another table, which has the same columns, the only ones of a partition.

    Runs inside the caller's transaction.
    """
    with conn.cursor() as cursor:
        _delete(cursor, table, partition)
        cursor.execute(
            sql.SQL("INSERT INTO {table} ({columns}) SELECT {columns} FROM {other}").format(
                table=sql.Identifier(table.name), columns=identifiers(table.columns), other=other
            )
        )


def _delete(cursor: Any, table: Table, partition: Mapping[str, Any]) -> None:
    conditions = sql.SQL(" AND ").join(
        sql.SQL("{} = ANY(%s)" if isinstance(value, list) else "{} = %s").format(sql.Identifier(column))
        for column, value in partition.items()
    )
    cursor.execute(
        sql.SQL("DELETE FROM {} WHERE {}").format(sql.Identifier(table.name), conditions), list(partition.values())
    )


@contextmanager
def _staged(cursor: Any, table: Table, lines: bytes) -> Iterator[sql.Identifier]:
    """Put rows (CSV) into a temporary table and empty it afterwards. Digests are still hexadecimal texts there."""
    staging = sql.Identifier(f"staging_{table.name}")
    columns = (
        sql.SQL("NULL::text AS {}" if _is_digest(name) else "{}").format(sql.Identifier(name)) for name in table.columns
    )
    cursor.execute(
        sql.SQL("CREATE TEMP TABLE IF NOT EXISTS {} ON COMMIT DELETE ROWS AS SELECT {} FROM {} WITH NO DATA").format(
            staging, sql.SQL(", ").join(columns), sql.Identifier(table.name)
        )
    )
    _copy(cursor, staging, table.columns, lines)
    yield staging
    cursor.execute(sql.SQL("TRUNCATE {}").format(staging))


def _is_digest(column: str) -> bool:
    return column.endswith("_digest")


def _copy(cursor: Any, table: sql.Identifier, columns: Sequence[str], lines: bytes) -> None:
    copy_csv(cursor, table, columns, io.BytesIO(lines))


def copy_csv(cursor: Any, table: sql.Identifier, columns: Sequence[str], file: Readable) -> None:
    """Add the rows of a file of CSV, with null for NULL, to a table. Runs inside the caller's transaction."""
    query = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv, NULL 'null', ENCODING 'UTF8')").format(
        table, identifiers(columns)
    )
    cursor.copy_expert(query, file, size=COPY_CHUNK_BYTES)


def _to_csv(rows: Iterable[Values]) -> bytes:
    r"""Return the rows as CSV, with null for NaN.

    They are written as JSON arrays, which without their brackets are CSV except for the escapes in texts. The csv
    module takes nine times as long, because it makes a Python text of every float and time.

    >>> _to_csv([("NVDA", 1.5, None), (r"a\b", 2, True)])
    b'"NVDA",1.5,null\n"a\\b",2,true'
    """
    lines = _JSON.encode_lines(rows)[1:-2].replace(b"]\n[", b"\n")
    return _ESCAPE.sub(_unescape, lines) if b"\\" in lines else lines


def _unescape(escape: re.Match[bytes]) -> bytes:
    """Return the character that a JSON escape stands for, as CSV writes it."""
    return b'""' if escape[0] == b'\\"' else json.loads(b'"' + escape[0] + b'"').encode()


def _with_arrays(row: Values) -> Values:
    """Return the row with its lists written as PostgreSQL writes arrays.

    >>> _with_arrays(("NVDA", ["QQQ", "SPY"], [5, 20]))
    ['NVDA', '{QQQ,SPY}', '{5,20}']
    """
    return ["{" + ",".join(map(str, value)) + "}" if isinstance(value, list | tuple) else value for value in row]


def _merge(table: Table, staging: sql.Identifier, newest_by: str | None) -> sql.Composed:
    assignments = sql.SQL(", ").join(
        sql.SQL("{0} = EXCLUDED.{0}").format(sql.Identifier(name)) for name in table.values
    )
    newer = sql.SQL(" WHERE EXCLUDED.{0} >= stored.{0}").format(sql.Identifier(newest_by or ""))
    return sql.SQL(
        "INSERT INTO {table} AS stored ({columns}) SELECT {staged} FROM {staging}"
        " ON CONFLICT ({key}) DO UPDATE SET {assignments}{guard}"
    ).format(
        table=sql.Identifier(table.name),
        columns=identifiers(table.columns),
        staged=sql.SQL(", ").join(
            sql.SQL("decode({}, 'hex')" if _is_digest(name) else "{}").format(sql.Identifier(name))
            for name in table.columns
        ),
        staging=staging,
        key=identifiers(table.key),
        assignments=assignments,
        guard=newer if newest_by else sql.SQL(""),
    )


def identifiers(columns: Sequence[str]) -> sql.Composed:
    """Return columns as a list of SQL."""
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].partition(" failed: ")[2] or lines[0] if lines else type(error).__name__
