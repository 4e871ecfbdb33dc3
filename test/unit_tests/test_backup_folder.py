"""When a day's backup is due, and which ones stay."""

import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerts.backups import Backups, Try, read
from config.config import BackupSettings, ConfigError, Settings
from ops.backup import scheduled
from ops.backup.folder import BEFORE_UPGRADE, DAILY, backups, is_due, last_try, new_name, note, remove_old, tell
from ops.native.environment import _defaults, _platform
from ops.native.stack import TOOLS, DataSource, Stack


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


LIVE, DEMO = "actstock-yahoo", "actstock-simulated"


def settings(folder: Path, keep: int = 7, platform: str = LIVE) -> BackupSettings:
    return BackupSettings(folder, platform, keep, 3, folder / "state")


def make(settings: BackupSettings, kind: str, *days: datetime) -> None:
    for day in days:
        (settings.folder / new_name(settings, kind, day)).touch()


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
        make(settings(tmp_path), DAILY, at(made))
    make(settings(tmp_path), BEFORE_UPGRADE, at("2026-08-23 03:00"))
    make(settings(tmp_path, platform=DEMO), DAILY, at("2026-08-23 03:00"))
    tell(settings(tmp_path), at(since))
    assert is_due(settings(tmp_path), at(now)) is due


@pytest.mark.parametrize(("first", "last"), [(8, 23), (0, 2), (2, 4), (23, 24)])
def test_a_machine_that_is_off_for_most_of_the_day_gets_one_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: int, last: int
) -> None:
    """Whatever the hours at which it is on, and though the service starts anew each day."""
    place = settings(tmp_path, keep=99)
    now = at("2026-11-01 00:00")
    monkeypatch.setattr(scheduled, "_make_apart", lambda place: make(place, DAILY, now))
    for day in range(14):
        for hour in range(first, last):
            now = at("2026-11-01 00:30") + timedelta(days=day, hours=hour)
            scheduled.look(place, now)
            told = read(place.state_folder)
            assert told and told.since == at("2026-11-01 00:30") + timedelta(hours=first)
    # The first day's, where the machine was on at three, and one on each day after it.
    made = [day.date() for day, _ in backups(place, DAILY)]
    assert made == sorted(set(made)) and len(made) == (14 if first <= 3 < last else 13)


def test_zero_to_keep_is_none_to_make(tmp_path: Path) -> None:
    tell(settings(tmp_path), at("2026-08-01 00:00"))
    assert not is_due(settings(tmp_path, keep=0), at("2026-08-22 12:00"))


@pytest.mark.parametrize(("now", "due"), [("2026-08-22 03:59", False), ("2026-08-22 04:01", True)])
def test_what_failed_is_tried_again_after_an_hour(tmp_path: Path, now: str, due: bool) -> None:
    tell(settings(tmp_path), at("2026-08-01 00:00"))
    note(tmp_path / "state", Try(at("2026-08-22 03:00"), "a.tar", "the disk is full"))
    assert is_due(settings(tmp_path), at(now)) is due


def test_what_was_noted_is_read_again(tmp_path: Path) -> None:
    assert last_try(tmp_path) is None
    tried = Try(at("2026-08-22 03:00"), "a.tar", "the disk is full")
    note(tmp_path, tried)
    assert last_try(tmp_path) == tried
    (tmp_path / "last-try.json").write_text("{")
    assert last_try(tmp_path) is None


def test_the_watcher_is_told_since_when_and_how_the_last_one_went(tmp_path: Path) -> None:
    first, later, again = at("2026-08-22 12:00"), at("2026-08-23 12:00"), at("2026-09-22 12:00")
    tell(settings(tmp_path), first)
    assert read(tmp_path / "state") == Backups(True, first)
    failed = Try(later, "a.tar", "the disk is full")
    note(tmp_path / "state", failed)
    tell(settings(tmp_path), later)
    assert read(tmp_path / "state") == Backups(True, first, tried=failed)
    tell(settings(tmp_path, keep=0), later)
    tell(settings(tmp_path), again)
    assert read(tmp_path / "state") == Backups(True, again, tried=failed), "nothing is late that was switched off"
    assert read(tmp_path) is None


def test_the_room_of_another_disk_is_told(tmp_path: Path) -> None:
    elsewhere = BackupSettings(Path("/dev/shm/not/there/yet"), LIVE, 7, 3, tmp_path / "state")
    tell(elsewhere, at("2026-08-22 12:00"))
    told = read(tmp_path / "state")
    assert told is not None
    assert told.free_mb == pytest.approx(shutil.disk_usage("/dev/shm").free / 2**20, abs=50)


