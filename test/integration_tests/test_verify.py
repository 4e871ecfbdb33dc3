"""`verify` names every cell that was changed, and nothing else."""

import random
from collections.abc import Iterator
from contextlib import closing
from datetime import date

import pytest

from config.config import DatabaseSettings
from database.db_helper import Connection, connect
from ops.bench.made_evidence import Changed, evidence_tables, fill, one_cell_changed
from ops.evidence.findings import Finding
from ops.evidence.verify import verify

LAST = date(2026, 8, 21)
CHANGES = 80


@pytest.fixture(scope="module")
def evidence(scratch_database: DatabaseSettings) -> Iterator[Connection]:
    """Fill a database with a few days of everything."""
    with closing(connect(scratch_database)) as conn:
        fill(conn, scratch_database, tickers=8, last=LAST, days=4, answers=5)
        yield conn


@pytest.fixture
def conn(evidence: Connection) -> Iterator[Connection]:
    yield evidence
    evidence.rollback()


def found(conn: Connection) -> list[Finding]:
    return [finding for _, _, findings in verify(conn) for finding in findings]


def is_named(changed: Changed, findings: list[Finding]) -> bool:
    """Tell whether the cell that was changed is named, and nothing else."""
    return [changed.is_named_by(finding.table, finding.row, finding.columns) for finding in findings] == [True]


def test_nothing_is_found_where_nothing_was_changed(conn: Connection) -> None:
    assert found(conn) == []


def test_every_changed_cell_is_named(conn: Connection) -> None:
    chance = random.Random(5)
    tried = set()
    for _ in range(CHANGES):
        with one_cell_changed(conn, chance, evidence_tables()) as changed:
            tried.add(changed.table)
            findings = found(conn)
            assert is_named(changed, findings), (changed, [str(finding) for finding in findings])
    assert len(tried) > 8
