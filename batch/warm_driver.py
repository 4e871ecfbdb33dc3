"""The warm driver: a Spark that has started, and runs the daily jobs one at a time for whoever has the token.

`python -m batch.warm_driver` starts a JVM, trains it, and listens. A job starts in a third of a second instead of ten.
Its caller (utils/spark_driver.py) falls back to spark-submit when it is away, busy, of another version of the code, or
dies on the way, so that it never decides whether a day is published.

It ends by itself, and is started again by the supervisor or by Compose, once a night, when its code has changed, when a
job had to be killed, and when its JVM has died.
"""

import argparse
import hmac
import json
import logging
import multiprocessing
import os
import select
import socket
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from typing import Any

from pyspark import SparkConf
from pyspark.java_gateway import launch_gateway

from config.config import Settings, SparkSettings
from utils.logging_utils import configure_logging
from utils.spark_driver import ALIVE_SECONDS, DEFAULT_PORT, RUN_PATH, jobs_digest
from utils.spark_utils import SMALL, session_conf, submit_conf
from utils.warm_spark import MARK, MASTER

log = logging.getLogger(__name__)

# No stage has its hour then, in either schedule mode.
RESTART_AT = time(4, 0)
MEMORY = "512m"
CHUNK_BYTES = 65536
CHECK_SECONDS = 1.0
# A caller learns that its job has ended a moment before the next one can begin.
BUSY_SECONDS = 1.0
# A JVM without memory dies at once, and its job is submitted. Memory that a job has left free goes back to the machine,
# at the next collection and at once: by default it takes four of them, and a heap is never smaller than it was at
# first, which is a 64th of the machine's memory.
JAVA_MEMORY = (
    "-Xms64m -XX:+ExitOnOutOfMemoryError -XX:MinHeapFreeRatio=10 -XX:MaxHeapFreeRatio=30 -XX:-ShrinkHeapInSteps"
)
# What the process imports from which those of the jobs are forked. This one has no need of it.
PRELOADED = ("batch.warm_job",)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Keep a Spark driver warm, and run the daily jobs on it.")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    options = parser.parse_args(arguments)
    configure_logging()
    settings = Settings.from_env().spark
    if not settings.driver_token:
        parser.error("SPARK_DRIVER_TOKEN is missing: whoever runs jobs has to have it, too")
    server = Server((options.host, options.port), Driver(settings), settings.driver_token)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    reason = server.driver.wait_for_end(next_restart(datetime.now(UTC)))
    log.info("ending: %s", reason)
    return 0


def next_restart(now: datetime) -> datetime:
    """Return the next moment at which the driver starts afresh.

    >>> print(next_restart(datetime(2026, 8, 21, 9, tzinfo=UTC)))
    2026-08-22 04:00:00+00:00
    """
    at = datetime.combine(now.date(), RESTART_AT, tzinfo=UTC)
    return at if at > now else at + timedelta(days=1)


def driver_conf(settings: SparkSettings) -> dict[str, str]:
    """Return the settings of the JVM and its Spark: those of a submitted job, with less memory and less to keep."""
    conf = session_conf(SMALL) | submit_conf(settings)
    options = conf["spark.driver.extraJavaOptions"]
    return conf | {
        "spark.master": MASTER,
        "spark.jars": settings.jdbc_jar,
        "spark.driver.memory": MEMORY,
        "spark.driver.extraJavaOptions": f"{options} {JAVA_MEMORY}",
        # What Spark remembers of past jobs, for a UI that is off.
        "spark.ui.retainedJobs": "5",
        "spark.ui.retainedStages": "5",
        "spark.ui.retainedTasks": "50",
        "spark.sql.ui.retainedExecutions": "5",
    }


