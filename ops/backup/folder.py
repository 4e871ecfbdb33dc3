"""The folder of the backups that are made by themselves: their names, how many stay, and how the last try ended."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from config.config import BackupSettings

LAST_TRY = "last-try.json"
STAMP = "%Y%m%dT%H%M%SZ"
DAILY, BEFORE_UPGRADE = "actstock", "before-upgrade"
NAME = re.compile(rf"(?P<kind>{DAILY}|{BEFORE_UPGRADE})-(?P<stamp>\d{{8}}T\d{{6}}Z)\.tar")
TRY_AGAIN_AFTER = timedelta(hours=1)


class Try(msgspec.Struct, frozen=True):
    """A try to make a backup. error: why there is none."""

    at: datetime
    file: str
    error: str | None = None


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
    tried = last_try(settings.folder)
    if tried and tried.error and now - tried.at < TRY_AGAIN_AFTER:
        return False
    due = now.replace(hour=settings.hour, minute=0, second=0, microsecond=0)
    if due > now:
        due -= timedelta(days=1)
    made = backups(settings.folder, DAILY)
    return (made[-1][0] if made else since) < due


def last_try(folder: Path) -> Try | None:
    """Return how the last backup that was made by itself ended, None before the first one."""
    try:
        return msgspec.json.decode((folder / LAST_TRY).read_bytes(), type=Try)
    except (OSError, msgspec.DecodeError):
        return None


def note(folder: Path, tried: Try) -> None:
    """Keep how a try ended, for whoever watches over the platform."""
    new = folder / f"{LAST_TRY}.new"
    new.write_bytes(msgspec.json.encode(tried))
    new.replace(folder / LAST_TRY)
