"""The memory of the whole platform at rest: proportional set sizes (PSS), which count a shared page once in all."""

import time
from collections.abc import Iterable
from contextlib import suppress

import psutil

from ops.bench.report import Target, step, table
from ops.errors import RunFailed
from ops.native.processes import left_behind
from ops.native.stack import Stack
from ops.native.supervisor import Supervisor

REST_SECONDS = 10
MB, GB = 10**6, 10**9


def measure(stack: Stack) -> list[Target]:
    sizes = sizes_at_rest(stack)
    total = sum(map(sum, sizes.values()))
    rows = [(name, str(len(pss)), f"{sum(pss) / MB:,.0f}") for name, pss in sizes.items() if pss]
    table(
        ("service", "processes", "PSS, MB"),
        [*rows, ("in all", str(sum(map(len, sizes.values()))), f"{total / MB:,.0f}")],
    )
    return [Target("memory of the whole platform at rest", total / GB, 3.2, " GB", at_most=True, digits=2)]


def sizes_at_rest(stack: Stack) -> dict[str, list[int]]:
    """Return the PSS of each process of each service in bytes, once what ran before has ended."""
    step(f"waiting {REST_SECONDS} s, so that what ran before has ended")
    time.sleep(REST_SECONDS)
    return {name: _sizes(processes) for name, processes in _processes(stack).items()}


def _processes(stack: Stack) -> dict[str, list[psutil.Process]]:
    """Return the processes of each service, of the supervisor, and any others with the stack's mark."""
    supervisor = Supervisor(stack)
    found = {state.name: _family(state.pid) for state in supervisor.states().values() if state.pid}
    known = {process.pid for family in found.values() for process in family}
    others = [process for process in left_behind(stack) if process.pid not in known]
    found["supervisord"] = [process for process in others if process.pid == supervisor.pid()]
    found["others (tasks that run just now)"] = [process for process in others if process.pid != supervisor.pid()]
    return found


def _family(pid: int) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    return []


def _sizes(processes: Iterable[psutil.Process]) -> list[int]:
    sizes = []
    for process in processes:
        try:
            sizes.append(int(process.memory_full_info().pss))
        except psutil.NoSuchProcess:
            continue
        except psutil.AccessDenied:
            raise RunFailed(f"process {process.pid} is another user's: run this as root or as that user") from None
    return sizes
