"""The class archive: made whole or not at all, and once for a Java and a Spark."""

import subprocess
from pathlib import Path

import pytest

from batch import class_archive


class FakeSubmit:
    """spark-submit that writes the requested archive. fails_at: which of the two calls fails."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.fails_at = fails_at
        self.calls: list[list[str]] = []

    def __call__(self, java_options: list[str], command: list[str]) -> "subprocess.CompletedProcess[str]":
        self.calls.append(command)
        if java_options[0].startswith("-XX:ArchiveClassesAtExit="):
            Path(java_options[0].partition("=")[2]).write_bytes(b"classes")
        failed = len(self.calls) == self.fails_at
        return subprocess.CompletedProcess([], int(failed), stdout="some lines\nNo space left on device\n")


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "jars" / "spark-classes.jsa"
    monkeypatch.setenv("SPARK_CLASS_ARCHIVE", str(path))
    monkeypatch.setattr(class_archive, "_versions", lambda: "java 17, spark 4.3.0")
    return path


def submitted_with(monkeypatch: pytest.MonkeyPatch, fake: FakeSubmit) -> FakeSubmit:
    monkeypatch.setattr(class_archive, "_spark_submit", fake)
    return fake


def test_it_is_made_once(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    submit = submitted_with(monkeypatch, FakeSubmit())
    assert class_archive.main([]) == 0
    assert archive.read_bytes() == b"classes"
    assert len(submit.calls) == 2  # recorded, then tried
    assert class_archive.main([]) == 0
    assert len(submit.calls) == 2
    assert class_archive.main(["--again"]) == 0
    assert len(submit.calls) == 4


def test_another_java_makes_it_again(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    submit = submitted_with(monkeypatch, FakeSubmit())
    class_archive.main([])
    monkeypatch.setattr(class_archive, "_versions", lambda: "java 21, spark 4.3.0")
    assert class_archive.main([]) == 0
    assert len(submit.calls) == 4


@pytest.mark.parametrize("fails_at", [1, 2])
def test_half_an_archive_is_none(
    archive: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], fails_at: int
) -> None:
    """A JVM that maps half a file dies."""
    submitted_with(monkeypatch, FakeSubmit(fails_at))
    assert class_archive.main([]) == 1
    assert list(archive.parent.iterdir()) == []
    assert capsys.readouterr().err == "error: Spark's classes could not be recorded: No space left on device\n"
