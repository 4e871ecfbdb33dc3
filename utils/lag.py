"""How far a consumer is behind its topic, as it knows by itself: nothing here asks the broker for it."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

log = logging.getLogger(__name__)

EVERY_SECONDS = 15.0


@dataclass(frozen=True)
class Lag:
    """Of one partition: the offsets of the next message to store, and of the next one to come."""

    topic: str
    partition: int
    committed: int
    end: int


class LagMeter:
    """Tells the lag of all partitions every EVERY_SECONDS, and as soon as the topic is read to its end."""

    def __init__(
        self, consumer: Any, tell: Callable[[list[Lag]], object], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._consumer = consumer
        self._tell = tell
        self._clock = clock
        self._told_at = float("-inf")
        self._committed: dict[Any, int] = {}

    def committed(self, ends: Mapping[Any, int]) -> None:
        self._committed |= ends

    def look(self, is_idle: bool) -> None:
        """is_idle: everything that was read is committed, and nothing more came."""
        now = self._clock()
        if now - self._told_at >= EVERY_SECONDS or (is_idle and self._committed):
            self._told_at = now
            try:
                self._tell(self._measure(is_idle))
            except Exception as error:
                # The client may say anything in the middle of a rebalance; reading goes on without a measurement.
                log.warning("the lag is not known: %s", error)
            if is_idle:
                self._committed.clear()

    def _measure(self, is_idle: bool) -> list[Lag]:
        """What was read is what is committed, except while a batch is in work; nothing of a partition not read yet."""
        measured = []
        for partition in self._consumer.assignment():
            end, read = self._consumer.highwater(partition), self._consumer.position(partition, timeout_ms=0)
            if end is not None and read is not None:
                committed = read if is_idle else self._committed.get(partition, read)
                measured.append(Lag(partition.topic, partition.partition, committed, end))
        return sorted(measured, key=lambda lag: lag.partition)
