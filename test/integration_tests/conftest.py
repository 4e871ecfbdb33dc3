"""Fixtures of the integration tests: scratch databases on the server that DB_* names, and producers' stand-ins."""

import hashlib
import os
import socket
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from selenium.webdriver.remote.webdriver import WebDriver

from batch.revisions import adopt
from browsing import Page, Server, api_server, dashboard_server, running
from collector import collection
from config.config import DatabaseSettings, Settings, Topic
from consumer import kafka_consumer_etf_holdings, replay_errors
from consumer.storing import Store, upsert_by
from database import tables
from database.db_helper import connect, transaction
from database.migrate import apply_schema
from database.roles import READ
from lab.publishing import publish
from lab_reports import lab_report
from ops.errors import CannotInstall
from ops.looking.browser import chromium
from ops.replay.market_client import authorization
from sample_api import SOURCE_ANSWER
from scratch_databases import a_database, logged_in_as
from utils.kafka_utils import Offsets
from utils.messages import EtfDailyBar, HoldingsSnapshot, StockDailyBar

UNTIL = date(2026, 8, 21)
MARKET_TOKEN = "a token for tests"
# What of the sample has evidence.
PUBLISHED = {
    "trending": [date(2026, 8, 20), UNTIL],
    "allocation": [date(2026, 8, 20), UNTIL],
    "rebalance": [date(2026, 6, 28), date(2026, 7, 26)],
}
SAMPLE = Path(__file__).with_name("sample_publications.sql")
# One worker runs a whole file: the longest ones begin first, so that none is left over in the end.
LONGEST_FILES = (
    "test_unpleasant_days.py",
    "test_history.py",
    "test_history_digests.py",
    "test_spark_history.py",
    "test_stale.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name not in LONGEST_FILES)


@pytest.fixture(scope="module")
def scratch_database() -> Iterator[DatabaseSettings]:
    """Create an empty database with the schema and drop it afterwards. The platform's tables stay untouched."""
    with _scratch_database() as scratch:
        yield scratch


@pytest.fixture(scope="module")
def empty_database() -> Iterator[DatabaseSettings]:
    """Create a second empty database, for modules that fill the first."""
    with _scratch_database() as scratch:
        yield scratch


@contextmanager
def _scratch_database() -> Iterator[DatabaseSettings]:
    with a_database() as scratch:
        with closing(connect(scratch)) as conn:
            apply_schema(conn)
        yield scratch


@pytest.fixture(scope="module")
def sample_database(scratch_database: DatabaseSettings) -> DatabaseSettings:
    """Fill a scratch database with the publications of two sessions (sample_publications.sql), and their evidence."""
    with closing(connect(scratch_database)) as conn, transaction(conn), conn.cursor() as cursor:
        cursor.execute(SAMPLE.read_text(encoding="utf-8"))
        for job, days in PUBLISHED.items():
            adopt(conn, job, days)
        cursor.execute(
            "INSERT INTO evidence_source_answer (digest, body) VALUES (%s, %s)",
            (hashlib.sha256(SOURCE_ANSWER).digest(), zlib.compress(SOURCE_ANSWER)),
        )
    with closing(connect(scratch_database)) as conn:
        publish(conn, PUBLISHED["trending"][0], lab_report())
    return scratch_database


@pytest.fixture(scope="module")
def reader_of_sample(sample_database: DatabaseSettings) -> Iterator[DatabaseSettings]:
    """Return the sample database with the API's login."""
    with logged_in_as(READ, sample_database) as reader:
        yield reader


@pytest.fixture(scope="module")
def api(sample_database: DatabaseSettings) -> Iterator[Server]:
    """Run the API on the sample database. A test may stop and start it."""
    server = api_server(sample_database)
    with running(server):
        yield server


@pytest.fixture(scope="module")
def dashboard(api: Server) -> Iterator[Server]:
    server = dashboard_server(api.url)
    with running(server):
        yield server


@pytest.fixture(scope="session")
def browser() -> Iterator[WebDriver]:
    try:
        with chromium() as driver:
            yield driver
    except CannotInstall as error:
        pytest.skip(str(error))


@pytest.fixture
def page_at(browser: WebDriver, tmp_path: Path) -> Iterator[Callable[[Server], Page]]:
    """Make a page of a dashboard. A complaint in the browser's console fails the test that caused it."""
    opened: list[Page] = []

    def page_at(server: Server) -> Page:
        opened.append(Page(browser, server.url, tmp_path))
        return opened[-1]

    yield page_at
    assert [error for page in opened for error in page.console_errors()] == []


@pytest.fixture
def page(page_at: Callable[[Server], Page], dashboard: Server) -> Page:
    """Make a page of the dashboard on the sample database, in English and dark, on a desktop's screen."""
    return page_at(dashboard)


@dataclass
class Received:
    topic: str
    value: bytes | None
    key: bytes | None
    offset: int = 0
    partition: int = 0
    timestamp: int = field(default_factory=lambda: time.time_ns() // 1_000_000)


@dataclass
class DirectPublisher:
    """Hands every message straight to the consumers' store."""

    stores: dict[Topic, Store[Any]]
    sent: list[Received] = field(default_factory=list)
    topic_ids: dict[str, str] = field(default_factory=dict)

    def send_raw(self, topic: str, key: bytes, value: bytes) -> None:
        self.sent.append(Received(topic, value, key, offset=len(self.sent)))

    def wait(self) -> dict[str, Offsets]:
        for topic, store in self.stores.items():
            store([record for record in self.sent if record.topic == topic])
        self.sent.clear()
        return {}


@pytest.fixture(scope="module")
def market_options() -> tuple[str, ...]:
    """Return more options of the market server, for modules that want another market."""
    return ()


@pytest.fixture(scope="module")
def market(market_options: tuple[str, ...]) -> Iterator[httpx.Client]:
    """Run a market server and return a client of its control endpoints."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "market.server", "--port", str(port), "--until", str(UNTIL), *market_options]
    environ = os.environ | {"MARKET_TOKEN": MARKET_TOKEN}
    server = subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=authorization(MARKET_TOKEN), timeout=10) as client:
        try:
            _await_health(client, server)
            yield client
        finally:
            server.terminate()
            server.wait(10)


def _await_health(client: httpx.Client, server: "subprocess.Popen[bytes]") -> None:
    for _ in range(300):
        assert server.poll() is None, "the market server ended"
        try:
            if client.get("/health").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise AssertionError("the market server did not start within a minute")


@pytest.fixture
def settings(
    scratch_database: DatabaseSettings, market: httpx.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Settings]:
    """Return a producer's settings. It asks the market server, and its messages are stored before it returns."""
    defaults = Settings.from_env({})
    stores: dict[Topic, Store[Any]] = {
        Topic.ETF_DAILY: Store(scratch_database, EtfDailyBar, upsert_by(tables.DAILY_ETF_OHLC, "answer_digest")),
        Topic.STOCK_DAILY: Store(
            scratch_database, StockDailyBar, upsert_by(tables.DAILY_STOCK_HISTORY, "answer_digest", "quote_digest")
        ),
        Topic.ETF_HOLDINGS: Store(scratch_database, HoldingsSnapshot, kafka_consumer_etf_holdings.write),
    }

    @contextmanager
    def direct(_: object) -> Iterator[DirectPublisher]:
        yield DirectPublisher(stores)

    for module in (collection, replay_errors):
        monkeypatch.setattr(module, "publisher", direct)
    yahoo = replace(
        defaults.yahoo,
        base_url=str(market.base_url),
        pace_seconds=0.0,
        cooldown_seconds=0.0,
        timeout_seconds=5.0,
        cache_dir=tmp_path / "yahoo",
    )
    yield replace(defaults, database=scratch_database, yahoo=yahoo)
    market.delete("/control/faults").raise_for_status()
    market.put("/control/clock", json={"at": str(UNTIL)}).raise_for_status()
    with closing(connect(scratch_database)) as conn, transaction(conn), conn.cursor() as cursor:
        cursor.execute(
            "TRUNCATE collected_daily_etf_ohlc, collected_daily_stock_history, collected_etf_holdings, "
            "collected_meta_etf, collected_monthly_benchmark_holdings, "
            "logs_yahoo_request, logs_consumer_error, logs_expected_bar, logs_restatement, logs_missing_holdings, "
            "logs_price_break, analytics_trending_etfs, analytics_portfolio_allocation, "
            "analytics_allocation_candidates, analytics_monthly_portfolio, analytics_publication"
        )


@pytest.fixture
def fault(market: httpx.Client) -> Callable[..., None]:
    """Return a function that sets one fault of the market server."""

    def add(**values: Any) -> None:
        market.post("/control/faults", json=values).raise_for_status()

    return add
