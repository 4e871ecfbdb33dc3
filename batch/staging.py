"""Rows that a wide job's executors write: each partition by one COPY, into a table of which nobody else knows.

The driver holds none of them. One transaction of its own makes them visible, with all that belongs to them
(`batch.publishing`). A task that fails leaves nothing, because its COPY is one transaction. One that is repeated after
it has written would give rows twice: the published table's key refuses them, and nothing is published.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pyspark.sql.functions as F
from psycopg2 import sql
from pyspark import RDD
from pyspark.serializers import UTF8Deserializer
from pyspark.sql import Column, DataFrame

from config.config import DatabaseSettings
from database.db_helper import Connection, connect, copy_csv, fetch, transaction
from database.roles import STAGING
from database.tables import Table

if TYPE_CHECKING:
    from batch.runner import Job

LINES_AT_ONCE = 5_000


@dataclass(frozen=True)
class Staged:
    """A table of staged rows, with the columns of the one that they are for."""

    name: str
    row_count: int

    @property
    def identifier(self) -> sql.Identifier:
        return sql.Identifier(STAGING, self.name)


@contextmanager
def staged(
    job: "Job", table: Table, frame: DataFrame, more: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Staged]:
    """Let the executors write a frame's rows, and return the table that holds them until the end.

    frame: has the table's columns; texts of JSON for those of JSONB
    more: further columns that are staged and not published, with their types
    """
    with staging_table(job, table, more) as name:
        yield Staged(name, _write(job.database, name, [*table.columns, *more], frame))


@contextmanager
def staging_table(job: "Job", table: Table, more: Mapping[str, str] = MappingProxyType({})) -> Iterator[str]:
    """Make an empty table for rows of another one, and return its name until the end."""
    conn = job.writer or job.conn
    name = f"{table.name}_{uuid.uuid4().hex[:16]}"  # PostgreSQL cuts names off after 63 characters.
    _create(conn, name, table, more)
    try:
        yield name
    finally:
        _drop(conn, name)


def _create(conn: Connection, name: str, table: Table, more: Mapping[str, str]) -> None:
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute("SELECT to_regnamespace(%s)", (STAGING,))
        if cursor.fetchone() == (None,):
            cursor.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(STAGING)))
        cursor.execute("SELECT pg_advisory_lock(hashtext(%s))", (name,))
        # What is not published yet need not survive a crash of the server.
        cursor.execute(
            sql.SQL("CREATE UNLOGGED TABLE {} (LIKE {}{})").format(
                sql.Identifier(STAGING, name),
                sql.Identifier(table.name),
                sql.SQL("").join(sql.SQL(", {} " + kind).format(sql.Identifier(each)) for each, kind in more.items()),
            )
        )
    _drop_left_behind(conn)


def _drop_left_behind(conn: Connection) -> None:
    """Drop what jobs have left here that were killed: the lock of a living one is held."""
    tables = fetch(
        conn,
        "SELECT tablename FROM pg_tables WHERE schemaname = %(schema)s AND tableowner = current_user "
        "AND NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND "
        "(classid::bigint << 32 | objid::bigint) = hashtext(tablename))",
        {"schema": STAGING},
    )
    for row in tables:
        _drop_table(conn, row["tablename"])


def _drop(conn: Connection, name: str) -> None:
    if conn.closed:
        return  # The table goes with the next wide job.
    _drop_table(conn, name)
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(hashtext(%s))", (name,))


def _drop_table(conn: Connection, name: str) -> None:
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(STAGING, name)))


def _write(database: DatabaseSettings, name: str, columns: Sequence[str], frame: DataFrame) -> int:
    """Write the rows from the executors, and return how many there are."""

    def copy(lines: Iterable[bytes]) -> Iterator[int]:
        feed = _Lines(lines)
        with closing(connect(database)) as conn, transaction(conn), conn.cursor() as cursor:
            copy_csv(cursor, sql.Identifier(STAGING, name), columns, feed)
        yield feed.count

    return int(_texts(frame.select(csv_line(frame, columns))).mapPartitions(copy).sum())


def _texts(lines: DataFrame) -> "RDD[bytes]":
    """Return a frame of one text column as bytes, which Python workers read without making rows of them."""
    spark = lines.sparkSession
    jvm: Any = spark._jvm
    strings = getattr(lines._jdf, "as")(jvm.org.apache.spark.sql.Encoders.STRING())
    return RDD(strings.toJavaRDD(), spark.sparkContext, UTF8Deserializer(use_unicode=False))  # type: ignore[no-untyped-call]


class _Lines:
    """A file of lines for COPY, and how many there were."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = iter(lines)
        self.count = 0

    def read(self, _: int = -1) -> bytes:
        some = list(islice(self._lines, LINES_AT_ONCE))
        self.count += len(some)
        return b"\n".join(some) + b"\n" if some else b""


def csv_line(frame: DataFrame, columns: Iterable[str]) -> Column:
    """Return a row as a line of CSV, as `database.db_helper` writes it: null for NULL and NaN, texts in quotes."""
    types = dict(frame.dtypes)
    cells = (F.coalesce(_cell(F.col(name), types[name]), F.lit("null")) for name in columns)
    return F.concat_ws(",", *cells)


def _cell(value: Column, kind: str) -> Column:
    quote = F.lit('"')
    if kind == "string":
        return F.concat(quote, F.replace(value, quote, F.lit('""')), quote)
    if kind.startswith("array"):
        return F.concat(F.lit('"{'), F.array_join(value, ","), F.lit('}"'))
    return (F.when(~F.isnan(value), value) if kind in ("double", "float") else value).cast("string")
