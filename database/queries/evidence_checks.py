"""What there is to check of the evidence, compared by the database: only what differs is fetched.

The digests are worked out by PostgreSQL's own sha256, and not by the functions that wrote them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from psycopg2 import sql

from database.canonical import link_digest, record_text
from database.db_helper import Connection, identifiers
from database.queries.evidence import OF_JOB, PUBLICATIONS, SETTINGS, Published
from database.schema_reader import schema
from database.tables import Table

# What a version keeps from its own first fetch, while the collected row has it from the last one.
OF_THE_FETCH = frozenset(
    (
        *("fetched_at", "judged_at", "asked_at", "run_id", "topic", "partition_id", "kafka_offset"),
        *("answer_digest", "quote_digest"),
    )
)
FETCHED_AT_ONCE = 1000
# A check sorts whole tables, which takes half as long again on the disk.
CHECKING = f"{SETTINGS}; SET LOCAL work_mem = '256MB'"


@dataclass(frozen=True)
class Versions:
    """A table whose rows have versions, and the table with these. Its chain has the table's name."""

    table: str
    kept: Table

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Those that a link's lines have, in their order."""
        return tuple(column for column in self.kept.columns if column != "position")

    @property
    def key(self) -> tuple[str, ...]:
        return tuple(column for column in self.kept.key if column != "position")

    @property
    def values(self) -> tuple[str, ...]:
        """Those in which the table and its newest version agree."""
        return tuple(column for column in self.columns if column not in OF_THE_FETCH and column != "is_removed")


class Link(NamedTuple):
    """A link that is not what its digest says, or does not rest on the one before.

    known_at, about: as texts
    computed: its digest as worked out from what it holds; of_body: the same of its body
    before, after: the digest of the link before, and what the link behind has of this one
    """

    chain: str
    position: int
    position_before: int | None
    known_at: str
    about: str
    previous: bytes
    before: bytes
    body_digest: bytes
    of_body: bytes
    digest: bytes
    computed: bytes
    after: bytes | None

    def digest_with(
        self,
        previous: bytes | None = None,
        body_digest: bytes | None = None,
        chain: str | None = None,
        position: int | None = None,
    ) -> bytes:
        """Return the digest that the link would have with another value."""
        facts = record_text([chain or self.chain, position or self.position, self.known_at, self.about])
        return link_digest(previous or self.previous, body_digest or self.body_digest, facts)


def known_chains() -> list[str]:
    """Return the names that a chain can have."""
    return [PUBLICATIONS, *(each.table for each in tables_with_versions())]


def chains(conn: Connection) -> list[str]:
    """Return the names of the chains that there are. Runs inside the caller's transaction."""
    with conn.cursor() as cursor:
        cursor.execute("SELECT chain FROM evidence_heads() ORDER BY chain")
        return [chain for (chain,) in cursor.fetchall()]


def tables_with_versions() -> list[Versions]:
    """Return the tables that have versions: those whose evidence says which rows are removed."""
    known = schema()
    found = []
    for name, kept in known.items():
        if name.startswith("evidence_") and "is_removed" in kept.columns:
            rest = name.removeprefix("evidence_")
            [of] = [prefix + rest for prefix in ("collected_", "logs_") if prefix + rest in known]
            found.append(Versions(of, Table(name, kept.key, tuple(kept.columns))))
    return found


def broken_links(conn: Connection, chain: str) -> list[Link]:
    """Return the links of a chain that do not rest on what they say."""
    with conn.cursor() as cursor:
        cursor.execute(CHECKING)
        cursor.execute(
            """
            SELECT chain, position, position_before, known_at::text, about::text, previous, before, body_digest,
                of_body, digest, computed, after
            FROM (
                SELECT *,
                    LAG(position) OVER chain AS position_before,
                    COALESCE(LAG(digest) OVER chain, decode(repeat('00', 32), 'hex')) AS before,
                    LEAD(previous) OVER chain AS after,
                    sha256(previous || body_digest || convert_to(ROW(chain, position, known_at, about)::text, 'UTF8'))
                        AS computed
                FROM (
                    SELECT chain, position, known_at, about, previous, body_digest, digest,
                        sha256(convert_to(body, 'UTF8')) AS of_body
                    FROM evidence_link WHERE chain = %s
                ) AS link
                WINDOW chain AS (ORDER BY position)
            ) AS link
            WHERE body_digest <> of_body OR digest <> computed OR previous <> before
                OR position <> COALESCE(position_before, 0) + 1
            ORDER BY position
            """,
            (chain,),
        )
        return [Link(*map(_plain, row)) for row in cursor.fetchall()]


