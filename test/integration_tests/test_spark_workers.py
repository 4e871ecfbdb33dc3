"""A wide job on a cluster of two workers, through spark-submit: its executors are as set, and write what they found."""

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

import market_rows
from batch import spark_trending_etf_identifier as identifier
from batch.runner import Job
from config.config import PROJECT_ROOT, DatabaseSettings, Settings
from database.db_helper import Row, connect, fetch
from database.roles import SPARK
from market.invented import InventedMarket
from ops.bench.beside import free_port
from ops.native.environment import SPARK_DAEMON_OPTIONS
from profiles import OF_JOB
from scratch_databases import logged_in_as
from utils.dates import sessions_between
from utils.spark_utils import submit_command

FIRST, LAST = date(2026, 8, 10), date(2026, 8, 21)
SECRET = "of this cluster alone"
MEMORY_MB = 640  # not what spark-submit is told
STARTED_SECONDS = 60
ROWS = f"SELECT 'row' AS kind, trending::text AS said FROM analytics_trending_etfs AS trending UNION ALL {OF_JOB}"
# Else the first worker that is ready may have done all before the second one is.
BOTH_WORKERS = {
    "spark.scheduler.minRegisteredResourcesRatio": "1",  # of all cores that a wide job would take, which it never gets
    "spark.scheduler.maxRegisteredResourcesWaitingTime": "15s",
}


@dataclass(frozen=True)
class Cluster:
    master_url: str
    ui_url: str
    folders: tuple[Path, ...]

    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = httpx.get(f"{self.ui_url}/json/", trust_env=False).raise_for_status().json()
        return found

    def executor_logs(self) -> list[list[str]]:
        """Return the logs of each worker's executors. The first line of each is its command."""
        return [[path.read_text() for path in sorted(folder.glob("app-*/*/stderr"))] for folder in self.folders]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folders = tuple(tmp_path_factory.mktemp("worker") for _ in range(2))
    port, ui_port = free_port(), free_port()
    made = Cluster(f"spark://127.0.0.1:{port}", f"http://127.0.0.1:{ui_port}", folders)
    host = ("--host", "127.0.0.1")
    with ExitStack() as daemons:
        master = ("master.Master", *host, "--port", str(port), "--webui-port", str(ui_port))
        daemons.enter_context(daemon(folders[0], *master))
        for folder in folders:
            size = ("--cores", "1", "--memory", f"{MEMORY_MB}m", "--webui-port", "0", "--work-dir", str(folder))
            daemons.enter_context(daemon(folder, "worker.Worker", *host, *size, made.master_url))
        until = time.monotonic() + STARTED_SECONDS
        while not has_workers(made):
            assert time.monotonic() < until, (folders[0] / "master.Master.log").read_text()
            time.sleep(0.2)
        yield made


@contextmanager
def daemon(folder: Path, name: str, *options: str) -> Iterator[None]:
    environ = os.environ | {
        "_SPARK_AUTH_SECRET": SECRET,
        "SPARK_DAEMON_JAVA_OPTS": SPARK_DAEMON_OPTIONS,
        "SPARK_DAEMON_MEMORY": "128m",
        "SPARK_LOCAL_DIRS": str(folder / "local"),
    }
    with (folder / f"{name}.log").open("w") as log:
        process = subprocess.Popen(
            ["spark-class", f"org.apache.spark.deploy.{name}", *options], env=environ, stdout=log, stderr=log
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def has_workers(cluster: Cluster) -> bool:
    try:
        return bool(cluster.state()["aliveworkers"] == len(cluster.folders))
    except httpx.HTTPError:  # a master that has just begun to listen has no pages yet
        return False


def submit(cluster: Cluster, login: DatabaseSettings, *span: str) -> str:
    """Run the job as a wide one by the product's own command, and return its log."""
    spark = replace(Settings.from_env().spark, master_url=cluster.master_url)
    command, *rest = submit_command(spark, "spark_trending_etf_identifier.py", *span)
    waiting = [word for name, value in BOTH_WORKERS.items() for word in ("--conf", f"{name}={value}")]
    environ = os.environ | {
        "PYTHONPATH": str(PROJECT_ROOT),
        "DB_NAME": login.name,
        "DB_SPARK_USER": login.user,
        "DB_SPARK_PASSWORD": login.password,
        "SPARK_MASTER_URL": cluster.master_url,
        "SPARK_SECRET": SECRET,
        "SPARK_PROFILE": "wide",
        "SPARK_EXECUTOR_MEMORY": f"{MEMORY_MB}m",
        "SPARK_DRIVER_URL": "",
    }
    ended = subprocess.run(
        [command, *waiting, *rest], env=environ, capture_output=True, text=True, timeout=240, check=False
    )
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    return ended.stdout + ended.stderr


def stored(database: DatabaseSettings) -> list[Row]:
    with closing(connect(database)) as conn:
        return sorted(fetch(conn, ROWS.format(job="trending")), key=lambda row: (row["kind"], row["said"]))


def test_one_wide_job_runs_on_both_workers_and_gives_the_small_ones_rows(
    spark: Any, cluster: Cluster, scratch_database: DatabaseSettings, empty_database: DatabaseSettings
) -> None:
    market = InventedMarket(seed=7, until=LAST, sessions=60)
    for database in (scratch_database, empty_database):
        with closing(connect(database)) as conn:
            market_rows.store(conn, market)
    with closing(connect(scratch_database)) as conn:
        identifier.run(Job(spark, conn, scratch_database, sessions_between(FIRST, LAST), None))
    with logged_in_as(SPARK, empty_database) as login:
        said = submit(cluster, login, "--from", str(FIRST), "--to", str(LAST))

    assert "the wide profile" in said
    small = stored(scratch_database)
    assert len(small) == 10 * 14 + 10 + 10
    assert stored(empty_database) == small

    [application] = cluster.state()["completedapps"]
    assert application["memoryperexecutor"] == MEMORY_MB
    logs = cluster.executor_logs()
    assert [len(each) for each in logs] == [1, 1], "an executor of the one job on each worker"
    for [log] in logs:
        command, _, told = log.partition("\n")
        assert f'"-Xmx{MEMORY_MB}M"' in command and '"--cores" "1"' in command
        assert "-XX:+UseParallelGC" in command and "-XX:+UseSerialGC" not in command
        assert f'"--app-id" "{application["id"]}"' in command
        assert SECRET not in command
        assert len(re.findall(r"Running task .* in stage", told)) > 1
