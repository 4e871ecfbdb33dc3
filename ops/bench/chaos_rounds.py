"""Rounds with a fault as they ended, kept in a file, so that hours of them can be interrupted and gone on with."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import msgspec

from ops.bench.chaos_rows import Difference
from ops.errors import CannotStart
from utils.spark_driver import code_digest


@cache
def code() -> str:
    """Return the beginning of the digest of the code that is tried."""
    return code_digest()[:8]


@dataclass(frozen=True)
class Round:
    """A chain with a fault.

    number: which one of its kind, or which session of a soak
    seconds: from its trigger to the right rows
    problem: what a person would be needed for
    """

    fault: str
    number: int
    seconds: float
    difference: Difference
    problem: str | None = None
    ended_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    code: str = field(default_factory=code)


@dataclass(frozen=True)
class KeptRounds:
    """A file with a round as JSON in each line. Who was killed in the middle of a line has left no round there."""

    path: Path

    def read(self) -> list[Round]:
        """Return the rounds of earlier runs. CannotStart says that the file has something else."""
        try:
            return msgspec.json.decode(b"[" + b",".join(self._lines()) + b"]", type=list[Round])
        except msgspec.MsgspecError as error:
            raise CannotStart(f"{self.path} has something else than rounds ({error}): move it away") from None

    def put_aside(self) -> None:
        """Leave the rounds of earlier runs in a file of another name."""
        if self.path.exists():
            written = datetime.fromtimestamp(self.path.stat().st_mtime, UTC)
            self.path.rename(self.path.with_stem(f"{self.path.stem}-{written:%Y%m%dT%H%M%S}"))

    def keeping(self, rounds: Iterator[Round]) -> Iterator[Round]:
        """Yield rounds as they end, each after it has been written."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        before = b"".join(line + b"\n" for line in self._lines())
        with self.path.open("wb") as file:
            file.write(before)
            for each in rounds:
                file.write(msgspec.json.encode(each) + b"\n")
                file.flush()
                yield each

    def _lines(self) -> list[bytes]:
        """Return the whole lines."""
        return self.path.read_bytes().split(b"\n")[:-1] if self.path.exists() else []
