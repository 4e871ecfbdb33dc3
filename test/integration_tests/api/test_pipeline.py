"""What the API answers about the pipeline: sessions, runs, consumers, rejected messages, missing bars."""

import pytest
from fastapi.testclient import TestClient

from config.config import DatabaseSettings
from sample_api import NOTICED_WITHIN_SECONDS, execute, wait_until


def test_sessions_with_their_publications(api: TestClient) -> None:
    sessions = api.get("/dashboard/sessions").json()["sessions"]
    assert [each["as_of_date"] for each in sessions] == ["2026-08-21", "2026-08-20"]
    assert [(each["job"], each["period_days"], each["status"]) for each in sessions[0]["publications"]] == [
        ("trending", 0, "published"),
        ("performance", 0, "published"),
        ("allocation", 5, "empty"),
        ("allocation", 10, "published"),
        ("allocation", 20, "published"),
    ]
    assert all(each["degraded_reason"] for each in sessions[1]["publications"])
    assert api.get("/dashboard/sessions?to=2026-08-20").json()["total"] == 1


def test_calendar_has_the_days_with_portfolios_and_the_last_run(api: TestClient) -> None:
    pipeline = api.get("/dashboard/pipeline?sessions=1").json()
    assert pipeline["sessions"][0]["as_of_date"] == "2026-08-21" and pipeline["coming_sessions"][0] == "2026-08-24"
    assert api.get("/dashboard/calendar").json() == {
        "last_run": pipeline["sessions"][0],
        "coming_sessions": pipeline["coming_sessions"],
        "sessions": [
            {"as_of_date": "2026-08-20", "is_degraded": True, "is_computable": True},
            {"as_of_date": "2026-08-21", "is_degraded": False, "is_computable": True},
        ],
        "rebalances": [
            {"as_of_date": "2026-06-28", "is_degraded": False, "is_computable": True},
            {"as_of_date": "2026-07-26", "is_degraded": False, "is_computable": True},
        ],
    }


def test_state_of_the_pipeline(api: TestClient) -> None:
    state = api.get("/dashboard/pipeline?sessions=3").json()
    assert [each["as_of_date"] for each in state["sessions"]] == ["2026-08-21", "2026-08-20", "2026-08-19"]
    assert [each["bars"] for each in state["sessions"]] == [
        {"stored": 26, "late": 1},
        {"stored": 26, "missing": 1, "quarantined": 1},
        {"stored": 26},
    ]
    assert [len(each["publications"]) for each in state["sessions"]] == [5, 2, 0]
    tables = {each["table_name"]: each for each in state["tables"]}
    assert tables["collected_daily_etf_ohlc"] == {
        "table_name": "collected_daily_etf_ohlc",
        "row_count": 15 * 31,
        "newest_date": "2026-08-21",
        "fetched_at": "2026-08-21T21:30:00Z",
    }
    assert tables["analytics_sector_trending"]["newest_date"] == "2026-08-01"
    assert {each["topic"]: (each["rejected"], each["waiting"]) for each in state["errors"]} == {
        "etf-daily-data": (1, 0),
        "stock-daily-data": (1, 1),
    }
    assert state["newest_errors"][0]["message_key"] == "AMD"
    assert [(each["requests"], each["limited"]) for each in state["requests_by_day"]] == [(20, 4)]
    assert sum(each["requests"] for each in state["requests_by_hour"]) == 20


