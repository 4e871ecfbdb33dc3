"""What the lab says of an invented market."""

from functools import cache

from contract.lab import LabReport
from lab.invented import invented_prices
from lab.report import examine
from lab.variants import load


@cache
def lab_report(sessions: int = 1_100, strength: float = 0.3) -> LabReport:
    """Return a report on a market with an edge, or on its first sessions."""
    prices = invented_prices(1_100, 3, strength).until(sessions)
    return examine(prices, load(), benchmark="SPY", cost=0.001, resamples=200).report
