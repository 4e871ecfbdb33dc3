"""Start services in parallel, each as soon as what it needs is ready, and tell of each one."""

import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from ops.console import console, done, failed, say
from ops.errors import CannotStart, OpsError
from ops.native import configure, processes, swap
from ops.native.environment import LOOPBACK, service_environment, shared_environment
from ops.native.health import is_ready
from ops.native.java import java_home
from ops.native.services import Service, starting_order
from ops.native.stack import Stack
from ops.native.supervisor import Supervisor

POLL_SECONDS = 0.25
LAST_LINE_BYTES = 4000
# How often a start looks whether a service is at work, in its time; how much work counts as such; and the time at most.
LOOKS = 6
AT_WORK_SECONDS = 0.02
LONGEST = 10


@dataclass(frozen=True)
class Outcome:
    service: Service
    seconds: float
    problem: str | None = None


def bring_up(stack: Stack, services: Mapping[str, Service]) -> list[Outcome]:
    """Start the services that are not up. One that fails holds up only those that need it."""
    supervisor = Supervisor(stack)
    if not supervisor.is_alive():
        _start_supervisor(stack, supervisor, services)
    return _Startup(stack, supervisor, services).run()


def wait_ready(
    stack: Stack, supervisor: Supervisor, service: Service, interrupted: threading.Event | None = None
) -> None:
    """Wait until the service is ready, if it is one to wait for. CannotStart says why it will not be.

    interrupted: set when nobody waits any more
    """
    interrupted = interrupted or threading.Event()
    if not service.wait_seconds:
        return
    patience = _Patience(service)
    while True:
        state = supervisor.state(service.name)
        if is_ready(service, stack, state):
            return
        if state.name_of_state in ("FATAL", "EXITED", "STOPPED"):
            raise CannotStart(last_words(Path(state.log_file)) or state.spawn_error or "it ended without a word")
        if patience.is_over(state.pid):
            raise CannotStart(f"not ready after {patience.seconds:.0f} s: {last_words(Path(state.log_file))}")
        if interrupted.wait(POLL_SECONDS):
            raise CannotStart("interrupted")


class _Patience:
    """How long a service is waited for: its own time, and ten times that while its processes are at work.

    On a machine with other work a start takes many times as long. One that is given up there has to be begun again.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._began = time.monotonic()
        self._until = self._began + service.wait_seconds
        self._look_every = service.wait_seconds / LOOKS
        self._next_look = self._began + self._look_every
        self._worked = 0.0

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def is_over(self, pid: int) -> bool:
        """Tell whether to give the service up. pid: of its first process, or 0 without one."""
        now = time.monotonic()
        if now >= self._next_look:
            self._look(pid, now)
        return now > min(self._until, self._began + self._service.wait_seconds * LONGEST)

    def _look(self, pid: int, now: float) -> None:
        worked = processes.cpu_seconds(pid)
        if worked - self._worked > AT_WORK_SECONDS and (following := now + 2 * self._look_every) > self._until:
            if self._until == self._began + self._service.wait_seconds:
                say(f"  … {self._service.name} takes longer than {self._service.wait_seconds} s on a busy machine")
            self._until = following
        self._worked, self._next_look = worked, now + self._look_every


def last_words(log_file: Path) -> str:
    """Return the last line that a service wrote."""
    if not log_file.exists():
        return ""
    with log_file.open("rb") as file:
        file.seek(max(0, log_file.stat().st_size - LAST_LINE_BYTES))
        lines = file.read().decode(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else ""


def _start_supervisor(stack: Stack, supervisor: Supervisor, services: Mapping[str, Service]) -> None:
    stack.run.mkdir(parents=True, exist_ok=True)
    swap.finish(stack)  # what a restore had begun
    if processes.end_left_behind(stack):  # of a start or a stop that was cut off
        processes.wait_until_free(stack)
    processes.require_free_ports(stack, [port for service in services.values() for port in service.ports])
    environment = service_environment(stack, java_home())
    if environment.get("ACTSTOCK_BIND_INSIDE", LOOPBACK) != LOOPBACK:
        say(f"ACTSTOCK_BIND_INSIDE is for containers: natively what is not for people stays on {LOOPBACK}")
    configure.prepare(stack, environment)
    stack.remember()
    supervisor.start(shared_environment(environment))


class _Startup:
    """One thread a service: it waits for what the service needs, starts it, and waits until it is ready."""

    def __init__(self, stack: Stack, supervisor: Supervisor, services: Mapping[str, Service]) -> None:
        self._stack = stack
        self._supervisor = supervisor
        self._services = services
        self._pending = set(services)
        self._lock = threading.Lock()
        self._interrupted = threading.Event()
        self._status = console.status("")

    def run(self) -> list[Outcome]:
        outcomes: dict[str, Future[Outcome]] = {}
        with self._status, ThreadPoolExecutor(max_workers=len(self._services)) as pool:
            self._tell_pending()
            for name in starting_order(self._services):
                service = self._services[name]
                needs = [outcomes[need] for need in service.needs if need in outcomes]
                outcomes[name] = pool.submit(self._start, service, needs)
            try:
                wait(outcomes.values())
            except KeyboardInterrupt:
                self._interrupted.set()  # else the pool, at its end, would wait for all of them
                raise
        return [outcome.result() for outcome in outcomes.values()]

    def _start(self, service: Service, needs: list[Future[Outcome]]) -> Outcome:
        missing = [need.result().service.name for need in needs if need.result().problem]
        began = time.monotonic()
        problem = f"not started: it needs {', '.join(missing)}" if missing else self._try(service)
        outcome = Outcome(service, time.monotonic() - began, problem)
        self._tell(outcome)
        return outcome

    def _try(self, service: Service) -> str | None:
        try:
            state = self._supervisor.state(service.name)
            if not state.is_up and not (service.is_one_shot and state.ended_well):
                self._supervisor.start_service(service.name)
            wait_ready(self._stack, self._supervisor, service, self._interrupted)
        except OpsError as error:
            return str(error)
        return None

    def _tell(self, outcome: Outcome) -> None:
        name = outcome.service.name
        with self._lock:
            self._pending.discard(name)
            if self._interrupted.is_set():
                return
            if outcome.problem:
                failed(name, outcome.problem)
            else:
                done(name, outcome.seconds, self._address(outcome.service))
            self._tell_pending()

    def _tell_pending(self) -> None:
        self._status.update(f"[dim]waiting for {', '.join(sorted(self._pending))}[/]")

    def _address(self, service: Service) -> str:
        if not service.wait_seconds:
            return "gets ready in the background"
        return " ".join(f"127.0.0.1:{self._stack.port(port)}" for port in service.ports)
