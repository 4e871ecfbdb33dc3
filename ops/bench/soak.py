"""Sessions one after another on the moving clock of the market, with the months' ends, and faults in some of them.

A replay of the same sessions gives the rows that there should be: the same stages without Airflow, and without a fault.
"""

import os
import time
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import cycle
from random import Random
from statistics import median

from config.config import Settings
from config.stages import REBALANCE
from ops.bench.chaos import choose, people, run_undisturbed, show, strike, tell_left_out, wants_disk
from ops.bench.chaos_faults import Fault, kinds
from ops.bench.chaos_field import Field
from ops.bench.chaos_rounds import Round
from ops.bench.chaos_rows import Difference, Rows, read_rows, without_revisions
from ops.bench.chaos_stack import chaos_field
from ops.bench.memory import MB, sizes_at_rest
from ops.bench.report import Target, step, table
from ops.errors import RunFailed
from ops.native.environment import service_environment
from ops.native.java import java_home
from ops.pipeline import runs
from ops.replay.chain import rebalances_after
from ops.replay.replay import Done, Replay
from utils.dates import sessions_between
from utils.spark_utils import session as spark_session

SESSIONS, SHORT_SESSIONS = 250, 15
# Each process has done all of its work by then, and the JVMs have the memory that they work with.
WARM_AFTER = 10
LATE_SECONDS = 20
# At the least: each kind strikes once, where there are sessions enough.
SESSIONS_A_FAULT = 10
MOST_GROWTH_PERCENT = 105

Memory = dict[str, int]


def measure(sessions: int, names: Sequence[str]) -> list[Target]:
    """Run the last sessions of the market on a stack of its own. names: of the faults (none: all)."""
    with chaos_field(wants_disk(names)) as field, field.without_noise():
        market = field.market.market()
        days = sessions_between(market.first_session, market.last_session)[-max(sessions, WARM_AFTER + 2) :]
        faults = choose(kinds(field), names)
        field.begin_anew()
        usual = _warm_up(field, days[:WARM_AFTER])
        before = _memory(field)
        played = list(_disturbed(field, days[WARM_AFTER:-1], faults, usual))
        # Each process has been at work since the last fault.
        _evening(field, days[-1])
        after = _memory(field)
        found = without_revisions(field.rows())
        difference = Difference.between(without_revisions(_replayed(field, days)), found)
    show(played)
    tell_left_out(field, names)
    step(f"{found.total():,} rows of all {len(days)} sessions: {difference}")
    _show_memory(before, after)
    return [
        Target("rows lost", difference.lost, 0, at_most=True),
        Target("rows doubled", difference.doubled, 0, at_most=True),
        Target("rows that are wrong", difference.wrong, 0, at_most=True),
        people(played),
        _growth(f"memory after {len(days)} sessions, {len(played)} with a fault", before, after),
        Target(f"services with more than {MOST_GROWTH_PERCENT} %", len(_grown(before, after)), 0, at_most=True),
    ]


def _warm_up(field: Field, days: Sequence[date]) -> float:
    """Run the first sessions, and return the usual seconds of a chain."""
    field.market.set_clock(days[0].isoformat())
    late = Fault("late answers", _answer_late)
    _, problem = strike(field, days[0], late, Random(), 0.0, _not_known_yet)
    if problem:
        raise RunFailed(problem)
    return median([_evening(field, day) for day in days[1:]])


def _answer_late(field: Field, _: Random) -> str:
    """Have the source answer so late that the first stage is waited for in the triggerer."""
    field.market.add_fault({"kind": "delay", "seconds": 3})
    time.sleep(LATE_SECONDS)
    field.market.clear_faults()
    return f"the source answered late for {LATE_SECONDS} s"


def _disturbed(field: Field, days: Sequence[date], faults: Sequence[Fault], usual: float) -> Iterator[Round]:
    """Run the sessions, some of them with a fault: each kind once before any comes again."""
    chance = Random(f"{days[0]} to {days[-1]}")
    count = min(len(days), max(len(faults), len(days) // SESSIONS_A_FAULT))
    struck = dict(zip(sorted(chance.sample(days, count)), cycle(chance.sample(faults, len(faults))), strict=False))
    for number, day in enumerate(days, 1):
        if day not in struck:
            _evening(field, day)
            continue
        fault = struck[day]
        field.market.set_clock(day.isoformat())
        seconds, problem = strike(field, day, fault, chance, usual, _not_known_yet)
        if problem:
            run_undisturbed(field, day)
        _end_of_month(field, day)
        step(f"{day}: {fault.name}, {seconds:.0f} s")
        yield Round(fault.name, number, seconds, Difference(), problem)


def _evening(field: Field, session: date) -> float:
    """Run a session undisturbed, and what follows it before the next one. Return the seconds of its chain."""
    field.market.set_clock(session.isoformat())
    seconds = run_undisturbed(field, session)
    step(f"{session}: {seconds:.0f} s")
    _end_of_month(field, session)
    return seconds


def _end_of_month(field: Field, session: date) -> None:
    """Merge the month's portfolios, if that is done between a session and the next one."""
    for moment in rebalances_after(session):
        field.market.set_clock(moment.isoformat())
        airflow = field.airflow()
        runs.wait_for_dag(airflow, REBALANCE)
        day = moment.date().isoformat()
        if problem := field.end_of(airflow.trigger(REBALANCE, {"as_of_date": day})):
            raise RunFailed(f"the rebalance of {day}: {problem}")


def _not_known_yet() -> bool:
    """Have what the source lacked asked for again in any case: the rows are compared at the end."""
    return False


def _replayed(field: Field, days: Sequence[date]) -> Rows:
    """Return the rows of the sessions without a fault."""
    os.environ.update(field.client_environ | service_environment(field.stack, java_home()))
    platform = Settings.from_env()
    spark = spark_session(platform.spark, "soak")

    def tell(done: Done) -> None:
        lacked = "".join(f"; {problem}" for problem in done.problems)
        step(f"{done.session} again, without a fault: {done.seconds:.0f} s, {done.left} left{lacked}")

    try:
        replayed = Replay(platform, field.market, spark, field.logs, tell).evenings(days)
    finally:
        spark.stop()
    return read_rows(replayed.owner)


def _memory(field: Field) -> Memory:
    return {name: sum(sizes) for name, sizes in sizes_at_rest(field.stack).items() if sizes}


def _show_memory(before: Memory, after: Memory) -> None:
    grown = _grown(before, after)
    rows = [
        (name, *(_megabytes(found.get(name, 0)) for found in (before, after)), "grown" if name in grown else "")
        for name in {**before, **after}
    ]
    total = ("in all", *(_megabytes(sum(found.values())) for found in (before, after)), "")
    table(("PSS in MB", f"after {WARM_AFTER} sessions", "after all", ""), [*rows, total])


def _megabytes(size: int) -> str:
    return f"{size / MB:,.0f}"


def _grown(before: Memory, after: Memory) -> set[str]:
    """Return the services that have more memory than they may."""
    return {name for name, size in after.items() if 100 * size > MOST_GROWTH_PERCENT * before.get(name, 0)}


def _growth(name: str, before: Memory, after: Memory) -> Target:
    percent = 100 * sum(after.values()) / sum(before.values())
    return Target(name, percent, MOST_GROWTH_PERCENT, " % of before", at_most=True)
