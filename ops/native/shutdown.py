"""Stop a stack: each service once those that need it have stopped, then the supervisor, then what is left over."""

import time
from collections.abc import Mapping

from ops.console import console, done, say
from ops.native import processes
from ops.native.services import Service, stopped_before
from ops.native.stack import Stack
from ops.native.supervisor import DOWN, Supervisor

POLL_SECONDS = 0.2


def take_down(stack: Stack, services: Mapping[str, Service]) -> None:
    supervisor = Supervisor(stack)
    if supervisor.is_alive():
        _stop_in_order(supervisor, services)
        supervisor.shut_down()
    leftover = processes.left_behind(stack)
    if leftover:
        say(f"Ending {len(leftover)} processes that had no supervisor any more")
        processes.end(leftover)
    stack.forget()


def _stop_in_order(supervisor: Supervisor, services: Mapping[str, Service]) -> None:
    blockers = stopped_before(services)
    asked: dict[str, float] = {}
    pending = {
        name for name, state in supervisor.states().items() if name in services and state.name_of_state not in DOWN
    }
    with console.status("") as status:
        while pending:
            states = supervisor.states()
            for name in sorted(pending):
                if name in asked and states[name].name_of_state in DOWN:
                    pending.discard(name)
                    done(name, time.monotonic() - asked[name], "stopped")
                elif name not in asked and pending.isdisjoint(blockers[name]):
                    supervisor.stop_service(name)
                    asked[name] = time.monotonic()
            status.update(f"[dim]stopping {', '.join(sorted(pending))}[/]")
            time.sleep(POLL_SECONDS)
