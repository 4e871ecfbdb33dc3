"""What is left of a backup that somebody stops, or kills."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.config import BackupSettings
from ops.backup import scheduled
from ops.backup.archive import written
from ops.backup.folder import BEFORE_UPGRADE, DAILY, new_name, remove_abandoned
from ops.backup.unfinished import hold, unfinished
from utils.command_line import interrupted_by_signals, uninterrupted

pytestmark = pytest.mark.usefixtures("no_signal_is_ignored")

NOW = datetime(2026, 8, 22, 3, tzinfo=UTC)
STOPS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
# Writes a secret to the backup that it is given, says so, and goes on for longer than a test.
WRITING = """
import io, sys, time
from pathlib import Path
from ops.backup.archive import written
with written(Path(sys.argv[1])) as writer:
    writer.add("secrets.env", io.BytesIO(b"DB_PASSWORD=secret"))
    print("begun", flush=True)
    time.sleep(60)
"""
# The service, whose backups are made by another process.
SERVING = "import sys; from ops.backup.scheduled import _ended; _ended([sys.executable, '-c', *sys.argv[1:]])"


def settings(folder: Path, platform: str = "actstock-yahoo") -> BackupSettings:
    return BackupSettings(folder, platform, 7, 3, folder / "state")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / new_name(settings(tmp_path), DAILY, NOW)


@contextmanager
def begun(*words: str, before: str = "") -> Iterator["subprocess.Popen[str]"]:
    """Start Python on a script with its arguments, and go on when it says that it has begun."""
    command = [*before.split(), sys.executable, "-c", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "begun\n"
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", STOPS)
def test_a_stop_leaves_nothing(path: Path, number: signal.Signals) -> None:
    with begun(WRITING, str(path)) as process:
        assert unfinished(path).exists()
        process.send_signal(number)
        assert process.wait(20)
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_stop_of_the_service_is_one_of_what_it_has_started(path: Path, number: signal.Signals) -> None:
    """A container ends with its first process, and whatever else is in it is killed."""
    with begun(SERVING, WRITING, str(path)) as process:
        process.send_signal(number)
        assert process.wait(20)
        assert list(path.parent.iterdir()) == []


def test_who_does_not_hear_the_terminal_close_goes_on(path: Path) -> None:
    with begun(WRITING, str(path), before="nohup") as process:
        process.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)


@pytest.mark.parametrize("kind", [DAILY, BEFORE_UPGRADE])
def test_what_a_killed_one_leaves_goes_with_the_next_one(tmp_path: Path, kind: str) -> None:
    path = tmp_path / new_name(settings(tmp_path), kind, NOW)
    with begun(WRITING, str(path)) as process:
        assert remove_abandoned(settings(tmp_path)) == [], "it is being written"
        process.kill()
        process.wait()
    assert unfinished(path).exists()
    assert remove_abandoned(settings(tmp_path)) == [unfinished(path)]
    assert list(tmp_path.iterdir()) == []


def test_it_goes_also_where_no_backup_can_be_made(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each try that is killed would leave one, until the disk is full."""
    unfinished(path).touch()
    monkeypatch.setattr("ops.backup.places.this_place", lambda: (_ for _ in ()).throw(OSError("no database")))
    assert scheduled.make(settings(path.parent), DAILY) == 1
    assert not unfinished(path).exists()
    assert f"removed {unfinished(path).name}" in capsys.readouterr().out


def test_what_others_have_left_stays(tmp_path: Path) -> None:
    """Another platform may be on another host, whose writing is not seen here."""
    mine = unfinished(tmp_path / "mine.tar")
    others = unfinished(tmp_path / new_name(settings(tmp_path, "actstock-simulated"), DAILY, NOW))
    for left in (mine, others):
        left.touch()
    assert remove_abandoned(settings(tmp_path)) == []
    assert mine.exists() and others.exists()


def test_what_may_not_be_looked_at_stays(path: Path) -> None:
    unfinished(path).mkdir()
    assert remove_abandoned(settings(path.parent)) == []


def test_what_may_not_be_removed_is_no_reason_to_fail(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("not in this folder")

    unfinished(path).touch()
    monkeypatch.setattr(Path, "unlink", refuse)
    assert remove_abandoned(settings(path.parent)) == []


def test_a_file_is_held_until_it_has_its_name(path: Path) -> None:
    with written(path) as writer:
        assert remove_abandoned(settings(path.parent)) == []
        writer.close(b"{}")
        assert remove_abandoned(settings(path.parent)) == []
    assert path.exists()


def test_a_disk_without_locks_is_no_reason_to_fail(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    with unfinished(path).open("wb") as file:
        hold(file)
    assert remove_abandoned(settings(path.parent)) == [], "who knows whether somebody writes it"


@pytest.mark.parametrize("number", STOPS)
def test_what_is_done_whole_is_interrupted_afterwards(number: signal.Signals) -> None:
    done = []
    with pytest.raises(KeyboardInterrupt), interrupted_by_signals():
        with uninterrupted():
            os.kill(os.getpid(), number)
            done.append("the first half")
            done.append("the second half")
        done.append("what comes after it")
    assert done == ["the first half", "the second half"]


def test_afterwards_a_signal_does_what_it_did_before() -> None:
    before = [signal.getsignal(number) for number in STOPS]
    with interrupted_by_signals(), uninterrupted():
        pass
    assert [signal.getsignal(number) for number in STOPS] == before
