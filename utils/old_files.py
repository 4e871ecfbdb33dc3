"""Files that only tell of the past, and that are cleared away after a while."""

import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass
class Removed:
    """How many files were removed, and of how many bytes."""

    files: int = 0
    bytes: int = 0

    def __str__(self) -> str:
        return f"removed {self.files:,} files of {self.bytes / 2**20:.1f} MB"


def remove_older(folder: Path, before: datetime) -> Removed:
    """Remove the files below a folder that were last written before a moment, and folders that are empty then.

    Links are removed, not followed. What somebody else removes at the same time is no matter.
    """
    removed, moment = Removed(), before.timestamp()
    found = list(os.walk(folder, topdown=False))
    # Looked at before their files go, which touches them: one that somebody has just made is about to be filled.
    old = [Path(parent) for parent, _, _ in found if parent != str(folder) and _is_old(Path(parent), moment)]
    for parent, folders, files in found:
        for name in (*files, *folders):
            _remove_file(Path(parent, name), moment, removed)
    for each in old:
        with suppress(OSError):  # it is not empty, or gone
            each.rmdir()
    return removed


def _remove_file(path: Path, moment: float, removed: Removed) -> None:
    with suppress(FileNotFoundError):
        if (path.is_symlink() or path.is_file()) and _is_old(path, moment):
            size = path.lstat().st_size
            path.unlink()
            removed.files += 1
            removed.bytes += size


def _is_old(path: Path, moment: float) -> bool:
    try:
        return path.lstat().st_mtime < moment
    except FileNotFoundError:
        return False
