"""The folder of the backups that are made by themselves: their names, how many stay, and how the last try ended."""

import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

from alerts import state_files
from alerts.backups import FILE, Backups, Try, read
from config.config import BackupSettings

LAST_TRY = "last-try.json"
STAMP = "%Y%m%dT%H%M%SZ"
DAILY, BEFORE_UPGRADE = "actstock", "before-upgrade"
NAME = re.compile(rf"(?P<kind>{DAILY}|{BEFORE_UPGRADE})-(?P<stamp>\d{{8}}T\d{{6}}Z)\.tar")
TRY_AGAIN_AFTER = timedelta(hours=1)


def new_name(kind: str, now: datetime) -> str:
    return f"{kind}-{now.strftime(STAMP)}.tar"


def backups(folder: Path, kind: str) -> list[tuple[datetime, Path]]:
    """Return the backups of a kind, oldest first."""
    named = [(NAME.fullmatch(path.name), path) for path in folder.glob("*.tar")]
    found = [
        (datetime.strptime(match["stamp"], STAMP).replace(tzinfo=UTC), path)
        for match, path in named
        if match and match["kind"] == kind
    ]
    return sorted(found)


def remove_old(folder: Path, kind: str, keep: int) -> list[Path]:
    """Remove all but the newest backups of a kind, and return what was removed."""
    old = [path for _, path in backups(folder, kind)[:-keep]]
    for path in old:
        path.unlink()
    return old


def is_due(settings: BackupSettings, now: datetime, since: datetime) -> bool:
    """Tell whether a day's backup is missing. since: when somebody began to look, before which none was expected."""
    if not settings.keep:
        return False
    tried = last_try(settings.state_folder)
    if tried and tried.error and now - tried.at < TRY_AGAIN_AFTER:
        return False
    due = now.replace(hour=settings.hour, minute=0, second=0, microsecond=0)
    if due > now:
        due -= timedelta(days=1)
    made = backups(settings.folder, DAILY)
    return (made[-1][0] if made else since) < due


def last_try(folder: Path) -> Try | None:
    """Return how the last backup that was made by itself ended, None before the first one. folder: of the state."""
    return state_files.read(folder / LAST_TRY, Try)


def note(folder: Path, tried: Try) -> None:
    """Keep how a try ended."""
    state_files.write(folder / LAST_TRY, tried)


def tell(settings: BackupSettings, now: datetime) -> None:
    """Say how it is with the backups, for whoever watches over the platform."""
    before = read(settings.state_folder)
    since = before.since if before and before.is_on else now
    tried, free_mb = last_try(settings.state_folder), _free_elsewhere(settings)
    state_files.write(settings.state_folder / FILE, Backups(settings.keep > 0, since, free_mb, tried))


def _free_elsewhere(settings: BackupSettings) -> int | None:
    """Return the room for backups in megabytes, None where it is on the disk of the platform's data."""
    there, here = _existing(settings.folder), _existing(settings.state_folder)
    return None if there.stat().st_dev == here.stat().st_dev else shutil.disk_usage(there).free // 2**20


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())
