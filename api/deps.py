"""The words the routes are written in."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated

from fastapi import Depends, Path, Query, Request
from pydantic import AfterValidator

from api.pool import ReaderPool
from api.published import PublishedAnswers
from config.universe import universe
from database.db_helper import Connection

SYMBOL = r"^[A-Za-z0-9][A-Za-z0-9.=^-]*$"
MAX_BARS = 5000


async def _pool(request: Request) -> ReaderPool:
    pool: ReaderPool = request.app.state.pool
    return pool


def _connection(pool: Annotated[ReaderPool, Depends(_pool)]) -> Iterator[Connection]:
    with pool.connection() as conn:
        yield conn


# Async although it awaits nothing: FastAPI takes a plain function to a thread, which costs more than the rest.
async def _published(request: Request) -> PublishedAnswers:
    published: PublishedAnswers = request.app.state.published
    return published


def _known_period(days: int) -> int:
    if days not in universe().periods:
        raise ValueError(f"choose one of {', '.join(map(str, universe().periods))} sessions")
    return days


Db = Annotated[Connection, Depends(_connection)]
Published = Annotated[PublishedAnswers, Depends(_published)]
Pool = Annotated[ReaderPool, Depends(_pool)]
Period = Annotated[
    int,
    AfterValidator(_known_period),
    Query(description="Sessions the return is taken over", json_schema_extra={"enum": list(universe().periods)}),
]
AsOf = Annotated[date | None, Query(description="Session (YYYY-MM-DD); the newest published one when left out")]
Symbol = Annotated[
    str,
    Path(pattern=SYMBOL, max_length=20, examples=["NVDA", "005930.KS", "KRW=X"]),
    AfterValidator(str.upper),
]
Limit = Annotated[int, Query(ge=1, le=MAX_BARS, description="At most this many bars, the newest ones")]