@pytest.mark.parametrize(
    ("folder", "keyword"), [("a file", "Not a directory"), ("no backup place", "ended with code -9")]
)
def test_whatever_keeps_a_backup_from_being_made_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, keyword: str
) -> None:
    """Also where the folder itself is what is wrong, and where the process that makes it is killed."""
    (tmp_path / "a file").touch()
    state = tmp_path / "state"
    monkeypatch.setenv("BACKUP_FOLDER", str(tmp_path / folder / "backups"))
    monkeypatch.setenv("BACKUP_STATE_FOLDER", str(state))
    if "code" in keyword:
        python = tmp_path / "python"
        python.write_text("#!/bin/sh\nkill -9 $$\n")
        python.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(python))
    scheduled._make_apart(Settings.from_env().backup)
    tried = last_try(state)
    assert tried is not None and tried.error is not None
    assert keyword in tried.error


DAYS = [at(f"2026-08-{day:02} 03:00") for day in range(1, 11)]


def test_the_newest_stay(tmp_path: Path) -> None:
    mine = tmp_path / "actstock-of-mine.tar"
    mine.touch()
    make(settings(tmp_path), DAILY, *DAYS)
    make(settings(tmp_path), BEFORE_UPGRADE, at("2020-01-01 00:00"))
    assert len(remove_old(settings(tmp_path), DAILY)) == 3
    assert [day for day, _ in backups(settings(tmp_path), DAILY)] == DAYS[3:]
    assert len(backups(settings(tmp_path), BEFORE_UPGRADE)) == 1
    assert mine.exists()


def test_of_a_kind_that_is_not_made_daily_the_one_just_made_stays(tmp_path: Path) -> None:
    make(settings(tmp_path), BEFORE_UPGRADE, *DAYS)
    remove_old(settings(tmp_path, keep=0), BEFORE_UPGRADE)
    assert [day for day, _ in backups(settings(tmp_path), BEFORE_UPGRADE)] == DAYS[-1:]


@pytest.mark.parametrize("kind", [DAILY, BEFORE_UPGRADE])
@pytest.mark.parametrize("others", [DEMO, "actstock", f"{LIVE}-78d2d1", "before-upgrade-actstock", "actstock.yahoo"])
def test_the_backups_of_another_platform_stay(tmp_path: Path, kind: str, others: str) -> None:
    """A demo of some days, or a restore into another folder, would take all that the live platform has."""
    live, other = settings(tmp_path), settings(tmp_path, platform=others)
    make(live, kind, *DAYS[:7])
    make(other, kind, *DAYS)
    assert [path.name for path in remove_old(other, kind)] == [new_name(other, kind, day) for day in DAYS[:3]]
    assert [day for day, _ in backups(live, kind)] == DAYS[:7]


@pytest.mark.parametrize("kind", [DAILY, BEFORE_UPGRADE])
@pytest.mark.parametrize("name", ["actstock-20260801T030000Z.tar", "before-upgrade-20260801T030000Z.tar"])
def test_backups_that_do_not_say_whose_they_are_stay(tmp_path: Path, kind: str, name: str) -> None:
    (tmp_path / name).touch()
    make(settings(tmp_path), kind, *DAYS)
    assert name not in [path.name for path in remove_old(settings(tmp_path, keep=1), kind)]
    assert (tmp_path / name).exists()


def test_every_platform_of_a_machine_has_a_name_of_its_own(tmp_path: Path) -> None:
    sources = [
        DataSource(),
        DataSource("simulated"),
        DataSource("simulated", seed=7),
        DataSource("recorded", folder="/a"),
    ]
    stacks = [Stack(home, source=source) for home in (TOOLS, tmp_path / "a", tmp_path / "b") for source in sources]
    environ = {"BACKUP_FOLDER": str(tmp_path)}
    places = [Settings.from_env(_defaults(stack, environ) | _platform(stack)).backup for stack in stacks]
    assert {place.folder for place in places} == {tmp_path}
    assert len({place.platform for place in places}) == len(stacks)


def test_an_hour_is_one_of_a_day() -> None:
    with pytest.raises(ConfigError, match="BACKUP_HOUR='24': give a whole number, at least 0 and at most 23"):
        Settings.from_env({"BACKUP_HOUR": "24"})
