"""The version in front of every path: /v1/stocks/portfolio answers as /stocks/portfolio does."""

from starlette.types import ASGIApp, Receive, Scope, Send

PREFIX = "/v1"
SERVERS = [
    {"url": PREFIX, "description": "This version, for programs"},
    {"url": "/", "description": "The newest version, which is the same today"},
]


class VersionPrefix:
    """Takes the prefix for the place where the application is mounted, so that addresses in answers keep it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(f"{PREFIX}/"):
            scope = {**scope, "root_path": PREFIX}
        await self._app(scope, receive, send)
