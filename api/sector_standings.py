"""The stocks' returns put together by sector: the market map, the sectors' tables, the best performers."""

from collections.abc import Iterable
from datetime import date
from itertools import groupby
from typing import TypedDict

from msgspec.structs import asdict

from contract.common import WINDOWS, Window
from contract.etfs import SectorLine, SectorList
from contract.reasons import ShownReason, shown
from contract.stocks import (
    MarketMap,
    Performers,
    PerformersBySector,
    SectorMembers,
    SectorMonth,
    SectorPerformers,
    SectorStanding,
    SectorStocks,
    Standing,
)
from database.db_helper import Connection
from database.queries import etfs, sectors, stocks
from database.queries.paging import Page, cut
from database.queries.stocks import Absent
from utils.reasons import join


class AbsentReasons(TypedDict):
    """What an answer says of the stocks without a bar of its session."""

    absent_reason: str | None
    absent_reasons: list[ShownReason]


def market_map(conn: Connection, as_of: date | None) -> MarketMap:
    """Return every sector with its stocks and its newest month as of a session, the newest when none is named."""
    found = stocks.standings(conn, as_of)
    months = sectors.newest_months(conn, found.as_of_date)
    return MarketMap(
        as_of_date=found.as_of_date,
        **_reasons(found.absent),
        sectors=[
            SectorStocks(**asdict(_standing(name, members, found.absent, months)), stocks=members)
            for name, members in by_sector(found.stocks)
        ],
    )


def listing(conn: Connection, benchmark: str, as_of: date | None) -> SectorList:
    """Return every sector with its stocks' figures, the ETF that follows it, and its newest month."""
    found = stocks.standings(conn, as_of)
    months = sectors.newest_months(conn, found.as_of_date)
    listed = etfs.listing(conn, benchmark, as_of)
    members = {name: of_sector for name, of_sector in by_sector(found.stocks) if name}
    followed = [(etf.sector_name, etf) for etf in listed.etfs if etf.sector_name]
    names = [*members, *(month.sector for month in months if month.sector not in members)]
    for of_etf, _ in followed:
        if not any(sectors.is_same(of_etf, name) for name in names):
            names.append(of_etf)
    return SectorList(
        as_of_date=found.as_of_date,
        **_reasons(found.absent),
        trending_as_of_date=listed.as_of_date,
        trending_status=listed.status,
        trending_reason=listed.reason,
        trending_reasons=listed.reasons,
        sectors=[
            SectorLine(
                **asdict(_standing(name, members.get(name, []), found.absent, months)),
                etf=next((etf for of_etf, etf in followed if sectors.is_same(of_etf, name)), None),
            )
            for name in sorted(names)
        ],
    )


def members(conn: Connection, name: str, as_of: date | None, page: Page) -> SectorMembers:
    """Return the stocks of a sector as of a session, the newest when none is named, largest market cap first."""
    known = sectors.named(conn, name)
    every = stocks.standings(conn, as_of)
    found = cut([row for row in every.stocks if row.sector == known], page)
    return SectorMembers(
        found.total,
        *page,
        next=None,
        sector=known,
        as_of_date=every.as_of_date,
        **_reasons(each for each in every.absent if each.sector == known),
        stocks=found.rows,
    )


def best(conn: Connection, window: Window, as_of: date | None, page: Page) -> Performers:
    """Return the stocks with a return over a window, best first, as of a session, the newest when none is named."""
    every = stocks.standings(conn, as_of)
    found = cut(_best_first(every.stocks, window), page)
    return Performers(
        found.total,
        *page,
        next=None,
        as_of_date=every.as_of_date,
        window=window,
        **_reasons(every.absent),
        stocks=found.rows,
    )


def best_of_each(conn: Connection, window: Window, as_of: date | None, top: int) -> PerformersBySector:
    """Return the `top` best stocks of every sector over a window."""
    every = stocks.standings(conn, as_of)
    found = [SectorPerformers(name, _best_first(members, window)[:top]) for name, members in by_sector(every.stocks)]
    return PerformersBySector(as_of_date=every.as_of_date, window=window, **_reasons(every.absent), sectors=found)


def by_sector(rows: Iterable[Standing]) -> list[tuple[str | None, list[Standing]]]:
    """Return the stocks by sector, largest market cap first. Those whose sector is not known (yet) come last."""
    named = sorted(rows, key=lambda row: row.sector or "")
    found = [(name or None, _largest_first(group)) for name, group in groupby(named, lambda row: row.sector or "")]
    return sorted(found, key=lambda sector: (sector[0] is None, -(_market_cap(sector[1]) or 0)))


def weighted_return(stocks: Iterable[tuple[float | None, int | None]]) -> float | None:
    """Return the stocks' return weighted by market cap at the window's start: the gain of holding them all.

    Those without a return or a market cap are left out; None when all are.

    >>> weighted_return([(0.5, 3), (-0.5, 1), (None, 9)])
    0.25
    """
    known = [(gain, cap) for gain, cap in stocks if gain is not None and cap]
    total = sum(cap for _, cap in known)
    return sum(gain * cap for gain, cap in known) / total if total else None


def _standing(
    name: str | None, members: list[Standing], every_absent: Iterable[Absent], months: Iterable[SectorMonth]
) -> SectorStanding:
    absent = [each for each in every_absent if each.sector == name]
    gains = {
        window: weighted_return((row.over(window), row.start_cap(window)) for row in members) for window in WINDOWS
    }
    return SectorStanding(
        return_1d=gains["1d"],
        return_5d=gains["5d"],
        return_10d=gains["10d"],
        return_20d=gains["20d"],
        return_month=gains["month"],
        sector=name,
        stock_count=len(members),
        market_cap=_market_cap(members),
        left_out={window: _left_out(members, absent, window) for window in WINDOWS},
        **_reasons(absent),
        newest_month=_month_of(name, months),
    )


def _left_out(members: Iterable[Standing], absent: Iterable[Absent], window: Window) -> list[str]:
    uncounted = (row.ticker for row in members if not row.counts(window))
    return sorted([*uncounted, *(each.ticker for each in absent)])


def _reasons(absent: Iterable[Absent]) -> AbsentReasons:
    told = [each.reason for each in absent]
    return {"absent_reason": join(told), "absent_reasons": shown(told)}


def _month_of(sector: str | None, months: Iterable[SectorMonth]) -> SectorMonth | None:
    """Return the newest month of a sector, which may go by the shorter name of its ETF."""
    return next((month for month in months if sector and sectors.is_same(month.sector, sector)), None)


def _market_cap(members: Iterable[Standing]) -> int | None:
    return sum(row.market_cap or 0 for row in members) or None


def _largest_first(members: Iterable[Standing]) -> list[Standing]:
    return sorted(members, key=lambda row: -(row.market_cap or 0))


def _best_first(rows: Iterable[Standing], window: Window) -> list[Standing]:
    with_return = [(gain, row) for row in rows if (gain := row.over(window)) is not None]
    return [row for _, row in sorted(with_return, key=lambda pair: (-pair[0], pair[1].ticker))]
