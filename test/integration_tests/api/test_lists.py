"""What every route with a list has in common: pages, and an empty list before anything is collected."""

import pytest
from fastapi.testclient import TestClient

EMPTY = {
    "/sectors": "sectors",
    "/dashboard/market-map": "sectors",
    "/dashboard/etf-list": "etfs",
    "/dashboard/etf-benchmark": "etfs",
    "/dashboard/spy-benchmark": "points",
    "/dashboard/etf-holdings": "etfs",
    "/dashboard/sector-trending": "months",
    "/dashboard/monthly-performance": "months",
    "/dashboard/top-performers": "stocks",
    "/dashboard/sessions": "sessions",
    "/dashboard/pipeline": "sessions",
    "/etf-holdings/all-holdings": "holdings",
    "/etf-holdings/summary": "etfs",
    "/stocks/monthly-portfolio": "positions",
}
NOT_YET = [
    "/stocks/portfolio",
    "/dashboard/active-allocations",
    "/dashboard/trending-etf-top-holdings",
    "/etf-holdings/top-holdings/QQQ",
]


@pytest.mark.parametrize(
    ("path", "rows", "total"),
    [
        ("/stocks/MU/record", "appearances", 3),
        ("/sectors/Technology/stocks", "stocks", 5),
        ("/sectors/Technology/history", "months", 3),
        ("/dashboard/spy-benchmark", "points", 31),
        ("/dashboard/sector-trending", "months", 3),
        ("/dashboard/monthly-performance", "months", 2),
        ("/dashboard/top-performers", "stocks", 10),
        ("/dashboard/sessions", "sessions", 2),
        ("/dashboard/errors", "errors", 2),
        ("/dashboard/gaps", "gaps", 3),
        ("/dashboard/restatements", "restatements", 1),
        ("/dashboard/requests", "counts", 3),
        ("/etf-holdings/all-holdings", "holdings", 11),
    ],
)
def test_a_list_that_grows_comes_in_parts(api: TestClient, path: str, rows: str, total: int) -> None:
    whole = api.get(path).json()
    assert (whole["total"], len(whole[rows]), whole["next"]) == (total, total, None)
    parts = [api.get(path, params={"limit": 1, "offset": offset}).json() for offset in range(total)]
    found = [row for part in parts for row in part[rows]]
    assert sorted(found, key=str) == sorted(whole[rows], key=str)
    assert all(part["next"] for part in parts[:-1]) and parts[-1]["next"] is None
    beyond = api.get(path, params={"offset": total}).json()
    assert (beyond["total"], beyond[rows], beyond["next"]) == (total, [], None)


def test_before_anything_is_collected_lists_are_empty_and_publications_404(empty_api: TestClient) -> None:
    for path, rows in EMPTY.items():
        answer = empty_api.get(path)
        assert (answer.status_code, answer.json()[rows]) == (200, []), path
    for path in ("/stocks/monthly-portfolio", "/stocks/monthly-trades"):
        month = empty_api.get(path).json()
        assert month["status"] == "empty" and month["reason"].startswith("no rebalance is published yet")
    for path in NOT_YET:
        answer = empty_api.get(path)
        assert (answer.status_code, answer.json()["error"]) == (404, "NotPublished"), path
        assert "run" in answer.json()["detail"], "it says what to do"
