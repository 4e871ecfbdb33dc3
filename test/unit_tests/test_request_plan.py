"""The plan of requests: what a universe takes, shared out over days."""

from dataclasses import replace

from collector.request_plan import (
    BARS,
    LISTS,
    STOCKS,
    days_of,
    first_start,
    full_day,
    plan,
    plan_of_history,
    whole_history,
)
from config.config import YAHOOS_LARGEST, Settings
from config.universe import ALL_HOLDINGS, universe

YAHOO = Settings.from_env({}).yahoo
LARGE = replace(universe(), sectors={f"F{number:03}": "Technology" for number in range(494)})


def test_the_seeds_universe_fits_into_a_day() -> None:
    lines = list(plan(universe(), YAHOO))

    assert lines == [
        "requests for 15 ETFs and what they hold: one every 5 s (YAHOO_PACE_SECONDS), at most 2,000 a day "
        "(YAHOO_REQUESTS_PER_DAY)",
        "the first start: 15 requests to Yahoo, at least 1 min: 15 histories of ETFs",
        "a day, if every ETF trends and no two hold the same: 111 requests to Yahoo, at least 9 min: "
        "15 ETFs' bars, 14 lists of holdings, 70 stocks' bars, 2 quotes, 10 others",
    ]


def test_a_large_universe_takes_days() -> None:
    needs = full_day(LARGE, YAHOOS_LARGEST)
    days = days_of(needs, YAHOO.requests_per_day)

    assert (needs[BARS], needs[LISTS], needs[STOCKS]) == (500, 499, 499 * 5)
    assert [sum(day.values()) for day in days] == [2000, sum(needs.values()) - 2000]
    assert {kind: sum(day.get(kind, 0) for day in days) for kind in needs} == needs, "nothing is dropped"


def test_the_plan_names_each_day_and_what_would_do() -> None:
    lines = list(plan(LARGE, YAHOO, stocks=1600))

    assert lines[2].startswith(
        "a day, if every ETF trends and no two hold the same: 2,641 requests to Yahoo, at least 3 h"
    )
    assert lines[3] == "  each day: 500 ETFs' bars, 499 lists of holdings, 971 stocks' bars, 20 quotes, 10 others"
    assert "a stock has its turn every 2 days" in lines[4]
    assert lines[4].endswith("All on one day: YAHOO_REQUESTS_PER_DAY=2641")


def test_what_a_history_has_no_request_for_waits_for_a_person() -> None:
    lines = list(plan_of_history(LARGE, YAHOO, whole_history(LARGE, YAHOOS_LARGEST)))

    assert lines[1].startswith("the history, if nothing of it is stored and no two ETFs hold the same: 6,060 requests")
    assert len(lines) == 2 + 2 + 2
    assert "is asked for when the history is started again: 2 days in all" in lines[-2]
    assert "Of the sectors, those that these days have no request for" in lines[-1]


def test_without_a_budget_everything_is_on_one_day() -> None:
    lines = list(plan(LARGE, replace(YAHOO, requests_per_day=0, pace_seconds=0)))

    assert len(lines) == 3
    assert "without a pause (YAHOO_PACE_SECONDS), as many a day as it takes" in lines[0]


def test_a_market_server_has_no_budget_unless_one_is_set() -> None:
    served = {"YAHOO_BASE_URL": "http://127.0.0.1:8090"}

    assert Settings.from_env(served).yahoo.requests_per_day == 0
    assert Settings.from_env(served | {"YAHOO_REQUESTS_PER_DAY": "7"}).yahoo.requests_per_day == 7
    assert YAHOO.requests_per_day == 2000


def test_more_than_yahoo_lists_is_not_planned() -> None:
    few = replace(YAHOO, requests_per_day=300)
    assert "comes first on the next day: 2 days in all" in next(line for line in plan(LARGE, few) if "late" in line)
    assert first_start(LARGE) == {"histories of ETFs": 500}
    assert full_day(replace(LARGE, top_holdings=ALL_HOLDINGS), YAHOOS_LARGEST)[STOCKS] == 499 * 10
