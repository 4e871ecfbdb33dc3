"""Answers as tables: one row for each entry of the answer's list, with what is said of the whole list beside it.

A list inside an entry gives a row for each of its own entries. Of several lists the first one counts. An object inside
an entry becomes columns with its name in front. Where a list has no entry, what is said of it has a row of its own. A
list with pages has none, since its rows are counted.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

import msgspec
from arro3.core import Array, ChunkedArray, DataType, Field, Schema, Table, list_array
from arro3.io import write_ipc_stream, write_parquet
from msgspec import Struct, inspect

from api.formats import Format
from contract.common import Paged
from contract.reasons import ShownReason
from utils.csv_text import guarded

FIRST_DAY = date(1970, 1, 1)
FIRST_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
COMPRESSION = "zstd(3)"

Values = Sequence[Any]


class Column(NamedTuple):
    """A column's type, how its values become those of the type, and how they become text."""

    type: DataType
    array: Callable[[Values], Array]
    text: Callable[[Any], object]


class Layout(NamedTuple):
    """The columns of a class by name, each with the fields that lead to it, and the list that its rows are from."""

    columns: Mapping[str, tuple[Column, tuple[str, ...]]]
    rows_in: str | None
    inner: "Layout | None"


def encoded(answer: Struct, wanted: Format) -> bytes:
    """Return an answer in a format."""
    return _WRITERS[wanted](answer)


def columns(kind: type[Struct]) -> dict[str, DataType]:
    """Return name and type of each column of a class's table."""
    return {name: column.type for name, column in _columns(layout(kind)).items()}


@cache
def layout(kind: type[Struct]) -> Layout:
    """Return what the table of a class is made of. Raises TypeError for a field that no column can hold."""
    described = inspect.type_info(kind)
    assert isinstance(described, inspect.StructType)
    left_out = Paged.__struct_fields__ if issubclass(kind, Paged) else ()
    return _layout([field for field in described.fields if field.name not in left_out])


def _layout(fields: Sequence[inspect.Field]) -> Layout:
    found: dict[str, tuple[Column, tuple[str, ...]]] = {}
    rows_in, inner = None, None
    for field in fields:
        kind = _plain(field.type)
        entry = _plain(kind.item_type) if isinstance(kind, inspect.ListType) else None
        if isinstance(kind, inspect.StructType):
            for name, (column, path) in _layout(kind.fields).columns.items():
                found[f"{field.name}_{name}"] = column, (field.name, *path)
        elif isinstance(entry, inspect.StructType) and entry.cls is not ShownReason:
            if rows_in is None:
                rows_in, inner = field.name, _layout(entry.fields)
        else:
            found[field.name] = _column(kind), (field.name,)
    return Layout(found, rows_in, inner)


def _plain(kind: inspect.Type) -> inspect.Type:
    """Return the type without its description, and without null."""
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    if isinstance(kind, inspect.UnionType):
        [kind] = [each for each in kind.types if not isinstance(each, inspect.NoneType)]
        return _plain(kind)
    return kind


def _columns(wanted: Layout) -> dict[str, Column]:
    """Return the columns from the outermost level to the rows. A row's own value hides the list's of the same name."""
    inside = _columns(wanted.inner) if wanted.inner else {}
    outside = {name: column for name, (column, _) in wanted.columns.items() if name not in inside}
    return outside | inside


