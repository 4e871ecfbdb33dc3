"""Is a service ready? One check a kind, by HTTP or TCP: cheap enough to ask several times a second."""

import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import datetime
from http.client import HTTPException
from typing import Any

from alerts.heartbeat import HEARTBEAT, is_alive
from alerts.probes import KAFKA_API_VERSIONS
from ops.native.postgres import BINARIES
from ops.native.services import Service
from ops.native.stack import Stack
from ops.native.supervisor import State

TIMEOUT_SECONDS = 2.0
ZOOKEEPER_ARE_YOU_OK = b"ruok"
BEAT_WITHIN_SECONDS = 60.0
# supervisord counts in whole seconds.
CLOCK_SLACK_SECONDS = 1.0

Check = Callable[..., bool]
# Local addresses only: a proxy of the environment has no business here.
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


def is_ready(service: Service, stack: Stack, state: State) -> bool:
    """Return whether the service does its work by now. A check that cannot reach it says no."""
    kind, *arguments = service.ready
    try:
        return CHECKS[kind](stack, state, *arguments)
    except (OSError, ValueError, KeyError, HTTPException):
        # The last one: whoever has a port for the moment need not speak HTTP. Above 32768 that may be the asker itself.
        return False


def done(stack: Stack, state: State) -> bool:
    return state.ended_well


def running(stack: Stack, state: State, seconds: str) -> bool:
    return state.is_running and state.uptime >= float(seconds)


def http(stack: Stack, state: State, port: str, path: str) -> bool:
    """Check that it answers with a success."""
    return _get(stack.url(port) + path) is not None


def answers(stack: Stack, state: State, port: str, path: str) -> bool:
    """Check that it answers at all, even with "not found" or "the key is missing"."""
    try:
        return _get(stack.url(port) + path) is not None
    except urllib.error.HTTPError as error:
        return error.code < 500


def postgres(stack: Stack, state: State, port: str) -> bool:
    command = [f"{BINARIES}/pg_isready", "--quiet", "--host=127.0.0.1", f"--port={stack.port(port)}", "--timeout=2"]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def zookeeper(stack: Stack, state: State, port: str) -> bool:
    return _exchange(stack.port(port), ZOOKEEPER_ARE_YOU_OK) == b"imok"


def kafka(stack: Stack, state: State, port: str) -> bool:
    return len(_exchange(stack.port(port), KAFKA_API_VERSIONS)) == 4


def spark_worker(stack: Stack, state: State, master_ui: str) -> bool:
    """Check that the master lists a worker."""
    return int(_json(stack.url(master_ui) + "/json/")["aliveworkers"]) > 0


def heartbeat(stack: Stack, state: State) -> bool:
    """Check that the watcher has had a round lately, and since it was started."""
    beat = stack.alerts / HEARTBEAT
    return is_alive(stack.alerts, time.time()) and beat.stat().st_mtime >= state.started - CLOCK_SLACK_SECONDS


def beats(stack: Stack, state: State) -> bool:
    """Check that the service has touched its file of life lately, and since it was started."""
    beat = (stack.run / f"{state.name}.alive").stat().st_mtime
    return time.time() - beat < BEAT_WITHIN_SECONDS and beat >= state.started - CLOCK_SLACK_SECONDS


def airflow(stack: Stack, state: State, webserver: str, component: str) -> bool:
    """Check that the component's heartbeat is not one of the process before this one."""
    health = _json(stack.url(webserver) + "/api/v2/monitor/health")[component]
    heartbeat = health[f"latest_{component}_heartbeat"]
    return (
        health["status"] == "healthy"
        and heartbeat is not None
        and datetime.fromisoformat(heartbeat).timestamp() >= state.started - CLOCK_SLACK_SECONDS
    )


CHECKS: dict[str, Check] = {
    "done": done,
    "running": running,
    "http": http,
    "answers": answers,
    "postgres": postgres,
    "zookeeper": zookeeper,
    "kafka": kafka,
    "spark-worker": spark_worker,
    "airflow": airflow,
    "heartbeat": heartbeat,
    "beats": beats,
}


def _exchange(port: int, request: bytes) -> bytes:
    """Send a request to a local port, and return the first four bytes of the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_SECONDS) as connection:
        connection.sendall(request)
        return connection.recv(4, socket.MSG_WAITALL)


def _get(url: str) -> bytes:
    with _open(url, timeout=TIMEOUT_SECONDS) as response:
        body: bytes = response.read()
    return body


def _json(url: str) -> Any:
    return json.loads(_get(url))
