"""The dashboard in a real browser, on the real API and a real Postgres."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver

from config.config import PROJECT_ROOT, DatabaseSettings
from dashboard.texts import ENGLISH

KEY = "a-key-for-tests"
PATIENCE_SECONDS = 60.0
BROWSER_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1440,1000",
]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


class Server:
    """A process of the platform that can be stopped and started again on its port."""

    def __init__(self, command: list[str], port: int, environ: dict[str, str]) -> None:
        self._command = [sys.executable, "-m", *command]
        self._environ = {**os.environ, "PYTHONPATH": str(PROJECT_ROOT), "API_KEY": KEY, **environ}
        self._process: subprocess.Popen[bytes] | None = None
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, env=self._environ, cwd=PROJECT_ROOT)
        until(self._listens, f"{self._command} listens on {self.port}")

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait(10)

    def _listens(self) -> bool:
        assert self._process is not None and self._process.poll() is None, f"{self._command} ended"
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {PATIENCE_SECONDS:g} s: {what}")
        time.sleep(0.1)


def api_server(database: DatabaseSettings) -> Server:
    port = free_port()
    environ = {
        "DB_HOST": database.host,
        "DB_PORT": str(database.port),
        "DB_NAME": database.name,
        "DB_USER": database.user,
        "DB_PASSWORD": database.password,
    }
    return Server(["uvicorn", "api.main:app", "--port", str(port), "--log-level", "warning"], port, environ)


def dashboard_server(api_url: str) -> Server:
    port = free_port()
    environ = {"API_URL": api_url, "DASHBOARD_HOST": "127.0.0.1", "DASHBOARD_PORT": str(port)}
    return Server(["dashboard.dashboard_finviz_app"], port, environ)


@pytest.fixture(scope="module")
def api(sample_database: DatabaseSettings) -> Iterator[Server]:
    server = api_server(sample_database)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def dashboard(api: Server) -> Iterator[Server]:
    server = dashboard_server(api.url)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebDriver]:
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("needs a browser: apt-get install chromium chromium-driver")
    options = Options()
    options.binary_location = chromium
    profile: Path = tmp_path_factory.mktemp("browser")
    for flag in [*BROWSER_FLAGS, f"--user-data-dir={profile}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    opened = webdriver.Chrome(options=options, service=Service(driver))
    yield opened
    opened.quit()


class Page:
    """What a reader sees and does."""

    def __init__(self, browser: WebDriver) -> None:
        self._browser = browser

    def open(self, url: str) -> None:
        self._browser.get(url)

    def click(self, link: str) -> None:
        self._browser.find_element(By.LINK_TEXT, link).click()

    def back(self) -> None:
        self._browser.back()

    def shows(self, text: str) -> None:
        until(lambda: text in self.text, f"the page shows {text!r}")

    @property
    def text(self) -> str:
        # A view that is being replaced is read again.
        with suppress(WebDriverException):
            return self._browser.find_element(By.TAG_NAME, "body").text
        return ""

    @property
    def address(self) -> str:
        return self._browser.current_url

    @property
    def selected_period(self) -> str:
        return self._browser.find_element(By.CSS_SELECTOR, ".periods .selected").text

    def cells(self) -> list[list[str]]:
        """The table, row by row."""
        script = (
            "return [...document.querySelectorAll('#positions tbody tr')]"
            ".map(row => [...row.cells].map(cell => cell.innerText.trim()))"
        )
        rows: list[list[str]] = self._browser.execute_script(script)
        return rows

    def bars(self) -> list[tuple[str, str]]:
        """The chart's bars as drawn, from the top: name and label."""
        script = (
            "const top = each => each.getBoundingClientRect().top;"
            "const texts = path => [...document.querySelectorAll('#weights ' + path)]"
            ".sort((one, other) => top(one) - top(other)).map(each => each.textContent.trim());"
            "return [texts('.ytick text'), texts('.bartext')]"
        )
        names, labels = self._browser.execute_script(script)
        return list(zip(names, labels, strict=True))

    def console(self) -> list[str]:
        return [each["message"] for each in self._browser.get_log("browser")]

    def hosts(self) -> set[str]:
        """Where everything on the page came from."""
        script = "return performance.getEntriesByType('resource').map(each => new URL(each.name).host)"
        return set(self._browser.execute_script(script))

    def width_overflow(self) -> int:
        overflow: int = self._browser.execute_script(
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        return overflow

    def resize(self, width: int, height: int) -> None:
        self._browser.set_window_size(width, height)


@pytest.fixture
def page(browser: WebDriver, dashboard: Server) -> Page:
    return Page(browser)


def answer_of(api: Server, path: str) -> dict[str, Any]:
    request = urllib.request.Request(api.url + path, headers={"X-API-Key": KEY})
    with urllib.request.urlopen(request, timeout=5) as answer:
        said: dict[str, Any] = json.load(answer)
        return said


def portfolio_of(api: Server, query: str) -> dict[str, Any]:
    return answer_of(api, f"/stocks/portfolio?{query}")


def test_first_view_is_the_portfolio_as_the_api_gives_it(page: Page, dashboard: Server, api: Server) -> None:
    page.open(dashboard.url)
    page.shows("Newmont Corporation")
    published = portfolio_of(api, "period_days=20")
    assert [(row[1], row[4], row[5]) for row in page.cells()] == [
        (each["ticker"], f"{each['portfolio_weight']:.2%}", f"{each['period_return']:+.2%}")
        for each in published["positions"]
    ]
    weights = [(each["ticker"], f"{each['portfolio_weight']:.2%}") for each in published["positions"]]
    until(lambda: page.bars() == [*weights, ("Cash", "5.00%")], "the bars of the chart are the weights")
    assert "Fri 21 Aug 2026" in page.text and page.selected_period == "20d"
    assert ENGLISH.source_banners["simulated"] in page.text


def test_a_degraded_publication_has_a_banner(page: Page, dashboard: Server) -> None:
    page.open(f"{dashboard.url}/?period=20&as_of=2026-08-20")
    page.shows(ENGLISH.degraded.format(reason="XLB has no bar of 2026-08-13 (missing at the source)"))


def test_period_selector_changes_view_and_address(page: Page, dashboard: Server) -> None:
    page.open(dashboard.url)
    page.shows("Newmont Corporation")
    page.click("10d")
    page.shows("Seen with hindsight: the ETF holdings are those of Fri 28 Aug 2026")
    assert page.address.endswith("?period=10") and page.selected_period == "10d"
    assert [row[1] for row in page.cells()] == ["NEM", "MU", "GS"]
    page.click("5d")
    page.shows(ENGLISH.empty_title)
    assert "No ETF beat SPY with a positive return over 5 sessions" in page.text
    assert ENGLISH.source_banners["simulated"] in page.text
    page.back()
    page.shows("Seen with hindsight")
    assert page.selected_period == "10d"


def test_the_month_is_the_merged_portfolio_as_the_api_gives_it(page: Page, dashboard: Server, api: Server) -> None:
    page.open(dashboard.url)
    page.shows("Newmont Corporation")
    page.click("month")
    page.shows("Sun 26 Jul 2026")
    assert page.address.endswith("?period=monthly") and page.selected_period == "month"
    month = answer_of(api, "/stocks/monthly-portfolio")
    assert [(row[0], row[1], row[4], row[6]) for row in page.cells()] == [
        (str(each["final_rank"]), each["ticker"], f"{each['final_weight']:.2%}", f"{each['score']:.1f}")
        for each in month["positions"]
    ]
    assert "WELL" in page.text, "what is no longer in it"


def test_address_can_be_shared(page: Page, dashboard: Server) -> None:
    page.open(f"{dashboard.url}/?period=20&as_of=2026-08-20")
    page.shows("Thu 20 Aug 2026")
    assert [row[1] for row in page.cells()] == ["GS", "NVDA"]


@pytest.mark.parametrize(
    ("search", "title", "detail"),
    [
        ("?period=20&as_of=2026-08-19", ENGLISH.not_published_title, "portfolio of 2026-08-19 is published: run"),
        ("?period=20&as_of=2026-08-22", ENGLISH.bad_address_title, "the nearest are 2026-08-21 and 2026-08-24"),
        ("?period=7", ENGLISH.bad_address_title, "choose one of 5, 10, 20, monthly"),
        ("?as_of=yesterday", ENGLISH.bad_address_title, "YYYY-MM-DD"),
    ],
)
def test_addresses_without_a_portfolio_lead_back(
    page: Page, dashboard: Server, search: str, title: str, detail: str
) -> None:
    page.open(f"{dashboard.url}/{search}")
    page.shows(title)
    assert detail in page.text
    page.click(ENGLISH.show_newest)
    page.shows("Newmont Corporation")


def test_nothing_comes_from_elsewhere_and_the_console_is_quiet(page: Page, dashboard: Server) -> None:
    page.console()
    page.open(dashboard.url)
    page.shows("Newmont Corporation")
    until(lambda: len(page.bars()) == 9, "the chart is drawn")
    assert page.hosts() == {f"127.0.0.1:{dashboard.port}"}
    assert page.console() == []


@pytest.mark.parametrize("width", [1440, 1100, 500])
def test_page_fits_its_window(page: Page, dashboard: Server, width: int) -> None:
    page.resize(width, 1000)
    try:
        page.open(dashboard.url)
        page.shows("Newmont Corporation")
        until(lambda: len(page.bars()) == 9, "the chart is drawn")
        assert page.width_overflow() == 0
    finally:
        page.resize(1440, 1000)


def test_api_away_says_what_to_do_and_recovers(page: Page, dashboard: Server, api: Server) -> None:
    api.stop()
    try:
        page.open(f"{dashboard.url}/?period=20")
        page.shows(ENGLISH.away_title)
        assert f"{api.url} does not answer" in page.text and "./start.sh status" in page.text
    finally:
        api.start()
    page.click(ENGLISH.try_again)
    page.shows("Newmont Corporation")


def test_slow_api_shows_that_it_loads(page: Page, dashboard: Server) -> None:
    """An API that takes the question and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        waiting = dashboard_server(f"http://127.0.0.1:{mute.getsockname()[1]}")
        waiting.start()
        try:
            page.open(waiting.url)
            page.shows(ENGLISH.loading)
            page.shows(ENGLISH.away_title)
        finally:
            waiting.stop()


def test_database_without_tables_says_what_to_run(
    page: Page, sample_database: DatabaseSettings, dashboard: Server
) -> None:
    """Tables that nobody has written to yet: the "postgres" database has not even those."""
    no_tables = api_server(DatabaseSettings(**{**vars(sample_database), "name": "postgres"}))
    no_tables.start()
    lost = dashboard_server(no_tables.url)
    lost.start()
    try:
        page.open(lost.url)
        page.shows(ENGLISH.away_title)
        assert "python -m database.migrate" in page.text
    finally:
        lost.stop()
        no_tables.stop()
