"""A service ends what a killed process of it has left before it starts again."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.config import PROJECT_ROOT
from ops.native.alone import MARKS

# Starts a child that outlives it, as Airflow's scheduler does, tells who that is, and waits.
PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""


def marked(stack: object, service: str) -> dict[str, str]:
    return os.environ | dict(zip(MARKS, (str(stack), service), strict=True))


def lives(pid: int) -> bool:
    """Tell whether a process runs. One that has ended and that nobody has asked about yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


@pytest.fixture
def orphan(tmp_path: Path) -> Iterator[int]:
    """Kill a service, and return what it leaves."""
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], env=marked(tmp_path, "airflow-scheduler"), stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
    yield child
    if lives(child):
        os.kill(child, signal.SIGKILL)


def start(stack: Path, service: str) -> str:
    command = [sys.executable, "-S", "-m", "ops.native.launch", "--", sys.executable, "-c", "print('it runs')"]
    result = subprocess.run(
        command, env=marked(stack, service), cwd=PROJECT_ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout == "it runs\n"
    return result.stderr


def test_what_a_killed_process_has_left_is_ended(orphan: int, tmp_path: Path) -> None:
    time.sleep(0.2)
    assert lives(orphan)
    assert start(tmp_path, "airflow-scheduler") == f"ending process {orphan}, which a killed one has left\n"
    assert not lives(orphan)


@pytest.mark.parametrize("other", ["service", "stack"])
def test_what_is_of_another_is_left_alone(orphan: int, tmp_path: Path, other: str) -> None:
    stack, service = (tmp_path / "other", "airflow-scheduler") if other == "stack" else (tmp_path, "airflow-triggerer")
    assert start(stack, service) == ""
    assert lives(orphan)
