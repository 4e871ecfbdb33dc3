"""/stocks/portfolio against an empty FastAPI route on the same server: requests a second, and the slowest percent."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from statistics import median

import httpx

from api.auth import HEADER
from config.config import PROJECT_ROOT, Settings
from ops.bench.api_server import EMPTY_PATH
from ops.bench.beside import free_port, served
from ops.bench.report import Target, step, table
from ops.bench.rounds import interleaved
from ops.bench.wrk import CONNECTIONS, Load, load
from ops.errors import RunFailed
from ops.native.environment import client_environment
from ops.native.install import ensure_programs
from ops.native.stack import VENV, Stack

PORTFOLIO_PATH = "/stocks/portfolio"
SECONDS = 5
WARM_UP_SECONDS = 1


def measure(stack: Stack, settings: Settings) -> list[Target]:
    ensure_programs("it makes the requests that the API is measured with", {"wrk": "wrk"})
    headers = {HEADER: settings.api_key}
    with second_server(stack) as url:
        for path in (PORTFOLIO_PATH, EMPTY_PATH):
            _require_answer(url + path, headers)
            load(url + path, headers, WARM_UP_SECONDS)
        results = interleaved(
            {path: partial(load, url + path, headers, SECONDS) for path in (PORTFOLIO_PATH, EMPTY_PATH)},
            show=lambda one: f"{one.requests_a_second:,.0f} requests/s, p99 {one.p99_ms:.1f} ms",
        )
    middle = {path: _median(loads) for path, loads in results.items()}
    table(
        ("route", "requests/s (median)", "p99"),
        [(path, f"{one.requests_a_second:,.0f}", f"{one.p99_ms:.1f} ms") for path, one in middle.items()],
    )
    share = middle[PORTFOLIO_PATH].requests_a_second / middle[EMPTY_PATH].requests_a_second
    return [Target(f"{PORTFOLIO_PATH} against an empty route, requests/s", 100 * share, 50, " %")]


def _median(loads: list[Load]) -> Load:
    return Load(median(one.requests_a_second for one in loads), median(one.p99_ms for one in loads))


@contextmanager
def second_server(stack: Stack) -> Iterator[str]:
    """Start a second API server on a free port, with the platform's database, and yield its address."""
    port = free_port()
    command = [f"{VENV}/bin/uvicorn", "--factory", "ops.bench.api_server:create"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--no-access-log"]
    environ = os.environ | client_environment(stack)
    with served(command, port, PROJECT_ROOT, environ, stack.logs / "bench-api.log") as url:
        step(
            f"a second API server with an empty route at {url}; wrk with {CONNECTIONS} connections, {SECONDS} s a round"
        )
        yield url


def _require_answer(url: str, headers: dict[str, str]) -> None:
    answer = httpx.get(url, headers=headers, trust_env=False, timeout=10)
    if answer.is_error:
        raise RunFailed(f"{url} answers {answer.status_code}: {answer.text[:200]}. Has a portfolio been published?")
