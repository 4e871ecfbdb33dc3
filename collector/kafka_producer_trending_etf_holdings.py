"""Collect the trending ETFs' holdings and their prices (stage 4): Yahoo -> etf-holdings-data, stock-daily-data.

Stocks that the published portfolios hold come after those: their closes are needed until they are sold.
"""

import logging
import sys
from datetime import UTC, date, datetime

from collector.collection import open_collection
from collector.command import producer_parser, run_command
from collector.holdings import collect_snapshot, largest
from collector.receipt import Receipt, require_complete
from collector.stock_bars import collect_stocks
from config.config import Settings
from database.queries import etfs
from database.queries.held import held
from utils.dates import require_closed_session
from utils.errors import NotPublished
from utils.logging_utils import log_progress
from utils.reasons import reason

log = logging.getLogger(__name__)


def run(settings: Settings, as_of: date, run_id: str | None = None, accept_late: bool = False) -> Receipt:
    """Send the largest holdings of every ETF that trends over at least one period, and their and the held stocks' bars.

    Raise BarMissing when a stock has no bar yet, unless late ones are accepted.
    """
    require_closed_session(as_of, datetime.now(UTC))
    with open_collection(settings, as_of, run_id) as current:
        trending = etfs.trending(current.conn, as_of)
        if trending is None:
            raise NotPublished(reason("stage_3_not_published", session=as_of))
        portfolios = held(current.conn, as_of)
        if not trending:
            current.receipt.notes.append(reason("no_trend_but_held" if portfolios else "no_trend"))
        snapshots = []
        for number, etf in enumerate((row["etf_ticker"] for row in trending), 1):
            snapshot = collect_snapshot(current, etf, as_of)
            snapshots += [snapshot] if snapshot else []
            holdings = ", ".join(largest(snapshot)) if snapshot else "no holdings"
            log_progress(log, number, len(trending), f"{etf}: {holdings}")
        stocks = [ticker for snapshot in snapshots for ticker in largest(snapshot)]
        collect_stocks(current, stocks, as_of, held=portfolios, snapshots=snapshots)
    return require_complete(current.receipt, accept_late)


def main(arguments: list[str] | None = None) -> int:
    """Run the producer from the shell."""
    parser = producer_parser("Collect the trending ETFs' holdings and their prices (stage 4).")
    options = parser.parse_args(arguments)
    return run_command(options, lambda settings, as_of: run(settings, as_of, options.run_id, options.accept_late))


if __name__ == "__main__":
    sys.exit(main())
