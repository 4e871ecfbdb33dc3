"""The services of docker-compose.yml: what each is for, its ports, and how much memory it may take."""

import re
from typing import Any

import yaml

from config.config import PROJECT_ROOT
from ops.documents.markdown import table

COMPOSE = PROJECT_ROOT / "docker-compose.yml"
PORT = re.compile(r"\$\{(?P<setting>PORT_\w+):-(?P<default>[\d-]+)\}")


def services() -> str:
    """One line a service, in the file's order."""
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]
    return table(
        ["service", "what it is for", "port (setting)", "image", "memory"],
        [
            [f"`{name}`", service["x-about"], _ports(service), f"`{service['image']}`", str(service["mem_limit"])]
            for name, service in found.items()
        ],
    )


def _ports(service: dict[str, Any]) -> str:
    found = (PORT.search(port) for port in service.get("ports", []))
    return ", ".join(f"{port['default']} (`{port['setting']}`)" for port in found if port)
