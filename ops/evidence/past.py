"""A database of its own that is taken to what the platform knew at one watermark after the other.

Only what has changed between two of them is copied, so they come in their order.
"""

import io
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from psycopg2 import sql
from psycopg2.extras import Json

from config.config import DatabaseSettings
from database import tables
from database.db_helper import Connection, Row, connect, fetch, transaction
from database.queries import evidence
from database.queries.evidence_as_of import VERSIONED, columns_of, versions_of
from database.schema_reader import schema
from database.tables import Table
from ops.evidence.copying import allow_changes

Watermark = Mapping[str, int]  # chain -> its newest position then
Rows = Mapping[str, Sequence[Mapping[str, str | None]]]  # by table

# What jobs read of what others have published.
READ = (
    tables.PUBLICATION,
    tables.TRENDING_ETFS,
    tables.PORTFOLIO_ALLOCATION,
    tables.MONTHLY_PORTFOLIO,
    tables.PORTFOLIO_PERFORMANCE,
    tables.PERFORMANCE_SUMMARY,
)
# The performance follows the first revisions of what these have published.
DECIDING = ("allocation", "rebalance")
# Links that are made here come behind this position: so they are told from those of the platform.
OWN = 10**15
_BY_NAME = {table.name: table for table in READ}
# Of so many publications the rows are in memory at once.
LINKS_AT_ONCE = 500


@dataclass
class Past:
    """known: up to which position of each chain the database has been taken."""

    platform: Connection
    database: DatabaseSettings
    known: dict[str, int] = field(default_factory=dict)
    _made: set[tuple[str, date]] = field(default_factory=set)

    def take_to(self, watermark: Watermark) -> None:
        """Store what was known at a watermark, which is none before the one of the last time."""
        with closing(connect(self.database)) as conn:
            if not self.known:
                allow_changes(conn)
                _begin_own_links(conn)
            for table in VERSIONED:
                self._take_table(conn, table, watermark.get(table.name, 0))
            self._take_publications(conn, watermark.get(evidence.PUBLICATIONS, 0))

    def _take_table(self, conn: Connection, table: Table, position: int) -> None:
        known = self.known.get(table.name, 0)
        self.known[table.name] = position
        if position <= known:
            return
        key = sql.SQL(", ").join(map(sql.Identifier, schema()[table.name].key))
        columns = sql.SQL(", ").join(map(sql.Identifier, columns_of(table)))
        names = {"key": key, "columns": columns, "table": sql.Identifier(table.name)}
        changed = sql.SQL(
            "SELECT DISTINCT ON ({key}) is_removed, {columns} FROM {versions} WHERE position > {known} AND position <= "
            "{position} ORDER BY {key}, position DESC"
        ).format(
            **names,
            versions=sql.Identifier(versions_of(table)),
            known=sql.Literal(known),
            position=sql.Literal(position),
        )
        rows = io.BytesIO()
        with transaction(self.platform), self.platform.cursor() as cursor:
            cursor.copy_expert(sql.SQL("COPY ({}) TO STDOUT").format(changed), rows)
        rows.seek(0)
        with transaction(conn), conn.cursor() as cursor:
            cursor.execute(
                sql.SQL(
                    "CREATE TEMP TABLE changed ON COMMIT DROP AS "
                    "SELECT FALSE AS is_removed, {columns} FROM {table} LIMIT 0"
                ).format(**names)
            )
            cursor.copy_expert(sql.SQL("COPY changed FROM STDIN"), rows)
            if known:
                cursor.execute(
                    sql.SQL("DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM changed)").format(**names)
                )
            cursor.execute(
                sql.SQL("INSERT INTO {table} ({columns}) SELECT {columns} FROM changed WHERE NOT is_removed").format(
                    **names
                )
            )
            cursor.execute(sql.SQL("ANALYZE {table}").format(**names))

    def forget(self, job: str, days: Collection[date]) -> None:
        """Let the rows that a job has published here make way for those that were published then, the next time."""
        self._made |= {(job, day) for day in days}

    def _take_publications(self, conn: Connection, position: int) -> None:
        known = self.known.get(evidence.PUBLICATIONS, 0)
        self.known[evidence.PUBLICATIONS] = max(position, known)
        with transaction(conn):
            _forget_own_links(conn)
            for made in self._made:
                _replace(conn, made[0], {made[1]: _published(self.platform, *made, known)})
        self._made.clear()
        for first in range(known, position, LINKS_AT_ONCE):
            links = _links(self.platform, first + 1, min(first + LINKS_AT_ONCE, position))
            newest: dict[str, dict[date, Rows]] = {}
            with transaction(conn):
                for link in links:
                    rows = newest.setdefault(link["job"], {})[link["as_of_date"]] = _rows_of(link["job"], link["body"])
                    _keep(conn, link, rows)
                for job, of_days in newest.items():
                    _replace(conn, job, of_days)


