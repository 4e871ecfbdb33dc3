"""Collect ETF bars: Yahoo -> etf-daily-data (stage 1: benchmarks, stage 2: sectors)."""

import logging
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime

from collector.collect import (
    Collection,
    Receipt,
    collection,
    command_line,
    differs,
    fetch_range,
    is_covered,
    message_fields,
    news,
    run_command,
)
from collector.yahoo import Bars
from config.config import Settings, Topic
from config.universe import Group, universe
from database.db_helper import Row
from database.queries import collected
from database.tables import DAILY_ETF_OHLC
from utils.dates import require_closed_session
from utils.errors import BarMissing
from utils.messages import EtfDailyBar

log = logging.getLogger(__name__)


def run(settings: Settings, group: Group, as_of: date, run_id: str | None = None) -> Receipt:
    """Send what is new of the group's ETFs up to a session. BarMissing when one has no bar for it (yet)."""
    require_closed_session(as_of, datetime.now(UTC))
    return collect(settings, universe().group(group), as_of, run_id)


def collect(settings: Settings, etfs: tuple[str, ...], as_of: date, run_id: str | None = None) -> Receipt:
    with collection(settings, as_of, run_id) as current:
        for number, etf in enumerate(etfs, 1):
            outcome = _collect_etf(current, etf, as_of)
            log.info("[%d/%d] %s: %s", number, len(etfs), etf, outcome)
    receipt = current.receipt
    if receipt.missing:
        raise BarMissing(
            f"Yahoo has no bar of {as_of} for {', '.join(sorted(receipt.missing))} yet; the others are sent. "
            "Run the stage again later: it asks for these alone."
        )
    return receipt


def _collect_etf(current: Collection, etf: str, as_of: date) -> str:
    stored = collected.bars(current.conn, DAILY_ETF_OHLC, etf)
    if is_covered(stored, etf, as_of, universe().longest_period):
        current.receipt.expect(Topic.ETF_DAILY, etf, as_of)
        current.receipt.already_stored.append(etf)
        return "already stored, no request"
    fetched = current.yahoo.daily_bars(etf, *fetch_range(stored, etf, as_of, current.settings.collector))
    fetched = with_range(fetched)
    quarantined = collected.quarantined(current.conn, Topic.ETF_DAILY, etf)
    sent = current.send(Topic.ETF_DAILY, to_messages(fetched, stored, quarantined, current.run_id))
    if all(bar.session != as_of for bar in fetched.bars):
        current.receipt.missing[etf] = f"no bar of {as_of} at the source"
        return f"{sent} bars sent, none of {as_of} at the source"
    current.receipt.expect(Topic.ETF_DAILY, etf, as_of)
    restated = sum(bar.session in stored and differs(bar, stored[bar.session]) for bar in fetched.bars)
    current.receipt.changed += restated
    return f"{sent} bars sent, {restated} of them restated"


def with_range(fetched: Bars) -> Bars:
    """Without the bars that lack open, high or low: the table has no place for them."""
    return replace(fetched, bars=[bar for bar in fetched.bars if bar.open and bar.high and bar.low])


def to_messages(
    fetched: Bars, stored: dict[date, Row], quarantined: set[date], run_id: str | None
) -> Iterator[EtfDailyBar]:
    for bar, previous_close in news(fetched.bars, stored, quarantined):
        yield EtfDailyBar(**message_fields(bar, fetched, previous_close, run_id))


def main(arguments: list[str] | None = None) -> int:
    parser = command_line("Collect ETF bars from Yahoo into etf-daily-data.")
    parser.add_argument("--group", required=True, choices=("benchmark", "sector"), help="which ETFs (stage 1 or 2)")
    options = parser.parse_args(arguments)
    return run_command(options, lambda settings, as_of: run(settings, options.group, as_of, options.run_id))


if __name__ == "__main__":
    sys.exit(main())
