"""Collect stock bars: Yahoo -> stock-daily-data, of named tickers or of what ETFs and the published portfolios hold."""

import re
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime

from collector.collection import open_collection
from collector.command import add_since, producer_parser, run_command, since_of
from collector.holdings import tickers_used
from collector.receipt import Receipt, require_complete
from collector.stock_bars import collect_stocks
from config.config import Settings
from config.exchanges import SYMBOL
from config.universe import universe
from database.db_helper import Connection
from database.queries.held import held
from utils.dates import require_closed_session, sessions_between
from utils.errors import BarMissing, InvalidInput, NotStored
from utils.reasons import join


def run(
    settings: Settings,
    as_of: date,
    tickers: Sequence[str] = (),
    run_id: str | None = None,
    accept_late: bool = False,
    since: date | None = None,
) -> Receipt:
    """Send what is new of the stocks up to a session, and what the sessions `since` one need.

    Without tickers: of the largest holdings of every ETF in the stored snapshots that count as of these sessions, and
    of what the published portfolios hold at them. Raise BarMissing when one has no bar yet, unless late ones are
    accepted; also when a named one has none at all.
    """
    require_closed_session(as_of, datetime.now(UTC))
    _refuse_others(tickers)
    with open_collection(settings, as_of, run_id) as current:
        collect_stocks(current, list(tickers) or select_tickers(current.conn, as_of, since), as_of, since)
    receipt = current.receipt
    reasons = [
        f"{ticker}: {join(receipt.missing[ticker])}"
        for ticker in sorted(tickers)
        if ticker in receipt.missing and ticker not in receipt.late
    ]
    if reasons:
        raise BarMissing(f"{'; '.join(reasons)}. What the others have is sent.")
    return require_complete(receipt, accept_late)


def _refuse_others(tickers: Sequence[str]) -> None:
    wrong = [ticker for ticker in tickers if not re.fullmatch(SYMBOL, ticker)]
    if wrong:
        raise InvalidInput(f"{', '.join(map(repr, wrong))}: write Yahoo's symbol, which has no blank and no slash")
    rates = [ticker for ticker in tickers if ticker.endswith("=X")]
    if rates:
        raise InvalidInput(f"{', '.join(rates)}: an exchange rate comes by itself with the stocks that need it")
    etfs = [ticker for ticker in tickers if ticker in universe().etfs]
    if etfs:
        raise InvalidInput(f"{', '.join(etfs)}: an ETF of the universe has its bars from stage 1 or 2")


def select_tickers(conn: Connection, as_of: date, since: date | None) -> list[str]:
    """Return the largest holdings of any ETF, and what is held. Raise NotStored when no snapshot is stored."""
    sessions = sessions_between(since or as_of, as_of)
    found = dict.fromkeys(ticker for etf in universe().etfs for ticker in tickers_used(conn, etf, sessions))
    if not found:
        raise NotStored("no holdings are stored of any ETF: collect them first (etf_holdings_daily), or name tickers")
    return list(found | dict.fromkeys(held(conn, as_of, since)))


def main(arguments: list[str] | None = None) -> int:
    """Run the producer from the shell."""
    parser = producer_parser("Collect stock bars from Yahoo, and the exchange rates they need, into stock-daily-data.")
    parser.add_argument(
        "tickers",
        nargs="*",
        metavar="TICKER",
        help="e.g. AAPL BRK-B 005930.KS (default: the largest holdings of every ETF, and what the portfolios hold)",
    )
    add_since(parser)
    options = parser.parse_args(arguments)
    return run_command(
        options,
        lambda settings, as_of: run(
            settings, as_of, options.tickers, options.run_id, options.accept_late, since_of(options)
        ),
    )


if __name__ == "__main__":
    sys.exit(main())
