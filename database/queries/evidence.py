"""Publications as revisions: what a job's tables hold of a day as canonical text, and the links that were made of it.

The body of a revision is one section for each table of its job. A section is a line with the table's name and columns,
and a line for each row, which begins with the table's name, too. The rows are in the order of their bytes.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from psycopg2 import sql
from psycopg2.extras import Json

from config.exchange_days import extra_days
from config.universe import universe
from database import canonical, tables
from database.canonical import json_text, record_text, records
from database.db_helper import Connection, Row, fetch, identifiers
from database.tables import Table

PUBLICATIONS = "publications"
# What a session could set otherwise, and what canonical text depends on.
SETTINGS = """
    SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO, MDY'; SET LOCAL intervalstyle = 'postgres';
    SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'
"""
# A body for each day that has rows or a revision, made, compared and appended one after the other: all of them at once
# would fill the disk. The planner knows nothing of rows that this transaction has written, and must not read all of
# them for each day.
APPEND_BODIES = """
    SET LOCAL enable_seqscan = off;
    SELECT day, append_evidence(
        'publications',
        about || JSONB_BUILD_OBJECT(
            'tables', tables, 'output_digest', ENCODE(sha256(convert_to(body, 'UTF8')), 'hex')),
        body)
    FROM (
        SELECT * FROM UNNEST(
            %(days)s::date[], %(abouts)s::jsonb[], %(known)s::jsonb[], %(has_other_inputs)s::boolean[]
        ) WITH ORDINALITY AS link (day, about, known, has_other_inputs, nth)
        ORDER BY nth OFFSET 0
    ) AS link
    CROSS JOIN LATERAL (
        SELECT {row_count} AS row_count, {tables} AS tables, CONCAT_WS(E'\n', {texts}) AS body
        FROM {sections}
        OFFSET 0
    ) AS made
    WHERE (row_count > 0 OR known IS NOT NULL) AND (has_other_inputs OR known IS DISTINCT FROM tables)
"""
# The rows' canonical text: `_lines` in the order that a digest needs.
TOGETHER = sql.SQL(r"""STRING_AGG(line, E'\n' ORDER BY line COLLATE "C")""")
# When and by which run: no part of what was published.
OF_THE_RUN = ("published_at", "run_id")


@dataclass(frozen=True)
class Published:
    """A table of a job: the column with a publication's day, and the table that keeps the rows of every revision."""

    table: Table
    day: str
    kept: Table | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(column for column in self.table.columns if column not in OF_THE_RUN)

    @property
    def condition(self) -> sql.SQL:
        """The condition for the table's rows of a job, whose name is the parameter `job`."""
        return sql.SQL("job = %(job)s" if "job" in self.columns else "TRUE")

    @property
    def header(self) -> str:
        return record_text((self.table.name, *self.columns))


class Section(NamedTuple):
    """The rows of a table and a day as canonical text, below the line that names its columns."""

    text: str
    row_count: int

    @property
    def digest(self) -> str:
        return canonical.digest(self.text).hex()


class Draft(NamedTuple):
    """What is known of a revision before its body is made.

    about: its facts, but for those of the body: `tables` and `output_digest`
    known: the tables of the newest revision, or None without one
    has_other_inputs: it rests on something else than the newest one
    """

    about: Mapping[str, Any]
    known: Mapping[str, Any] | None = None
    has_other_inputs: bool = False


class Revision(NamedTuple):
    """The newest revision of a job's day."""

    position: int
    about: Mapping[str, Any]
    output: str


Sections = Mapping[str, Section]  # by table, in the order of the body

PUBLICATION = Published(tables.PUBLICATION, "as_of_date", tables.EVIDENCE_PUBLICATION)
OF_JOB: Mapping[str, tuple[Published, ...]] = {
    "trending": (PUBLICATION, Published(tables.TRENDING_ETFS, "as_of_date")),
    "allocation": (
        PUBLICATION,
        Published(tables.PORTFOLIO_ALLOCATION, "as_of_date", tables.EVIDENCE_PORTFOLIO_ALLOCATION),
        Published(tables.ALLOCATION_CANDIDATES, "as_of_date"),
    ),
    "top_holdings": (PUBLICATION, Published(tables.ETF_TOP_HOLDINGS, "analysis_date")),
    "rebalance": (
        PUBLICATION,
        Published(tables.MONTHLY_PORTFOLIO, "rebalance_date", tables.EVIDENCE_MONTHLY_PORTFOLIO),
    ),
    "sectors": (PUBLICATION, Published(tables.SECTOR_TRENDING, "as_of_date")),
    "performance": (
        PUBLICATION,
        Published(tables.PORTFOLIO_PERFORMANCE, "trade_date", tables.EVIDENCE_PORTFOLIO_PERFORMANCE),
        Published(tables.PERFORMANCE_SUMMARY, "last_session", tables.EVIDENCE_PERFORMANCE_SUMMARY),
    ),
}