def unlike_links(conn: Connection, versions: Versions) -> list[int]:
    """Return the positions at which the versions are not what the links of their chain say."""
    with conn.cursor() as cursor:
        cursor.execute(CHECKING)
        cursor.execute(
            sql.SQL(
                """
                SELECT position
                FROM (
                    SELECT position, sha256(convert_to(STRING_AGG(line, E'\\n' ORDER BY {key}), 'UTF8')) AS digest
                    FROM (SELECT position, {key_columns}, ROW({columns})::text AS line FROM {kept}) AS version
                    GROUP BY position
                ) AS version
                FULL JOIN (
                    SELECT position, body_digest FROM evidence_link WHERE chain = %s AND body <> ''
                ) AS link USING (position)
                WHERE digest IS DISTINCT FROM body_digest
                ORDER BY position
                """
            ).format(
                key=_in_bytes(versions.key),
                key_columns=identifiers(versions.key),
                columns=identifiers(versions.columns),
                kept=sql.Identifier(versions.kept.name),
            ),
            (versions.table,),
        )
        return [position for (position,) in cursor.fetchall()]


def versions_at(conn: Connection, versions: Versions, positions: Sequence[int]) -> Iterator[tuple[int, str]]:
    """Yield the versions of some positions: (position, line)."""
    with conn.cursor() as cursor:
        cursor.execute(CHECKING)
        cursor.execute(
            sql.SQL("SELECT position, ROW({})::text FROM {} WHERE position = ANY(%s)").format(
                identifiers(versions.columns), sql.Identifier(versions.kept.name)
            ),
            (list(positions),),
        )
        yield from cursor


def bodies_at(conn: Connection, chain: str, positions: Sequence[int]) -> dict[int, str]:
    with conn.cursor() as cursor:
        cursor.execute(
            "SELECT position, body FROM evidence_link WHERE chain = %s AND position = ANY(%s)", (chain, list(positions))
        )
        return dict(cursor.fetchall())


def unlike_newest_versions(conn: Connection, versions: Versions) -> Iterator[tuple[str | None, str | None]]:
    """Yield the rows that are not their newest version: (line of the version, line of the row), None without one."""
    with conn.cursor() as cursor:
        cursor.execute(CHECKING)
        # Both sides come in the order of the key: to merge them takes two thirds of the time of hashing them.
        cursor.execute("SET LOCAL enable_hashjoin = off")
        cursor.execute(
            sql.SQL(
                """
                SELECT ROW({newest})::text, ROW({stored})::text, newest.is_newest, stored.is_stored
                FROM (
                    SELECT {values}, TRUE AS is_newest
                    FROM (
                        SELECT DISTINCT ON ({key}) * FROM {kept} ORDER BY {key}, position DESC
                    ) AS version
                    WHERE NOT is_removed
                ) AS newest
                FULL JOIN (SELECT {values}, TRUE AS is_stored FROM {table}) AS stored USING ({key})
                WHERE ROW({newest}) IS DISTINCT FROM ROW({stored})
                """
            ).format(
                newest=_of("newest", versions.values),
                stored=_of("stored", versions.values),
                values=identifiers(versions.values),
                key=identifiers(versions.key),
                kept=sql.Identifier(versions.kept.name),
                table=sql.Identifier(versions.table),
            )
        )
        unlike = cursor.fetchall()
        cursor.execute("SET LOCAL enable_hashjoin = on")
    for newest, stored, is_newest, is_stored in unlike:
        yield newest if is_newest else None, stored if is_stored else None


def unlike_revisions(conn: Connection, job: str, published: Published) -> list[tuple[Any, int]]:
    """Return the days whose rows in a job's table are not those of the newest revision, each with its position."""
    return _unlike_sections(
        conn,
        job,
        published,
        published.table.name,
        published.day,
        """
        SELECT DISTINCT ON (about ->> 'as_of_date') (about ->> 'as_of_date')::date AS day, position,
            about #>> ARRAY['tables', %(table)s, 'digest'] AS digest
        FROM evidence_link
        WHERE chain = 'publications' AND about ->> 'job' = %(job)s
        ORDER BY about ->> 'as_of_date', position DESC
        """,
    )


def unlike_kept(conn: Connection, job: str, published: Published) -> list[tuple[Any, int]]:
    """Return the revisions whose kept rows are not those of their link: (position, position)."""
    assert published.kept
    return _unlike_sections(
        conn,
        job,
        published,
        published.kept.name,
        "position",
        """
        SELECT position AS day, position, about #>> ARRAY['tables', %(table)s, 'digest'] AS digest
        FROM evidence_link
        WHERE chain = 'publications' AND about ->> 'job' = %(job)s
        """,
    )


