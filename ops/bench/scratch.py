"""Topics and a database for the time of a measurement, on the platform's own broker and server."""

import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager

from psycopg2 import sql

from config.config import DatabaseSettings, KafkaSettings
from database.db_helper import connect
from database.tables import Table
from ops.databases import create_database, drop_databases
from utils.kafka_utils import admin_client, delete_topics

# Everything of this name is ours: what a killed benchmark left behind goes with the next one.
PREFIX = "bench-"


@contextmanager
def scratch_database(server: DatabaseSettings) -> Iterator[DatabaseSettings]:
    """Make an empty database with the platform's tables, and drop it afterwards."""
    drop_databases(server, PREFIX)
    try:
        yield create_database(server, f"{PREFIX}{uuid.uuid4().hex[:8]}")
    finally:
        drop_databases(server, PREFIX)


@contextmanager
def scratch_topics(kafka: KafkaSettings, count: int) -> Iterator[list[str]]:
    """Make topics with the platform's number of partitions. They go afterwards, with the groups that read them."""
    names = [f"{PREFIX}{uuid.uuid4().hex[:8]}" for _ in range(count)]
    delete_topics(kafka, PREFIX)
    try:
        layout = {"num_partitions": kafka.partitions, "replication_factor": kafka.replication}
        with admin_client(kafka) as admin:
            admin.create_topics(dict.fromkeys(names, layout), wait_for_metadata=True)
        yield names
    finally:
        delete_topics(kafka, PREFIX)


def count(database: DatabaseSettings, table: Table) -> int:
    with closing(connect(database)) as conn, conn.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT COUNT(*) FROM {}").format(sql.Identifier(table.name)))
        return int(cursor.fetchone()[0])  # type: ignore[index]
