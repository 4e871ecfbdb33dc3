"""How long a reader waits for the dashboard: its first view in a new and in a used browser, then each other view."""

from collections.abc import Callable, Mapping, Sequence
from statistics import median

from selenium.webdriver.remote.webdriver import WebDriver

from ops.bench.page_load import Load, change, load, prepare
from ops.bench.report import Target, step, table
from ops.looking.browser import PROGRAMS, chromium
from ops.looking.dashboard_views import FIRST, subjects_of, views
from ops.native.install import ensure_programs
from ops.running import Platform

ROUNDS = 7
# How often a browser has to see a script before it keeps it compiled.
LOADS_UNTIL_WARM = 3
# Interactive, by the browser's cache; the first paint is that of the page's skeleton.
WANTED_SECONDS = {"empty": 1.0, "warm": 0.6}
WANTED_PAINT_SECONDS = 0.3
WANTED_SCRIPTS_MB = 1.2
CALLS_AT_MOST = 3
KB = 1000


def measure(platform: Platform) -> list[Target]:
    ensure_programs("it loads the dashboard that is measured", PROGRAMS)
    subjects = subjects_of(platform.api_url, platform.api_key)
    url, addresses = platform.shown["Dashboard"], views(subjects)
    first = url + addresses[FIRST]
    step(f"{first} with {subjects.sessions} sessions published; {ROUNDS} rounds each, in headless Chromium")
    cold = [_round(first, number) for number in range(1, ROUNDS + 1)]
    with chromium() as driver:
        prepare(driver)
        warm = [load(driver, first) for _ in range(LOADS_UNTIL_WARM + ROUNDS)][LOADS_UNTIL_WARM:]
        changes = _changes(driver, {name: address for name, address in addresses.items() if name != FIRST})
    _show_first(cold, warm)
    _show_kinds(cold[0], warm[0])
    _show_changes(changes)
    return targets(cold, warm, changes)


def targets(cold: Sequence[Load], warm: Sequence[Load], changes: Mapping[str, Sequence[Load]]) -> list[Target]:
    seconds = {"empty": median(interactive(cold)), "warm": median(interactive(warm))}
    paint = median(each.first_paint for each in cold)
    calls = max(each.api_calls for loads in [cold, warm, *changes.values()] for each in loads)
    return [
        *(
            Target(
                f"first view interactive, {cache} cache", figure, WANTED_SECONDS[cache], " s", at_most=True, digits=2
            )
            for cache, figure in seconds.items()
        ),
        Target("skeleton, empty cache", paint, WANTED_PAINT_SECONDS, " s", at_most=True, digits=2),
        Target("scripts, empty cache", cold[0].script_bytes / 1e6, WANTED_SCRIPTS_MB, " MB", at_most=True, digits=2),
        Target("API calls of a view", calls, CALLS_AT_MOST, at_most=True),
    ]


def load_cold(url: str) -> Load:
    """Load the view in a browser that has never been started before."""
    with chromium() as driver:
        prepare(driver)
        return load(driver, url)


def _round(url: str, number: int) -> Load:
    measured = load_cold(url)
    step(f"round {number} of {ROUNDS}: interactive after {measured.interactive:.2f} s")
    return measured


def _changes(driver: WebDriver, addresses: dict[str, str]) -> dict[str, list[Load]]:
    """Visit every view after another, several times over."""
    found: dict[str, list[Load]] = {name: [] for name in addresses}
    for _ in range(ROUNDS):
        for name, address in addresses.items():
            found[name].append(change(driver, address))
    return found


def _show_first(cold: Sequence[Load], warm: Sequence[Load]) -> None:
    rows: dict[str, Callable[[Sequence[Load]], str]] = {
        "first paint": lambda loads: spread([each.first_paint for each in loads]),
        "rendered": lambda loads: spread([each.rendered for each in loads]),
        "interactive": lambda loads: spread(interactive(loads)),
        "requests": lambda loads: str(len(loads[0].fetched)),
        "on the wire": lambda loads: _size(loads[0].bytes),
        "API calls": lambda loads: str(loads[0].api_calls),
        "API bytes": lambda loads: _size(loads[0].api_bytes),
        "API time": lambda loads: spread([each.api_seconds for each in loads]),
    }
    table(("the first view", "empty cache", "warm cache"), [(name, of(cold), of(warm)) for name, of in rows.items()])


def _show_kinds(cold: Load, warm: Load) -> None:
    of_warm = warm.by_kind()
    table(
        ("the browser's requests", "empty cache", "", "warm cache", ""),
        [
            (kind, *_count_and_size(*of_cold), *_count_and_size(*of_warm.get(kind, (0, 0))))
            for kind, of_cold in cold.by_kind().items()
        ],
    )


def _show_changes(changes: Mapping[str, Sequence[Load]]) -> None:
    table(
        ("from view to view", "interactive", "on the wire", "API calls", "bytes"),
        [
            (
                name,
                spread(interactive(loads)),
                _size(loads[-1].bytes),
                str(loads[-1].api_calls),
                _size(loads[-1].api_bytes),
            )
            for name, loads in changes.items()
        ],
    )


def _count_and_size(count: int, size: int) -> tuple[str, str]:
    return str(count), _size(size)


def _size(count: int) -> str:
    return f"{count / KB:,.1f} kB"


def interactive(loads: Sequence[Load]) -> list[float]:
    return [each.interactive for each in loads]


def spread(seconds: Sequence[float]) -> str:
    """Format the median and, in brackets, the lowest and highest figure.

    >>> spread([0.9, 1.0, 1.35])
    '1.00 s (0.90-1.35)'
    """
    return f"{median(seconds):.2f} s ({min(seconds):.2f}-{max(seconds):.2f})"