def test_runs_of_each_session(api: TestClient) -> None:
    """Newest first, with all columns. A rebalance is shown with the last session by its date."""
    sessions = {each["as_of_date"]: each for each in api.get("/dashboard/pipeline?sessions=30").json()["sessions"]}
    runs = {
        day: [(run["dag_id"], run["stage"], run["state"]) for run in each["runs"]] for day, each in sessions.items()
    }
    assert {day: of_day for day, of_day in runs.items() if of_day} == {
        "2026-08-21": [
            ("etf_top_holdings_analysis", None, "running"),
            ("daily_benchmark_etf_collection", 1, "late"),
        ],
        "2026-08-20": [
            ("daily_benchmark_etf_collection", 1, "skipped"),
            ("daily_sector_etf_collection", 2, "failed"),
            ("daily_benchmark_etf_collection", 1, "green"),
        ],
        "2026-07-24": [("monthly_portfolio_rebalance", None, "green")],
    }
    failed = sessions["2026-08-20"]["runs"][1]
    assert failed == {
        "dag_id": "daily_sector_etf_collection",
        "stage": 2,
        "run_id": "scheduled__2026-08-20T21:30:00+00:00",
        "as_of_date": "2026-08-20",
        "state": "failed",
        "reason": "Yahoo answered 429",
        "reasons": [
            {"code": "text", "params": {"text": "Yahoo answered 429"}, "sentence": "Yahoo answered 429"},
        ],
        "started_at": "2026-08-21T10:00:00Z",
        "ended_at": "2026-08-21T10:17:00Z",
        "airflow_url": "http://localhost:8080/dags/daily_sector_etf_collection/runs/"
        "scheduled__2026-08-20T21%3A30%3A00%2B00%3A00",
    }
    [monthly] = [each for each in sessions["2026-07-24"]["publications"] if each["job"] == "rebalance"]
    assert (monthly["as_of_date"], monthly["row_count"]) == ("2026-07-26", 3)


def test_of_many_runs_the_newest_are_shown(sample_database: DatabaseSettings, api: TestClient) -> None:
    execute(
        sample_database,
        """
        INSERT INTO logs_stage_run (dag_id, run_id, as_of_date, state, started_at)
        SELECT 'daily_portfolio_allocation', 'manual__' || n, '2026-08-19', 'green',
            '2026-08-20'::timestamptz + n * INTERVAL '1 minute'
        FROM GENERATE_SERIES(1, 9) AS n
        """,
    )

    def shown() -> list[str]:
        return [run["run_id"] for run in api.get("/dashboard/pipeline?sessions=3").json()["sessions"][2]["runs"]]

    wait_until(lambda: shown() == [f"manual__{n}" for n in (9, 8, 7, 6, 5)], NOTICED_WITHIN_SECONDS)
    execute(sample_database, "DELETE FROM logs_stage_run WHERE as_of_date = '2026-08-19'")


def test_consumers_and_links(api: TestClient) -> None:
    state = api.get("/dashboard/pipeline").json()
    assert [(each["consumer_group"], each["partition_id"], each["lag"]) for each in state["consumers"]] == [
        ("etf-daily", 0, 0),
        ("etf-daily", 1, 13),
        ("stock-daily", 0, 0),
    ]
    assert state["consumers"][1] == {
        "consumer_group": "etf-daily",
        "topic": "etf-daily-data",
        "partition_id": 1,
        "committed_offset": 98,
        "end_offset": 111,
        "lag": 13,
        "measured_at": "2026-08-24T14:00:00Z",
    }
    assert state["links"] == {"airflow": "http://localhost:8080", "spark_master": "http://localhost:8081"}


@pytest.mark.parametrize(
    ("query", "keys"), [("", ["AMD", "IWM"]), ("?waiting=true", ["AMD"]), ("?waiting=false", ["IWM"])]
)
def test_rejected_messages(api: TestClient, query: str, keys: list[str]) -> None:
    assert [each["message_key"] for each in api.get(f"/dashboard/errors{query}").json()["errors"]] == keys


def test_gaps_and_restatements(api: TestClient) -> None:
    gaps = api.get("/dashboard/gaps").json()["gaps"]
    assert [(each["trade_date"], each["ticker"], each["state"]) for each in gaps] == [
        ("2026-08-21", "AAPL", "late"),
        ("2026-08-20", "AAPL", "missing"),
        ("2026-08-20", "AMD", "quarantined"),
    ]
    assert api.get("/dashboard/gaps?from=2026-08-21").json()["total"] == 1
    [restated] = api.get("/dashboard/restatements").json()["restatements"]
    assert (restated["ticker"], restated["old_values"], restated["new_values"]) == (
        "XLU",
        {"close_price": 100},
        {"close_price": 101},
    )
    assert api.get("/dashboard/restatements?from=2026-08-20").json()["total"] == 0
