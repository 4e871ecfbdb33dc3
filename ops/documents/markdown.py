"""Markdown tables."""

from collections.abc import Iterable, Sequence


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table.

    >>> print(table(["name", "value"], [["a|b", "1"]]))
    | name | value |
    |---|---|
    | a\\|b | 1 |
    """
    return "\n".join([_line(heading), "|" + "---|" * len(heading), *map(_line, rows)])


def code(words: Iterable[str]) -> str:
    """Write words as code, with commas between them.

    >>> code(["a", "b"])
    '`a`, `b`'
    """
    return ", ".join(f"`{word}`" for word in words)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
