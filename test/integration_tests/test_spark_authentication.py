"""Whoever reaches Spark's ports without the secret runs nothing: a real master, and what an intruder would try."""

import os
import re
import subprocess
from pathlib import Path

import psutil
import pytest

from config.config import PROJECT_ROOT, Settings

SPARK = Settings.from_env().spark
# A job as all of ours are: its session takes what it needs from the settings.
JOB = """
from config.config import Settings
from utils.spark_utils import session

spark = session(Settings.from_env().spark, "authentication")
print("master", spark.sparkContext.master, "rows", spark.range(7).count())
"""
COUNTED = f"master {SPARK.master_url} rows 7"


@pytest.fixture
def job(tmp_path: Path) -> Path:
    path = tmp_path / "job.py"
    path.write_text(JOB)
    return path


def run(command: list[str], secret: str) -> "subprocess.CompletedProcess[str]":
    environ = os.environ | {"PYTHONPATH": str(PROJECT_ROOT), "SPARK_SECRET": secret}
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=240, check=False)


def submit_to_cluster(tmp_path: Path, conf: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """Let the worker run a class of a jar as its own user, with nobody's code on our side."""
    file = tmp_path / "intruder.conf"
    file.write_text("".join(f"{name} {value}\n" for name, value in conf.items()))
    file.chmod(0o600)
    return run(
        [
            *("spark-submit", "--master", SPARK.master_url, "--deploy-mode", "cluster", "--driver-memory", "512m"),
            *("--properties-file", str(file), "--class", "org.postgresql.util.PGJDBCMain", SPARK.jdbc_jar),
        ],
        secret="",
    )


@pytest.mark.parametrize("started_by", ["spark-submit", "python"])
def test_an_application_with_the_secret_runs(job: Path, started_by: str) -> None:
    command = ["spark-submit", "--master", SPARK.master_url] if started_by == "spark-submit" else ["python"]
    done = run([*command, str(job)], SPARK.secret)
    assert COUNTED in done.stdout, done.stderr


def test_an_application_without_it_is_refused(job: Path) -> None:
    """Spark itself tries for a minute."""
    refused = run(["spark-submit", "--master", SPARK.master_url, str(job)], secret="")
    assert refused.returncode
    assert COUNTED not in refused.stdout
    assert "All masters are unresponsive" in refused.stdout + refused.stderr


def test_code_for_the_worker_needs_the_secret(tmp_path: Path) -> None:
    """Spark's other way in, by which the master has a worker start a program."""
    known = {"spark.authenticate": "true", "spark.authenticate.secret": SPARK.secret}
    for conf in ({}, known | {"spark.authenticate.secret": "a guess"}):
        refused = submit_to_cluster(tmp_path, conf)
        assert refused.returncode, refused.stderr
        assert "successfully submitted" not in refused.stderr
    let_in = submit_to_cluster(tmp_path, known)
    assert re.search(r"Driver successfully submitted as driver-", let_in.stderr), let_in.stderr


def test_no_command_line_holds_the_secret() -> None:
    """Everybody on a machine can read those of all processes."""
    lines = [" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])]
    assert any("org.apache.spark.deploy.master.Master" in line for line in lines)
    assert not [line for line in lines if SPARK.secret in line]
