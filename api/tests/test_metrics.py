"""/metrics without a database: who gets it, and what of the API itself it says."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from api.main import Api, create_app
from api.metrics import NO_ROUTE
from config.config import Settings
from no_database import NoDatabase

KEY = "a-key-for-tests"
WITH_KEY = {"X-API-Key": KEY}
SETTINGS = Settings.from_env({"API_KEY": KEY, "ACTSTOCK_HOSTS": "testserver"})

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def app() -> Api:
    return create_app(SETTINGS, NoDatabase())  # type: ignore[arg-type]


@pytest.fixture
def client(app: Api) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def samples(client: TestClient) -> Samples:
    page = client.get("/metrics", headers=WITH_KEY)
    assert page.status_code == 200
    families = text_string_to_metric_families(page.text)
    return {(each.name, frozenset(each.labels.items())): each.value for family in families for each in family.samples}


def requests(found: Samples) -> dict[tuple[str, str], float]:
    """Return the requests by route and status, those for the metrics left out."""
    labels = [(dict(key), value) for (name, key), value in found.items() if name == "actstock_api_requests_total"]
    return {(key["route"], key["status"]): value for key, value in labels if key["route"] != "/metrics"}


REFUSED = [
    ("/metrics", {}),
    ("/metrics", {"Authorization": KEY}),
    ("/metrics", {"Authorization": f"Basic {KEY}"}),
    ("/metrics", {"Authorization": "Bearer "}),
    ("/metrics", {"Authorization": f"Bearer {KEY}x"}),
    ("/metrics", {"X-API-Key": "wrong", "Authorization": f"Bearer {KEY}"}),
    ("/stocks/portfolio", {"Authorization": f"Bearer {KEY}"}),
]


@pytest.mark.parametrize(("path", "headers"), REFUSED)
def test_they_need_the_key(client: TestClient, path: str, headers: dict[str, str]) -> None:
    assert client.get(path, headers=headers).status_code == 401


@pytest.mark.parametrize("headers", [WITH_KEY, {"Authorization": f"Bearer {KEY}"}])
@pytest.mark.parametrize("path", ["/metrics", "/v1/metrics"])
def test_the_key_comes_as_a_header_or_as_a_bearer_token(client: TestClient, path: str, headers: dict[str, str]) -> None:
    page = client.get(path, headers=headers)
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/plain")
    assert page.headers["cache-control"] == "no-store"


def test_requests_are_counted_by_route_and_status(app: Api, client: TestClient) -> None:
    @app.get("/broken/{name}")
    def broken(name: str) -> None:
        raise RuntimeError

    for path, headers in (
        ("/", {}),
        ("/", {}),
        ("/v1/stocks/portfolio", WITH_KEY),
        ("/stocks/portfolio", {}),
        ("/nowhere/1", WITH_KEY),
        ("/nowhere/2", WITH_KEY),
        ("/broken/1", WITH_KEY),
        ("/broken/2", WITH_KEY),
    ):
        client.get(path, headers=headers)
    found = samples(client)
    assert requests(found) == {
        ("/", "200"): 2,
        ("/stocks/portfolio", "503"): 1,
        (NO_ROUTE, "401"): 1,
        (NO_ROUTE, "404"): 2,
        ("/broken/{name}", "500"): 2,
    }
    assert found["actstock_api_request_seconds_count", frozenset({("route", "/")})] == 2
    assert found["actstock_api_request_seconds_bucket", frozenset({("route", "/"), ("le", "+Inf")})] == 2


def test_a_database_that_is_away_is_said_and_leaves_the_rest(client: TestClient) -> None:
    found = {name: value for (name, _), value in samples(client).items()}
    assert found["actstock_database_up"] == 0
    assert found["actstock_api_pool_limit"] == 10
    assert found["process_resident_memory_bytes"] > 0
    assert not [name for name in found if name.startswith(("actstock_yahoo", "actstock_ledger"))]


def test_two_applications_count_by_themselves(client: TestClient) -> None:
    client.get("/")
    with TestClient(create_app(SETTINGS, NoDatabase())) as other:  # type: ignore[arg-type]
        assert requests(samples(other)) == {}


def test_they_are_not_part_of_the_promised_interface(client: TestClient) -> None:
    assert "/metrics" not in client.get("/openapi.json").json()["paths"]
