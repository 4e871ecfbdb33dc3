"""The dashboard as its readers meet it: its own processes, and a page in a real browser."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver

from config.config import PROJECT_ROOT, DatabaseSettings
from ops.looking import browser
from ops.looking.browser import DESKTOP, RENDERED, Screen, cdp

KEY = "a-key-for-tests"
AXE = files("axe_playwright_python").joinpath("axe.min.js")
PATIENCE_SECONDS = 60.0
POLL_SECONDS = 0.1
TABS_AT_MOST = 600
KEYS = {"Tab": 9, "Enter": 13, "ArrowDown": 40}
# What a reader can do something with; in a grid that is a cell, between which the grid's own keys lead.
INTERACTIVE = "a[href], button, input, select, textarea, summary"
# What a page says by itself: everything but the rows of its tables and its sentences.
CHROME = (
    "header, nav a, h1, h2, h3, th, dt, label, legend, button, summary, .button, .selector a, .preferences a, "
    ".ag-header-cell-text, .state h2"
)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {PATIENCE_SECONDS:g} s: {what}")
        time.sleep(POLL_SECONDS)


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

    def answer(self, path: str) -> dict[str, Any]:
        """Return the API's answer for a path."""
        request = urllib.request.Request(self.url + path, headers={"X-API-Key": KEY})
        with urllib.request.urlopen(request, timeout=10) as answer:
            said: dict[str, Any] = json.load(answer)
            return said

    def _listens(self) -> bool:
        assert self._process is not None and self._process.poll() is None, f"{self._command} ended"
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False


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


def dashboard_server(api_url: str, **settings: str) -> Server:
    port = free_port()
    environ = {"API_URL": api_url, "DASHBOARD_HOST": "127.0.0.1", "DASHBOARD_PORT": str(port), **settings}
    return Server(["dashboard.dashboard_finviz_app"], port, environ)


@contextmanager
def running(*servers: Server) -> Iterator[None]:
    """Start the servers in their order, and stop them whatever happens."""
    started: list[Server] = []
    try:
        for server in servers:
            server.start()
            started.append(server)
        yield
    finally:
        for server in reversed(started):
            server.stop()


