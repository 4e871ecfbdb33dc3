"""The folder of the backups that are made by themselves: their names, how many stay, and how the last try ended.

Platforms may share a folder: one neither counts nor removes what is not called as its own are.
"""

import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

from alerts import state_files
from alerts.backups import FILE, Backups, Try, read
from config.config import BackupSettings
from ops.backup.unfinished import SUFFIX, is_abandoned

LAST_TRY = "last-try.json"
STAMP = "%Y%m%dT%H%M%SZ"
# What the names of each kind begin with.
DAILY, BEFORE_UPGRADE = "", "before-upgrade-"
TRY_AGAIN_AFTER = timedelta(hours=1)


def new_name(settings: BackupSettings, kind: str, now: datetime) -> str:
    return f"{kind}{settings.platform}-{now.strftime(STAMP)}.tar"


def backups(settings: BackupSettings, kind: str, suffix: str = "") -> list[tuple[datetime, Path]]:
    """Return this platform's backups of a kind, oldest first. suffix: that of what is no whole one."""
    name = re.compile(rf"{re.escape(kind + settings.platform)}-(\d{{8}}T\d{{6}}Z)\.tar{re.escape(suffix)}")
    named = [(name.fullmatch(path.name), path) for path in settings.folder.glob(f"*.tar{suffix}")]
    return sorted((datetime.strptime(match[1], STAMP).replace(tzinfo=UTC), path) for match, path in named if match)


def remove_old(settings: BackupSettings, kind: str) -> list[Path]:
    """Remove all but the newest backups of a kind, and return what was removed. The one just made always stays."""
    old = [path for _, path in backups(settings, kind)[: -max(settings.keep, 1)]]
    for path in old:
        path.unlink()
    return old


def remove_abandoned(settings: BackupSettings) -> list[Path]:
    """Remove what backups that were killed have left: it can hold secrets, and fills the disk. Return what it was."""
    left = [path for kind in (DAILY, BEFORE_UPGRADE) for _, path in backups(settings, kind, SUFFIX)]
    return [path for path in left if is_abandoned(path) and _is_removed(path)]


def _is_removed(path: Path) -> bool:
    """Remove a file, where this process may."""
    try:
        path.unlink()
    except OSError:
        return False
    return True


def is_due(settings: BackupSettings, now: datetime) -> bool:
    """Tell whether a day's backup is missing. Before they were switched on none was expected."""
    if not settings.keep:
        return False
    tried = last_try(settings.state_folder)
    if tried and tried.error and now - tried.at < TRY_AGAIN_AFTER:
        return False
    due = now.replace(hour=settings.hour, minute=0, second=0, microsecond=0)
    if due > now:
        due -= timedelta(days=1)
    made = backups(settings, DAILY)
    return (made[-1][0] if made else _since(settings, now)) < due


def last_try(folder: Path) -> Try | None:
    """Return how the last backup that was made by itself ended, None before the first one. folder: of the state."""
    return state_files.read(folder / LAST_TRY, Try)


def note(folder: Path, tried: Try) -> None:
    """Keep how a try ended."""
    state_files.write(folder / LAST_TRY, tried)


def tell(settings: BackupSettings, now: datetime) -> None:
    """Say how it is with the backups, for whoever watches over the platform."""
    tried, free_mb = last_try(settings.state_folder), _free_elsewhere(settings)
    told = Backups(settings.keep > 0, _since(settings, now), free_mb, tried)
    state_files.write(settings.state_folder / FILE, told)


def _since(settings: BackupSettings, now: datetime) -> datetime:
    """Return since when backups are to be made, whatever was restarted since."""
    before = read(settings.state_folder)
    return before.since if before and before.is_on else now


def _free_elsewhere(settings: BackupSettings) -> int | None:
    """Return the room for backups in megabytes, None where it is on the disk of the platform's data."""
    there, here = _existing(settings.folder), _existing(settings.state_folder)
    return None if there.stat().st_dev == here.stat().st_dev else shutil.disk_usage(there).free // 2**20


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())
