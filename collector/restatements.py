"""Stored bars that the source has changed since: which, from what to what, and the published sessions to recompute."""

import sys
from contextlib import closing
from datetime import date

from collector.gaps import list_outdated, range_of, range_parser
from config.config import Settings
from config.universe import universe
from database.db_helper import Row, connect
from database.queries import collected, ledger
from database.queries.stale_sessions import outdated
from utils.command_line import exit_code_of
from utils.logging_utils import configure_logging


def describe(row: Row) -> str:
    """Describe one change. The values of its newest bar stand for all that a split or dividend has rescaled."""
    values = ", ".join(f"{column} {_number(old)} -> {_number(new)}" for column, old, new in _values(row))
    if row["change"] == "restated":
        what = f"{row['last_session']} restated: {values}"
    else:
        factors = f"prices x {row['price_factor']:.6g}, adjusted close x {row['adj_factor']:.6g}"
        what = f"{row['first_session']} to {row['last_session']} {row['change']}: {factors}; of the last one {values}"
    return f"{row['ticker']} {what} (fetched {row['replaced_fetched_at']:%Y-%m-%d}, then {row['fetched_at']:%Y-%m-%d})"


def _values(row: Row) -> list[tuple[str, float | None, float | None]]:
    old, new = row["old_values"], row["new_values"]
    return [(column, old[column], new[column]) for column in collected.PRICE_COLUMNS if column in old]


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.10g}"


def main(arguments: list[str] | None = None) -> int:
    """List the changes of a range."""
    options = range_parser(__doc__).parse_args(arguments)
    configure_logging()
    return exit_code_of(lambda: _run(Settings.from_env(), *range_of(options)))


def _run(settings: Settings, start: date | None, end: date | None) -> None:
    with closing(connect(settings.database)) as conn:
        changes = ledger.restatements(conn, start, end)
        print(f"stored bars that the source has changed: {len(changes)} changes")
        for row in changes:
            print(f"  {describe(row)}")
        for line in list_outdated(outdated(conn, universe().benchmark, universe().periods, start, end)):
            print(line)


if __name__ == "__main__":
    sys.exit(main())
