"""Kept answers: never older than what the database says, never from a database that is away."""

import asyncio
import gzip
from collections.abc import Callable
from typing import Any

import pytest

from api.answers import COMPRESSED_FROM_BYTES, TRUSTED_SECONDS, Answer, KeptAnswers
from database.queries.publications import Version, data_version
from utils.errors import DatabaseUnavailable, NotPublished


class FakeDatabase:
    """Answers the version and the queries. `while_reading` is called in the middle of a query."""

    def __init__(self) -> None:
        self.version = "1"
        self.lag = 0
        self.is_away = False
        self.queries = 0
        self.while_reading: Callable[[], None] = lambda: None

    def read(self, query: Callable[[Any], Any]) -> Any:
        if self.is_away:
            raise DatabaseUnavailable("away")
        if query is data_version:
            return Version(self.version, self.lag)
        self.queries += 1
        answer = query(self)
        self.while_reading()
        return answer


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def current_version(database: Any) -> bytes:
    return str(database.version).encode()


@pytest.fixture
def database() -> FakeDatabase:
    return FakeDatabase()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def answers(database: FakeDatabase, clock: Clock) -> KeptAnswers:
    return KeptAnswers(database.read, clock)


def test_second_request_reads_nothing(answers: KeptAnswers, database: FakeDatabase) -> None:
    async def scenario() -> None:
        await answers.check()
        for _ in range(3):
            assert (await answers.answer("key", current_version)).body == b"1"
        assert (await answers.answer("other key", current_version)).body == b"1"

    asyncio.run(scenario())
    assert database.queries == 2


def test_a_change_replaces_what_was_kept(answers: KeptAnswers, database: FakeDatabase) -> None:
    async def scenario() -> None:
        await answers.check()
        await answers.answer("key", current_version)
        database.version = "2"
        await answers.check()
        assert (await answers.answer("key", current_version)).body == b"2"

    asyncio.run(scenario())


def test_answer_read_while_something_was_written_is_not_kept(answers: KeptAnswers, database: FakeDatabase) -> None:
    """The query saw the old rows, the check between saw the new version: keeping the answer would keep it for ever."""

    def write() -> None:
        database.version = "2"
        database.while_reading = lambda: None
        asyncio.run(answers.check())

    async def scenario() -> None:
        await answers.check()
        database.while_reading = write
        assert (await answers.answer("key", current_version)).body == b"1"
        assert (await answers.answer("key", current_version)).body == b"2"

    asyncio.run(scenario())


def test_a_measured_lag_replaces_only_what_shows_it(answers: KeptAnswers, database: FakeDatabase) -> None:
    async def scenario() -> None:
        await answers.check()
        for _ in range(2):
            await answers.answer("lag", current_version, has_lag=True)
            await answers.answer("key", current_version)
        assert database.queries == 2
        database.lag += 1
        await answers.check()
        for _ in range(2):
            await answers.answer("key", current_version)
            await answers.answer("lag", current_version, has_lag=True)
        assert database.queries == 3
        database.version = "2"
        await answers.check()
        assert (await answers.answer("lag", current_version, has_lag=True)).body == b"2"

    asyncio.run(scenario())


@pytest.mark.parametrize(("has_lag", "queries"), [(True, 2), (False, 1)])
def test_a_lag_measured_while_an_answer_is_made(
    answers: KeptAnswers, database: FakeDatabase, has_lag: bool, queries: int
) -> None:
    def measure() -> None:
        database.lag += 1
        database.while_reading = lambda: None
        asyncio.run(answers.check())

    async def scenario() -> None:
        await answers.check()
        database.while_reading = measure
        for _ in range(2):
            await answers.answer("key", current_version, has_lag=has_lag)

    asyncio.run(scenario())
    assert database.queries == queries


def test_the_oldest_answers_make_room(database: FakeDatabase, clock: Clock) -> None:
    """There is room for two answers of ten bytes. A third drives out the first, one that is too large none."""
    answers = KeptAnswers(database.read, clock, kept_bytes=25)

    async def ask(key: str, size: int) -> None:
        await answers.answer(key, lambda _: b"x" * size)

    async def scenario() -> None:
        await answers.check()
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
    short, same, long = Answer.of(b"{}"), Answer.of(b"{}"), Answer.of(b"[" + b"1," * COMPRESSED_FROM_BYTES + b"1]")
    assert short == same and short.etag != long.etag and short.etag.startswith('W/"')
    assert short.compressed is None
    assert long.compressed is not None and gzip.decompress(long.compressed) == long.body


def test_errors_are_not_kept(answers: KeptAnswers, database: FakeDatabase) -> None:
    def not_published(_: Any) -> bytes:
        raise NotPublished("not yet")

    async def scenario() -> None:
        await answers.check()
        with pytest.raises(NotPublished):
            await answers.answer("key", not_published)
        assert (await answers.answer("key", current_version)).body == b"1"

    asyncio.run(scenario())


def test_database_that_is_away_stops_kept_answers_too(answers: KeptAnswers, database: FakeDatabase) -> None:
    async def scenario() -> None:
        await answers.check()
        await answers.answer("key", current_version)
        database.is_away = True
        await answers.check()
        with pytest.raises(DatabaseUnavailable, match="away"):
            await answers.answer("key", current_version)
        database.is_away = False
        await answers.check()
        assert (await answers.answer("key", current_version)).body == b"1"

    asyncio.run(scenario())


def test_database_that_hangs_stops_kept_answers_too(answers: KeptAnswers, clock: Clock) -> None:
    """No check comes back: the last one says less and less."""

    async def scenario() -> None:
        await answers.check()
        await answers.answer("key", current_version)
        clock.now += TRUSTED_SECONDS
        await answers.answer("key", current_version)
        clock.now += 0.01
        with pytest.raises(DatabaseUnavailable):
            await answers.answer("key", current_version)

    asyncio.run(scenario())


def test_nothing_is_answered_before_the_first_check(answers: KeptAnswers) -> None:
    with pytest.raises(DatabaseUnavailable):
        asyncio.run(answers.answer("key", current_version))
