"""The whole OpenAPI document, fuzzed against the running service: no 5xx, no answer that the document does not have."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from config.config import PROJECT_ROOT, DatabaseSettings

KEY = "a-key-for-tests"
SEED = 20260821
EXAMPLES = 5
SECONDS = 90
# Left out, as a well-formed request can name what is not there, and a parameter that no route has is nobody's business:
# "positive_data_acceptance" wants a 2xx for every ticker that looks like one (we say 404), "negative_data_rejection" a
# refusal of unknown parameters and of texts that mean a date or number all the same.
NOT_CHECKED = "positive_data_acceptance,negative_data_rejection"


@contextmanager
def running_api(database: DatabaseSettings) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environ = os.environ | {
        "PYTHONPATH": str(PROJECT_ROOT),
        "API_KEY": KEY,
        "DB_HOST": database.host,
        "DB_PORT": str(database.port),
        "DB_NAME": database.name,
        "DB_USER": database.user,
        "DB_PASSWORD": database.password,
    }
    command = [sys.executable, "-m", "uvicorn", "api.main:app", "--port", str(port), "--log-level", "warning"]
    server = subprocess.Popen(command, env=environ, cwd=PROJECT_ROOT)
    try:
        url = f"http://127.0.0.1:{port}"
        _await(url, server)
        yield url
    finally:
        server.terminate()
        server.wait(10)


def _await(url: str, server: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        assert server.poll() is None, "the API has ended"
        with suppress(OSError):
            urllib.request.urlopen(url, timeout=1)
            return
        time.sleep(0.1)
    pytest.fail("the API does not answer")


def fuzz(url: str, folder: Path) -> str:
    """What schemathesis says; the test ends when it finds something."""
    program = shutil.which("schemathesis", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert program
    command = [program, "run", f"{url}/openapi.json", "--header", f"X-API-Key: {KEY}"]
    command += ["--checks", "all", "--exclude-checks", NOT_CHECKED, "--seed", str(SEED), "--generation-deterministic"]
    command += ["--max-examples", str(EXAMPLES), "--max-time", str(SECONDS), "--continue-on-failure", "--no-color"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-2000:]
    return result.stdout


def test_nothing_that_is_asked_breaks_it(reader_of_sample: DatabaseSettings, tmp_path: Path) -> None:
    with running_api(reader_of_sample) as url:
        said = fuzz(url, tmp_path)
    assert "Selected: 31/31" in said


def test_nor_while_the_database_is_empty(empty_database: DatabaseSettings, tmp_path: Path) -> None:
    with running_api(empty_database) as url:
        fuzz(url, tmp_path)
