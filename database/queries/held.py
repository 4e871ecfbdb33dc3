"""What the published portfolios hold at a session: stocks whose closes are needed until they are sold.

The portfolios are those of database.queries.decisions, and their newest revisions. The rule is that of
batch.track_record: what is decided on one session is bought at the close of the next one, and sold at the close of the
next purchase. The month's portfolio is sold at the end of its last session at the latest. At a close at which one is
exchanged for another both have to have a price.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import groupby
from operator import itemgetter

from config.periods import MONTHLY_PERIOD
from config.universe import universe
from database.db_helper import Connection, fetch
from database.queries.decisions import DECISIONS, POSITIONS
from utils.dates import month_sold_on, traded_on

MONTH = MONTHLY_PERIOD

Decision = tuple[int, date]  # period and day


def held(conn: Connection, as_of: date, since: date | None = None) -> list[str]:
    """Return the stocks in the portfolios that are followed at a session, or at any `since` one.

    Of a portfolio with several revisions those of the one that is followed, and those of the newest, which is shown.
    """
    followed = list(followed_between(_decisions(conn), since or as_of, as_of))
    rows = fetch(
        conn,
        f"""
        WITH followed AS (
            SELECT period_days, decided_on
            FROM UNNEST(%(periods)s::int[], %(days)s::date[]) AS decision (period_days, decided_on)
        )
        SELECT position.ticker
        FROM ({POSITIONS}) AS position
        JOIN followed ON (followed.period_days, followed.decided_on) = (position.period_days, position.decided_on)
        UNION
        SELECT position.ticker
        FROM analytics_portfolio_allocation AS position
        JOIN followed ON (followed.period_days, followed.decided_on) = (position.period_days, position.as_of_date)
        UNION
        SELECT position.ticker
        FROM analytics_monthly_portfolio AS position
        JOIN followed ON followed.period_days = %(month)s AND followed.decided_on = position.rebalance_date
        ORDER BY ticker
        """,
        {"periods": [days for days, _ in followed], "days": [day for _, day in followed], "month": MONTH},
    )
    return [row["ticker"] for row in rows]


def followed_between(decisions: Iterable[Decision], first: date, last: date) -> Iterator[Decision]:
    """Yield the decisions whose portfolio is bought, held or sold at a session from the first to the last one.

    Of decisions that are traded at one close the last one counts.

    >>> days = [(5, date(2026, 8, 18)), (5, date(2026, 8, 20)), (5, date(2026, 8, 21))]    # Tuesday, Thursday, Friday
    >>> [[day.day for _, day in followed_between(days, session, session)]
    ...  for session in (date(2026, 8, 18), date(2026, 8, 20), date(2026, 8, 21))]
    [[], [18], [18, 20]]
    """
    for period, of_period in groupby(sorted(decisions), key=itemgetter(0)):
        trades = list({traded_on(decided_on): decided_on for _, decided_on in of_period}.items())
        for (bought, decided_on), following in zip(trades, [*trades[1:], None], strict=True):
            sold = following[0] if following else last
            if period == MONTH:
                sold = month_sold_on(decided_on, following[1] if following else None)
            if bought <= last and sold >= first:
                yield period, decided_on


def _decisions(conn: Connection) -> list[Decision]:
    """Return every decision; a portfolio that could not be computed leaves the one before as it is."""
    rows = fetch(
        conn,
        f"""
        SELECT period_days, as_of_date
        FROM ({DECISIONS}) AS decision
        WHERE job = 'rebalance' OR period_days = ANY(%(periods)s)
        """,
        {"periods": list(universe().periods)},
    )
    return [(row["period_days"], row["as_of_date"]) for row in rows]
