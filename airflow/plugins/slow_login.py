"""Slow down whoever guesses Airflow's password: its simple login answers as often as it is asked."""

import math

from airflow.plugins_manager import AirflowPlugin
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from utils.attempts import Attempts

LOGINS = ("/auth/token", "/auth/token/cli")
CREATED = 201
# The commands and the tests log in as well, several at once.
FREE = 10


class SlowLogin:
    """Answers 429 to further passwords of an address that has sent too many wrong ones."""

    def __init__(self, app: ASGIApp, attempts: Attempts | None = None) -> None:
        self._app = app
        self._attempts = attempts or Attempts(free=FREE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"].rstrip("/") not in LOGINS:
            await self._app(scope, receive, send)
            return
        address = (scope["client"] or ("",))[0]

        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == CREATED:
                self._attempts.succeeded(address)
            await send(message)

        if wait := math.ceil(self._attempts.begin(address)):
            told = {"detail": f"Too many wrong passwords: try again in {wait} s"}
            await JSONResponse(told, 429, {"Retry-After": str(wait)})(scope, receive, send)
        else:
            await self._app(scope, receive, watch)


class SlowLoginPlugin(AirflowPlugin):
    name = "slow_login"
    fastapi_root_middlewares = ({"name": name, "middleware": SlowLogin},)  # type: ignore[assignment]
