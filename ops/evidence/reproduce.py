"""`reproduce PUBLICATION` or `FROM TO`: compute what was published again, from what was known when it was computed.

Each revision of a publication says up to which position of each chain of evidence it has read. A database of its own is
taken there, the same Spark job runs on it, and the digests of both outputs are compared. Revisions of one job that have
read the same share a run.
"""

import argparse
import logging
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any, NamedTuple

from pyspark.sql import SparkSession

from batch.revisions import code_version, library_versions
from config.config import ConfigError, DatabaseSettings, Settings
from database import tables
from database.canonical import digest, record_text, records
from database.db_helper import Connection, connect, fetch, transaction
from database.queries import evidence
from ops.console import complain, say
from ops.databases import create_database, drop_databases
from ops.evidence.jobs import JOBS, PERFORMANCE, run
from ops.evidence.past import Past, Watermark
from ops.pipeline.progress import in_words
from utils.errors import ActstockError, InvalidInput, NotPublished
from utils.logging_utils import configure_logging
from utils.spark_utils import session as spark_session

NAME = "reproduce"
SHOWN = 20
PUBLICATION = re.compile(r"(?P<job>[a-z_]+):(?P<day>\d{4}-\d{2}-\d{2})(?::(?P<revision>\d+))?")

Rows = Mapping[str, Sequence[Mapping[str, str | None]]]  # by table


@dataclass(frozen=True)
class Revision:
    """A link of the chain of publications."""

    position: int
    about: Mapping[str, Any]
    body: str
    body_digest: bytes

    @property
    def job(self) -> str:
        return str(self.about["job"])

    @property
    def day(self) -> date:
        return date.fromisoformat(self.about["as_of_date"])

    @property
    def watermark(self) -> Watermark | None:
        watermark: Watermark | None = self.about["watermark"]
        return watermark

    def __str__(self) -> str:
        return f"{self.job}:{self.day}:{self.about['revision']}"


class Cell(NamedTuple):
    """A published cell that came out as another one. column: empty where only one of the two has the row."""

    table: str
    key: str
    column: str
    published: str | None
    reproduced: str | None

    def __str__(self) -> str:
        if not self.column:
            return f"{self.table} {self.key}: only {'published' if self.reproduced is None else 'reproduced'}"
        return f"{self.table} {self.key}: {self.column} {self.published} was published, {self.reproduced} comes out"


@dataclass(frozen=True)
class Outcome:
    """What has become of a revision. why_not: why it could not be reproduced. cells: what differs."""

    revision: Revision
    why_not: str = ""
    cells: Sequence[Cell] = ()
    notes: Sequence[str] = ()

    @property
    def is_equal(self) -> bool:
        return not (self.why_not or self.cells)


class Group(NamedTuple):
    """Revisions of a job that have read the same."""

    job: str
    watermark: Watermark
    revisions: Sequence[Revision]


def groups_of(revisions: Sequence[Revision]) -> list[Group]:
    """Return the revisions by what they have read, in the order in which it was known."""

    def read(revision: Revision) -> tuple[Any, ...]:
        known = revision.watermark or {}
        return known.get(evidence.PUBLICATIONS, 0), sum(known.values()), revision.job, sorted(known.items())

    return [
        Group(key[2], dict(key[3]), sorted(group, key=lambda one: (one.day, one.position)))
        for key, group in groupby(sorted(revisions, key=read), key=read)
    ]


def reproduce_all(
    platform: Connection, database: DatabaseSettings, spark: SparkSession, revisions: Sequence[Revision]
) -> Iterator[Outcome]:
    """Yield what becomes of each revision when its job runs once more on what it has read.

    database: an empty one with the platform's tables
    """
    past = Past(platform, database)
    for revision in revisions:
        if revision.watermark is None:
            yield Outcome(revision, "an earlier version of the platform published it, which noted not what it had read")
    for group in groups_of([revision for revision in revisions if revision.watermark is not None]):
        past.take_to(group.watermark)
        yield from _reproduce(past, database, spark, group)


