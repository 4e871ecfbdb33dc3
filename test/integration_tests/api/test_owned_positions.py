"""What a reader asks the platform to keep: one set, until somebody changes it or has it deleted."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient

from config.config import DatabaseSettings
from database.db_helper import connect, fetch
from sample_api import execute

OWNED = "/stocks/owned-positions"
NOTHING = {"positions": "", "cash": 0.0, "saved_at": None}
THREE = {"positions": "NVDA:10,MU:5.5,005930.KS:20:KRW", "cash": 10_000.25}


@pytest.fixture(autouse=True)
def nothing_kept(sample_database: DatabaseSettings) -> Iterator[None]:
    yield
    execute(sample_database, "DELETE FROM owned_positions")


def test_nothing_is_kept_until_somebody_asks_for_it(api: TestClient) -> None:
    assert api.get(OWNED).json() == NOTHING
    api.get("/stocks/owned-trades", params=THREE).raise_for_status()
    assert api.get(OWNED).json() == NOTHING


def test_what_is_kept_comes_back_and_the_newest_counts(api: TestClient, sample_database: DatabaseSettings) -> None:
    saved = api.put(OWNED, json=THREE)
    assert saved.status_code == 200 and saved.headers["Cache-Control"] == "no-store"
    assert saved.json() == {**THREE, "saved_at": saved.json()["saved_at"]} == api.get(OWNED).json()
    assert datetime.now(UTC) - datetime.fromisoformat(saved.json()["saved_at"]) < timedelta(minutes=1)
    later = api.put(OWNED, json={"positions": "", "cash": 1e9}).json()
    assert later["saved_at"] > saved.json()["saved_at"]
    assert api.get(OWNED).json() == later == {"positions": "", "cash": 1e9, "saved_at": later["saved_at"]}
    with closing(connect(sample_database)) as conn:
        assert fetch(conn, "SELECT COUNT(*) AS rows FROM owned_positions") == [{"rows": 1}]


def test_what_is_kept_is_counted_with_as_it_is(api: TestClient) -> None:
    api.put(OWNED, json=THREE)
    kept = api.get(OWNED).json()
    asked = {"positions": kept["positions"], "cash": kept["cash"]}
    found = api.get("/stocks/owned-trades", params=asked).json()
    assert found["cash"] == THREE["cash"]
    assert {"NVDA", "MU"} <= {each["ticker"] for each in [*found["orders"], *found["left_out"]]}


def test_what_is_forgotten_is_in_the_database_no_more(api: TestClient, sample_database: DatabaseSettings) -> None:
    api.put(OWNED, json=THREE)
    assert api.delete(OWNED).json() == NOTHING == api.get(OWNED).json()
    assert api.delete(OWNED).status_code == 200
    with closing(connect(sample_database)) as conn:
        assert fetch(conn, "SELECT * FROM owned_positions") == []


def test_a_tag_tells_whether_somebody_changed_it(api: TestClient) -> None:
    tag = api.put(OWNED, json=THREE) and api.get(OWNED).headers["ETag"]
    assert api.get(OWNED, headers={"If-None-Match": tag}).status_code == 304
    api.put(OWNED, json={**THREE, "cash": 1})
    assert api.get(OWNED, headers={"If-None-Match": tag}).status_code == 200


def test_a_refused_change_leaves_what_is_there(api: TestClient) -> None:
    kept = api.put(OWNED, json=THREE).json()
    assert api.put(OWNED, json={**THREE, "cash": -1}).status_code == 422
    assert api.put(OWNED, json=THREE, headers={"X-API-Key": "wrong"}).status_code == 401
    assert api.delete(OWNED, headers={"X-API-Key": "wrong"}).status_code == 401
    assert api.get(OWNED).json() == kept


def test_keeping_it_makes_no_other_answer_old(api: TestClient) -> None:
    """What is kept ready stays so, as no other answer rests on it."""
    cache = api.app.state.cache  # type: ignore[attr-defined]
    api.get("/stocks/portfolio").raise_for_status()
    api.put(OWNED, json=THREE)
    with closing(connect(api.app.state.settings.database)) as conn:  # type: ignore[attr-defined]
        before = fetch(conn, "SELECT SUM(changes) AS changes FROM logs_data_change")
        api.delete(OWNED)
        assert fetch(conn, "SELECT SUM(changes) AS changes FROM logs_data_change") == before
    hits = cache.hits
    api.get("/stocks/portfolio").raise_for_status()
    assert cache.hits == hits + 1
