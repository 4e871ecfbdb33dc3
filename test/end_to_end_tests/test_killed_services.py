"""A service that is killed comes back by itself, and nothing of the one before it stays."""

import time

import psutil

from ops.native.health import is_ready
from ops.native.services import read_services
from ops.native.stack import Stack
from ops.native.supervisor import Supervisor

NAME = "airflow-scheduler"
READY_SECONDS = 120


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
