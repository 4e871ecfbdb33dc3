"""Answers as tables: which columns, of which types, and what a spreadsheet must not evaluate."""

import csv
import io
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, get_args

import pytest
from arro3.core import DataType
from arro3.io import read_ipc_stream, read_parquet
from msgspec import Struct

from api.formats import DOCUMENT, LIST, Format, FormatName, NotAcceptable, chosen
from api.models.schemas import listed
from api.tables import columns, encoded
from contract.common import Paged
from contract.holdings import Comparison, Snapshots
from contract.portfolios import Portfolio, Record, Weights
from contract.reasons import ShownReason, shown
from contract.stocks import MarketMap
from utils.reasons import reason

DAY = date(2026, 8, 21)
MOMENT = datetime(2026, 8, 21, 22, 0, 0, 5, tzinfo=timezone(timedelta(hours=9)))


class Inside(Struct):
    figure: float | None


class Entry(Struct):
    name: str
    day: date | None
    moment: datetime | None
    count: int | None
    share: float
    is_whole: bool
    tags: list[str] | None
    numbers: list[int]
    reasons: list[ShownReason]
    values: dict[str, int]
    more: Inside | None


class Group(Struct):
    group: str
    name: str
    entries: list[Entry]


class Groups(Paged):
    benchmark: str
    groups: list[Group]
    others: list[Inside]


def entry(name: str, **changes: Any) -> Entry:
    values: dict[str, Any] = {
        "day": DAY,
        "moment": MOMENT,
        "count": 2**62,
        "share": 0.1,
        "is_whole": True,
        "tags": ["QQQ", "SPY"],
        "numbers": [5, 20],
        "reasons": shown([reason("no_price", session=str(DAY))]),
        "values": {"a": 1},
        "more": Inside(0.5),
    }
    return Entry(name, **{**values, **changes})


NOTHING: dict[str, Any] = {
    "day": None,
    "moment": None,
    "count": None,
    "tags": None,
    "numbers": [],
    "reasons": [],
    "more": None,
}
ANSWER = Groups(
    total=2,
    limit=10,
    offset=0,
    next=None,
    benchmark="SPY",
    groups=[Group("first", "hidden", [entry("=1+1"), entry("NVDA", **NOTHING)]), Group("none", "hidden", [])],
    others=[Inside(1.0)],
)
ROW = {
    "benchmark": "SPY",
    "group": "first",
    "name": "=1+1",
    "day": DAY,
    "moment": MOMENT.astimezone(UTC),
    "count": 2**62,
    "share": 0.1,
    "is_whole": True,
    "tags": ["QQQ", "SPY"],
    "numbers": [5, 20],
    "reasons": ["no_price"],
    "values": '{"a":1}',
    "more_figure": 0.5,
}
READERS = {Format.PARQUET: read_parquet, Format.ARROW: read_ipc_stream}


def rows_of(answer: Struct, wanted: Format) -> list[dict[str, Any]]:
    table = READERS[wanted](io.BytesIO(encoded(answer, wanted))).read_all()
    names = table.schema.names
    lists = [table.column(name).to_pylist() for name in names]
    return [dict(zip(names, values, strict=True)) for values in zip(*lists, strict=True)]


@pytest.mark.parametrize("wanted", READERS)
def test_a_table_has_a_row_for_each_entry_and_keeps_every_value(wanted: Format) -> None:
    first, second, without = rows_of(ANSWER, wanted)
    assert first == ROW
    empty = {**NOTHING, "more_figure": None}
    del empty["more"]
    assert second == {**ROW, **empty, "name": "NVDA"}
    assert without == {**dict.fromkeys(ROW), "benchmark": "SPY", "group": "none", "name": "hidden"}


def test_csv_has_the_same_values_as_text() -> None:
    header, first, second, without = csv.reader(io.StringIO(encoded(ANSWER, Format.CSV).decode()))
    assert dict(zip(header, first, strict=True)) == {
        "benchmark": "SPY",
        "group": "first",
        "name": "'=1+1",
        "day": "2026-08-21",
        "moment": "2026-08-21T13:00:00.000005Z",
        "count": str(2**62),
        "share": "0.1",
        "is_whole": "true",
        "tags": "QQQ SPY",
        "numbers": "5 20",
        "reasons": "no_price",
        "values": '{"a":1}',
        "more_figure": "0.5",
    }
    assert second == ["SPY", "first", "NVDA", "", "", "", "0.1", "true", "", "", "", '{"a":1}', ""]
    assert without == ["SPY", "none", "hidden", *[""] * 10]


