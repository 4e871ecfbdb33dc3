"""The dashboard's first view in this version and in another one, on the same data: loaded in turn, side by side."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from statistics import median

from config.config import PROJECT_ROOT
from ops.bench.beside import free_port, served
from ops.bench.dashboard import LOADS_UNTIL_WARM, ROUNDS, interactive, load_cold, spread, targets
from ops.bench.page_load import Load, load, prepare, text_of
from ops.bench.report import Target, step, table
from ops.bench.rounds import interleaved
from ops.bench.versions import Version, version_in
from ops.errors import RunFailed
from ops.looking.browser import PROGRAMS, chromium
from ops.looking.dashboard_views import FIRST, Subjects, subjects_of, views
from ops.native.environment import LOOPBACK, client_environment, secrets_for
from ops.native.install import ensure_programs
from ops.native.services import read_services
from ops.native.stack import Stack
from ops.running import Platform

OURS = "this version"
# An empty and a warm cache, each with the loads of its rounds.
Loads = Mapping[str, Sequence[Load]]


def measure_against(stack: Stack, folder: Path) -> list[Target]:
    """Load the first view of both versions in turn. folder: the other's, which is installed and need not run."""
    ensure_programs("it loads the dashboards that are measured", PROGRAMS)
    platform = Platform.of_stack(stack)
    subjects = subjects_of(platform.api_url, platform.api_key)
    with ExitStack() as running:
        urls = {
            version.name: running.enter_context(dashboard_of(stack, version)) + views(subjects)[FIRST]
            for version in (Version(PROJECT_ROOT, OURS), version_in(folder))
        }
        for name, url in urls.items():
            step(f"{name}: {url} with {subjects.sessions} sessions published")
            _require_portfolio(name, url, subjects)
        cold = interleaved({name: partial(load_cold, url) for name, url in urls.items()}, _said, ROUNDS)
        warm = _warm(urls)
    table(*compared({name: {"empty": cold[name], "warm": warm[name]} for name in urls}))
    return targets(cold[OURS], warm[OURS], {})


def compared(versions: Mapping[str, Loads]) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
    """Return the columns and rows of a table of two versions. Its ratio is that of the first to the second."""
    figures: dict[str, tuple[Callable[[Loads], Sequence[float]], Callable[[Sequence[float]], str]]] = {
        "skeleton, empty cache": (lambda of: [each.first_paint for each in of["empty"]], spread),
        "interactive, empty cache": (lambda of: interactive(of["empty"]), spread),
        "interactive, warm cache": (lambda of: interactive(of["warm"]), spread),
        "JavaScript on the wire": (lambda of: [each.script_bytes for each in of["empty"]], _megabytes),
        "API calls": (lambda of: [each.api_calls for each in of["empty"]], lambda calls: f"{median(calls):.0f}"),
    }
    rows = []
    for name, (figures_of, shown) in figures.items():
        ours, theirs = (figures_of(loads) for loads in versions.values())
        rows.append((name, shown(ours), shown(theirs), _ratio(median(ours), median(theirs))))
    return ("the first view", *versions, "ratio"), rows


@contextmanager
def dashboard_of(stack: Stack, version: Version) -> Iterator[str]:
    """Start the API and the dashboard of a version over the platform's database, and yield the dashboard's address."""
    python = version.folder / ".actstock" / "venv" / "bin" / "python"
    if not python.is_file():
        raise RunFailed(f"{version.folder} is not installed: ./start.sh install in it makes {python}")
    api_port, port = free_port(), free_port()
    command = [str(python), "-m", "uvicorn", "api.main:app", "--host", LOOPBACK, "--port", str(api_port)]
    environ = _environment(stack, version.folder, port, f"http://{LOOPBACK}:{api_port}")
    log_of = partial("bench-dashboard-{}-{}.log".format, version.name.replace(" ", "-"))
    with (
        served([*command, "--no-access-log"], api_port, version.folder, environ, stack.logs / log_of("api")),
        served(
            [str(python), "-m", "dashboard.dashboard_finviz_app"],
            port,
            version.folder,
            environ,
            stack.logs / log_of("dashboard"),
        ) as url,
    ):
        yield url


def _environment(stack: Stack, folder: Path, port: int, api_url: str) -> dict[str, str]:
    """Return the settings of both services, by the names that all versions know. Both listen on this machine alone."""
    known = client_environment(stack)
    api = read_services()["api"]
    login = {**api.users, **secrets_for(api.secrets, known)}
    local = {"ACTSTOCK_BIND": LOOPBACK, "DASHBOARD_HOST": LOOPBACK, "DASHBOARD_PASSWORD": ""}
    own = {"PYTHONPATH": str(folder), "API_URL": api_url, "DASHBOARD_PORT": str(port)}
    return os.environ | known | login | local | own


def _require_portfolio(name: str, url: str, subjects: Subjects) -> None:
    """Load the view once, and fail where it has no portfolio: an error is rendered sooner than that."""
    with chromium() as driver:
        prepare(driver)
        load(driver, url)
        shown = text_of(driver)
    if subjects.stock not in shown:
        raise RunFailed(
            f"{name} cannot show this platform's data: its first view has no {subjects.stock}. Its API may be older "
            "than the tables. What its page says: " + " ".join(shown.split())[:300]
        )


def _warm(urls: Mapping[str, str]) -> dict[str, list[Load]]:
    """Load each view in a browser of its own that knows it well by then."""
    with ExitStack() as browsers:
        loads: dict[str, Callable[[], Load]] = {}
        for name, url in urls.items():
            driver = browsers.enter_context(chromium())
            prepare(driver)
            loads[name] = partial(load, driver, url)
        for _ in range(LOADS_UNTIL_WARM):
            for one in loads.values():
                one()
        return interleaved(loads, _said, ROUNDS)


def _said(load: Load) -> str:
    return f"interactive after {load.interactive:.2f} s"


def _megabytes(counts: Sequence[float]) -> str:
    return f"{median(counts) / 1e6:.2f} MB"


def _ratio(ours: float, theirs: float) -> str:
    return f"{ours / theirs:.2f} x" if theirs else "–"
