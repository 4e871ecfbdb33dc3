"""The API on a real Postgres: what it answers, when it notices a publication, and an outage."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from typing import Any

import psycopg2
import pytest
from fastapi.testclient import TestClient

from api.main import create_app
from api.pool import ReaderPool
from config.config import DatabaseSettings, Settings
from database.db_helper import connect, transaction

KEY = "a-key-for-tests"
SETTINGS = Settings.from_env({"API_KEY": KEY})
NOTICED_WITHIN_SECONDS = 1.5
AWAY_WITHIN_SECONDS = 3.0


def api_on(database: DatabaseSettings) -> TestClient:
    return TestClient(create_app(replace(SETTINGS, database=database)), headers={"X-API-Key": KEY})


def execute(database: DatabaseSettings, statements: str) -> None:
    with closing(connect(database)) as conn, transaction(conn), conn.cursor() as cursor:
        cursor.execute(statements)


def wait_until(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not so within {seconds} s"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def api(sample_database: DatabaseSettings) -> Iterator[TestClient]:
    with api_on(sample_database) as client:
        yield client


# ── portfolios ───────────────────────────────────────────────────────────────


def test_portfolio_is_the_newest_publication(api: TestClient) -> None:
    portfolio = api.get("/stocks/portfolio").json()
    assert (portfolio["as_of_date"], portfolio["period_days"], portfolio["status"]) == ("2026-08-21", 20, "published")
    assert (portfolio["source"], portfolio["published_at"]) == ("simulated", "2026-08-24T13:03:00Z")
    assert [each["position_rank"] for each in portfolio["positions"]] == list(range(1, 9))
    assert sum(each["portfolio_weight"] for each in portfolio["positions"]) + portfolio["cash_weight"] == pytest.approx(
        1
    )
    assert portfolio["holdings_known_later"] is False
    first = portfolio["positions"][0]
    assert (first["ticker"], first["source_etfs"], first["period_return"]) == ("NEM", ["XLB"], 0.117)
    assert first["score"] == first["period_return"] / first["market_cap"]


def test_portfolio_of_a_session(api: TestClient) -> None:
    portfolio = api.get("/stocks/portfolio?period_days=20&as_of_date=2026-08-20").json()
    assert portfolio["as_of_date"] == "2026-08-20"
    assert [each["ticker"] for each in portfolio["positions"]] == ["GS", "NVDA"]
    assert portfolio["positions"][0]["source_etfs"] == ["XLF", "DIA"]


def test_later_holdings_are_said(api: TestClient) -> None:
    portfolio = api.get("/stocks/portfolio?period_days=10").json()
    assert (portfolio["holdings_as_of"], portfolio["holdings_known_later"]) == ("2026-08-28", True)


def test_a_degraded_publication_says_what_was_missing(api: TestClient) -> None:
    degraded, whole = (api.get(f"/stocks/portfolio?as_of_date=2026-08-{day}").json() for day in (20, 21))
    assert degraded["degraded_reason"] == "XLB has no bar of 2026-08-13 (missing at the source)"
    assert whole["degraded_reason"] is None
    assert {each["degraded_reason"] for each in api.get("/health").json()["publications"]} == {None}


def test_empty_publication_is_an_answer(api: TestClient) -> None:
    answer = api.get("/stocks/portfolio?period_days=5")
    assert answer.status_code == 200
    assert answer.json()["status"] == "empty"
    assert answer.json()["positions"] == []
    assert answer.json()["reason"].startswith("No ETF beat SPY")
    assert answer.json()["cash_weight"] == 1


@pytest.mark.parametrize(
    ("query", "status", "error", "said"),
    [
        ("as_of_date=2026-08-19", 404, "NotPublished", "2026-08-19"),
        ("as_of_date=2026-08-22", 422, "NotASession", "the nearest are 2026-08-21 and 2026-08-24"),
        ("as_of_date=2026-07-03", 422, "NotASession", "not a XNYS session"),
        ("as_of_date=1901-01-01", 422, "NotASession", "outside"),
        ("period_days=7", 422, "InvalidParameter", "5, 10, 20"),
    ],
)
def test_no_such_portfolio(api: TestClient, query: str, status: int, error: str, said: str) -> None:
    answer = api.get(f"/stocks/portfolio?{query}")
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert said in answer.json()["detail"]


def test_monthly_portfolio_before_and_after_the_first_rebalance(
    sample_database: DatabaseSettings, api: TestClient
) -> None:
    empty = api.get("/stocks/monthly-portfolio")
    assert (empty.status_code, empty.json()["status"], empty.json()["positions"]) == (200, "empty", [])
    assert empty.json()["reason"]
    execute(
        sample_database,
        """
        INSERT INTO analytics_monthly_portfolio (rebalance_date, ticker, valid_until, final_rank, final_weight, score,
            source_periods, as_of_date, company_name, sector, source)
        VALUES ('2026-08-30', 'NEM', '2026-09-28', 1, 0.6, 3, '{5,10,20}', '2026-08-28', 'Newmont', 'X', 'simulated'),
            ('2026-08-30', 'MU', '2026-09-28', 20, 0.4, 2, '{5,10}', '2026-08-28', 'Micron', 'X', 'simulated')
        """,
    )
    try:
        monthly = api.get("/stocks/monthly-portfolio").json()
        assert (monthly["rebalance_date"], monthly["valid_until"], monthly["source"]) == (
            "2026-08-30",
            "2026-09-28",
            "simulated",
        )
        assert [(each["final_rank"], each["ticker"], each["source_periods"]) for each in monthly["positions"]] == [
            (1, "NEM", [5, 10, 20]),
            (20, "MU", [5, 10]),
        ]
        assert api.get("/stocks/monthly-portfolio?rebalance_date=2026-08-30").json() == monthly
        assert api.get("/stocks/monthly-portfolio?rebalance_date=2026-07-26").status_code == 404
    finally:
        execute(sample_database, "TRUNCATE analytics_monthly_portfolio")


# ── bars ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("symbol", "quote_type", "currency", "close"),
    [
        ("NVDA", "EQUITY", "USD", 182.4),
        ("nvda", "EQUITY", "USD", 182.4),
        ("QQQ", "ETF", "USD", 191.85),
        ("000660.KS", "EQUITY", "KRW", 268000),
        ("KRW=X", "CURRENCY", "KRW", 1411),
    ],
)
def test_latest_bar_of_any_symbol(api: TestClient, symbol: str, quote_type: str, currency: str, close: float) -> None:
    bar = api.get(f"/stocks/{symbol}/latest").json()
    assert (bar["ticker"], bar["trade_date"]) == (symbol.upper(), "2026-08-21")
    assert (bar["quote_type"], bar["currency"], bar["close_price"]) == (quote_type, currency, close)
    assert bar["source"] == "simulated"


def days_of(answer: Any) -> list[str]:
    return [bar["trade_date"] for bar in answer.json()["bars"]]


def test_history_is_cut_by_days_and_by_number(api: TestClient) -> None:
    assert len(days_of(api.get("/stocks/SPY/history"))) == 31
    assert days_of(api.get("/stocks/SPY/history?limit=2")) == ["2026-08-20", "2026-08-21"]
    assert days_of(api.get("/stocks/MU/history?from=2026-08-03&to=2026-08-04")) == ["2026-08-03", "2026-08-04"]
    assert days_of(api.get("/stocks/MU/history?to=2026-08-04&limit=1")) == ["2026-08-04"]
    assert days_of(api.get("/stocks/MU/history?from=2030-01-01")) == []
    assert api.get("/stocks/MU/history?from=2026-08-04&to=2026-08-03").status_code == 422


@pytest.mark.parametrize("path", ["/stocks/ZZZZ/latest", "/stocks/ZZZZ/history"])
def test_unknown_symbol_is_404(api: TestClient, path: str) -> None:
    answer = api.get(path)
    assert (answer.status_code, answer.json()["error"]) == (404, "UnknownTicker")
    assert "ZZZZ" in answer.json()["detail"]


def test_etf_list_tells_what_trends(api: TestClient) -> None:
    listed = api.get("/dashboard/etf-list").json()
    etfs = {each["ticker"]: each for each in listed["etfs"]}
    assert (len(etfs), listed["as_of_date"], listed["degraded_reason"]) == (15, "2026-08-21", None)
    assert etfs["QQQ"]["etf_type"] == "benchmark+sector"
    assert etfs["QQQ"]["close_price"] == 191.85
    assert etfs["XLB"]["return_20d"] == pytest.approx(0.021) and etfs["XLB"]["is_trending_20d"] is True
    assert etfs["SPY"]["return_20d"] is None and etfs["SPY"]["is_trending_20d"] is False


# ── keeping answers ──────────────────────────────────────────────────────────


REPUBLISH = """
    DELETE FROM analytics_portfolio_allocation WHERE as_of_date = '2026-08-20' AND period_days = 20;
    DELETE FROM analytics_publication WHERE job = 'allocation' AND as_of_date = '2026-08-20' AND period_days = 20;
    INSERT INTO analytics_publication
        (job, as_of_date, period_days, status, reason, row_count, cash_weight, source, published_at)
    VALUES ('allocation', '2026-08-20', 20, 'empty', '{reason}', 0, 1, 'simulated', '2026-08-21 13:03+00')
