"""The services of docker-compose.yml: what each is for, its ports, and how much memory it may take."""

from typing import Any

from ops.documents.markdown import table
from ops.native import compose


def services() -> str:
    """Write one line for each service, in the file's order."""
    return table(
        ["service", "what it is for", "port (setting)", "image", "memory"],
        [
            [f"`{name}`", service["x-about"], _ports(service), f"`{service['image']}`", str(service["mem_limit"])]
            for name, service in compose.services().items()
        ],
    )


def secrets() -> str:
    """Write one line for each service that has secrets."""
    known = {name: sorted(compose.secrets_of(service)) for name, service in compose.services().items()}
    return table(
        ["service", "has"],
        [[f"`{name}`", _named(own)] for name, own in known.items() if own],
    )


def _named(secrets: list[str]) -> str:
    return "all of them" if {*secrets} == compose.private_settings() else ", ".join(f"`{name}`" for name in secrets)


def _ports(service: dict[str, Any]) -> str:
    found = (compose.PORT.search(port) for port in service.get("ports", []))
    return ", ".join(f"{port['default']} (`PORT_{port['name']}`)" for port in found if port)
