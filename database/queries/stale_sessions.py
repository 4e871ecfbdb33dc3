"""Published sessions that no longer follow from what is stored: a restated, late or accepted bar has changed them.

The published returns and market caps themselves are compared with the prices of now, and the lists that portfolios were
chosen from with the ETFs that trend and their lists of now. So a split or a dividend, which leaves the returns as they
are, concerns no session, a session drops out as soon as it is published again, and nothing has to be remembered of it.
The return is what batch.returns defines; here it is only checked. What other jobs have published is looked at in
database.queries.stale_publications.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from operator import attrgetter

from database.db_helper import Connection, Row, fetch
from database.queries.closes import Closes, is_same, window
from database.queries.doubts import sessions_exchange
from utils.dates import sessions_of

SAME_RETURN = 1e-6  # absolute: the source gives adjusted prices with about seven digits
SAME_CAP = 1e-6  # relative

# Every return that a publication of the range states, and the market caps that its scores are made of.
PUBLISHED = """
    SELECT DISTINCT row.as_of_date, figure.ticker, figure.period_days, figure.period_return,
        FALSE AS has_cap, NULL::bigint AS market_cap
    FROM analytics_trending_etfs AS row
    CROSS JOIN LATERAL (
        VALUES
            (etf_ticker, 5, return_5d), (etf_ticker, 10, return_10d), (etf_ticker, 20, return_20d),
            (%(benchmark)s, 5, spy_return_5d), (%(benchmark)s, 10, spy_return_10d), (%(benchmark)s, 20, spy_return_20d)
    ) AS figure (ticker, period_days, period_return)
    WHERE as_of_date BETWEEN %(first)s AND %(last)s AND figure.period_days = ANY(%(periods)s)
    UNION ALL
    SELECT DISTINCT as_of_date, ticker, period_days, period_return, TRUE, market_cap
    FROM analytics_allocation_candidates
    WHERE as_of_date BETWEEN %(first)s AND %(last)s AND period_days = ANY(%(periods)s)
    UNION ALL
    SELECT DISTINCT as_of_date, row.ticker, figure.period_days, figure.period_return, FALSE, NULL::bigint
    FROM analytics_portfolio_allocation AS row
    CROSS JOIN LATERAL (
        VALUES (5, return_5d), (10, return_10d), (20, return_20d)
    ) AS figure (period_days, period_return)
    WHERE figure.period_days <> row.period_days
        AND as_of_date BETWEEN %(first)s AND %(last)s AND figure.period_days = ANY(%(periods)s)
"""

# The lists of holdings that the portfolios of the range were chosen from, and those that they would be chosen from now:
# of each ETF that trends the list that counts on the session, as batch.holdings defines it.
CHOSEN_FROM = """
    WITH snapshot AS (
        SELECT etf_ticker, collected_date,
            CASE WHEN ROW_NUMBER() OVER in_order > 1 THEN collected_date ELSE '-infinity' END AS since,
            LEAD(collected_date, 1, 'infinity') OVER in_order AS until
        FROM (SELECT DISTINCT etf_ticker, collected_date FROM collected_etf_holdings) AS each
        WINDOW in_order AS (PARTITION BY etf_ticker ORDER BY collected_date)
    ), now AS (
        SELECT publication.as_of_date, etf_ticker, publication.period_days, collected_date
        FROM analytics_publication AS publication
        JOIN analytics_trending_etfs AS etf USING (as_of_date)
        CROSS JOIN LATERAL (
            VALUES (5, is_trending_5d), (10, is_trending_10d), (20, is_trending)
        ) AS flag (period_days, trends)
        JOIN snapshot USING (etf_ticker)
        WHERE job = 'allocation' AND flag.period_days = publication.period_days AND trends
            AND since <= as_of_date AND as_of_date < until
            AND as_of_date BETWEEN %(first)s AND %(last)s AND publication.period_days = ANY(%(periods)s)
    ), published AS (
        SELECT DISTINCT as_of_date, etf_ticker, period_days, holdings_as_of
        FROM analytics_allocation_candidates
        WHERE as_of_date BETWEEN %(first)s AND %(last)s AND period_days = ANY(%(periods)s)
    )
    SELECT as_of_date, etf_ticker AS ticker, period_days, holdings_as_of AS published, collected_date AS now
    FROM published FULL JOIN now USING (as_of_date, etf_ticker, period_days)
    WHERE holdings_as_of IS DISTINCT FROM collected_date
    ORDER BY ticker, period_days
"""


@dataclass(frozen=True)
class ListOfHoldings:
    """Of which day an ETF's list is that a session's portfolio was chosen from, and that of now; None: from none.

    The portfolio is that over period_days.
    """

    ticker: str
    period_days: int
    published: date | None
    now: date | None


@dataclass(frozen=True)
class Figure:
    """What a session's publication says of a ticker, and what the stored prices give; None: no value.

    It is the return over period_days, or with 0 the market cap.
    """

    ticker: str
    period_days: int
    published: float | None
    now: float | None


Difference = Figure | ListOfHoldings


def outdated(
    conn: Connection, benchmark: str, periods: Sequence[int], start: date | None = None, end: date | None = None
) -> dict[date, list[Difference]]:
    """Each published session of the range that would come out differently, with what differs."""
    params = {"benchmark": benchmark, "periods": list(periods), "first": start or date.min, "last": end or date.max}
    rows = fetch(conn, PUBLISHED, params)
    if not rows:
        return {}
    found: dict[date, list[Difference]] = {}
    for each in fetch(conn, CHOSEN_FROM, params):
        found.setdefault(each.pop("as_of_date"), []).append(ListOfHoldings(**each))
    for as_of, figures in _changed_figures(conn, rows).items():
        found.setdefault(as_of, []).extend(sorted(figures, key=attrgetter("ticker", "period_days")))
    return dict(sorted(found.items()))


def _changed_figures(conn: Connection, rows: Sequence[Row]) -> dict[date, set[Figure]]:
    windows = [window(row["as_of_date"], row["period_days"], sessions_exchange(row["ticker"])) for row in rows]
    first, last = min(first for first, _ in windows), max(last for _, last in windows)
    closes = Closes(conn, {row["ticker"] for row in rows}, first, last)
    found: dict[date, set[Figure]] = {}
    for row, ends in zip(rows, windows, strict=True):
        for figure in _changed(row, ends, closes):
            found.setdefault(row["as_of_date"], set()).add(figure)
    return found


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


def _changed(row: Row, ends: tuple[date, date], closes: Closes) -> Iterable[Figure]:
    ticker = row["ticker"]
    now = closes.simple_return(ticker, *ends)
    if not is_same(row["period_return"], now, SAME_RETURN):
        yield Figure(ticker, row["period_days"], row["period_return"], now)
    cap = closes.market_cap(ticker, ends[1])
    if row["has_cap"] and not is_same(row["market_cap"], cap, SAME_CAP * (cap or 0)):
        yield Figure(ticker, 0, row["market_cap"], cap)
