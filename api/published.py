"""Answers that hold until something new is published, kept ready as bytes."""

import asyncio
import logging
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from database.db_helper import Connection
from database.queries.portfolios import publications_version
from utils.errors import ActstockError, DatabaseUnavailable

log = logging.getLogger(__name__)

CHECK_SECONDS = 0.5
# Older than this the last check says nothing any more: the database is away or hangs.
TRUSTED_SECONDS = 2.0

# Runs a query on a connection and returns what it returns; blocking.
Read = Callable[[Callable[[Connection], Any]], Any]


@dataclass(frozen=True)
class Answer:
    """A serialized body and the version of the publications it was made from."""

    body: bytes
    version: str


class PublishedAnswers:
    """A cache that is emptied when the version of the publications changes.

    `watch` asks for the version all the time, requests never do: a hit costs one dictionary look-up, and a
    database that hangs is noticed without waiting for it.
    """

    def __init__(self, read: Read, clock: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._clock = clock
        self._answers: dict[Hashable, Answer] = {}
        self._version = ""
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
            version = await asyncio.to_thread(self._read, publications_version)
        except ActstockError as error:
            self._hold_back(str(error))
            return
        except Exception:
            # The watcher must outlive what nobody thought of; it would be missed without a sign.
            log.exception("the publications cannot be checked")
            self._hold_back("the publications cannot be checked; the API's log says why")
            return
        if self._trouble:
            log.info("publications can be read")
        if version != self._version:
            self._answers.clear()
        self._version, self._checked_at, self._trouble = version, asked_at, ""

    async def answer(self, key: Hashable, query: Callable[[Connection], bytes]) -> Answer:
        """The kept answer, or the one `query` gives now; DatabaseUnavailable instead of one that may be old."""
        self._require_fresh()
        kept = self._answers.get(key)
        return kept if kept is not None else await self._make(key, query)

    async def _make(self, key: Hashable, query: Callable[[Connection], bytes]) -> Answer:
        version = self._version
        made = Answer(await asyncio.to_thread(self._read, query), version)
        # Something may have been published while it was made: then nobody knows which side it saw.
        if version == self._version:
            self._answers[key] = made
        return made

    def _hold_back(self, trouble: str) -> None:
        if not self._trouble:
            log.warning("answers are held back: %s", trouble)
        self._trouble = trouble
        self._checked_at = float("-inf")

    def _require_fresh(self) -> None:
        if self._clock() - self._checked_at > TRUSTED_SECONDS:
            raise DatabaseUnavailable(self._trouble or "the database does not answer")
