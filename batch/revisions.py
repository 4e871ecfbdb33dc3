"""Publications as revisions: each day of a job whose rows or inputs are new becomes a link of the chain of evidence."""

import hashlib
import platform
import subprocess
from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from config import __version__
from config.config import PROJECT_ROOT
from database.db_helper import Connection
from database.queries import evidence
from database.queries.evidence import Draft, Revision

# The code that decides what is published.
SOURCES = ("batch", "config", "database", "utils")
LIBRARIES = ("pyspark", "numpy", "pandas", "psycopg2-binary", "exchange_calendars")


class Basis(NamedTuple):
    """What a run rests on.

    inputs: the digest of each day's inputs
    watermark: the newest position of each chain at that moment
    universe: the digest of its settings
    source_clock: when the source had answered last, by its own clock
    """

    inputs: Mapping[date, str]
    watermark: Mapping[str, int]
    universe: str
    source_clock: datetime | None


def adopt(conn: Connection, job: str, days: Collection[date]) -> None:
    """Make a first revision of what is published for these days and has none, as older versions left it."""
    unknown = sorted(set(days) - evidence.newest_revisions(conn, job, days).keys())
    _append(conn, job, {day: Draft(_about(job, day, None, None)) for day in unknown})


def revise(conn: Connection, job: str, days: Collection[date], basis: Basis) -> list[date]:
    """Make a revision of each of these days whose rows or inputs differ from its newest one, and return these days.

    Runs inside the transaction that publishes. A day that lost its rows, because another one of its month took their
    place, has a revision without any.
    """
    newest = evidence.newest_revisions(conn, job, days)
    return _append(conn, job, {day: _draft(job, day, newest.get(day), basis) for day in sorted(days)})


def _draft(job: str, day: date, newest: Revision | None, basis: Basis) -> Draft:
    about, inputs = _about(job, day, newest, basis), basis.inputs.get(day)
    if newest is None:
        return Draft(about)
    return Draft(about, newest.about["tables"], has_other_inputs=inputs not in (None, newest.about["input_digest"]))


def _append(conn: Connection, job: str, drafts: Mapping[date, Draft]) -> list[date]:
    positions = evidence.append_bodies(conn, job, drafts)
    if positions:
        evidence.keep_rows(conn, job, positions)
    return list(positions)


def _about(job: str, day: date, newest: Revision | None, basis: Basis | None) -> dict[str, Any]:
    """Return the facts of a revision, but for those of its body. basis: None when it is not known what it rests on."""
    return {
        "job": job,
        "as_of_date": day.isoformat(),
        "revision": newest.about["revision"] + 1 if newest else 1,
        "input_digest": basis and basis.inputs.get(day),
        "watermark": basis and dict(basis.watermark),
        "source_clock": basis and basis.source_clock and basis.source_clock.isoformat(),
        "universe": basis and basis.universe,
        "extra_days": basis and evidence.extra_days_digest(),
        "code": basis and code_version(),
        "libraries": basis and library_versions(),
    }


@cache
def code_version() -> dict[str, str | None]:
    """Return the version, the digest of the sources that decide, and the commit where the checkout tells it."""
    return {"version": __version__, "sources": _digest_of_sources(), "commit": _commit()}


@cache
def library_versions() -> dict[str, str]:
    """Return the versions of what decides and computes: the libraries, Python and Java."""
    return {name: version(name) for name in LIBRARIES} | {"python": platform.python_version(), "java": _java()}


def _digest_of_sources() -> str:
    digest = hashlib.sha256()
    for path in _source_files():
        digest.update(f"{path.relative_to(PROJECT_ROOT)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _source_files() -> Iterator[Path]:
    for folder in SOURCES:
        found = (PROJECT_ROOT / folder).rglob("*")
        yield from sorted(path for path in found if path.suffix in (".py", ".sql", ".toml"))


def _commit() -> str | None:
    """Return the commit of the checkout, or None where there is none."""
    command = ["git", "-C", str(PROJECT_ROOT), "rev-parse", "HEAD"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except OSError:
        return None
    return found.stdout.strip() or None


def _java() -> str:
    """Return the version of Spark's Java, or nothing where no session runs."""
    from pyspark import SparkContext

    context = SparkContext._active_spark_context
    return str(context._jvm.System.getProperty("java.version")) if context and context._jvm else ""
