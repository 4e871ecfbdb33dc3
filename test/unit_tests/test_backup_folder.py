"""When a day's backup is due, and which ones stay."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.config import BackupSettings, ConfigError, Settings
from ops.backup.folder import BEFORE_UPGRADE, DAILY, Try, backups, is_due, last_try, new_name, note, remove_old


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "since", "made", "due"),
    [
        ("2026-08-21 12:00", "2026-08-21 11:00", None, False),  # the first one waits for its hour
        ("2026-08-22 02:59", "2026-08-21 11:00", None, False),
        ("2026-08-22 03:00", "2026-08-21 11:00", None, True),
        ("2026-08-22 10:00", "2026-08-22 09:59", "2026-08-21 03:00", True),  # the machine was off in the night
        ("2026-08-22 10:00", "2026-08-21 09:00", "2026-08-22 03:00", False),
        ("2026-08-23 02:00", "2026-08-21 09:00", "2026-08-22 03:00", False),
        ("2026-08-23 03:01", "2026-08-21 09:00", "2026-08-22 03:00", True),
    ],
)
def test_a_backup_a_day(tmp_path: Path, now: str, since: str, made: str | None, due: bool) -> None:
    if made:
        (tmp_path / new_name(DAILY, at(made))).touch()
    (tmp_path / new_name(BEFORE_UPGRADE, at("2026-08-23 03:00"))).touch()
    assert is_due(BackupSettings(tmp_path, 7, 3), at(now), at(since)) is due


def test_zero_to_keep_is_none_to_make(tmp_path: Path) -> None:
    assert not is_due(BackupSettings(tmp_path, 0, 3), at("2026-08-22 12:00"), at("2026-08-01 00:00"))


@pytest.mark.parametrize(("now", "due"), [("2026-08-22 03:59", False), ("2026-08-22 04:01", True)])
def test_what_failed_is_tried_again_after_an_hour(tmp_path: Path, now: str, due: bool) -> None:
    note(tmp_path, Try(at("2026-08-22 03:00"), "a.tar", "the disk is full"))
    assert is_due(BackupSettings(tmp_path, 7, 3), at(now), at("2026-08-01 00:00")) is due


def test_what_was_noted_is_read_again(tmp_path: Path) -> None:
    assert last_try(tmp_path) is None
    tried = Try(at("2026-08-22 03:00"), "a.tar", "the disk is full")
    note(tmp_path, tried)
    assert last_try(tmp_path) == tried
    (tmp_path / "last-try.json").write_text("{")
    assert last_try(tmp_path) is None


def test_the_newest_stay(tmp_path: Path) -> None:
    days = [at(f"2026-08-{day:02} 03:00") for day in range(1, 11)]
    for day in days:
        (tmp_path / new_name(DAILY, day)).touch()
    mine = tmp_path / "actstock-of-mine.tar"
    before = tmp_path / new_name(BEFORE_UPGRADE, at("2020-01-01 00:00"))
    for other in (mine, before):
        other.touch()
    assert len(remove_old(tmp_path, DAILY, 7)) == 3
    assert [day for day, _ in backups(tmp_path, DAILY)] == days[3:]
    assert mine.exists() and before.exists()


def test_an_hour_is_one_of_a_day() -> None:
    with pytest.raises(ConfigError, match="BACKUP_HOUR='24': give a whole number, at least 0 and at most 23"):
        Settings.from_env({"BACKUP_HOUR": "24"})
