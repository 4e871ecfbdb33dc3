"""Which error becomes which HTTP status, and the one JSON shape of all of them."""

import logging
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from api.deps import WRITTEN
from api.models.schemas import content
from contract.common import Problem
from utils.errors import (
    ActstockError,
    DatabaseUnavailable,
    InvalidInput,
    NotASession,
    NotPublished,
    UnknownSector,
    UnknownTicker,
)

log = logging.getLogger(__name__)

STATUS_OF: dict[type[ActstockError], int] = {
    InvalidInput: 422,
    NotASession: 422,
    UnknownTicker: 404,
    UnknownSector: 404,
    NotPublished: 404,
    DatabaseUnavailable: 503,
    ActstockError: 500,
}
MEANING = {
    401: "The X-API-Key header is missing or wrong",
    404: "Not known, or not published (yet); `detail` says which",
    422: "A parameter cannot be used; `detail` names it",
    503: "The database is away; ask again shortly",
}
RETRY_AFTER_SECONDS = "1"
# What the framework itself refuses.
REFUSALS = {
    404: ("UnknownPath", "there is no {path}: /docs lists the routes"),
    405: ("MethodNotAllowed", "{path} is read with GET: the API changes nothing"),
}


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route that can answer with these error statuses."""
    return {status: {"content": content(Problem), "description": MEANING[status]} for status in statuses}


def problem(status: int, error: str, detail: str) -> JSONResponse:
    retry = {"Retry-After": RETRY_AFTER_SECONDS} if status == 503 else {}
    return JSONResponse({"error": error, "detail": detail}, status, {"Cache-Control": "no-store", **retry})


def status_of(error: ActstockError) -> int:
    """Return the status of the most specific class in the table."""
    return next(STATUS_OF[kind] for kind in type(error).__mro__ if kind in STATUS_OF)


def install(app: FastAPI) -> None:
    app.add_exception_handler(ActstockError, _expected)
    app.add_exception_handler(RequestValidationError, _bad_parameter)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


async def _expected(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ActstockError)
    return problem(status_of(error), type(error).__name__, str(error))


async def _bad_parameter(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return problem(422, "InvalidParameter", "; ".join(_described(each) for each in error.errors()))


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    name, detail = REFUSALS.get(error.status_code, ("HTTP", str(error.detail)))
    answer = problem(error.status_code, name, detail.format(path=request.url.path))
    answer.headers.update(error.headers or {})
    return answer


async def _unexpected(request: Request, _: Exception) -> JSONResponse:
    # The server logs the traceback itself; the caller gets none of it.
    return problem(500, "InternalError", f"{request.url.path} failed unexpectedly; the API's log has the details")


def _described(error: dict[str, Any]) -> str:
    """One of pydantic's errors in words: `period_days: choose 5, 10 or 20`."""
    where: Sequence[Any] = error["loc"]
    message = str(error["msg"]).removeprefix("Value error, ")
    if written := WRITTEN.get(error.get("ctx", {}).get("pattern", "")):
        message = f"{error['input']!r} is not written as {written}"
    return f"{where[-1]}: {message}" if where else message
