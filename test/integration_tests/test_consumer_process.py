"""A consumer as it is started, at a real broker and a real database that go away."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from signal import SIGABRT
from typing import Any

import psutil
import pytest

from config.config import DatabaseSettings, KafkaSettings, Topic
from database.db_helper import connect, fetch
from own_topics import own_topics
from receivers import free_port
from utils.kafka_utils import Offsets, committed_offsets, offsets_reached, publisher
from utils.messages import EtfDailyBar
from utils.ranges import packed
from wires import COMMIT, HERE, Wire, wire_to, wire_to_kafka

FROZEN_SECONDS = 30.0
MOST_BYTES = 80 * 10**6


@pytest.fixture
def kafka() -> Iterator[KafkaSettings]:
    with own_topics() as settings:
        yield settings


@dataclass
class Consumer:
    """The consumer of ETF bars. beat: the file that it touches while it is at work."""

    process: "subprocess.Popen[bytes]"
    database: DatabaseSettings
    beat: Path
    log: Path

    @property
    def memory(self) -> int:
        """Proportional set size in bytes."""
        return int(psutil.Process(self.process.pid).memory_full_info().pss)

    def stored(self) -> set[str]:
        with closing(connect(self.database)) as conn:
            return {row["ticker"] for row in fetch(conn, "SELECT ticker FROM collected_daily_etf_ohlc")}

    def until(self, is_so: Callable[[], bool], seconds: float = 30) -> None:
        """Wait until something is so, while the process lives."""
        deadline = time.monotonic() + seconds
        while not is_so():
            assert self.process.poll() is None and time.monotonic() < deadline, self.log.read_text(encoding="utf-8")
            time.sleep(0.1)


@contextmanager
def a_consumer(
    kafka: KafkaSettings, database: DatabaseSettings, folder: Path, changes: dict[str, str]
) -> Iterator[Consumer]:
    beat, log = folder / "alive", folder / "log"
    environ = os.environ | {"KAFKA_PREFIX": kafka.prefix, "DB_NAME": database.name, "CONSUMER_HEARTBEAT": str(beat)}
    environ["PYTHONFAULTHANDLER"] = "1"
    with log.open("wb") as output:
        command = [sys.executable, "-m", "consumer.kafka_consumer_etf_daily"]
        process = subprocess.Popen(command, env=environ | changes, stdout=output, stderr=output)
    try:
        yield Consumer(process, database, beat, log)
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(30)
        process.send_signal(SIGABRT)  # of one that hangs the log has what it does
        process.wait()
    assert process.returncode == 0, log.read_text(encoding="utf-8")


def send(kafka: KafkaSettings, *tickers: str, sessions: int = 1) -> dict[str, Offsets]:
    prices: dict[str, Any] = dict.fromkeys(("open_price", "high_price", "low_price", "close_price", "adj_close"), 10.0)
    days = [date(2026, 8, 21) - timedelta(days=number) for number in range(sessions)]
    known = {"volume": 1, "fetched_at": datetime(2026, 8, 21, 21, tzinfo=UTC), "source": "simulated", **prices}
    bars = [EtfDailyBar(ticker=ticker, trade_date=day, **known) for ticker in tickers for day in days]
    with publisher(kafka) as publishing:
        for key, value in packed(bars):
            publishing.send_raw(Topic.ETF_DAILY, key, value)
        return publishing.wait()


def test_who_waits_for_the_database_says_so_and_stores_by_itself_when_it_is_back(
    kafka: KafkaSettings, scratch_database: DatabaseSettings, tmp_path: Path
) -> None:
    """A consumer without messages is at work all the same. Its process stays the same all the time."""
    port = free_port()
    with a_consumer(kafka, scratch_database, tmp_path, {"DB_PORT": str(port)}) as consumer:
        consumer.until(consumer.beat.exists)
        time.sleep(1)
        assert consumer.beat.exists(), "it has nothing to store"

        send(kafka, "AWAY")
        consumer.until(lambda: not consumer.beat.exists())
        for _ in range(30):
            time.sleep(0.1)
            assert not consumer.beat.exists()

        with wire_to(scratch_database.port, port):
            consumer.until(lambda: "AWAY" in consumer.stored())
            consumer.until(consumer.beat.exists)


class Frozen:
    """A consumer whose broker is frozen. sizes: its memory before, meanwhile and afterwards."""

    def __init__(self, kafka: KafkaSettings, consumer: Consumer, wire: Wire) -> None:
        self.kafka, self.consumer, self.wire = kafka, consumer, wire
        self.sizes: list[int] = []

    def read_something(self) -> dict[str, Offsets]:
        ends = send(self.kafka, "BEFORE", sessions=1000)
        self.read({"BEFORE"})
        return ends

    def read(self, tickers: set[str]) -> None:
        self.consumer.until(lambda: tickers <= self.consumer.stored())
        self.measure()

    def measure(self) -> None:
        self.sizes.append(self.consumer.memory)


@contextmanager
def frozen(database: DatabaseSettings, folder: Path, request: int | None) -> Iterator[Frozen]:
    """Let a consumer read something, and freeze its broker: at a request, or while it waits for messages."""
    folder.mkdir()
    with own_topics() as kafka, wire_to_kafka(int(kafka.bootstrap_servers.rpartition(":")[2])) as wire:
        through_wire = {"KAFKA_BOOTSTRAP_SERVERS": f"{HERE}:{wire.port}"}
        with a_consumer(kafka, database, folder, through_wire) as consumer:
            trial = Frozen(kafka, consumer, wire)
            if request:
                wire.die_at(request)
                trial.read_something()
                consumer.until(lambda: wire.is_dead)
            else:
                ends = trial.read_something()
                consumer.until(lambda: offsets_reached(ends, committed_offsets(kafka, Topic.ETF_DAILY.consumer_group)))
                wire.die()
            yield trial


def test_a_frozen_broker_costs_a_consumer_no_memory(
    scratch_database: DatabaseSettings, empty_database: DatabaseSettings, tmp_path: Path
) -> None:
    """For 30 s it answers nothing, be it while a consumer waits for messages or says how far it has come.

    What was sent meanwhile and afterwards is stored by the same processes.
    """
    with (
        frozen(scratch_database, tmp_path / "waiting", None) as waiting,
        frozen(empty_database, tmp_path / "committing", COMMIT) as committing,
    ):
        trials = waiting, committing
        for trial in trials:
            send(trial.kafka, "MEANWHILE")
        end = time.monotonic() + FROZEN_SECONDS
        while time.monotonic() < end:
            time.sleep(0.5)
            for trial in trials:
                trial.measure()
        assert not any("MEANWHILE" in trial.consumer.stored() for trial in trials), "a wire was not dead"
        assert not any(trial.consumer.beat.exists() for trial in trials), "one has nothing to commit, and waits as well"

        for trial in trials:
            trial.wire.revive()
            send(trial.kafka, "AFTER")
        for trial in trials:
            trial.read({"MEANWHILE", "AFTER"})
            trial.consumer.until(trial.consumer.beat.exists)
    for trial in trials:
        assert max(trial.sizes) <= MOST_BYTES, [size // 10**6 for size in trial.sizes]
