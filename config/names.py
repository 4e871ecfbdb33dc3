"""The words for a name that nothing has. They need the standard library alone: see ops.cli."""

from collections.abc import Iterable
from difflib import get_close_matches


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Name those that are spelt like it, all when there are none."""
    names = list(known)
    close = get_close_matches(name, names)
    hint = f"did you mean {' or '.join(close)}?" if close else f"there are: {', '.join(names)}"
    return f"no {kind} is called {name!r}: {hint}"
