"""`replay FROM TO`: on the running platform's market server, with progress and an estimate."""

import logging
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from statistics import mean
from textwrap import shorten

import psycopg2
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from rich.markup import escape

from batch.runner import spark_message
from config.config import Settings
from ops.console import complain, say
from ops.errors import NotRunning, RunFailed
from ops.native.environment import client_environment, service_environment
from ops.native.java import java_home
from ops.pipeline.progress import in_words
from ops.replay import report
from ops.replay.comparison import Cause, Difference
from ops.replay.market_client import MarketServer
from ops.replay.replay import HINDSIGHT, REPLAY, Done, Replay, sessions_within
from ops.replay.sandbox import database_of
from ops.running import in_containers
from utils.command_line import INTERRUPTED, interrupted_by_signals
from utils.logging_utils import configure_logging
from utils.spark_utils import session as spark_session

STANDARD_ERROR = 2
SHOWN_CHARACTERS = 120  # of what an evening's stages lacked; the table replay_session has it all


def replay(start: date, end: date, afresh: bool) -> int:
    """Replay the range, and return 1 when a difference could not be explained."""
    if in_containers():
        raise NotRunning(
            "a replay runs beside a platform of native processes, and this one is in containers: ./start.sh stop, then "
            "./start.sh --native demo"
        )
    from ops.native.control import describe, running_stack  # needs packages of a native installation

    stack = running_stack()
    if not stack.source.served:
        raise NotRunning(
            "a replay moves the market's clock from session to session, which takes a market server, and this platform "
            "is on live Yahoo: ./start.sh stop, then ./start.sh demo (invented) or ./start.sh demo --market DIR"
        )
    server = MarketServer(stack.url("market-server"), client_environment(stack)["MARKET_TOKEN"])
    sessions = sessions_within(server.market(), start, end)
    say(f"Replaying {len(sessions)} sessions from {sessions[0]} to {sessions[-1]} on {describe(stack.source)}")
    # What is started from here, the consumers and Spark's Java, is to find what the platform's own services find.
    os.environ.update(service_environment(stack, java_home()))
    configure_logging(logging.ERROR)
    try:
        with interrupted_by_signals():
            differences = _run(server, sessions, afresh, stack.logs)
    except KeyboardInterrupt:
        complain("interrupted. The clock is put back; what is done is kept, and the same command goes on from there")
        return INTERRUPTED
    path = stack.home / "replay" / f"differences-{sessions[0]}-{sessions[-1]}.csv"
    report.write(differences, path)
    report.show(differences, path)
    return 1 if any(one.why.cause is Cause.UNEXPLAINED for one in differences) else 0


def _run(server: MarketServer, sessions: Sequence[date], afresh: bool, logs: Path) -> list[Difference]:
    platform = Settings.from_env()
    began = time.monotonic()
    with _errors_to(logs / "replay-spark.log"):
        spark = spark_session(platform.spark, "replay")
    try:
        differences = Replay(platform, server, spark, logs, Progress()).run(sessions, afresh)
    except (PySparkException, Py4JError) as error:
        raise RunFailed(f"Spark: {spark_message(error)}") from None
    except psycopg2.Error as error:
        raise RunFailed(f"PostgreSQL: {str(error).strip().splitlines()[0]}") from None
    finally:
        with suppress(Py4JError):
            spark.stop()
    known_then, known_now = (database_of(platform, name).name for name in (REPLAY, HINDSIGHT))
    say(f"Done in {in_words(time.monotonic() - began)}")
    say(f"Databases: {known_then} as known on each evening, {known_now} as known on {sessions[-1]}")
    return differences


@contextmanager
def _errors_to(log: Path) -> Iterator[None]:
    """Redirect standard error to a file for what is started inside, such as Spark's Java."""
    kept = os.dup(STANDARD_ERROR)
    with log.open("ab") as file:
        os.dup2(file.fileno(), STANDARD_ERROR)
    try:
        yield
    finally:
        os.dup2(kept, STANDARD_ERROR)
        os.close(kept)


class Progress:
    """Tells of each session as it is done, and how long the rest will take at the pace so far."""

    def __init__(self) -> None:
        self._seconds: list[float] = []

    def __call__(self, done: Done) -> None:
        self._seconds.append(done.seconds)
        estimate = in_words(mean(self._seconds) * done.left)
        lacked = f"  [dim]{escape(shorten('; '.join(done.problems), SHOWN_CHARACTERS))}[/]" if done.problems else ""
        say(f"  {done.session}  {done.seconds:5.1f} s  {done.left} left, about {estimate}{lacked}")
        if not done.left:
            say("Now the backfill of the same range")
