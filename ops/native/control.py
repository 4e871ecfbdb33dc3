"""Start, stop and watch a stack: the commands that do not touch the pipeline."""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from config.config import PROJECT_ROOT
from config.universe import load, universe_file
from ops.console import done, failed, say
from ops.errors import CannotStart, NotRunning, OpsError
from ops.native.environment import chosen_settings, client_environment, service_environment
from ops.native.health import is_ready
from ops.native.install import ensure_platform
from ops.native.java import java_home
from ops.native.processes import left_behind
from ops.native.services import Service, find, read_services, wanted, with_needs
from ops.native.shutdown import take_down
from ops.native.stack import DataSource, Stack
from ops.native.startup import bring_up, wait_ready
from ops.native.supervisor import STOPPING, State, Supervisor

FOLLOW_SECONDS = 0.3
# What is said of a service that is not ready, by its state.
WORDS = {
    "RUNNING": "not ready",
    "FATAL": "failed",
    "EXITED": "ended",
    "BACKOFF": "restarting",
    STOPPING: "stopping",
}


def up(source: DataSource | None = None, only: Sequence[str] | None = None) -> int:
    """Start a stack, or what is missing of it. Return 1 when a service did not come up."""
    return start(Stack.wanted(source or DataSource()), only)


def start(stack: Stack, only: Sequence[str] | None = None) -> int:
    """Start a stack that is known already."""
    chosen = services_of(stack)
    if only:
        chosen = with_needs(chosen, only)
    with alone(stack):
        require_same(stack)
        _require_universe(stack)
        ensure_platform()
        if _all_ready(stack, chosen):
            say("Already running.")
            return 0
        began = time.monotonic()
        say(f"Starting {len(chosen)} services on {describe(stack.source)}; state and logs are in {stack.home}")
        problems = [outcome.service.name for outcome in bring_up(stack, chosen) if outcome.problem]
    if problems:
        say(
            f"[red]Not everything is up[/]: {', '.join(problems)}. Why: ./start.sh logs SERVICE. Then: ./start.sh again"
        )
        return 1
    say(f"Up in {time.monotonic() - began:.0f} s. ./start.sh status shows the addresses, ./start.sh stop ends it.")
    return 0


def stop(stack: Stack | None = None) -> int:
    stack = stack or Stack.from_env()
    with alone(stack):
        take_down(stack, read_services())
    say("Stopped.")
    return 0


def status() -> int:
    """Print one line for each service, and return 0 when all that should run is ready."""
    stack = running_stack()
    supervisor = Supervisor(stack)
    services = services_of(stack)
    all_ready = True
    states = supervisor.states()
    say(f"{describe(stack.source)}; state and logs in {stack.home}")
    say(f"  [bold]{'service':<22} {'state':<12} {'since':<12} {'pid':>8}  address[/]")
    for name, service in services.items():
        state = states.get(name, _not_there(name))
        word = _word(service, stack, state)
        all_ready &= word in ("ready", "done", "not started")
        say(f"  {name:<22} {_coloured(word)} {_since(state):<12} {state.pid or '':>8}  {_addresses(stack, service)}")
    if not stack.runs_this_version:
        say("[yellow]Another version than the one in this folder runs[/]: ./start.sh stop, then start again")
    return 0 if all_ready else 1


def logs(name: str, lines: int, follow: bool) -> int:
    stack = Stack.from_env()
    service = find(read_services(), name)
    path = stack.logs / f"{service.name}.log"
    if not path.exists():
        raise NotRunning(f"{name} has not written anything yet ({path} does not exist)")
    text = path.read_text(encoding="utf-8", errors="replace").splitlines()
    for line in text[-lines:]:
        print(line)
    if follow:
        _follow(path)
    return 0


def execute(words: Sequence[str]) -> NoReturn:
    """Replace this process by a command, with the environment of the stack's services."""
    if not words:
        raise OpsError("exec wants a command: ./start.sh exec python -m consumer.replay_errors")
    environment = service_environment(running_stack(), java_home())
    program = shutil.which(words[0], path=environment["PATH"])
    if program is None:
        raise OpsError(f"exec: there is no program {words[0]!r}")
    os.execve(program, list(words), environment)


