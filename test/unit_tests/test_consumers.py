"""The consuming loop against a hand-written broker and database: what is committed when."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import pytest

from utils.errors import DatabaseUnavailable
from utils.kafka_utils import pump


@dataclass(frozen=True)
class FakeRecord:
    offset: int
    topic: str = "t"
    partition: int = 0
    key: bytes | None = b"SPY"
    value: bytes | None = b"{}"


@dataclass
class FakeConsumer:
    """Hands out batches and remembers commits, as the real client would."""

    batches: deque[list[FakeRecord]]
    committed: list[int] = field(default_factory=list)

    def poll(self, timeout_ms: int = 0) -> dict[str, list[FakeRecord]]:
        return {"t-0": self.batches.popleft()} if self.batches and timeout_ms != -1 else {}

    def commit(self, offsets: dict[Any, Any]) -> None:
        self.committed += [meta.offset for meta in offsets.values()]

    def assignment(self) -> set[str]:
        return {"t-0"}

    def pause(self, *partitions: str) -> None:
        self.held, self.batches = self.batches, deque()

    def resume(self, *partitions: str) -> None:
        self.batches = self.held


def done(handle: Callable[[list[Any]], None]) -> Callable[[list[Any]], "Future[None]"]:
    def start(batch: list[Any]) -> "Future[None]":
        work: Future[None] = Future()
        try:
            handle(batch)
            work.set_result(None)
        except Exception as error:
            work.set_exception(error)
        return work

    return start


def run(consumer: FakeConsumer, handle: Callable[[list[Any]], None]) -> None:
    pump(consumer, done(handle), lambda: not consumer.batches)


def batches(*sizes: int) -> deque[list[FakeRecord]]:
    offsets = iter(range(100))
    return deque([FakeRecord(next(offsets)) for _ in range(size)] for size in sizes)


def test_each_batch_is_committed_after_it_was_handled() -> None:
    consumer, events = FakeConsumer(batches(2, 3)), []

    run(consumer, lambda batch: events.append((len(batch), list(consumer.committed))))

    assert consumer.committed == [2, 5]
    assert events[0] == (2, []), "nothing is committed before the first batch is stored"
    assert 5 not in events[1][1], "nor the second before it is"


def test_mistake_9_an_unexpected_error_stops_the_process_with_the_offset_where_it_was() -> None:
    consumer = FakeConsumer(batches(2, 3))

    def fail(batch: list[Any]) -> None:
        raise RuntimeError("disk on fire")

    with pytest.raises(RuntimeError, match="disk on fire"):
        run(consumer, fail)
    assert consumer.committed == []


def test_mistake_9_a_database_outage_holds_the_offset_and_loses_nothing() -> None:
    consumer, stored, failures = FakeConsumer(batches(2, 3)), [], iter([True, True, False, False])

    def store(batch: list[FakeRecord]) -> None:
        if next(failures):
            assert consumer.committed == []
            raise DatabaseUnavailable("PostgreSQL went away")
        stored.extend(record.offset for record in batch)

    pump(consumer, done(store), lambda: not consumer.batches)

    assert stored == [0, 1, 2, 3, 4]
    assert consumer.committed == [2, 5]
