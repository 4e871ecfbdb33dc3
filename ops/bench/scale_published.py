"""duckdb computes, and what it found is published as ours is: with the digests of what it rests on, and its revisions.

`python -m ops.bench.scale_published trending PATH DSN FIRST LAST`, or `... allocation ...`. PATH leads to duckdb, as a
PYTHONPATH, and DSN to the database of the environment. As in a job of ours the digests are worked out meanwhile.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import date
from typing import Any

CANDIDATES, POSITIONS, TRENDING = (f"staging.of_duckdb_{name}" for name in ("candidates", "positions", "trending"))


@contextmanager
def computing(path: str, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "ops.bench.scale_duckdb", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": path}) as process:
        yield process


def found_by(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """Wait for duckdb's end, and return what it says of its rows."""
    said, _ = process.communicate()
    if process.returncode:
        raise SystemExit(process.returncode)
    found: dict[str, Any] = json.loads(said)
    return found


@contextmanager
def reading(first: date, last: date) -> Iterator[Any]:
    """Return a job without Spark, which reads as of one moment."""
    from concurrent.futures import Future

    from batch.runner import Job
    from config.config import Settings
    from database.db_helper import connect, reading_at_once
    from utils.dates import sessions_between

    database = Settings.from_env().spark_database
    with closing(connect(database)) as writer, reading_at_once(database) as (conn, snapshot):
        yield Job(Future(), conn, database, sessions_between(first, last), None, writer, snapshot)


def publish_trending(process: "subprocess.Popen[str]", first: date, last: date) -> None:
    from batch.inputs import digesting_meanwhile
    from batch.publishing import TablePart, publish
    from batch.spark_trending_etf_identifier import NAME, compared_of, inputs_of, publication_of
    from batch.staging import Staged
    from database.tables import TRENDING_ETFS

    with reading(first, last) as job, digesting_meanwhile(job.database, job.snapshot, inputs_of, job.days) as inputs:
        rows = Staged(TRENDING.partition(".")[2], found_by(process)["rows"])
        publications = [publication_of(each) for each in compared_of(job.writer, rows)]
        publish(job, NAME, [TablePart(TRENDING_ETFS, {"as_of_date": job.days}, rows)], publications, inputs)


def publish_allocation(process: "subprocess.Popen[str]", first: date, last: date) -> None:
    from functools import partial

    from batch.allocation_inputs import HELD_BY_TRENDING, inputs_of, stock_windows
    from batch.inputs import digesting_meanwhile
    from batch.publishing import TablePart, publish
    from batch.spark_active_stock_allocator import NAME
    from batch.staging import Staged
    from config.universe import universe
    from database.db_helper import fetch
    from database.tables import ALLOCATION_CANDIDATES, PORTFOLIO_ALLOCATION

    with reading(first, last) as job:
        held = fetch(job.conn, HELD_BY_TRENDING, {"sessions": job.days, "top": universe().top_holdings})
        stocks = [row["stock_ticker"] for row in held]
        of = partial(inputs_of, stocks, stock_windows(job.days, sorted({*stocks, universe().benchmark})))
        with digesting_meanwhile(job.database, job.snapshot, of, job.days) as inputs:
            found = found_by(process)
            where = {"as_of_date": job.days}
            parts = [
                TablePart(table, where, Staged(staged.partition(".")[2], found[name]))
                for table, staged, name in (
                    (PORTFOLIO_ALLOCATION, POSITIONS, "position"),
                    (ALLOCATION_CANDIDATES, CANDIDATES, "candidate"),
                )
            ]
            publish(job, NAME, parts, [_publication(row) for row in found["publications"]], inputs)


def _publication(row: Mapping[str, Any]) -> Any:
    from batch.publishing import Publication

    days = {name: row[name] and date.fromisoformat(row[name]) for name in ("as_of_date", "holdings_as_of")}
    return Publication(**{**row, **days})


def main(what: str, path: str, dsn: str, first: str, last: str) -> None:
    """Start duckdb before anything is imported that it has no need of."""
    span = date.fromisoformat(first), date.fromisoformat(last)
    if what == "trending":
        with computing(path, "stage-trending", dsn, first, last, TRENDING) as process:
            publish_trending(process, *span)
    else:
        with computing(path, "stage-allocation", dsn, CANDIDATES, POSITIONS) as process:
            publish_allocation(process, *span)


if __name__ == "__main__":
    main(*sys.argv[1:])
