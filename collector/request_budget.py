"""What a day costs at Yahoo: the requests made since a moment, against collecting every holding of every fund."""

import argparse
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta

from config.config import Settings
from config.universe import FUND_SIZE, Universe, universe
from database.db_helper import connect
from database.queries import requests
from utils.command_line import exit_code_of
from utils.errors import InvalidInput

BUDGET = 75  # a full day of 15 ETFs, 10 of them trending, 40 stocks
BUDGET_ETFS = 15
FIRST_START = "bootstrap"  # the run whose requests fill the history once


def every_holding(known: Universe) -> int:
    """Count the requests of collecting everything: a chart and a holdings list a fund, a chart a holding.

    Every S&P 500 sector fund's holdings and the Dow's are in SPY too, so those are counted once. A fund of unknown size
    counts as a usual one.
    """
    inside_spy = {etf for etf in known.etfs if etf.startswith("XL")} | {"DIA"}
    holdings = sum(known.fund_sizes.get(etf, FUND_SIZE) for etf in known.etfs if etf not in inside_spy)
    return 2 * len(known.etfs) + holdings


def report(made: list[tuple[str, int, int]], known: Universe, requests_per_day: int) -> str:
    """Return a table of (endpoint, requests, refused) with the comparison under it.

    requests_per_day: how many a day may make (0: as many as there are)
    """
    total = sum(count for _, count, _ in made)
    everything = every_holding(known)
    lines = [f"{'endpoint':<16}{'requests':>10}{'refused':>10}"]
    lines += [f"{endpoint:<16}{count:>10}{refused:>10}" for endpoint, count, refused in made]
    lines += [
        f"{'in all':<16}{total:>10}" + (f"   (budget of a day: {requests_per_day:,})" if requests_per_day else ""),
        f"{'every holding':<16}{everything:>10}   (all {len(known.etfs)} funds and each of their holdings)",
        f"saved: {1 - total / everything:.1%} of asking for every holding",
    ]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--since", metavar="TIME", help="UTC, e.g. 2026-08-21T09:00 (default: 24 hours ago)")
    options = parser.parse_args(arguments)
    return exit_code_of(lambda: _print_report(Settings.from_env(), options.since))


def _print_report(settings: Settings, since: str | None) -> None:
    moment = _moment(since) if since else datetime.now(UTC) - timedelta(days=1)
    with closing(connect(settings.database)) as conn:
        rows = requests.by_endpoint(conn, moment)
    made = [(row["endpoint"], row["requests"], row["refused"]) for row in rows]
    print(report(made, universe(), settings.yahoo.requests_per_day))


def _moment(text: str) -> datetime:
    """Read a time, in UTC unless it names another offset.

    >>> _moment("2026-08-21T09:00") - _moment("2026-08-21T09:00+09:00")
    datetime.timedelta(seconds=32400)
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"{text!r} is not a time: write it as 2026-08-21T09:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


if __name__ == "__main__":
    sys.exit(main())
