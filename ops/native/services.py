"""The services of a native start, from docker-compose.yml; orders and choices among them."""

import shlex
from collections.abc import Iterable, Mapping
from configparser import RawConfigParser
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from ops.errors import UnknownName
from ops.native import compose, own_secrets, system_user

CONFIG_FILE = Path(__file__).with_name("conf") / "supervisord.conf"
PROGRAM = "program:"
LAUNCH = "python -S -m ops.native.launch"
ROOT = "root"
DEFAULTS = "program-defaults"
DEFAULT_WAIT_SECONDS = 180
# A one-shot may end at once, and is not started again.
ONE_SHOT = {"startsecs": "0", "autorestart": "false"}
# Who a service logs in as, in PostgreSQL and in Kafka. Without its password a user is nobody's.
USERS = ("DB_USER", "DB_SPARK_USER", "KAFKA_USER")


@dataclass(frozen=True)
class Service:
    """needs: ready before it starts; uses: there until it has stopped; ready: a check and its arguments.

    wait_seconds: how long a start waits until it is ready. 0: the platform works without it, so it is not waited for.
    user: the system user that it is where root starts it. owns: folders that are that user's.
    reads: what it reads beside the folders of its settings.
    users: who it is elsewhere. environment: what else it alone is told.
    secrets: its variables that hold a secret, each with the setting that has the value.
    supervisor: further keys of supervisord.
    """

    name: str
    command: str
    ready: tuple[str, ...]
    needs: tuple[str, ...]
    uses: tuple[str, ...]
    ports: tuple[str, ...]
    wait_seconds: int
    only_if: str | None
    user: str
    owns: tuple[str, ...]
    reads: tuple[str, ...]
    users: Mapping[str, str]
    environment: Mapping[str, str]
    secrets: Mapping[str, str]
    supervisor: Mapping[str, str]

    @property
    def is_one_shot(self) -> bool:
        return self.ready == ("done",)


def read_services() -> dict[str, Service]:
    """Return every service by name, in the file's order."""
    return {name: _service(name, service) for name, service in compose.native_services().items()}


def write_supervisor_config(target: Path) -> None:
    """Write what supervisord reads: its own sections, and a program for each service."""
    parser = RawConfigParser(inline_comment_prefixes=(";",))
    parser.read_string(CONFIG_FILE.read_text(encoding="utf-8"))
    defaults = dict(parser[DEFAULTS])
    parser.remove_section(DEFAULTS)
    for service in read_services().values():
        parser[PROGRAM + service.name] = defaults | _program(service)
    with target.open("w", encoding="utf-8") as file:
        parser.write(file)


def _service(name: str, described: Mapping[str, Any]) -> Service:
    native = described["x-native"]
    one_shot = described["restart"] == "on-failure"
    environment = described.get("environment", {})
    return Service(
        name=name,
        command=native.get("command") or shlex.join(described["command"]),
        ready=("done",) if one_shot else tuple(native["ready"].split()),
        needs=tuple(native.get("needs", described.get("depends_on", ()))),
        uses=tuple(native.get("uses", ())),
        ports=tuple(compose.ports_of(described)),
        wait_seconds=native.get("wait_seconds", DEFAULT_WAIT_SECONDS),
        only_if=native.get("only_if"),
        user=native.get("user", system_user.NAME),
        owns=tuple(native.get("owns", ())),
        reads=tuple(native.get("reads", ())),
        users={name: environment[name] for name in USERS if name in environment},
        environment=native.get("environment", {}),
        secrets={} if "secrets_in" in native else compose.private_variables(described),
        supervisor={key: str(value) for key, value in native.get("supervisor", {}).items()},
    )


def _program(service: Service) -> dict[str, str]:
    """Return a service's section of supervisord's configuration, without the defaults."""
    words = [LAUNCH]
    if service.secrets:
        words += ["--secrets", f'"%(ENV_ACTSTOCK_RUN)s/{own_secrets.file_name(service.name)}"']
    if service.user != ROOT:
        words += ["--as", service.user]
    for option, paths in (("--owns", service.owns), ("--reads", service.reads)):
        words += [option, *(f'"{path}"' for path in paths)] if paths else []
    own = {"command": " ".join([*words, "--", service.command])} | (ONE_SHOT if service.is_one_shot else {})
    if given := {**service.users, **service.environment}:
        own["environment"] = ",".join(f'{name}="{value}"' for name, value in given.items())
    return own | dict(service.supervisor)


def find(services: Mapping[str, Service], name: str) -> Service:
    if name not in services:
        raise UnknownName("service", name, services)
    return services[name]


def wanted(services: Mapping[str, Service], settings: Mapping[str, str]) -> dict[str, Service]:
    """Return the services of a platform with these settings, their needs reduced to each other."""
    chosen = {name for name, service in services.items() if not service.only_if or settings.get(service.only_if)}
    return {name: _among(services[name], chosen) for name in services if name in chosen}


def with_needs(services: Mapping[str, Service], names: Iterable[str]) -> dict[str, Service]:
    """Return the named services and all that they need, in starting order."""
    chosen: set[str] = set()
    waiting = [find(services, name).name for name in names]
    while waiting:
        name = waiting.pop()
        if name not in chosen:
            chosen.add(name)
            waiting.extend(services[name].needs)
    return {name: services[name] for name in starting_order(services) if name in chosen}


def starting_order(services: Mapping[str, Service]) -> list[str]:
    """Return every service after those that it needs."""
    return list(TopologicalSorter({name: service.needs for name, service in services.items()}).static_order())


def stopped_before(services: Mapping[str, Service]) -> dict[str, set[str]]:
    """Return for each service those that must stop before it: they need or use it, directly or not."""
    relies_on = {name: {*service.needs, *service.uses} for name, service in services.items()}
    before: dict[str, set[str]] = {name: set() for name in services}
    for name in reversed(list(TopologicalSorter(relies_on).static_order())):
        for other in relies_on[name]:
            before[other] |= {name} | before[name]
    return before


def _among(service: Service, names: set[str]) -> Service:
    needs = tuple(name for name in service.needs if name in names)
    uses = tuple(name for name in service.uses if name in names)
    return replace(service, needs=needs, uses=uses)
