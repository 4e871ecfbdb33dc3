"""The API key: every path needs it, but for the few listed here."""

import hmac

from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import problem
from utils.reasons import reason

HEADER = "X-API-Key"
OPEN_PATHS = frozenset({"/", "/health", "/docs", "/openapi.json"})
OPEN_BELOW = "/docs/"
METRICS_PATH = "/metrics"
BEARER = b"Bearer "
SCHEME = {"type": "apiKey", "in": "header", "name": HEADER}


class RequireKey:
    """Answers 401 before routing, so that a new route cannot forget the key.

    ASGI middleware and not a dependency: a FastAPI dependency costs every request about a sixth of the
    throughput of /stocks/portfolio, this costs next to nothing.
    """

    def __init__(self, app: ASGIApp, key: str) -> None:
        self._app = app
        self._key = key.encode()
        self._header = HEADER.lower().encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not _is_open(_path(scope)) and not self._has_key(scope):
            refusal = problem(401, "Unauthorized", [reason("no_key", header=HEADER)], scope["path"])
            refusal.headers["WWW-Authenticate"] = "ApiKey"
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _has_key(self, scope: Scope) -> bool:
        given = next((value for name, value in scope["headers"] if name == self._header), b"")
        return hmac.compare_digest(given or _bearer(scope), self._key)


def _bearer(scope: Scope) -> bytes:
    """Return the bearer token of a request for the metrics, else nothing."""
    # Prometheus before 3.0 sends no header of our own.
    if _path(scope) != METRICS_PATH:
        return b""
    tokens = (value for name, value in scope["headers"] if name == b"authorization" and value.startswith(BEARER))
    return next(tokens, BEARER).removeprefix(BEARER)


def _path(scope: Scope) -> str:
    """Return the path without the version's prefix."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def _is_open(path: str) -> bool:
    return path in OPEN_PATHS or path.startswith(OPEN_BELOW)
