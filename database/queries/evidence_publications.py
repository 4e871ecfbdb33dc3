"""Publications as their revisions keep them: the links of a job and a day, and the rows that a revision published."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date
from typing import Any

from msgspec import DecodeError, convert, json

from contract.evidence import Heads, PublicationLink, WeightRevision, WholeLink
from database.canonical import digest
from database.db_helper import Connection, fetch, one_transaction
from database.queries import evidence
from database.queries.evidence import PUBLICATIONS, SETTINGS
from database.queries.typed import fetch_as
from database.tables import Table
from utils.errors import EvidenceChanged, UnknownEvidence
from utils.reasons import Reason, reason


def heads(conn: Connection) -> Heads:
    """Return the newest link of each chain."""
    return convert({"heads": [row | {"digest": row["digest"].hex()} for row in evidence.heads(conn)]}, Heads)


def whole_link(conn: Connection, chain: str, position: int) -> WholeLink:
    """Return a link with all that its digest covers."""
    with one_transaction(conn) as reading:
        with reading.cursor() as cursor:
            cursor.execute(SETTINGS)
        found = fetch_as(
            reading,
            WholeLink,
            """
            SELECT
                chain,
                position,
                known_at,
                ENCODE(digest, 'hex') AS digest,
                ENCODE(previous, 'hex') AS previous,
                ENCODE(body_digest, 'hex') AS body_digest,
                ROW(chain, position, known_at, about)::text AS facts,
                body
            FROM evidence_link
            WHERE (chain, position) = (%(chain)s, %(position)s)
            """,
            {"chain": chain, "position": position},
        )
    if not found:
        raise UnknownEvidence(reason("no_link", position=position, chain=chain))
    return found[0]


def revisions(conn: Connection, jobs: Sequence[str], as_of: date) -> dict[str, list[PublicationLink]]:
    """Return all revisions of what these jobs published for a day, by job, the first ones first."""
    links = fetch_as(
        conn,
        PublicationLink,
        """
        SELECT
            chain,
            position,
            known_at,
            ENCODE(digest, 'hex') AS digest,
            about ->> 'job' AS job,
            (about ->> 'revision')::int AS revision,
            ENCODE(previous, 'hex') AS previous,
            ENCODE(body_digest, 'hex') AS body_digest,
            about ->> 'input_digest' AS input_digest,
            about ->> 'universe' AS universe,
            about -> 'code' ->> 'version' AS code_version,
            about -> 'watermark' AS watermark
        FROM evidence_link
        WHERE chain = 'publications' AND about ->> 'job' = ANY(%(jobs)s) AND about ->> 'as_of_date' = %(as_of)s
        ORDER BY position
        """,
        {"jobs": list(jobs), "as_of": as_of.isoformat()},
    )
    return {job: [link for link in links if link.job == job] for job in jobs}


def chosen_revision(kept: Sequence[PublicationLink], number: int | None, what: Reason) -> PublicationLink:
    """Return a revision by its number, or the newest one. what: what they are revisions of, for the error."""
    if not kept:
        raise UnknownEvidence(reason("no_evidence_of", what=what))
    found = next((link for link in reversed(kept) if number in (None, link.revision)), None)
    if found is None:
        raise UnknownEvidence(reason("no_revision", number=number, what=what, newest=kept[-1].revision))
    return found


def read_revision(kept: Sequence[PublicationLink], watermark: Mapping[str, int]) -> PublicationLink | None:
    """Return the newest of these revisions by a watermark: what a later job has read of them."""
    return next((link for link in reversed(kept) if link.position <= watermark.get(PUBLICATIONS, 0)), None)


def with_weights(kept: Iterable[PublicationLink], weights: Mapping[int, float]) -> list[WeightRevision]:
    """Return revisions with a ticker's weights. weights: by the position of the revision's link."""
    return [
        WeightRevision(
            chain=link.chain,
            position=link.position,
            known_at=link.known_at,
            digest=link.digest,
            revision=link.revision,
            weight=weights.get(link.position),
        )
        for link in kept
    ]


def watermark(conn: Connection, link: PublicationLink) -> dict[str, int]:
    """Return up to where each chain was read: as the link says, else what was known before it."""
    if link.watermark is not None:
        return link.watermark
    rows = fetch(
        conn,
        "SELECT chain, MAX(position) AS position FROM evidence_link WHERE known_at <= %(known_at)s GROUP BY chain",
        {"known_at": link.known_at},
    )
    return {row["chain"]: row["position"] for row in rows}


class PublishedRows:
    """The rows that revisions published, from the bodies of their links.

    Raise EvidenceChanged where a body is not that of its link's digest.
    """

    def __init__(self, conn: Connection, links: Sequence[PublicationLink]) -> None:
        rows = fetch(
            conn,
            "SELECT position, body FROM evidence_link WHERE chain = %(chain)s AND position = ANY(%(positions)s)",
            {"chain": PUBLICATIONS, "positions": [link.position for link in links]},
        )
        bodies = {row["position"]: row["body"] for row in rows}
        self._rows = {link.position: evidence.rows_of(_checked(bodies[link.position], link)) for link in links}

    def of(self, link: PublicationLink, table: Table) -> list[dict[str, Any]]:
        """Return the rows of a table that a revision published: column -> text, truth, or what is in its JSON."""
        return [
            {column: _value(column, cell) for column, cell in row.items()}
            for row in self._rows[link.position].get(table.name, [])
        ]


def _value(column: str, cell: str | None) -> Any:
    if cell is not None and column.startswith("is_"):
        return cell == "t"
    if cell is not None and column.endswith("_reason"):
        with suppress(DecodeError):
            return json.decode(cell)
    return cell


def _checked(body: str, link: PublicationLink) -> str:
    if digest(body).hex() != link.body_digest:
        raise EvidenceChanged(reason("link_changed", position=link.position, chain=PUBLICATIONS, job=link.job))
    return body
