"""The ring `containers`: the product's images and its compose file on a real Docker engine, as a user starts them."""

import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from config.config import PROJECT_ROOT
from ops.console import done, say
from ops.errors import CannotStart
from ops.native import stack_secrets
from ops.native.compose import ports
from ops.native.stack import TOOLS, VENV

ENGINE = PROJECT_ROOT / "test" / "end_to_end_tests" / "containers" / "engine.sh"
HOME = TOOLS / "containers"
ENV_FILE = HOME / "test.env"
PROJECT = "actstock-test"
# Beside a running platform and the stack of the other rings, and below the ports that Linux gives to clients (32768).
PORT_OFFSET = 21000
DOCKERFILES = ("Dockerfile", "Dockerfile.api", "Dockerfile.airflow")
# The budget of requests is of a first run; here the session has been run once before. Stages that run again differ in
# nothing but the time that they take.
LINE = "test/end_to_end_tests/test_daily_line.py"
ONLY_NATIVELY = ("TestTables::test_a_full_day_stays_within_its_requests", "TestAgain")


def commands() -> Iterator[tuple[str, list[str], bool]]:
    """Yield each step before the tests: its name, its command, and whether to show its output."""
    yield "engine", [str(ENGINE), "start"], True
    yield "base images", [str(ENGINE), "stand-ins"], True
    stand_ins = sorted(str(path) for path in ENGINE.parent.glob("stand_ins/*/Dockerfile"))
    yield "hadolint", [f"{VENV}/bin/hadolint", *DOCKERFILES, *stand_ins], False
    yield "secrets", ["./start.sh", "env"], False
    yield "settings", ["./start.sh", "env", "CONSUMER_METRICS_PORT=9101", "SPARK_METRICS=1"], False
    yield "compose file", ["docker", "compose", "--env-file", str(ENV_FILE), "config", "--quiet"], False
    yield "images", ["docker", "compose", "--env-file", str(ENV_FILE), "--profile", "*", "build", "--quiet"], False
    yield "demo", ["./start.sh", "demo", "--docker", "--quick"], True


def test_folders() -> list[str]:
    """Return the arguments of pytest. The line's tests come first: they compare whole tables with one session."""
    left_out = [f"--deselect={LINE}::{each}" for each in ONLY_NATIVELY]
    return [LINE, *left_out, "test/end_to_end_tests/containers", "--durations=0"]


def environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment of each command here: its own project, ports, secrets and Docker configuration."""
    return dict(environ) | {
        "ACTSTOCK_HOME": str(HOME / "home"),
        "ACTSTOCK_ENV_FILE": str(ENV_FILE),
        "ACTSTOCK_PORT_OFFSET": str(PORT_OFFSET),
        "COMPOSE_PROJECT_NAME": PROJECT,
        "DOCKER_CONFIG": str(HOME / "docker-config"),
        "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
    }


def log_of(step: str) -> Path:
    return HOME / f"{step.replace(' ', '-')}.log"


def client_environment() -> dict[str, str]:
    """Return how tests reach the containers, under the names that the other rings use."""
    known = stack_secrets.read_env_file(ENV_FILE)

    def port(name: str) -> int:
        return ports()[name] + PORT_OFFSET

    secrets = ("DB_PASSWORD", "API_KEY", "AIRFLOW_PASSWORD", "KAFKA_PASSWORD", "MARKET_TOKEN")
    return {name: known[name] for name in secrets} | {
        "DB_HOST": "127.0.0.1",
        "DB_PORT": str(port("postgres")),
        "DB_NAME": "stockdb",
        "DB_USER": "postgres",
        "KAFKA_BOOTSTRAP_SERVERS": f"localhost:{port('kafka')}",
        "KAFKA_USER": "kafka",
        "YAHOO_BASE_URL": f"http://127.0.0.1:{port('market-server')}",
        "AIRFLOW_URL": f"http://127.0.0.1:{port('airflow')}",
        "AIRFLOW_USER": "admin",
        "API_URL": f"http://127.0.0.1:{port('api')}",
        "DASHBOARD_URL": f"http://127.0.0.1:{port('dashboard')}",
        "CONTAINERS_DEMO_LOG": str(log_of("demo")),
    }


@contextmanager
def platform() -> Iterator[None]:
    """Start the demo in containers from nothing, and remove it with its data afterwards."""
    HOME.mkdir(parents=True, exist_ok=True)
    try:
        for name, command, shown in commands():
            if name == "demo":
                _take_down()
            _step(name, command, shown, log_of(name))
        yield
    finally:
        _take_down()
        subprocess.run([ENGINE, "stop"], env=environment(), check=False)


def _step(name: str, command: list[str], shown: bool, log: Path) -> None:
    began = time.monotonic()
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            command, cwd=PROJECT_ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert process.stdout
        for line in process.stdout:
            output.write(line)
            if shown:
                say(f"    [dim]{line.rstrip().replace('[', chr(92) + '[')}[/]")
    if process.wait():
        raise CannotStart(f"{' '.join(command)} ended with code {process.returncode}: see {log}")
    done(name, time.monotonic() - began, "")


def _take_down() -> None:
    """Remove the test's containers and volumes. Images stay, as their layers shorten the next build."""
    for project in (PROJECT, f"{PROJECT}-simulated"):
        command = ["docker", "compose", "--env-file", str(ENV_FILE), "--project-name", project, "--profile", "*"]
        subprocess.run(
            [*command, "down", "--volumes", "--timeout", "30"],
            cwd=PROJECT_ROOT,
            env=environment(),
            check=False,
            capture_output=True,
        )
    (HOME / "home" / "run" / "containers.env").unlink(missing_ok=True)