WHY = shown([reason("not_comparable_over", benchmark="SPY", days=20)])


@pytest.mark.parametrize(
    ("status", "cash", "why"),
    [("not_computable", None, WHY), ("empty", 1.0, shown([reason("nothing_trends_over", days=20)]))],
)
def test_a_portfolio_without_positions_says_why_in_every_format(
    status: Any, cash: float | None, why: list[ShownReason]
) -> None:
    told = why[0].sentence
    answer = Portfolio(DAY, 20, status, told, why, None, [], cash, None, False, "yahoo", MOMENT, None, [])
    [header, row] = csv.reader(io.StringIO(encoded(answer, Format.CSV).decode()))
    cells = dict(zip(header, row, strict=True))
    assert (cells["status"], cells["reason"], cells["reasons"]) == (status, told, why[0].code)
    assert (cells["ticker"], cells["portfolio_weight"], cells["cash_weight"]) == ("", "", "" if cash is None else "1.0")
    for wanted in READERS:
        [found] = rows_of(answer, wanted)
        assert (found["status"], found["reason"], found["cash_weight"]) == (status, told, cash)
        assert (found["ticker"], found["portfolio_weight"], found["source_etfs"]) == (None, None, None)


def test_an_answer_that_says_nothing_of_its_list_has_no_row() -> None:
    assert rows_of(Snapshots([]), Format.PARQUET) == []
    nothing_yet = MarketMap(as_of_date=None, absent_reason=None, absent_reasons=[], sectors=[])
    assert rows_of(nothing_yet, Format.PARQUET) == []
    assert len(rows_of(Comparison("GE", "GE Aerospace", []), Format.PARQUET)) == 1


@pytest.mark.parametrize("began", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_cell_begins_like_a_formula(began: str) -> None:
    answer = Group("g", "n", [entry(f"{began}1", tags=[f"{began}1"])])
    [_, row] = csv.reader(io.StringIO(encoded(answer, Format.CSV).decode(), newline=""))
    assert f"'{began}1" in row and not [cell for cell in row if cell.startswith(began)]


def test_dates_moments_and_numbers_are_typed() -> None:
    found = columns(Groups)
    assert found["day"] == DataType.date32()
    assert found["moment"] == DataType.timestamp("us", tz="UTC")
    assert (found["count"], found["share"], found["is_whole"]) == (
        DataType.int64(),
        DataType.float64(),
        DataType.bool(),
    )


@pytest.mark.parametrize("kind", [Weights, Record])
@pytest.mark.parametrize("wanted", READERS)
def test_an_empty_list_has_all_columns(kind: Any, wanted: Format) -> None:
    more = ("SPY",) if kind is Record else ()
    table = READERS[wanted](io.BytesIO(encoded(kind(0, 10, 0, None, *more, []), wanted))).read_all()
    assert table.num_rows == 0
    assert list(table.schema.names) == list(columns(kind))
    assert table.schema.field("session").type == DataType.date32()
    assert not {"total", "limit", "offset", "next"} & set(table.schema.names)


def test_what_no_column_holds_is_told_when_the_route_is_made() -> None:
    class Odd(Struct):
        found: bytes

    with pytest.raises(TypeError, match="no column holds a BytesType"):
        listed(Odd)


def test_every_format_has_its_name() -> None:
    assert get_args(FormatName) == tuple(Format)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "json"),
        ("*/*", "json"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "json"),
        ("application/json", "json"),
        ("text/csv", "csv"),
        ("text/*", "csv"),
        ("TEXT/CSV; header=present", "csv"),
        ("application/vnd.apache.parquet", "parquet"),
        ("application/vnd.apache.arrow.stream", "arrow"),
        ("text/csv;q=0.4, application/vnd.apache.parquet;q=0.5", "parquet"),
        ("application/json;q=0, */*", "csv"),
        ("text/csv;q=nonsense, application/json", "json"),
    ],
)
def test_the_format_that_is_liked_best(accept: str, expected: str) -> None:
    assert chosen(accept, LIST) == expected


@pytest.mark.parametrize("accept", ["image/png", "text/html", "*/*;q=0", "text/csv;q=7", ";"])
def test_none_that_is_liked(accept: str) -> None:
    with pytest.raises(NotAcceptable, match=r"text/csv"):
        chosen(accept, LIST)


def test_a_document_is_json_alone() -> None:
    with pytest.raises(NotAcceptable, match=r"takes none of what there is: application/json$"):
        chosen("text/csv", DOCUMENT)