def restart(name: str) -> int:
    stack = running_stack()
    service = find(services_of(stack), name)
    _require_universe(stack)
    supervisor = Supervisor(stack)
    began = time.monotonic()
    supervisor.stop_service(name)
    supervisor.start_service(name)
    try:
        wait_ready(stack, supervisor, service)
    except OpsError as error:
        failed(name, f"{error}  (./start.sh logs {name})")
        return 1
    done(name, time.monotonic() - began, "restarted")
    return 0


def install() -> int:
    ensure_platform()
    say("Everything that the platform needs is installed.")
    return 0


def services_of(stack: Stack) -> dict[str, Service]:
    """Return the services that belong to this stack and its market."""
    return wanted(read_services(), os.environ | client_environment(stack))


def running_stack() -> Stack:
    """Return the stack that is up. NotRunning says that there is none."""
    stack = Stack.from_env()
    if not Supervisor(stack).is_alive():
        orphans = left_behind(stack)
        if orphans:
            raise NotRunning(
                f"the supervisor of {stack.home} was killed and {len(orphans)} processes of it go on: "
                "./start.sh starts afresh, ./start.sh stop ends them"
            )
        raise NotRunning(f"the platform in {stack.home} is not running: ./start.sh starts it")
    return stack


def describe(source: DataSource) -> str:
    if source.folder:
        return f"the recorded market in {source.folder}"
    return "live Yahoo" if source.kind == "yahoo" else "the invented market"


@contextmanager
def alone(stack: Stack) -> Iterator[None]:
    """Allow one start or stop of a stack at a time."""
    stack.run.mkdir(parents=True, exist_ok=True)
    with (stack.run / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStart(
                f"another start or stop of {stack.home} is under way: wait for it, then try again"
            ) from None
        yield


def require_same(stack: Stack) -> None:
    """Refuse another market, other ports or another version while the stack is up."""
    current = Stack.started_in(stack.home)
    if not current or not Supervisor(current).is_alive():
        return
    if current.source != stack.source:
        raise CannotStart(f"the platform is running on {describe(current.source)}: ./start.sh stop, then start again")
    if current != stack:
        raise CannotStart(f"the platform is running with ports moved by {current.port_offset}: ./start.sh stop first")
    if not current.runs_this_version:
        raise CannotStart(
            "the platform is running in another version than the one in this folder: ./start.sh stop, then start again"
        )


def _require_universe(stack: Stack) -> None:
    """Raise UniverseError before a service ends at a wrong universe, with the sentence in its log alone."""
    # From the same folder as the services do, wherever the command was given.
    load(PROJECT_ROOT / universe_file(chosen_settings(stack)))


def _all_ready(stack: Stack, services: dict[str, Service]) -> bool:
    supervisor = Supervisor(stack)
    if not supervisor.is_alive():
        return False
    states = supervisor.states()
    return all(
        states[name].name_of_state != STOPPING and is_ready(service, stack, states[name])
        for name, service in services.items()
    )


def _not_there(name: str) -> State:
    """Return the state of a service that came with a later version than the one that runs."""
    return State(name, "STOPPED", 0, 0, 0, 0, "", "")


def _word(service: Service, stack: Stack, state: State) -> str:
    if service.is_one_shot and state.name_of_state == "EXITED":
        return "done" if state.ended_well else "failed"
    if state.name_of_state == "STOPPED":
        return "not started" if not state.started else "stopped"
    if state.is_running and is_ready(service, stack, state):
        return "ready"
    return WORDS.get(state.name_of_state, "starting")


def _coloured(word: str) -> str:
    colour = {"ready": "green", "done": "green", "not started": "dim", "failed": "red", "ended": "red"}.get(
        word, "yellow"
    )
    return f"[{colour}]{word:<12}[/]"


def _since(state: State) -> str:
    return time.strftime("%m-%d %H:%M", time.localtime(state.started)) if state.is_up else ""


def _addresses(stack: Stack, service: Service) -> str:
    return " ".join(f"127.0.0.1:{stack.port(port)}" for port in service.ports)


def _follow(path: Path) -> None:
    """Print new lines as they come, also after the supervisor has begun a new file."""
    file = path.open(encoding="utf-8", errors="replace")
    file.seek(0, os.SEEK_END)
    try:
        while True:
            text = file.read()
            if text:
                print(text, end="", flush=True)
            elif path.exists() and os.fstat(file.fileno()).st_ino != path.stat().st_ino:
                file.close()
                file = path.open(encoding="utf-8", errors="replace")
            else:
                time.sleep(FOLLOW_SECONDS)
    finally:
        file.close()
