"""Collect ETF bars: Yahoo -> etf-daily-data (stage 1: benchmarks, stage 2: sectors)."""

import sys
from datetime import UTC, date, datetime

from collector.command import add_group, add_since, producer_parser, run_command, since_of
from collector.etf_bars import collect_etfs
from collector.receipt import Receipt, require_complete
from config.config import Settings
from config.universe import Group, universe
from utils.dates import require_closed_session


def run(
    settings: Settings,
    group: Group,
    as_of: date,
    run_id: str | None = None,
    accept_late: bool = False,
    since: date | None = None,
) -> Receipt:
    """Send what is new of the group's ETFs up to a session, and what the sessions `since` one need.

    Raise BarMissing when one has no bar for it yet, unless late ones are accepted; always when the benchmark has none.
    """
    require_closed_session(as_of, datetime.now(UTC))
    receipt = collect_etfs(settings, universe().group(group), as_of, run_id, since)
    return require_complete(receipt, accept_late, universe().benchmark)


def main(arguments: list[str] | None = None) -> int:
    """Run the producer from the shell."""
    parser = producer_parser("Collect ETF bars from Yahoo into etf-daily-data.")
    add_group(parser)
    add_since(parser)
    options = parser.parse_args(arguments)
    return run_command(
        options,
        lambda settings, as_of: run(
            settings, options.group, as_of, options.run_id, options.accept_late, since_of(options)
        ),
    )


if __name__ == "__main__":
    sys.exit(main())
