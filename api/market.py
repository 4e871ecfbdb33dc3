"""Where the stocks stand, put together by sector: the market map, the sectors' tables, the best performers."""

from collections.abc import Iterable
from datetime import date
from itertools import groupby

from database.db_helper import Connection, Row
from database.queries import etfs, sectors, stocks
from database.queries.paging import Found, Span, cut
from database.queries.returns import WINDOWS, Window


def market_map(conn: Connection, as_of: date | None) -> Row:
    """Every sector with its stocks and its newest month as of a session, the newest when none is named."""
    session, rows = stocks.standings(conn, as_of)
    months = sectors.newest_months(conn, session)
    return {
        "as_of_date": session,
        "sectors": [{**each, "newest_month": _month_of(each["sector"], months)} for each in of_stocks(rows)],
    }


def listing(conn: Connection, benchmark: str, as_of: date | None) -> Row:
    """Every sector with its stocks' figures, the ETF that follows it, and its newest month."""
    session, rows = stocks.standings(conn, as_of)
    by_name = {sector["sector"]: sector for sector in of_stocks(rows) if sector["sector"]}
    listed = etfs.listing(conn, benchmark, as_of)
    followed = [row for row in listed["etfs"] if row["sector_name"]]
    months = sectors.newest_months(conn, session)
    names = [*by_name, *(month["sector"] for month in months if month["sector"] not in by_name)]
    for row in followed:
        if not any(sectors.is_same(row["sector_name"], name) for name in names):
            names.append(row["sector_name"])
    return {
        "as_of_date": session,
        "trending_as_of_date": listed["as_of_date"],
        "trending_status": listed["status"],
        "trending_reason": listed["reason"],
        "sectors": [
            {
                **(by_name.get(name) or _sector(name, [])),
                "etf": next((row for row in followed if sectors.is_same(row["sector_name"], name)), None),
                "newest_month": _month_of(name, months),
            }
            for name in sorted(names)
        ],
    }


def members(conn: Connection, name: str, as_of: date | None, span: Span) -> Found:
    """The stocks of one sector as of a session, the newest when none is named, largest market cap first."""
    known = sectors.named(conn, name)
    session, rows = stocks.standings(conn, as_of)
    return cut([row for row in rows if row["sector"] == known], span, sector=known, as_of_date=session)


def best(conn: Connection, window: Window, as_of: date | None, span: Span) -> Found:
    """The stocks with a return over a window, best first, as of a session, the newest when none is named."""
    session, rows = stocks.standings(conn, as_of)
    return cut(_best_first(rows, window), span, as_of_date=session, window=window)


def best_of_each(conn: Connection, window: Window, as_of: date | None, top: int) -> Row:
    """The `top` best stocks of every sector over a window."""
    session, rows = stocks.standings(conn, as_of)
    return {
        "as_of_date": session,
        "window": window,
        "sectors": [
            {"sector": sector["sector"], "stocks": _best_first(sector["stocks"], window)[:top]}
            for sector in of_stocks(rows)
        ],
    }


def of_stocks(rows: Iterable[Row]) -> list[Row]:
    """Standings by sector, largest sector first; stocks whose sector is not known (yet) are the last one."""
    named = sorted(rows, key=lambda row: row["sector"] or "")
    found = [_sector(name or None, list(group)) for name, group in groupby(named, lambda row: row["sector"] or "")]
    return sorted(found, key=lambda sector: (sector["sector"] is None, -(sector["market_cap"] or 0)))


def weighted_return(rows: Iterable[Row], window: Window) -> float | None:
    """The stocks' return weighted by market cap at the window's start: what who holds them all has earned.

    Those without one of the two are left out, None when all are.

    >>> weighted_return([{"return_5d": 0.5, "start_cap_5d": 3}, {"return_5d": -0.5, "start_cap_5d": 1}], "5d")
    0.25
    """
    known = [row for row in rows if _counts(row, window)]
    total = sum(row[f"start_cap_{window}"] for row in known)
    return sum(row[f"return_{window}"] * row[f"start_cap_{window}"] for row in known) / total if total else None


def _counts(row: Row, window: Window) -> bool:
    return row[f"return_{window}"] is not None and bool(row[f"start_cap_{window}"])


def _month_of(sector: str | None, months: Iterable[Row]) -> Row | None:
    """The newest month of a sector, which may go by the shorter name of its ETF."""
    return next((row for row in months if sector and sectors.is_same(row["sector"], sector)), None)


def _sector(name: str | None, members: list[Row]) -> Row:
    largest_first = sorted(members, key=lambda row: -(row["market_cap"] or 0))
    return {
        "sector": name,
        "stock_count": len(members),
        "market_cap": sum(row["market_cap"] or 0 for row in members) or None,
        **{f"return_{window}": weighted_return(members, window) for window in WINDOWS},
        "left_out": {
            window: sorted(row["ticker"] for row in members if not _counts(row, window)) for window in WINDOWS
        },
        "stocks": largest_first,
    }


def _best_first(rows: Iterable[Row], window: Window) -> list[Row]:
    with_return = [row for row in rows if row[f"return_{window}"] is not None]
    return sorted(with_return, key=lambda row: (-row[f"return_{window}"], row["ticker"]))
