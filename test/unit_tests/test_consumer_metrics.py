"""What the consumers tell Prometheus, and where."""

import socket
from dataclasses import replace

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from config.config import ConfigError, MetricsSettings, Settings, Topic
from consumer import storing
from consumer.metrics import ConsumerMetrics, port_of, served
from consumer.storing import upsert_by
from consumer.watch import Watch, watch_of
from database.tables import DAILY_ETF_OHLC
from utils.kafka_utils import LagHandler
from utils.lag import Lag
from utils.messages import EtfDailyBar

OFF = Settings.from_env({}).metrics


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def at_port(port: int, topic: Topic) -> MetricsSettings:
    """Return settings by which the consumer of a topic has this port."""
    return replace(OFF, consumer_port=port - list(Topic).index(topic))


def read(port: int) -> dict[tuple[str, str], float]:
    """Return the samples by name and partition."""
    page = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
    return {
        (each.name, each.labels.get("partition", "")): each.value
        for family in text_string_to_metric_families(page)
        for each in family.samples
    }


def test_without_the_setting_no_port_is_open() -> None:
    assert (OFF.consumer_port, OFF.bind) == (0, "127.0.0.1")
    assert type(watch_of(OFF, Topic.ETF_DAILY)) is Watch


def test_each_topic_has_a_port() -> None:
    settings = Settings.from_env({"CONSUMER_METRICS_PORT": "9101"}).metrics
    assert len({port_of(settings, topic) for topic in Topic}) == len(Topic)
    with pytest.raises(ConfigError, match="CONSUMER_METRICS_PORT"):
        Settings.from_env({"CONSUMER_METRICS_PORT": "65534"})


def test_what_is_stored_is_counted_and_served() -> None:
    port = free_port()
    watch = watch_of(at_port(port, Topic.STOCK_DAILY), Topic.STOCK_DAILY)
    watch.stored(20, 1)
    watch.stored(2, 0)
    watch.batch_ended(0.25)
    watch.behind([Lag("stock-daily-data", 0, 5, 7), Lag("stock-daily-data", 1, 3, 3)])
    found = read(port)
    assert found["actstock_consumer_rows_stored_total", ""] == 22
    assert found["actstock_consumer_rows_rejected_total", ""] == 1
    assert found["actstock_consumer_batches_total", ""] == 1
    assert found["actstock_consumer_last_commit_seconds", ""] == 0.25
    assert found["actstock_consumer_last_commit_timestamp_seconds", ""] > 1.7e9
    assert found["actstock_consumer_lag_messages", "0"] == 2
    assert found["actstock_consumer_lag_messages", "1"] == 0


def test_a_process_serves_what_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def consume(settings: object, topic: Topic, prepare: object, handle_lag: LagHandler, beat: object) -> None:
        handle_lag([Lag(topic, 0, 5, 7)])

    port = free_port()
    monkeypatch.setenv("CONSUMER_METRICS_PORT", str(port))
    monkeypatch.setenv("DB_PORT", "1")
    monkeypatch.setattr(storing, "consume", consume)
    for name in ("configure_logging", "expect_large_batches"):
        monkeypatch.setattr(storing, name, lambda: None)
    assert storing.run_consumer(Topic.ETF_DAILY, EtfDailyBar, upsert_by(DAILY_ETF_OHLC)) == 0
    assert read(port)["actstock_consumer_lag_messages", "0"] == 2


def test_a_partition_that_another_consumer_has_now_is_forgotten() -> None:
    metrics = ConsumerMetrics(Topic.ETF_DAILY)
    metrics.behind([Lag("etf-daily-data", 0, 5, 7), Lag("etf-daily-data", 1, 3, 9)])
    metrics.behind([Lag("etf-daily-data", 1, 9, 9)])
    [lag] = [family for family in metrics.registry.collect() if family.name == "actstock_consumer_lag_messages"]
    assert [(each.labels["partition"], each.value) for each in lag.samples] == [("1", 0)]


def test_a_port_that_is_taken_stops_no_consumer(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        served(at_port(port, Topic.ETF_HOLDINGS), Topic.ETF_HOLDINGS).stored(1, 0)
    assert f"metrics cannot be served at 127.0.0.1:{port}" in caplog.text
