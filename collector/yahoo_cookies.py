"""Yahoo's cookie, kept for later processes in a file of our own: a cache, so what is wrong with it is only logged."""

import json
import logging
import os
import time
from contextlib import suppress
from datetime import timedelta
from http.cookiejar import Cookie
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

# Domain -> path -> name -> cookie, as the standard library's cookie jar keeps them.
Cookies = dict[str, dict[str, dict[str, Cookie]]]

COOKIE = "A3"  # the one without which Yahoo gives no crumb
SECONDS_KEPT = 86_400  # of a cookie that does not say how long it is valid
NAMES = (
    "version", "name", "value", "port", "port_specified", "domain", "domain_specified", "domain_initial_dot", "path",
    "path_specified", "secure", "expires", "discard", "comment", "comment_url",
)  # fmt: skip


class CookieCache:
    """What yfinance asks for its cookie: memory first, then the file, which is written where it can be.

    It takes the place of yfinance's own cache, a database of pickled objects that a damaged file turns into an error
    of every later process.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "cookies.json"
        self._kept: dict[str, Cookies] = {}
        _prepare(folder)

    def lookup(self, strategy: str) -> dict[str, Any] | None:
        """Return the cookies of a strategy as yfinance asks for them: always with a COOKIE among them, or None."""
        if strategy not in self._kept:
            self._read()
        kept = self._kept.get(strategy)
        return {"cookie": kept, "age": timedelta()} if kept else None

    def store(self, strategy: str, cookies: Cookies | None) -> None:
        if not cookies or not (found := find_cookie(cookies)):
            return
        if found.expires is None:
            found.expires = int(time.time()) + SECONDS_KEPT
        self._kept[strategy] = cookies
        self._write()

    def clear(self) -> None:
        """Forget what Yahoo does not accept any more."""
        self._kept.clear()
        with suppress(OSError):
            self.path.unlink(missing_ok=True)

    def _read(self) -> None:
        try:
            read = {strategy: _tree(listed) for strategy, listed in json.loads(self.path.read_bytes()).items()}
            if not all(find_cookie(cookies) for cookies in read.values()):
                raise ValueError(f"it has no cookie {COOKIE}")
            self._kept = read | self._kept
        except (FileNotFoundError, NotADirectoryError):
            pass
        except Exception as error:  # whatever a file that is not ours may hold
            _remove(self.path, f"{type(error).__name__}: {error}")

    def _write(self) -> None:
        written = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        text = json.dumps({strategy: _flat(cookies) for strategy, cookies in self._kept.items()})
        try:
            written.unlink(missing_ok=True)
            with open(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                file.write(text)
            _give_to_owner_of(self.path.parent, written)
            written.replace(self.path)
        except OSError as error:
            log.warning("Yahoo's cookie is kept in memory only: %s cannot be written (%s)", self.path, error)


def find_cookie(cookies: Cookies) -> Cookie | None:
    """Return the cookie from where yfinance looks for it: the first domain's root."""
    return next((of_domain.get("/", {}).get(COOKIE) for of_domain in cookies.values()), None)


def _prepare(folder: Path) -> None:
    """Make the folder, and clear it of databases of yfinance's own, which nothing reads."""
    try:
        if folder.exists() and not folder.is_dir():
            _remove(folder, "it should be a folder")
        if not folder.exists():
            folder.mkdir(parents=True, exist_ok=True)
            _give_to_owner_of(folder.parent, folder)
        for leftover in folder.glob("*.db*"):
            _remove(leftover, "a cache of another kind")
    except OSError as error:
        log.warning("Yahoo's cookie is kept in memory only: %s cannot be used (%s)", folder, error)


def _give_to_owner_of(folder: Path, made: Path) -> None:
    """Give what root makes in a folder to whoever works there: services are other users."""
    if os.geteuid() == 0:
        owner = folder.stat()
        os.lchown(made, owner.st_uid, owner.st_gid)


def _remove(path: Path, reason: str) -> None:
    log.warning("removed the cache %s, which is rebuilt: %s", path, reason)
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("%s cannot be removed: %s", path, error)


def _flat(cookies: Cookies) -> list[dict[str, Any]]:
    return [
        {name: getattr(cookie, name) for name in NAMES}
        for of_domain in cookies.values()
        for of_path in of_domain.values()
        for cookie in of_path.values()
    ]


def _tree(listed: list[dict[str, Any]]) -> Cookies:
    cookies: Cookies = {}
    for values in listed:
        cookie = Cookie(**{name: values[name] for name in NAMES}, rest={})
        cookies.setdefault(cookie.domain, {}).setdefault(cookie.path, {})[cookie.name] = cookie
    return cookies
