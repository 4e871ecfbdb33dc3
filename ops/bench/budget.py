"""Requests to Yahoo of a full day, from the log that every one of them is written to."""

import re
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from collector.request_budget import BUDGET, every_holding
from config.config import Settings
from config.universe import Universe, universe
from database.db_helper import connect
from database.queries import requests
from ops.bench.report import Target, step, table
from ops.errors import RunFailed

# What the budget is for.
FULL_DAY = {"funds' bars": 15, "funds' holdings": 10, "stocks' bars": 40}
OTHER = "quotes, sectors, rates, crumb"
BOOTSTRAP = "bootstrap"
# The controller gives the five stages one run id, which begins with the session.
STARTED_BY_CONTROLLER = re.compile(r"^\d{4}-\d\d-\d\d__")
STARTED_BY_CLOCK = "scheduled__"


@dataclass
class Day:
    """What the five stages of one session asked for: kind -> requests."""

    name: str
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def of_full_size(self) -> int:
        """What it would have cost with the funds and stocks of a full day: of those each one costs a request."""
        return sum(FULL_DAY.values()) + self.counts.get(OTHER, 0)

    def add(self, kind: str) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + 1


def measure(settings: Settings) -> list[Target]:
    with closing(connect(settings.database)) as conn:
        found = days(requests.of_runs(conn), universe())
    if not found:
        raise RunFailed("no run of all five stages has asked Yahoo for anything yet: ./start.sh run pipeline")
    fullest = max(found, key=lambda day: day.total)
    step(f"the fullest of {len(found)} days in the log: {fullest.name}")
    kinds = [*FULL_DAY, OTHER]
    table(
        ("requests", "that day", "a full day"),
        [
            *(
                (kind, str(fullest.counts.get(kind, 0)), str(FULL_DAY.get(kind, fullest.counts.get(kind, 0))))
                for kind in kinds
            ),
            ("in all", str(fullest.total), str(fullest.of_full_size())),
        ],
    )
    everything = every_holding(universe())
    step(f"collecting every holding of every fund: {everything}; saved {1 - fullest.total / everything:.1%}")
    return [Target("requests of a full day", fullest.of_full_size(), BUDGET, at_most=True)]


def days(asked: Iterable[Mapping[str, Any]], known: Universe) -> list[Day]:
    """The log by day of the pipeline; what filling the history has cost belongs to the first one."""
    found: dict[str, Day] = {}
    bootstrap: list[str] = []
    for row in asked:
        kind = kind_of(row["endpoint"], row["symbol"], known)
        if row["run_id"] == BOOTSTRAP:
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
    """The controller's run, or the date on which the stages had their own hours; None for anything else by hand."""
    if STARTED_BY_CONTROLLER.match(run_id):
        return run_id
    return f"scheduled on {requested_at:%Y-%m-%d}" if run_id.startswith(STARTED_BY_CLOCK) else None


def kind_of(endpoint: str, symbol: str, known: Universe) -> str:
    funds, stocks = {"chart": "funds' bars", "quoteSummary": "funds' holdings"}, {"chart": "stocks' bars"}
    if symbol.endswith("=X"):
        return OTHER
    return (funds if symbol in known.etfs else stocks).get(endpoint, OTHER)
