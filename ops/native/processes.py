"""Processes of this machine: who holds a port, and which ones a killed supervisor left behind."""

import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress

import psutil

from ops.console import say
from ops.errors import CannotStart, CannotStop
from ops.native.compose import ports
from ops.native.environment import MARK
from ops.native.stack import Stack

GRACE_SECONDS = 20
# A killed process ends at once, but on a busy machine. It may have started others until then.
KILLED_SECONDS = 10
ROUNDS = 20
POSTGRES_FAST_STOP = signal.SIGINT


def left_behind(stack: Stack) -> list[psutil.Process]:
    """Return the processes that carry this stack's mark or run on its data, but for whoever asks."""
    asking = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    return [process for process in psutil.process_iter() if process.pid not in asking and _belongs(process, stack)]


def end_left_behind(stack: Stack) -> bool:
    """End what has no supervisor any more, and what that starts meanwhile. Return whether there was anything.

    CannotStop names the processes that go on all the same.
    """
    if not (found := left_behind(stack)):
        return False
    say(f"Ending {len(found)} processes that have no supervisor any more")
    _end(found)
    for _ in range(ROUNDS):
        if not (found := left_behind(stack)):
            return True
        _kill(found)
    pids = ", ".join(str(process.pid) for process in found)
    raise CannotStop(f"these processes go on although they were killed: {pids}. Try again: ./start.sh stop")


def _end(found: list[psutil.Process]) -> None:
    """Ask them to end, and kill after the grace period those that did not."""
    for process in found:
        _send(process, POSTGRES_FAST_STOP if _name(process) == "postgres" else signal.SIGTERM)
    _, stubborn = psutil.wait_procs(found, timeout=GRACE_SECONDS)
    _kill(stubborn)


def _kill(found: list[psutil.Process]) -> None:
    for process in found:
        _send(process, signal.SIGKILL)
    psutil.wait_procs(found, timeout=KILLED_SECONDS)


def require_free_ports(stack: Stack, names: Iterable[str]) -> None:
    """Raise CannotStart with every port that is taken, and by whom."""
    holders = _listeners()
    busy = [name for name in names if stack.port(name) in holders]
    if busy:
        lines = [
            f"port {stack.port(name)} for {name} is taken by {_describe(holders[stack.port(name)])}" for name in busy
        ]
        raise CannotStart(
            "\n".join(lines)
            + "\nEnd that process, or move all ports of the platform: ACTSTOCK_PORT_OFFSET=100 ./start.sh"
        )


def wait_until_free(stack: Stack, seconds: float = 5.0) -> None:
    """Wait for the ports: a socket is let go a moment after its process has ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and any(stack.port(name) in _listeners() for name in ports()):
        time.sleep(0.2)


def _belongs(process: psutil.Process, stack: Stack) -> bool:
    try:
        if process.environ().get(MARK) == str(stack.home):
            return True
        # PostgreSQL writes its titles over its environment. Its program and the test stack are below the home, too.
        data = f"{stack.home}/data/"
        return process.name() == "postgres" and any(part.startswith(data) for part in process.cmdline())
    except psutil.Error:
        return False


def _listeners() -> dict[int, int | None]:
    """Return the listening TCP ports, with the process where we may know it."""
    connections = psutil.net_connections(kind="tcp")
    return {found.laddr.port: found.pid for found in connections if found.status == psutil.CONN_LISTEN}


def _describe(pid: int | None) -> str:
    if pid is None:
        return "another process (of another user: `ss -ltnp` as root tells which)"
    try:
        command = " ".join(psutil.Process(pid).cmdline()) or _name(psutil.Process(pid))
    except psutil.Error:
        return f"process {pid}"
    return f"process {pid}: {command[:80]}"


def _name(process: psutil.Process) -> str:
    try:
        return str(process.name())
    except psutil.Error:
        return ""


def _send(process: psutil.Process, number: signal.Signals) -> None:
    with suppress(psutil.NoSuchProcess):
        process.send_signal(number)


def cpu_seconds(pid: int) -> float:
    """Return how long a process and its children have been at work. 0 without such a process."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        return sum(map(_cpu_seconds, [process, *process.children(recursive=True)]))
    return 0.0


def _cpu_seconds(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        times = process.cpu_times()
        # With what its children did that have ended.
        return float(sum(times[:4]))
    return 0.0
