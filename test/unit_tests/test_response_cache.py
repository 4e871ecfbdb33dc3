"""Kept answers: never older than what the database says, never from a database that is away."""

import asyncio
import gzip
import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from api import response_cache
from api.response_cache import COMPRESSED_FROM_BYTES, TRUSTED_SECONDS, Body, Content, ResponseCache
from database.queries.publications import data_version
from utils.errors import DatabaseUnavailable, NotPublished


class FakeDatabase:
    """Answers the version and the queries; `while_reading` happens in the middle of a query."""

    def __init__(self) -> None:
        self.version = "1"
        self.is_away = False
        self.queries = 0
        self.while_reading: Callable[[], None] = lambda: None

    def read(self, query: Callable[[Any], Any]) -> Any:
        if self.is_away:
            raise DatabaseUnavailable("away")
        if query is data_version:
            return self.version
        self.queries += 1
        answer = query(self)
        self.while_reading()
        return answer


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def current_version(database: Any) -> Content:
    return Content(str(database.version).encode())


@pytest.fixture
def database() -> FakeDatabase:
    return FakeDatabase()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(database: FakeDatabase, clock: Clock) -> ResponseCache:
    return ResponseCache(database.read, clock)


def test_second_request_reads_nothing(cache: ResponseCache, database: FakeDatabase) -> None:
    async def scenario() -> None:
        await cache.check()
        for _ in range(3):
            assert (await cache.kept("key", current_version)).plain == b"1"
        assert (await cache.kept("other key", current_version)).plain == b"1"

    asyncio.run(scenario())
    assert database.queries == 2


def test_a_change_replaces_what_was_kept(cache: ResponseCache, database: FakeDatabase) -> None:
    async def scenario() -> None:
        await cache.check()
        await cache.kept("key", current_version)
        database.version = "2"
        await cache.check()
        assert (await cache.kept("key", current_version)).plain == b"2"

    asyncio.run(scenario())


def test_answer_read_while_something_was_written_is_not_kept(cache: ResponseCache, database: FakeDatabase) -> None:
    """The query saw the old rows, the check between saw the new version: keeping the answer would keep it for ever."""

    def write() -> None:
        database.version = "2"
        database.while_reading = lambda: None
        asyncio.run(cache.check())

    async def scenario() -> None:
        await cache.check()
        database.while_reading = write
        assert (await cache.kept("key", current_version)).plain == b"1"
        assert (await cache.kept("key", current_version)).plain == b"2"

    asyncio.run(scenario())


def test_what_changes_too_often_is_read_each_time(cache: ResponseCache, database: FakeDatabase) -> None:
    async def scenario() -> None:
        await cache.check()
        for _ in range(2):
            assert (await cache.fresh(current_version)).plain == b"1"
        database.is_away = True
        await cache.check()
        with pytest.raises(DatabaseUnavailable, match="away"):
            await cache.fresh(current_version)

    asyncio.run(scenario())
    assert database.queries == 2


def test_what_is_compressed_already_is_left_as_it_is() -> None:
    noise = b"".join(hashlib.sha256(bytes([each])).digest() for each in range(200))
    assert len(noise) > COMPRESSED_FROM_BYTES and Body.of(noise).compressed is None


def test_the_oldest_answers_make_room(database: FakeDatabase, clock: Clock) -> None:
    """Room for two answers of ten bytes: the third one drives out the first, one that is too large nobody."""
    cache = ResponseCache(database.read, clock, kept_bytes=25)

    async def ask(key: str, size: int) -> None:
        await cache.kept(key, lambda _: Content(b"x" * size))

    async def scenario() -> None:
        await cache.check()
        for key, size in [("a", 10), ("b", 10), ("large", 26), ("c", 10)]:
            await ask(key, size)
        read = database.queries
        await ask("b", 10)
        await ask("c", 10)
        assert database.queries == read, "b and c were kept"
        await ask("a", 10)
        await ask("large", 26)
        assert database.queries == read + 2, "a and the large one were not"

    asyncio.run(scenario())


def test_tag_and_encoding_follow_from_the_body() -> None:
    short, same, long = Body.of(b"{}"), Body.of(b"{}"), Body.of(b"[" + b"1," * COMPRESSED_FROM_BYTES + b"1]")
    assert short == same and short.etag != long.etag and short.etag.startswith('W/"')
    assert short.compressed is None
    assert long.compressed is not None and gzip.decompress(long.compressed) == long.plain


def test_errors_are_not_kept(cache: ResponseCache, database: FakeDatabase) -> None:
    def not_published(_: Any) -> Content:
        raise NotPublished("not yet")

    async def scenario() -> None:
        await cache.check()
        with pytest.raises(NotPublished):
            await cache.kept("key", not_published)
        assert (await cache.kept("key", current_version)).plain == b"1"

    asyncio.run(scenario())


def test_database_that_is_away_stops_kept_answers_too(cache: ResponseCache, database: FakeDatabase) -> None:
    async def scenario() -> None:
        await cache.check()
        await cache.kept("key", current_version)
        database.is_away = True
        await cache.check()
        with pytest.raises(DatabaseUnavailable, match="away"):
            await cache.kept("key", current_version)
        database.is_away = False
        await cache.check()
        assert (await cache.kept("key", current_version)).plain == b"1"

    asyncio.run(scenario())


def test_database_that_hangs_stops_kept_answers_too(
    cache: ResponseCache, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No check comes back: the last one says less and less."""
    monkeypatch.setattr(response_cache, "LATE_SECONDS", 0.01)

    async def scenario() -> None:
        await cache.check()
        await cache.kept("key", current_version)
        clock.now += TRUSTED_SECONDS
        await cache.kept("key", current_version)
        clock.now += 0.01
        with pytest.raises(DatabaseUnavailable):
            await cache.kept("key", current_version)

    asyncio.run(scenario())


def test_a_request_waits_for_a_check_that_is_late(cache: ResponseCache, clock: Clock) -> None:
    """A busy machine checks late. That is no database that is away."""

    async def scenario() -> None:
        await cache.check()
        clock.now += 2 * TRUSTED_SECONDS
        asked = asyncio.create_task(cache.kept("key", current_version))
        await asyncio.sleep(0.01)
        assert not asked.done()
        await cache.check()
        assert (await asked).plain == b"1"

    asyncio.run(scenario())


def test_a_late_check_that_finds_the_database_away_is_told(
    cache: ResponseCache, database: FakeDatabase, clock: Clock
) -> None:
    async def scenario() -> None:
        await cache.check()
        clock.now += 2 * TRUSTED_SECONDS
        asked = asyncio.create_task(cache.kept("key", current_version))
        await asyncio.sleep(0.01)
        database.is_away = True
        await cache.check()
        with pytest.raises(DatabaseUnavailable, match="away"):
            await asked

    asyncio.run(scenario())


def test_nothing_is_answered_before_the_first_check(cache: ResponseCache) -> None:
    with pytest.raises(DatabaseUnavailable):
        asyncio.run(cache.kept("key", current_version))
