"""Routes as tools of a model: the same words as the document, bounded, and nothing but reading."""

from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from api.main import create_app
from api.mcp_server import asking, call
from api.tools import MOST_ROWS, OFFERED, Tool, tools_of
from config.config import Settings
from utils.errors import InvalidInput


@pytest.fixture(scope="module")
def tools() -> dict[str, Tool]:
    return tools_of(create_app(Settings.from_env({"API_KEY": "a-key-for-tests"})).openapi())


def test_every_tool_is_a_route_that_is_there(tools: dict[str, Tool]) -> None:
    assert set(tools) == set(OFFERED)
    for tool in tools.values():
        assert tool.description and tool.path.startswith("/v1/")
        assert not {"format", "If-None-Match"} & set(tool.schema["properties"])
        assert all(each["description"] for each in tool.schema["properties"].values())


def test_no_tool_changes_anything_or_tells_what_a_reader_owns(tools: dict[str, Tool]) -> None:
    paths = create_app(Settings.from_env({"API_KEY": "a-key-for-tests"})).openapi()["paths"]
    changing = {
        operation["operationId"]
        for operations in paths.values()
        for method, operation in operations.items()
        if method != "get"
    }
    assert changing and not changing & set(tools)
    assert not [tool for tool in tools.values() if "owned" in tool.path]


def test_a_model_asks_with_get_and_sends_no_body() -> None:
    asked: list[str] = []

    class Listening(BaseHTTPRequestHandler):
        def __getattr__(self, name: str) -> Any:
            if not name.startswith("do_"):
                raise AttributeError(name)
            asked.append(name)
            return lambda: self.send_error(405)

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Listening) as server:
        thread = Thread(target=server.handle_request)
        thread.start()
        asking(f"http://127.0.0.1:{server.server_port}", "key")("/v1/stocks/owned-positions")
        thread.join()
    assert set(asked) == {"do_GET"}


@pytest.mark.parametrize(
    ("name", "arguments", "address"),
    [
        ("portfolio", {}, "/v1/stocks/portfolio"),
        ("portfolio", {"period_days": 5, "as_of_date": None}, "/v1/stocks/portfolio?period_days=5"),
        ("weights", {"from": "2026-08-21"}, f"/v1/portfolios/weights?from=2026-08-21&limit={MOST_ROWS}"),
        ("weights", {"limit": 10}, "/v1/portfolios/weights?limit=10"),
        ("weights", {"limit": 10**6}, f"/v1/portfolios/weights?limit={MOST_ROWS}"),
        ("performance", {"series": False}, "/v1/dashboard/performance?series=false"),
        ("history", {"symbol": "../../lab?x=", "limit": 1}, "/v1/stocks/..%2F..%2Flab%3Fx%3D/history?limit=1"),
    ],
)
def test_arguments_become_an_address(
    tools: dict[str, Tool], name: str, arguments: dict[str, Any], address: str
) -> None:
    assert tools[name].address(arguments) == address


@pytest.mark.parametrize(("name", "arguments"), [("history", {}), ("weights", {"format": "csv"}), ("lab", {"x": 1})])
def test_arguments_that_do_not_fit_are_named(tools: dict[str, Tool], name: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=f"{name} takes .*wrong or missing: (symbol|format|x)$"):
        tools[name].address(arguments)


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [("drop_table", {}, "there is no tool"), ("weights", {"limit": "all"}, "invalid literal"), ("lab", {}, "away")],
)
def test_a_refusal_is_told_as_one(tools: dict[str, Tool], name: str, arguments: dict[str, Any], told: str) -> None:
    answer, is_refused = call(tools, lambda address: ("away", True), name, arguments)
    assert is_refused and told in answer


def test_an_api_that_is_away_is_a_refusal() -> None:
    answer, is_refused = asking("http://127.0.0.1:1", "key")("/v1/lab")
    assert is_refused and answer.startswith("the API at http://127.0.0.1:1 does not answer")
