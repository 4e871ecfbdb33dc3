"""The client of the warm driver (batch/warm_driver.py): run a job in a Spark that has started already.

A job on it ends as under spark-submit: the same lines, the same last line, the same exit code. Whoever calls `run`
falls back to spark-submit when it returns None.
"""

import hashlib
import http.client
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from config.config import PROJECT_ROOT, SparkSettings
from config.exchange_days import extra_days_file
from config.universe import csv_named_in, universe_file
from config.universe_csv import UniverseError
from utils.command_line import failure_in

log = logging.getLogger(__name__)

DEFAULT_PORT = 7078
RUN_PATH = "/run"
# The driver sends an empty line this often while a job says nothing.
ALIVE_SECONDS = 5
SILENCE_SECONDS = 30
# What a job is made of. The driver keeps it in memory, so it must not serve whoever has another version of it.
CODE = ("batch", "config", "contract", "database", "utils")
KINDS = (".py", ".toml", ".csv")
# The error of a job that Spark itself failed. Another Spark may not meet it.
SPARK_FAILED = "Spark"


@dataclass(frozen=True)
class Outcome:
    """How a job ended. lines: all that it printed, standard error included."""

    exit_code: int
    lines: list[str]


def run(
    settings: SparkSettings, script: str, arguments: Sequence[str], show: Callable[[str], object] = lambda line: None
) -> Outcome | None:
    """Run a job of batch/ on the warm driver. Return None when there is none, or when it died on the way.

    show: is called with each line as it arrives
    """
    if not settings.driver_url:
        return None
    try:
        outcome = _run(settings, script, arguments, show)
    except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
        log.warning("the warm Spark driver at %s cannot be used: %s", settings.driver_url, error)
        return None
    if outcome.exit_code and _is_sparks_fault(outcome):
        log.warning("the job failed in the warm Spark driver, so it is tried in one of its own")
        return None
    return outcome


@cache
def code_digest(root: Path = PROJECT_ROOT, folders: Sequence[str] = CODE, kinds: Sequence[str] = KINDS) -> str:
    """Return the SHA-256 of the code that jobs run with, or of other files."""
    digest = hashlib.sha256()
    for path in sorted(path for folder in folders for path in (root / folder).rglob("*") if path.suffix in kinds):
        digest.update(f"{path.relative_to(root)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


@cache
def jobs_digest() -> str:
    """Return the SHA-256 of the code, the universe and the extra days that jobs run with, wherever these lie.

    By what the files have and not by their places, which are others in a container.
    """
    digest = hashlib.sha256(code_digest().encode())
    for path in _named_by_settings():
        digest.update(hashlib.sha256(path.read_bytes() if path.is_file() else b"").digest())
    return digest.hexdigest()


def _named_by_settings() -> Iterator[Path]:
    universe = universe_file()
    yield universe
    with suppress(UniverseError):  # a job says what is wrong with it
        if named := csv_named_in(universe):
            yield universe.parent / named
    yield extra_days_file()


def _run(settings: SparkSettings, script: str, arguments: Sequence[str], show: Callable[[str], object]) -> Outcome:
    address = urlsplit(settings.driver_url)
    body = json.dumps({"script": script, "arguments": list(arguments), "code": jobs_digest()})
    headers = {"Authorization": f"Bearer {settings.driver_token}", "Content-Type": "application/json"}
    connection = http.client.HTTPConnection(
        str(address.hostname), address.port or DEFAULT_PORT, timeout=SILENCE_SECONDS
    )
    with closing(connection):
        connection.request("POST", RUN_PATH, body, headers)
        response = connection.getresponse()
        if response.status != http.client.OK:
            raise ValueError(response.read().decode(errors="replace").strip() or response.reason)
        lines: list[str] = []
        for message in _messages(response):
            if "exit_code" in message:
                return Outcome(int(message["exit_code"]), lines)
            lines.append(message["line"])
            show(message["line"])
    raise ValueError("it ended before the job did")


def _messages(response: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
    for raw in response:
        if raw.strip():
            yield json.loads(raw)


def _is_sparks_fault(outcome: Outcome) -> bool:
    failure = failure_in(outcome.lines)
    # Without an object the job did not end by itself: a crash, or no memory.
    return failure is None or failure.code == SPARK_FAILED
