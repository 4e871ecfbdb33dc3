"""GET /dashboard/summary: what a portfolio's page tells first, as the routes say it that have all of it."""

import pytest
from fastapi.testclient import TestClient

ROUTE = "/dashboard/summary"


def weights(api: TestClient, day: str, period: int) -> dict[str, float]:
    asked = {"as_of_date": day, "period_days": period, "candidates": "none"}
    [shown] = api.get("/dashboard/active-allocations", params=asked).json()["portfolios"]
    return {each["ticker"]: each["portfolio_weight"] for each in shown["positions"]}


@pytest.mark.parametrize(("period", "before"), [(5, None), (10, None), (20, "2026-08-20")])
def test_it_says_what_the_longer_answers_say(api: TestClient, period: int, before: str | None) -> None:
    told = api.get(ROUTE, params={"period_days": period}).json()
    assert (told["as_of_date"], told["period_days"], told["previous_session"]) == ("2026-08-21", period, before)
    assert told["previous_weights"] == (weights(api, before, period) if before else None)
    whole = api.get("/dashboard/performance").json()
    record = {each["period_days"]: each for each in whole["portfolios"]}.get(period)
    assert told["record"] == (record and {name: record[name] for name in told["record"]})
    assert told["benchmark"] == whole["benchmark"]
    if record:
        assert (told["record"]["source"], told["record"]["degraded_sessions"]) == ("simulated", 0)


def test_the_first_session_has_the_record_up_to_it_and_nothing_before(api: TestClient) -> None:
    told = api.get(ROUTE, params={"period_days": 20, "as_of_date": "2026-08-20"}).json()
    assert (told["as_of_date"], told["previous_session"], told["previous_weights"]) == ("2026-08-20", None, None)
    assert (told["record"]["last_session"], told["record"]["session_count"]) == ("2026-08-20", 18)
    assert len(told["record"]["net"]) == len(told["record"]["benchmark"]) == 19


def test_without_a_portfolio_there_is_none_to_sum_up(api: TestClient) -> None:
    assert api.get(ROUTE, params={"as_of_date": "2020-01-02"}).status_code == 404
    assert api.get(ROUTE, params={"period_days": 7}).status_code == 422
