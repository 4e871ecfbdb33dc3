"""A killed service comes back by itself, nothing of the one before it stays, and the watcher sees who is away."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psutil

from alerts.incidents import Rules, incidents
from alerts.watcher import Watcher
from config.config import Settings
from ops.native.health import is_ready
from ops.native.services import read_services
from ops.native.stack import Stack
from ops.native.supervisor import DOWN, Supervisor

NAME = "airflow-scheduler"
READY_SECONDS = 120
# Of a platform whose services are well there is none of these, whatever has become of its data.
OF_SERVICES = (
    *("database_away", "broker_away", "airflow_away", "scheduler_away"),
    *("service_down", "service_restarts", "consumer_away"),
)


def test_a_killed_scheduler_comes_back_without_what_it_had_started(stack: Stack) -> None:
    """It has four workers, and a server of its state whose port its successor needs."""
    supervisor, service = Supervisor(stack), read_services()[NAME]
    killed = psutil.Process(supervisor.state(NAME).pid)
    family = killed.children(recursive=True)
    assert family
    killed.kill()
    killed.wait()

    until = time.monotonic() + READY_SECONDS
    while not ((state := supervisor.state(NAME)).pid != killed.pid and is_ready(service, stack, state)):
        assert time.monotonic() < until, f"{NAME} is not ready: {state.name_of_state}"
        time.sleep(0.5)
    assert not [each for each in family if each.is_running()]


def test_the_watcher_sees_who_is_away_and_nobody_else(stack: Stack, settings: Settings, tmp_path: Path) -> None:
    alerts = replace(settings.alerts, folder=tmp_path, supervisor_socket=str(stack.supervisor_socket))
    watcher, supervisor = Watcher(replace(settings, alerts=alerts)), Supervisor(stack)
    away = ("kafka", "airflow-scheduler")

    def seen() -> set[str]:
        found = incidents(watcher.look(datetime.now(UTC)), Rules.of(alerts, settings.yahoo))
        assert set(OF_SERVICES) <= set(found), "each kind could be looked at"
        return {kind for kind in OF_SERVICES if found[kind]}

    def services_are(ready: bool) -> bool:
        states, services = supervisor.states(), read_services()
        if ready:
            return all(is_ready(services[name], stack, states[name]) for name in away)
        return all(states[name].name_of_state in DOWN for name in away)

    _wait(lambda: not seen(), "the watcher sees something on a sound platform")
    for name in away:
        supervisor.stop_service(name)
    try:
        _wait(lambda: services_are(ready=False), "they do not stop")
        _wait(lambda: seen() >= {"broker_away", "scheduler_away"}, "the watcher does not see it")
        assert not seen() & {"database_away", "airflow_away"}
    finally:
        for name in away:
            supervisor.start_service(name)
    _wait(lambda: services_are(ready=True), "they do not come back")
    _wait(lambda: not seen(), "the watcher still sees something")


def _wait(is_so: Callable[[], bool], complaint: str) -> None:
    until = time.monotonic() + READY_SECONDS
    while not is_so():
        assert time.monotonic() < until, f"{complaint} after {READY_SECONDS} s"
        time.sleep(1)