def _rows(answer: Any, wanted: Layout, around: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    row = {**around, **{name: _follow(answer, path) for name, (_, path) in wanted.columns.items()}}
    if wanted.rows_in is None or wanted.inner is None:
        yield row
        return
    entries = getattr(answer, wanted.rows_in)
    if not entries and not isinstance(answer, Paged) and _says_something(row):
        yield dict.fromkeys(_columns(wanted.inner)) | row
    for entry in entries:
        yield from _rows(entry, wanted.inner, row)


def _says_something(row: Mapping[str, Any]) -> bool:
    return any(value not in (None, []) for value in row.values())


def _follow(value: Any, path: Sequence[str]) -> Any:
    for name in path:
        value = None if value is None else getattr(value, name)
    return value


# ── types ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _column(kind: inspect.Type) -> Column:
    if isinstance(kind, inspect.ListType):
        entry = _plain(kind.item_type)
        if isinstance(entry, inspect.StructType):
            return _list_of(_SIMPLE[inspect.StrType], lambda reason: reason.code)
        return _list_of(_simple(entry), lambda value: value)
    return _simple(kind)


def _simple(kind: inspect.Type) -> Column:
    if isinstance(kind, inspect.LiteralType):
        kind = inspect.StrType()
    if type(kind) not in _SIMPLE:
        raise TypeError(f"no column holds a {type(kind).__name__}")
    return _SIMPLE[type(kind)]


def _as(kind: DataType, text: Callable[[Any], object] = lambda value: value) -> Column:
    return Column(kind, lambda values: Array(values, kind), text)


def _cast(kind: DataType, through: DataType, number: Callable[[Any], int], text: Callable[[Any], object]) -> Column:
    def array(values: Values) -> Array:
        return Array([None if value is None else number(value) for value in values], through).cast(kind)

    return Column(kind, array, text)


def _list_of(entry: Column, value_of: Callable[[Any], Any]) -> Column:
    """Return a column of lists; in text their entries are separated by spaces."""
    kind = DataType.list(Field("item", entry.type, nullable=True))

    def array(values: Values) -> Array:
        ends = [0]
        for each in values:
            ends.append(ends[-1] + len(each or ()))
        entries = entry.array([value_of(value) for each in values for value in each or ()])
        mask = Array([each is None for each in values], DataType.bool())
        return list_array(Array(ends, DataType.int32()), entries, type=kind, mask=mask)

    return Column(kind, array, lambda value: guarded(" ".join(str(value_of(each)) for each in value)))


def _json_text(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _moment_text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


_SIMPLE: Mapping[type[inspect.Type], Column] = {
    inspect.StrType: _as(DataType.utf8(), guarded),
    inspect.IntType: _as(DataType.int64()),
    inspect.FloatType: _as(DataType.float64()),
    inspect.BoolType: _as(DataType.bool(), lambda value: "true" if value else "false"),
    inspect.DateType: _cast(
        DataType.date32(), DataType.int32(), lambda day: (day - FIRST_DAY).days, lambda day: day.isoformat()
    ),
    inspect.DateTimeType: _cast(
        DataType.timestamp("us", tz="UTC"),
        DataType.int64(),
        lambda moment: (moment - FIRST_MOMENT) // MICROSECOND,
        _moment_text,
    ),
    inspect.DictType: Column(
        DataType.utf8(),
        lambda values: Array([None if value is None else _json_text(value) for value in values], DataType.utf8()),
        lambda value: guarded(_json_text(value)),
    ),
}


# ── formats ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _csv(answer: Struct) -> bytes:
    wanted = layout(type(answer))
    texts = {name: column.text for name, column in _columns(wanted).items()}
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(texts)
    for row in _rows(answer, wanted, {}):
        writer.writerow([None if row[name] is None else text(row[name]) for name, text in texts.items()])
    return written.getvalue().encode()


def _table(answer: Struct) -> Table:
    wanted = layout(type(answer))
    found = _columns(wanted)
    rows = list(_rows(answer, wanted, {}))
    schema = Schema([Field(name, column.type, nullable=True) for name, column in found.items()])
    arrays = [ChunkedArray([column.array([row[name] for row in rows])]) for name, column in found.items()]
    return Table.from_arrays(arrays, schema=schema)


def _parquet(answer: Struct) -> bytes:
    written = io.BytesIO()
    write_parquet(_table(answer), written, compression=COMPRESSION)
    return written.getvalue()


def _arrow(answer: Struct) -> bytes:
    written = io.BytesIO()
    write_ipc_stream(_table(answer), written)
    return written.getvalue()


_WRITERS: Mapping[Format, Callable[[Struct], bytes]] = {
    Format.JSON: msgspec.json.encode,
    Format.CSV: _csv,
    Format.PARQUET: _parquet,
    Format.ARROW: _arrow,
}
