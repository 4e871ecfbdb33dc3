"""The API's connections to Postgres: pooled, checked before use, read-only but for what says that it writes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import psycopg2
from sqlalchemy import create_engine
from sqlalchemy.exc import TimeoutError as NoneFree
from sqlalchemy.pool import QueuePool

from config.config import DatabaseSettings
from database.db_helper import Connection, connect, one_transaction
from utils.errors import DatabaseUnavailable
from utils.reasons import reason

SIZE = 5
OVERFLOW = 5
WAIT_SECONDS = 3.0
STATEMENT_TIMEOUT = "5s"

Answer = TypeVar("Answer")


class ReaderPool:
    """Hands out connections; whatever is wrong with the database becomes DatabaseUnavailable."""

    limit = SIZE + OVERFLOW

    def __init__(self, settings: DatabaseSettings) -> None:
        self._engine = create_engine(
            "postgresql+psycopg2://",
            creator=lambda: _connect_reader(settings),
            pool_pre_ping=True,
            pool_size=SIZE,
            max_overflow=OVERFLOW,
            pool_timeout=WAIT_SECONDS,
        )

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        try:
            pooled = self._engine.raw_connection()
        except NoneFree:
            raise DatabaseUnavailable(reason("no_connection_free", seconds=WAIT_SECONDS)) from None
        try:
            yield pooled.driver_connection  # type: ignore[misc]
        except DatabaseUnavailable:
            pooled.invalidate()
            raise
        except psycopg2.errors.UndefinedTable as error:
            table = str(error).split('"')[1]
            raise DatabaseUnavailable(reason("table_missing", table=table)) from None
        except psycopg2.errors.UndefinedColumn as error:
            told = str(error).splitlines()[0]
            raise DatabaseUnavailable(reason("tables_too_old", error=told)) from None
        finally:
            pooled.close()

    def read(self, query: Callable[[Connection], Answer]) -> Answer:
        with self.connection() as conn:
            return query(conn)

    def write(self, change: Callable[[Connection], Answer]) -> Answer:
        """Make a change in a transaction of its own. What it may be is what the login has been granted."""
        with self.connection() as conn, one_transaction(conn) as writing:
            with writing.cursor() as cursor:
                cursor.execute("SET TRANSACTION READ WRITE")
            return change(writing)

    @property
    def in_use(self) -> int:
        """The number of connections that are handed out."""
        pool = self._engine.pool
        return pool.checkedout() if isinstance(pool, QueuePool) else 0

    def close(self) -> None:
        self._engine.dispose()


def _connect_reader(settings: DatabaseSettings) -> Connection:
    conn = connect(settings)
    with conn, conn.cursor() as cursor:
        cursor.execute("SET statement_timeout = %s", (STATEMENT_TIMEOUT,))
    conn.set_session(readonly=True)
    return conn
