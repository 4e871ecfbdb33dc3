"""Rejected messages: which wait to be looked at, and which were put back on their topic."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from database.db_helper import Connection, Row, fetch, transaction
from database.queries.reasons import sql_reason

# A message that was rejected by a version without reasons has its text alone.
REASON = f"COALESCE(reason, jsonb_build_array({sql_reason('text', text='error_msg')}))"


class BarsRecord(NamedTuple):
    """Where a message about bars stands on its topic. A topic that was made anew counts its offsets afresh."""

    ticker: str
    sessions: Sequence[date]
    record_time: int
    kafka_offset: int


def waiting(conn: Connection, topic: str | None = None, ids: Sequence[int] | None = None) -> list[Row]:
    """Return messages that were rejected and not closed since, oldest first."""
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


def mark_accepted(conn: Connection, accepted: Mapping[int, str]) -> None:
    """Close rejections that a person has looked at, each with the message that was sent instead."""
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute(
            """
            UPDATE logs_consumer_error AS rejected
            SET replayed_at = clock_timestamp(), raw_value = accepted.raw_value
            FROM UNNEST(%s::bigint[], %s::text[]) AS accepted (id, raw_value)
            WHERE rejected.id = accepted.id
            """,
            (list(accepted), list(accepted.values())),
        )


def close_older(conn: Connection, topic: str, later: Iterable[BarsRecord]) -> int:
    """Close the rejections of bars of which something later has been read; inside the caller's transaction.

    What was read later counts by its place on the topic, so that reading a batch twice closes nothing else.
    """
    with conn.cursor() as cursor:
        cursor.execute(
            """
            SELECT id, ticker, trade_date, record_time, kafka_offset
            FROM logs_consumer_error
            WHERE topic = %s AND replayed_at IS NULL AND trade_date IS NOT NULL
            """,
            (topic,),
        )
        waiting = cursor.fetchall()
        if not waiting:
            return 0
        newest: dict[tuple[str, date], tuple[int, int]] = {}
        for ticker, sessions, time, offset in later:
            for session in sessions:
                newest[ticker, session] = max(newest.get((ticker, session), (0, 0)), (time, offset))
        closed = [number for number, *bar, time, offset in waiting if (time, offset) < newest.get(tuple(bar), (0, 0))]
        cursor.execute("UPDATE logs_consumer_error SET replayed_at = clock_timestamp() WHERE id = ANY(%s)", (closed,))
        return len(closed)
