"""How a route answers: from what is kept, else from the database; without a body to who has it already."""

from collections.abc import Callable
from typing import Any

import msgspec
from fastapi import Request, Response
from msgspec import Struct
from starlette.datastructures import Headers

from api.answers import Answer, KeptAnswers
from database.db_helper import Connection
from database.queries.paging import Found, Span

# Kept by the client alone, and asked about each time: what is published is seen within a second.
CACHE_CONTROL = "private, no-cache"


class Reply:
    """Answers one request; its address, parameters included, is what the answer is kept under."""

    def __init__(self, request: Request) -> None:
        self._request = request

    async def __call__(
        self, kind: type[Struct], query: Callable[..., Any], *args: Any, has_lag: bool = False
    ) -> Response:
        """What `query(conn, *args)` returns, as the class says; 304 when the client has it. has_lag: as KeptAnswers."""

        def make(conn: Connection) -> bytes:
            return msgspec.json.encode(msgspec.convert(query(conn, *args), kind))

        request = self._request
        kept: KeptAnswers = request.app.state.answers
        answer = await kept.answer((request.scope["path"], request.scope["query_string"]), make, has_lag)
        return _response(answer, request.headers)

    async def page(
        self, kind: type[Struct], rows_name: str, query: Callable[..., Found], *args: Any, span: Span
    ) -> Response:
        """The same for a part of a list, found by `query(conn, *args, span)`; its rows get the name."""

        def part(conn: Connection) -> dict[str, Any]:
            found = query(conn, *args, span)
            return {**found.about, rows_name: found.rows, **span._asdict(), **self._rest(found.total, span)}

        return await self(kind, part)

    def _rest(self, total: int, span: Span) -> dict[str, Any]:
        after = span.offset + span.limit
        following = self._request.url.include_query_params(limit=span.limit, offset=after)
        return {"total": total, "next": f"{following.path}?{following.query}" if after < total else None}


def _response(answer: Answer, asked: Headers) -> Response:
    headers = {"ETag": answer.etag, "Cache-Control": CACHE_CONTROL, "Vary": "Accept-Encoding"}
    if _has(asked.get("if-none-match"), answer.etag):
        return Response(status_code=304, headers=headers)
    if answer.compressed is not None and "gzip" in asked.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(answer.compressed, headers=headers, media_type="application/json")
    return Response(answer.body, headers=headers, media_type="application/json")


def _has(if_none_match: str | None, etag: str) -> bool:
    """Whether the tag is among those that the client has; strong and weak ones are alike here (RFC 9110, 13.1.2).

    >>> [_has(given, 'W/"a1"') for given in ('"x", W/"a1"', '"a1"', "*", '"x"', None)]
    [True, True, True, False, False]
    """
    if if_none_match is None:
        return False
    tags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return "*" in tags or etag.removeprefix("W/") in tags
