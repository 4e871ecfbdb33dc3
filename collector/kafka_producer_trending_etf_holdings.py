"""Collect the trending ETFs' holdings and their prices (stage 4): Yahoo -> etf-holdings-data, stock-daily-data."""

import logging
import sys
from datetime import UTC, date, datetime

from collector.collect import Collection, Receipt, collection, command_line, require_complete, run_command
from collector.stock_bars import collect_stocks
from collector.yahoo import FundHoldings
from config.config import Settings, Topic
from config.universe import universe
from database.queries import collected, etfs
from utils.dates import last_closed_session, require_closed_session
from utils.errors import NotPublished
from utils.messages import Holding, HoldingsSnapshot

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
            holdings = _collect_holdings(current, etf, as_of)
            stocks |= dict.fromkeys(holdings)
            log.info("[%d/%d] %s: %s", number, len(trending), etf, ", ".join(holdings) or "no holdings")
        collect_stocks(current, list(stocks), as_of)
    return require_complete(current.receipt, accept_late)


def _collect_holdings(current: Collection, etf: str, as_of: date) -> list[str]:
    """Send today's snapshot unless one of as_of or later is stored; returns the tickers that as_of's portfolio uses.

    A fetch can only ever give today's list: once a snapshot as late as as_of is there, another adds nothing to it.
    """
    top = universe().top_holdings
    dates = collected.snapshot_dates(current.conn, etf)
    if dates and dates[-1] >= as_of:
        current.receipt.already_stored.append(f"{etf} holdings")
        return collected.snapshot_tickers(current.conn, etf, snapshot_for(as_of, dates), top)
    snapshot = to_snapshot(current.yahoo.top_holdings(etf), current.run_id)
    if snapshot is None:
        current.receipt.missing[etf] = "Yahoo lists no holdings"
        return collected.snapshot_tickers(current.conn, etf, dates[-1], top) if dates else []
    current.send(Topic.ETF_HOLDINGS, [snapshot])
    current.receipt.expect(Topic.ETF_HOLDINGS, etf, snapshot.collected_date)
    used = snapshot_for(as_of, [*dates, snapshot.collected_date])
    if used == snapshot.collected_date:
        return [holding.ticker for holding in snapshot.holdings[:top]]
    return collected.snapshot_tickers(current.conn, etf, used, top)


def snapshot_for(as_of: date, dates: list[date]) -> date:
    """The snapshot as_of's portfolio uses: the latest on or before it, else the earliest after it (marked as such).

    >>> days = [date(2026, 8, 3), date(2026, 8, 20)]
    >>> [snapshot_for(date(2026, 8, day), days).day for day in (1, 3, 19, 21)]
    [3, 3, 3, 20]
    """
    known = [day for day in dates if day <= as_of]
    return max(known) if known else min(dates)


def to_snapshot(fetched: FundHoldings, run_id: str | None) -> HoldingsSnapshot | None:
    """The fund's list as a message, None when it is empty."""
    if not fetched.holdings:
        return None
    return HoldingsSnapshot(
        etf_ticker=fetched.etf,
        collected_date=last_closed_session(fetched.answer.fetched_at),
        holdings=[
            Holding(ticker=holding.ticker, name=holding.name, percent=holding.percent, rank=rank)
            for rank, holding in enumerate(fetched.holdings, 1)
        ],
        fetched_at=fetched.answer.fetched_at,
        source=fetched.answer.source,
        run_id=run_id,
    )


def main(arguments: list[str] | None = None) -> int:
    parser = command_line("Collect the trending ETFs' holdings and their prices (stage 4).")
    options = parser.parse_args(arguments)
    return run_command(options, lambda settings, as_of: run(settings, as_of, options.run_id, options.accept_late))


if __name__ == "__main__":
    sys.exit(main())
