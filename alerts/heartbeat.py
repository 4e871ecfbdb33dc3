"""That the watcher lives: a file that it writes after each round."""

import sys
import time
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from alerts import state_files
from config.config import Settings

HEARTBEAT = "heartbeat.json"
# Whoever has had no round for so long is dead.
ALIVE_SECONDS = 300


class Heartbeat(Struct, frozen=True):
    """One round. at: its end. open: how many incidents go on. trouble: what kept it from telling."""

    at: datetime
    open: int
    trouble: str = ""


def read(folder: Path) -> Heartbeat | None:
    """Return the newest round, or None without one."""
    return state_files.read(folder / HEARTBEAT, Heartbeat)


def is_alive(folder: Path, now: float) -> bool:
    """Return whether the watcher in a folder has had a round lately."""
    try:
        return now - (folder / HEARTBEAT).stat().st_mtime < ALIVE_SECONDS
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(0 if is_alive(Settings.from_env().alerts.folder, time.time()) else 1)
