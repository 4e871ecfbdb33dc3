"""Requests to Yahoo of a full day, from the log that every one is written to, and of days made for the count."""

import re
from collections.abc import Iterable, Mapping
from contextlib import closing
from datetime import datetime
from typing import Any

from collector.request_budget import BUDGET, FIRST_START, every_holding
from config.config import Settings
from config.universe import Universe, universe
from database.db_helper import connect
from database.queries import requests
from ops.bench.day_requests import HELD, KINDS, Day, kind_of
from ops.bench.made_days import made_days
from ops.bench.report import Target, step, table
from ops.native.stack import Stack

# With all that the followed portfolios hold, and on top of it ten tickers that fail.
WITH_HELD = 90
WITH_FAILING = 110
# The controller gives the five stages one run id, which begins with the session.
STARTED_BY_CONTROLLER = re.compile(r"^\d{4}-\d\d-\d\d__")
STARTED_BY_CLOCK = "scheduled__"


def measure(stack: Stack, settings: Settings) -> list[Target]:
    targets = _of_the_log(settings)
    step("full days made for the count, on a market server, a database and topics of their own")
    made = made_days(stack, settings)
    table(
        ("requests", *(day.name for day in made)),
        [
            *((kind, *(str(day.counts.get(kind, 0)) for day in made)) for kind in KINDS),
            ("in all", *(str(day.total) for day in made)),
        ],
    )
    bounds = (BUDGET, WITH_HELD, WITH_FAILING)
    return targets + [
        Target(f"requests of a day, {day.name}", day.total, bound, at_most=True)
        for day, bound in zip(made, bounds, strict=True)
    ]


def _of_the_log(settings: Settings) -> list[Target]:
    """Return the target of the platform's fullest day, nothing before it has had one."""
    with closing(connect(settings.database)) as conn:
        found = days(requests.of_runs(conn), universe())
    if not found:
        step("no run of all five stages has asked Yahoo for anything yet: no figure of the platform's own days")
        return []
    fullest = max(found, key=lambda day: day.total)
    step(f"the fullest of {len(found)} days in the log: {fullest.name}")
    table(
        ("requests", "that day"),
        [
            *((kind, str(fullest.counts.get(kind, 0))) for kind in KINDS if kind != HELD),
            ("in all", str(fullest.total)),
        ],
    )
    everything = every_holding(universe())
    step(f"collecting every holding of every fund: {everything}; saved {1 - fullest.total / everything:.1%}")
    figure = fullest.of_full_size(settings.collector.sector_lookups_per_run)
    return [Target("that day, had it been a full one", figure, BUDGET, at_most=True)]


def days(asked: Iterable[Mapping[str, Any]], known: Universe) -> list[Day]:
    """Group the log by day of the pipeline. The requests that filled the history count for the first day."""
    found: dict[str, Day] = {}
    bootstrap: list[str] = []
    for row in asked:
        kind = kind_of(row["endpoint"], row["symbol"], known)
        if row["run_id"] == FIRST_START:
            bootstrap.append(kind)
        elif name := _name_of_day(row["run_id"], row["requested_at"]):
            found.setdefault(name, Day(name)).add(kind)
    if found and bootstrap:
        first = next(iter(found.values()))
        first.name += " with the first start"
        for kind in bootstrap:
            first.add(kind)
    return list(found.values())


def _name_of_day(run_id: str, requested_at: datetime) -> str | None:
    """Return the controller's run id, or the date of scheduled stages, or None for a run by hand."""
    if STARTED_BY_CONTROLLER.match(run_id):
        return run_id
    return f"scheduled on {requested_at:%Y-%m-%d}" if run_id.startswith(STARTED_BY_CLOCK) else None
