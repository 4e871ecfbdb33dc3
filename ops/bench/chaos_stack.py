"""A stack that is made to be disturbed, beside the platform's: fresh, on ports of its own, and gone afterwards."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ops.bench.chaos_disk import Disk
from ops.bench.chaos_faults import DISK_FULL
from ops.bench.chaos_field import Field
from ops.bench.report import step
from ops.errors import CannotStart, NotRunning, RunFailed
from ops.native.control import start, stop
from ops.native.stack import TOOLS, DataSource, Stack

# Beside those of the platform and of the tests, and below the ports that the kernel gives out.
PORTS_BESIDE = 22500
SETTINGS = {
    # The door that the source shuts opens again about as soon as other faults are over.
    "YAHOO_COOLDOWN_SECONDS": "20",
    # No run but those that are asked for.
    "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "False",
    # A disk of its own (chaos_disk.py) has more.
    "DISK_FREE_MB": "1000",
    # Nobody is told of what is done on purpose.
    "ALERT_URLS": "",
    "ALERT_HEARTBEAT_URL": "",
}


@contextmanager
def chaos_field(wants_disk: bool = False) -> Iterator[Field]:
    """Start the stack, and take it down at the end. Its logs stay.

    wants_disk: on a disk of its own, if it can have one
    """
    stack = Stack(TOOLS / "chaos", Stack.from_env().port_offset + PORTS_BESIDE, DataSource("simulated"))
    os.environ.update(SETTINGS)
    _take_down(stack)
    shutil.rmtree(stack.data, ignore_errors=True)
    disk = _own_disk(stack) if wants_disk else None
    try:
        if start(stack):
            raise RunFailed(f"the stack for the faults does not come up: its logs are in {stack.logs}")
        yield Field(stack, disk=disk)
    finally:
        _take_down(stack)
        if disk:
            disk.unmount()
        shutil.rmtree(stack.data, ignore_errors=True)


def _own_disk(stack: Stack) -> Disk | None:
    try:
        return Disk.mounted(stack.data)
    except CannotStart as error:
        step(f"{DISK_FULL!r} is left out: {error}")
        return None


def _take_down(stack: Stack) -> None:
    with suppress(NotRunning):
        stop(stack)
