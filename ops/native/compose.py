"""docker-compose.yml as the native start reads it: the services, their ports, and the secrets."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import yaml

from config.config import PROJECT_ROOT

COMPOSE_FILE = PROJECT_ROOT / "docker-compose.yml"
# Of a range, which has a port for each copy of a service, the first one.
PORT = re.compile(r"\$\{PORT_(?P<name>\w+):-(?P<default>(?P<first>\d+)[\d-]*)\}")
# A setting in a value, and a value that is a setting and nothing else.
# Not one of which a service learns only whether it is set.
SETTING = re.compile(r"\$\{(\w+)(?!\w|:\+)")
WHOLE = re.compile(r"\$\{(\w+)(?::[?-][^}]*)?\}")
# The parser in C is twenty times faster; PyYAML has it wherever there is a wheel.
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@cache
def read_compose() -> Mapping[str, Any]:
    """Return the whole file."""
    content: Mapping[str, Any] = yaml.load(COMPOSE_FILE.read_text(encoding="utf-8"), Loader)
    return content


def services() -> Mapping[str, Any]:
    """Return every service of the file by name, in its order."""
    found: Mapping[str, Any] = read_compose()["services"]
    return found


def native_services() -> dict[str, Any]:
    """Return the services that also run as processes of this machine."""
    return {name: service for name, service in services().items() if "x-native" in service}


def ports_of(service: Mapping[str, Any]) -> dict[str, int]:
    """Return the ports that a service listens on natively, by name.

    >>> ports_of({"ports": ["127.0.0.1:${PORT_SPARK_WORKER_UI:-8082-8089}:8082"], "x-native": {"ports": {"more": 1}}})
    {'spark-worker-ui': 8082, 'more': 1}
    """
    published = filter(None, map(PORT.search, service.get("ports", [])))
    found = {port["name"].lower().replace("_", "-"): int(port["first"]) for port in published}
    return found | dict(service["x-native"].get("ports", {}))


@cache
def ports() -> Mapping[str, int]:
    """Return every port of the platform by name, before any offset."""
    return {name: port for service in native_services().values() for name, port in ports_of(service).items()}


def secret_sizes() -> Mapping[str, int]:
    """Return the number of random bytes of each secret."""
    sizes: Mapping[str, int] = read_compose()["x-secrets"]
    return sizes


def private_settings() -> frozenset[str]:
    """Return the secrets, and the settings that are as private as they are."""
    return frozenset({*secret_sizes(), *read_compose()["x-private"]})


def secrets_of(service: Mapping[str, Any]) -> set[str]:
    """Return the private settings that a service's environment has something of: it may know these, and no other."""
    values = [str(value) for value in service.get("environment", {}).values()]
    return {name for value in values for name in SETTING.findall(value)} & private_settings()


def private_variables(service: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables of a service that hold a secret, each with the native setting that it has the value of.

    One that only contains a secret, such as an address with a password, is a native setting of the same name.

    >>> private_variables({"environment": {"DB_USER": "postgres", "DB_PASSWORD": "${DB_READ_PASSWORD:?is missing}"}})
    {'DB_PASSWORD': 'DB_READ_PASSWORD'}
    """
    found = {}
    for name, value in service.get("environment", {}).items():
        if secrets_of({"environment": {name: value}}):
            whole = WHOLE.fullmatch(value)
            found[name] = whole[1] if whole else name
    return found
