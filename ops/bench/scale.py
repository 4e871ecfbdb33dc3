"""Spark and duckdb on the same rows: two stages from PostgreSQL and back, and very many bars as Parquet.

Each side is a process of its own, measured with what it starts, from start to end. They run one after the other. What
duckdb finds in a stage is published by the same code as what Spark finds: with the digests of what it rests on, and its
revisions. How long the rows alone take stands beside it.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import date
from importlib.metadata import version
from pathlib import Path

import psutil

from config.config import PROJECT_ROOT, DatabaseSettings, Settings
from database.db_helper import Row, connect, fetch
from ops.bench.machine import GIB
from ops.bench.report import Target, step, table
from ops.bench.scale_market import fill, fill_held, made_sessions, write_universe
from ops.bench.scratch import scratch_database
from ops.databases import copy_database
from ops.errors import RunFailed
from ops.native.install import ensure_packages
from ops.native.stack import TOOLS

# What the platform itself has no need of: the other side, and Arrow for our bars on Parquet.
LOCK, PACKAGES = PROJECT_ROOT / "requirements" / "bench.txt", TOOLS / "bench-packages"
# A PYTHONPATH for those alone: in a job of ours pandas would import Arrow, too.
WITH_PACKAGES = os.pathsep.join((str(PROJECT_ROOT), str(PACKAGES)))
CORES = 2
MEMORY = "2g"
SAMPLE_SECONDS = 0.1
# The other side: with all that our jobs write, and with the rows of the tables and no evidence of them.
PUBLISHED_ALIKE, ROWS_ALONE = "duckdb, published as ours", "duckdb, rows alone"
# A shorter job says more about starting than about the second core.
LONG_ENOUGH_SECONDS = 60


@dataclass(frozen=True)
class Sizes:
    """etfs, sessions: of the trending job, which runs over all sessions and over the last few.

    holdings: of each ETF, from `stocks`; the portfolios are made for the last few sessions
    tickers, bar_sessions: of the bars on Parquet
    """

    etfs: int = 500
    holdings: int = 25
    stocks: int = 3_000
    sessions: int = 2_480
    last_sessions: int = 250
    tickers: int = 10_000
    bar_sessions: int = 5_040


FULL = Sizes()
# Whether it runs, not how fast it is.
SHORT = Sizes(etfs=12, holdings=5, stocks=40, sessions=40, last_sessions=10, tickers=32, bar_sessions=200)


@dataclass(frozen=True)
class Measured:
    """peak: of the process with the most memory, in bytes; said: its standard output."""

    seconds: float
    peak: int
    said: str


def measure(settings: Settings, sizes: Sizes = FULL) -> list[Target]:
    ensure_packages([LOCK], PACKAGES, "250 MB")
    step(f"pyspark {version('pyspark')}, {duckdb('versions').said.strip()}; {CORES} cores for each side")
    targets = []
    with tempfile.TemporaryDirectory() as folder:
        for sessions, wanted in ((sizes.last_sessions, 5.0), (sizes.sessions, 2.0)):
            targets += _trending(settings, Path(folder), (sizes.etfs, sessions), wanted)
        targets += _allocation(settings, Path(folder), sizes)
        targets += _bars(Path(folder), sizes)
    return targets


def duckdb(*arguments: object, cores: int = CORES) -> Measured:
    """Run the other side, which is a module of its own."""
    command = [sys.executable, "-m", "ops.bench.scale_duckdb", *map(str, arguments)]
    return run(command, {"PYTHONPATH": WITH_PACKAGES}, cores)


def run(command: Sequence[str], environ: Mapping[str, str] | None = None, cores: int = CORES) -> Measured:
    """Run a command on so many cores to its end, and measure it with all processes that it starts."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        began = time.monotonic()
        process = subprocess.Popen(list(command), stdout=out, stderr=err, env=os.environ | dict(environ or {}))
        # All of it: the garbage collector and the compiler of a JVM would take a second core beside one task.
        psutil.Process(process.pid).cpu_affinity(psutil.Process().cpu_affinity()[:cores])
        peak = 0
        while process.poll() is None:
            peak = max(peak, _largest(process.pid))
            time.sleep(SAMPLE_SECONDS)
        seconds = time.monotonic() - began
        out.seek(0)
        err.seek(0)
        if process.returncode:
            raise RunFailed(f"{' '.join(command[:4])}: {(err.read().strip().splitlines() or ['no word of why'])[-1]}")
        return Measured(seconds, peak, out.read())