"""


def test_publishing_again_is_noticed_within_a_second(sample_database: DatabaseSettings, api: TestClient) -> None:
    """Even one that keeps its time of publication."""

    def reason() -> str | None:
        answer: str | None = api.get("/stocks/portfolio?as_of_date=2026-08-20").json()["reason"]
        return answer

    assert reason() is None
    for text in ("first", "second"):
        execute(sample_database, REPUBLISH.format(reason=text))
        wait_until(lambda text=text: reason() == text, NOTICED_WITHIN_SECONDS)


def test_first_publication_is_noticed(scratch_database: DatabaseSettings, api: TestClient) -> None:
    path = "/stocks/portfolio?as_of_date=2026-08-18"
    assert api.get(path).status_code == 404
    execute(scratch_database, REPUBLISH.replace("2026-08-20", "2026-08-18").format(reason="now"))
    assert api.get(path).status_code == 200, "a missing publication is asked for every time"


def test_parallel_requests_share_the_pool(api: TestClient) -> None:
    """More requests at once than the pool has connections: they wait for one, none fails."""
    with ThreadPoolExecutor(30) as pool:
        answers = list(pool.map(lambda _: api.get("/stocks/SPY/history").status_code, range(120)))
    assert set(answers) == {200}


# ── health and outages ───────────────────────────────────────────────────────


class Cut:
    """A TCP road to Postgres that can be closed: what is on it is cut off, what comes later is refused."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._open: list[socket.socket] = []
        self._listener: socket.socket | None = None
        self.port = 0
        self.restore()

    def restore(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        # shutdown wakes the thread that waits in accept; close alone leaves the port listening.
        assert self._listener is not None
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._open.clear()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(self._target)
                self._open += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    @staticmethod
    def _carry(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)


def test_database_outage_is_503_and_passes(sample_database: DatabaseSettings) -> None:
    road = Cut(sample_database.host, sample_database.port)
    paths = [
        "/stocks/portfolio",
        "/stocks/SPY/latest",
        "/stocks/SPY/history",
        "/stocks/monthly-portfolio",
        "/dashboard/etf-list",
    ]
    with api_on(replace(sample_database, host="127.0.0.1", port=road.port)) as api:
        assert {api.get(path).status_code for path in paths} == {200}
        road.cut()
        wait_until(lambda: {api.get(path).status_code for path in paths} == {503}, AWAY_WITHIN_SECONDS)
        for path in paths:
            answer = api.get(path).json()
            assert answer["error"] == "DatabaseUnavailable" and "Traceback" not in answer["detail"]
        assert dependency(api, "database")["status"] == "away"
        road.restore()
        wait_until(lambda: {api.get(path).status_code for path in paths} == {200}, AWAY_WITHIN_SECONDS)
    road.cut()


def test_api_starts_without_its_database(sample_database: DatabaseSettings) -> None:
    road = Cut(sample_database.host, sample_database.port)
    road.cut()
    with api_on(replace(sample_database, host="127.0.0.1", port=road.port)) as api:
        assert api.get("/stocks/portfolio").status_code == 503
        road.restore()
        wait_until(lambda: api.get("/stocks/portfolio").status_code == 200, AWAY_WITHIN_SECONDS)
    road.cut()


def test_missing_tables_say_what_to_run(sample_database: DatabaseSettings) -> None:
    with api_on(replace(sample_database, name="postgres")) as api:
        answer = api.get("/stocks/SPY/latest")
        assert answer.status_code == 503
        assert "python -m database.migrate" in answer.json()["detail"]


def dependency(api: TestClient, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in api.get("/health").json()["dependencies"] if each["name"] == name)
    return found


def test_health_is_503_when_one_is_away_and_200_when_none_is(sample_database: DatabaseSettings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as kafka, socket.create_server(("127.0.0.1", 0)) as master:
        settings = replace(
            SETTINGS,
            database=sample_database,
            kafka=replace(SETTINGS.kafka, bootstrap_servers=f"127.0.0.1:{kafka.getsockname()[1]}"),
            spark=replace(SETTINGS.spark, master_url=f"spark://127.0.0.1:{master.getsockname()[1]}"),
        )
        with TestClient(create_app(settings)) as api:
            health = api.get("/health")
            assert (health.status_code, health.json()["status"]) == (200, "ok")
            assert all(each["latency_ms"] >= 0 for each in health.json()["dependencies"])
            jobs = {(each["job"], each["period_days"]): each for each in health.json()["publications"]}
            assert set(jobs) == {("trending", 0), ("allocation", 5), ("allocation", 10), ("allocation", 20)}
            assert jobs["allocation", 20]["as_of_date"] == "2026-08-21"
            kafka.close()
            assert api.get("/health").status_code == 503
            assert dependency(api, "kafka")["status"] == "away"
            assert dependency(api, "database")["status"] == "ok"


def test_the_apis_connections_can_only_read(sample_database: DatabaseSettings) -> None:
    pool = ReaderPool(sample_database)
    try:
        with pool.connection() as conn, pytest.raises(psycopg2.errors.ReadOnlySqlTransaction), conn.cursor() as cursor:
            cursor.execute("DELETE FROM collected_meta_etf")
    finally:
        pool.close()
