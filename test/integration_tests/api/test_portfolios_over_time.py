"""All weights and the whole record in one call each, beside what the routes for one session say."""

from collections import defaultdict
from itertools import pairwise
from typing import Any

import pytest
from fastapi.testclient import TestClient

from config.config import DatabaseSettings
from sample_api import NOTICED_WITHIN_SECONDS, execute, wait_until
from utils.reasons import as_json, reason

NOT_COMPUTABLE = """
    INSERT INTO analytics_publication (job, as_of_date, period_days, status, reason, row_count, cash_weight, source)
    VALUES ('allocation', '2026-08-19', 20, 'not_computable', '{reason}', 0, 1, 'simulated')
"""


def weights(api: TestClient, **params: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = api.get("/portfolios/weights", params=params).json()["weights"]
    return rows


def record(api: TestClient, **params: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = api.get("/portfolios/record", params=params).json()["sessions"]
    return rows


def test_every_portfolio_is_there_as_its_own_route_shows_it(api: TestClient) -> None:
    found = defaultdict(list)
    for row in weights(api):
        found[row["session"], row["period"]].append(row)
    assert set(found) == {("2026-08-20", 20), ("2026-08-21", 5), ("2026-08-21", 10), ("2026-08-21", 20)}
    for (session, period), rows in found.items():
        whole = api.get("/stocks/portfolio", params={"as_of_date": session, "period_days": period}).json()
        positions = [row for row in rows if row["ticker"]]
        assert [(row["ticker"], row["weight"], row["rank"], row["score"]) for row in positions] == [
            (each["ticker"], each["portfolio_weight"], each["position_rank"], each["score"])
            for each in whole["positions"]
        ]
        assert sum(row["weight"] for row in rows) == pytest.approx(1)
        for row in rows:
            assert row["is_degraded"] == (whole["degraded_reason"] is not None)
            for name in ("status", "degraded_reason", "degraded_reasons", "reason", "reasons", "published_at"):
                assert row[name] == whole[name], (session, period, name)


def test_cash_has_a_row_without_a_ticker(api: TestClient) -> None:
    [row] = weights(api, period=5)
    assert (row["status"], row["ticker"], row["weight"], row["rank"]) == ("empty", None, 1.0, None)


def test_what_is_not_computable_has_a_row_without_a_weight(api: TestClient, sample_database: DatabaseSettings) -> None:
    told = as_json([reason("text", text="too little history")])
    execute(sample_database, NOT_COMPUTABLE.format(reason=told))
    wait_until(lambda: len(weights(api, to="2026-08-19")) == 1, NOTICED_WITHIN_SECONDS)
    [row] = weights(api, to="2026-08-19")
    assert (row["status"], row["ticker"], row["weight"]) == ("not_computable", None, None)
    assert row["reason"] == "too little history"
    execute(sample_database, "DELETE FROM analytics_publication WHERE as_of_date = '2026-08-19'")
    wait_until(lambda: weights(api, to="2026-08-19") == [], NOTICED_WITHIN_SECONDS)


def test_a_range_and_a_period(api: TestClient) -> None:
    rows = weights(api)
    assert weights(api, period=20) == [row for row in rows if row["period"] == 20]
    one = {"from": "2026-08-21", "to": "2026-08-21"}
    assert weights(api, **one) == [row for row in rows if row["session"] == "2026-08-21"]
    assert weights(api, **{"from": "2026-08-22"}) == []


def test_the_record_is_the_one_that_is_shown(api: TestClient) -> None:
    shown = {each["period_days"]: each for each in api.get("/dashboard/performance").json()["portfolios"]}
    rows = record(api)
    assert [(row["session"], row["period"]) for row in rows] == sorted((row["session"], row["period"]) for row in rows)
    assert {row["period"] for row in rows} == set(shown)
    for period, series in shown.items():
        mine = record(api, period=period)
        assert mine == [row for row in rows if row["period"] == period]
        assert [row["session"] for row in mine] == series["sessions"]
        assert [row["net_value"] for row in mine] == series["net"]
        assert [row["benchmark_value"] for row in mine] == series["benchmark"]
        assert [row["turnover"] for row in mine] == series["turnover"]
        assert sum(row["has_hindsight"] for row in mine[1:]) == series["hindsight_sessions"]


def test_returns_lead_from_one_value_to_the_next(api: TestClient) -> None:
    for period in (0, 20):
        rows = record(api, period=period)
        assert (rows[0]["net_return"], rows[0]["benchmark_return"]) == (None, None)
        for before, row in pairwise(rows):
            for kind in ("net", "benchmark"):
                grown = before[f"{kind}_value"] * (1 + row[f"{kind}_return"])
                assert grown == pytest.approx(row[f"{kind}_value"])


@pytest.mark.parametrize(("path", "rows"), [("/portfolios/weights", "weights"), ("/portfolios/record", "sessions")])
class TestBothLists:
    def test_come_in_parts(self, api: TestClient, path: str, rows: str) -> None:
        whole = api.get(path).json()
        assert (whole["total"], whole["next"]) == (len(whole[rows]), None)
        address, parts = f"{path}?limit=4", []
        while address:
            answer = api.get(address)
            parts += answer.json()[rows]
            address = answer.json()["next"]
            assert answer.headers["X-Total-Count"] == str(whole["total"])
            assert answer.links.get("next", {}).get("url") == address
        assert parts == whole[rows]

    @pytest.mark.parametrize(
        ("asked", "error", "named"),
        [
            ("limit=0", "InvalidParameter", "limit"),
            ("limit=20001", "InvalidParameter", "limit"),
            ("offset=-1", "InvalidParameter", "offset"),
            ("period=7", "InvalidParameter", "period"),
            ("period=monthly", "InvalidParameter", "period"),
            ("from=yesterday", "InvalidParameter", "from"),
            ("from=2026-08-21&to=2026-08-20", "InvalidInput", "from"),
            ("format=xlsx", "InvalidParameter", "format"),
        ],
    )
    def test_have_bounds(self, api: TestClient, path: str, rows: str, asked: str, error: str, named: str) -> None:
        answer = api.get(f"{path}?{asked}")
        assert (answer.status_code, answer.json()["error"]) == (422, error)
        assert answer.json()["detail"].startswith(named)

    def test_are_empty_before_anything_is_published(self, empty_api: TestClient, path: str, rows: str) -> None:
        answer = empty_api.get(path).json()
        assert (answer["total"], answer[rows], answer["next"]) == (0, [], None)
