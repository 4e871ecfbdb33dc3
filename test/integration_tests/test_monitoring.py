"""Prometheus's own tool on what is given to Prometheus, and Airflow's figures where Prometheus would take them."""

import gzip
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
import yaml
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from config.config import PROJECT_ROOT
from ops.native.environment import service_environment
from ops.native.java import java_home
from ops.native.stack import Stack

MONITORING = PROJECT_ROOT / "monitoring"
RULES, CASES = MONITORING / "alerts.yml", Path(__file__).with_name("alerts_test.yml")
COUNT = """
import airflow
from airflow.observability.metrics.stats_utils import get_stats_factory
get_stats_factory()().incr("scheduler_heartbeat")
"""


def promtool(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    if not shutil.which("promtool"):
        pytest.skip("promtool is not installed: Debian's package prometheus has it")
    return subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", ["prometheus.yml", "prometheus.native.yml"])
def test_the_configuration_is_one(name: str) -> None:
    # Its syntax alone: the file with the key is there where Prometheus runs only.
    checked = promtool("check", "config", "--syntax-only", MONITORING / name)
    assert checked.returncode == 0, checked.stderr


def test_the_rules_are_rules() -> None:
    checked = promtool("check", "rules", RULES)
    assert checked.returncode == 0, checked.stderr


def test_each_rule_is_set_off_by_what_it_is_for_alone() -> None:
    tested = promtool("test", "rules", CASES)
    assert tested.returncode == 0, tested.stdout + tested.stderr


@pytest.mark.parametrize(
    ("written", "wrong"),
    [("api|consumers", "spark"), ("5 * 24", "6 * 24"), ("> 0.05", "> 0.5"), ("-stock-", "-stocks-")],
)
def test_a_rule_that_says_something_else_fails(tmp_path: Path, written: str, wrong: str) -> None:
    rules = RULES.read_text(encoding="utf-8")
    assert written in rules
    (tmp_path / "alerts.yml").write_text(rules.replace(written, wrong), encoding="utf-8")
    cases = CASES.read_text(encoding="utf-8").replace("../../monitoring/alerts.yml", "alerts.yml")
    (tmp_path / CASES.name).write_text(cases, encoding="utf-8")
    assert promtool("test", "rules", tmp_path / CASES.name).returncode == 1


@pytest.mark.parametrize(("switch", "sent"), [("1", {"airflow.scheduler_heartbeat"}), ("", set())])
def test_airflow_sends_its_own_once_it_is_told_to(tmp_path: Path, switch: str, sent: set[str]) -> None:
    with receiver() as (url, received):
        chosen = {"AIRFLOW_METRICS": switch, "AIRFLOW_METRICS_URL": url}
        environ = service_environment(Stack(tmp_path), java_home(), chosen)
        subprocess.run([sys.executable, "-c", COUNT], env=environ, cwd=tmp_path, check=True, timeout=120)
    assert received == sent


def test_spark_tells_its_own_where_prometheus_asks(tmp_path: Path) -> None:
    environ = service_environment(Stack(tmp_path), java_home(), {"SPARK_METRICS": "1"})
    port, ui = free_port(), free_port()
    command = ["spark-class", "org.apache.spark.deploy.master.Master", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--webui-port", str(ui)]
    with (tmp_path / "master.log").open("w") as log:
        master = subprocess.Popen(command, env=environ, cwd=tmp_path, stdout=log, stderr=log)
        try:
            [job] = [job for job in scrape_jobs() if job["job_name"] == "spark"]
            await_word("metrics_master_workers_Value", f"http://127.0.0.1:{ui}{job['metrics_path']}")
        finally:
            master.terminate()
            master.wait(30)


def scrape_jobs() -> list[dict[str, Any]]:
    jobs: list[dict[str, Any]] = yaml.safe_load((MONITORING / "prometheus.yml").read_text("utf-8"))["scrape_configs"]
    return jobs


def await_word(word: str, url: str) -> None:
    """Wait until the page of a server that is starting has a word."""
    deadline = time.monotonic() + 60
    while word not in page_of(url):
        assert time.monotonic() < deadline, f"{url} has no {word}"
        time.sleep(0.3)


def page_of(url: str) -> str:
    try:
        return httpx.get(url, timeout=5, trust_env=False).text
    except httpx.TransportError:
        return ""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def receiver() -> Iterator[tuple[str, set[str]]]:
    """Take metrics by OpenTelemetry over HTTP: an address, and the names that came."""
    names: set[str] = set()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            request = ExportMetricsServiceRequest.FromString(body)
            scopes = [scope for resource in request.resource_metrics for scope in resource.scope_metrics]
            names.update(metric.name for scope in scopes for metric in scope.metrics)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/api/v1/otlp/v1/metrics", names
        finally:
            server.shutdown()
            thread.join()
