"""What is true of every answer, errors included: whom it is for, and what a browser may do with it."""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import problem
from contract.orders import LONGEST_POSITIONS
from utils import web_safety
from utils.reasons import reason

# Positions as long as they may be, with room for how JSON writes them.
LARGEST_BODY = 4 * LONGEST_POSITIONS  # bytes

_CSP = web_safety.CSP.lower().encode()


class Safe:
    """Answers 400 to whoever asks for another server by name, and adds headers to all answers.

    Around the whole application: what Starlette answers to an unexpected error passes through no middleware.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app = app
        self._hosts = hosts
        self._headers = [(name.lower().encode(), value.encode()) for name, value in web_safety.HEADERS.items()]
        self._policy = (_CSP, web_safety.NOTHING.encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = self._completed(message["headers"])
            await send(message)

        host = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1")
        refusal = None if web_safety.is_asked_for(host, self._hosts) else _unknown(host, scope["path"])
        await (refusal or self._app)(scope, receive, send_safely)

    def _completed(self, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """Add the headers. A page has said already what it needs."""
        has_policy = any(name == _CSP for name, _ in headers)
        return [*headers, *self._headers] if has_policy else [*headers, *self._headers, self._policy]


class Bounded:
    """Reads no more of a request than the largest body that is of use: HTTPException 413 for what is larger."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        left = LARGEST_BODY

        async def receive_bounded() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise HTTPException(413)
            return message

        await self._app(scope, receive_bounded, send)


def _unknown(host: str, path: str) -> ASGIApp:
    return problem(400, "UnknownHost", [reason("no_host", host=repr(host[:100]))], path)
