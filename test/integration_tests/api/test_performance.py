"""What the API answers about the followed portfolios: month by month and as a track record."""

import pytest
from fastapi.testclient import TestClient

from config.config import DatabaseSettings
from sample_api import dollars


def test_monthly_performance_follows_what_was_published(api: TestClient, sample_database: DatabaseSettings) -> None:
    """It is bought at Monday's close and sold at that of its last valid session. The bars give the same figures."""
    newest, first = api.get("/dashboard/monthly-performance").json()["months"]
    assert (newest["entry_session"], newest["exit_session"], newest["is_over"]) == ("2026-07-27", "2026-08-21", True)

    def gain(ticker: str) -> float:
        start, end = (dollars(sample_database, ticker, newest[at]) for at in ("entry_session", "exit_session"))
        return end / start - 1

    expected = 0.5 * gain("MU") + 0.3 * gain("000660.KS") + 0.2 * gain("NEM")
    assert newest["portfolio_return"] == pytest.approx(expected)
    assert newest["benchmark_return"] == pytest.approx(gain("SPY"))
    assert newest["excess_return"] == pytest.approx(expected - gain("SPY"))
    assert (newest["covered_weight"], newest["missing_reason"]) == (pytest.approx(1), None)
    assert (first["entry_session"], first["exit_session"]) == ("2026-06-29", "2026-07-27"), (
        "sold when the next is bought"
    )
    assert (first["portfolio_return"], first["covered_weight"]) == (None, 0)
    assert "NEM: no price on 2026-06-29" in first["missing_reason"]


def test_performance_as_followed(api: TestClient) -> None:
    answer = api.get("/dashboard/performance").json()
    assert (answer["as_of_date"], answer["benchmark"], answer["cost_rate"]) == ("2026-08-21", "SPY", 0.001)
    assert (answer["status"], answer["reason"], answer["source"]) == ("published", None, "simulated")
    month, twenty = answer["portfolios"]
    assert (month["period_days"], twenty["period_days"]) == (0, 20)
    assert (twenty["first_session"], twenty["last_session"], twenty["session_count"]) == (
        "2026-07-27",
        "2026-08-21",
        19,
    )
    assert twenty["net"][0] == 1.0 and twenty["net"][-1] - 1 == pytest.approx(twenty["total_return_net"])
    assert twenty["hindsight_sessions"] == 4
    assert (twenty["cagr"], twenty["sharpe"]) == (None, None)
    assert twenty["not_annualised_reason"].startswith("19 sessions followed")
    lengths = {len(twenty[name]) for name in ("sessions", "gross", "net", "benchmark", "drawdown", "turnover")}
    assert lengths == {len(twenty["benchmark_drawdown"])} == {20}
    assert twenty["position_count"] == [3] * 20
    assert (twenty["known_net"], twenty["known_benchmark"]) == (twenty["net"], twenty["benchmark"])


def test_performance_as_of_a_session(api: TestClient) -> None:
    answer = api.get("/dashboard/performance?as_of_date=2026-07-30").json()
    assert answer["as_of_date"] == "2026-07-30"
    assert [(each["session_count"], len(each["net"])) for each in answer["portfolios"]] == [(3, 4), (3, 4)]
    figures = api.get("/dashboard/performance?as_of_date=2026-07-30&series=false").json()
    lists = ["sessions", "gross", "net", "benchmark", "drawdown", "benchmark_drawdown", "turnover", "position_count"]
    lists += ["known_net", "known_benchmark"]
    assert figures == {**answer, "portfolios": [each | {name: [] for name in lists} for each in answer["portfolios"]]}
    early = api.get("/dashboard/performance?as_of_date=2026-07-24").json()
    assert (early["status"], early["portfolios"]) == ("empty", [])
    assert early["reason"] == "no portfolio was held yet at the close of 2026-07-24"
    assert api.get("/dashboard/performance?as_of_date=2026-08-22").status_code == 422
