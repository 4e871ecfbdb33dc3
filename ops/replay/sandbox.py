"""A database and topics beside the platform's own, on its servers, with consumers that bring the one to the other."""

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from collector.bootstrap import prepare
from config.config import DatabaseSettings, Settings, Topic
from database import roles
from database.db_helper import connect
from database.migrate import apply_schema
from database.queries import replays
from ops.databases import create_database, exists
from ops.errors import RunFailed
from utils.kafka_utils import delete_topics

CONSUMER_MODULES = {
    Topic.ETF_DAILY: "consumer.kafka_consumer_etf_daily",
    Topic.ETF_HOLDINGS: "consumer.kafka_consumer_etf_holdings",
    Topic.STOCK_DAILY: "consumer.kafka_consumer_stock_daily",
}
# A consumer finishes the batch that it has in hand.
PATIENCE_SECONDS = 30


@dataclass(frozen=True)
class Sandbox:
    """settings: those of the platform's collectors and jobs, with the sandbox's names; owner: who made its tables."""

    settings: Settings
    owner: DatabaseSettings


def create(platform: Settings, name: str, environ: Mapping[str, str] = os.environ) -> Sandbox:
    """Make a fresh sandbox with all that a first session needs, replacing one of that name."""
    delete_topics(platform.kafka, f"{name}-")
    # The broker deletes topics in its own time: new ones need new names.
    sandbox = sandbox_of(platform, name, f"{name}-{uuid.uuid4().hex[:6]}-", environ)
    create_database(platform.database, sandbox.owner.name)
    with closing(connect(sandbox.owner)) as conn:
        replays.create_tables(conn)
        roles.apply_roles(conn, environ)
    prepare(sandbox.settings)
    return sandbox


def reopen(platform: Settings, name: str, topic_prefix: str, environ: Mapping[str, str] = os.environ) -> Sandbox:
    """Open a sandbox that was made earlier, adding tables that an earlier version did not make."""
    sandbox = sandbox_of(platform, name, topic_prefix, environ)
    with closing(connect(sandbox.owner)) as conn:
        apply_schema(conn)
        roles.apply_roles(conn, environ)
    return sandbox


def sandbox_of(platform: Settings, name: str, topic_prefix: str, environ: Mapping[str, str] = os.environ) -> Sandbox:
    """Return how a sandbox is reached. Without a password for a role the owner does its work."""
    owner = database_of(platform, name)
    settings = replace(
        platform,
        database=roles.log_in_as(owner, roles.COLLECT, environ),
        spark_database=roles.log_in_as(owner, roles.SPARK, environ),
        kafka=replace(platform.kafka, prefix=topic_prefix),
    )
    return Sandbox(settings, owner)


def database_of(platform: Settings, name: str) -> DatabaseSettings:
    return replace(platform.database, name=f"{platform.database.name}_{name}")


def is_there(platform: Settings, name: str) -> bool:
    return exists(platform.database, database_of(platform, name).name)


class Consumers:
    """The platform's three consumers at work for a sandbox."""

    def __init__(self, processes: Sequence["subprocess.Popen[bytes]"], logs: Path) -> None:
        self._processes = processes
        self._logs = logs

    def require_alive(self) -> None:
        if any(process.poll() is not None for process in self._processes):
            raise RunFailed(f"a consumer has ended by itself: its log is in {self._logs}")


@contextmanager
def consumers(settings: Settings, logs: Path) -> Iterator[Consumers]:
    logs.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        processes = [stack.enter_context(_consumer(settings, topic, logs)) for topic in CONSUMER_MODULES]
        yield Consumers(processes, logs)


def _consumer(settings: Settings, topic: Topic, logs: Path) -> AbstractContextManager["subprocess.Popen[bytes]"]:
    database = settings.database
    environment = os.environ | {
        "DB_NAME": database.name,
        "DB_USER": database.user,
        "DB_PASSWORD": database.password,
        "KAFKA_PREFIX": settings.kafka.prefix,
    }
    log = logs / f"{database.name}-consumer-{topic.consumer_group}.log"
    return module_process([CONSUMER_MODULES[topic]], environment, log)


@contextmanager
def module_process(
    command: Sequence[str], environ: Mapping[str, str], log: Path
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a module with its arguments as a process until the block ends. log: what it prints is added to this file."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            env=environ,
            stdout=output,
            stderr=output,
            process_group=0,  # Ctrl-C is for us, who stop them when nothing waits for them any more
        )
    try:
        yield process
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE_SECONDS)
        process.kill()
        process.wait()
