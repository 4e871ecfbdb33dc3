"""Rejected messages: which wait to be looked at, and which were put back on their topic."""

from collections.abc import Sequence

from database.db_helper import Connection, Row, fetch, transaction


def waiting(conn: Connection, topic: str | None = None, ids: Sequence[int] | None = None) -> list[Row]:
    """Messages that were rejected and not replayed since, oldest first."""
    return fetch(
        conn,
        """
        SELECT id, topic, partition_id, kafka_offset, message_key, raw_value, error_msg, received_at
        FROM logs_consumer_error
        WHERE replayed_at IS NULL
          AND (%(topic)s::text IS NULL OR topic = %(topic)s)
          AND (%(ids)s::bigint[] IS NULL OR id = ANY(%(ids)s))
        ORDER BY id
        """,
        {"topic": topic, "ids": list(ids) if ids else None},
    )


def mark_replayed(conn: Connection, ids: Sequence[int]) -> None:
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute(
            "UPDATE logs_consumer_error SET replayed_at = clock_timestamp() WHERE id = ANY(%s)", (list(ids),)
        )
