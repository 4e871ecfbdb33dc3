"""`bench`: measure the parts asked for on the running platform, and say whether each wanted figure was reached."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from config.config import Settings
from ops.bench import machine
from ops.bench.report import Target, heading, verdict
from ops.console import complain, say
from ops.errors import UnknownName
from ops.native.control import describe, running_stack
from ops.native.environment import client_environment, service_environment
from ops.native.java import java_home
from ops.native.stack import Stack
from utils.errors import ActstockError, InvalidInput


@dataclass(frozen=True)
class Bench:
    """What is measured with: the options of the command, by their names there."""

    rows: int
    is_short: bool = False
    against: Path | None = None
    rounds: int | None = None
    faults: Sequence[str] = ()
    is_resumed: bool = False

    @cached_property
    def stack(self) -> Stack:
        return running_stack()

    @cached_property
    def settings(self) -> Settings:
        return Settings.from_env(os.environ | client_environment(self.stack))


def bench(names: Sequence[str], measured: Bench, strict: bool) -> int:
    """Measure and return 1 when a part could not be measured or, with strict, missed its figure."""
    chosen = _chosen(names)
    for option, number in (("rows", measured.rows), ("rounds", measured.rounds)):
        if number is not None and number < 1:
            raise InvalidInput(f"--{option} {number}: give a number of at least 1")
    if set(chosen) - WITHOUT_PLATFORM:
        say(f"Measuring on {describe(measured.stack.source)} in {measured.stack.home}")
    say(machine.describe())
    targets, broken = _measure(chosen, measured)
    heading("Wanted and reached")
    for target in targets:
        verdict(target)
    for problem in broken:
        complain(problem)
    say(f"  {machine.load()}")
    missed = strict and not all(target.is_reached for target in targets)
    return 1 if broken or missed else 0


def _chosen(names: Sequence[str]) -> list[str]:
    for name in names:
        if name not in PARTS:
            raise UnknownName("part of the benchmark", name, PARTS)
    return [name for name in PARTS if name in names or not (names or name in OWN_PLATFORM)]


def _measure(names: Sequence[str], bench: Bench) -> tuple[list[Target], list[str]]:
    """Measure each part. One that fails does not keep the next ones from running."""
    targets, broken = [], []
    for name in names:
        title, measure = PARTS[name]
        heading(f"{name}: {title}")
        try:
            targets += measure(bench)
        except ActstockError as error:
            broken.append(f"{name}: {error}")
            complain(str(error))
    return targets, broken


# Each part imports what it needs when it runs: they need very different things.


def _consume(bench: Bench) -> list[Target]:
    from ops.bench import consume

    return consume.measure(bench.settings, bench.stack.data, bench.rows)


def _chain(bench: Bench) -> list[Target]:
    from ops.bench import chain

    if bench.against:
        return chain.measure_against(bench.stack, bench.settings, bench.against)
    return chain.measure(bench.stack, bench.settings)


def _api(bench: Bench) -> list[Target]:
    from ops.bench import api

    return api.measure(bench.stack, bench.settings)


def _weights(bench: Bench) -> list[Target]:
    from ops.bench import weights

    return weights.measure(bench.stack, bench.settings)


def _dashboard(bench: Bench) -> list[Target]:
    from ops.bench import dashboard, dashboard_versions
    from ops.running import Platform

    if bench.against:
        return dashboard_versions.measure_against(bench.stack, bench.against)
    return dashboard.measure(Platform.of_stack(bench.stack))


def _memory(bench: Bench) -> list[Target]:
    from ops.bench import memory

    return memory.measure(bench.stack)


def _requests(bench: Bench) -> list[Target]:
    from ops.bench import budget

    return budget.measure(bench.stack, bench.settings)


def _reproduce(bench: Bench) -> list[Target]:
    from ops.bench import publications

    _find_java(bench)
    return publications.measure_reproduction(bench.settings)


def _look_ahead(bench: Bench) -> list[Target]:
    from ops.bench import publications

    _find_java(bench)
    return publications.measure_look_ahead(bench.settings)


def _find_java(bench: Bench) -> None:
    """Let Spark, which is started by this process, find what the platform's own jobs find."""
    os.environ.update(service_environment(bench.stack, java_home()))


def _scale(bench: Bench) -> list[Target]:
    from ops.bench import scale

    _find_java(bench)
    return scale.measure(bench.settings, scale.SHORT if bench.is_short else scale.FULL)


def _history(bench: Bench) -> list[Target]:
    from ops.bench import history

    return history.measure(bench.rounds or (history.SHORT_SESSIONS if bench.is_short else history.SESSIONS))


def _lab(bench: Bench) -> list[Target]:
    from ops.bench import lab

    return lab.measure()


def _evidence(bench: Bench) -> list[Target]:
    from ops.bench import evidence

    return evidence.measure(bench.settings)


def _members(bench: Bench) -> list[Target]:
    from ops.bench import members

    sizes = members.SHORT if bench.is_short else members.USUAL
    return members.measure(bench.settings, replace(sizes, rounds=bench.rounds or sizes.rounds), bench.stack.logs)


def _chaos(bench: Bench) -> list[Target]:
    from ops.bench import chaos

    rounds = bench.rounds or (chaos.SHORT_ROUNDS if bench.is_short else chaos.ROUNDS)
    return chaos.measure(rounds, bench.faults, bench.is_resumed)


def _soak(bench: Bench) -> list[Target]:
    from ops.bench import soak

    return soak.measure(bench.rounds or (soak.SHORT_SESSIONS if bench.is_short else soak.SESSIONS), bench.faults)


PARTS: dict[str, tuple[str, Callable[[Bench], list[Target]]]] = {
    "consume": ("bars onto a topic and into committed rows, one by one and in ranges", _consume),
    "members": ("consumers that come and go, and more partitions, while messages come", _members),
    "chain": ("the five stages of one session, through Airflow", _chain),
    "api": ("the portfolio's route against an empty one", _api),
    "weights": ("everything behind a published weight, in one call", _weights),
    "dashboard": ("what a reader waits for, in a browser", _dashboard),
    "memory": ("all processes at rest", _memory),
    "requests": ("what a full day asks of Yahoo", _requests),
    "reproduce": ("250 sessions published, changed afterwards and reproduced", _reproduce),
    "look-ahead": ("250 sessions with 20 random futures each", _look_ahead),
    "scale": ("very many rows: Spark beside duckdb", _scale),
    "history": ("a year of sessions where nothing is stored, on a stack of its own", _history),
    "lab": ("the verdict on invented markets, and its figures beside those of known packages", _lab),
    "evidence": ("cells changed at random, and a long chain", _evidence),
    "chaos": ("faults in the middle of chains, on a stack of its own", _chaos),
    "soak": ("a year of sessions with faults in some, on a stack of its own", _soak),
}
# These bring their own platform along, and two of them take hours: they are measured when they are asked for.
OWN_PLATFORM = {"history", "chaos", "soak"}
# These compute on invented data alone, too.
WITHOUT_PLATFORM = {"lab", *OWN_PLATFORM}