class Page:
    """What a reader sees and does. Addresses are those of the dashboard: `/?period=20`."""

    def __init__(self, driver: WebDriver, url: str, downloads: Path) -> None:
        self._driver = driver
        self._downloads = downloads
        self.url = url
        cdp(driver, "Browser.setDownloadBehavior", behavior="allow", downloadPath=str(downloads))
        cdp(driver, "Network.clearBrowserCookies")
        self.prefer()
        self.resize(DESKTOP)
        self.console_errors()

    def open(self, address: str = "/") -> None:
        """Open an address and wait until its view is drawn."""
        self.go(address)
        self.is_rendered()

    def go(self, address: str = "/") -> None:
        """Open an address and wait for nothing but the page around the views."""
        self._driver.get(self.url + address)

    def prefer(self, language: str = "en", theme: str = "dark") -> None:
        """Store the reader's choices as an earlier visit would have. The switches themselves are links to click."""
        browser.prefer(self._driver, self.url, language, theme)

    def click(self, link: str) -> None:
        """Follow a link by its text and wait for the next view. It must lead to another view than the one shown."""
        self.run("document.getElementById('view').dataset.shows = ''")
        self._driver.find_element(By.LINK_TEXT, link).click()
        self.is_rendered()

    def click_on(self, selector: str) -> None:
        self._driver.find_element(By.CSS_SELECTOR, selector).click()

    def type_into(self, selector: str, text: str) -> None:
        """Replace what a field says, and press Enter."""
        field = self._driver.find_element(By.CSS_SELECTOR, selector)
        field.clear()
        field.send_keys(text + "\n")

    def waits_for(self, condition: str, what: str) -> None:
        """Wait for a condition, JavaScript that becomes true."""
        until(lambda: bool(self.run(f"return {condition}")), what)

    def back(self) -> None:
        self._driver.back()

    def is_rendered(self) -> None:
        until(self._rendered, f"{self.address} is rendered")

    def _rendered(self) -> bool:
        # While an address is being changed there may be no page to ask.
        with suppress(WebDriverException):
            return bool(self.run(f"return {RENDERED}"))
        return False

    def shows(self, text: str) -> None:
        until(lambda: text in self.text, f"the page shows {text!r}")

    @property
    def text(self) -> str:
        # A view that is being replaced is read again.
        with suppress(WebDriverException):
            return self._driver.find_element(By.TAG_NAME, "body").text
        return ""

    @property
    def address(self) -> str:
        return self._driver.current_url.removeprefix(self.url)

    def run(self, script: str, *arguments: Any) -> Any:
        """Run JavaScript in the page and return its result."""
        return self._driver.execute_script(script, *arguments)

    def texts(self, selector: str) -> list[str]:
        """Return the text of every visible match, in the page's order and before CSS changes its letters."""
        found: list[str] = self.run(
            "return [...document.querySelectorAll(arguments[0])].filter(each => each.checkVisibility())"
            ".map(each => each.textContent.trim()).filter(text => text)",
            selector,
        )
        return found

    def table(self, name: str) -> list[list[str]]:
        """Read a plain table, row by row."""
        rows: list[list[str]] = self.run(
            "return [...document.getElementById(arguments[0]).tBodies[0].rows]"
            ".map(row => [...row.cells].map(cell => cell.innerText.trim()))",
            name,
        )
        return rows

    def rows(self, name: str) -> list[dict[str, str]]:
        """Read a plain table in its present order: for each row the cells' texts by heading."""
        headings = self.run(
            "return [...document.getElementById(arguments[0]).tHead.rows[0].cells].map(each => each.innerText.trim())",
            name,
        )
        return [dict(zip(headings, row, strict=True)) for row in self.table(name)]

    def grid(self, name: str) -> list[dict[str, str]]:
        """Read an AG Grid in its present order: for each row the cells' texts by column field."""
        rows: list[dict[str, str]] = self.run(
            "const rows = [...document.querySelectorAll(`#${arguments[0]} .ag-row`)];"
            "const place = row => Number(row.getAttribute('row-index'));"
            "return rows.sort((one, other) => place(one) - place(other)).map(row => Object.fromEntries("
            "[...row.querySelectorAll('.ag-cell')].map(cell => [cell.getAttribute('col-id'), cell.innerText.trim()])))",
            name,
        )
        return rows

    def bars(self, name: str) -> list[tuple[str, str, float]]:
        """Read bars from the top: name, figure and pixels of each."""
        found = self.run(
            "return [...document.querySelectorAll(`#${arguments[0]} tr`)].map(row => [row.cells[0].innerText, "
            "row.cells[1].innerText.trim(), row.querySelector('.bar').getBoundingClientRect().width])",
            name,
        )
        return list(map(tuple, found))

    def download(self, selector: str) -> str:
        """Click what downloads a file and return the file's text."""
        before = set(self._downloads.iterdir())
        self.click_on(selector)
        until(lambda: any(self._arrived(before)), f"{selector} downloads a file")
        [file] = self._arrived(before)
        return file.read_text(encoding="utf-8")

    def _arrived(self, before: set[Path]) -> list[Path]:
        files = sorted(set(self._downloads.iterdir()) - before)
        return [] if any(file.suffix == ".crdownload" for file in files) else files

    def console_errors(self) -> list[str]:
        """Return the browser's complaints since the last call."""
        driver: Any = self._driver  # get_log is Chromium's own
        return [each["message"] for each in driver.get_log("browser") if each["level"] == "SEVERE"]

    def hosts(self) -> set[str]:
        """Return the hosts of everything on the page."""
        script = "return performance.getEntriesByType('resource').map(each => new URL(each.name).host)"
        return set(self.run(script))

    def resize(self, screen: Screen) -> None:
        browser.show_on(self._driver, screen)

    def width_overflow(self) -> int:
        """Return by how many pixels the page can be scrolled sideways."""
        # Room that is kept for a scrollbar makes the page narrower than its window.
        overflow: int = self.run(
            "const { scrollWidth, clientWidth } = document.documentElement;"
            "return Math.max(0, scrollWidth - clientWidth)"
        )
        return overflow

    def press(self, key: str) -> None:
        """Press one of KEYS."""
        parameters = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS[key]}
        for kind in ("rawKeyDown", "keyUp"):
            cdp(self._driver, "Input.dispatchKeyEvent", type=kind, **parameters)

    def out_of_reach(self) -> list[str]:
        """Return the markup of all that can be clicked but not be reached with the Tab key."""
        self.run(
            "window.reached = new Set(); document.activeElement.blur();"
            "document.addEventListener('focusin', event => window.reached.add(event.target))"
        )
        for _ in range(TABS_AT_MOST):
            self.press("Tab")
            if self.run("return document.activeElement === document.body"):
                break
        markup: list[str] = self.run(
            # Of a group of radio buttons the Tab key reaches the chosen one, and arrow keys the others.
            "const chosen = each => each.type === 'radio' && document.querySelector(`[name='${each.name}']:checked`);"
            "return [...document.querySelectorAll(arguments[0])]"
            ".filter(each => each.checkVisibility({visibilityProperty: true}) && !each.disabled"
            " && each.tabIndex >= 0 && !window.reached.has(chosen(each) || each))"
            ".map(each => each.outerHTML.slice(0, 200))",
            INTERACTIVE,
        )
        return markup

    def foreign_words(self) -> list[str]:
        """Return the English words of a Korean page, apart from names and from parts marked as English."""
        words: list[str] = self.run(
            "return [...document.querySelectorAll(arguments[0])]"
            ".filter(each => each.checkVisibility() && !each.closest('[lang=en]:not(html)'))"
            ".map(each => each.innerText.trim()).filter(text => /[a-z]{3}/.test(text) && !/[가-힣]/.test(text))",
            CHROME,
        )
        return [word for word in words if word not in ("ActStock", "English")]


def violations(page: Page) -> list[list[str]]:
    """Return what axe-core finds wrong with the page: rule, and the first place."""
    page.run(AXE.read_text(encoding="utf-8"))
    passed, found = page.run(
        "return axe.run().then(({passes, violations}) => "
        "[passes.length, violations.map(each => [each.id, each.nodes[0].html.slice(0, 160)])])"
    )
    assert passed > 10, "it has looked at the page"
    return list(found)
