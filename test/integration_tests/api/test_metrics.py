"""What /metrics says of the gate and the ledger, read with the API's login."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from api.main import create_app
from api.pool import ReaderPool
from config.config import DatabaseSettings
from database.roles import READ
from sample_api import KEY, SETTINGS, execute
from scratch_databases import logged_in_as

COOLDOWN_SECONDS = 900.0


@pytest.fixture(scope="module")
def metrics_api(empty_database: DatabaseSettings) -> Iterator[TestClient]:
    yahoo = replace(SETTINGS.yahoo, requests_per_day=10, cooldown_seconds=COOLDOWN_SECONDS)
    with logged_in_as(READ, empty_database) as reader:
        app = create_app(replace(SETTINGS, database=reader, yahoo=yahoo))
        with TestClient(app, headers={"X-API-Key": KEY}) as client:
            yield client


@pytest.fixture(autouse=True)
def nothing_yet(empty_database: DatabaseSettings) -> None:
    execute(empty_database, "TRUNCATE logs_yahoo_request, logs_expected_bar, logs_stage_run, analytics_publication")


def read(client: TestClient, name: str) -> dict[tuple[str, ...], float]:
    """Return the samples of one family, by the values of their labels in the order of the labels' names."""
    families = text_string_to_metric_families(client.get("/metrics").text)
    found = [each for family in families for each in family.samples if each.name == name]
    return {tuple(value for _, value in sorted(each.labels.items())): each.value for each in found}


def test_an_empty_database_has_all_its_states(metrics_api: TestClient) -> None:
    assert read(metrics_api, "actstock_database_up") == {(): 1}
    assert read(metrics_api, "actstock_ledger_bars") == {("late",): 0, ("missing",): 0, ("quarantined",): 0}
    assert read(metrics_api, "actstock_yahoo_budget_left") == {(): 10}
    assert read(metrics_api, "actstock_yahoo_shut_until_timestamp_seconds") == {(): 0}
    assert read(metrics_api, "actstock_publication_age_seconds") == {}


def test_requests_of_the_budgets_day_by_outcome(metrics_api: TestClient, empty_database: DatabaseSettings) -> None:
    execute(
        empty_database,
        """
        INSERT INTO logs_yahoo_request (endpoint, http_status, requested_at) VALUES
            ('chart', 200, clock_timestamp()), ('chart', 200, clock_timestamp()), ('chart', 404, clock_timestamp()),
            ('quote', NULL, clock_timestamp()), ('quote', 200, clock_timestamp() - INTERVAL '25 hours')
        """,
    )
    assert read(metrics_api, "actstock_yahoo_requests_today") == {
        ("chart", "ok"): 2,
        ("chart", "refused"): 1,
        ("quote", "no_answer"): 1,
    }
    assert read(metrics_api, "actstock_yahoo_budget_left") == {(): 6}


@pytest.mark.parametrize(("seconds_ago", "is_shut"), [(COOLDOWN_SECONDS - 60, True), (COOLDOWN_SECONDS + 1, False)])
def test_the_gate_is_shut_until_the_cooldown_is_over(
    metrics_api: TestClient, empty_database: DatabaseSettings, seconds_ago: float, is_shut: bool
) -> None:
    execute(
        empty_database,
        f"""
        INSERT INTO logs_yahoo_request (endpoint, http_status, requested_at)
        VALUES ('chart', 429, clock_timestamp() - MAKE_INTERVAL(secs => {seconds_ago}))
        """,
    )
    [until] = read(metrics_api, "actstock_yahoo_shut_until_timestamp_seconds").values()
    assert (until > 0) is is_shut


def test_the_ledger_publications_and_runs(metrics_api: TestClient, empty_database: DatabaseSettings) -> None:
    execute(
        empty_database,
        """
        INSERT INTO logs_expected_bar (kind, ticker, trade_date, state, reason) VALUES
            ('etf', 'SPY', '2026-08-20', 'late', '[]'), ('etf', 'SPY', '2026-08-21', 'late', '[]'),
            ('etf', 'QQQ', '2026-08-21', 'missing', '[]'), ('etf', 'IWM', '2026-08-21', 'closed', '[]');
        INSERT INTO analytics_publication (job, as_of_date, period_days, status, row_count, source, published_at) VALUES
            ('trending', '2026-08-20', 0, 'empty', 0, 'live', clock_timestamp() - INTERVAL '1 day'),
            ('trending', '2026-08-21', 0, 'empty', 0, 'live', clock_timestamp() - INTERVAL '1 hour');
        INSERT INTO logs_stage_run (dag_id, run_id, as_of_date, state, started_at) VALUES
            ('stage', 'first', '2026-08-21', 'failed', clock_timestamp() - INTERVAL '2 hours'),
            ('stage', 'again', '2026-08-21', 'green', clock_timestamp() - INTERVAL '1 hour'),
            ('stage', 'other', '2026-08-20', 'failed', clock_timestamp() - INTERVAL '1 day'),
            ('stage', 'old', '2026-08-03', 'failed', clock_timestamp() - INTERVAL '8 days')
        """,
    )
    assert read(metrics_api, "actstock_ledger_bars") == {("late",): 2, ("missing",): 1, ("quarantined",): 0}
    ages = read(metrics_api, "actstock_publication_age_seconds")
    assert ages == {("trending",): pytest.approx(3600, abs=60)}
    runs = read(metrics_api, "actstock_stage_runs")
    assert {key: value for key, value in runs.items() if value} == {("stage", "failed"): 1, ("stage", "green"): 1}
    assert runs["stage", "running"] == 0


def test_lookups_of_the_cache_are_counted(metrics_api: TestClient) -> None:
    before = read(metrics_api, "actstock_api_cache_lookups_total")
    assert metrics_api.get("/dashboard/sessions").status_code == 200
    assert metrics_api.get("/dashboard/sessions").status_code == 200
    after = read(metrics_api, "actstock_api_cache_lookups_total")
    assert {key: after[key] - before[key] for key in after} == {("hit",): 1, ("miss",): 1}


def test_connections_in_use_are_counted_until_they_are_given_back(empty_database: DatabaseSettings) -> None:
    pool = ReaderPool(empty_database)
    with closing(pool):
        assert pool.in_use == 0
        with pool.connection(), pool.connection():
            assert pool.in_use == 2
        assert pool.in_use == 0