def _begin_own_links(conn: Connection) -> None:
    with transaction(conn):
        _add_link(conn, OWN, datetime.now(UTC), {})


def _add_link(conn: Connection, position: int, known_at: datetime, about: Mapping[str, object]) -> None:
    """Add a link without a body and digests. Runs inside the caller's transaction."""
    with conn.cursor() as cursor:
        cursor.execute(
            "INSERT INTO evidence_link (chain, position, known_at, about, body, body_digest, previous, digest) "
            "VALUES ('publications', %s, %s, %s, '', '', '', '')",
            (position, known_at, Json(about)),
        )


def _forget_own_links(conn: Connection) -> None:
    """Delete the revisions that jobs have made here. Runs inside the caller's transaction."""
    kept = {published.kept for of_job in evidence.OF_JOB.values() for published in of_job if published.kept}
    with conn.cursor() as cursor:
        for table in ("evidence_link", *(table.name for table in kept)):
            cursor.execute(sql.SQL("DELETE FROM {} WHERE position > %s").format(sql.Identifier(table)), (OWN,))


def _keep(conn: Connection, link: Row, rows: Rows) -> None:
    """Keep the rows of a revision as the platform does, and when they were known. Inside the caller's transaction."""
    if link["job"] not in DECIDING:
        return
    for published in evidence.OF_JOB[link["job"]]:
        if published.kept:
            of_link = [{**row, "position": str(link["position"])} for row in rows.get(published.table.name, ())]
            insert(conn, published.kept.name, of_link)
    # Not whose revision it is: a job that runs here would take it for one of its own.
    _add_link(conn, link["position"], link["known_at"], {name: link[name] for name in ("code", "source_clock")})


def _links(platform: Connection, first: int, last: int) -> list[Row]:
    """Return the publications of some positions in their order: position, job, as_of_date, body."""
    return fetch(
        platform,
        """
        SELECT position, about ->> 'job' AS job, (about ->> 'as_of_date')::date AS as_of_date, body, known_at,
            about -> 'code' AS code, about -> 'source_clock' AS source_clock
        FROM evidence_link
        WHERE chain = 'publications' AND position BETWEEN %(first)s AND %(last)s
        ORDER BY position
        """,
        {"first": first, "last": last},
    )


def _published(platform: Connection, job: str, day: date, position: int) -> Rows:
    """Return what was published of a day as of a position."""
    links = fetch(
        platform,
        """
        SELECT body FROM evidence_link
        WHERE chain = 'publications' AND about ->> 'job' = %(job)s AND about ->> 'as_of_date' = %(day)s
            AND position <= %(position)s
        ORDER BY position DESC LIMIT 1
        """,
        {"job": job, "day": day.isoformat(), "position": position},
    )
    return _rows_of(job, links[0]["body"]) if links else {}


def _rows_of(job: str, body: str) -> Rows:
    """Return the rows of a body in the tables that jobs read. Those of the others are many, and are not taken apart."""
    begins = {
        published.table.name: f"\n{body}".find(f"\n({published.table.name},") for published in evidence.OF_JOB[job]
    }
    order = sorted((begin, name) for name, begin in begins.items() if begin >= 0)
    ends = [*(begin for begin, _ in order[1:]), len(body)]
    read = (body[begin:end].rstrip("\n") for (begin, name), end in zip(order, ends, strict=True) if name in _BY_NAME)
    return evidence.rows_of("\n".join(read))


def _replace(conn: Connection, job: str, of_days: Mapping[date, Rows]) -> None:
    """Make the rows of some days of a job those of their revisions. Runs inside the caller's transaction."""
    for published in evidence.OF_JOB[job]:
        if published.table.name not in _BY_NAME:
            continue
        of_job = "job = %(job)s" if published.table is tables.PUBLICATION else "TRUE"
        with conn.cursor() as cursor:
            cursor.execute(
                f"DELETE FROM {published.table.name} WHERE {published.day} = ANY(%(days)s) AND {of_job}",
                {"days": list(of_days), "job": job},
            )
        rows = [row for tables_of_day in of_days.values() for row in tables_of_day.get(published.table.name, ())]
        insert(conn, published.table.name, rows)


def insert(conn: Connection, table: str, rows: Sequence[Mapping[str, str | None]]) -> None:
    """Insert rows of canonical text, which all have the same columns. Runs inside the caller's transaction."""
    columns = [*rows[0]] if rows else []
    if not columns:
        return
    lines = "".join("\t".join(_cell(row[column]) for column in columns) + "\n" for row in rows)
    query = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with conn.cursor() as cursor:
        cursor.copy_expert(query, io.BytesIO(lines.encode()))


def _cell(text: str | None) -> str:
    r"""Write a cell as COPY reads it.

    >>> _cell(None), _cell("a\tb"), _cell("")
    ('\\N', 'a\\tb', '')
    """
    if text is None:
        return r"\N"
    return text.replace("\\", r"\\").replace("\t", r"\t").replace("\n", r"\n").replace("\r", r"\r")
