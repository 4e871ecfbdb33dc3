"""A stack that is made to be disturbed, beside the platform's: fresh, on ports of its own, and gone afterwards."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ops.bench.chaos_field import Field
from ops.errors import NotRunning, RunFailed
from ops.native.control import start, stop
from ops.native.stack import TOOLS, DataSource, Stack

# Beside those of the platform and of the tests, and below the ports that the kernel gives out.
PORTS_BESIDE = 22500
SETTINGS = {
    # The door that the source shuts opens again about as soon as other faults are over.
    "YAHOO_COOLDOWN_SECONDS": "20",
    # No run but those that are asked for.
    "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "False",
    # Nobody is told of what is done on purpose.
    "ALERT_URLS": "",
    "ALERT_HEARTBEAT_URL": "",
}


@contextmanager
def chaos_field() -> Iterator[Field]:
    """Start the stack, and take it down at the end. Its logs stay."""
    stack = Stack(TOOLS / "chaos", Stack.from_env().port_offset + PORTS_BESIDE, DataSource("simulated"))
    os.environ.update(SETTINGS)
    _take_down(stack)
    shutil.rmtree(stack.data, ignore_errors=True)
    try:
        if start(stack):
            raise RunFailed(f"the stack for the faults does not come up: its logs are in {stack.logs}")
        yield Field(stack)
    finally:
        _take_down(stack)
        shutil.rmtree(stack.data, ignore_errors=True)


def _take_down(stack: Stack) -> None:
    with suppress(NotRunning):
        stop(stack)
