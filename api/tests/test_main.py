"""The API as a whole, with nothing behind it: key, documents, errors."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api import auth, deps
from api.main import Api, create_app
from api.safety import LARGEST_BODY
from config.config import PROJECT_ROOT, ConfigError, Settings
from config.exchanges import TICKER
from config.universe import universe
from contract.orders import POSITIONS
from no_database import NoDatabase
from utils import web_safety
from utils.errors import UnknownTicker

KEY = "a-key-for-tests"
OWNED = "/stocks/owned-positions"
SETTINGS = Settings.from_env(
    {
        "API_KEY": KEY,
        "ACTSTOCK_HOSTS": "testserver",
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "SPARK_MASTER_URL": "spark://127.0.0.1:1",
    }
)


class UntouchedDatabase(NoDatabase):
    """A pool whose connection must not be used."""

    @contextmanager
    def connection(self) -> Iterator[Any]:
        yield None

    def read(self, query: Callable[[Any], Any]) -> Any:
        return "as before"


def app_on(pool: Any) -> Api:
    return create_app(SETTINGS, pool)


@pytest.fixture
def app() -> Api:
    return app_on(NoDatabase())


@pytest.fixture
def client(app: Api) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize("path", sorted(auth.OPEN_PATHS))
def test_open_paths_need_no_key(client: TestClient, path: str) -> None:
    assert client.get(path).status_code in (200, 503)


HOSTS = {
    "testserver": 200,
    "TestServer:8000": 200,
    "localhost:8000": 200,
    "stocks.localhost": 200,
    "127.0.0.1:8000": 200,
    "192.0.2.7": 200,
    "[2001:db8::7]:8000": 200,
    "evil.test": 400,
    "testserver.evil.test": 400,
    "127.0.0.1.evil.test:8000": 400,
    "localhost@evil.test": 400,
    "evil.test/@localhost": 400,
    "2130706433": 400,
    "": 400,
}


@pytest.mark.parametrize(("host", "status"), HOSTS.items())
def test_a_page_that_had_its_own_name_lead_here_is_refused(client: TestClient, host: str, status: int) -> None:
    answer = client.get("/", headers={"Host": host})
    assert answer.status_code == status
    assert status == 200 or answer.json()["error"] == "UnknownHost"


def test_every_answer_tells_a_browser_to_do_nothing_with_it(app: Api) -> None:
    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError

    with TestClient(app, raise_server_exceptions=False) as client:
        key = {"X-API-Key": KEY}
        answers = [
            client.get("/"),
            client.get("/stocks/portfolio"),
            client.get("/stocks/portfolio", headers=key),
            client.get("/nowhere", headers=key),
            client.get("/broken", headers=key),
            client.get("/", headers={"Host": "evil.test"}),
            client.get("/docs/assets/swagger-ui.css"),
        ]
    assert [answer.status_code for answer in answers] == [200, 401, 503, 404, 500, 400, 200]
    for answer in answers:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert answer.headers.get_list("Content-Security-Policy") == [web_safety.NOTHING]


def test_the_documentation_runs_its_own_scripts_alone(client: TestClient) -> None:
    page = client.get("/docs")
    [policy] = page.headers.get_list("Content-Security-Policy")
    [script] = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
    assert f"script-src 'self' {web_safety.hashes_of([script])};" in policy
    assert "frame-ancestors 'none'" in policy and "unsafe-eval" not in policy


def test_every_documented_path_but_the_open_ones_needs_the_key(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    for path in set(paths) - auth.OPEN_PATHS:
        for headers in ({}, {"X-API-Key": ""}, {"X-API-Key": "wrong"}, {"X-API-Key": KEY + "x"}):
            answer = client.get(path, headers=headers)
            assert (answer.status_code, answer.json()["error"]) == (401, "Unauthorized"), path


def test_documentation_needs_no_internet(client: TestClient) -> None:
    page = client.get("/docs").text
    assert "http://" not in page and "https://" not in page
    for asset in re.findall(r'"(/docs/assets/[^"]+)"', page):
        assert client.get(asset).status_code == 200, asset


def test_what_lies_below_docs_gives_nothing_away(client: TestClient) -> None:
    for path in (
        "/docs/../stocks/portfolio",
        "/docs/%2e%2e/stocks/portfolio",
        "/docs/assets/../../main.py",
        "/docs/nothing",
    ):
        assert client.get(path).status_code in (401, 404), path


def test_unknown_paths_need_the_key_too(client: TestClient) -> None:
    assert client.get("/nowhere").status_code == 401
    answer = client.get("/nowhere", headers={"X-API-Key": KEY})
    assert (answer.status_code, answer.json()["error"]) == (404, "UnknownPath")
    assert answer.json()["detail"] == "there is no /nowhere: /docs lists the routes"


def test_what_is_owned_is_all_that_can_be_changed(client: TestClient) -> None:
    changes = {
        (path, method)
        for path, operations in client.get("/openapi.json").json()["paths"].items()
        for method in operations
        if method != "get"
    }
    assert changes == {(OWNED, "put"), (OWNED, "delete")}
    for method, path, allowed in (
        ("POST", "/stocks/portfolio", "GET"),
        ("PUT", "/lab", "GET"),
        ("PATCH", OWNED, "DELETE, GET, PUT"),
        ("POST", f"/v1{OWNED}", "DELETE, GET, PUT"),
    ):
        answer = client.request(method, path, headers={"X-API-Key": KEY})
        assert (answer.status_code, answer.json()["error"]) == (405, "MethodNotAllowed")
        assert answer.headers["Allow"] == allowed


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_what_is_owned_needs_the_key_and_the_database(client: TestClient, method: str) -> None:
    body = {"positions": "NVDA:1", "cash": 1}
    assert client.request(method, OWNED, json=body).status_code == 401
    answer = client.request(method, OWNED, headers={"X-API-Key": KEY}, json=body)
    assert (answer.status_code, answer.json()["error"]) == (503, "DatabaseUnavailable")


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"positions": "NVDA", "cash": 1}, "positions: 'NVDA' is not written as positions, like"),
        ({"positions": "NVDA:1\n", "cash": 1}, "positions: "),
        ({"positions": "A:1," * 5_000 + "A:1", "cash": 1}, "positions: "),
        ({"positions": 1, "cash": 1}, "positions: "),
        ({"positions": "", "cash": -1}, "cash: "),
        ({"positions": "", "cash": 1e10}, "cash: "),
        ({"positions": "", "cash": "10"}, "cash: "),
        ({"positions": ""}, "cash: "),
        ([], ""),
    ],
)
def test_what_is_not_written_as_positions_is_not_kept(client: TestClient, body: Any, named: str) -> None:
    answer = client.put(OWNED, headers={"X-API-Key": KEY}, json=body)
    assert (answer.status_code, answer.json()["error"]) == (422, "InvalidParameter")
    assert answer.json()["detail"].startswith(named)


def test_a_form_of_another_site_cannot_keep_positions(client: TestClient) -> None:
    """What a browser sends to another site without asking it first is no JSON."""
    for media_type in ("text/plain", "application/x-www-form-urlencoded"):
        headers = {"X-API-Key": KEY, "Content-Type": media_type}
        answer = client.put(OWNED, headers=headers, content=b'{"positions": "NVDA:1", "cash": 1}')
        assert answer.status_code == 422


@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_body_larger_than_any_of_use_is_not_read(client: TestClient, is_chunked: bool) -> None:
    body = b'{"positions": "' + b"A" * LARGEST_BODY + b'"}'
    chunks = (body[begin : begin + 1000] for begin in range(0, len(body), 1000))
    headers = {"X-API-Key": KEY, "Content-Type": "application/json"}
    answer = client.put(OWNED, headers=headers, content=chunks if is_chunked else body)
    assert (answer.status_code, answer.json()["error"]) == (413, "TooLarge")


@pytest.mark.parametrize(
    "path",
    [
        "/stocks/portfolio",
        "/stocks/monthly-portfolio",
        "/stocks/SPY/latest",
        "/stocks/SPY/history",
        "/sectors/Technology/stocks",
        "/dashboard/etf-list",
        "/etf-holdings/all-holdings",
        "/evidence/head",
    ],
)
def test_database_away_is_503_in_json(client: TestClient, path: str) -> None:
    answer = client.get(path, headers={"X-API-Key": KEY})
    assert answer.status_code == 503
    assert answer.json()["error"] == "DatabaseUnavailable"
    assert answer.headers["Retry-After"] == "1"


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("/stocks/portfolio?period_days=7", "period_days"),
        ("/stocks/portfolio?period_days=x", "period_days"),
        ("/stocks/portfolio?as_of_date=21.08.2026", "as_of_date"),
        ("/stocks/monthly-portfolio?rebalance_date=x", "rebalance_date"),
        ("/stocks/S%00Y/latest", "symbol"),
        ("/stocks/SPY/history?limit=0", "limit"),
        ("/stocks/SPY/history?limit=1000000", "limit"),
        ("/stocks/SPY/history?offset=-1", "offset"),
        ("/stocks/SPY/history?from=x", "from"),
        ("/stocks/SPY/history?from=0", "from"),
        ("/stocks/SPY/history?to=20260821", "to"),
        ("/sectors/%3B/stocks", "sector"),
        ("/dashboard/top-performers?window=7d", "window"),
        ("/dashboard/etf-benchmark?sessions=0", "sessions"),
        ("/dashboard/requests?by=minute", "by"),
        ("/evidence/weights/x/20/MU", "session"),
        ("/evidence/weights/2026-08-21/7/MU", "period_days"),
        ("/evidence/weights/2026-08-21/20/M%00U", "symbol"),
        ("/evidence/weights/2026-08-21/20/MU?revision=0", "revision"),
        ("/evidence/weights/monthly/x/MU", "rebalance_date"),
        ("/evidence/answers/ABC", "digest"),
        ("/portfolios/weights?period=7", "period"),
        ("/portfolios/weights?period=x", "period"),
        ("/portfolios/weights?format=xlsx", "format"),
        ("/portfolios/record?period=7", "period"),
        ("/portfolios/record?limit=20001", "limit"),
        ("/dashboard/active-allocations?period_days=7", "period_days"),
    ],
)
def test_bad_parameter_is_422_and_named(path: str, named: str) -> None:
    with TestClient(app_on(UntouchedDatabase())) as client:
        answer = client.get(path, headers={"X-API-Key": KEY})
    assert (answer.status_code, answer.json()["error"]) == (422, "InvalidParameter")
    assert answer.json()["detail"].startswith(named + ":")


@pytest.mark.parametrize(
    ("path", "status", "error", "said"),
    [
        ("/stocks/portfolio?as_of_date=2026-08-22", 422, "NotASession", "the nearest are 2026-08-21 and 2026-08-24"),
        ("/dashboard/market-map?as_of_date=1999-01-04", 422, "NotASession", "outside"),
        ("/stocks/SPY/history?from=2026-08-21&to=2026-08-20", 422, "InvalidInput", "from=2026-08-21 is after"),
        ("/etf-holdings/top-holdings/NVDA", 404, "UnknownTicker", "NVDA is no ETF of the universe"),
        ("/etf-holdings/all-holdings?etf=NVDA", 404, "UnknownTicker", "NVDA is no ETF of the universe"),
        ("/stocks/$GSPC/latest", 422, "InvalidParameter", "'$GSPC' is not written as a ticker, like NVDA"),
        ("/sectors/%3B/stocks", 422, "InvalidParameter", "';' is not written as a sector, like Technology"),
        ("/evidence/answers/zz", 422, "InvalidParameter", "'zz' is not written as a digest of 64 hexadecimal digits"),
    ],
)
def test_what_needs_no_database_to_be_refused(path: str, status: int, error: str, said: str) -> None:
    with TestClient(app_on(UntouchedDatabase())) as client:
        answer = client.get(path, headers={"X-API-Key": KEY})
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert said in answer.json()["detail"]
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("ticker", ["M&M.NS", "J&KBANK.NS", "BRK-B", "005930.KS", "KRW=X", "^GSPC", "A_B.NS"])
def test_what_a_fund_lists_can_be_asked_for_and_owned(ticker: str) -> None:
    assert re.fullmatch(TICKER, ticker)
    assert re.search(deps.SYMBOL, ticker) and re.search(POSITIONS, f"{ticker}:1,NVDA:2.5:USD")


def test_every_pattern_has_words(client: TestClient) -> None:
    """A reader is told what a parameter looks like, and no regular expression."""
    parameters = [
        parameter["schema"]
        for path in client.get("/openapi.json").json()["paths"].values()
        for operation in path.values()
        for parameter in operation.get("parameters", ())
    ]
    simple = [each for schema in parameters for each in (schema, *schema.get("anyOf", ()))]
    patterns = {each["pattern"] for each in simple if "pattern" in each}
    assert patterns
    assert patterns <= deps.WRITTEN.keys()


def test_a_refusal_of_a_large_universe_names_only_those_spelt_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    large = replace(universe(), benchmarks={f"F{number:03}": "a fund" for number in range(500)} | {"QQQ": "Nasdaq 100"})
    monkeypatch.setattr(deps, "universe", lambda: large)

    with pytest.raises(UnknownTicker, match=r"QQQM is no ETF of the universe: there are 510; spelt like it are QQQ$"):
        deps.known_etf("QQQM")


def test_health_names_what_is_away(client: TestClient) -> None:
    answer = client.get("/health")
    assert answer.status_code == 503
    assert answer.json()["status"] == "degraded"
    assert {each["name"]: each["status"] for each in answer.json()["dependencies"]} == {
        "database": "away",
        "kafka": "away",
        "spark-master": "away",
    }
    assert all(each["detail"] for each in answer.json()["dependencies"])


def test_unexpected_error_shows_no_stack_trace(app: Api) -> None:
    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError("a secret of the code")

    with TestClient(app, raise_server_exceptions=False) as client:
        answer = client.get("/broken", headers={"X-API-Key": KEY})
    assert answer.status_code == 500
    assert answer.json()["error"] == "InternalError"
    assert "secret" not in answer.text and "Traceback" not in answer.text


def test_document_lists_key_tags_and_error_answers(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    assert document["components"]["securitySchemes"]["ApiKey"]["name"] == "X-API-Key"
    for path in set(document["paths"]) - auth.OPEN_PATHS:
        operation = document["paths"][path]["get"]
        assert operation["security"] == [{"ApiKey": []}], path
        assert {"200", "304", "401", "503"} <= set(operation["responses"]), path
        assert operation["responses"]["200"]["headers"]["ETag"]["required"], path
        asked = [parameter["name"] for parameter in operation["parameters"]]
        assert asked[-1] == "If-None-Match", path
        # 422 exactly where there is a parameter that can be wrong.
        assert ("422" in operation["responses"]) == (len(asked) > 1), path
    assert document["paths"]["/stocks/portfolio"]["get"]["parameters"][0]["schema"]["enum"] == [5, 10, 20]
    assert "HTTPValidationError" not in str(document)


SPECIFIED = {
    "/stocks": {"portfolio", "monthly-portfolio", "{symbol}/latest", "{symbol}/history"},
    "/sectors": {"{sector}/stocks", "{sector}/history"},
    "/dashboard": {
        "etf-holdings",
        "spy-benchmark",
        "etf-benchmark",
        "active-allocations",
        "sector-trending",
        "monthly-performance",
        "top-performers",
        "top-performers-by-sector",
        "trending-etf-top-holdings",
        "etf-list",
    },
    "/etf-holdings": {"top-holdings/{etf}", "all-holdings", "summary", "comparison/{holding}"},
}


def test_every_route_that_was_promised_is_there(client: TestClient) -> None:
    promised = {f"{prefix}/{route}" for prefix, routes in SPECIFIED.items() for route in routes}
    assert promised | {"/sectors"} <= set(client.get("/openapi.json").json()["paths"])


def test_lists_that_grow_are_paged(client: TestClient) -> None:
    """A route with a limit says how long the whole list is and where it goes on."""
    document = client.get("/openapi.json").json()
    paged = 0
    for path, operations in document["paths"].items():
        if "limit" in [parameter["name"] for parameter in operations["get"].get("parameters", [])]:
            answer = operations["get"]["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
            fields = document["components"]["schemas"][answer.rpartition("/")[2]]["properties"]
            assert {"total", "limit", "offset", "next"} <= set(fields), path
            paged += 1
    assert paged > 10


def test_no_key_no_app() -> None:
    settings = Settings.from_env({})
    with pytest.raises(ConfigError, match="API_KEY"):
        create_app(settings)
    assert create_app(replace(settings, api_key="x"))


def test_server_without_key_stops_with_one_line() -> None:
    environ = {**os.environ, "PYTHONPATH": str(PROJECT_ROOT)}
    environ.pop("API_KEY", None)
    done = subprocess.run(
        [sys.executable, "-m", "uvicorn", "api.main:app", "--port", "1"],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert done.stderr.strip() == "API_KEY is not set: the API does not start without a key"
