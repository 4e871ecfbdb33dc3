"""Sessions one after another on the moving clock of the market: once undisturbed, then from the start with faults.

The undisturbed ones give the rows that there should be, and show whether memory grows by itself.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from random import Random
from statistics import median

from ops.bench.chaos import Round, choose, people, run_undisturbed, show, strike
from ops.bench.chaos_faults import Fault, kinds
from ops.bench.chaos_field import Field
from ops.bench.chaos_rows import Difference, Rows, without_revisions
from ops.bench.chaos_stack import chaos_field
from ops.bench.memory import MB, sizes_at_rest
from ops.bench.report import Target, step, table
from utils.dates import sessions_between

SESSIONS, SHORT_SESSIONS = 250, 5
# Every process has done its work once by then.
WARM_AFTER = 2
MOST_GROWTH_PERCENT = 105

Memory = dict[str, int]


def measure(sessions: int, names: Sequence[str]) -> list[Target]:
    """Run the last sessions of the market on a stack of its own. names: of the faults (none: all)."""
    with chaos_field() as field, field.without_noise():
        market = field.market.market()
        days = sessions_between(market.first_session, market.last_session)[-max(sessions, WARM_AFTER + 1) :]
        at_first, usual, truth = _undisturbed(field, days)
        undisturbed = _memory(field)
        faults = choose(kinds(field), names)
        played = list(_disturbed(field, days, faults, usual))
        disturbed = _memory(field)
        difference = Difference.between(truth, without_revisions(field.rows()))
    show(played)
    step(f"rows of all {len(days)} sessions: {difference}")
    _show_memory(at_first, undisturbed, disturbed)
    return [
        Target("rows lost", difference.lost, 0, at_most=True),
        Target("rows doubled", difference.doubled, 0, at_most=True),
        Target("rows that are wrong", difference.wrong, 0, at_most=True),
        people(played),
        _growth(f"memory after {len(days)} sessions", at_first, undisturbed),
        _growth("memory after as many with faults", at_first, disturbed),
    ]


def _undisturbed(field: Field, days: Sequence[date]) -> tuple[Memory, float, Rows]:
    """Run the sessions. Return the memory at the beginning, the usual seconds of a chain, and the rows."""
    field.begin_anew()
    at_first, seconds = {}, []
    for number, session in enumerate(days, 1):
        seconds.append(_chain(field, session))
        step(f"{session}: {seconds[-1]:.0f} s")
        if number == WARM_AFTER:
            at_first = _memory(field)
    return at_first, median(seconds), without_revisions(field.rows())


def _chain(field: Field, session: date) -> float:
    field.market.set_clock(session.isoformat())
    return run_undisturbed(field, session)


def _disturbed(field: Field, days: Sequence[date], faults: Sequence[Fault], usual: float) -> Iterator[Round]:
    field.begin_anew()
    for session in days:
        chance = Random(str(session))
        fault = chance.choice(faults)
        field.market.set_clock(session.isoformat())
        seconds, problem = strike(field, session, fault, chance, usual, _not_known_yet)
        if problem:
            _chain(field, session)
        step(f"{session}: {fault.name}, {seconds:.0f} s")
        yield Round(fault.name, seconds, Difference(), problem)


def _not_known_yet() -> bool:
    """Have what the source lacked asked for again in any case: the rows are compared at the end."""
    return False


def _memory(field: Field) -> Memory:
    return {name: sum(sizes) for name, sizes in sizes_at_rest(field.stack).items() if sizes}


def _show_memory(at_first: Memory, undisturbed: Memory, disturbed: Memory) -> None:
    every = list(dict.fromkeys([*at_first, *undisturbed, *disturbed]))
    rows = [(name, *(_megabytes(found.get(name, 0)) for found in (at_first, undisturbed, disturbed))) for name in every]
    total = ("in all", *(_megabytes(sum(found.values())) for found in (at_first, undisturbed, disturbed)))
    table(("PSS in MB", f"after {WARM_AFTER} sessions", "after all", "with faults"), [*rows, total])


def _megabytes(size: int) -> str:
    return f"{size / MB:,.0f}"


def _growth(name: str, before: Memory, after: Memory) -> Target:
    percent = 100 * sum(after.values()) / sum(before.values())
    return Target(name, percent, MOST_GROWTH_PERCENT, " % of before", at_most=True)
