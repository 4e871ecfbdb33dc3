"""Who is told what a consumer does: nobody, Prometheus, or whoever looks at a file."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from config.config import MetricsSettings, Topic
from utils.lag import Lag

BEAT_SECONDS = 5.0


class Watch:
    """Is told what a consumer does. This one makes nothing of it."""

    def stored(self, rows: int, rejected: int) -> None:
        """Note what one transaction has stored."""

    def batch_ended(self, seconds: float) -> None:
        """Note that a batch is stored, and how long that took."""

    def behind(self, lags: Sequence[Lag]) -> None:
        """Note the lag of all partitions of this consumer."""


class Heartbeat:
    """Touches a file while a consumer is at work, and takes it away while it waits: health checks look at it."""

    def __init__(self, file: Path | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._file = file
        self._clock = clock
        self._beat_at = float("-inf")

    def beat(self, is_at_work: bool) -> None:
        """Touch the file, if there is to be one and the last time is BEAT_SECONDS ago. Take it away while waiting."""
        now = self._clock()
        if self._file and not is_at_work:
            self._file.unlink(missing_ok=True)
            self._beat_at = float("-inf")
        elif self._file and now - self._beat_at >= BEAT_SECONDS:
            self._file.touch()
            self._beat_at = now


def watch_of(settings: MetricsSettings, topic: Topic) -> Watch:
    """Return the one who is told. With CONSUMER_METRICS_PORT it serves what it was told at once."""
    if not settings.consumer_port:
        return Watch()
    # Not imported by a consumer that nobody asks: it takes megabytes.
    from consumer.metrics import served

    return served(settings, topic)
