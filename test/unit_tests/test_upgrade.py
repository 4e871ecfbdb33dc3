"""A new version in the folder of a platform that runs: it is stopped first, and nothing is changed before."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from front_door import front_door
from ops import cli
from ops.native import control, version
from ops.native.services import read_services
from ops.native.stack import DataSource, Stack
from ops.native.supervisor import State
from utils.spark_driver import code_digest

NEW = "backup"
ANOTHER = "in another version than the one in this folder: ./start.sh stop, then start again"


class OldSupervisor:
    """One that has been started before there was the service NEW."""

    def __init__(self, stack: Stack) -> None:
        pass

    def is_alive(self) -> bool:
        return True

    def states(self) -> dict[str, State]:
        return {name: State(name, "RUNNING", 7, 1.0, 60.0, 0, "", "") for name in read_services() if name != NEW}


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """Return a platform on live Yahoo that is up, of this version."""
    monkeypatch.setenv("ACTSTOCK_HOME", str(tmp_path))
    monkeypatch.setattr(control, "Supervisor", OldSupervisor)
    monkeypatch.setattr(control, "is_ready", lambda *_: True)
    monkeypatch.setattr(control, "ensure_platform", lambda: None)
    stack = Stack(tmp_path)
    stack.run.mkdir()
    stack.remember()
    return stack


def of_before(stack: Stack) -> None:
    """Let it be one of a version that noted none."""
    noted = stack.run / "stack.json"
    known = json.loads(noted.read_text())
    del known["version"]
    noted.write_text(json.dumps(known))


def of_another_commit(stack: Stack) -> None:
    noted = stack.run / "stack.json"
    noted.write_text(noted.read_text().replace(version.version_here(), "0.1.0 another"))


@pytest.mark.parametrize("earlier", [of_before, of_another_commit])
@pytest.mark.parametrize("command", [["up"], ["up", "--only", "api"]])
def test_a_start_over_another_version_is_refused_before_anything_is_installed(
    running: Stack,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    earlier: object,
    command: list[str],
) -> None:
    monkeypatch.setattr(control, "ensure_platform", lambda: pytest.fail("something was installed"))
    earlier(running)  # type: ignore[operator]
    assert cli.main(command) == 1
    said = capsys.readouterr()
    assert ANOTHER in said.err.replace("\n", " ")
    assert said.out == ""


def test_a_start_over_the_same_version_is_none(running: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["up", "--only", "api"]) == 0
    assert "Already running." in capsys.readouterr().out


def test_the_requests_are_not_told_beside_another_market(running: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    Stack(running.home, source=DataSource("simulated")).remember()
    assert cli.main(["up"]) == 1
    said = capsys.readouterr()
    assert "the platform is running on the invented market: ./start.sh stop" in said.err
    assert said.out == ""


def test_the_status_says_so_and_knows_services_that_are_new(
    running: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(control, "running_stack", lambda: running)
    assert control.status() == 0
    assert "Another version" not in capsys.readouterr().out
    of_before(running)
    control.status()
    said = capsys.readouterr().out
    assert "Another version than the one in this folder runs: ./start.sh stop" in said
    assert [line.split()[1:] for line in said.splitlines() if line.split()[0] == NEW] == [["not", "started"]]


def test_the_universe_and_the_extra_days_are_no_version(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    digests = set()
    for name in ("universe.toml", "exchange_days.csv", "notes.md", "config.py", "schema.sql"):
        (tmp_path / "config" / name).write_text("new")
        digests.add(code_digest.__wrapped__(tmp_path, version.FOLDERS, version.KINDS))
    assert len(digests) == 3


class TestPackages:
    """The packages of the version that runs stay as they are while it runs."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        """Return a folder with a checkout whose packages are those of another lock."""
        programs = tmp_path.resolve() / "checkout" / ".actstock" / "venv" / "bin"
        programs.mkdir(parents=True)
        (programs.parent / "installed-from.sha256").write_text("of before\n")
        (programs / "python").write_text('#!/bin/sh\necho "python $@"\n')
        (programs / "python").chmod(0o755)
        return tmp_path.resolve()

    @contextmanager
    def supervisor_of(self, folder: Path) -> Iterator[None]:
        words = [
            sys.executable,
            "-c",
            "import time; time.sleep(60)",
            f"{folder}/checkout/.actstock/venv/bin/supervisord",
        ]
        process = subprocess.Popen(words)
        try:
            yield
        finally:
            process.kill()
            process.wait()

    @pytest.mark.parametrize("words", [[], ["status"], ["install"], ["demo"], ["logs", "api"]])
    def test_they_are_not_replaced_below_it(self, folder: Path, words: list[str]) -> None:
        with self.supervisor_of(folder):
            refused = front_door(folder, "--native", *words)
        assert refused.returncode == 1
        assert "the platform is running in another version, with other packages" in refused.stderr
        assert "Installing" not in refused.stderr
        assert (folder / "checkout" / ".actstock" / "venv" / "installed-from.sha256").read_text() == "of before\n"

    def test_they_stop_it(self, folder: Path) -> None:
        with self.supervisor_of(folder):
            stopped = front_door(folder, "stop")
        assert (stopped.returncode, stopped.stdout) == (0, "python -m ops stop\n")

    def test_the_platform_of_another_folder_is_not_meant(self, folder: Path, tmp_path: Path) -> None:
        full = folder / "bin" / "df"
        full.parent.mkdir()
        full.write_text("#!/bin/sh\nprintf 'disk size used free\\nof it 9 9 0 100%% /\\n'\n")
        full.chmod(0o755)
        with self.supervisor_of(tmp_path / "another"):
            begun = front_door(folder, "status")
        assert "MB free; the installation needs" in begun.stderr