def _largest(pid: int) -> int:
    """Return the memory of the largest process of a family, with what it shares."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        sizes = []
        for each in (process, *process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                sizes.append(int(each.memory_info().rss))
        return max(sizes, default=0)
    return 0


def _trending(settings: Settings, folder: Path, size: tuple[int, int], wanted: float) -> list[Target]:
    etfs, count = size
    sessions, every = made_sessions(count)
    universe = folder / f"{etfs}-{count}.toml"
    tickers = write_universe(universe, etfs)
    with scratch_database(settings.database) as ours:
        fill(ours, tickers, every)
        theirs, alone = (_copy(ours, name) for name in ("duckdb", "duckdb-alone"))
        spark = _run_job("spark_trending_etf_identifier", sessions, ours, universe)
        published = _published("trending", sessions, theirs, universe)
        rows_alone = duckdb("trending", _dsn(alone), sessions[0], sessions[-1])
        days, differing = _differing_days(ours, theirs)
        alike = _revisions_of_both("trending", ours, theirs)
    what = f"trending, {etfs:,} ETFs x {count:,} sessions"
    _show(what, {"ours": spark, PUBLISHED_ALIKE: published, ROWS_ALONE: rows_alone})
    return [
        against_duckdb(what, spark, published, rows_alone, wanted),
        Target(f"{what}: sessions with the same rows", days - differing, count),
        Target(f"{what}: revisions of the same inputs", alike, count),
    ]


def _allocation(settings: Settings, folder: Path, sizes: Sizes) -> list[Target]:
    sessions, every = made_sessions(sizes.last_sessions)
    universe = folder / "allocation.toml"
    tickers = write_universe(universe, sizes.etfs, sizes.holdings)
    with scratch_database(settings.database) as ours:
        fill(ours, tickers, every)
        fill_held(ours, tickers, (sizes.stocks, sizes.holdings), every)
        duckdb("trending", _dsn(ours), sessions[0], sessions[-1])
        theirs, alone = (_copy(ours, name) for name in ("duckdb", "duckdb-alone"))
        spark = _run_job("spark_active_stock_allocator", sessions, ours, universe)
        published = _published("allocation", sessions, theirs, universe)
        rows_alone = duckdb("allocation", _dsn(alone))
        alike = _revisions_of_both("allocation", ours, theirs)
        told = json.loads(duckdb("compare-allocation", _dsn(ours), _dsn(theirs)).said)
    what = f"allocation, {sizes.etfs:,} ETFs x {sizes.holdings} holdings x {len(sessions)} sessions"
    _show(what, {"ours": spark, PUBLISHED_ALIKE: published, ROWS_ALONE: rows_alone})
    rows = ", ".join(f"{each['rows']:,} {kind}" for kind, each in told.items())
    differing = sum(each["differing"] for each in told.values())
    return [
        against_duckdb(what, spark, published, rows_alone, 3),
        Target(f"{what}: of {rows} those that differ", differing, 0, at_most=True),
        Target(f"{what}: revisions of the same inputs", alike, len(sessions)),
    ]


def against_duckdb(what: str, ours: Measured, alike: Measured, alone: Measured, wanted: float) -> Target:
    """Print both ratios, and return the one with what is published alike, for which there is a wanted figure."""
    ratios = {name: ours.seconds / side.seconds for name, side in ((PUBLISHED_ALIKE, alike), (ROWS_ALONE, alone))}
    step("ours takes " + ", and ".join(f"{ratio:.1f} x {name}" for name, ratio in ratios.items()))
    return Target(f"{what}, against {PUBLISHED_ALIKE}", ratios[PUBLISHED_ALIKE], wanted, " x", at_most=True, digits=1)


def _run_job(name: str, sessions: Sequence[date], database: DatabaseSettings, universe: Path) -> Measured:
    command = ["-m", f"batch.{name}", "--from", str(sessions[0]), "--to", str(sessions[-1])]
    return run([sys.executable, *command], _environ(database, universe))


def _published(what: str, sessions: Sequence[date], database: DatabaseSettings, universe: Path) -> Measured:
    """Let duckdb compute, and publish what it found with digests and revisions, as our jobs do."""
    span = str(sessions[0]), str(sessions[-1])
    command = [sys.executable, "-m", "ops.bench.scale_published", what, WITH_PACKAGES, _dsn(database), *span]
    return run(command, _environ(database, universe))


def _copy(database: DatabaseSettings, name: str) -> DatabaseSettings:
    copied = replace(database, name=f"{database.name}-{name}")
    copy_database(database, copied)
    return copied


def _environ(database: DatabaseSettings, universe: Path) -> dict[str, str]:
    return {
        "DB_HOST": database.host,
        "DB_PORT": str(database.port),
        "DB_NAME": database.name,
        "DB_USER": database.user,
        "DB_PASSWORD": database.password,
        "DB_SPARK_USER": "",
        "UNIVERSE_FILE": str(universe),
        "SPARK_MASTER_URL": f"local[{CORES}]",
        "SPARK_PROFILE": "wide",
        "SPARK_EXECUTOR_MEMORY": MEMORY,
    }


def _dsn(database: DatabaseSettings) -> str:
    return (
        f"host={database.host} port={database.port} dbname={database.name} user={database.user} "
        f"password={database.password}"
    )


def _differing_days(ours: DatabaseSettings, theirs: DatabaseSettings) -> tuple[int, int]:
    """Return the days that ours has, and how many of them differ in any figure."""
    mine, others = (
        {row["as_of_date"]: row["digest"] for row in rows}
        for rows in _of_both(
            "SELECT as_of_date, md5(STRING_AGG(trending::text, E'\\n' ORDER BY etf_ticker)) AS digest "
            "FROM analytics_trending_etfs AS trending GROUP BY as_of_date",
            ours,
            theirs,
        )
    )
    return len(mine), sum(others.get(day) != digest for day, digest in mine.items())


def _revisions_of_both(job: str, ours: DatabaseSettings, theirs: DatabaseSettings) -> int:
    """Count the days of which both have a revision that rests on the same inputs."""
    mine, others = (
        {(row["day"], row["inputs"]) for row in rows}
        for rows in _of_both(
            "SELECT about ->> 'as_of_date' AS day, about ->> 'input_digest' AS inputs "
            "FROM evidence_link WHERE about ->> 'job' = %(job)s AND about ->> 'input_digest' IS NOT NULL",
            ours,
            theirs,
            job=job,
        )
    )
    return len(mine & others)


def _of_both(query: str, *databases: DatabaseSettings, **params: str) -> Iterator[list[Row]]:
    """Yield the rows of a query in each database."""
    for database in databases:
        with closing(connect(database)) as conn:
            yield fetch(conn, query, params)


def _bars(folder: Path, sizes: Sizes) -> list[Target]:
    whole, half, made = folder / "bars", folder / "half", folder / "made"
    # The half has tickers of its own, so that both together are more bars of a market, too.
    spans = {whole: (0, sizes.tickers), half: (sizes.tickers, sizes.tickers * 3 // 2)}
    rows, _ = (json.loads(duckdb("make", bars, *span, sizes.bar_sessions).said)["rows"] for bars, span in spans.items())
    step(f"{rows:,} bars of {sizes.tickers:,} tickers as Parquet, some of them missing, and half as many")

    def spark(name: str, cores: int, *folders: Path) -> Measured:
        arguments = (made / f"{name}-{cores}", cores, MEMORY, *folders)
        command = [sys.executable, "-m", "ops.bench.scale_returns", *map(str, arguments)]
        return run(command, {"PYTHONPATH": WITH_PACKAGES}, cores)

    ours, of_half = spark("whole", CORES, whole), spark("half", CORES, half)
    theirs, theirs_alone = (
        duckdb("returns", whole, made / "duckdb.parquet", cores, sizes.bar_sessions, cores=cores)
        for cores in (CORES, 1)
    )
    told = json.loads(duckdb("compare", made / f"whole-{CORES}", made / "duckdb.parquet").said)
    both, both_alone = (spark("both", cores, whole, half) for cores in (CORES, 1))
    what = f"{rows:,} bars"
    _show(
        what,
        {
            "ours": ours,
            "duckdb": theirs,
            "duckdb, one core": theirs_alone,
            "ours, half as many": of_half,
            "ours, half as many more": both,
            "ours, half as many more, one core": both_alone,
        },
    )
    # What the machine gives: its cores share what work on much memory needs.
    step(f"duckdb gains {theirs_alone.seconds / theirs.seconds:.2f} x by the second core")
    if both_alone.seconds < LONG_ENOUGH_SECONDS:
        step(f"one core took less than {LONG_ENOUGH_SECONDS} s: too short to say much about the second")
    largest = max(each.peak for each in (ours, both, both_alone))
    return [
        Target(f"{what}, against duckdb", ours.seconds / theirs.seconds, 3, " x", at_most=True, digits=1),
        Target(f"{what}, returns and flags that differ", told["differing"], 0, at_most=True),
        Target(f"{what}, against half as many", ours.seconds / of_half.seconds, 2.2, " x", at_most=True, digits=2),
        Target(f"{what}, largest process", largest / GIB, 4, " GiB", at_most=True, digits=2),
        Target("half as many more, the second core", both_alone.seconds / both.seconds, 1.7, " x", digits=2),
    ]


def _show(what: str, sides: Mapping[str, Measured]) -> None:
    table(
        (what, "seconds", "largest process, MiB"),
        [(name, f"{side.seconds:.1f}", f"{side.peak / 2**20:,.0f}") for name, side in sides.items()],
    )
