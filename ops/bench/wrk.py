"""Load on an HTTP route with wrk, and what it reports."""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from ops.errors import RunFailed

CONNECTIONS = 16
UNIT_IN_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


@dataclass(frozen=True)
class Load:
    """p99_ms is under full load: how long a request waits for the fifteen others, mostly."""

    requests_a_second: float
    p99_ms: float


def load(url: str, headers: Mapping[str, str], seconds: int) -> Load:
    """Send as many requests as a few connections take. RunFailed says that one was refused."""
    sent = [argument for name, value in headers.items() for argument in ("-H", f"{name}: {value}")]
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", *sent, url]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise RunFailed(f"wrk failed on {url}: {result.stderr.strip()}")
    return read(result.stdout)


def read(report: str) -> Load:
    trouble = re.search(r"(Non-2xx.*|Socket errors.*)", report)
    if trouble:
        raise RunFailed(f"not every request was answered: {trouble[0]}")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", report)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s|m)", report)
    if not rate or not p99:
        raise RunFailed(f"wrk's report is not understood: {report[:300]}")
    return Load(float(rate[1]), float(p99[1]) * UNIT_IN_MS[p99[2]])
