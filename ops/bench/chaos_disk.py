"""A disk for a stack's data alone, which can be full without anybody else's being it.

It is in memory, and in a mount namespace of this process: whoever this process starts sees it, and nobody else does.
So it goes with the last of them, however they end.
"""

import ctypes
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from ops.errors import CannotStart, RunFailed

# It takes as much memory as is written on it, which is a few hundred megabytes.
SIZE = 4 * 2**30
# It is made as small as what is on it. While something is written that has to be tried again.
TRIES = 100
EVERY_SECONDS = 0.5
NEW_MOUNTS = 0x00020000  # CLONE_NEWNS, which Python has from 3.12 on


@dataclass(frozen=True)
class Disk:
    """A file system in memory. size: in bytes, as a rule."""

    folder: Path
    size: int = SIZE

    @classmethod
    def mounted(cls, folder: Path) -> "Disk":
        """Mount a new disk at a folder. CannotStart says why none can be had, which is so but for root as a rule."""
        folder.mkdir(parents=True, exist_ok=True)
        disk = cls(folder)
        try:
            _have_own_mounts()
            _mount("-t", "tmpfs", "-o", f"size={disk.size},mode=755", "actstock-chaos", str(folder))
        except OSError as error:
            raise CannotStart(f"no disk of its own can be mounted at {folder}: {error}") from None
        return disk

    def unmount(self) -> None:
        """Take the disk away with what is on it, as soon as nobody works there."""
        subprocess.run(["umount", "--lazy", str(self.folder)], check=False)

    def keep_free(self, room: int, seconds: float) -> None:
        """See to it for a while that so many bytes are free, whatever is written or deleted. RunFailed: it fails."""
        until = time.monotonic() + seconds
        while True:
            self._shrink(room)
            if time.monotonic() > until:
                return
            time.sleep(EVERY_SECONDS)

    def widen(self) -> None:
        """Make room again."""
        self._resize(self.size)

    def _shrink(self, room: int) -> None:
        problem = None
        for _ in range(TRIES):
            try:
                return self._resize(shutil.disk_usage(self.folder).used + room)
            except OSError as error:
                problem = error
        raise RunFailed(f"the disk of {self.folder} cannot be filled: {problem}")

    def _resize(self, size: int) -> None:
        _mount("-o", f"remount,size={size}", str(self.folder))


def _have_own_mounts() -> None:
    """Let nobody else see what this process mounts from now on."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(NEW_MOUNTS):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    _mount("--make-rprivate", "/")


def _mount(*words: str) -> None:
    """Call mount(8). OSError says what it says."""
    done = subprocess.run(["mount", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(done.stderr.strip().splitlines()[0] if done.stderr.strip() else f"code {done.returncode}")
