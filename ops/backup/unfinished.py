"""Backups that are being written: a file beside the name that it will have, which its writer holds until then."""

import fcntl
from contextlib import suppress
from pathlib import Path
from typing import IO

SUFFIX = ".unfinished"


def unfinished(path: Path) -> Path:
    """Return what a backup is called until it is one."""
    return path.with_name(path.name + SUFFIX)


def hold(file: IO[bytes]) -> None:
    """Hold a file until it is closed, or its process ends in whatever way."""
    with suppress(OSError):  # a disk without locks: nothing on it is ever taken for abandoned
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def is_abandoned(path: Path) -> bool:
    """Return whether nobody holds a file. One that may not be looked at counts as held."""
    try:
        with path.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
