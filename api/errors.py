"""Which error becomes which HTTP status, and the one shape of all of them: problem details (RFC 9457)."""

import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from api.models.schemas import content
from api.refusals import refused
from contract.common import Problem
from contract.reasons import shown
from utils.errors import ActstockError
from utils.reasons import Reason, join, reason

log = logging.getLogger(__name__)


class Kind(NamedTuple):
    """A kind of problem: what all of its kind have in common."""

    status: int
    title: str


# By the stable name, which is the `error` of the answer and the last part of its `type`.
KINDS = {
    "UnknownHost": Kind(400, "The API is not called so"),
    "Unauthorized": Kind(401, "The API key is missing or wrong"),
    "UnknownPath": Kind(404, "There is no such path"),
    "UnknownTicker": Kind(404, "The ticker is not known, or not as what was asked for"),
    "UnknownSector": Kind(404, "The sector is not known"),
    "UnknownEvidence": Kind(404, "No such evidence is kept"),
    "NotPublished": Kind(404, "This is not published, or not yet"),
    "MethodNotAllowed": Kind(405, "The path cannot be asked this way"),
    "NotAcceptable": Kind(406, "The answer cannot be had in this format"),
    "TooLarge": Kind(413, "The request is larger than any that is of use"),
    "InvalidParameter": Kind(422, "A parameter is not written as it should be"),
    "InvalidInput": Kind(422, "The parameters do not go together"),
    "NotASession": Kind(422, "The day is no session of the exchange that is over"),
    "TooManyGuesses": Kind(429, "Too many wrong API keys came from this network"),
    "ActstockError": Kind(500, "The request failed"),
    "EvidenceChanged": Kind(500, "What is kept as evidence is not what it was"),
    "InternalError": Kind(500, "The request failed unexpectedly"),
    "DatabaseUnavailable": Kind(503, "The database cannot be used now"),
}
MEDIA_TYPE = "application/problem+json"
# Where a person reads what a kind of problem means.
KINDS_PAGE = "/docs/problems"
MEANING = {
    401: "The X-API-Key header is missing or wrong",
    404: "Not known, or not published (yet); `detail` says which",
    406: "No format of the answer is acceptable; `detail` names those there are",
    413: "The body is larger than any that is of use",
    422: "A parameter cannot be used; `detail` names it",
    429: "Too many wrong keys; `Retry-After` says for how many seconds even the right one is refused",
    503: "The database cannot be used now; ask again shortly",
}
RETRY_AFTER_SECONDS = "1"
# What the framework itself refuses: the kind, and the code of its reason.
REFUSALS = {
    404: ("UnknownPath", "no_path"),
    405: ("MethodNotAllowed", "no_method"),
    413: ("TooLarge", "body_too_large"),
}


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route that can answer with these error statuses."""
    return {status: {"content": content(Problem, MEDIA_TYPE), "description": MEANING[status]} for status in statuses}


def problem(status: int, error: str, reasons: Sequence[Reason], path: str | None = None) -> Response:
    """Return the answer to a request for `path` that met an error of the kind named `error`."""
    body = Problem(
        type=f"{KINDS_PAGE}#{error}",
        title=KINDS[error].title if error in KINDS else HTTPStatus(status).phrase,
        status=status,
        detail=join(reasons) or "",
        instance=path and quote(path),
        error=error,
        reasons=shown(each for each in reasons if each.code != "text"),
    )
    retry = {"Retry-After": RETRY_AFTER_SECONDS} if status == 503 else {}
    return Response(msgspec.json.encode(body), status, {"Cache-Control": "no-store", **retry}, MEDIA_TYPE)


def kind_of(error: ActstockError) -> str:
    """Return the name of the most specific kind in the table."""
    return next(kind.__name__ for kind in type(error).__mro__ if kind.__name__ in KINDS)


def install(app: FastAPI) -> None:
    app.add_exception_handler(ActstockError, _expected)
    app.add_exception_handler(RequestValidationError, _bad_parameter)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


async def _expected(request: Request, error: Exception) -> Response:
    assert isinstance(error, ActstockError)
    kind = kind_of(error)
    return problem(KINDS[kind].status, kind, [error.reason], request.url.path)


async def _bad_parameter(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return problem(422, "InvalidParameter", [refused(each) for each in error.errors()], request.url.path)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    path = request.url.path
    if error.status_code in REFUSALS:
        name, code = REFUSALS[error.status_code]
        told = reason(code, path=path)
    else:
        name, told = "HTTP", reason("http_status", status=error.status_code, phrase=str(error.detail))
    answer = problem(error.status_code, name, [told], path)
    answer.headers.update(error.headers or {})
    if error.status_code == 405:
        answer.headers["Allow"] = _allowed(request)
    return answer


def _allowed(request: Request) -> str:
    """Return the methods of all routes with the request's path. The framework's own refusal names the first one's."""
    routes = [
        each for each in request.app.routes if isinstance(each, Route) and each.matches(request.scope)[0] != Match.NONE
    ]
    return ", ".join(sorted({method for route in routes for method in route.methods or ()}))


async def _unexpected(request: Request, _: Exception) -> Response:
    # The server logs the traceback itself; the caller gets none of it.
    path = request.url.path
    return problem(500, "InternalError", [reason("failed_unexpectedly", path=path)], path)
