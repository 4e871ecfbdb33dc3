"""How far each consumer group is behind its topic, as it last said."""

from contract.pipeline import ConsumerLag
from database.db_helper import Connection, transaction
from database.queries.typed import fetch_as


def note(conn: Connection, group: str, topic: str, partition: int, committed: int, end: int) -> None:
    """Note a group's place on a partition: the offsets of the next message to store, and of the next one to come."""
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO logs_consumer_lag
                (consumer_group, topic, partition_id, committed_offset, end_offset, measured_at)
            VALUES (%(group)s, %(topic)s, %(partition)s, %(committed)s, %(end)s, clock_timestamp())
            ON CONFLICT (consumer_group, topic, partition_id) DO UPDATE SET
                committed_offset = EXCLUDED.committed_offset,
                end_offset = EXCLUDED.end_offset,
                measured_at = EXCLUDED.measured_at
            """,
            {"group": group, "topic": topic, "partition": partition, "committed": committed, "end": end},
        )


def newest(conn: Connection) -> list[ConsumerLag]:
    """Return the last measurement of every group and partition."""
    return fetch_as(
        conn,
        ConsumerLag,
        """
        SELECT consumer_group, topic, partition_id, committed_offset, end_offset, lag, measured_at
        FROM logs_consumer_lag
        ORDER BY consumer_group, topic, partition_id
        """,
    )
