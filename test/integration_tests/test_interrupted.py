"""Ctrl-C during a start and during a stop: it ends at once, and the next start makes up for it."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.config import PROJECT_ROOT
from ops.native import processes, services
from ops.native.shutdown import take_down
from ops.native.stack import Stack
from ops.native.supervisor import Supervisor
from ops.testing import STACK

# Beside a running platform and the stack of the rings.
PORT_OFFSET = STACK.port_offset + 1300
UP = ("up", "--native", "--only", "schema,topics")
AT_ONCE_SECONDS = 10


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    stack = Stack(tmp_path / "home", PORT_OFFSET)
    yield stack
    take_down(stack, services.read_services())


class Command:
    """./start.sh in a terminal of its own."""

    def __init__(self, stack: Stack, *words: str) -> None:
        own = {"ACTSTOCK_HOME": str(stack.home), "ACTSTOCK_PORT_OFFSET": str(stack.port_offset)}
        self._process = subprocess.Popen(
            ["./start.sh", *words],
            cwd=PROJECT_ROOT,
            env={name: os.environ[name] for name in ("PATH", "HOME")} | own,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.said = ""

    def read_until(self, word: str) -> None:
        assert self._process.stdout
        while word not in self.said:
            line = self._process.stdout.readline()
            assert line, self.said
            self.said += line

    def interrupt(self) -> tuple[int, float]:
        """Press Ctrl-C. Return the exit code, and after how many seconds it ended."""
        began = time.monotonic()
        os.killpg(self._process.pid, signal.SIGINT)
        return self.end(), time.monotonic() - began

    def end(self) -> int:
        self.said += self._process.communicate(timeout=300)[0]
        return self._process.returncode


def assert_all_is_up(stack: Stack) -> None:
    again = Command(stack, *UP)
    assert again.end() == 0, again.said
    states = Supervisor(stack).states()
    assert {name for name, state in states.items() if state.is_running} == {
        "postgres", "airflow-db", "zookeeper", "kafka"
    }  # fmt: skip
    assert states["schema"].ended_well
    assert states["topics"].ended_well


def test_a_start_and_a_stop_that_are_interrupted_are_made_up_for_by_a_start(stack: Stack) -> None:
    start = Command(stack, *UP)
    start.read_until("zookeeper")  # it is up, and Kafka on its way
    code, seconds = start.interrupt()
    assert (code, seconds < AT_ONCE_SECONDS) == (130, True), (seconds, start.said)
    assert "interrupted" in start.said.splitlines()[-1], "it tells of nothing any more"
    assert_all_is_up(stack)

    stop = Command(stack, "stop")
    stop.read_until("stopped")
    assert stop.interrupt()[0] == 130, stop.said
    assert_all_is_up(stack)

    stop = Command(stack, "stop")
    assert stop.end() == 0, stop.said
    assert processes.left_behind(stack) == []
