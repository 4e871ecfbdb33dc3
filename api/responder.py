"""Turns the answer of a query into a response: from the cache, without a body for a client that has it already."""

from collections.abc import Callable
from typing import Concatenate, ParamSpec

import msgspec
from fastapi import Request, Response
from msgspec import Struct
from starlette.datastructures import Headers

from api.formats import DOCUMENT, chosen
from api.response_cache import Body, Make, ResponseCache
from contract.common import Paged
from database.db_helper import Connection

# Kept by the client alone, and asked about each time: new publications are seen within a second.
CACHE_CONTROL = "private, no-cache"
JSON, BYTES = "application/json", "application/octet-stream"

Arguments = ParamSpec("Arguments")
Query = Callable[Concatenate[Connection, Arguments], Struct]


class Responder:
    """Responds to one request; its address, parameters included, is the key of the cache."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._cache: ResponseCache = request.app.state.cache
        self._format = chosen(request.headers.get("accept", ""), DOCUMENT)

    async def __call__(self, query: Query[Arguments], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Response:
        """Respond with the answer of `query(conn, *args)`, or with 304 when the client has it."""
        scope = self._request.scope
        make = self._serialized(query, *args, **kwargs)
        return _response(await self._cache.kept((scope["path"], scope["query_string"]), make), self._request.headers)

    async def uncached(self, query: Query[Arguments], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Response:
        """Respond with an answer that changes too often to be kept."""
        return _response(await self._cache.fresh(self._serialized(query, *args, **kwargs)), self._request.headers)

    async def kept_bytes(
        self,
        query: Callable[Concatenate[Connection, Arguments], bytes],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Response:
        """Respond with bytes as they are stored. They are not kept here: nobody asks for the same ones twice."""
        body = await self._cache.fresh(lambda conn: query(conn, *args, **kwargs))
        response = _response(body, self._request.headers, _media_type(body.plain))
        # Somebody else's bytes: a browser must not take them for anything that it would run.
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    def _serialized(self, query: Query[Arguments], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Make:
        def make(conn: Connection) -> bytes:
            answer = query(conn, *args, **kwargs)
            if isinstance(answer, Paged):
                answer.next = self._next_page(answer)
            return msgspec.json.encode(answer)

        return make

    def _next_page(self, page: Paged) -> str | None:
        """Return the address of the part that follows; None after the last one."""
        after = page.offset + page.limit
        if after >= page.total:
            return None
        following = self._request.url.include_query_params(limit=page.limit, offset=after)
        return f"{following.path}?{following.query}"


def _media_type(body: bytes) -> str:
    """Return JSON for what is JSON, and for everything else the type that a browser only stores.

    >>> [_media_type(body) for body in (b'{"chart": null}', b"<html>", b"")]
    ['application/json', 'application/octet-stream', 'application/octet-stream']
    """
    try:
        msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return BYTES
    return JSON


def _response(body: Body, asked: Headers, media_type: str = JSON) -> Response:
    headers = {"ETag": body.etag, "Cache-Control": CACHE_CONTROL, "Vary": "Accept-Encoding"}
    if _has(asked.get("if-none-match"), body.etag):
        return Response(status_code=304, headers=headers)
    if body.compressed is not None and "gzip" in asked.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(body.compressed, headers=headers, media_type=media_type)
    return Response(body.plain, headers=headers, media_type=media_type)


def _has(if_none_match: str | None, etag: str) -> bool:
    """Return whether the tag is among the client's; strong and weak ones are alike here (RFC 9110, 13.1.2).

    >>> [_has(given, 'W/"a1"') for given in ('"x", W/"a1"', '"a1"', "*", '"x"', None)]
    [True, True, True, False, False]
    """
    if if_none_match is None:
        return False
    tags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return "*" in tags or etag.removeprefix("W/") in tags
