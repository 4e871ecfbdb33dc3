"""Kept answers: never older than the newest publication, never from a database that is away."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from api.published import TRUSTED_SECONDS, PublishedAnswers
from database.queries.portfolios import publications_version
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
        if query is publications_version:
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


def current_version(database: FakeDatabase) -> bytes:
    return database.version.encode()


@pytest.fixture
def database() -> FakeDatabase:
    return FakeDatabase()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def published(database: FakeDatabase, clock: Clock) -> Iterator[PublishedAnswers]:
    return PublishedAnswers(database.read, clock)


def test_second_request_reads_nothing(published: PublishedAnswers, database: FakeDatabase) -> None:
    async def scenario() -> None:
        await published.check()
        for _ in range(3):
            assert (await published.answer("key", current_version)).body == b"1"
        assert (await published.answer("other key", current_version)).body == b"1"

    asyncio.run(scenario())
    assert database.queries == 2


def test_publication_replaces_what_was_kept(published: PublishedAnswers, database: FakeDatabase) -> None:
    async def scenario() -> None:
        await published.check()
        await published.answer("key", current_version)
        database.version = "2"
        await published.check()
        answer = await published.answer("key", current_version)
        assert (answer.body, answer.version) == (b"2", "2")

    asyncio.run(scenario())


def test_answer_read_while_something_was_published_is_not_kept(
    published: PublishedAnswers, database: FakeDatabase
) -> None:
    """The query saw the old rows, the check between saw the new version: keeping the answer would keep it for ever."""

    def publish() -> None:
        database.version = "2"
        database.while_reading = lambda: None
        asyncio.run(published.check())

    async def scenario() -> None:
        await published.check()
        database.while_reading = publish
        assert (await published.answer("key", current_version)).body == b"1"
        assert (await published.answer("key", current_version)).body == b"2"

    asyncio.run(scenario())


def test_errors_are_not_kept(published: PublishedAnswers, database: FakeDatabase) -> None:
    def not_published(_: Any) -> bytes:
        raise NotPublished("not yet")

    async def scenario() -> None:
        await published.check()
        with pytest.raises(NotPublished):
            await published.answer("key", not_published)
        assert (await published.answer("key", current_version)).body == b"1"

    asyncio.run(scenario())


def test_database_that_is_away_stops_kept_answers_too(published: PublishedAnswers, database: FakeDatabase) -> None:
    async def scenario() -> None:
        await published.check()
        await published.answer("key", current_version)
        database.is_away = True
        await published.check()
        with pytest.raises(DatabaseUnavailable, match="away"):
            await published.answer("key", current_version)
        database.is_away = False
        await published.check()
        assert (await published.answer("key", current_version)).body == b"1"

    asyncio.run(scenario())


def test_database_that_hangs_stops_kept_answers_too(published: PublishedAnswers, clock: Clock) -> None:
    """No check comes back: the last one says less and less."""

    async def scenario() -> None:
        await published.check()
        await published.answer("key", current_version)
        clock.now += TRUSTED_SECONDS
        await published.answer("key", current_version)
        clock.now += 0.01
        with pytest.raises(DatabaseUnavailable):
            await published.answer("key", current_version)

    asyncio.run(scenario())


def test_nothing_is_answered_before_the_first_check(published: PublishedAnswers) -> None:
    with pytest.raises(DatabaseUnavailable):
        asyncio.run(published.answer("key", current_version))
