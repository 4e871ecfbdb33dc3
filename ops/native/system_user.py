"""The user that services are where root starts the platform.

    python -S -m ops.native.system_user [FOLDER ...] -- COMMAND ...

What is broken into then changes nothing but the service's own folders. Started by anybody else, a service is whoever
started it.
"""

import os
import pwd
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NoReturn

NAME = "actstock"
# Settings that name a file or folder which a service reads.
READ = ("ACTSTOCK_ROOT", "ACTSTOCK_JARS", "JAVA_HOME", "SPARK_CLASS_ARCHIVE", "UNIVERSE_FILE", "EXCHANGE_DAYS_FILE")
MADE_MEANWHILE = 9  # how useradd ends when there is such a user


def is_root() -> bool:
    return os.geteuid() == 0


def without_root(reads: Iterable[Path]) -> list[str]:
    """Return the words that make a command run as the system user, none when we are not root.

    Where something that it reads is closed to others (a checkout below /root), it gets the right to read everything
    (CAP_DAC_READ_SEARCH), so that no folder has to be opened to everybody. The right to write is not in it.
    """
    if not is_root():
        return []
    _ensure()
    words = ["setpriv", f"--reuid={NAME}", f"--regid={NAME}", "--clear-groups"]
    if any(map(_is_closed, reads)):
        # Without the secure bit, access(2), by which initdb looks for its neighbours, ignores the capability.
        words += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search", "--securebits=+no_setuid_fixup"]
    return [*words, "--"]


def own(path: Path) -> None:
    """Give a file or folder to the system user."""
    if is_root():
        _ensure()
        shutil.chown(path, NAME, NAME)


def own_all(folder: Path) -> None:
    """Give a folder and all in it to the system user, who may have had another number on another machine."""
    if is_root() and folder.stat().st_uid != _ensure().pw_uid:
        for path in (*folder.rglob("*"), folder):
            own(path)


def become(folders: Sequence[Path], command: list[str]) -> NoReturn:
    """Replace this process by the command, as the system user, who owns the folders."""
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        own_all(folder)
    settings = (os.environ.get(name) for name in READ)
    reads = [Path(sys.executable), *(folder.parent for folder in folders), *map(Path, filter(None, settings))]
    words = [*without_root(reads), *command]
    os.execvp(words[0], words)


def _is_closed(path: Path) -> bool:
    """Tell whether others cannot read a path, or not look through a folder that it is in, links followed."""
    real = path.resolve()
    if not real.exists():
        return False
    return not real.stat().st_mode & stat.S_IROTH or any(
        not folder.stat().st_mode & stat.S_IXOTH for folder in real.parents
    )


def _ensure() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(NAME)
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", NAME]
        # Two services start at once: the other one may have been quicker.
        if subprocess.run(command, check=False, capture_output=True).returncode not in (0, MADE_MEANWHILE):
            raise SystemExit(f"the system user {NAME} cannot be made: run `{' '.join(command)}`") from None
        return pwd.getpwnam(NAME)


if __name__ == "__main__":
    separator = sys.argv.index("--")
    become(list(map(Path, sys.argv[1:separator])), sys.argv[separator + 1 :])
