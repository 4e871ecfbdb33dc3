"""The one place that writes to the terminal."""

from rich.console import Console
from rich.table import Table

# No emoji: in JOB:DATE:REVISION it would see the picture of a date.
console = Console(highlight=False, emoji=False)
errors = Console(stderr=True, highlight=False, emoji=False)

# Of what no terminal shows. There Rich takes 80, and cuts off what is longer.
WIDEST = 120


def say(text: str = "") -> None:
    console.print(text, soft_wrap=True)


def complain(text: str) -> None:
    errors.print("[bold red]error:[/]", end=" ")
    errors.print(text, markup=False, soft_wrap=True)


def done(name: str, seconds: float, note: str = "") -> None:
    say(f"  [green]✓[/] {name:<22} {seconds:5.1f} s  [dim]{note}[/]")


def failed(name: str, reason: str) -> None:
    console.print(f"  [red]✗[/] {name:<22}", end="  ")
    console.print(reason, markup=False, soft_wrap=True)


def print_table(shown: Table) -> None:
    wide = console if console.is_terminal else Console(highlight=False, emoji=False, width=WIDEST)
    wide.print(shown)
