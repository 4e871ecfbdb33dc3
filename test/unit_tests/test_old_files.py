"""What is old goes, and nothing else."""

import os
from datetime import UTC, datetime
from pathlib import Path

from utils.old_files import remove_older

BEFORE = datetime(2026, 8, 1, tzinfo=UTC)


def made(path: Path, text: str, day: int) -> Path:
    """Make a file, last written on a day of July (below 32) or August."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    moment = datetime(2026, 7, 1, tzinfo=UTC).timestamp() + (day - 1) * 86400
    for each in (path, path.parent):
        os.utime(each, (moment, moment))
    return path


def test_old_files_and_what_they_leave_empty(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    old, new = made(logs / "run=1" / "task=a" / "1.log", "12345", 10), made(logs / "run=2" / "1.log", "1", 40)
    made(logs / "run=3" / "old.log", "123", 10)
    young = made(logs / "run=3" / "new.log", "1", 40)
    (logs / "made-now").mkdir()
    os.utime(logs / "run=1", (old.stat().st_mtime, old.stat().st_mtime))

    removed = remove_older(logs, BEFORE)

    assert (removed.files, removed.bytes) == (2, 8)
    assert {path for path in logs.rglob("*") if path.is_file()} == {new, young}
    assert {path.name for path in logs.iterdir()} == {"run=2", "run=3", "made-now"}


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    elsewhere = made(tmp_path / "elsewhere" / "mine.log", "1", 10)
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "latest").symlink_to(elsewhere.parent)
    os.utime(logs / "latest", (0, 0), follow_symlinks=False)

    assert remove_older(logs, BEFORE).files == 1

    assert elsewhere.exists()
    assert list(logs.iterdir()) == []


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert str(remove_older(tmp_path / "none", BEFORE)) == "removed 0 files of 0.0 MB"
