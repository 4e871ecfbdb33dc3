"""The server of the Model Context Protocol as a client of it sees it (requirements/mcp.txt)."""

import asyncio
import json
import os
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

from api.main import create_app
from api.tools import OFFERED
from config.config import PROJECT_ROOT, Settings

KEY = "a-key-for-tests"
DOCUMENT = create_app(Settings.from_env({"API_KEY": KEY})).openapi()


class StandIn(BaseHTTPRequestHandler):
    """An API that says what it was asked, and with which key."""

    def do_GET(self) -> None:
        is_known = self.path != "/v1/stocks/NONE/history?limit=1"
        told = DOCUMENT if self.path == "/openapi.json" else {"asked": self.path, "key": self.headers["X-API-Key"]}
        self.send_response(200 if is_known else 404)
        self.end_headers()
        self.wfile.write(json.dumps(told).encode())

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), StandIn)
    threading.Thread(target=server.serve_forever).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def ask(url: str, question: Callable[[Any], Awaitable[Any]]) -> Any:
    environ = {**os.environ, "API_URL": url, "API_KEY": KEY}
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "api.mcp_server"], env=environ, cwd=str(PROJECT_ROOT)
    )

    async def session() -> Any:
        async with stdio_client(command) as streams, ClientSession(*streams) as client:
            await client.initialize()
            return await question(client)

    return asyncio.run(session())


def test_the_tools_are_the_routes_and_only_read(url: str) -> None:
    tools = ask(url, lambda client: client.list_tools()).tools
    assert {tool.name for tool in tools} == set(OFFERED)
    assert all(tool.annotations.read_only_hint for tool in tools)


def test_a_call_is_a_request_with_the_key(url: str) -> None:
    answer = ask(url, lambda client: client.call_tool("weights", {"period": 20, "limit": 1000}))
    assert not answer.is_error
    assert json.loads(answer.content[0].text) == {"asked": "/v1/portfolios/weights?period=20&limit=200", "key": KEY}


@pytest.mark.parametrize(("name", "arguments"), [("history", {"symbol": "NONE", "limit": 1}), ("nothing", {})])
def test_a_refusal_is_an_error(url: str, name: str, arguments: dict[str, Any]) -> None:
    assert ask(url, lambda client: client.call_tool(name, arguments)).is_error
