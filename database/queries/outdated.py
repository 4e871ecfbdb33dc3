"""Published sessions that no longer follow from the stored prices: what a restated, late or accepted bar has changed.

The published returns and market caps themselves are compared with the prices of now. So a split or a dividend, which
leaves the returns as they are, concerns no session, a session drops out as soon as it is published again, and nothing
has to be remembered of it. The return is what batch.returns defines; here it is only checked.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from operator import attrgetter

from database.db_helper import Connection, Row, fetch
from database.queries.ledger import HOME_CURRENCY
from utils.dates import find_exchange, sessions_of, window_of

SAME_RETURN = 1e-6  # absolute: the source gives adjusted prices with about seven digits
SAME_CAP = 1e-6  # relative

# Every return that a publication states, and the market caps that its scores are made of.
PUBLISHED = """
    SELECT DISTINCT row.as_of_date, TRUE AS is_etf, figure.ticker, figure.period_days, figure.period_return,
        FALSE AS has_cap, NULL::bigint AS market_cap
    FROM analytics_trending_etfs AS row
    CROSS JOIN LATERAL (
        VALUES
            (etf_ticker, 5, return_5d), (etf_ticker, 10, return_10d), (etf_ticker, 20, return_20d),
            (%(benchmark)s, 5, spy_return_5d), (%(benchmark)s, 10, spy_return_10d), (%(benchmark)s, 20, spy_return_20d)
    ) AS figure (ticker, period_days, period_return)
    UNION ALL
    SELECT DISTINCT as_of_date, FALSE, ticker, period_days, period_return, TRUE, market_cap
    FROM analytics_allocation_candidates
    UNION ALL
    SELECT DISTINCT as_of_date, FALSE, row.ticker, figure.period_days, figure.period_return, FALSE, NULL::bigint
    FROM analytics_portfolio_allocation AS row
    CROSS JOIN LATERAL (
        VALUES (5, return_5d), (10, return_10d), (20, return_20d)
    ) AS figure (period_days, period_return)
    WHERE figure.period_days <> row.period_days
"""
# In US dollars, like the jobs'.
PRICES = """
    SELECT TRUE AS is_etf, ticker, trade_date, adj_close::float8 AS price, NULL::float8 AS market_cap
    FROM collected_daily_etf_ohlc
    WHERE adj_close > 0
    UNION ALL
    SELECT FALSE, stock.ticker, stock.trade_date,
        stock.adj_close::float8 / CASE stock.currency WHEN %(home)s THEN 1 ELSE rate.close_price::float8 END,
        stock.market_cap::float8 / CASE stock.currency WHEN %(home)s THEN 1 ELSE rate.close_price::float8 END
    FROM collected_daily_stock_history AS stock
    LEFT JOIN collected_daily_stock_history AS rate
        ON rate.ticker = stock.currency || '=X' AND rate.trade_date = stock.trade_date AND rate.close_price > 0
    WHERE stock.quote_type <> 'CURRENCY' AND stock.adj_close > 0
"""

Key = tuple[bool, str, date]
Prices = Mapping[Key, Row]


@dataclass(frozen=True)
class Figure:
    """What a session's publication says of a ticker, and what the stored prices give; None: no value.

    It is the return over period_days, or with 0 the market cap.
    """

    ticker: str
    period_days: int
    published: float | None
    now: float | None


def outdated(
    conn: Connection, benchmark: str, periods: Sequence[int], start: date | None = None, end: date | None = None
) -> dict[date, list[Figure]]:
    """Each published session of the range that would come out differently, with the figures that differ."""
    prices = {(row["is_etf"], row["ticker"], row["trade_date"]): row for row in _prices(conn)}
    found: dict[date, list[Figure]] = {}
    for row in _published(conn, benchmark):
        as_of = row["as_of_date"]
        if row["period_days"] in periods and (start or as_of) <= as_of <= (end or as_of):
            found.setdefault(as_of, []).extend(_changed(row, prices))
    in_order = attrgetter("ticker", "period_days")
    return {as_of: sorted(set(figures), key=in_order) for as_of, figures in sorted(found.items()) if figures}


def ranges(sessions: Iterable[date]) -> list[tuple[date, date]]:
    """Sessions as ranges of ones that follow each other.

    >>> days = [date(2026, 8, 14), date(2026, 8, 17), date(2026, 8, 20)]    # a Friday, the Monday after, a Thursday
    >>> [(start.day, end.day) for start, end in ranges(days)]
    [(14, 17), (20, 20)]
    """
    calendar = sessions_of()
    found: list[tuple[date, date]] = []
    for day in sorted(sessions):
        if found and calendar.position(day) == calendar.position(found[-1][1]) + 1:
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found


def _published(conn: Connection, benchmark: str) -> list[Row]:
    return fetch(conn, PUBLISHED, {"benchmark": benchmark})


def _prices(conn: Connection) -> list[Row]:
    return fetch(conn, PRICES, {"home": HOME_CURRENCY})


def _changed(row: Row, prices: Prices) -> Iterable[Figure]:
    ticker = row["ticker"]
    exchange = find_exchange(ticker)  # without one it has no window, so no value
    window = _window(row["as_of_date"], row["period_days"], exchange) if exchange else (None, None)
    start, end = (day and prices.get((row["is_etf"], ticker, day)) for day in window)
    now = end["price"] / start["price"] - 1 if start and end and start["price"] and end["price"] else None
    if not _same(row["period_return"], now, SAME_RETURN):
        yield Figure(ticker, row["period_days"], row["period_return"], now)
    cap = end["market_cap"] if end else None
    if row["has_cap"] and not _same(row["market_cap"], cap, SAME_CAP * (cap or 0)):
        yield Figure(ticker, 0, row["market_cap"], cap)


def _same(published: float | None, now: float | None, tolerance: float) -> bool:
    if published is None or now is None:
        return published is now
    return abs(published - now) <= tolerance


@cache
def _window(as_of: date, period_days: int, exchange: str) -> tuple[date, date]:
    return window_of(as_of, period_days, exchange)
