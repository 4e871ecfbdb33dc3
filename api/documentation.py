"""/docs with Swagger UI from the installed package (FastAPI's own page loads it from the Internet); the document."""

import re
from html import escape
from pathlib import Path
from typing import Any

import fastapi_offline
from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

from api import auth
from api.errors import KINDS, KINDS_PAGE, RETRY_AFTER_SECONDS, documented
from api.formats import MEDIA_TYPES, Format
from api.models import schemas
from api.responder import BYTES, CACHE_CONTROL, TOTAL, VARY
from utils import web_safety

ASSETS = "/docs/assets"
_FILES = Path(fastapi_offline.__file__).parent / "static"

Operation = dict[str, Any]

_KEPT = {
    "ETag": {"schema": {"type": "string"}, "description": "Send it back in If-None-Match", "required": True},
    "Cache-Control": {"schema": {"type": "string", "const": CACHE_CONTROL}, "required": True},
    "Vary": {"schema": {"type": "string", "const": VARY}, "required": True},
}
_OF_LIST = {
    TOTAL: {"schema": {"type": "integer"}, "description": "Entries in the whole list, where it comes in parts"},
    "Link": {"schema": {"type": "string"}, "description": 'Address of the next part, rel="next"; none on the last one'},
    "Content-Disposition": {"schema": {"type": "string"}, "description": "Name of the file, of every format but JSON"},
}
_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The ETag of an answer that the client has; 304 without a body when it still holds",
    "schema": {"type": "string"},
}
_ERROR_HEADERS = {
    401: {"WWW-Authenticate": {"schema": {"type": "string"}, "required": True}},
    429: {"Retry-After": {"schema": {"type": "string"}, "required": True}},
    503: {"Retry-After": {"schema": {"type": "string", "const": RETRY_AFTER_SECONDS}, "required": True}},
}


def install(app: FastAPI) -> None:
    page = get_swagger_ui_html(
        openapi_url="/openapi.json",
        title=f"{app.title} documentation",
        swagger_js_url=f"{ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f"{ASSETS}/swagger-ui.css",
        swagger_favicon_url=f"{ASSETS}/favicon.png",
        swagger_ui_parameters={"persistAuthorization": True, "tryItOutEnabled": True},
    )
    scripts = web_safety.hashes_of(re.findall(r"<script>(.*?)</script>", bytes(page.body).decode(), re.DOTALL))
    # Swagger UI draws with styles and pictures of its own.
    page.headers[web_safety.CSP] = web_safety.policy(f"'self' {scripts}", "'self' 'unsafe-inline'")
    app.mount(ASSETS, StaticFiles(directory=_FILES))

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return page

    @app.get(KINDS_PAGE, include_in_schema=False)
    async def problems() -> HTMLResponse:
        return HTMLResponse(_page_of_problems(app.title))


def _page_of_problems(title: str) -> str:
    """Write what the `type` of a problem leads to: each kind with its status and its meaning."""
    kinds = "".join(
        f'<dt id="{name}">{name} ({kind.status})</dt><dd>{escape(kind.title)}.</dd>' for name, kind in KINDS.items()
    )
    heading = f"Problems of the {escape(title)}"
    return f'<!doctype html><html lang="en"><title>{heading}</title><h1>{heading}</h1><dl>{kinds}</dl></html>'


def complete(document: dict[str, Any]) -> None:
    """Say of every route that wants the key what all of them have: the key, the ETag, and the errors."""
    document["components"]["securitySchemes"] = {"ApiKey": auth.SCHEME}
    for path, operations in document["paths"].items():
        if path not in auth.OPEN_PATHS:
            for method, operation in operations.items():
                _complete(operation, is_read=method == "get")
    # In the place of FastAPI's own shape of a 422, which no route answers with.
    document["components"]["schemas"] = schemas.components(document["paths"])


def _complete(operation: Operation, is_read: bool) -> None:
    responses: dict[str, Any] = operation["responses"]
    operation["security"] = [{"ApiKey": []}]
    for status in _refusals(operation):
        responses[str(status)] = documented(status)[status] | {"headers": _ERROR_HEADERS.get(status, {})}
    if is_read:
        _complete_reading(operation, responses)
    operation["responses"] = dict(sorted(responses.items()))


def _complete_reading(operation: Operation, responses: dict[str, Any]) -> None:
    is_list = MEDIA_TYPES[Format.CSV] in responses["200"]["content"]
    responses["200"]["headers"] = _KEPT | (_OF_LIST if is_list else {})
    responses["304"] = {"description": "What the client has still holds", "headers": _KEPT}
    operation["parameters"] = [*operation.get("parameters", []), _IF_NONE_MATCH]


def _refusals(operation: Operation) -> list[int]:
    """Return the statuses that every operation of its kind can be refused with."""
    has_formats = BYTES not in operation["responses"]["200"]["content"]
    has_body = "requestBody" in operation
    has_parameters = has_body or bool(operation.get("parameters"))
    return [401, *[406] * has_formats, *[413] * has_body, *[422] * has_parameters, 429, 503]
