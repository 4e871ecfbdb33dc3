"""Chains of evidence: one text of rows everywhere, links that rest on those before, and no way to change them."""

import math
import random
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import psycopg2
import pytest
from psycopg2.extras import Json as JsonParameter

from config.config import DatabaseSettings
from database import canonical
from database.canonical import Json, record_text, records
from database.db_helper import Connection, connect, fetch, transaction

# (type, value): what a text could get wrong.
VALUES: list[tuple[str, Any]] = [
    *(("float8", value) for value in (0.0, -0.0, 1e-7, 1e-4, 1e-5, 1e14, 1e15, 123456789012345.0, 1e16, 1e22, 5e-324)),
    *(("float8", value) for value in (1.7976931348623157e308, 0.1 + 0.2, 1 / 3, -123.456, 100.0, math.inf, -math.inf)),
    ("float8", math.nan),
    *(("text", value) for value in ("", "plain", "a b", 'say "so"', "back\\slash", "(a,b)", "line\nbreak", "é€𝄞", "'")),
    ("text", None),
    *(("bool", value) for value in (True, False)),
    *(("bigint", value) for value in (0, -1, 2**63 - 1)),
    *(("numeric(22, 10)", Decimal(value)) for value in ("1.5000000000", "0.0000000001", "-123456789012.1234567890")),
    ("date", date(2026, 8, 21)),
    *(("timestamptz", datetime(2026, 8, 21, 20, 0, 1, micro, UTC)) for micro in (0, 1, 120_000)),
    ("timestamptz", datetime(2026, 8, 21, 20, tzinfo=timezone(timedelta(hours=9)))),
    ("timestamp", datetime(2026, 8, 21, 20, tzinfo=UTC).replace(tzinfo=None)),
    ("text[]", []),
    ("text[]", ["SPY", "QQQ"]),
    ("text[]", ["", None, "null", "a,b", 'q"', "b\\", "{}", " "]),
    ("integer[]", [5, 10, 20]),
    ("bytea", b"\x00\xff"),
    *(
        ("jsonb", Json(value))
        for value in ([], {"b": 1, "aa": 'é"\\\n', "a": [None, True, 1e22, 1e-7, 2.5]}, "text", 7)
    ),
]
SESSIONS_OF_ANOTHER_KIND = "SET timezone = 'Asia/Seoul'; SET datestyle = 'German'; SET extra_float_digits = -3"


@pytest.fixture
def conn(scratch_database: DatabaseSettings) -> Iterator[Connection]:
    with closing(connect(scratch_database)) as conn:
        yield conn


def parameter(value: Any) -> Any:
    return JsonParameter(value.value) if isinstance(value, Json) else value


def text_of(conn: Connection, values: list[tuple[str, Any]]) -> str:
    """Return what the database makes of the values, in a session whose settings would write them otherwise."""
    with conn.cursor() as cursor:
        cursor.execute(SESSIONS_OF_ANOTHER_KIND)
        row = cursor.mogrify(
            f"SELECT {', '.join(f'%s::{kind}' for kind, _ in values)}", [parameter(value) for _, value in values]
        )
        cursor.execute("SELECT canonical_text(%s)", (row.decode(),))
        [(text,)] = cursor.fetchall()
    conn.rollback()
    return str(text)


def append(conn: Connection, chain: str, body: str, about: dict[str, Any] | None = None) -> int:
    with conn.cursor() as cursor:
        cursor.execute("SELECT append_evidence(%s, %s, %s)", (chain, JsonParameter(about or {}), body))
        [(position,)] = cursor.fetchall()
    return int(position)


def test_python_and_the_database_write_the_same_text(conn: Connection) -> None:
    for kind, value in VALUES:
        assert record_text([value, "next"]) == text_of(conn, [(kind, value), ("text", "next")]), (kind, value)
    assert record_text(value for _, value in VALUES) == text_of(conn, VALUES)


def test_every_float_is_written_alike(conn: Connection) -> None:
    chance = random.Random(13)
    floats = [struct.unpack("d", chance.randbytes(8))[0] for _ in range(2000)]
    floats += [chance.random() * 10 ** chance.randint(-8, 20) for _ in range(2000)]
    assert record_text(floats[:1500]) == text_of(conn, [("float8", value) for value in floats[:1500]])
    assert record_text(floats[2000:3500]) == text_of(conn, [("float8", value) for value in floats[2000:3500]])


def test_a_text_is_taken_apart_into_its_cells(conn: Connection) -> None:
    values = [("text", value) for kind, value in VALUES if kind == "text"]
    text = text_of(conn, values)
    assert list(records(f"{text}\n{text}")) == [[value for _, value in values]] * 2


def test_rows_keep_the_order_of_their_query(conn: Connection) -> None:
    [row] = fetch(conn, "SELECT canonical_text('SELECT n FROM generate_series(1, 3) AS n ORDER BY n DESC') AS text")
    assert row["text"] == "(3)\n(2)\n(1)"
    assert fetch(conn, "SELECT canonical_text('SELECT 1 WHERE FALSE') AS text") == [{"text": ""}]


def test_a_link_rests_on_the_one_before(conn: Connection) -> None:
    with transaction(conn):
        assert [append(conn, "links", body, {"of": body}) for body in ("(a)", "(b)", "")] == [1, 2, 3]
        assert append(conn, "others", "(c)") == 1
    links = fetch(conn, "SELECT * FROM evidence_link WHERE chain = 'links' ORDER BY position")
    before = bytes(32)
    for link in links:
        facts = record_text([link["chain"], link["position"], link["known_at"], Json(link["about"])])
        assert bytes(link["body_digest"]) == canonical.digest(link["body"])
        assert bytes(link["previous"]) == before
        before = bytes(link["digest"])
        assert before == canonical.link_digest(bytes(link["previous"]), bytes(link["body_digest"]), facts)


def test_writers_at_once_make_one_chain(scratch_database: DatabaseSettings) -> None:
    def write(_: int) -> list[int]:
        positions = []
        with closing(connect(scratch_database)) as own:
            for _ in range(10):
                with transaction(own):
                    positions.append(append(own, "busy", "(x)"))
        return positions

    with ThreadPoolExecutor(4) as pool:
        positions = sorted(position for written in pool.map(write, range(4)) for position in written)
    assert positions == list(range(1, 41))
    with closing(connect(scratch_database)) as conn:
        rows = fetch(
            conn,
            """
            SELECT BOOL_AND(previous = before) AS is_whole
            FROM (SELECT previous, LAG(digest) OVER (ORDER BY position) AS before
                FROM evidence_link WHERE chain = 'busy') AS link
            WHERE before IS NOT NULL
            """,
        )
    assert rows == [{"is_whole": True}]


@pytest.mark.parametrize(
    "change", ["UPDATE evidence_link SET body = ''", "DELETE FROM evidence_link", "TRUNCATE evidence_link"]
)
def test_even_the_owner_cannot_change_evidence(conn: Connection, change: str) -> None:
    with conn.cursor() as cursor:
        cursor.execute("SET session_replication_role = 'replica'")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege, match="evidence_link keeps evidence: rows are added"):
            cursor.execute(change)
    conn.rollback()
