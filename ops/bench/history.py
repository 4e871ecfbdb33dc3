"""A year's history where nothing is stored: from the source to the portfolios and the record, on a stack of its own."""

import subprocess
import sys
import time

from ops.bench.chaos_stack import chaos_field
from ops.bench.report import Target, step
from ops.errors import RunFailed
from ops.native.environment import service_environment
from ops.native.java import java_home
from ops.native.stack import Stack

SESSIONS, SHORT_SESSIONS = 250, 30
WANTED_SECONDS = 60


def measure(sessions: int) -> list[Target]:
    """Start a fresh stack, and compute its last sessions as `./start.sh history` does."""
    with chaos_field() as field:
        seconds = run(field.stack, sessions)
    return [Target(f"history of {sessions} sessions", seconds, WANTED_SECONDS, " s", at_most=True, digits=1)]


def run(stack: Stack, sessions: int) -> float:
    """Return the seconds that a history takes on a running stack, and print what it says of its steps."""
    environ = service_environment(stack, java_home())
    began = time.monotonic()
    command = [sys.executable, "-m", "ops.pipeline.history", "--sessions", str(sessions)]
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - began
    for line in ended.stdout.splitlines():
        step(line.strip())
    if ended.returncode:
        raise RunFailed(f"history: {(ended.stderr.strip().splitlines() or ['no word of why'])[0]}")
    return seconds
