"""A server of the Model Context Protocol that reads the API for a model: `python -m api.mcp_server`.

Nothing starts it, and its package is in no image: see docs/api.md. It speaks over standard input and output with the
program that started it, asks the API over HTTP with the key of its environment, and can only read.
"""

import asyncio
import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

from api.tools import Tool, tools_of
from config import __version__
from utils.errors import ActstockError

# As api.auth has it, whose imports a machine without the platform's packages need not have.
HEADER = "X-API-Key"
TIMEOUT_SECONDS = 30.0
INSTRUCTIONS = """
Portfolios of the stocks behind the ETFs that beat the market, as published. Returns and weights are fractions. What is
degraded, or known only with hindsight, says so: pass it on. None of it is advice.
"""

# Takes an address below the API, and returns the body and whether it is a refusal.
Ask = Callable[[str], tuple[str, bool]]


def asking(url: str, key: str) -> Ask:
    """Return a function that reads an address of the API. An API that is away is a refusal too."""

    def ask(address: str) -> tuple[str, bool]:
        request = urllib.request.Request(url + address, headers={HEADER: key, "Accept": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
                return answer.read().decode(), False
        except urllib.error.HTTPError as refusal:
            return refusal.read().decode(), True
        except OSError as error:
            return f"the API at {url} does not answer: {error}", True

    return ask


def call(tools: Mapping[str, Tool], ask: Ask, name: str, arguments: Mapping[str, Any]) -> tuple[str, bool]:
    """Return what a tool answers, and whether it is a refusal."""
    if name not in tools:
        return f"there is no tool {name}; there are {', '.join(tools)}", True
    try:
        address = tools[name].address(arguments)
    except (ActstockError, ValueError) as error:
        return str(error), True
    return ask(address)


async def serve(ask: Ask) -> None:
    """Serve until the input ends. Raises SystemExit where the package or the API is missing."""
    try:
        import mcp_types as types
        from mcp.server.lowlevel import Server
        from mcp.server.stdio import stdio_server
    except ImportError:
        raise SystemExit("mcp is not installed: docs/api.md says how") from None
    document, is_refused = ask("/openapi.json")
    if is_refused:
        raise SystemExit(document)
    tools = tools_of(json.loads(document))

    async def listed(_: Any, __: Any) -> Any:
        reads = types.ToolAnnotations(read_only_hint=True, open_world_hint=False)
        return types.ListToolsResult(
            tools=[
                types.Tool(name=tool.name, description=tool.description, input_schema=tool.schema, annotations=reads)
                for tool in tools.values()
            ]
        )

    async def called(_: Any, asked: Any) -> Any:
        text, is_error = await asyncio.to_thread(call, tools, ask, asked.name, asked.arguments or {})
        return types.CallToolResult(content=[types.TextContent(type="text", text=text)], is_error=is_error)

    server = Server(
        "actstock", version=__version__, instructions=INSTRUCTIONS, on_list_tools=listed, on_call_tool=called
    )
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


if __name__ == "__main__":
    if not os.environ.get("API_KEY"):
        raise SystemExit("API_KEY is not set: ./start.sh status shows it")
    asyncio.run(serve(asking(os.environ.get("API_URL", "http://localhost:8000").rstrip("/"), os.environ["API_KEY"])))