def _reproduce(past: Past, database: DatabaseSettings, spark: SparkSession, group: Group) -> Iterator[Outcome]:
    days = sorted({revision.day for revision in group.revisions})
    with closing(connect(database)) as conn:
        asked = _asked(conn, group)
    run(JOBS[group.job], spark, database, asked)
    past.forget(group.job, days)
    with closing(connect(database)) as conn, transaction(conn):
        made = evidence.sections_of(conn, group.job, days)
    for revision in group.revisions:
        sections = made.get(revision.day) or evidence.empty_sections(group.job)
        yield outcome_of(revision, evidence.body_of(sections))


def _asked(conn: Connection, group: Group) -> list[date]:
    """Return the days that the job was run for.

    A run of the performance recomputes every session and publishes only the days that it is asked for: the publications
    of the others are as they were. Of sectors a day without a publication has made way for another one of its month.
    """
    published = {revision.day: evidence.rows_of(revision.body)[tables.PUBLICATION.name] for revision in group.revisions}
    if group.job != PERFORMANCE.name:
        return sorted(day for day, rows in published.items() if rows)
    with transaction(conn):
        before = evidence.sections_of(conn, group.job, list(published))
    stayed = {
        day
        for day, sections in before.items()
        if evidence.rows_of(evidence.body_of(sections))[tables.PUBLICATION.name] == published[day]
    }
    if asked := sorted(published.keys() - stayed):
        return asked
    [row] = fetch(conn, "SELECT MAX(as_of_date) AS newest FROM analytics_publication WHERE job = 'performance'")
    return [row["newest"]]


def outcome_of(revision: Revision, body: str) -> Outcome:
    """Return what has become of a revision whose job has now published a body."""
    notes = _changed_since(revision)
    if digest(body) == revision.body_digest:
        return Outcome(revision, notes=notes)
    published, made = evidence.rows_of(revision.body), evidence.rows_of(body)
    if digest(_as_published(published, made, revision.body)) == revision.body_digest:
        return Outcome(revision, notes=notes)
    return Outcome(
        revision, cells=list(_cells(published, made)) or [Cell("", "", "body", "one text", "another one")], notes=notes
    )


def _changed_since(revision: Revision) -> list[str]:
    """Return what is not as it was when the revision was made."""
    code = revision.about.get("code") or {}
    notes = []
    if code.get("sources") != code_version()["sources"]:
        notes.append(f"the code is another one than that of {code.get('commit') or code.get('version')}")
    if revision.about.get("universe") != evidence.universe_digest():
        notes.append("the universe or a setting of the strategy is another one")
    if revision.about.get("extra_days") not in (None, evidence.extra_days_digest()):
        notes.append("the days on which an exchange was open otherwise than in its calendar are other ones")
    then, now = revision.about.get("libraries") or {}, library_versions()
    other = [f"{name} {now[name]} in place of {then[name]}" for name in then if name in now and now[name] != then[name]]
    return notes + ([f"other versions compute: {', '.join(other)}"] if other else [])


def _as_published(published: Rows, made: Rows, body: str) -> str:
    """Write what was reproduced in the columns of what was published: a later migration may have added some."""
    lines = []
    for table, columns in _headers(body):
        lines.append(record_text((table, *columns)))
        rows = made.get(table, ())
        if any(column not in row for row in rows for column in columns):
            return ""
        lines += sorted((record_text((table, *(row[column] for column in columns))) for row in rows), key=str.encode)
    return "\n".join(lines)


