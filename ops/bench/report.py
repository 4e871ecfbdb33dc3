"""What a part of the benchmark says: its figures as a table, and each wanted figure with whether it was reached."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor

from rich.table import Table

from ops.console import console, print_table, say


@dataclass(frozen=True)
class Target:
    """A figure that is wanted to be at least, or at most, another one."""

    name: str
    figure: float
    wanted: float
    unit: str = ""
    at_most: bool = False
    digits: int = 0

    @property
    def is_reached(self) -> bool:
        return self.figure <= self.wanted if self.at_most else self.figure >= self.wanted

    def __str__(self) -> str:
        """Say the figure, the wanted one, and whether it was reached.

        >>> str(Target("ours against the bare client", 71.4, 70, " %"))
        'ours against the bare client: 71 %, wanted at least 70 %: reached'
        """
        bound = "at most" if self.at_most else "at least"
        verdict = "reached" if self.is_reached else "missed"
        return f"{self.name}: {self._number(self.figure)}, wanted {bound} {self._number(self.wanted)}: {verdict}"

    def _number(self, value: float) -> str:
        """Round to the worse side, so that a narrow miss does not look like a hit."""
        scale = 10**self.digits
        rounded = (ceil(value * scale) if self.at_most else floor(value * scale)) / scale
        return f"{rounded:,.{self.digits}f}{self.unit}"


def heading(text: str) -> None:
    say(f"\n[bold]{text}[/]")


def step(text: str) -> None:
    """Print one line of progress."""
    console.print(f"  {text}", style="dim", markup=False, soft_wrap=True)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table: the first column is text, the others are numbers."""
    shown = Table(header_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 2))
    for number, column in enumerate(columns):
        shown.add_column(column, justify="right" if number else "left", no_wrap=True)
    for row in rows:
        shown.add_row(*row)
    print_table(shown)


def verdict(target: Target) -> None:
    mark = "[green]✓[/]" if target.is_reached else "[red]✗[/]"
    say(f"  {mark} {target}")
