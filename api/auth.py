"""The API key: every path needs it, but for the few listed here."""

import hmac
import math

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import problem
from utils.attempts import Attempts
from utils.reasons import reason
from utils.web_safety import is_loopback

HEADER = "X-API-Key"
OPEN_PATHS = frozenset({"/", "/health", "/docs", "/openapi.json"})
OPEN_BELOW = "/docs/"
METRICS_PATH = "/metrics"
BEARER = b"Bearer "
SCHEME = {"type": "apiKey", "in": "header", "name": HEADER}


class RequireKey:
    """Answers 401 before routing, so that a new route cannot forget the key, and 429 to whoever guesses it.

    ASGI middleware and not a dependency: a FastAPI dependency costs every request about a sixth of the
    throughput of /stocks/portfolio, this costs next to nothing.
    """

    def __init__(self, app: ASGIApp, key: str, attempts: Attempts | None = None) -> None:
        self._app = app
        self._key = key.encode()
        self._header = HEADER.lower().encode()
        self._attempts = attempts or Attempts()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = scope["type"] == "http" and not _is_open(_path(scope))
        refusal = self._refusal(scope) if asked else None
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        address = (scope.get("client") or ("",))[0]
        if seconds := math.ceil(self._attempts.left(address)):
            told = problem(429, "TooManyGuesses", [reason("keys_guessed", seconds=seconds)], scope["path"])
            told.headers["Retry-After"] = str(seconds)
            return told
        given = self._given(scope)
        if hmac.compare_digest(given, self._key):
            self._attempts.succeeded(address)
            return None
        # From this machine comes the dashboard, too, which must not wait for a script with an old key.
        if given and not is_loopback(address):
            self._attempts.begin(address)
        told = problem(401, "Unauthorized", [reason("no_key", header=HEADER)], scope["path"])
        told.headers["WWW-Authenticate"] = "ApiKey"
        return told

    def _given(self, scope: Scope) -> bytes:
        return next((value for name, value in scope["headers"] if name == self._header), b"") or _bearer(scope)


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
