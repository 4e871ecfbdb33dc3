"""Collect ETFs' holdings and metadata: Yahoo -> etf-holdings-data."""

import logging
import sys
from datetime import UTC, date, datetime

import msgspec

from collector.collection import Collection, open_collection
from collector.command import add_group, producer_parser, run_command
from collector.holdings import collect_snapshot, largest
from collector.receipt import Receipt
from config.config import Settings, Topic
from config.universe import Group, universe
from database.tables import MONTHLY_BENCHMARK_HOLDINGS
from utils.dates import require_closed_session
from utils.errors import InvalidInput, InvalidMessage
from utils.logging_utils import log_progress
from utils.messages import HoldingsSnapshot, from_json, to_json

log = logging.getLogger(__name__)


def run(
    settings: Settings, group: Group, as_of: date, run_id: str | None = None, for_the_month: bool = False
) -> Receipt:
    """Send today's holdings of the group's ETFs, unless later ones than as_of's are stored.

    for_the_month: send what the benchmark ETFs hold as of as_of also as the month's snapshot. A fund whose last list is
    too old for it is only noted.
    """
    require_closed_session(as_of, datetime.now(UTC))
    if for_the_month and group != "benchmark":
        raise InvalidInput(f"the month's snapshot is of the benchmark ETFs, not of the group {group!r}")
    etfs = universe().group(group)
    with open_collection(settings, as_of, run_id) as current:
        for number, etf in enumerate(etfs, 1):
            snapshot = collect_snapshot(current, etf, as_of)
            if snapshot and for_the_month:
                _send_for_the_month(current, snapshot, as_of)
            log_progress(log, number, len(etfs), f"{etf}: {_describe(snapshot)}")
    return current.receipt


def _send_for_the_month(current: Collection, snapshot: HoldingsSnapshot, as_of: date) -> None:
    of_month = msgspec.structs.replace(snapshot, month_of=as_of)
    try:
        current.send(Topic.ETF_HOLDINGS, [from_json(HoldingsSnapshot, to_json(of_month))])
    except InvalidMessage as error:
        current.receipt.missing.setdefault(f"{snapshot.etf_ticker} holdings", []).append(error.reason)
        log.warning("%s", error)
        return
    current.receipt.expect(MONTHLY_BENCHMARK_HOLDINGS, snapshot.etf_ticker, as_of)


def _describe(snapshot: HoldingsSnapshot | None) -> str:
    return f"{', '.join(largest(snapshot))}, as of {snapshot.collected_date}" if snapshot else "no holdings"


def main(arguments: list[str] | None = None) -> int:
    """Run the producer from the shell."""
    parser = producer_parser("Collect ETFs' largest holdings (Yahoo lists ten) and metadata into etf-holdings-data.")
    add_group(parser)
    parser.add_argument("--for-the-month", action="store_true", help="also as the month's snapshot (benchmark)")
    options = parser.parse_args(arguments)
    return run_command(
        options,
        lambda settings, as_of: run(settings, options.group, as_of, options.run_id, options.for_the_month),
    )


if __name__ == "__main__":
    sys.exit(main())
