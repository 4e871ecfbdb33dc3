"""The plan of requests to Yahoo: what a first start and a full day take, on how many days, and how long that is.

It is worked out from the universe and the settings alone, so that it can be read before anything is asked for.
"""

import argparse
import math
import sys
from collections.abc import Iterator, Mapping, Sequence

from config.config import Settings, YahooSettings
from config.universe import Universe, universe
from utils.command_line import exit_code_of

QUOTES_PER_REQUEST = 50
SUNDRY = 10  # of a day: cookie and crumb, exchange rates, sectors
HISTORIES, BARS, LISTS, STOCKS, QUOTES, SECTORS, OTHERS = (
    "histories of ETFs",
    "ETFs' bars",
    "lists of holdings",
    "stocks' bars",
    "quotes",
    "sectors",
    "others",
)
SHOWN_DAYS = 10
# How what a day has no request for is asked for later.
BY_ITSELF = "comes first on the next day: {days} days in all"
BY_HAND = "is asked for when the history is started again: {days} days in all"
SECTORS_LATER = "  Of the sectors, those that these days have no request for are looked up by later sessions."

Needs = Mapping[str, int]  # what is asked for -> how many requests


def first_start(known: Universe) -> Needs:
    return {HISTORIES: len(known.etfs)}


def full_day(known: Universe, listed: int | None, stocks: int | None = None) -> Needs:
    """Return what a day takes on which every ETF trends.

    listed: so many holdings of a fund the source lists (None: all)
    stocks: how many different ones are among the candidates. None: as if no two ETFs held the same.
    """
    candidates = known.holdings_at_most(known.candidates, listed)
    count = candidates if stocks is None else min(stocks, candidates)
    return {
        BARS: len(known.etfs),
        LISTS: len(known.candidates),
        STOCKS: count,
        QUOTES: math.ceil(count / QUOTES_PER_REQUEST),
        OTHERS: SUNDRY,
    }


def whole_history(known: Universe, listed: int | None) -> Needs:
    """Return what a history takes of which nothing is stored, however many sessions it has.

    listed: as above. Of each stock the sector is looked up, too.
    """
    stocks = known.holdings_at_most(known.etfs, listed)
    return {
        HISTORIES: len(known.etfs),
        LISTS: len(known.etfs),
        STOCKS: stocks,
        QUOTES: math.ceil(stocks / QUOTES_PER_REQUEST),
        SECTORS: stocks,
        OTHERS: SUNDRY,
    }


def days_of(needs: Needs, budget: int) -> list[dict[str, int]]:
    """Share out the requests over days, in their order. Without a budget (0) all are on one day.

    >>> days_of({"ETFs' bars": 500, "stocks' bars": 700}, 1000)
    [{"ETFs' bars": 500, "stocks' bars": 500}, {"stocks' bars": 200}]
    """
    days: list[dict[str, int]] = []
    left = 0
    for kind, count in needs.items():
        while count:
            if not left:
                days.append({})
                left = budget or sum(needs.values())
            taken = min(count, left)
            days[-1][kind] = taken
            count, left = count - taken, left - taken
    return days


def stocks_among(requests: int) -> int:
    """Return of how many stocks so many requests bring bars and quotes, when the sundry ones of a day are left out.

    >>> stocks_among(1001), stocks_among(5)
    (971, 0)
    """
    return max(0, requests - SUNDRY) * QUOTES_PER_REQUEST // (QUOTES_PER_REQUEST + 1)


def share_of_day(needs: Needs, budget: int) -> dict[str, int]:
    """Return what one of many full days has requests for: ETFs' bars first, then lists, then stocks.

    >>> share_of_day({BARS: 500, LISTS: 499, STOCKS: 1600, QUOTES: 32, OTHERS: 10}, 1200)
    {"ETFs' bars": 500, 'lists of holdings': 499, "stocks' bars": 187, 'quotes': 4, 'others': 10}
    """
    bars = min(needs[BARS], budget)
    lists = min(needs[LISTS], budget - bars)
    stocks = min(needs[STOCKS], stocks_among(budget - bars - lists))
    share = {BARS: bars, LISTS: lists, STOCKS: stocks, QUOTES: math.ceil(stocks / QUOTES_PER_REQUEST), OTHERS: SUNDRY}
    return {kind: count for kind, count in share.items() if count and (stocks or kind != OTHERS)}


