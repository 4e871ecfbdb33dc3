"""Topic -> committed rows a second: the product's consumer, the plain one, and what its two halves could do alone."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from config.config import Settings
from database.tables import DAILY_ETF_OHLC
from ops.bench.bars import bars
from ops.bench.readers import Source, bare_client, bare_client_tuned, copy_and_merge, one_commit_a_row, ours
from ops.bench.report import Target, step, table
from ops.bench.rounds import apart, interleaved, medians
from ops.bench.scratch import empty, scratch_database, scratch_topic
from utils.kafka_utils import MAX_BATCH, publisher
from utils.messages import to_json

ROWS = 100_000
# At a few hundred a second nobody wants to wait for more.
ROWS_ONE_BY_ONE = 2_000

Way = Callable[[Source], float]
WAYS: dict[str, Way] = {
    "ours": ours,
    "one commit a row": one_commit_a_row,
    "COPY + merge alone": copy_and_merge,
    "the bare client polling": bare_client,
    "... with our settings": bare_client_tuned,
}


def measure(settings: Settings, rows: int = ROWS) -> list[Target]:
    with scratch_database(settings.database) as database, scratch_topic(settings.kafka) as topic:
        source = Source(settings.kafka, database, topic, rows)
        _fill(source)
        results = interleaved(
            {
                name: partial(_on_empty_table, way, replace(source, rows=rows_of(name, rows)))
                for name, way in WAYS.items()
            },
            show=lambda rate: f"{rate:,.0f} rows/s",
        )
    rates = medians(results)
    table(
        ("topic → committed rows", "rows", "rows/s (median)", "ours is"),
        [
            (name, f"{rows_of(name, rows):,}", f"{rate:,.0f}", f"{rates['ours'] / rate:.2f} times that")
            for name, rate in rates.items()
        ],
    )
    return targets(rates)


def targets(rates: dict[str, float]) -> list[Target]:
    return [
        Target("ours against one commit a row", rates["ours"] / rates["one commit a row"], 50, " times"),
        Target(
            "ours against the bare client polling", 100 * rates["ours"] / rates["the bare client polling"], 70, " %"
        ),
    ]


def rows_of(way: str, rows: int) -> int:
    return min(rows, ROWS_ONE_BY_ONE) if way == "one commit a row" else rows


def _fill(source: Source) -> None:
    began = time.monotonic()
    with publisher(source.kafka) as kafka:
        for bar in bars(source.rows):
            kafka.send_raw(source.topic, bar.key.encode(), to_json(bar))
        ends = kafka.wait()
    seconds = time.monotonic() - began
    step(
        f"{source.rows:,} daily bars on the topic {source.topic} ({len(ends[source.topic])} partitions), "
        f"sent in {seconds:.0f} s; stored in batches of {MAX_BATCH:,}"
    )


def _on_empty_table(way: Way, source: Source) -> float:
    empty(source.database, DAILY_ETF_OHLC)
    return apart(way, source)