def _headers(body: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each table of a body with its columns."""
    seen = set()
    for table, *cells in records(body):
        if table not in seen:
            seen.add(table)
            yield str(table), [str(cell) for cell in cells]


def _cells(published: Rows, made: Rows) -> Iterator[Cell]:
    for table, rows in published.items():
        key_of = _key_of(table)
        before, after = ({key_of(row): row for row in of} for of in (rows, made.get(table, ())))
        for key in sorted({*before, *after}):
            then, now = before.get(key), after.get(key)
            if then is None or now is None:
                yield Cell(table, key, "", key if then else None, key if now else None)
                continue
            for column, value in then.items():
                if value != now.get(column):
                    yield Cell(table, key, column, value, now.get(column))


def _key_of(table: str) -> Any:
    key = tables.table(table).key
    return lambda row: ", ".join(str(row[column]) for column in key)


def revisions_of(platform: Connection, condition: str, params: Mapping[str, Any]) -> list[Revision]:
    """Return the revisions for which a condition about the links of publications holds, in their order."""
    rows = fetch(
        platform,
        f"""
        SELECT position, about, body, body_digest FROM evidence_link
        WHERE chain = 'publications' AND {condition}
        ORDER BY position
        """,
        params,
    )
    return [Revision(**(row | {"body_digest": bytes(row["body_digest"])})) for row in rows]


def chosen(platform: Connection, words: Sequence[str]) -> list[Revision]:
    """Return the revisions that the command names: one publication, or all of a range of days."""
    if len(words) == 2 or not PUBLICATION.fullmatch(words[0]):
        first, last = _range(words)
        found = revisions_of(
            platform, "(about ->> 'as_of_date') BETWEEN %(first)s AND %(last)s", {"first": first, "last": last}
        )
    else:
        named = PUBLICATION.fullmatch(words[0])
        assert named
        if named["job"] not in JOBS:
            raise InvalidInput(f"no job is called {named['job']!r}: there are {', '.join(JOBS)}")
        found = revisions_of(
            platform,
            "about ->> 'job' = %(job)s AND about ->> 'as_of_date' = %(day)s "
            "AND (%(revision)s IS NULL OR about ->> 'revision' = %(revision)s)",
            named.groupdict(),
        )
    if not found:
        raise NotPublished(f"nothing is published of {' to '.join(words)}")
    return found


def _range(words: Sequence[str]) -> tuple[str, str]:
    try:
        first, last = (date.fromisoformat(word) for word in (words[0], words[-1]))
    except ValueError:
        raise InvalidInput(
            f"{' '.join(words)}: give a publication as JOB:DATE or JOB:DATE:REVISION, like allocation:2026-08-21, "
            "or the first and the last day of a range"
        ) from None
    if last < first:
        raise InvalidInput(f"the range ends ({last}) before it begins ({first})")
    return first.isoformat(), last.isoformat()


@contextmanager
def own_database(server: DatabaseSettings) -> Iterator[DatabaseSettings]:
    """Make an empty database with the platform's tables, and drop it afterwards."""
    name = f"{server.name}_{NAME}"
    try:
        yield create_database(server, name)
    finally:
        drop_databases(server, name)


def reproduce(words: Sequence[str]) -> int:
    """Reproduce what the words name, and return 1 when an output is another one or could not be made."""
    settings = Settings.from_env()
    began = time.monotonic()
    with closing(connect(settings.database)) as platform:
        revisions = chosen(platform, words)
        spark = spark_session(settings.spark, NAME)
        try:
            with own_database(settings.database) as database:
                outcomes = list(reproduce_all(platform, database, spark, revisions))
        finally:
            spark.stop()
    return _report(outcomes, time.monotonic() - began)


def _report(outcomes: Sequence[Outcome], seconds: float) -> int:
    unequal = [outcome for outcome in outcomes if not outcome.is_equal]
    for outcome in unequal[:SHOWN]:
        notes = f" ({'; '.join(outcome.notes)})" if outcome.notes else ""
        complain(f"{outcome.revision}: {outcome.why_not or f'{len(outcome.cells)} cells differ'}{notes}")
        for cell in outcome.cells[:SHOWN]:
            say(f"    {cell}")
    if len(unequal) > SHOWN:
        say(f"  and {len(unequal) - SHOWN} more")
    for note, count in _count_notes(outcomes).items():
        say(f"  of {count} publications: {note}")
    say(
        f"{len(outcomes) - len(unequal)} of {len(outcomes)} publications reproduced with the same digest, "
        f"{in_words(seconds)}"
    )
    return 1 if unequal else 0


def _count_notes(outcomes: Sequence[Outcome]) -> dict[str, int]:
    counted: dict[str, int] = {}
    for outcome in outcomes:
        for note in outcome.notes:
            counted[note] = counted.get(note, 0) + 1
    return counted


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("first", metavar="PUBLICATION|FROM")
    parser.add_argument("last", nargs="?", metavar="TO")
    options = parser.parse_args(arguments)
    configure_logging(logging.ERROR)
    try:
        return reproduce([word for word in (options.first, options.last) if word])
    except (ActstockError, ConfigError) as error:
        complain(str(error))
        return 1


if __name__ == "__main__":
    sys.exit(main())
