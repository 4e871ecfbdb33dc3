"""Which sector a stock is of: the source's word, a request a stock and kept for good, or else that of a sector's ETF.

A stock among the holdings of a sector ETF of the universe is of that sector, at no request, until the source has said
so itself. A fund that is a benchmark as well holds stocks of many sectors: what it lists is only taken for its sector
when the lists of all other sector ETFs are known and the stock is in none of them.
"""

import logging
from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from collector.collection import Collection
from collector.day_budget import Rank, requests_left
from collector.request_budget import BUDGET, BUDGET_ETFS
from config.universe import Universe, universe
from database.db_helper import Row
from database.queries import requests, stock_sectors
from utils.errors import TICKER_TROUBLE
from utils.logging_utils import log_progress
from utils.messages import HoldingsSnapshot, SectorSource

log = logging.getLogger(__name__)

NEVER = datetime.min.replace(tzinfo=UTC)

Lists = Mapping[str, Mapping[str, float]]  # ETF -> stock -> its share of the fund


class Sector(NamedTuple):
    name: str | None = None
    source: SectorSource | None = None


def sectors_of(
    current: Collection,
    tickers: Sequence[str],
    quoted: Container[str],
    snapshots: Iterable[HoldingsSnapshot],
    lookups: int | None,
    every_sector: bool = False,
) -> dict[str, Sector]:
    """Return the stocks' sectors, after at most so many look-ups (None: any number) among those that are quoted.

    every_sector: each stock without a sector is looked up, and no other. snapshots: of this run, which need not be
    stored yet.
    """
    found = known_sectors(current, tickers, snapshots)
    asked = stock_sectors.lookups(current.conn, tickers, current.run_id)
    looked_up = [ticker for ticker in in_turn(found, asked) if ticker in quoted]
    if every_sector:
        looked_up = [ticker for ticker in looked_up if found[ticker].name is None]
    looked_up = looked_up[:lookups]
    for number, ticker in enumerate(looked_up, 1):
        said = _look_up(current, ticker)
        found[ticker] = Sector(said, "yahoo") if said else found[ticker]
        log_progress(log, number, len(looked_up), f"{ticker}: {said or 'Yahoo names no sector'}")
    return found


def known_sectors(
    current: Collection, tickers: Sequence[str], snapshots: Iterable[HoldingsSnapshot]
) -> dict[str, Sector]:
    """Return the sectors that are known without a request."""
    stored = stock_sectors.known(current.conn, tickers)
    found = dict.fromkeys(tickers, Sector()) | {
        row["ticker"]: Sector(row["sector"], row["sector_source"]) for row in stored
    }
    for ticker, name in derived(lists_of(current, snapshots), universe()).items():
        if ticker in found and found[ticker].source != "yahoo":
            found[ticker] = Sector(name, "derived")
    return found


def in_turn(found: Mapping[str, Sector], asked: Mapping[str, Row]) -> list[str]:
    """Return the stocks worth a look-up, in the order of their need.

    Those without a sector come first, then those with a derived one, each from the longest not asked for.
    """
    open_ones = [
        ticker
        for ticker, sector in found.items()
        if sector.source != "yahoo" and not (ticker in asked and asked[ticker]["has_none"])
    ]
    last_asked = {ticker: (ticker in asked and asked[ticker]["asked_at"]) or NEVER for ticker in open_ones}
    return sorted(open_ones, key=lambda ticker: (found[ticker].name is not None, last_asked[ticker]))


def lookups_left(current: Collection, planned: int, every_sector: bool = False) -> int | None:
    """Return how many sectors a run may look up beside its planned requests. None: any number.

    It is what they leave of a usual day's requests, and some at least, as far as the day's budget goes. every_sector:
    whatever is usual.
    """
    left = requests_left(current, Rank.STOCKS)
    allowed = None if left is None else max(0, left - planned)
    if every_sector:
        return allowed
    usual = BUDGET * max(BUDGET_ETFS, len(universe().etfs)) // BUDGET_ETFS
    unspent = usual - requests.count_of_last_day(current.conn) - planned
    wanted = max(current.settings.collector.sector_lookups_per_run, unspent)
    return wanted if allowed is None else min(wanted, allowed)


def lists_of(current: Collection, snapshots: Iterable[HoldingsSnapshot]) -> Lists:
    """Return what each sector ETF holds, as far as it is stored or was fetched in this run."""
    lists: dict[str, dict[str, float]] = {}
    for row in stock_sectors.listed(current.conn, list(universe().sectors)):
        lists.setdefault(row["etf_ticker"], {})[row["stock_ticker"]] = row["holding_percent"]
    for snapshot in snapshots:
        lists[snapshot.etf_ticker] = {holding.ticker: holding.percent for holding in snapshot.holdings}
    return lists


def derived(lists: Lists, known: Universe) -> dict[str, str]:
    """Derive each listed stock's sector: that of the sector ETF of which it is the largest part."""
    broad = [etf for etf in known.sectors if etf in known.benchmarks]
    narrow = [etf for etf in known.sectors if etf not in known.benchmarks]
    found = _largest_share(lists, narrow, known)
    return (_largest_share(lists, broad, known) if all(etf in lists for etf in narrow) else {}) | found


def _largest_share(lists: Lists, etfs: Iterable[str], known: Universe) -> dict[str, str]:
    shares = sorted(
        (percent, stock, sector)
        for etf in etfs
        if (sector := known.sector_of_stocks(etf))
        for stock, percent in lists.get(etf, {}).items()
    )
    return {stock: sector for _, stock, sector in shares}


def _look_up(current: Collection, ticker: str) -> str | None:
    """Ask for a stock's sector, or None when it cannot be had.

    A sector is only a label, so trouble with it is no reason to do without the stock's prices.
    """
    try:
        return current.yahoo.sector(ticker)
    except TICKER_TROUBLE as error:
        log.info("%s: its sector cannot be had: %s", ticker, error)
        return None
