"""How far a consumer is behind its topic, from what its client knows. Nothing here sends a request to the broker."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

log = logging.getLogger(__name__)

EVERY_SECONDS = 15.0


@dataclass(frozen=True)
class Lag:
    """The lag of one partition.

    committed: offset of the next message to store
    end: offset of the next message to arrive
    """

    topic: str
    partition: int
    committed: int
    end: int


class LagMeter:
    """Reports the lag of all partitions every EVERY_SECONDS, and as soon as the topic is read to its end."""

    def __init__(
        self, consumer: Any, report: Callable[[list[Lag]], object], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._consumer = consumer
        self._report = report
        self._clock = clock
        self._reported_at = float("-inf")
        self._committed: dict[Any, int] = {}
        self._ends: Mapping[Any, int] = {}

    def committed(self, ends: Mapping[Any, int]) -> None:
        """Remember the offsets that were committed."""
        self._committed |= ends
        self._ends = {}

    def ends(self, ends: Mapping[Any, int]) -> None:
        """Remember where the broker says that partitions end: a client that gets nothing of them does not know."""
        self._ends = ends

    def look(self, is_idle: bool) -> None:
        """Report the lag if it is time, or if all that was read is committed and nothing more arrived (is_idle)."""
        now = self._clock()
        if now - self._reported_at >= EVERY_SECONDS or (is_idle and self._committed):
            self._reported_at = now
            try:
                self._report(self._measure(is_idle))
            except Exception as error:
                # In the middle of a rebalance the client may raise anything. Reading continues without a measurement.
                log.warning("the lag is not known: %s", error)
            if is_idle:
                self._committed.clear()

    def _measure(self, is_idle: bool) -> list[Lag]:
        """Return the lag of the assigned partitions, without those that were not read yet."""
        measured = []
        for partition in self._consumer.assignment():
            end, read = self._consumer.highwater(partition), self._consumer.position(partition, timeout_ms=0)
            if end is not None and read is not None:
                # The read position is also the committed one, except while a batch is being handled.
                committed = read if is_idle else self._committed.get(partition, read)
                told = self._ends.get(partition, end)
                measured.append(Lag(partition.topic, partition.partition, committed, max(end, told)))
        return sorted(measured, key=lambda lag: lag.partition)
