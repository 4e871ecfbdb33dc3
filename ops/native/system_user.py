"""The users that services are where root starts the platform.

What is broken into then changes nothing but that user's folders, and sees nothing of another user's services. Started
by anybody else, a service is whoever started it.
"""

import os
import pwd
import stat
import subprocess
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

NAME = "actstock"
# Of those that look after the others: with the owners' passwords, and with what all others must not change.
ADMIN = f"{NAME}-admin"
MADE_MEANWHILE = 9  # how useradd ends when there is such a user


def is_root() -> bool:
    return os.geteuid() == 0


def without_root(reads: Iterable[Path], user: str = NAME) -> list[str]:
    """Return the words that make a command run as a system user, none when we are not root.

    Where something that it reads is closed to others (a checkout below /root), it gets the right to read everything
    (CAP_DAC_READ_SEARCH), so that no folder has to be opened to everybody. The right to write is not in it.
    """
    if not is_root():
        return []
    owner = _ensure(user)
    words = ["setpriv", f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]
    if any(_is_closed(path, owner) for path in reads):
        # Without the secure bit, access(2), by which initdb looks for its neighbours, ignores the capability.
        words += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search", "--securebits=+no_setuid_fixup"]
    return [*words, "--"]


def home(user: str = NAME) -> Mapping[str, str]:
    """Return the variable that leads a program to its user's home, and not to root's, which is closed to it."""
    return {"HOME": _ensure(user).pw_dir} if is_root() else {}


def own(path: Path, user: str = NAME) -> None:
    """Give a file or folder to a system user."""
    if is_root():
        owner = _ensure(user)
        os.chown(path, owner.pw_uid, owner.pw_gid, follow_symlinks=False)


def own_all(folder: Path, user: str = NAME) -> None:
    """Give a folder and all in it to a system user, who may have had another number on another machine.

    The folder is one that a service can write to. So links in it are not followed, neither by name nor, where it puts
    one in a folder's place meanwhile, on the way; and what also has a name elsewhere is left alone.
    """
    if not is_root():
        return
    owner = _ensure(user)
    for _, folders, files, opened in os.fwalk(folder.resolve()):
        for name in (".", *folders, *files):
            with suppress(FileNotFoundError):
                found = os.stat(name, dir_fd=opened, follow_symlinks=False)
                if found.st_uid != owner.pw_uid and (stat.S_ISDIR(found.st_mode) or found.st_nlink == 1):
                    os.chown(name, owner.pw_uid, owner.pw_gid, dir_fd=opened, follow_symlinks=False)


def take(folder: Path, user: str, within: Path) -> None:
    """Make a folder, and give it to a system user with all in it.

    What is there already and is not within the platform's own folder is a person's: it is left as it is, and named.
    """
    if is_root() and folder.is_dir() and not _is_within(folder, within) and any(folder.iterdir()):
        owner = _ensure(user)
        if folder.stat().st_uid != owner.pw_uid:
            raise SystemExit(f"{folder} has to be the user {user}'s: chown -R {user}: {folder}")
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    own_all(folder, user)


def _is_within(folder: Path, within: Path) -> bool:
    """Tell whether a folder is within another one, be it that the way leads over a link of root's to another disk.

    A service may put a link into a folder of its own. And what is itself a link leads to somebody's folder.
    """
    if folder.resolve().is_relative_to(within):
        return True
    way = [path for path in folder.parents if path != within and path.is_relative_to(within)]
    is_way = folder.is_relative_to(within) and ".." not in folder.parts and not folder.is_symlink()
    return is_way and all(path.lstat().st_uid == 0 for path in way)


def _is_closed(path: Path, user: pwd.struct_passwd) -> bool:
    """Tell whether a user cannot read a path, or not look through a folder that it is in, links followed."""
    try:
        real = path.resolve()
        return not _may(os.R_OK, real.stat(), user) or any(
            not _may(os.X_OK, folder.stat(), user) for folder in real.parents
        )
    except OSError:  # it is not there, or no name of a file
        return False


def _may(right: int, found: os.stat_result, user: pwd.struct_passwd) -> bool:
    """Tell whether a user has a right by the mode: as the owner, or as one of all others."""
    return bool(found.st_mode >> (6 if found.st_uid == user.pw_uid else 0) & right)


def _ensure(user: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(user)
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", user]
        # Two services start at once: the other one may have been quicker.
        if subprocess.run(command, check=False, capture_output=True).returncode not in (0, MADE_MEANWHILE):
            raise SystemExit(f"the system user {user} cannot be made: run `{' '.join(command)}`") from None
        return pwd.getpwnam(user)
