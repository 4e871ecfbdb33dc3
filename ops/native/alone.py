"""The end of what a killed service has left, before it starts again.

What a process has started lives on when that is killed: Airflow's scheduler leaves four workers, and a health server on
the port that the next one needs. A container ends all of them; here they are ended before the service starts again.
"""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
# Which stack a process is of, and which of its services: the supervisor tells each, and it is handed on.
MARKS = ("ACTSTOCK_STACK", "SUPERVISOR_PROCESS_NAME")
GRACE_SECONDS = 10.0
POLL_SECONDS = 0.05


def end_leftovers() -> None:
    """Kill all processes with this one's marks, and wait until they have ended."""
    marks = {f"{name}={os.environ[name]}".encode() for name in MARKS}
    found = [pid for pid in _others() if marks <= _environ(pid)]
    for pid in found:
        print(f"ending process {pid}, which a killed one has left", file=sys.stderr)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + GRACE_SECONDS
    while any(map(_environ, found)) and time.monotonic() < until:
        time.sleep(POLL_SECONDS)


def _others() -> Iterator[int]:
    pids = (int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit())
    return (pid for pid in pids if pid != os.getpid())


def _environ(pid: int) -> set[bytes]:
    """Return the variables of a process, none of one that has ended or is somebody else's."""
    try:
        return set(filter(None, (PROC / str(pid) / "environ").read_bytes().split(b"\0")))
    except OSError:
        return set()
