"""Response bodies that hold until the database changes, kept ready as bytes."""

import asyncio
import gzip
import hashlib
import logging
import time
from collections.abc import Callable, Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from database.db_helper import Connection
from database.queries.publications import data_version
from utils.errors import ActstockError, DatabaseUnavailable
from utils.reasons import Reason, reason

log = logging.getLogger(__name__)

CHECK_SECONDS = 0.5
# Older than this the last check says nothing any more: the database hangs, or the machine is busy.
TRUSTED_SECONDS = 5.0
# So long a request waits for a check that is late, before it takes the database for one that hangs.
LATE_SECONDS = 5.0
KEPT_BYTES = 64 * 2**20
# Below it compressing saves nothing worth having.
COMPRESSED_FROM_BYTES = 1000

# Runs a query on a connection and returns what it returns; blocking.
Read = Callable[[Callable[[Connection], Any]], Any]


class Content(NamedTuple):
    """What an answer consists of: its bytes, and the headers that are about them."""

    plain: bytes
    headers: Mapping[str, str] = {}


Make = Callable[[Connection], Content]


@dataclass(frozen=True)
class Body:
    """A serialized body, also compressed where that is shorter, and the tag of its content.

    The tag is weak, as it stands for both encodings, and made of the body alone: it outlives changes elsewhere in the
    database, a restart, and a second server.
    """

    plain: bytes
    compressed: bytes | None
    etag: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, plain: bytes, headers: Mapping[str, str] | None = None) -> "Body":
        compressed = gzip.compress(plain, compresslevel=5, mtime=0) if len(plain) >= COMPRESSED_FROM_BYTES else None
        if compressed and len(compressed) >= len(plain):
            compressed = None
        tag = hashlib.blake2b(plain, digest_size=12).hexdigest()
        return cls(plain, compressed, f'W/"{tag}"', headers or {})

    @property
    def size(self) -> int:
        return len(self.plain) + len(self.compressed or b"")


class ResponseCache:
    """A cache that is emptied when the database changes; the oldest bodies make room for new ones.

    `watch` asks for the version of the data all the time, requests never do: a hit costs one dictionary look-up, and
    a database that hangs is noticed without waiting for it.
    """

    def __init__(self, read: Read, clock: Callable[[], float] = time.monotonic, kept_bytes: int = KEPT_BYTES) -> None:
        self._read = read
        self._clock = clock
        self._room = self._free = kept_bytes
        self._bodies: dict[Hashable, Body] = {}
        self._version = ""
        self._checked_at = float("-inf")
        self._trouble: Reason | None = reason("database_not_asked")
        self._checked = asyncio.Event()
        self.hits = self.misses = 0

    @property
    def size(self) -> int:
        """The bytes of all kept bodies."""
        return self._room - self._free

    async def watch(self) -> None:
        """Check for ever."""
        while True:
            await self.check()
            await asyncio.sleep(CHECK_SECONDS)

    async def check(self) -> None:
        """Ask for the version once, and let the requests go on that wait for it."""
        await self._ask()
        self._checked.set()
        self._checked = asyncio.Event()

    async def _ask(self) -> None:
        """Ask for the version. An unavailable database is logged when it goes and when it is back."""
        asked_at = self._clock()
        try:
            version = await asyncio.to_thread(self._read, data_version)
        except ActstockError as error:
            self._hold_back(error.reason)
            return
        except Exception:
            # The watcher must outlive any error nobody thought of; it would be missed without a sign.
            log.exception("the database cannot be watched")
            self._hold_back(reason("database_not_watched"))
            return
        if self._trouble:
            log.info("the database can be read")
        if version != self._version:
            self._bodies.clear()
            self._free = self._room
        self._version, self._checked_at, self._trouble = version, asked_at, None

    async def kept(self, key: Hashable, make: Make) -> Body:
        """Return the kept body, or the one `make` gives now; DatabaseUnavailable instead of one that may be old."""
        await self._require_fresh()
        if body := self._bodies.get(key):
            self.hits += 1
            return body
        self.misses += 1
        return await self._make(key, make)

    async def fresh(self, make: Make) -> Body:
        """Return the body that `make` gives now; it is not kept."""
        await self._require_fresh()
        return await asyncio.to_thread(lambda: Body.of(*self._read(make)))

    async def _make(self, key: Hashable, make: Make) -> Body:
        version = self._version
        made = await self.fresh(make)
        # Something may have been written while it was made: then nobody knows which side it saw.
        if version == self._version:
            self._keep(key, made)
        return made

    def _keep(self, key: Hashable, body: Body) -> None:
        if key in self._bodies or body.size > self._room:
            return
        self._bodies[key] = body
        self._free -= body.size
        while self._free < 0:
            self._free += self._bodies.pop(next(iter(self._bodies))).size

    def _hold_back(self, trouble: Reason) -> None:
        if not self._trouble:
            log.warning("answers are held back: %s", trouble)
        self._trouble = trouble
        self._checked_at = float("-inf")

    async def _require_fresh(self) -> None:
        if self._is_late() and not self._trouble:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._checked.wait(), LATE_SECONDS)
        if self._is_late():
            raise DatabaseUnavailable(self._trouble or reason("database_silent"))

    def _is_late(self) -> bool:
        return self._clock() - self._checked_at > TRUSTED_SECONDS
