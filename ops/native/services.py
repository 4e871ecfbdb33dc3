"""The services and what each one needs, read from supervisord.conf; orders and choices among them."""

from collections.abc import Iterable, Mapping
from configparser import RawConfigParser
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter
from pathlib import Path

from ops.errors import UnknownName

CONFIG_FILE = Path(__file__).with_name("conf") / "supervisord.conf"
PROGRAM = "program:"
DEFAULTS = "program-defaults"
DEFAULT_WAIT_SECONDS = 180


@dataclass(frozen=True)
class Service:
    """needs: ready before it starts; uses: there until it has stopped; ready: a check and its arguments."""

    name: str
    ready: tuple[str, ...]
    needs: tuple[str, ...]
    uses: tuple[str, ...]
    ports: tuple[str, ...]
    wait_seconds: int
    only_if: str | None

    @property
    def is_one_shot(self) -> bool:
        return self.ready == ("done",)


def read_services(path: Path = CONFIG_FILE) -> dict[str, Service]:
    """Every service by name, in the file's order."""
    parser = _parser(path)
    names = [section.removeprefix(PROGRAM) for section in parser.sections() if section.startswith(PROGRAM)]
    return {name: _service(name, parser[PROGRAM + name]) for name in names}


def write_supervisor_config(target: Path, path: Path = CONFIG_FILE) -> None:
    """The file as supervisord takes it: the defaults in every program, and without what is ours alone."""
    parser = _parser(path)
    defaults = dict(parser[DEFAULTS])
    parser.remove_section(DEFAULTS)
    for section in (name for name in parser.sections() if name.startswith(PROGRAM)):
        own = {key: value for key, value in parser[section].items() if not key.startswith("x_")}
        parser[section] = defaults | own
    with target.open("w", encoding="utf-8") as file:
        parser.write(file)


def _parser(path: Path) -> RawConfigParser:
    parser = RawConfigParser(inline_comment_prefixes=(";",))
    parser.read_string(path.read_text(encoding="utf-8"))
    return parser


def _service(name: str, section: Mapping[str, str]) -> Service:
    return Service(
        name=name,
        ready=tuple(section["x_ready"].split()),
        needs=tuple(section.get("x_needs", "").split()),
        uses=tuple(section.get("x_uses", "").split()),
        ports=tuple(section.get("x_port", "").split()),
        wait_seconds=int(section.get("x_wait", DEFAULT_WAIT_SECONDS)),
        only_if=section.get("x_if"),
    )


def find(services: Mapping[str, Service], name: str) -> Service:
    if name not in services:
        raise UnknownName("service", name, services)
    return services[name]


def wanted(services: Mapping[str, Service], settings: Mapping[str, str]) -> dict[str, Service]:
    """Those that belong to a platform with these settings, their needs reduced to each other."""
    chosen = {name for name, service in services.items() if not service.only_if or settings.get(service.only_if)}
    return {name: _among(services[name], chosen) for name in services if name in chosen}


def with_needs(services: Mapping[str, Service], names: Iterable[str]) -> dict[str, Service]:
    """The named services and all that they need, in starting order."""
    chosen: set[str] = set()
    waiting = [find(services, name).name for name in names]
    while waiting:
        name = waiting.pop()
        if name not in chosen:
            chosen.add(name)
            waiting.extend(services[name].needs)
    return {name: services[name] for name in starting_order(services) if name in chosen}


def starting_order(services: Mapping[str, Service]) -> list[str]:
    """Every service after what it needs."""
    return list(TopologicalSorter({name: service.needs for name, service in services.items()}).static_order())


def stopped_before(services: Mapping[str, Service]) -> dict[str, set[str]]:
    """For each service those that need or use it, be it through others: they must stop before it may."""
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
