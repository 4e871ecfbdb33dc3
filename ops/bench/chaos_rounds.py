"""Rounds with a fault as they ended, kept in a file, so that hours of them can be interrupted and gone on with."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from ops.bench.chaos_rows import Difference
from ops.errors import CannotStart


@dataclass(frozen=True)
class Round:
    """A chain with a fault. seconds: from its trigger to the right rows; problem: what a person would be needed for."""

    fault: str
    number: int
    seconds: float
    difference: Difference
    problem: str | None = None
    ended_at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True)
class KeptRounds:
    """A file with a round as JSON in each line."""

    path: Path

    def read(self) -> list[Round]:
        """Return the rounds of earlier runs. CannotStart says that the file has something else."""
        if not self.path.exists():
            return []
        try:
            return msgspec.json.Decoder(list[Round]).decode(b"[" + b",".join(self._lines()) + b"]")
        except msgspec.MsgspecError as error:
            raise CannotStart(f"{self.path} has something else than rounds ({error}): remove it") from None

    def clear(self) -> None:
        self.path.unlink(missing_ok=True)

    def keeping(self, rounds: Iterator[Round]) -> Iterator[Round]:
        """Yield rounds as they end, each after it has been written."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        for each in rounds:
            with self.path.open("ab") as file:
                file.write(msgspec.json.encode(each) + b"\n")
            yield each

    def _lines(self) -> Sequence[bytes]:
        return [line for line in self.path.read_bytes().splitlines() if line]
