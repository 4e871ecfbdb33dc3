"""Answers that hold until the database changes, kept ready as bytes."""

import asyncio
import gzip
import hashlib
import logging
import time
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any

from database.db_helper import Connection
from database.queries.publications import Version, data_version
from utils.errors import ActstockError, DatabaseUnavailable

log = logging.getLogger(__name__)

CHECK_SECONDS = 0.5
# Older than this the last check says nothing any more: the database is away or hangs.
TRUSTED_SECONDS = 2.0
KEPT_BYTES = 64 * 2**20
# Below it compressing saves nothing worth having.
COMPRESSED_FROM_BYTES = 1000

# Runs a query on a connection and returns what it returns; blocking.
Read = Callable[[Callable[[Connection], Any]], Any]


@dataclass(frozen=True)
class Answer:
    """A serialized body, also compressed where that is shorter, and the tag of what it says.

    The tag is weak, as it stands for both encodings, and made of the body alone: it outlives whatever changed
    elsewhere in the database, a restart, and a second server.
    """

    body: bytes
    compressed: bytes | None
    etag: str
    has_lag: bool = False

    @classmethod
    def of(cls, body: bytes, has_lag: bool = False) -> "Answer":
        compressed = gzip.compress(body, compresslevel=5, mtime=0) if len(body) >= COMPRESSED_FROM_BYTES else None
        return cls(body, compressed, f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"', has_lag)

    @property
    def size(self) -> int:
        return len(self.body) + len(self.compressed or b"")


class KeptAnswers:
    """A cache that is emptied when the database changes; the oldest answers make room for new ones.

    `watch` asks for the version of the data all the time, requests never do: a hit costs one dictionary look-up, and
    a database that hangs is noticed without waiting for it.
    """

    def __init__(self, read: Read, clock: Callable[[], float] = time.monotonic, kept_bytes: int = KEPT_BYTES) -> None:
        self._read = read
        self._clock = clock
        self._room = self._free = kept_bytes
        self._answers: dict[Hashable, Answer] = {}
        self._version = Version("", 0)
        self._checked_at = float("-inf")
        self._trouble = "the database was not asked yet"

    async def watch(self) -> None:
        """Check for ever."""
        while True:
            await self.check()
            await asyncio.sleep(CHECK_SECONDS)

    async def check(self) -> None:
        """Ask for the version once; an unavailable database is logged when it goes and when it is back."""
        asked_at = self._clock()
        try:
            version = await asyncio.to_thread(self._read, data_version)
        except ActstockError as error:
            self._hold_back(str(error))
            return
        except Exception:
            # The watcher must outlive what nobody thought of; it would be missed without a sign.
            log.exception("the database cannot be watched")
            self._hold_back("the database cannot be watched; the API's log says why")
            return
        if self._trouble:
            log.info("the database can be read")
        if version.data != self._version.data:
            self._forget(list(self._answers))
        elif version.lag != self._version.lag:
            self._forget([key for key, answer in self._answers.items() if answer.has_lag])
        self._version, self._checked_at, self._trouble = version, asked_at, ""

    async def answer(self, key: Hashable, make: Callable[[Connection], bytes], has_lag: bool = False) -> Answer:
        """The kept answer, or the one `make` gives now; DatabaseUnavailable instead of one that may be old.

        has_lag: it holds the consumers' lag, and is kept until that is measured again.
        """
        self._require_fresh()
        kept = self._answers.get(key)
        return kept if kept is not None else await self._make(key, make, has_lag)

    async def _make(self, key: Hashable, make: Callable[[Connection], bytes], has_lag: bool) -> Answer:
        version = self._version_for(has_lag)
        made = await asyncio.to_thread(lambda: Answer.of(self._read(make), has_lag))
        # Something may have been written while it was made: then nobody knows which side it saw.
        if version == self._version_for(has_lag):
            self._keep(key, made)
        return made

    def _version_for(self, has_lag: bool) -> Version | str:
        """What must stay the same for an answer to hold."""
        return self._version if has_lag else self._version.data

    def _keep(self, key: Hashable, answer: Answer) -> None:
        if key in self._answers or answer.size > self._room:
            return
        self._answers[key] = answer
        self._free -= answer.size
        while self._free < 0:
            self._forget([next(iter(self._answers))])

    def _forget(self, keys: Iterable[Hashable]) -> None:
        for key in keys:
            self._free += self._answers.pop(key).size

    def _hold_back(self, trouble: str) -> None:
        if not self._trouble:
            log.warning("answers are held back: %s", trouble)
        self._trouble = trouble
        self._checked_at = float("-inf")

    def _require_fresh(self) -> None:
        if self._clock() - self._checked_at > TRUSTED_SECONDS:
            raise DatabaseUnavailable(self._trouble or "the database does not answer")
