"""Sectors month by month, and their names.

A stock's sector is Yahoo's word for it ("Financial Services"); the universe's name of an ETF's sector is its beginning
("Financial"). Energy has no ETF.
"""

from datetime import date

from contract.stocks import Month, SectorHistory, SectorMonth, SectorMonths
from database.db_helper import Connection, fetch
from database.queries.paging import Page, fetch_page
from database.queries.typed import fetch_as
from utils.errors import UnknownSector
from utils.reasons import reason

_MONTHS = "MAKE_DATE(year, month, 1)"
# Each month of a sector, with what its publication says of it. A row made before it had an as_of_date counts as one of
# the whole month.
_TRENDS = """
    SELECT
        trend.*,
        known.day AS known_on,
        publication.degraded_reason,
        publication.holdings_as_of,
        COALESCE(publication.holdings_as_of > trend.as_of_date, FALSE) AS holdings_known_later
    FROM analytics_sector_trending AS trend
    CROSS JOIN LATERAL (
        SELECT COALESCE(as_of_date, (MAKE_DATE(year, month, 1) + INTERVAL '1 month - 1 day')::date) AS day
    ) AS known
    LEFT JOIN analytics_publication AS publication
        ON publication.job = 'sectors' AND publication.as_of_date = trend.as_of_date
"""


def history(conn: Connection, name: str, start: date | None, end: date | None, page: Page) -> SectorHistory:
    """Return the months of one sector that begin in a range, newest first."""
    known = named(conn, name)
    found = fetch_page(
        conn,
        SectorMonth,
        f"""
        SELECT *
        FROM ({_TRENDS}) AS trending
        WHERE (sector = %(sector)s OR STARTS_WITH(%(sector)s, sector))
            AND {_MONTHS} >= COALESCE(%(start)s, '-infinity'::date)
            AND {_MONTHS} <= COALESCE(%(end)s, 'infinity'::date)
        ORDER BY year DESC, month DESC
        """,
        {"sector": known, "start": start, "end": end},
        page,
    )
    return SectorHistory(found.total, *page, next=None, sector=known, months=found.rows)


def months(conn: Connection, start: date | None, end: date | None, page: Page) -> SectorMonths:
    """Return the months that begin in a range, newest first, each with all its sectors, best first."""
    found = fetch_page(
        conn,
        Month,
        f"""
        SELECT
            year,
            month,
            jsonb_agg(to_jsonb(trending) ORDER BY avg_monthly_return DESC NULLS LAST, sector) AS sectors
        FROM ({_TRENDS}) AS trending
        WHERE {_MONTHS} >= COALESCE(%(start)s, '-infinity'::date)
            AND {_MONTHS} <= COALESCE(%(end)s, 'infinity'::date)
        GROUP BY year, month
        ORDER BY year DESC, month DESC
        """,
        {"start": start, "end": end},
        page,
    )
    return SectorMonths(found.total, *page, next=None, months=found.rows)


def named(conn: Connection, name: str) -> str:
    """Return a sector's name as the stocks' rows have it, whatever its case, or of its ETF's."""
    known = fetch(
        conn,
        """
        SELECT sector FROM collected_daily_stock_history WHERE sector IS NOT NULL
        UNION
        SELECT sector FROM analytics_sector_trending
        ORDER BY sector
        """,
    )
    names: list[str] = [row["sector"] for row in known]
    found = next((each for each in names if each.lower() == name.lower()), None)
    found = found or next((each for each in names if is_same(name.lower(), each.lower())), None)
    if found is None:
        known_ones = {"sectors": names} if names else {}
        raise UnknownSector(reason("no_such_sector" if names else "no_sectors_yet", name=repr(name), **known_ones))
    return found


def is_same(of_etf: str, of_stocks: str) -> bool:
    """Return whether an ETF's sector is a stock's, by their names.

    >>> is_same("Financial", "Financial Services"), is_same("Consumer Cyclical", "Consumer Defensive")
    (True, False)
    """
    return of_stocks.startswith(of_etf)


def newest_months(conn: Connection, as_of: date | None) -> list[SectorMonth]:
    """Return each sector's newest month, of those that were computed up to a session or before when one is named."""
    return fetch_as(
        conn,
        SectorMonth,
        f"""
        SELECT DISTINCT ON (sector) *
        FROM ({_TRENDS}) AS trending
        WHERE known_on <= COALESCE(%(as_of)s, 'infinity'::date)
        ORDER BY sector, year DESC, month DESC
        """,
        {"as_of": as_of},
    )
