"""Requests to Yahoo of a full day, from the log that every one of them is written to."""

import re
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
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
# A stage that the controller started carries the session before the controller's own run id.
STARTED_BY_CONTROLLER = re.compile(r"^\d{4}-\d\d-\d\d__")


@dataclass
class Day:
    """What one run of the pipeline asked for: kind -> requests."""

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
        raise RunFailed("no run of the pipeline has asked Yahoo for anything yet: ./start.sh run pipeline")
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
    """The log by run of the pipeline; filling the history belongs to the run that came after it."""
    found: dict[str, Day] = {}
    first = Day(BOOTSTRAP)
    for row in asked:
        name = STARTED_BY_CONTROLLER.sub("", row["run_id"])
        day = first if name == BOOTSTRAP else found.setdefault(name, Day(name))
        day.add(kind_of(row["endpoint"], row["symbol"], known))
    if found and first.counts:
        oldest = next(iter(found.values()))
        oldest.name += " and the first start"
        for kind, count in first.counts.items():
            oldest.counts[kind] = oldest.counts.get(kind, 0) + count
    return list(found.values())


def kind_of(endpoint: str, symbol: str, known: Universe) -> str:
    funds, stocks = {"chart": "funds' bars", "quoteSummary": "funds' holdings"}, {"chart": "stocks' bars"}
    if symbol.endswith("=X"):
        return OTHER
    return (funds if symbol in known.etfs else stocks).get(endpoint, OTHER)
