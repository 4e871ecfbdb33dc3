"""Bars -> topic -> committed rows: each form of message, a plain consumer, and what our two halves could do alone."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from config.config import KafkaSettings, Settings
from ops.bench.readers import (
    Source,
    Stored,
    bare_client,
    bare_client_tuned,
    copy_and_merge,
    one_commit_a_row,
    ours,
    ours_without_evidence,
)
from ops.bench.report import Target, step, table
from ops.bench.rounds import ROUNDS, apart
from ops.bench.scratch import scratch_database, scratch_topics
from ops.bench.senders import FORMS, Sent, send
from ops.errors import RunFailed
from utils.kafka_utils import MAX_BATCH

ROWS = 100_000
# At a few hundred a second nobody wants to wait for more.
ROWS_ONE_BY_ONE = 2_000
# Rounds even out the load of others. A long measurement does that by itself.
ROWS_OF_ONE_ROUND = 1_000_000
# Where the halves were measured, more rows only take longer.
ROWS_OF_HALVES = 100_000
# What a row takes while it is measured: of both topics, and of the tables, indexes and evidence of one database.
BYTES_ON_TOPICS, BYTES_IN_DATABASE = 160, 1_400

SINGLE, RANGES = FORMS


@dataclass(frozen=True)
class Way:
    """One way from a topic to Postgres. form: of the messages that it reads; at_most: rows."""

    form: str
    read: Callable[[Source], Stored]
    at_most: int | None = None


WAYS = {
    "ours, single bars": Way(SINGLE, ours),
    "ours, ranges": Way(RANGES, ours),
    "ours, single bars without evidence": Way(SINGLE, ours_without_evidence),
    "ours, ranges without evidence": Way(RANGES, ours_without_evidence),
    "one commit a row": Way(SINGLE, one_commit_a_row, ROWS_ONE_BY_ONE),
    "COPY + merge alone": Way(SINGLE, copy_and_merge, ROWS_OF_HALVES),
    "the bare client polling": Way(SINGLE, bare_client, ROWS_OF_HALVES),
    "... with our settings": Way(SINGLE, bare_client_tuned, ROWS_OF_HALVES),
}
Round = tuple[Mapping[str, Sent], Mapping[str, Stored]]


def measure(settings: Settings, data: Path, rows: int = ROWS) -> list[Target]:
    """Measure both sides. data: the folder of the broker and the database."""
    require_space(rows, data)
    rounds = [_round(settings, rows) for _ in range(ROUNDS if rows < ROWS_OF_ONE_ROUND else 1)]
    sent = {form: _median([sent[form] for sent, _ in rounds]) for form in FORMS}
    stored = {way: _median([stored[way] for _, stored in rounds]) for way in WAYS}
    table(
        ("bars → acknowledged by the topic", "messages", "rows/s", "CPU of the producer, µs a row"),
        [
            (form, f"{rounds[0][0][form].messages:,}", f"{rate:,.0f}", f"{cpu:.1f}")
            for form, (rate, cpu) in sent.items()
        ],
    )
    table(
        ("topic → committed rows", "rows", "rows/s", "CPU of the consumer, µs a row", "of PostgreSQL"),
        [
            (
                name,
                f"{_rows_of(way, rows):,}",
                f"{stored[name][0]:,.0f}",
                f"{stored[name][1]:.1f}",
                f"{median(each[name].server_cpu for _, each in rounds):.1f}",
            )
            for name, way in WAYS.items()
        ],
    )
    return targets({form: rate for form, (rate, _) in sent.items()}, {name: rate for name, (rate, _) in stored.items()})


def targets(sent: Mapping[str, float], stored: Mapping[str, float]) -> list[Target]:
    single, ranges, bare = (stored[way] for way in ("ours, single bars", "ours, ranges", "the bare client polling"))
    plain, plain_ranges = (stored[f"ours, {form} without evidence"] for form in FORMS)
    return [
        Target("producer, ranges against single bars", sent[RANGES] / sent[SINGLE], 4, " times", digits=1),
        Target("consumer, ranges against single bars", ranges / single, 1.5, " times", digits=1),
        Target("consumer, ranges against single bars, without evidence", plain_ranges / plain, 1.5, " times", digits=1),
        Target("ours against ours without evidence", 100 * single / plain, 80, " %"),
        Target("ours against one commit a row", single / stored["one commit a row"], 50, " times"),
        Target("ours against the bare client polling", 100 * single / bare, 70, " %"),
    ]


def require_space(rows: int, data: Path) -> None:
    """Say what the rows need on the disk. Raise RunFailed when that is not free: nothing is sent then."""
    needed, free = rows * (BYTES_ON_TOPICS + BYTES_IN_DATABASE), shutil.disk_usage(data).free
    said = f"{rows:,} rows take about {_gigabytes(needed)} for a while, of {_gigabytes(free)} free in {data}"
    if needed > free:
        raise RunFailed(f"{said}: give fewer --rows, or make room")
    step(f"{said}. Stored in batches of {MAX_BATCH:,}; topics and databases go afterwards")


def _gigabytes(number: float) -> str:
    return f"{number / 1e9:,.1f} GB"


def _round(settings: Settings, rows: int) -> Round:
    """Send the rows in each form, and read them in each way into an empty database."""
    with scratch_topics(settings.kafka, len(FORMS)) as names:
        topics = dict(zip(FORMS, names, strict=True))
        sent = {form: _send(settings.kafka, topic, form, rows) for form, topic in topics.items()}
        stored = {}
        for name, way in WAYS.items():
            with scratch_database(settings.database) as database:
                source = Source(
                    settings.kafka, database, topics[way.form], _rows_of(way, rows), sent[way.form].messages
                )
                stored[name] = apart(way.read, source)
            step(f"{name}: {stored[name].rows_a_second:,.0f} rows/s")
    return sent, stored


def _send(kafka: KafkaSettings, topic: str, form: str, rows: int) -> Sent:
    sent = apart(send, kafka, topic, form, rows)
    step(f"{rows:,} bars on the topic {topic} as {form}: {sent.rows_a_second:,.0f} rows/s")
    return sent


def _rows_of(way: Way, rows: int) -> int:
    return min(rows, way.at_most or rows)


def _median(figures: Sequence[Sent] | Sequence[Stored]) -> tuple[float, float]:
    return median(each.rows_a_second for each in figures), median(each.cpu for each in figures)
