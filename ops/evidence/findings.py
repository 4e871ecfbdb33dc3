"""What a check has found: the row that is not what it was, and the columns in which it differs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

Cells = Mapping[str, str | None]  # column -> canonical text

# Of a row that is gone and one that came, so many columns are alike when one is the other with a cell changed.
ALIKE = 0.5


class Finding(NamedTuple):
    """A row that was changed. columns: where, which may be one of several; none when the whole row is gone or new."""

    table: str
    row: str
    columns: tuple[str, ...]
    said: str

    def __str__(self) -> str:
        return f"{self.table}, {self.row}: {self.said}"


def compare(
    table: str, key: Sequence[str], expected: Iterable[Cells], found: Iterable[Cells], known: Iterable[Cells] = ()
) -> Iterator[Finding]:
    """Yield how the rows of a table differ from those that are expected. Columns that are not expected do not count.

    known: rows that may be there, and of which one may be an expected row with another key
    """
    wanted, there = _by_key(key, expected), _by_key(key, found)
    for at in wanted.keys() & there.keys():
        yield from _changed(table, key, wanted[at], there[at])
    gone = [wanted[at] for at in wanted.keys() - there.keys()]
    came = [there[at] for at in there.keys() - wanted.keys()]
    spare = list(known)
    for row in gone:
        other = _most_alike(row, came) or _most_alike(row, spare)
        if other is None:
            yield Finding(table, _named(key, row), (), "the row is gone")
            continue
        (came if other in came else spare).remove(other)
        yield from _changed(table, key, row, other)
    for row in came:
        yield Finding(table, _named(key, row), (), "the row was not there")


def _changed(table: str, key: Sequence[str], expected: Cells, found: Cells) -> Iterator[Finding]:
    columns = tuple(column for column in expected if expected[column] != found.get(column))
    if columns:
        changes = "; ".join(
            f"{column} is {_shown(found.get(column))}, and was {_shown(expected[column])}" for column in columns
        )
        yield Finding(table, _named(key, expected), columns, changes)


def _by_key(key: Sequence[str], rows: Iterable[Cells]) -> dict[tuple[str | None, ...], Cells]:
    return {tuple(row[column] for column in key): row for row in rows}


def _most_alike(row: Cells, others: Sequence[Cells]) -> Cells | None:
    best = max(others, key=lambda other: _alike(row, other), default=None)
    return best if best is not None and _alike(row, best) >= ALIKE * len(row) else None


def _alike(row: Cells, other: Cells) -> int:
    return sum(cell == other.get(column) for column, cell in row.items())


def _named(key: Sequence[str], row: Cells) -> str:
    return " ".join(f"{column}={row[column]}" for column in key)


def _shown(cell: str | None) -> str:
    if cell is None:
        return "empty"
    return cell if len(cell) <= 60 else f"{cell[:57]}..."
