"""`verify` names every cell that was changed, and nothing else."""

import random
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from config.config import DatabaseSettings
from database.db_helper import Connection, connect, fetch
from database.queries import evidence_checks
from ops.bench.made_evidence import Changed, evidence_tables, fill, one_cell_changed
from ops.evidence import verify as command
from ops.evidence.findings import Finding
from ops.evidence.verify import verify
from receivers import mail_server, webhook

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


def test_the_heads_are_printed_and_found_again(
    conn: Connection, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("DB_NAME", conn.info.dbname)
    assert command.main(["--head"]) == 0
    printed = capsys.readouterr().out
    heads = fetch(conn, "SELECT chain, MAX(position) AS position FROM evidence_link GROUP BY chain ORDER BY chain")
    links = f"{sum(row['position'] for row in heads):,} links in {len(heads)} chains"
    assert [line.split()[:2] for line in printed.splitlines()] == [
        [row["chain"], str(row["position"])] for row in heads
    ]
    kept = tmp_path / "heads"
    for saved in (printed.encode(), printed.encode("utf-8-sig"), f"{command.SENT}\r\n\r\n{printed}".encode("utf-16")):
        kept.write_bytes(saved)
        assert command.main(["--kept", str(kept)]) == 0
        assert f"Nothing was changed: {links}, {len(heads)} kept digests among them" in capsys.readouterr().out
    kept.write_text("")
    assert command.main(["--kept", str(kept)]) == 2
    assert "heads: has no line that ./start.sh verify --head prints" in capsys.readouterr().err
    kept.write_text("publications 1 " + "0" * 64 + " 2026-08-21T00:00:00Z\n")
    assert command.main(["--kept", str(kept)]) == 1
    said = capsys.readouterr()
    assert "evidence_link, chain=publications position=1: it is not the link whose digest was kept" in said.out
    assert said.err == "error: 1 rows are not what they were\n"


def test_a_removed_link_and_a_removed_row_are_told(conn: Connection) -> None:
    with conn.cursor() as cursor:
        cursor.execute("ALTER TABLE evidence_link DISABLE TRIGGER USER")
        cursor.execute("DELETE FROM evidence_link WHERE (chain, position) = ('publications', 3)")
    told = [finding for finding in found(conn) if finding.table == "evidence_link"]
    assert [(finding.row, finding.said) for finding in told] == [("chain=publications position=3", "1 links are gone")]
    conn.rollback()
    with conn.cursor() as cursor:
        cursor.execute("ALTER TABLE collected_daily_etf_ohlc DISABLE TRIGGER USER")
        cursor.execute("DELETE FROM collected_daily_etf_ohlc WHERE (ticker, trade_date) = ('T001', %s)", (LAST,))
    [finding] = found(conn)
    assert str(finding) == f"collected_daily_etf_ohlc, ticker=T001 trade_date={LAST}: the row is gone"


def test_a_new_column_changes_no_finding(conn: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Older links have the columns of their time."""
    [bars] = [each for each in evidence_checks.tables_with_versions() if each.table == "collected_daily_etf_ohlc"]
    newer = replace(bars, kept=replace(bars.kept, columns=(*bars.kept.columns, "colour")))
    monkeypatch.setattr(evidence_checks, "tables_with_versions", lambda: [newer])
    with conn.cursor() as cursor:
        for table in (bars.table, bars.kept.name):
            cursor.execute(f"ALTER TABLE {table} ADD COLUMN colour TEXT")
        assert len(evidence_checks.unlike_links(conn, newer)) == 1
        assert found(conn) == []
        cursor.execute(f"ALTER TABLE {bars.kept.name} DISABLE TRIGGER USER")
        cursor.execute(f"UPDATE {bars.kept.name} SET volume = 0 WHERE (ticker, trade_date) = ('T001', %s)", (LAST,))
    [finding] = found(conn)
    assert (finding.table, finding.columns) == (bars.kept.name, ("volume",))


def test_the_heads_are_sent(
    conn: Connection, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DB_NAME", conn.info.dbname)
    monkeypatch.delenv("ALERT_URLS", raising=False)
    assert command.main(["--head", "--send"]) == 2
    assert "ALERT_URLS is not set" in capsys.readouterr().err
    with mail_server() as box, webhook() as hook:
        monkeypatch.setenv("ALERT_URLS", f"{box.url}, {hook.url}")
        assert command.main(["--head", "--send"]) == 0
        said = capsys.readouterr()
        assert said.err == "The head was sent through mailto, json\n"
        hook.status = 500
        assert command.main(["--head", "--send"]) == 1
        assert "not sent through json" in capsys.readouterr().err
    lines = said.out.splitlines()
    assert hook.posts[0]["message"].splitlines()[-len(lines) :] == lines
    assert [line for line in box.texts()[0].splitlines() if line][-len(lines) :] == lines