def _unlike_sections(
    conn: Connection, job: str, published: Published, rows: str, day: str, links: str
) -> list[tuple[Any, int]]:
    with conn.cursor() as cursor:
        cursor.execute(CHECKING)
        cursor.execute(
            sql.SQL(
                """
                SELECT link.day, link.position
                FROM ({links}) AS link
                LEFT JOIN (
                    SELECT day, STRING_AGG(line, E'\\n' ORDER BY line COLLATE "C") AS lines
                    FROM (
                        SELECT {day} AS day, ROW(%(table)s::text, {columns})::text AS line FROM {rows}
                        WHERE {condition}
                    ) AS line
                    GROUP BY day
                ) AS section USING (day)
                WHERE link.digest IS DISTINCT FROM encode(
                    sha256(convert_to(CONCAT_WS(E'\\n', %(header)s::text, lines), 'UTF8')), 'hex')
                ORDER BY position
                """
            ).format(
                links=sql.SQL(links),
                day=sql.Identifier(day),
                columns=identifiers(published.columns),
                rows=sql.Identifier(rows),
                condition=published.condition,
            ),
            {"job": job, "table": published.table.name, "header": published.header},
        )
        return cursor.fetchall()


def lines_of(conn: Connection, job: str, published: Published, rows: str, day: str, of: Any) -> list[str]:
    """Return the canonical lines of a table's rows of a day, or of a position."""
    with conn.cursor() as cursor:
        cursor.execute(CHECKING)
        cursor.execute(
            sql.SQL("SELECT ROW(%(table)s::text, {})::text FROM {} WHERE {} = %(of)s AND {}").format(
                identifiers(published.columns),
                sql.Identifier(rows),
                sql.Identifier(day),
                published.condition,
            ),
            {"table": published.table.name, "job": job, "of": of},
        )
        return [line for (line,) in cursor.fetchall()]


def lines_without_link(
    conn: Connection, job: str, published: Published, rows: str, by_position: bool
) -> list[tuple[Any, str]]:
    """Return the lines of a table's rows whose day, or position, no revision of the job has."""
    day = "position" if by_position else published.day
    of_link = "link.position" if by_position else "(link.about ->> 'as_of_date')::date"
    with conn.cursor() as cursor:
        cursor.execute(CHECKING)
        cursor.execute(
            sql.SQL(
                """
                SELECT {day}, ROW(%(table)s::text, {columns})::text FROM {rows} AS stored
                WHERE {condition} AND NOT EXISTS (
                    SELECT 1 FROM evidence_link AS link
                    WHERE chain = 'publications' AND link.about ->> 'job' = {of_job} AND {of_link} = stored.{day})
                """
            ).format(
                day=sql.Identifier(day),
                columns=identifiers(published.columns),
                rows=sql.Identifier(rows),
                of_link=sql.SQL(of_link),
                of_job=sql.SQL("stored.job" if "job" in published.columns else "%(job)s"),
                condition=sql.SQL("(job = %(job)s OR job <> ALL(%(jobs)s))" if "job" in published.columns else "TRUE"),
            ),
            {"table": published.table.name, "job": job, "jobs": list(OF_JOB)},
        )
        return cursor.fetchall()


def answers(conn: Connection) -> Iterator[tuple[bytes, bytes, bytes | None, bytes | None]]:
    """Yield the source's answers as they are kept: digest and packed body, and those of the answer below each."""
    with conn.cursor("answers") as cursor:
        cursor.itersize = FETCHED_AT_ONCE
        cursor.execute(
            """
            SELECT answer.digest, answer.body, base.digest, base.body
            FROM evidence_source_answer AS answer
            LEFT JOIN evidence_source_answer AS base ON base.digest = answer.base
            """
        )
        for row in cursor:
            digest, body, base, base_body = (cell and bytes(cell) for cell in row)
            yield digest, body, base, base_body


def jobs() -> Iterator[tuple[str, Published]]:
    for job, tables in OF_JOB.items():
        for published in tables:
            yield job, published


def _plain(cell: Any) -> Any:
    return bytes(cell) if isinstance(cell, memoryview) else cell


def _in_bytes(columns: Sequence[str]) -> sql.Composed:
    """Return an order in which texts are compared by their bytes, whatever the database's language is."""
    return sql.SQL(", ").join(
        sql.SQL('{} COLLATE "C"' if column in _TEXTS else "{}").format(sql.Identifier(column)) for column in columns
    )


# The texts among the keys of tables with versions.
_TEXTS = frozenset(("ticker", "kind", "etf_ticker", "stock_ticker", "holding_ticker"))


def _of(table: str, columns: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(table, column) for column in columns)
