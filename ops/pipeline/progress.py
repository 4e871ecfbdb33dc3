"""How far a line of steps is, and about how long it will still take."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ops.console import console, say

# How much the expectation counts against what is measured: after so many seconds of work, as much.
TRUST_SECONDS = 15.0
TELL_EVERY_SECONDS = 15.0


@dataclass(frozen=True)
class Work:
    """The expected time of a step. parts: the number of similar things that it reports one by one (0: none)."""

    seconds: float
    parts: int = 0


class Progress(logging.Handler):
    """Shows the step, its last finished part, and the time left. Parts arrive through the log, as to any handler."""

    def __init__(self, works: Sequence[Work], clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._works = works
        self._clock = clock
        self._began = self._told_at = clock()
        self._step = 0
        self._parts_done = 0
        self._status = console.status("")

    def __enter__(self) -> "Progress":
        logging.getLogger().addHandler(self)
        self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._status.stop()
        logging.getLogger().removeHandler(self)

    def begin(self, number: int, name: str) -> None:
        """Show a step. number: how many of the expected ones are over."""
        self._step, self._parts_done = number, 0
        self._show(name)

    def emit(self, record: logging.LogRecord) -> None:
        if hasattr(record, "progress"):
            self._parts_done += 1
            self._show(record.getMessage())
        elif record.levelno >= logging.WARNING:
            say(f"  [yellow]{record.levelname.lower()}[/] {record.getMessage()}")

    def seconds_left(self) -> float:
        """Estimate the time left, corrected by how well the estimate has held so far."""
        now = self._works[self._step] if self._step < len(self._works) else Work(0)
        part = min(self._parts_done / now.parts, 1.0) if now.parts else 0.0
        over = sum(work.seconds for work in self._works[: self._step]) + part * now.seconds
        taken = self._clock() - self._began
        correction = (taken + TRUST_SECONDS) / (over + TRUST_SECONDS)
        return (sum(work.seconds for work in self._works) - over) * correction

    def _show(self, what: str) -> None:
        told = f"{what}; about {in_words(self.seconds_left())} left"
        self._status.update(f"[dim]{told}[/]")
        if not console.is_terminal and self._clock() - self._told_at >= TELL_EVERY_SECONDS:
            self._told_at = self._clock()
            say(f"    {told}")


def in_words(seconds: float) -> str:
    """Write a duration in hours, minutes and seconds.

    >>> in_words(42.4), in_words(200), in_words(4000)
    ('42 s', '3 min 20 s', '1 h 6 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
