"""What was asked of Yahoo, against the day's budget and against asking for every holding."""

from dataclasses import replace

from collector.request_budget import every_holding, report
from config.universe import FUND_SIZE, universe

LARGE = replace(universe(), sectors={f"F{number:03}": "Technology" for number in range(494)})


def test_the_budget_is_that_of_the_settings() -> None:
    assert "in all                  75   (budget of a day: 2,000)" in report([("chart", 75, 0)], universe(), 2000)
    assert "budget" not in report([("chart", 75, 0)], universe(), 0)


def test_a_fund_of_unknown_size_counts_as_a_usual_one() -> None:
    assert every_holding(LARGE) >= 2 * 500 + 494 * FUND_SIZE
    assert "saved: 9" in report([("chart", 1530, 0)], LARGE, 2000)
