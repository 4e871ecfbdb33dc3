"""The platform in containers that the ring `containers` has started, by the commands of Docker."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from config.config import PROJECT_ROOT
from ops.native import stack_secrets


def compose(*words: str, timeout: float = 600) -> str:
    """Return a Compose command's output for the containers that ./start.sh started. A failure ends the test."""
    started = stack_secrets.read_env_file(Path(os.environ["ACTSTOCK_HOME"]) / "run" / "containers.env")
    command = ["docker", "compose", "--env-file", os.environ["ACTSTOCK_ENV_FILE"], *words]
    return output_of(command, os.environ | started, timeout)


def output_of(command: list[str], environ: Any = os.environ, timeout: float = 600) -> str:
    result = subprocess.run(
        command, cwd=PROJECT_ROOT, env=dict(environ), capture_output=True, text=True, timeout=timeout, check=False
    )
    assert result.returncode == 0, f"{' '.join(command)}: {result.stdout[-2000:]}{result.stderr[-2000:]}"
    return result.stdout


def containers(*services: str) -> list[dict[str, Any]]:
    """Return Docker's description of the services' containers, stopped ones included."""
    ids = compose("ps", "--all", "--quiet", *services).split()
    found: list[dict[str, Any]] = json.loads(output_of(["docker", "inspect", *ids]))
    return found


def service_of(container: dict[str, Any]) -> str:
    return str(container["Config"]["Labels"]["com.docker.compose.service"])
