"""What an interrupted start or installation leaves behind, and what the next one makes of it."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from config.config import PROJECT_ROOT
from ops.errors import CannotInstall, CannotStart
from ops.native import configure, install, java, postgres, startup
from ops.native.environment import service_environment
from ops.native.services import read_services
from ops.native.stack import DataSource, Stack


def test_a_full_disk_is_noticed_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match=r"has \d+ MB free and 1000000000 MB are needed"):
        configure.require_disk(tmp_path / "not" / "there" / "yet", 10**9)


@pytest.mark.parametrize(
    ("pid", "stays"),
    [
        ("4194303", False),  # no such process
        (str(os.getpid()), False),  # somebody else's by now
    ],
    ids=["no process", "another process"],
)
def test_the_pid_file_of_a_killed_postgres_goes(tmp_path: Path, pid: str, stays: bool) -> None:
    pid_file = tmp_path / "postmaster.pid"
    pid_file.write_text(f"{pid}\n{tmp_path}\n")
    postgres.remove_stale_pid_file(tmp_path)
    assert pid_file.exists() is stays


def test_zookeeper_starts_without_the_empty_log_of_a_full_disk(tmp_path: Path) -> None:
    logs = tmp_path / "version-2"
    logs.mkdir()
    for name, content in (("log.1", b"ZKLG"), ("log.5", b""), ("snapshot.4", b"")):
        (logs / name).write_bytes(content)
    command = [sys.executable, "-S", "-m", "ops.native.zookeeper", str(tmp_path), "ls", str(logs)]
    started = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    assert started.stdout.split() == ["log.1", "snapshot.4"]
    assert "log.5, which is empty" in started.stderr
    words = read_services()["zookeeper"].command.split()
    assert words[:5] == ["python", "-S", "-m", "ops.native.zookeeper", '"%(ENV_ACTSTOCK_DATA)s/zookeeper"']


def test_kafka_without_its_zookeeper_is_put_aside(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stack = Stack(tmp_path, source=DataSource("simulated"))
    (stack.data / "kafka").mkdir(parents=True)
    (stack.data / "kafka" / "meta.properties").write_text("cluster.id=gone\n")
    configure.prepare(stack, service_environment(stack, Path("/java"), {}))
    assert not (stack.data / "kafka").exists()
    assert len(list(stack.data.glob("kafka.lost-*"))) == 1
    assert "Kafka starts empty" in capsys.readouterr().out


def test_the_property_files_have_the_stacks_ports(tmp_path: Path) -> None:
    stack = Stack(tmp_path, port_offset=100)
    configure.prepare(stack, service_environment(stack, Path("/java"), {}))
    kafka = (stack.run / "kafka.properties").read_text()
    assert "listeners=SASL_PLAINTEXT://127.0.0.1:9192" in kafka
    assert "zookeeper.connect=127.0.0.1:2281" in kafka
    assert "${" not in kafka


@pytest.fixture
def jars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """Set up jars and a lock of the test's own. Returns a function that sets a download's result."""
    lock = tmp_path / "jars.sha256"
    lock.write_text(f"{hashlib.sha256(b'right').hexdigest()}  one.jar\n")
    monkeypatch.setattr(install, "LOCK", lock)
    monkeypatch.setattr(install, "JARS", tmp_path / "jars")
    monkeypatch.setattr(install, "TOOLS", tmp_path)

    def brings(content: bytes) -> None:
        monkeypatch.setattr(install, "_run_ivy", lambda target, count: (target / "one.jar").write_bytes(content))

    return brings


def test_jars_are_fetched_once(jars: Callable[[bytes], None], tmp_path: Path) -> None:
    jars(b"right")
    install.ensure_jars()
    jars(b"not asked for again")
    install.ensure_jars()
    assert (tmp_path / "jars" / "one.jar").read_bytes() == b"right"


def test_a_jar_with_another_content_is_refused(jars: Callable[[bytes], None], tmp_path: Path) -> None:
    jars(b"wrong")
    with pytest.raises(CannotInstall, match=r"one\.jar"):
        install.ensure_jars()
    assert not (tmp_path / "jars" / "one.jar").exists()
    jars(b"right")
    install.ensure_jars()
    assert (tmp_path / "jars" / "one.jar").read_bytes() == b"right"


def test_a_half_copied_jar_is_fetched_again(jars: Callable[[bytes], None], tmp_path: Path) -> None:
    (tmp_path / "jars").mkdir()
    (tmp_path / "jars" / "one.jar").write_bytes(b"rig")
    jars(b"right")
    install.ensure_jars()
    assert (tmp_path / "jars" / "one.jar").read_bytes() == b"right"


def test_no_java_is_said_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java, "_system_home", lambda: None)
    monkeypatch.setattr(java, "_wheel_home", lambda: None)
    java.java_home.cache_clear()
    with pytest.raises(CannotInstall, match="Java 17 or 21 is missing"):
        java.java_home()
    java.java_home.cache_clear()


@pytest.mark.parametrize(("version", "usable"), [("17.0.15", True), ("21.0.8", True), ("11.0.2", False), ("25", False)])
def test_only_a_java_that_everything_runs_on_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, usable: bool
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "java").touch(mode=0o755)
    (tmp_path / "release").write_text(f'IMPLEMENTOR="X"\nJAVA_VERSION="{version}"\n')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "/nowhere")
    assert java._system_home() == (tmp_path if usable else None)


def test_a_failed_service_is_told_by_its_last_words(tmp_path: Path) -> None:
    log = tmp_path / "kafka.log"
    assert startup.last_words(log) == ""
    log.write_text("x" * 10_000 + "\nfatal: no space left\n\n")
    assert startup.last_words(log) == "fatal: no space left"