def heads(conn: Connection) -> list[Row]:
    """Return the newest link of each chain: chain, position, digest, known_at."""
    return fetch(conn, "SELECT chain, position, digest, known_at FROM evidence_heads() ORDER BY chain")


def digest_at(conn: Connection, chain: str, position: int) -> str | None:
    """Return the digest of a link, or None without one."""
    rows = fetch(
        conn,
        "SELECT digest FROM evidence_link WHERE (chain, position) = (%(chain)s, %(position)s)",
        {"chain": chain, "position": position},
    )
    return bytes(rows[0]["digest"]).hex() if rows else None


def watermark(conn: Connection) -> dict[str, int]:
    """Return the newest position of each chain: all that is known."""
    return {row["chain"]: row["position"] for row in heads(conn)}


def source_clock(conn: Connection) -> datetime | None:
    """Return when a market with a clock of its own has answered last, by it; None without a bar of one."""
    [row] = fetch(conn, "SELECT MAX(fetched_at) AS newest FROM collected_daily_etf_ohlc WHERE source <> 'yahoo'")
    newest: datetime | None = row["newest"]
    return newest


def universe_digest() -> str:
    """Return the digest of the ETFs, periods and settings of the strategy."""
    return canonical.digest(json_text(asdict(universe()))).hex()


def extra_days_digest() -> str:
    """Return the digest of the days on which an exchange is open or closed otherwise than in its calendar."""
    days = sorted((day.exchange, day.day.isoformat(), day.is_open) for day in extra_days())
    return canonical.digest(json_text(days)).hex()


def sections_of(conn: Connection, job: str, days: Collection[date] | None = None) -> dict[date, Sections]:
    """Return what the tables hold of a job's days, or of all its days. A day without any row is left out.

    Runs inside the caller's transaction, whose settings it changes.
    """
    found: dict[date, dict[str, Section]] = {}
    with conn.cursor() as cursor:
        cursor.execute(SETTINGS)
        for published in OF_JOB[job]:
            cursor.execute(_sections(published), {"job": job, "days": None if days is None else list(days)})
            for day, row_count, lines in cursor.fetchall():
                found.setdefault(day, {})[published.table.name] = Section(f"{published.header}\n{lines}", row_count)
    return {day: {**empty_sections(job), **found[day]} for day in sorted(found)}


def empty_sections(job: str) -> dict[str, Section]:
    """Return the sections of a day without rows."""
    return {published.table.name: Section(published.header, 0) for published in OF_JOB[job]}


def body_of(sections: Sections) -> str:
    return "\n".join(section.text for section in sections.values())


def rows_of(body: str) -> dict[str, list[dict[str, str | None]]]:
    r"""Return the rows of a body by their tables: column -> canonical text.

    >>> rows_of("(a,x,y)\n(a,1,)\n(b,z)")
    {'a': [{'x': '1', 'y': None}], 'b': []}
    """
    return {
        str(table): [dict(zip(map(str, columns), cells, strict=True)) for cells in rows]
        for table, (columns, *rows) in _by_table(body)
    }


def _by_table(body: str) -> Iterator[tuple[str | None, list[list[str | None]]]]:
    for table, lines in groupby(records(body), key=itemgetter(0)):
        yield table, [cells for _, *cells in lines]


