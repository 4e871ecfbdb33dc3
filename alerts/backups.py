"""What the service `backup` says of itself once a minute, in a folder that the watcher can read.

The backups hold every secret, so they are not for the watcher.
"""

from datetime import datetime
from pathlib import Path

from msgspec import Struct

from alerts import state_files

FILE = "backups.json"


class Try(Struct, frozen=True):
    """A try to make a backup. error: why there is none."""

    at: datetime
    file: str
    error: str | None = None


class Backups(Struct, frozen=True):
    """How it is with the backups that are made by themselves.

    is_on, since: whether some are to be made, and since when
    free_mb: the room for them, where it is not on the disk of the platform's data
    tried: the last try, None before the first one
    """

    is_on: bool
    since: datetime
    free_mb: int | None = None
    tried: Try | None = None


def read(folder: Path) -> Backups | None:
    """Return what was said last, or None where nothing was."""
    return state_files.read(folder / FILE, Backups)
