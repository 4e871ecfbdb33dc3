"""A job on the warm driver and the same under spark-submit: the same rows, the same last line, the same exit code."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import date, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

import market_rows
from config.config import PROJECT_ROOT, DatabaseSettings, Settings, SparkSettings
from database.db_helper import Connection, connect, fetch
from market.invented import InventedMarket
from utils import spark_driver
from utils.spark_utils import submit_command

LAST = date(2026, 8, 21)
SATURDAY = date(2026, 8, 22)
TRENDING, ALLOCATION = "spark_trending_etf_identifier.py", "spark_active_stock_allocator.py"
TABLES = {
    TRENDING: ("analytics_trending_etfs",),
    ALLOCATION: ("analytics_portfolio_allocation", "analytics_allocation_candidates"),
}
START_SECONDS = 180
# On SIGQUIT the JVM prints what it holds.
SAYS_WHAT_IT_HOLDS = "-XX:+PrintClassHistogram"
FRAME, SESSION, QUERY = (
    f"org.apache.spark.sql.{name}" for name in ("classic.Dataset", "classic.SparkSession", "execution.QueryExecution")
)
End = tuple[int, str]
Run = Callable[[str, date | str], End]


@pytest.fixture(scope="module")
def filled(scratch_database: DatabaseSettings) -> DatabaseSettings:
    with closing(connect(scratch_database)) as conn:
        market_rows.store(conn, InventedMarket(seed=7, until=LAST))
    return scratch_database


@pytest.fixture(scope="module")
def environment(filled: DatabaseSettings) -> dict[str, str]:
    database = {"DB_HOST": filled.host, "DB_PORT": str(filled.port), "DB_NAME": filled.name}
    database |= {"DB_USER": filled.user, "DB_PASSWORD": filled.password}
    return os.environ | database | {"PYTHONPATH": str(PROJECT_ROOT), "SPARK_DRIVER_TOKEN": "t"}


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of what the warm driver and its JVM print."""
    return tmp_path_factory.mktemp("warm") / "printed.txt"


