"""Faults in the middle of chains: is anything lost or doubled, is a person needed, and how long until all is right?

One session is run through Airflow without a fault, which gives the truth. Then it is run again from an empty database,
round after round, and a fault strikes at a moment drawn at random.
"""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import product
from random import Random
from statistics import median

from ops.bench.chaos_faults import DISK_FULL, Fault, kinds
from ops.bench.chaos_field import Field
from ops.bench.chaos_rounds import KeptRounds, Round
from ops.bench.chaos_rows import Difference, Rows, without_labels, without_revisions
from ops.bench.chaos_stack import chaos_field
from ops.bench.report import Target, step, table
from ops.errors import RunFailed, UnknownName
from ops.native.stack import TOOLS
from ops.pipeline import runs
from utils.errors import ActstockError

ROUNDS, SHORT_ROUNDS = 20, 1
REPOLL = "completeness_repoll"
# Of the time that a chain takes without faults: later there may be nothing left to strike.
LAST_MOMENT = 0.9
NO_FAULT = "none"
ROUNDS_FILE = TOOLS / "chaos" / "rounds.jsonl"


def measure(rounds: int, names: Sequence[str], is_resumed: bool = False) -> list[Target]:
    """Run rounds of each fault on a stack of its own, and take that down.

    names: of the faults (none: all)
    is_resumed: go on with the rounds that earlier runs have kept
    """
    kept = KeptRounds(ROUNDS_FILE)
    every = kept.read() if is_resumed else []
    with chaos_field(wants_disk(names)) as field:
        chosen = choose(kinds(field), names)
        wanted = set(product([fault.name for fault in chosen], range(1, rounds + 1)))
        earlier = [each for each in every if (each.fault, each.number) in wanted]
        if not is_resumed:
            kept.put_aside()
        left = wanted - {(each.fault, each.number) for each in earlier}
        played = [*earlier, *kept.keeping(play(field, chosen, left))]
    if earlier:
        step(f"{len(earlier)} of {len(played)} rounds are of earlier runs: {', '.join(when_and_of_what(earlier))}")
    show(played)
    tell_left_out(field, names)
    return targets(played)


def choose(known: Mapping[str, Fault], names: Sequence[str]) -> list[Fault]:
    for name in names:
        if name not in known:
            raise UnknownName("fault", name, known)
    return [fault for name, fault in known.items() if not names or name in names]


def when_and_of_what(played: Iterable[Round]) -> list[str]:
    """Return on which days rounds have ended, and of which code, which other rounds may not be of."""
    return sorted({f"{each.ended_at:%Y-%m-%d} of code {each.code}" for each in played})


def play(field: Field, faults: Sequence[Fault], wanted: Collection[tuple[str, int]]) -> Iterator[Round]:
    """Yield the rounds as they end, one of each fault before any comes again. The first one is without a fault.

    wanted: by the fault's name and a number. RunFailed: two chains without a fault differ.
    """
    session = field.market.market().last_session
    with field.without_noise():
        truth, _ = undisturbed(field, session)
        again, usual_seconds = undisturbed(field, session)
        if difference := Difference.between(truth, again):
            raise RunFailed(f"two chains without a fault differ: {difference}")
        step(f"without a fault: {usual_seconds:.0f} s, {truth.total():,} rows")
        yield Round(NO_FAULT, 0, usual_seconds, difference)
        by_name = {fault.name: fault for fault in faults}
        order = list(by_name)
        for name, number in sorted(wanted, key=lambda each: (each[1], order.index(each[0]))):
            played = play_round(field, session, truth, by_name[name], number, usual_seconds)
            step(f"{name}, round {number}: {played.seconds:.0f} s, {played.difference}")
            yield played


def undisturbed(field: Field, session: date) -> tuple[Rows, float]:
    """Run a chain from an empty database without a fault. Return its rows, and its seconds up to a platform at rest."""
    field.begin_anew()
    seconds = run_undisturbed(field, session)
    return field.rows(), seconds


