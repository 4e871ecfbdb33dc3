"""The API's OpenAPI document against the running server: schemathesis asks all that the document allows, and more."""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from api import auth
from api.main import create_app
from config.config import DatabaseSettings, Settings
from sample_api import KNOWN

KEY = "a-key-for-tests"
SEED = 20260821
START_SECONDS = 60
# Which days are sessions, and that `from` is not after `to`, is nothing that OpenAPI can say: there, and only there,
# a request that fits the document may be refused.
REFUSED_ALTHOUGH_VALID = ["2xx", "3xx", "401", "404", "422"]


@contextmanager
def served(database: DatabaseSettings) -> Iterator[str]:
    """Run an API server on the database and yield its address. Listeners stand in for Kafka and the Spark master."""
    with ExitStack() as stack:
        kafka, master = (stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(2))
        settings = Settings.from_env(
            {
                "API_KEY": KEY,
                "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{kafka.getsockname()[1]}",
                "SPARK_MASTER_URL": f"spark://127.0.0.1:{master.getsockname()[1]}",
            }
        )
        app = create_app(replace(settings, database=database))
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            deadline = time.monotonic() + START_SECONDS
            while not server.started:
                assert thread.is_alive() and time.monotonic() < deadline, "the server does not start"
                time.sleep(0.05)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def on_sample(reader_of_sample: DatabaseSettings) -> Iterator[str]:
    with served(reader_of_sample) as url:
        yield url


@pytest.fixture(scope="module")
def on_nothing(empty_database: DatabaseSettings) -> Iterator[str]:
    with served(empty_database) as url:
        yield url


def document_of(url: str) -> dict[str, Any]:
    document: dict[str, Any] = httpx.get(f"{url}/openapi.json", trust_env=False).json()
    return document


def asks_for_a_day(operation: dict[str, Any]) -> bool:
    return any('"format": "date"' in json.dumps(parameter) for parameter in operation.get("parameters", []))


def configuration(document: dict[str, Any]) -> str:
    """Turn every check on. Operations with a date may refuse one."""
    operations = [
        f"""
[[operations]]
include-path = "{path}"
checks.positive_data_acceptance.expected-statuses = {json.dumps(REFUSED_ALTHOUGH_VALID)}
"""
        for path, methods in document["paths"].items()
        if asks_for_a_day(methods["get"])
    ]
    assert 0 < len(operations) < len(document["paths"])
    return "".join(operations)


def fuzz(url: str, folder: Path, examples: int) -> None:
    config = folder / "schemathesis.toml"
    config.write_text(configuration(document_of(url)), encoding="utf-8")
    command = [f"{Path(sys.executable).parent}/schemathesis", f"--config-file={config}", "run", f"{url}/openapi.json"]
    command += ["--checks=all", f"--header={auth.HEADER}:{KEY}", f"--seed={SEED}", f"--max-examples={examples}"]
    command += ["--generation-deterministic", "--continue-on-failure", "--no-color"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_answer_is_undocumented_or_a_server_error(on_sample: str, tmp_path: Path) -> None:
    fuzz(on_sample, tmp_path, examples=8)


def test_the_same_before_anything_is_collected(on_nothing: str, tmp_path: Path) -> None:
    fuzz(on_nothing, tmp_path, examples=3)


def test_every_route_has_an_answer_on_the_sample(on_sample: str) -> None:
    """The fuzzer's symbols are mostly unknown ones: here every 200 is asked for, and its tag turned into a 304."""
    for path in document_of(on_sample)["paths"]:
        address = on_sample + path.format(**KNOWN)
        answer = httpx.get(address, headers={auth.HEADER: KEY}, trust_env=False)
        assert answer.status_code == 200, (path, answer.text)
        if path not in auth.OPEN_PATHS:
            asked = {auth.HEADER: KEY, "If-None-Match": answer.headers["ETag"]}
            assert httpx.get(address, headers=asked, trust_env=False).status_code == 304, path


@pytest.mark.parametrize("key", [None, "", "wrong", KEY + " x", KEY[:-1]])
def test_no_route_answers_without_the_key(on_sample: str, key: str | None) -> None:
    for path in set(document_of(on_sample)["paths"]) - auth.OPEN_PATHS:
        headers = {} if key is None else {auth.HEADER: key}
        answer = httpx.get(on_sample + path.format(**KNOWN), headers=headers, trust_env=False)
        assert answer.status_code == 401, path
        assert answer.headers["WWW-Authenticate"] == "ApiKey", path
