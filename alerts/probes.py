"""Does a service answer, and is there room? One question each, with a time limit, and no client library."""

import shutil
import socket
import struct
import time
import urllib.error
import urllib.request
import xmlrpc.client
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from alerts.observed import Room, Service

TIMEOUT_SECONDS = 5.0
LOOP_SECONDS = 900.0
# Kafka's ApiVersions request, version 0, from a client without a name: answered once the broker serves.
KAFKA_API_VERSIONS = struct.pack(">ihhih", 10, 18, 0, 1, -1)
MEGABYTE = 2**20
# In supervisor's words. Who was stopped by hand is not missed. Who is tried again and again is STARTING now and then.
GIVEN_UP = ("BACKOFF", "FATAL")
DOWN = ("STARTING", "UNKNOWN", *GIVEN_UP)
# The services are neighbours: a proxy of the environment has no business here.
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


def broker_problem(bootstrap_servers: str) -> str:
    """Return why no broker answers, or nothing."""
    problem = "no broker is named"
    for address in filter(None, map(str.strip, bootstrap_servers.split(","))):
        host, _, port = address.rpartition(":")
        try:
            with socket.create_connection((host, int(port)), timeout=TIMEOUT_SECONDS) as connection:
                connection.sendall(KAFKA_API_VERSIONS)
                if len(connection.recv(4, socket.MSG_WAITALL)) == 4:
                    return ""
                problem = f"{address} ends the connection"
        except (OSError, ValueError) as error:
            problem = f"{address}: {error}"
    return problem


class AirflowPart(Struct):
    """What Airflow says of a part. status: None, this Airflow has no such part."""

    status: str | None = None


def airflow_components(url: str) -> dict[str, bool]:
    """Return which parts of Airflow are well, or nothing when the webserver does not answer."""
    try:
        with _open(f"{url}/api/v2/monitor/health", timeout=TIMEOUT_SECONDS) as answer:
            said = msgspec.json.decode(answer.read(), type=dict[str, AirflowPart])
    except (OSError, HTTPException, msgspec.DecodeError):
        return {}
    return {name: part.status == "healthy" for name, part in said.items() if part.status}


def call(url: str, timeout: float = 10.0) -> str:
    """Ask for an address outside, and return what went wrong, or nothing."""
    try:
        with urllib.request.urlopen(url, timeout=timeout):
            return ""
    except (OSError, HTTPException, ValueError) as error:
        return type(error).__name__


def disk(folder: Path) -> Room:
    """Return the room on a folder's disk, whether the folder is there yet or not."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    return Room(shutil.disk_usage(existing).free // MEGABYTE, str(folder))


def memory(meminfo: Path = Path("/proc/meminfo")) -> Room | None:
    """Return the memory that programs can still have, or None where the kernel does not say it."""
    try:
        lines = meminfo.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    available = [int(line.split()[1]) // 1024 for line in lines if line.startswith("MemAvailable:")]
    return Room(available[0]) if available else None


class Services:
    """Sees the services from round to round, so that it knows how often one has started lately."""

    def __init__(self, socket_path: str, addresses: Mapping[str, str], starts: Path | None = None) -> None:
        """Look through supervisord's socket, or, where there is none, at addresses by name and at what notes starts."""
        self._socket = socket_path
        self._addresses = addresses
        self._noted = starts
        self._starts: dict[str, set[float]] = {}

    def look(self) -> list[Service] | None:
        """Return every service. None: the supervisor does not answer."""
        if not self._socket:
            return self._in_containers()
        try:
            return [self._by_state(raw) for raw in process_infos(self._socket)]
        except (OSError, HTTPException, xmlrpc.client.Error):
            return None

    def _by_state(self, raw: Mapping[str, Any]) -> Service:
        failed = raw["statename"] == "EXITED" and raw["exitstatus"] != 0
        is_down = raw["statename"] in DOWN
        # Whoever ends as soon as it is started is down, and in no loop of restarts.
        has_come_up = raw["start"] and raw["statename"] not in GIVEN_UP
        starts = self._count(raw["name"], float(raw["start"])) if has_come_up else 0
        return Service(raw["name"], not failed and not is_down, starts)

    def _in_containers(self) -> list[Service]:
        """Look at the services in other containers. Of one without an address only its starts are seen."""
        starts = noted_starts(self._noted, time.time() - LOOP_SECONDS) if self._noted else {}
        return [
            Service(name, name not in self._addresses or answers(self._addresses[name]), starts.get(name, 0))
            for name in dict.fromkeys((*self._addresses, *sorted(starts)))
        ]

    def _count(self, name: str, start: float) -> int:
        """Count the starts of the last minutes, this one among them."""
        known = self._starts.get(name, set()) | {start}
        self._starts[name] = {moment for moment in known if time.time() - moment <= LOOP_SECONDS}
        return len(self._starts[name])


def noted_starts(folder: Path, since: float) -> dict[str, int]:
    """Return how often a container of each service has started since a moment: of several the one that did most often.

    folder: a file for each container, SERVICE.CONTAINER, with a line for each start (see docker-compose.yml)
    """
    found: dict[str, int] = {}
    for file in folder.glob("*.*"):
        service = file.name.rpartition(".")[0]
        try:
            moments = [int(line) for line in file.read_text(encoding="ascii").splitlines()]
        except (OSError, ValueError):
            continue  # whoever can write there can write nonsense
        found[service] = max(found.get(service, 0), sum(moment >= since for moment in moments))
    return found


def answers(url: str) -> bool:
    """Return whether a server answers, be it with a refusal."""
    try:
        with _open(url, timeout=TIMEOUT_SECONDS):
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500
    except (OSError, HTTPException, ValueError):
        return False


def process_infos(socket_path: str) -> list[dict[str, Any]]:
    """Ask supervisord for all its processes."""
    with xmlrpc.client.ServerProxy("http://localhost", transport=_OverSocket(socket_path)) as supervisor:
        infos: Any = supervisor.supervisor.getAllProcessInfo()
    return list(infos)


class _OverSocket(xmlrpc.client.Transport):
    """XML-RPC over a Unix socket. The supervisor's own client would import all of the supervisor."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: object) -> HTTPConnection:
        connection = HTTPConnection("localhost", timeout=TIMEOUT_SECONDS)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(TIMEOUT_SECONDS)
        connection.sock.connect(self._path)
        return connection