def run_undisturbed(field: Field, session: date) -> float:
    """Run a chain without a fault, and return its seconds up to a platform at rest. Raise RunFailed without an end."""
    began = time.monotonic()
    problem = field.end_of(field.start_chain(session))
    if problem:
        raise RunFailed(f"the chain of {session} does not come to its end without a fault either: {problem}")
    return time.monotonic() - began


def play_round(field: Field, session: date, truth: Rows, fault: Fault, number: int, usual_seconds: float) -> Round:
    """Run a chain from an empty database with a fault. Rounds of the same number draw the same."""

    def difference() -> Difference:
        found = field.rows()
        if fault.is_of_source:
            return Difference.between(*(without_labels(without_revisions(rows)) for rows in (truth, found)))
        return Difference.between(truth, found)

    field.begin_anew()
    chance = Random(f"{fault.name} {number}")
    seconds, problem = strike(field, session, fault, chance, usual_seconds, lambda: not difference())
    return Round(fault.name, number, seconds, difference(), problem)


def strike(
    field: Field, session: date, fault: Fault, chance: Random, usual_seconds: float, is_right: Callable[[], bool]
) -> tuple[float, str | None]:
    """Run a chain with a fault. Return its seconds up to the right end, and why a person would be needed, if so.

    That person's work is done, so that the next chain can begin. is_right: whether the rows are; where the source is at
    fault, they are asked for again unless they are.
    """
    run, began = field.start_chain(session), time.monotonic()
    moment = chance.uniform(0, LAST_MOMENT * usual_seconds)
    time.sleep(moment)
    try:
        step(f"after {moment:.1f} s: {fault.strike(field, chance)}")
        problem = field.end_of(run)
        if problem is None and fault.is_of_source and not is_right():
            problem = _ask_again(field, session)
    except ActstockError as error:
        problem = str(error)
    seconds = time.monotonic() - began
    if problem:
        step(f"[a person] {problem}")
        field.rescue(run)
    return seconds, problem


def show(played: Sequence[Round]) -> None:
    of = {name: [each for each in played if each.fault == name] for name in dict.fromkeys(one.fault for one in played)}
    table(
        ("fault", "rounds", "lost", "doubled", "wrong", "people", "seconds, median", "longest"),
        [
            (
                name,
                str(len(rounds)),
                *(str(sum(getattr(each.difference, what) for each in rounds)) for what in ("lost", "doubled", "wrong")),
                str(sum(bool(each.problem) for each in rounds)),
                f"{median(each.seconds for each in rounds):.0f}",
                f"{max(each.seconds for each in rounds):.0f}",
            )
            for name, rounds in of.items()
        ],
    )


def wants_disk(names: Sequence[str]) -> bool:
    return not names or DISK_FULL in names


def tell_left_out(field: Field, names: Sequence[str]) -> None:
    """Name the kind that was asked for and cannot be made here: it is in no table."""
    if wants_disk(names) and not field.disk:
        step(f"left out, for want of a disk of its own: {DISK_FULL}")


def targets(played: Sequence[Round]) -> list[Target]:
    def total(what: str) -> int:
        return sum(getattr(each.difference, what) for each in played)

    return [
        Target("rows lost", total("lost"), 0, at_most=True),
        Target("rows doubled", total("doubled"), 0, at_most=True),
        Target("rows that are wrong", total("wrong"), 0, at_most=True),
        people(played),
    ]


def people(played: Sequence[Round]) -> Target:
    return Target("people needed", sum(bool(each.problem) for each in played), 0, at_most=True)


def _ask_again(field: Field, session: date) -> str | None:
    """Do what the weekday after does: ask again for what the source lacked, and compute again what rests on it."""
    airflow = field.airflow()
    runs.wait_for_dag(airflow, REPOLL)
    return field.end_of(airflow.trigger(REPOLL, {})) or field.end_of(field.start_chain(session))
