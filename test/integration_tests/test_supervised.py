"""Services under the real supervisord: they come back by themselves, are told truly, and leave nothing at a stop."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from config.config import PROJECT_ROOT
from ops.errors import CannotStart, NotRunning
from ops.native import processes, services, supervisor
from ops.native.control import _word
from ops.native.environment import MARK, service_environment, shared_environment
from ops.native.services import ROOT, Service
from ops.native.shutdown import take_down
from ops.native.stack import Stack
from ops.native.startup import bring_up, wait_ready
from ops.native.supervisor import Supervisor

# Ends at once, as PostgreSQL does on a full disk, until it has been tried so often.
FLAKY = """
import sys, time
tries, fails = open(sys.argv[1], "a+"), int(sys.argv[2])
print("try", file=tries, flush=True)
tries.seek(0)
if len(tries.readlines()) <= fails:
    time.sleep(float(sys.argv[3]))
    sys.exit("no space left")
time.sleep(600)
"""
TICK_SECONDS = 5
# So often supervisord starts it, a second after another, before it gives it up.
TRIES = 2


def a_service(name: str, *words: object, one_shot: bool = False) -> Service:
    """Return a service that runs a Python script, as whoever starts it."""
    command = " ".join(map(str, [sys.executable, *words]))
    like = services.read_services()["schema" if one_shot else "spark-driver"]
    ready = ("done",) if one_shot else ("running", "1")
    return replace(
        like, name=name, command=command, ready=ready, needs=(), uses=(), user=ROOT, owns=(), secrets={},
        users={}, environment={}, supervisor={}, ports=(), wait_seconds=60, only_if=None,
    )  # fmt: skip


def a_flaky_service(script: Path, *words: object) -> Service:
    return replace(a_service("flaky", script, *words), supervisor={"startretries": str(TRIES - 1)})


class Field:
    """A stack with services of a test's own, each from its list of words."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stack = Stack(home)
        self.supervisor = Supervisor(self.stack)
        self.services: dict[str, Service] = {}
        self._monkeypatch = monkeypatch

    def start(self, *chosen: Service, pause_seconds: int = 0) -> None:
        """Start a supervisor with these services, and all of them, without waiting for any."""
        self.services = {service.name: service for service in chosen}
        self._monkeypatch.setattr(services, "read_services", lambda: self.services)
        for folder in (self.stack.run, self.stack.logs):
            folder.mkdir(parents=True, exist_ok=True)
        config = self.stack.run / "supervisord.conf"
        services.write_supervisor_config(config)
        config.write_text(config.read_text().replace("pause_seconds = 30", f"pause_seconds = {pause_seconds}"))
        self.stack.remember()
        self.supervisor.start(shared_environment(service_environment(self.stack, Path("/java"))))
        for name in self.services:
            self.supervisor.start_service(name)

    def word(self, name: str) -> str:
        """Return what `status` says of a service."""
        return _word(self.services[name], self.stack, self.supervisor.state(name))

    def wait_for(self, is_so: Callable[[], bool], seconds: float) -> None:
        until = time.monotonic() + seconds
        while not is_so():
            assert time.monotonic() < until, {name: self.word(name) for name in self.services}
            time.sleep(0.1)


@pytest.fixture
def field(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Field]:
    field = Field(tmp_path / "home", monkeypatch)
    yield field
    take_down(field.stack, field.services)


@pytest.fixture
def flaky(tmp_path: Path) -> Path:
    script = tmp_path / "flaky.py"
    script.write_text(FLAKY)
    return script


def test_what_fails_comes_up_by_itself_and_is_told_meanwhile_and_what_runs_once_is_not_tried_again(
    field: Field, flaky: Path, tmp_path: Path
) -> None:
    tries, once, fails = tmp_path / "tries", tmp_path / "once", TRIES + 2
    field.start(a_flaky_service(flaky, tries, fails, 0), a_service("once", flaky, once, 100, 0, one_shot=True))
    with pytest.raises(CannotStart, match="no space left"):
        wait_ready(field.stack, field.supervisor, field.services["flaky"])
    assert field.word("flaky") == "failed"
    assert len(tries.read_text().splitlines()) < fails
    field.wait_for(lambda: field.word("flaky") == "ready", 6 * TICK_SECONDS)
    assert len(tries.read_text().splitlines()) == fails + 1
    assert (field.word("once"), once.read_text()) == ("failed", "try\n")


def test_a_pause_is_between_the_tries(field: Field, flaky: Path, tmp_path: Path) -> None:
    """Also of what takes longer to fail than supervisord's second, as PostgreSQL that replays its log."""
    field.start(a_flaky_service(flaky, tmp_path / "tries", 100, 1.5), pause_seconds=60)
    field.wait_for(lambda: field.word("flaky") == "failed", 30)
    tried = (tmp_path / "tries").read_text()
    time.sleep(TICK_SECONDS + 1)
    assert (tmp_path / "tries").read_text() == tried


