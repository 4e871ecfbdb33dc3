"""A topic and a database for the time of a measurement, on the platform's own broker and server."""

import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

from kafka import KafkaAdminClient
from psycopg2 import sql

from config.config import DatabaseSettings, KafkaSettings
from database.db_helper import Connection, apply_schema, connect, transaction
from database.tables import Table

# Everything of this name is ours: what a killed benchmark left behind goes with the next one.
PREFIX = "bench-"


@contextmanager
def scratch_database(server: DatabaseSettings) -> Iterator[DatabaseSettings]:
    """An empty database with the platform's tables."""
    scratch = replace(server, name=f"{PREFIX}{uuid.uuid4().hex[:8]}")
    with closing(connect(server)) as admin:
        admin.autocommit = True
        _drop_databases(admin)
        _execute(admin, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(scratch.name)))
        try:
            with closing(connect(scratch)) as conn:
                apply_schema(conn)
            yield scratch
        finally:
            _drop_databases(admin)


@contextmanager
def scratch_topic(kafka: KafkaSettings) -> Iterator[str]:
    """A topic with as many partitions as the platform's own; the groups that read it go with it."""
    name = f"{PREFIX}{uuid.uuid4().hex[:8]}"
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers)
    try:
        _delete_topics(admin)
        layout = {"num_partitions": kafka.partitions, "replication_factor": kafka.replication}
        admin.create_topics({name: layout}, wait_for_metadata=True)
        yield name
    finally:
        _delete_topics(admin)
        admin.close()


def empty(database: DatabaseSettings, table: Table) -> None:
    with closing(connect(database)) as conn, transaction(conn):
        _execute(conn, sql.SQL("TRUNCATE {}").format(sql.Identifier(table.name)))


def count(database: DatabaseSettings, table: Table) -> int:
    with closing(connect(database)) as conn, conn.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT COUNT(*) FROM {}").format(sql.Identifier(table.name)))
        return int(cursor.fetchone()[0])  # type: ignore[index]


def _drop_databases(admin: Connection) -> None:
    with admin.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [PREFIX])
        names = [name for (name,) in cursor.fetchall()]
    for name in names:
        _execute(admin, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _execute(conn: Connection, statement: sql.Composable) -> None:
    with conn.cursor() as cursor:
        cursor.execute(statement)


def _delete_topics(admin: KafkaAdminClient) -> None:
    groups = [group["group_id"] for group in admin.list_groups() if group["group_id"].startswith(PREFIX)]
    if groups:
        admin.delete_groups(groups)
    topics = [topic for topic in admin.list_topics() if topic.startswith(PREFIX)]
    if topics:
        admin.delete_topics(topics)
