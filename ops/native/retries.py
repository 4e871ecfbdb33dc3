"""Loaded by supervisord: what should stay up is started again for as long as it takes.

By itself supervisord gives up what has ended four times as soon as it was started (FATAL). A full disk, a taken port or
a database that is away lasts longer. Such a service stays FATAL, so that this is told of it, and has one more try at a
time.
"""

import time
from types import SimpleNamespace
from typing import Any

from supervisor import events
from supervisor.states import ProcessStates, SupervisorStates


def begin(supervisord: Any, pause_seconds: str) -> SimpleNamespace:
    """Begin to try again. Return the methods that this adds to supervisord: none."""
    events.subscribe(events.Tick5Event, lambda tick: _try_again(supervisord, float(pause_seconds)))
    return SimpleNamespace()


def _try_again(supervisord: Any, pause: float) -> None:
    if supervisord.options.mood != SupervisorStates.RUNNING:
        return
    for group in supervisord.process_groups.values():
        for process in group.processes.values():
            is_given_up = process.get_state() == ProcessStates.FATAL and process.config.autorestart
            if is_given_up and time.time() - process.laststart >= pause:
                process.backoff = process.config.startretries  # it is FATAL again where this try fails, too
                process.spawn()
