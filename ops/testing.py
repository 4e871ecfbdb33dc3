"""`test`: static checks, then the rings of tests, on a fresh stack of their own."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from xml.etree import ElementTree

from config.config import PROJECT_ROOT
from ops.console import say
from ops.containers import container_testing
from ops.errors import NotRunning, OpsError, RunFailed, UnknownName
from ops.looking import browser
from ops.native.control import start, stop
from ops.native.environment import client_environment, tools
from ops.native.install import ensure_packages, ensure_platform, ensure_programs
from ops.native.java import java_home
from ops.native.stack import TOOLS, VENV, DataSource, Stack

# Beside the platform, wherever its ports are.
PORTS_BESIDE = 20000
STACK = Stack(TOOLS / "test", Stack.from_env().port_offset + PORTS_BESIDE, DataSource("simulated"))
# What the integration ring needs; the consumers and the collector would only work against it.
INTEGRATION_SERVICES = ["schema", "topics", "spark-worker", "market-server"]
CHECKS = {
    "lint": ["ruff", "check"],
    "format": ["ruff", "format", "--check"],
    "types": ["mypy"],
    "import contracts": ["lint-imports"],
}
FOLDERS = {
    "unit": ["test/unit_tests", "api/tests"],
    "integration": ["test/integration_tests"],
    "end_to_end": ["test/end_to_end_tests", "--ignore=test/end_to_end_tests/containers"],
    "containers": container_testing.test_folders(),
    "lab": ["test/lab_tests", "test/mcp_tests"],
}
# Rings that need nothing of the platform's programs.
OF_PYTHON_ALONE = {"checks", "lab"}
# What the lab's figures are compared with, and what a model reads the API by: beside the platform's own packages.
LAB_LOCKS = [PROJECT_ROOT / "requirements" / name for name in ("lab.txt", "mcp.txt")]
LAB_PACKAGES = TOOLS / "test" / "lab-packages"
TEST_TIMEOUT_SECONDS = 600
PROMTOOL = {"promtool": "prometheus"}
SYSTEMD = {"systemd-analyze": "systemd"}  # systemctl, too
# Rings whose files share nothing: each worker has databases, a market server and a Spark session of its own.
PARALLEL_RINGS = ("unit", "integration")
MOST_WORKERS = 4


def run_tests(names: Sequence[str]) -> int:
    """Run the named rings, all without a name. Return 0 when everything passed and nothing was skipped."""
    rings = _rings()
    for name in names:
        if name not in rings:
            raise UnknownName("test ring", name, rings)
    chosen = [name for name in rings if not names or name in names]
    _prepare(chosen)
    began = time.monotonic()
    try:
        problems = [problem for name in chosen for problem in _run(name, rings[name])]
    finally:
        if needs_stack(chosen):
            _take_down()
    say(f"\n{', '.join(chosen)} in {time.monotonic() - began:.0f} s; logs and reports are in {STACK.logs}")
    if problems:
        raise RunFailed("\n".join(problems))
    say("[green]Everything passed.[/]")
    return 0


def needs_stack(rings: Sequence[str]) -> bool:
    return "integration" in rings or "end_to_end" in rings


def needs_browser(rings: Sequence[str]) -> bool:
    return needs_stack(rings) or "containers" in rings


def _rings() -> dict[str, Callable[[], list[str]]]:
    return {
        "checks": _checks,
        "unit": _unit,
        "integration": _integration,
        "end_to_end": _end_to_end,
        "containers": _containers,
        "lab": _lab,
    }


def _run(name: str, ring: Callable[[], list[str]]) -> list[str]:
    """Return what is wrong with a ring. One that cannot start does not keep the next one from running."""
    say(f"\n[bold]{name}[/]")
    try:
        return ring()
    except OpsError as error:
        return [f"{name}: {error}"]


def _prepare(chosen: Sequence[str]) -> None:
    if not OF_PYTHON_ALONE.issuperset(chosen):
        ensure_platform()
    if needs_browser(chosen):
        ensure_programs("the dashboard's tests look at it in a real browser", browser.PROGRAMS)
    if "integration" in chosen:
        ensure_programs("the alert rules are checked with it", PROMTOOL)
        ensure_programs("the unit that starts the platform at boot is checked with it", SYSTEMD)
    if needs_stack(chosen):
        _take_down()
        shutil.rmtree(STACK.data, ignore_errors=True)
    STACK.logs.mkdir(parents=True, exist_ok=True)


def _take_down() -> None:
    with suppress(NotRunning):
        stop(STACK)


def _checks() -> list[str]:
    return [
        f"{name}: {' '.join(command)} found something"
        for name, command in CHECKS.items()
        if subprocess.run([VENV / "bin" / command[0], *command[1:]], cwd=PROJECT_ROOT, check=False).returncode
    ]


def _unit() -> list[str]:
    return _pytest("unit", _tools())


def _integration() -> list[str]:
    return _start("integration", INTEGRATION_SERVICES) or _pytest("integration", _tools() | client_environment(STACK))


def _end_to_end() -> list[str]:
    return _start("end_to_end", None) or _pytest("end_to_end", _tools() | client_environment(STACK))


def _containers() -> list[str]:
    _take_down()  # the machine is too small for both
    with container_testing.platform():
        environment = container_testing.environment(_tools()) | container_testing.client_environment()
        return _pytest("containers", environment)


def _lab() -> list[str]:
    ensure_packages(LAB_LOCKS, LAB_PACKAGES, "580 MB")
    return _pytest("lab", _tools() | {"PYTHONPATH": f"{LAB_PACKAGES}"})


def _start(ring: str, services: list[str] | None) -> list[str]:
    return [f"{ring}: its services did not come up"] if start(STACK, services) else []


def _tools() -> dict[str, str]:
    """Return the environment without settings of a stack, so that no test reaches a running platform."""
    ours = set(client_environment(STACK)) | {"ACTSTOCK_HOME", "ACTSTOCK_PORT_OFFSET"}
    plain = {name: value for name, value in os.environ.items() if name not in ours and not name.startswith("AIRFLOW_")}
    return plain | tools(java_home())


def _pytest(ring: str, environment: Mapping[str, str]) -> list[str]:
    report = STACK.logs / f"pytest-{ring}.xml"
    report.unlink(missing_ok=True)
    command = [f"{VENV}/bin/python", "-m", "pytest", f"--junitxml={report}", f"--timeout={TEST_TIMEOUT_SECONDS}"]
    command += [*_workers(ring), "--durations=5", *FOLDERS[ring]]
    code = subprocess.run(command, cwd=PROJECT_ROOT, env=dict(environment), check=False).returncode
    suite = ElementTree.parse(report).getroot().find("testsuite") if report.exists() else None
    tests, skipped = (int(suite.get(count, 0)) for count in ("tests", "skipped")) if suite is not None else (0, 0)
    return problems_of(ring, code, tests, skipped)


def _workers(ring: str) -> list[str]:
    count = min(os.cpu_count() or 1, MOST_WORKERS)
    return ["-n", str(count), "--dist", "loadfile", "--no-loadscope-reorder"] if ring in PARALLEL_RINGS else []


def problems_of(ring: str, code: int, tests: int, skipped: int) -> list[str]:
    """Return what is wrong with a ring's result. A skipped test is wrong: all that tests need is there."""
    if tests == 0:
        return [f"{ring}: no test ran (pytest ended with code {code})"]
    problems = [f"{ring}: {skipped} of {tests} tests were skipped"] if skipped else []
    return [f"{ring}: pytest ended with code {code}", *problems] if code else problems
