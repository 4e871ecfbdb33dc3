"""Who is told what a consumer does: nobody, or Prometheus."""

from collections.abc import Sequence

from config.config import MetricsSettings, Topic
from utils.lag import Lag


class Watch:
    """Is told what a consumer does. This one makes nothing of it."""

    def stored(self, rows: int, rejected: int) -> None:
        """Note what one transaction has stored."""

    def batch_ended(self, seconds: float) -> None:
        """Note that a batch is stored, and how long that took."""

    def behind(self, lags: Sequence[Lag]) -> None:
        """Note the lag of all partitions of this consumer."""


def watch_of(settings: MetricsSettings, topic: Topic) -> Watch:
    """Return the one who is told. With CONSUMER_METRICS_PORT it serves what it was told at once."""
    if not settings.consumer_port:
        return Watch()
    # Not imported by a consumer that nobody asks: it takes megabytes.
    from consumer.metrics import served

    return served(settings, topic)
