"""Collect the trending ETFs' holdings and their prices (stage 4): Yahoo -> etf-holdings-data, stock-daily-data."""

import logging
import sys
from datetime import UTC, date, datetime

from collector.collect import Receipt, collection, command_line, require_complete, run_command
from collector.holdings import collect_snapshot, largest
from collector.stock_bars import collect_stocks
from config.config import Settings
from database.queries import etfs
from utils.dates import require_closed_session
from utils.errors import NotPublished
from utils.logging_utils import log_progress

log = logging.getLogger(__name__)


def run(settings: Settings, as_of: date, run_id: str | None = None, accept_late: bool = False) -> Receipt:
    """Send the largest holdings of every ETF that trends over at least one period, and their bars.

    BarMissing when a stock has no bar yet, unless late ones are accepted.
    """
    require_closed_session(as_of, datetime.now(UTC))
    with collection(settings, as_of, run_id) as current:
        trending = etfs.trending(current.conn, as_of)
        if trending is None:
            raise NotPublished(f"stage 3 has not published {as_of}: run daily_trending_etf_analysis for it first")
        if not trending:
            current.receipt.note = "no ETF trends, nothing to collect"
        stocks: dict[str, None] = {}  # a stock that several ETFs hold is collected once
        for number, etf in enumerate((row["etf_ticker"] for row in trending), 1):
            snapshot = collect_snapshot(current, etf, as_of)
            holdings = largest(snapshot) if snapshot else []
            stocks |= dict.fromkeys(holdings)
            log_progress(log, number, len(trending), f"{etf}: {', '.join(holdings) or 'no holdings'}")
        collect_stocks(current, list(stocks), as_of)
    return require_complete(current.receipt, accept_late)


def main(arguments: list[str] | None = None) -> int:
    parser = command_line("Collect the trending ETFs' holdings and their prices (stage 4).")
    options = parser.parse_args(arguments)
    return run_command(options, lambda settings, as_of: run(settings, as_of, options.run_id, options.accept_late))


if __name__ == "__main__":
    sys.exit(main())
