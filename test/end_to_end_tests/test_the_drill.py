"""The drill of docs/OPERATIONS.md on the running platform: backup, stop, restore, each by its own command.

It stops and replaces the platform, so it comes last.
"""

import os
import shlex
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path

from config.config import PROJECT_ROOT, Settings, Topic
from database.db_helper import connect, fetch
from ops.native.compose import secret_sizes
from ops.native.stack import Stack
from ops.pipeline.airflow_client import Airflow, Run
from utils.dates import last_sessions
from utils.kafka_utils import committed_offsets, end_offsets

SECONDS = 300
# The stack's own secrets are in its folder. The platform itself would take these for settings from outside.
PLAIN = {name: value for name, value in os.environ.items() if name not in secret_sizes()}
BARS = """
    SELECT ticker, trade_date, close_price, ENCODE(answer_digest, 'hex') AS answer
    FROM collected_daily_etf_ohlc
    ORDER BY ticker, trade_date
"""
# None of its bars is stored.
EARLIER = 300


def test_what_came_after_the_backup_is_there_after_the_restore(
    pipeline: Run,
    stack: Stack,
    settings: Settings,
    airflow: Airflow,
    run_dag: Callable[..., Run],
    as_of: date,
    tmp_path: Path,
) -> None:
    def run(command: str, *placeholders: tuple[str, Path]) -> str:
        """Run a command as it stands on the page, with the reader's own filled in."""
        for name, value in placeholders:
            command = command.replace(name, shlex.quote(str(value)))
        environ = PLAIN | {"ACTSTOCK_HOME": str(stack.home), "ACTSTOCK_PORT_OFFSET": str(stack.port_offset)}
        done = subprocess.run(
            shlex.split(command), cwd=PROJECT_ROOT, env=environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    backup = tmp_path / "a b.tar"
    assert "airflow-scheduler" in run("./start.sh status")
    run("./start.sh backup FILE", ("FILE", backup))
    in_backup = bars(settings)
    began = run_dag("daily_benchmark_etf_collection", as_of_date=str(last_sessions(as_of, EARLIER)[0]))
    since = bars(settings)
    assert in_backup and len(since) > len(in_backup)

    run("./start.sh stop")
    said = run("./start.sh restore --native FILE --yes", ("FILE", backup))

    assert "replaces" in said
    until = time.monotonic() + SECONDS
    while not all_is_stored(settings):
        assert time.monotonic() < until, f"not all messages are stored after {SECONDS} s"
        time.sleep(1)
    assert bars(settings) == since, "Kafka has what the backup lacks"
    assert not [each for each in airflow.runs_named(began.run_id)], "Airflow is as it was in the backup"
    run("./start.sh status")


def bars(settings: Settings) -> list[dict[str, object]]:
    with closing(connect(settings.database)) as conn:
        return fetch(conn, BARS)


def all_is_stored(settings: Settings) -> bool:
    return all(
        committed_offsets(settings.kafka, topic.consumer_group)[topic.value] == end_offsets(settings.kafka, topic)
        for topic in Topic
    )
