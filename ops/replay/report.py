"""What came of a replay: the differences as a file, their causes as a table, the first ones on the screen."""

import csv
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from ops.console import console, say
from ops.replay.comparison import Cause, Difference, count_causes

SHOWN = 10
TABLES = ("trending", "portfolio", "monthly")
COLUMNS = ("table", "date", "period_days", "ticker", "replayed", "backfilled", "cause", "detail", "is_own")


def write(differences: Sequence[Difference], path: Path) -> None:
    """Write the differences as a file.

    is_own = false: the weight changed because others of its portfolio did, and detail is about them.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(COLUMNS)
        lines.writerows(
            (one.table, one.day, one.period_days, one.ticker, one.replayed, one.backfilled, *one.why)
            for one in differences
        )


def show(differences: Sequence[Difference], path: Path) -> None:
    if not differences:
        say("\nThe replay and the backfill of the same range are the same.")
        return
    counts = count_causes(differences)
    table = Table(header_style="bold", box=None, pad_edge=False)
    table.add_column("why")
    for name in TABLES:
        table.add_column(name, justify="right")
    for cause in Cause:
        row = [counts[name, cause] for name in TABLES]
        if any(row) or cause is Cause.UNEXPLAINED:
            table.add_row(cause, *map(str, row))
    say(f"\n{len(differences)} differences from the backfill of the same range (replayed → backfilled):")
    console.print(table)
    for line in first_lines(differences):
        say(line)
    say(f"\nEach one, with what was known then and what is known now: {path}")


def first_lines(differences: Sequence[Difference]) -> list[str]:
    """Return the first portfolios and rankings that differ, a line for each reason, unexplained ones first."""

    def place(one: Difference) -> tuple[bool, bool, str, int]:
        return (
            one.why.cause is not Cause.UNEXPLAINED,
            one.table == "trending",
            f"{one.day} {one.table}",
            one.period_days or 0,
        )

    groups = [list(group) for _, group in groupby(sorted(differences, key=place), key=place)]
    lines = []
    for found in groups[:SHOWN]:
        first = found[0]
        sessions = f", {first.period_days} sessions" if first.period_days else ""
        lines.append(f"\n[bold]{first.day} {first.table}{sessions}[/]")
        for why in dict.fromkeys((one.why.cause, one.why.detail) for one in found):
            changes = ", ".join(_change(one) for one in found if one.why[:2] == why)
            lines.append(escape(f"  {changes}\n    {why[0]}: {why[1]}"))
    return lines


def _change(one: Difference) -> str:
    return f"{one.ticker} {_percent(one.replayed)} → {_percent(one.backfilled)}"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.2%}"
