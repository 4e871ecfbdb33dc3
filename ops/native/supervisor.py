"""The supervisor of a stack: start it, ask it, tell it. It keeps the services; it outlives the shell."""

import http.client
import subprocess
import time
import xmlrpc.client
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psutil
from supervisor.xmlrpc import Faults, SupervisorTransport

from ops.errors import CannotStart, NotRunning
from ops.native import system_user
from ops.native.stack import VENV, Stack

START_SECONDS = 15
END_SECONDS = 15
STOPPING_POLL_SECONDS = 0.1
# States of a process, in supervisor's words.
RUNNING = frozenset({"STARTING", "RUNNING"})
STOPPING = "STOPPING"
UP = RUNNING | {"BACKOFF"}
DOWN = frozenset({"STOPPED", "EXITED", "FATAL", "UNKNOWN"})


@dataclass(frozen=True)
class State:
    """What the supervisor knows of one service; started is seconds since the epoch."""

    name: str
    name_of_state: str
    pid: int
    started: float
    uptime: float
    exit_status: int
    log_file: str
    spawn_error: str

    @property
    def is_up(self) -> bool:
        return self.name_of_state in UP

    @property
    def is_running(self) -> bool:
        return self.name_of_state in RUNNING

    @property
    def ended_well(self) -> bool:
        return self.name_of_state == "EXITED" and self.exit_status == 0 and self.started > 0


class Supervisor:
    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def is_alive(self) -> bool:
        try:
            self._call("supervisor.getState")
        except NotRunning:
            return False
        return True

    def start(self, environment: Mapping[str, str]) -> None:
        """Start supervisord, with no service yet."""
        self._stack.supervisor_socket.unlink(missing_ok=True)
        self._stack.supervisor_pid_file.unlink(missing_ok=True)
        command = [str(VENV / "bin" / "supervisord"), "-c", str(self._stack.run / "supervisord.conf")]
        started = subprocess.run(
            command, env=dict(environment), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if started.returncode:
            reason = [line for line in (started.stderr + started.stdout).splitlines() if line.startswith("Error")]
            raise CannotStart(f"supervisord did not start: {' '.join(reason)}")
        self._wait(lambda: self.is_alive(), "supervisord does not answer; see supervisord.log in the folder of logs")
        system_user.own(self._stack.supervisor_socket, system_user.ADMIN)  # the watcher asks it, too

    def pid(self) -> int:
        return int(self._call("supervisor.getPID"))

    def states(self) -> dict[str, State]:
        return {raw["name"]: _state(raw) for raw in self._call("supervisor.getAllProcessInfo")}

    def state(self, name: str) -> State:
        return _state(self._call("supervisor.getProcessInfo", name))

    def start_service(self, name: str) -> None:
        """Start a service, and one that is being stopped once it has stopped."""
        while self.state(name).name_of_state == STOPPING:
            time.sleep(STOPPING_POLL_SECONDS)
        try:
            self._call("supervisor.startProcess", name, False)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode != Faults.ALREADY_STARTED:
                raise CannotStart(f"{name} cannot be started: {fault.faultString}") from None

    def stop_service(self, name: str) -> None:
        try:
            self._call("supervisor.stopProcess", name, False)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode != Faults.NOT_RUNNING:
                raise

    def shut_down(self) -> None:
        """Ask supervisord to end, whose services have been stopped before, and wait for it."""
        with suppress(psutil.NoSuchProcess, psutil.TimeoutExpired):
            process = psutil.Process(self.pid())
            self._call("supervisor.shutdown")
            process.wait(END_SECONDS)

    def _call(self, method: str, *arguments: Any) -> Any:
        # A connection of its own each time: callers are threads, and the supervisor may come and go.
        transport = SupervisorTransport(serverurl=f"unix://{self._stack.supervisor_socket}")
        proxy = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
        try:
            return getattr(proxy, method)(*arguments)
        except (OSError, http.client.HTTPException):
            raise self._is_gone() from None
        except xmlrpc.client.Fault as fault:
            if fault.faultCode == Faults.BAD_NAME:
                raise NotRunning(
                    f"the version that runs has no service {arguments[0]}: ./start.sh stop, then start again"
                ) from None
            raise (self._is_gone() if fault.faultCode == Faults.SHUTDOWN_STATE else fault) from None
        finally:
            transport.close()

    def _is_gone(self) -> NotRunning:
        return NotRunning(f"the platform in {self._stack.home} is not running: ./start.sh starts it")

    def _wait(self, ready: Any, complaint: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if time.monotonic() > deadline:
                raise CannotStart(complaint)
            time.sleep(0.05)


def _state(raw: Mapping[str, Any]) -> State:
    return State(
        name=raw["name"],
        name_of_state=raw["statename"],
        pid=raw["pid"],
        started=float(raw["start"]),
        uptime=float(raw["now"] - raw["start"]) if raw["statename"] in RUNNING else 0.0,
        exit_status=raw["exitstatus"],
        log_file=raw["stdout_logfile"],
        spawn_error=raw["spawnerr"],
    )
