"""A real headless Chromium, with which the commands and the tests look at the dashboard."""

import base64
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from selenium.common.exceptions import TimeoutException, WebDriverException
from selenium.webdriver import Chrome
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.wait import WebDriverWait

from dashboard.login import LOGIN
from ops.errors import CannotInstall, NotRunning, RunFailed

# Program -> Debian's package.
PROGRAMS = {"chromium": "chromium", "chromedriver": "chromium-driver"}
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_SECONDS = 60.0
POLL_SECONDS = 0.1
# True once what the address asks for is there to be read: said by the page itself, drawn, and in its own type.
RENDERED = """(() => {
    const view = document.getElementById("view");
    const GRID_CONTENT = ".ag-row, .ag-overlay-no-rows-center";
    const all = (selector) => [...document.querySelectorAll(selector)];
    return view !== null
        && view.dataset.shows === location.pathname + location.search
        && document.querySelector("[data-dash-is-loading]") === null
        && all(".dash-graph").every((each) => each.querySelector(".main-svg"))
        && all(".grid").every((each) => !each.checkVisibility() || each.querySelector(GRID_CONTENT))
        && all("img").every((each) => each.complete)
        && document.fonts.status === "loaded";
})()"""


@dataclass(frozen=True)
class Screen:
    """In CSS pixels; pixel_ratio: how many of the screen's pixels are one of those."""

    name: str
    width: int
    height: int
    pixel_ratio: int = 1
    is_phone: bool = False


DESKTOP = Screen("desktop", 1440, 1000)
PHONE = Screen("phone", 390, 844, pixel_ratio=2, is_phone=True)
SCREENS = (DESKTOP, PHONE)


def start_chromium(profile: Path) -> WebDriver:
    """Start a browser with that profile folder, an empty one for a new profile.

    CannotInstall says that there is no Chromium.
    """
    programs = {name: shutil.which(name) for name in PROGRAMS}
    missing = [PROGRAMS[name] for name, path in programs.items() if path is None]
    if missing:
        raise CannotInstall(f"a browser is needed for this. On Debian: sudo apt-get install {' '.join(missing)}")
    options = Options()
    options.binary_location = str(programs["chromium"])
    for flag in (*FLAGS, f"--window-size={DESKTOP.width},{DESKTOP.height}", f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    try:
        return Chrome(options=options, service=Service(str(programs["chromedriver"])))
    except WebDriverException as error:
        raise RunFailed(f"Chromium does not start: {first_line(error)}") from None


@contextmanager
def chromium() -> Iterator[WebDriver]:
    """Start a browser with a new profile, and delete the profile afterwards."""
    with tempfile.TemporaryDirectory(prefix="actstock-browser-", ignore_cleanup_errors=True) as profile:
        driver = start_chromium(Path(profile))
        try:
            yield driver
        finally:
            driver.quit()


def cdp(driver: WebDriver, command: str, **parameters: object) -> dict[str, Any]:
    """Send one command of the Chrome DevTools Protocol."""
    answer: dict[str, Any] = driver.execute("executeCdpCommand", {"cmd": command, "params": parameters})["value"]
    return answer


def show_on(driver: WebDriver, screen: Screen, height: int | None = None) -> None:
    """Make the window a screen of that kind, with another height where one is given."""
    cdp(
        driver,
        "Emulation.setDeviceMetricsOverride",
        width=screen.width,
        height=height or screen.height,
        deviceScaleFactor=screen.pixel_ratio,
        mobile=screen.is_phone,
    )
    cdp(driver, "Emulation.setTouchEmulationEnabled", enabled=screen.is_phone)


def prefer(driver: WebDriver, url: str, language: str, theme: str) -> None:
    """Set the reader's language and colours, as the dashboard keeps them."""
    for name, value in (("language", language), ("theme", theme)):
        cdp(driver, "Network.setCookie", name=name, value=value, url=url)


def open_view(driver: WebDriver, url: str) -> None:
    """Open an address and wait until its view is rendered. RunFailed names an address that never is."""
    try:
        driver.get(url)
    except WebDriverException as error:
        raise NotRunning(f"{url} does not answer ({first_line(error)}): ./start.sh status") from None
    if urlsplit(driver.current_url).path == LOGIN:
        raise RunFailed(
            "the dashboard asks for a password: for this, start without ACTSTOCK_BIND, ACTSTOCK_HOSTS and "
            "DASHBOARD_PASSWORD"
        )
    wait_until_rendered(driver)


def wait_until_rendered(driver: WebDriver) -> None:
    try:
        WebDriverWait(driver, PATIENCE_SECONDS, POLL_SECONDS).until(
            lambda waiting: waiting.execute_script(f"return {RENDERED}")
        )
    except TimeoutException:
        raise RunFailed(f"{driver.current_url} is not rendered within {PATIENCE_SECONDS:g} s") from None


def take_picture(driver: WebDriver, screen: Screen, file: Path) -> None:
    """Save the whole page at its full height. What belongs to the window's edge stays there."""
    height = int(cdp(driver, "Page.getLayoutMetrics")["cssContentSize"]["height"])
    show_on(driver, screen, max(height, screen.height))
    wait_until_rendered(driver)
    file.write_bytes(base64.b64decode(cdp(driver, "Page.captureScreenshot", format="png")["data"]))
    show_on(driver, screen)


def first_line(error: WebDriverException) -> str:
    return (error.msg or type(error).__name__).splitlines()[0]