class Driver:
    """The JVM, and the process from which those of the jobs are forked."""

    def __init__(self, settings: SparkSettings) -> None:
        self.code = jobs_digest()
        # Its threads would not survive a fork of this process, so a process without any is forked instead.
        self._forks = multiprocessing.get_context("forkserver")
        self._forks.set_forkserver_preload(list(PRELOADED))
        conf = SparkConf(loadDefaults=False).setAll(list(driver_conf(settings).items()))
        gateway = launch_gateway(conf)  # type: ignore[no-untyped-call]
        self._jvm, self._java = gateway.proc, gateway.jvm
        parameters = gateway.gateway_parameters
        self._environment = {
            "PYSPARK_GATEWAY_PORT": str(parameters.port),
            "PYSPARK_GATEWAY_SECRET": parameters.auth_token,
            MARK: "1",
        }
        self._ended = threading.Event()
        self._why = ""
        self.at_work = threading.Lock()
        self._train()

    def _train(self) -> None:
        training = self._forks.Process(target=_train, args=(self._environment,))
        training.start()
        training.join()
        if training.exitcode:
            raise RuntimeError(f"Spark did not start: the training ended with code {training.exitcode}")
        log.info("Spark is warm")

    @property
    def is_alive(self) -> bool:
        return self._jvm.poll() is None

    def end(self, why: str) -> None:
        """Let the process end: a new one takes its place."""
        self._why = why
        self._ended.set()

    def wait_for_end(self, at: datetime) -> str:
        """Wait until the driver has to start afresh, and return why. A running job is waited for."""
        while not self._ended.wait(CHECK_SECONDS):
            if not self.is_alive:
                return "its JVM has died"
            if datetime.now(UTC) >= at and self.at_work.acquire(blocking=False):
                return "it starts afresh each night"
        return self._why

    def run(self, script: str, arguments: list[str], client: socket.socket) -> Iterator[dict[str, Any]]:
        """Run a job in a process of its own, and return what to tell its caller, who has to stay connected."""
        reader, writer = self._forks.Pipe(duplex=False)
        job = self._forks.Process(target=_run, args=(script, arguments, self._environment, writer))
        job.start()
        writer.close()
        try:
            yield from _lines(reader.fileno(), client)
            job.join()
            # An exit code that is not sent is a driver that died: the caller tries again elsewhere.
            if self.is_alive and (job.exitcode or 0) >= 0:
                yield {"exit_code": job.exitcode}
                self._java.System.gc()
        finally:
            reader.close()
            if job.is_alive():
                job.kill()
                self.end("a job was killed, whose query may still be at work")


def _train(environment: dict[str, str]) -> None:
    from batch import warm_job

    warm_job.train(environment)


def _run(script: str, arguments: list[str], environment: dict[str, str], output: Connection) -> None:
    from batch import warm_job

    warm_job.run(script, arguments, environment, output)


def _lines(output: int, client: socket.socket) -> Iterator[dict[str, Any]]:
    """Return each line that a job prints, and an empty object from time to time while it says nothing."""
    rest = b""
    while True:
        ready, _, _ = select.select([output, client.fileno()], [], [], ALIVE_SECONDS)
        if client.fileno() in ready:  # The request has been read, so this is its end.
            raise ConnectionError("the caller has left")
        if not ready:
            yield {}
            continue
        chunk = os.read(output, CHUNK_BYTES)
        *lines, rest = (rest + chunk).split(b"\n")
        yield from ({"line": line.decode(errors="replace")} for line in lines)
        if not chunk:
            break
    if rest:
        yield {"line": rest.decode(errors="replace")}


class Server(ThreadingHTTPServer):
    """Answers GET / while Spark is warm, and runs a job for each POST /run."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], driver: Driver, token: str) -> None:
        super().__init__(address, Handler)
        self.driver = driver
        self.token = token


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self._answer(HTTPStatus.OK, "warm\n")

    def do_POST(self) -> None:
        request = self._request()
        if request is None:
            return
        driver = self.server.driver
        if not driver.at_work.acquire(timeout=BUSY_SECONDS):
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, "another job is at work\n")
            return
        try:
            self._run(request)
        except (ConnectionError, TimeoutError) as error:
            log.warning("%s was left alone: %s", request["script"], error)
        finally:
            driver.at_work.release()

    def _request(self) -> dict[str, Any] | None:
        """Read the request, or answer why it is refused."""
        expected = f"Bearer {self.server.token}"
        if self.path != RUN_PATH or not hmac.compare_digest(self.headers.get("Authorization", ""), expected):
            self._answer(HTTPStatus.UNAUTHORIZED, "the token is missing or another one\n")
            return None
        request: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if request["code"] != self.server.driver.code:
            self._answer(HTTPStatus.CONFLICT, "the code has changed since it started; it starts afresh\n")
            self.server.driver.end("the code has changed")
            return None
        return request

    def _run(self, request: dict[str, Any]) -> None:
        log.info("%s %s", request["script"], " ".join(request["arguments"]))
        self.send_response(HTTPStatus.OK)
        self.end_headers()
        for message in self.server.driver.run(request["script"], request["arguments"], self.connection):
            self.wfile.write(json.dumps(message).encode() + b"\n" if message else b"\n")

    def _answer(self, status: HTTPStatus, text: str) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Leave the requests out of the log: health checks come every few seconds."""


if __name__ == "__main__":
    sys.exit(main())
