"""Servers beside those of the platform, for the time of a measurement: each on a free port of this machine."""

import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from ops.errors import NotRunning
from ops.native.startup import last_words

START_SECONDS = 60.0
POLL_SECONDS = 0.1


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(
    command: Sequence[str], port: int, folder: Path, environ: Mapping[str, str], log_file: Path
) -> Iterator[str]:
    """Run a server in a folder until the block ends, and yield its address once it answers at that port.

    NotRunning has what it said last.
    """
    url = f"http://127.0.0.1:{port}"
    with log_file.open("w") as output:
        server = subprocess.Popen(command, cwd=folder, env=environ, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(url):
            if server.poll() is not None or time.monotonic() > deadline:
                raise NotRunning(f"{' '.join(command)} in {folder} does not start: {last_words(log_file)}")
            time.sleep(POLL_SECONDS)
        yield url
    finally:
        server.terminate()
        server.wait()


def _answers(url: str) -> bool:
    try:
        httpx.get(url, trust_env=False)
    except httpx.TransportError:
        return False
    return True