def plan(known: Universe, yahoo: YahooSettings, stocks: int | None = None) -> Iterator[str]:
    """Yield the lines of the plan."""
    yield _terms(known, yahoo)
    yield from _part("the first start", first_start(known), yahoo)
    day = full_day(known, yahoo.listed_holdings, stocks)
    yield _total("a day, if every ETF trends and no two hold the same", day, yahoo)
    if 0 < yahoo.requests_per_day < sum(day.values()):
        yield from _too_few_a_day(day, yahoo.requests_per_day)


def _too_few_a_day(day: Needs, budget: int) -> Iterator[str]:
    """Yield what each day asks for, and how often a stock has its turn."""
    share = share_of_day(day, budget)
    yield f"  each day: {_listed(share)}"
    if stocks := share.get(STOCKS):
        turn = f"a stock has its turn every {math.ceil(day[STOCKS] / stocks)} days, and what a portfolio holds first"
    else:
        turn = f"no stock ever has a turn: that takes more than {day[BARS] + day[LISTS] + SUNDRY + 1:,} a day"
    yield f"  What a day has no request for is late in the ledger: {turn}. {_all_at_once(day)}"


def plan_of_history(known: Universe, yahoo: YahooSettings, needs: Needs) -> Iterator[str]:
    """Yield the lines of a history's plan. needs: what it asks for."""
    yield _terms(known, yahoo)
    name = "the history, if nothing of it is stored and no two ETFs hold the same"
    # A sector is looked up with a stock's bars, and only with what the day has left beside them.
    first = {kind: count for kind, count in needs.items() if kind != SECTORS}
    yield from _part(name, needs, yahoo, BY_HAND, first if yahoo.requests_per_day else needs)
    if needs.get(SECTORS) and 0 < yahoo.requests_per_day < sum(needs.values()):
        yield SECTORS_LATER


def _terms(known: Universe, yahoo: YahooSettings) -> str:
    budget = f"at most {yahoo.requests_per_day:,} a day" if yahoo.requests_per_day else "as many a day as it takes"
    pace = f"one every {yahoo.pace_seconds:g} s" if yahoo.pace_seconds else "without a pause"
    return (
        f"requests for {len(known.etfs)} ETFs and what they hold: {pace} (YAHOO_PACE_SECONDS), "
        f"{budget} (YAHOO_REQUESTS_PER_DAY)"
    )


def _part(
    name: str, needs: Needs, yahoo: YahooSettings, later: str = BY_ITSELF, in_turn: Needs | None = None
) -> Iterator[str]:
    """Yield what is needed, and on which days it is asked for. in_turn: what these days are for (None: all)."""
    yield _total(name, needs, yahoo)
    days = days_of(in_turn or needs, yahoo.requests_per_day)
    if len(days) == 1:
        return
    for number, day in enumerate(days[:SHOWN_DAYS], 1):
        yield f"  day {number}: {_listed(day)}"
    if len(days) > SHOWN_DAYS:
        yield f"  ... {len(days)} days in all"
    yield (
        f"  What a day has no request for is late in the ledger and {later.format(days=len(days))}. "
        f"{_all_at_once(needs)}"
    )


def _total(name: str, needs: Needs, yahoo: YahooSettings) -> str:
    return f"{name}: {say_duration(sum(needs.values()), yahoo.pace_seconds)}: {_listed(needs)}"


def _all_at_once(needs: Needs) -> str:
    return f"All on one day: YAHOO_REQUESTS_PER_DAY={sum(needs.values())}"


def _listed(needs: Needs) -> str:
    return ", ".join(f"{count:,} {kind}" for kind, count in needs.items())


def say_duration(requests: int, pace_seconds: float) -> str:
    """Say how long so many requests take at least.

    >>> say_duration(500, 5.0), say_duration(1, 0.0)
    ('500 requests to Yahoo, at least 42 min', '1 request to Yahoo')
    """
    minutes = round(requests * pace_seconds / 60)
    count = f"{requests:,} request{'' if requests == 1 else 's'} to Yahoo"
    hours = f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
    return f"{count}, at least {hours}" if minutes else count


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stocks", type=int, metavar="N", help="how many different stocks the ETFs hold")
    options = parser.parse_args(arguments)

    def command() -> None:
        for line in plan(universe(), Settings.from_env().yahoo, options.stocks):
            print(line)

    return exit_code_of(command)


if __name__ == "__main__":
    sys.exit(main())
