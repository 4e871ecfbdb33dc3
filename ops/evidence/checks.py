"""Every digest and every chain worked out again, and every table compared with the evidence of its rows."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

from database.canonical import records
from database.db_helper import Connection
from database.queries import evidence, evidence_checks, source_answers
from database.queries.evidence import PUBLICATIONS, Published
from database.queries.evidence_checks import Versions
from ops.evidence.findings import Cells, Finding, compare
from ops.evidence.links import Chains
from utils.errors import EvidenceChanged


class Check(NamedTuple):
    """One part of the verification, as a person follows it."""

    name: str
    run: Callable[[Connection], Iterable[Finding]]


def checks(conn: Connection) -> list[Check]:
    """Return all that there is to check. Each is of what the others take for granted."""
    found = Chains()
    links = [Check(f"chain {chain}", _read_into(found, chain)) for chain in evidence_checks.chains(conn)]
    return [
        *links,
        Check("links", lambda _: found.findings()),
        *(
            Check(f"versions of {each.table}", _versions(each, found))
            for each in evidence_checks.tables_with_versions()
        ),
        Check("source's answers", _answers),
        *(
            Check(f"{job}: {published.table.name}", _published(job, published, found))
            for job, published in evidence_checks.jobs()
        ),
    ]


def _read_into(found: Chains, chain: str) -> Callable[[Connection], Iterable[Finding]]:
    def read(conn: Connection) -> Iterable[Finding]:
        found.read(conn, chain)
        return ()

    return read


def _versions(versions: Versions, found: Chains) -> Callable[[Connection], Iterable[Finding]]:
    def check(conn: Connection) -> Iterator[Finding]:
        # That a link is missing, or is not where it was, has been told.
        unlike = [at for at in evidence_checks.unlike_links(conn, versions) if not found.is_missing(versions.table, at)]
        if unlike:
            bodies = evidence_checks.bodies_at(conn, versions.table, unlike)
            expected = [
                _cells(versions.columns, line) | {"position": str(at)}
                for at, body in bodies.items()
                for line in records(body)
            ]
            kept = [
                _cells(versions.columns, line) | {"position": str(at)}
                for at, text in evidence_checks.versions_at(conn, versions, unlike)
                for line in records(text)
            ]
            yield from compare(versions.kept.name, (*versions.key, "position"), expected, kept)
        newest, stored = [], []
        for version, row in evidence_checks.unlike_newest_versions(conn, versions):
            newest += [_cells(versions.values, line) for line in records(version or "")]
            stored += [_cells(versions.values, line) for line in records(row or "")]
        # A version that was changed itself has been told.
        if not unlike:
            yield from compare(versions.table, versions.key, newest, stored)

    return check


def _answers(conn: Connection) -> Iterator[Finding]:
    for digest, packed, base, base_packed in evidence_checks.answers(conn):
        below = _unpacked(base, base_packed) if base and base_packed else b""
        # What rests on a changed answer cannot be told from it, and that one is named itself.
        if below is not None and _unpacked(digest, packed, below) is None:
            columns = ("body", "digest", "base")
            yield Finding(
                "evidence_source_answer", f"digest=\\x{digest.hex()}", columns, "body, digest or base was changed"
            )


def _unpacked(digest: bytes, packed: bytes, base: bytes = b"") -> bytes | None:
    try:
        return source_answers.unpack(digest.hex(), packed, base)
    except EvidenceChanged:
        return None


def _published(job: str, published: Published, links: Chains) -> Callable[[Connection], Iterable[Finding]]:
    def check(conn: Connection) -> Iterator[Finding]:
        key = published.table.key
        suspect = list(
            evidence_checks.bodies_at(
                conn, PUBLICATIONS, [position for chain, position in links.suspect if chain == PUBLICATIONS]
            ).values()
        )
        unlike = evidence_checks.unlike_revisions(conn, job, published)
        yield from _compare_sections(conn, job, published, published.table.name, published.day, key, unlike, suspect)
        if published.kept:
            kept = [
                (of, position)
                for of, position in evidence_checks.unlike_kept(conn, job, published)
                if not links.is_missing(PUBLICATIONS, position)
            ]
            yield from _compare_sections(conn, job, published, published.kept.name, "position", key, kept, suspect)

    return check


def _compare_sections(
    conn: Connection,
    job: str,
    published: Published,
    table: str,
    day: str,
    key: Sequence[str],
    unlike: Sequence[tuple[object, int]],
    suspect: Sequence[str],
) -> Iterator[Finding]:
    """Compare rows with the bodies of their links.

    unlike: (day or position of the rows, position of the link)
    suspect: bodies of links whose facts may have been changed: rows that one of them has are right
    """
    if not unlike:
        return
    bodies = evidence_checks.bodies_at(conn, PUBLICATIONS, [position for _, position in unlike])
    expected: list[Cells] = []
    found: list[Cells] = []
    by_position = day == "position"
    for of, position in unlike:
        lines = evidence_checks.lines_of(conn, job, published, table, day, of)
        if any(all(line in body for line in lines) for body in suspect):
            continue
        beside = {"position": str(position)} if by_position else {}
        with suppress(ValueError):  # a body that is no text of rows any more has been told
            expected += [row | beside for row in evidence.rows_of(bodies[position])[published.table.name]]
        found += [_cells(published.columns, cells[1:]) | beside for line in lines for cells in records(line)]
    spare = _rows_without_revision(conn, job, published, table, by_position)
    yield from compare(table, (*key, "position") if by_position else key, expected, found, spare)


def _rows_without_revision(
    conn: Connection, job: str, published: Published, table: str, by_position: bool
) -> list[Cells]:
    """Return the rows of a table that no revision knows: one of them may be a row whose day or position was changed."""
    rows: list[Cells] = []
    for of, line in evidence_checks.lines_without_link(conn, job, published, table, by_position):
        beside = {"position": str(of)} if by_position else {}
        rows += [_cells(published.columns, cells[1:]) | beside for cells in records(line)]
    return rows


def _cells(columns: Sequence[str], cells: Sequence[str | None]) -> dict[str, str | None]:
    """Return cells by their columns. An older line has fewer: a new column is a table's last."""
    return dict(zip(columns, cells, strict=False))
