"""A server beside those of the platform: it is there for the time of a measurement, or says why it is not."""

import os
import sys
from pathlib import Path

import httpx
import pytest

from ops.bench.beside import free_port, served
from ops.errors import NotRunning

HTTP_SERVER = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1"]


def test_it_serves_its_folder_until_the_block_ends(tmp_path: Path) -> None:
    (tmp_path / "here").write_text("found", encoding="utf-8")
    port = free_port()
    with served([*HTTP_SERVER, str(port)], port, tmp_path, os.environ, tmp_path / "log") as url:
        assert httpx.get(f"{url}/here", trust_env=False).text == "found"
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)


def test_one_that_ends_says_why(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('the database is away')"]
    with (
        pytest.raises(NotRunning, match="does not start: the database is away"),
        served(command, free_port(), tmp_path, os.environ, tmp_path / "log"),
    ):
        pass
