"""Turns the answer of a query into a response: from the cache, without a body for a client that has it already."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Concatenate, ParamSpec

import msgspec
from fastapi import Request, Response
from msgspec import Struct
from starlette.datastructures import Headers

from api import tables
from api.formats import DOCUMENT, MEDIA_TYPES, SUFFIXES, Format, chosen
from api.response_cache import Body, Content, Make, ResponseCache
from contract.common import Paged
from database.db_helper import Connection

# Kept by the client alone, and asked about each time: new publications are seen within a second.
CACHE_CONTROL = "private, no-cache"
VARY = "Accept, Accept-Encoding"
# Of the answer to a change.
UNKEPT = {"Cache-Control": "no-store"}
TOTAL = "X-Total-Count"
JSON, BYTES = MEDIA_TYPES[Format.JSON], "application/octet-stream"

Arguments = ParamSpec("Arguments")
Query = Callable[Concatenate[Connection, Arguments], Struct]


class Responder:
    """Responds to one request; its address, parameters included, and the format are the key of the cache.

    wanted: a format that goes before what the Accept header says
    """

    def __init__(self, request: Request, offered: Sequence[Format] = DOCUMENT, wanted: Format | None = None) -> None:
        self._request = request
        self._cache: ResponseCache = request.app.state.cache
        self._offered = offered
        self._wanted = wanted

    async def __call__(self, query: Query[Arguments], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Response:
        """Respond with the answer of `query(conn, *args)`, or with 304 when the client has it."""
        scope, wanted = self._request.scope, self._format()
        make = self._serialized(wanted, query, *args, **kwargs)
        body = await self._cache.kept((scope["path"], scope["query_string"], wanted), make)
        return _response(body, self._request.headers, MEDIA_TYPES[wanted])

    async def uncached(self, query: Query[Arguments], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Response:
        """Respond with an answer that changes too often to be kept."""
        wanted = self._format()
        body = await self._cache.fresh(self._serialized(wanted, query, *args, **kwargs))
        return _response(body, self._request.headers, MEDIA_TYPES[wanted])

    async def changed(self, change: Query[Arguments], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Response:
        """Make a change of the database, and respond with what is there then."""
        wanted, pool = self._format(), self._request.app.state.pool
        left = await asyncio.to_thread(pool.write, lambda conn: change(conn, *args, **kwargs))
        return Response(tables.encoded(left, wanted), headers=UNKEPT, media_type=MEDIA_TYPES[wanted])

    async def kept_bytes(
        self,
        query: Callable[Concatenate[Connection, Arguments], bytes],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Response:
        """Respond with bytes as they are stored. They are not kept here: nobody asks for the same ones twice."""
        body = await self._cache.fresh(lambda conn: Content(query(conn, *args, **kwargs)))
        return _response(body, self._request.headers, _media_type(body.plain))

    def _format(self) -> Format:
        return self._wanted or chosen(",".join(self._request.headers.getlist("accept")), self._offered)

    def _serialized(
        self, wanted: Format, query: Query[Arguments], *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Make:
        def make(conn: Connection) -> Content:
            answer = query(conn, *args, **kwargs)
            headers = self._named(wanted)
            if isinstance(answer, Paged):
                answer.next = self._next_page(answer)
                headers |= _paging(answer)
            return Content(tables.encoded(answer, wanted), headers)

        return make

    def _named(self, wanted: Format) -> dict[str, str]:
        """Return the header that names the file that a browser saves; none of JSON, which it shows."""
        if wanted is Format.JSON:
            return {}
        name = self._request.scope["route"].unique_id
        return {"Content-Disposition": f'attachment; filename="{name}.{SUFFIXES[wanted]}"'}

    def _next_page(self, page: Paged) -> str | None:
        """Return the address of the part that follows; None after the last one."""
        after = page.offset + page.limit
        if after >= page.total:
            return None
        following = self._request.url.include_query_params(limit=page.limit, offset=after)
        return f"{following.path}?{following.query}"


def _paging(page: Paged) -> dict[str, str]:
    """Return the headers that say what the fields of a page say, for formats that have no place for them."""
    following = {"Link": f'<{page.next}>; rel="next"'} if page.next else {}
    return {TOTAL: str(page.total), **following}


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
    headers = {"ETag": body.etag, "Cache-Control": CACHE_CONTROL, "Vary": VARY, **body.headers}
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
