"""Which services there are, and in which order they start and stop."""

import os
import socketserver
import time
from configparser import RawConfigParser
from dataclasses import replace
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ops.errors import UnknownName
from ops.native import health, processes, services, startup
from ops.native.compose import ports
from ops.native.stack import Stack

ALL = services.read_services()
SERVER_NAMES = {
    "postgres", "airflow-db", "zookeeper", "kafka", "spark-master", "spark-worker", "airflow-webserver",
    "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer", "consumer-etf-daily", "consumer-etf-holdings",
    "consumer-stock-daily", "api", "dashboard", "market-server", "spark-driver", "backup", "alerts",
}  # fmt: skip


class Echo(socketserver.BaseRequestHandler):
    """Says what it hears, as a connection to itself does."""

    def handle(self) -> None:
        self.request.sendall(self.request.recv(1000))


def test_whoever_has_the_port_but_speaks_no_http_is_not_ready() -> None:
    with socketserver.TCPServer(("127.0.0.1", 0), Echo) as server:
        Thread(target=server.handle_request, daemon=True).start()
        stack = SimpleNamespace(url=lambda _: f"http://127.0.0.1:{server.server_address[1]}")
        service = SimpleNamespace(ready=("http", "api", "/health"))
        assert not health.is_ready(service, stack, SimpleNamespace())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("since_beat", "since_start", "is_ready"),
    [(5, 60, True), (90, 600, False), (20, 5, False), (None, 5, False)],
    ids=["alive", "silent", "of the process before", "never"],
)
def test_a_consumer_is_ready_while_it_goes_round(
    tmp_path: Path, since_beat: float | None, since_start: float, is_ready: bool
) -> None:
    """One that waits for Kafka to let it in has no round."""
    consumer, stack, now = ALL["consumer-etf-daily"], Stack(tmp_path), time.time()
    if since_beat is not None:
        beat = tmp_path / "run" / "consumer-etf-daily.alive"
        beat.parent.mkdir()
        beat.touch()
        os.utime(beat, (now - since_beat, now - since_beat))
    state = SimpleNamespace(name=consumer.name, started=now - since_start)
    assert health.is_ready(consumer, stack, cast(Any, state)) is is_ready


def test_a_consumer_beats_in_the_file_that_is_looked_at(tmp_path: Path) -> None:
    services.write_supervisor_config(tmp_path / "supervisord.conf")
    config = RawConfigParser()
    config.read(tmp_path / "supervisord.conf")
    expand = {"ENV_ACTSTOCK_RUN": "/run", "program_name": "consumer-etf-daily"}
    environment = config["program:consumer-etf-daily"]["environment"] % expand
    assert 'CONSUMER_HEARTBEAT="/run/consumer-etf-daily.alive"' in environment.split(",")


def test_every_service_of_the_platform_is_listed() -> None:
    one_shots = {name for name, service in ALL.items() if service.is_one_shot}
    assert set(ALL) - one_shots == SERVER_NAMES
    assert "collector" in one_shots


@pytest.mark.parametrize("service", ALL.values(), ids=lambda service: service.name)
def test_what_a_service_refers_to_exists(service: services.Service) -> None:
    assert service.ready[0] in health.CHECKS
    assert set(service.ports) <= set(ports())
    assert {*service.needs, *service.uses} <= set(ALL)


def test_a_service_starts_after_all_that_it_needs() -> None:
    order = services.starting_order(ALL)
    for service in ALL.values():
        assert all(order.index(need) < order.index(service.name) for need in service.needs)


def test_only_some_services_come_with_what_they_need() -> None:
    assert list(services.with_needs(ALL, ["kafka"])) == ["zookeeper", "kafka"]
    assert set(services.with_needs(ALL, ["schema", "spark-worker"])) == {
        "postgres", "airflow-db", "upgrade-backup", "schema", "spark-master", "spark-worker",
    }  # fmt: skip


def test_an_unknown_service_is_answered_with_its_neighbours() -> None:
    with pytest.raises(UnknownName, match="did you mean airflow-scheduler"):
        services.find(ALL, "scheduler")
    with pytest.raises(UnknownName, match="there are: postgres, "):
        services.find(ALL, "zzz")


def test_the_market_server_is_there_only_when_it_is_asked_for() -> None:
    live = services.wanted(ALL, {"MARKET_SERVER_ARGS": ""})
    assert "market-server" not in live
    assert "market-server" not in live["collector"].needs
    assert "market-server" in services.wanted(ALL, {"MARKET_SERVER_ARGS": "--port 1"})["collector"].needs


def test_what_others_rely_on_stops_after_them_also_through_one_shots() -> None:
    before = services.stopped_before(ALL)
    assert {"consumer-etf-daily", "api", "airflow-scheduler"} <= before["postgres"]
    assert {"consumer-etf-daily", "topics", "airflow-scheduler"} <= before["zookeeper"]
    assert {"airflow-webserver", "airflow-scheduler"} <= before["airflow-db"]
    assert "airflow-scheduler" in before["airflow-webserver"]  # its running tasks report there
    assert not before["dashboard"]


def test_supervisord_gets_the_defaults_and_none_of_our_keys(tmp_path: Path) -> None:
    services.write_supervisor_config(tmp_path / "supervisord.conf")
    text = (tmp_path / "supervisord.conf").read_text()
    assert text.count("autostart = false") == len(ALL)
    assert "\nx_" not in text
    assert services.DEFAULTS not in text


def test_a_start_does_not_wait_for_what_the_platform_works_without(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a supervisor under which nothing ever gets ready."""
    never = SimpleNamespace(
        state=lambda _: SimpleNamespace(
            name_of_state="STARTING",
            pid=0,
            is_up=False,
            ended_well=False,
            log_file=str(tmp_path / "none"),
            spawn_error="",
        ),
        start_service=lambda _: None,
    )
    api = replace(ALL["api"], needs=(), wait_seconds=1)
    outcomes = startup._Startup(
        Stack(tmp_path, port_offset=31_000),
        cast(Any, never),
        {"spark-driver": replace(ALL["spark-driver"], needs=()), "api": api},
    ).run()

    assert {outcome.service.name: bool(outcome.problem) for outcome in outcomes} == {"spark-driver": False, "api": True}
    assert "gets ready in the background" in capsys.readouterr().out


@pytest.mark.parametrize(("work_a_second", "given_up_after"), [(0.0, 60), (0.5, 600)])
def test_a_service_at_work_is_waited_for_on_a_busy_machine(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], work_a_second: float, given_up_after: int
) -> None:
    now = [1000.0]
    monkeypatch.setattr(startup, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(processes, "cpu_seconds", lambda pid: (now[0] - 1000) * work_a_second)
    patience = startup._Patience(replace(ALL["api"], wait_seconds=60))
    while not patience.is_over(1):
        now[0] += 1
    assert patience.seconds == given_up_after + 1
    assert capsys.readouterr().out.count("api takes longer than 60 s on a busy machine") == (given_up_after > 60)


def test_a_service_that_stops_working_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(startup, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(processes, "cpu_seconds", lambda pid: min(now[0] - 1000, 100))
    patience = startup._Patience(replace(ALL["api"], wait_seconds=60))
    while not patience.is_over(1):
        now[0] += 1
    assert 100 < patience.seconds < 140


def test_the_work_of_a_process_is_counted_with_that_of_its_children() -> None:
    before = processes.cpu_seconds(os.getpid())
    began = time.process_time()
    while time.process_time() - began < 0.1:
        pass
    assert processes.cpu_seconds(os.getpid()) - before >= 0.05
    assert processes.cpu_seconds(2**22 + 1) == 0
