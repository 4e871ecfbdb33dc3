"""One view of the dashboard in a browser: when it is there, when it can be used, and what that took over the wire."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selenium.webdriver.remote.webdriver import WebDriver

from ops.errors import NotRunning, RunFailed
from ops.looking.browser import RENDERED, cdp

WATCH = Path(__file__).with_name("page_watch.js").read_text(encoding="utf-8").replace("__RENDERED__", RENDERED)
EMPTY_PAGE = "about:blank"
KINDS = (
    (r"/_dash-(layout|dependencies|update-component)", "data"),
    (r"\.js(\?|$)", "scripts"),
    (r"\.css(\?|$)", "style"),
)


@dataclass(frozen=True)
class Fetched:
    """One request of the browser. bytes: on the wire, 0 from its cache. told: what the server says it was busy with."""

    address: str
    bytes: int
    told: dict[str, str]

    @property
    def kind(self) -> str:
        return next((kind for pattern, kind in KINDS if re.search(pattern, self.address)), "page and the rest")


@dataclass(frozen=True)
class Load:
    """Seconds since the address was asked for; the first paint is that of the page, not of a later view in it."""

    first_paint: float
    rendered: float
    interactive: float
    fetched: Sequence[Fetched]

    @property
    def bytes(self) -> int:
        return sum(each.bytes for each in self.fetched)

    @property
    def script_bytes(self) -> int:
        return self.by_kind().get("scripts", (0, 0))[1]

    @property
    def api_calls(self) -> int:
        return int(self._told("api-calls"))

    @property
    def api_bytes(self) -> int:
        return int(self._told("api-bytes"))

    @property
    def api_seconds(self) -> float:
        return self._told("api") / 1000

    def _told(self, name: str) -> float:
        return sum(float(each.told.get(name, 0)) for each in self.fetched)

    def by_kind(self) -> dict[str, tuple[int, int]]:
        """Add up requests and bytes on the wire by kind."""
        counts, sizes = Counter[str](), Counter[str]()
        for each in self.fetched:
            counts[each.kind] += 1
            sizes[each.kind] += each.bytes
        return {kind: (counts[kind], sizes[kind]) for kind in counts}


def prepare(driver: WebDriver) -> None:
    """Watch every page of this browser, and keep the tools for developers out of the measurement."""
    cdp(driver, "Page.addScriptToEvaluateOnNewDocument", source=WATCH)
    # As long as this part is on, Chromium takes down the whole stack whenever a script makes an error object, and for
    # that compiles plotly.js a second and a third time: 0.4 s that no reader waits for.
    cdp(driver, "Runtime.disable")


def load(driver: WebDriver, url: str) -> Load:
    """Open an address as a reader types it in."""
    cdp(driver, "Page.navigate", url=EMPTY_PAGE)
    answer = cdp(driver, "Page.navigate", url=url)
    if "errorText" in answer:
        raise NotRunning(f"{url} does not answer ({answer['errorText']}): ./start.sh status")
    return _measured(driver, "actstockWatch.loaded")


def change(driver: WebDriver, address: str) -> Load:
    """Follow a link to another view of the page that is open."""
    return _measured(driver, f"actstockWatch.changed({address!r})")


def text_of(driver: WebDriver) -> str:
    """Return what the page that is open says."""
    return str(_evaluated(driver, "document.body.innerText"))


def _measured(driver: WebDriver, expression: str) -> Load:
    return read(_evaluated(driver, expression))


def _evaluated(driver: WebDriver, expression: str) -> Any:
    answer = cdp(driver, "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
    if "exceptionDetails" in answer:
        problem = answer["result"].get("description", answer["exceptionDetails"]["text"]).splitlines()[0]
        raise RunFailed(f"{expression} in the browser: {problem}")
    return answer["result"]["value"]


def read(measured: dict[str, Any]) -> Load:
    """Convert what page_watch.js reports to seconds."""
    return Load(
        first_paint=(measured["first_paint"] or 0) / 1000,
        rendered=measured["rendered"] / 1000,
        interactive=measured["interactive"] / 1000,
        fetched=[Fetched(each["address"], each["bytes"], each["told"]) for each in measured["fetched"]],
    )
