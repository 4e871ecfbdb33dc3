"""What a consumer tells Prometheus, on a port of its own that is off unless CONSUMER_METRICS_PORT names it."""

import logging
import time
from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector, start_http_server

from config.config import MetricsSettings, Topic
from consumer.watch import Watch
from utils.lag import Lag

log = logging.getLogger(__name__)


class ConsumerMetrics(Watch):
    """The figures of one consumer, in a registry of its own."""

    def __init__(self, topic: Topic) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._topic = topic.value
        self._rows = self._counter("rows_stored", "Rows stored, again after a repetition; a list of holdings is one")
        self._rejected = self._counter("rows_rejected", "Rows rejected, which logs_consumer_error has")
        self._batches = self._counter("batches", "Batches stored")
        self._seconds = self._gauge("last_commit_seconds", "Seconds that the last batch took to be in the database")
        self._at = self._gauge("last_commit_timestamp_seconds", "When the last batch was in the database")
        self._lag = Gauge(
            "actstock_consumer_lag_messages",
            "Messages of a partition that are not stored yet",
            ["topic", "partition"],
            registry=self.registry,
        )

    def stored(self, rows: int, rejected: int) -> None:
        self._rows.inc(rows)
        self._rejected.inc(rejected)

    def batch_ended(self, seconds: float) -> None:
        self._batches.inc()
        self._seconds.set(seconds)
        self._at.set(time.time())

    def behind(self, lags: Sequence[Lag]) -> None:
        """Note the lag of the partitions that this consumer has now, and forget those that it had."""
        self._lag.clear()
        for lag in lags:
            self._lag.labels(self._topic, str(lag.partition)).set(lag.end - lag.committed)

    def _counter(self, name: str, meaning: str) -> Counter:
        return Counter(f"actstock_consumer_{name}", meaning, ["topic"], registry=self.registry).labels(self._topic)

    def _gauge(self, name: str, meaning: str) -> Gauge:
        return Gauge(f"actstock_consumer_{name}", meaning, ["topic"], registry=self.registry).labels(self._topic)


def served(settings: MetricsSettings, topic: Topic) -> ConsumerMetrics:
    """Return the figures of a topic's consumer, and serve them. A port that is taken stops no consumer."""
    metrics = ConsumerMetrics(topic)
    port = port_of(settings, topic)
    try:
        start_http_server(port, settings.bind, metrics.registry)
    except OSError as error:
        log.error("metrics cannot be served at %s:%d: %s", settings.bind, port, error)
    return metrics


def port_of(settings: MetricsSettings, topic: Topic) -> int:
    """Return the port of a topic's consumer.

    >>> [port_of(MetricsSettings(9101, ""), topic) for topic in Topic]
    [9101, 9102, 9103]
    """
    return settings.consumer_port + list(Topic).index(topic)