def test_a_stop_ends_what_is_being_tried_again(field: Field, flaky: Path, tmp_path: Path) -> None:
    """Nothing is left that could try it."""
    field.start(a_flaky_service(flaky, tmp_path / "tries", TRIES, 0))
    field.wait_for(lambda: field.word("flaky") == "failed", 30)
    take_down(field.stack, field.services)
    assert not field.supervisor.is_alive()
    assert processes.left_behind(field.stack) == []


# Whoever is asked to end starts another one of itself first. One that holds out starts them all the time.
FORKING = """
import signal, subprocess, sys, time
def another(*signal): subprocess.Popen([sys.executable, *sys.argv, "again"])
def go_on(*signal): another(); sys.exit()
signal.signal(signal.SIGTERM, signal.SIG_IGN if sys.argv[1] == "all the time" else go_on)
for _ in range(600):
    time.sleep(0.1)
    if sys.argv[1] == "all the time" and sys.argv[-1] != "again":
        another()
"""


@pytest.mark.parametrize("kind", ["when asked", "all the time"])
def test_what_starts_others_while_it_is_ended_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(processes, "GRACE_SECONDS", 2)
    stack = Stack(tmp_path / "home")
    stack.run.mkdir(parents=True)
    stack.remember()
    script = tmp_path / "forking.py"
    script.write_text(FORKING)
    marked = os.environ | {MARK: str(stack.home)}
    started = [subprocess.Popen([sys.executable, script, kind], env=marked) for _ in range(3)]
    time.sleep(1)
    take_down(stack, {})
    time.sleep(1)
    assert processes.left_behind(stack) == []
    assert Stack.started_in(stack.home) is None
    assert all(process.wait(10) is not None for process in started)


def test_a_supervisor_that_does_not_end_in_time_is_ended_with_all_that_it_has(
    field: Field, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a machine with too much work: it waits for what does not listen."""
    monkeypatch.setattr(supervisor, "END_SECONDS", 1)
    monkeypatch.setattr(processes, "GRACE_SECONDS", 2)
    script = tmp_path / "deaf.py"
    script.write_text("import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)")
    field.start(replace(a_service("deaf", script), supervisor={"stopwaitsecs": "600"}))
    field.wait_for(lambda: field.word("deaf") == "ready", 20)
    take_down(field.stack, {})
    assert processes.left_behind(field.stack) == []
    assert Stack.started_in(field.stack.home) is None


def test_whoever_asks_for_the_stop_is_no_part_of_it(tmp_path: Path) -> None:
    """`./start.sh exec bash` hands the mark on."""
    code = (
        "from ops.native.shutdown import take_down; from ops.native.stack import Stack; take_down(Stack.from_env(), {})"
    )
    marked = os.environ | {
        MARK: str(tmp_path),
        "ACTSTOCK_HOME": str(tmp_path),
        "PYTHONPATH": str(PROJECT_ROOT),
    }
    command = [
        sys.executable,
        "-c",
        f"import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', {code!r}]))",
    ]
    assert subprocess.run(command, env=marked, check=False, timeout=60).returncode == 0


def test_what_is_just_being_stopped_is_started_again(field: Field, tmp_path: Path) -> None:
    """As after a stop that was interrupted. A scheduler waits a minute for its tasks."""
    script = tmp_path / "slow.py"
    script.write_text(
        "import signal, sys, time; signal.signal(15, lambda *_: (time.sleep(3), sys.exit())); time.sleep(600)"
    )
    field.start(a_service("slow", script))
    field.wait_for(lambda: field.word("slow") == "ready", 20)
    stopped = field.supervisor.state("slow").pid
    field.supervisor.stop_service("slow")
    assert field.word("slow") == "stopping"
    [outcome] = bring_up(field.stack, field.services)
    assert outcome.problem is None
    assert (field.word("slow"), field.supervisor.state("slow").pid != stopped) == ("ready", True)


def test_a_service_that_it_does_not_know_is_of_another_version(field: Field, tmp_path: Path) -> None:
    """As a service that came with the version which was put into the folder of a running platform."""
    script = tmp_path / "steady.py"
    script.write_text("import time; time.sleep(600)")
    field.start(a_service("steady", script))
    for ask in (field.supervisor.state, field.supervisor.start_service, field.supervisor.stop_service):
        with pytest.raises(
            NotRunning, match=r"the version that runs has no service new: \./start\.sh stop, then start"
        ):
            ask("new")
