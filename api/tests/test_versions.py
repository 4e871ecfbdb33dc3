"""/v1 in front of every path."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.main import create_app
from config.config import Settings

KEY = "a-key-for-tests"
URL = "http://localhost"
# Never renamed: generated clients call their methods by these.
OPERATIONS = {
    "/": "service",
    "/health": "health",
    "/portfolios/weights": "weights",
    "/portfolios/record": "record",
    "/stocks/portfolio": "portfolio",
    "/stocks/monthly-portfolio": "monthly_portfolio",
    "/stocks/monthly-trades": "monthly_trades",
    "/stocks/owned-trades": "owned_trades",
    "/stocks/owned-positions": "owned_positions",
    "/stocks/{symbol}/latest": "latest_bar",
    "/stocks/{symbol}/history": "history",
    "/stocks/{symbol}/record": "appearances",
    "/sectors": "sectors",
    "/sectors/{sector}/stocks": "sector_stocks",
    "/sectors/{sector}/history": "sector_history",
    "/dashboard/market-map": "market_map",
    "/dashboard/etf-list": "etf_list",
    "/dashboard/etf-benchmark": "etf_benchmark",
    "/dashboard/spy-benchmark": "spy_benchmark",
    "/dashboard/active-allocations": "active_allocations",
    "/dashboard/summary": "summary",
    "/dashboard/etf-holdings": "etf_holdings",
    "/dashboard/trending-etf-top-holdings": "trending_etf_top_holdings",
    "/dashboard/sector-trending": "sector_trending",
    "/dashboard/monthly-performance": "monthly_performance",
    "/dashboard/performance": "performance",
    "/dashboard/top-performers": "top_performers",
    "/dashboard/top-performers-by-sector": "top_performers_by_sector",
    "/dashboard/sessions": "sessions",
    "/dashboard/calendar": "calendar",
    "/dashboard/pipeline": "pipeline",
    "/dashboard/errors": "rejected_messages",
    "/dashboard/gaps": "gaps",
    "/dashboard/restatements": "restatements",
    "/dashboard/requests": "request_counts",
    "/etf-holdings/top-holdings/{etf}": "top_holdings",
    "/etf-holdings/all-holdings": "all_holdings",
    "/etf-holdings/summary": "holdings_summary",
    "/etf-holdings/comparison/{holding}": "holders",
    "/evidence/head": "chain_heads",
    "/evidence/links/{chain}/{position}": "chain_link",
    "/evidence/weights/monthly/{rebalance_date}/{symbol}": "monthly_weight_evidence",
    "/evidence/weights/{session}/{period_days}/{symbol}": "weight_evidence",
    "/evidence/answers/{digest}": "source_answer",
    "/lab": "lab",
}


class Unused:
    """A pool that is only asked for the version of the data."""

    def read(self, query: Any) -> str:
        return "1"

    def close(self) -> None:
        pass


@pytest.fixture
def client() -> Any:
    pool: Any = Unused()
    with TestClient(create_app(Settings.from_env({"API_KEY": KEY}), pool), base_url=URL) as client:
        yield client


def test_operations_keep_their_short_names(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert {path: operations["get"]["operationId"] for path, operations in paths.items()} == OPERATIONS
    changing = [name["operationId"] for each in paths.values() for method, name in each.items() if method != "get"]
    assert changing == ["keep_owned_positions", "forget_owned_positions"]


def test_the_document_names_the_prefix_and_is_the_same_behind_it(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    assert [server["url"] for server in document["servers"]] == ["/v1", "/"]
    assert client.get("/v1/openapi.json").json() == document


@pytest.mark.parametrize("path", ["/", "/health", "/docs", "/openapi.json", "/docs/problems"])
def test_open_paths_are_open_behind_the_prefix(client: TestClient, path: str) -> None:
    assert client.get("/v1" + path).status_code in (200, 503)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/stocks/portfolio", 401),
        ("/v1/docs/../stocks/portfolio", 401),
        ("/v1", 401),
        ("/v1/v1/health", 401),
        ("/v1/v1/", 401),
        ("/v2/health", 401),
        ("/health/v1/", 401),
    ],
)
def test_the_prefix_opens_nothing(client: TestClient, path: str, status: int) -> None:
    assert client.get(path).status_code == status
