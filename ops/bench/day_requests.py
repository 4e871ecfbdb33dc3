"""The requests to Yahoo of one day, by what they asked for."""

from dataclasses import dataclass, field

from collector.request_budget import BUDGET
from config.universe import Universe

# What the budget is for.
FULL_DAY = {"funds' bars": 15, "funds' holdings": 10, "stocks' bars": 40}
HELD = "held stocks' bars"
SECTORS = "sectors"
OTHER = "quotes, rates, crumb"
KINDS = (*FULL_DAY, HELD, SECTORS, OTHER)


@dataclass
class Day:
    """What the five stages of one session asked for: kind -> requests."""

    name: str
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def of_full_size(self, lookups: int) -> int:
        """Return the cost of this day with the funds and stocks of a full one, of which each takes a request.

        Sectors get what the others leave of the budget, but at least the look-ups of one run.
        """
        others = sum(FULL_DAY.values()) + self.counts.get(OTHER, 0)
        return others + min(self.counts.get(SECTORS, 0), max(lookups, BUDGET - others))

    def add(self, kind: str) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + 1


def kind_of(endpoint: str, symbol: str, known: Universe) -> str:
    """Return the kind of a logged request, one of KINDS."""
    funds = {"chart": "funds' bars", "quoteSummary": "funds' holdings"}
    stocks = {"chart": "stocks' bars", "quoteSummary": SECTORS}
    if symbol.endswith("=X"):
        return OTHER
    return (funds if symbol in known.etfs else stocks).get(endpoint, OTHER)
