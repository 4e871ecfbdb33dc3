"""Stop a stack: each service once those that need it have stopped, then the supervisor, then what is left over."""

import time
from collections.abc import Mapping
from contextlib import suppress

from ops.console import console, done
from ops.errors import NotRunning
from ops.native import processes
from ops.native.services import Service, stopped_before
from ops.native.stack import Stack
from ops.native.supervisor import DOWN, Supervisor

POLL_SECONDS = 0.2


def take_down(stack: Stack, services: Mapping[str, Service]) -> None:
    supervisor = Supervisor(stack)
    with suppress(NotRunning):  # there is none, or it has just ended
        _stop_in_order(supervisor, services)
        supervisor.shut_down()
    processes.end_left_behind(stack)
    stack.forget()


def _stop_in_order(supervisor: Supervisor, services: Mapping[str, Service]) -> None:
    """Stop each service after those that rely on it, and once more whichever was just being tried again."""
    blockers = stopped_before(services)
    asked: dict[str, float] = {}
    with console.status("") as status:
        while up := _up(supervisor, services):
            for name in sorted(asked.keys() - up):
                done(name, time.monotonic() - asked.pop(name), "stopped")
            for name in sorted(up - asked.keys()):
                if up.isdisjoint(blockers[name]):
                    supervisor.stop_service(name)
                    asked[name] = time.monotonic()
            status.update(f"[dim]stopping {', '.join(sorted(up))}[/]")
            time.sleep(POLL_SECONDS)
    for name in sorted(asked):
        done(name, time.monotonic() - asked[name], "stopped")


def _up(supervisor: Supervisor, services: Mapping[str, Service]) -> set[str]:
    states = supervisor.states()
    return {name for name, state in states.items() if name in services and state.name_of_state not in DOWN}