def newest_revisions(conn: Connection, job: str, days: Collection[date]) -> dict[date, Revision]:
    """Return the newest revision of each of a job's days that has one. Runs inside the caller's transaction."""
    with conn.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT ON (about ->> 'as_of_date') (about ->> 'as_of_date')::date, position, about, body_digest
            FROM evidence_link
            WHERE chain = 'publications' AND about ->> 'job' = %s AND about ->> 'as_of_date' = ANY(%s)
            ORDER BY about ->> 'as_of_date', position DESC
            """,
            (job, [day.isoformat() for day in days]),
        )
        return {day: Revision(position, about, output.hex()) for day, position, about, output in cursor.fetchall()}


def append_bodies(conn: Connection, job: str, drafts: Mapping[date, Draft]) -> dict[date, int]:
    """Add a link to the chain of publications for each of a job's days that has changed. Return the positions.

    A day is left out when it has the rows and inputs of its newest revision, or neither a row nor a revision. Runs
    inside the caller's transaction, whose settings it changes.
    """
    if not drafts:
        return {}
    with conn.cursor() as cursor:
        cursor.execute(SETTINGS)
        cursor.execute(
            _append_bodies(OF_JOB[job]),
            {
                "job": job,
                "days": list(drafts),
                "abouts": [Json(draft.about) for draft in drafts.values()],
                "known": [draft.known and Json(draft.known) for draft in drafts.values()],
                "has_other_inputs": [draft.has_other_inputs for draft in drafts.values()],
            },
        )
        return dict(cursor.fetchall())


def keep_rows(conn: Connection, job: str, positions: Mapping[date, int]) -> None:
    """Copy what the tables hold of these days, each under the position of its link.

    Runs inside the caller's transaction.
    """
    with conn.cursor() as cursor:
        for published in OF_JOB[job]:
            if published.kept:
                cursor.execute(
                    _copy(published, published.kept),
                    {"job": job, "days": list(positions), "positions": list(positions.values())},
                )


def _sections(published: Published) -> sql.Composed:
    return sql.SQL(
        """
        SELECT day, COUNT(*), {together} FROM ({lines}) AS rows
        WHERE %(days)s::date[] IS NULL OR day = ANY(%(days)s::date[])
        GROUP BY day
        """
    ).format(together=TOGETHER, lines=_lines(published))


def _append_bodies(of_job: Sequence[Published]) -> sql.Composed:
    names = [sql.Identifier(f"of_{published.table.name}") for published in of_job]
    of_table = "{name}, JSONB_BUILD_OBJECT('rows', {section}.row_count, 'digest', {section}.digest)"
    return sql.SQL(APPEND_BODIES).format(
        row_count=sql.SQL(" + ").join(sql.SQL("{}.row_count").format(name) for name in names),
        tables=sql.SQL("JSONB_BUILD_OBJECT({})").format(
            sql.SQL(", ").join(
                sql.SQL(of_table).format(name=sql.Literal(published.table.name), section=name)
                for published, name in zip(of_job, names, strict=True)
            )
        ),
        texts=sql.SQL(", ").join(sql.SQL("{}.lines").format(name) for name in names),
        sections=sql.SQL(" CROSS JOIN ").join(
            sql.SQL("LATERAL ({}) AS {}").format(_section_of_day(published), name)
            for published, name in zip(of_job, names, strict=True)
        ),
    )


def _section_of_day(published: Published) -> sql.Composed:
    return sql.SQL(
        """
        SELECT COUNT(*) AS row_count, {section} AS lines, ENCODE(sha256(convert_to({section}, 'UTF8')), 'hex') AS digest
        FROM ({lines}) AS rows WHERE rows.day = link.day
        """
    ).format(
        section=sql.SQL(r"CONCAT_WS(E'\n', {}, {})").format(sql.Literal(published.header), TOGETHER),
        lines=_lines(published),
    )


def _lines(published: Published) -> sql.Composed:
    """Select the canonical text of each published row, and its day."""
    return sql.SQL(
        "SELECT {day} AS day, ROW({table_name}::text, {columns})::text AS line FROM {table} WHERE {condition}"
    ).format(
        day=sql.Identifier(published.day),
        table_name=sql.Literal(published.table.name),
        columns=identifiers(published.columns),
        table=sql.Identifier(published.table.name),
        condition=published.condition,
    )


def _copy(published: Published, kept: Table) -> sql.Composed:
    return sql.SQL(
        """
        INSERT INTO {kept} ({columns}, position)
        SELECT {values}, link.position FROM {table} AS published
        JOIN UNNEST(%(days)s::date[], %(positions)s::bigint[]) AS link (link_day, position) ON link_day = {day}
        WHERE {condition}
        """
    ).format(
        kept=sql.Identifier(kept.name),
        columns=identifiers(published.columns),
        values=sql.SQL(", ").join(sql.Identifier("published", column) for column in published.columns),
        table=sql.Identifier(published.table.name),
        day=sql.Identifier("published", published.day),
        condition=published.condition,
    )