@pytest.fixture(scope="module")
def process(environment: dict[str, str], printed: Path) -> Iterator[tuple[psutil.Process, SparkSettings]]:
    """Start a warm driver, and return its process and the settings that lead to it."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "batch.warm_driver", "--port", str(port)]
    with printed.open("w") as output:
        started = psutil.Popen(command, env=environment | {"JAVA_TOOL_OPTIONS": SAYS_WHAT_IT_HOLDS}, stdout=output)
    try:
        until = time.monotonic() + START_SECONDS
        while not _listens(port):
            assert started.poll() is None and time.monotonic() < until, "the warm driver did not start"
            time.sleep(0.2)
        settings = Settings.from_env({"SPARK_DRIVER_URL": f"http://127.0.0.1:{port}", "SPARK_DRIVER_TOKEN": "t"})
        yield started, settings.spark
    finally:
        family = [*started.children(recursive=True), started] if started.is_running() else []
        for each in family:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        started.wait()


@pytest.fixture
def warm(process: tuple[psutil.Process, SparkSettings]) -> Run:
    def run(script: str, day: date | str) -> End:
        outcome = spark_driver.run(process[1], script, _arguments(day), print)
        assert outcome is not None, "the warm driver is away"
        return outcome.exit_code, outcome.lines[-1]

    return run


@pytest.fixture(scope="module")
def submit(environment: dict[str, str]) -> Run:
    def run(script: str, day: date | str) -> End:
        command = submit_command(Settings.from_env().spark, script, *_arguments(day))
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
        return ended.returncode, ended.stdout.strip().splitlines()[-1]

    return run


@pytest.fixture
def conn(filled: DatabaseSettings) -> Iterator[Connection]:
    with closing(connect(filled)) as connection:
        yield connection


@pytest.mark.parametrize("script", TABLES)
def test_the_same_rows_and_the_same_summary(warm: Run, submit: Run, conn: Connection, script: str) -> None:
    submitted = submit(script, LAST), _rows(conn, script)
    with conn, conn.cursor() as cursor:
        cursor.execute("TRUNCATE " + ", ".join(TABLES[script]))
    again = warm(script, LAST), _rows(conn, script)

    assert again == submitted
    assert again[0][0] == 0
    assert all(again[1].values()), "there are rows to compare"


@pytest.mark.parametrize("day", [SATURDAY, "2026-08-XX"], ids=["behind the start of Spark", "before it"])
def test_the_same_refusal(warm: Run, submit: Run, day: date | str) -> None:
    refused = warm(TRENDING, day)
    assert refused[0] == 2
    assert refused == submit(TRENDING, day)


def test_nothing_of_a_job_stays_for_the_next_one(
    process: tuple[psutil.Process, SparkSettings], warm: Run, conn: Connection
) -> None:
    before = _alive(process[0])
    for _ in range(2):
        assert warm(TRENDING, LAST)[0] == 0
    until = time.monotonic() + 10
    while _alive(process[0]) != before:
        assert time.monotonic() < until, _alive(process[0])
        time.sleep(0.1)
    [counted] = fetch(conn, "SELECT COUNT(DISTINCT run_id) AS runs, MIN(run_id) AS run FROM analytics_publication")
    assert counted == {"runs": 1, "run": "the run"}


def test_the_jvm_keeps_nothing_of_a_job_either(
    process: tuple[psutil.Process, SparkSettings], printed: Path, warm: Run
) -> None:
    def after_jobs(count: int) -> dict[str, int]:
        for _ in range(count):
            assert warm(TRENDING, LAST)[0] == 0
        return _held(process[0], printed)

    first, later = after_jobs(2), after_jobs(5)
    assert first[SESSION], "there is one to count"
    # Some thread of the JVM may still have one in hand.
    assert all(later[each] <= first[each] + 1 for each in (FRAME, QUERY, SESSION)), (first, later)


def test_a_driver_that_dies_on_the_way_leaves_the_job_to_spark_submit(
    process: tuple[psutil.Process, SparkSettings],
) -> None:
    """It is the last test of the file: the driver does not come back."""
    driver, settings = process
    [jvm] = [child for child in driver.children() if child.name() == "java"]

    def kill_at_the_first_line(_: str) -> None:
        if jvm.is_running() and jvm.status() != psutil.STATUS_ZOMBIE:
            jvm.send_signal(signal.SIGKILL)

    assert spark_driver.run(settings, TRENDING, _arguments(LAST), kill_at_the_first_line) is None
    assert driver.wait(30) == 0, "it ends, so that the supervisor starts another one"


def _arguments(day: date | str) -> list[str]:
    return ["--as-of-date", str(day), "--run-id", "the run"]


def _alive(driver: psutil.Process) -> set[psutil.Process]:
    """Return what runs beside the driver: the JVM, and the process from which the jobs are forked."""
    return {each for each in driver.children(recursive=True) if each.status() != psutil.STATUS_ZOMBIE}


def _held(driver: psutil.Process, printed: Path) -> dict[str, int]:
    """Return how many frames and sessions the JVM holds after a collection."""
    [jvm] = [child for child in driver.children() if child.name() == "java"]
    before = printed.stat().st_size
    jvm.send_signal(signal.SIGQUIT)
    until = time.monotonic() + 30
    # The last line is the sum.
    while not (lines := printed.read_bytes()[before:].decode().splitlines()) or not lines[-1].startswith("Total"):
        assert time.monotonic() < until, "the JVM does not say what it holds"
        time.sleep(0.2)
    # Number, instances, bytes, class.
    counts = {cells[3]: int(cells[1]) for cells in map(str.split, lines) if len(cells) == 4 and cells[1].isdigit()}
    return {name: counts.get(name, 0) for name in (FRAME, QUERY, SESSION)}


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def _rows(conn: Connection, script: str) -> dict[str, list[dict[str, Any]]]:
    """Return what a job has published, without the moments at which it did."""
    found = {table: fetch(conn, f"SELECT * FROM {table} ORDER BY 1, 2, 3, 4") for table in TABLES[script]}
    found["analytics_publication"] = fetch(conn, "SELECT * FROM analytics_publication ORDER BY 1, 2, 3")
    return {
        table: [{name: value for name, value in row.items() if not isinstance(value, datetime)} for row in rows]
        for table, rows in found.items()
    }
