"""Sessions that were never computed, because their prices were not there in time, and that could be now."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date

from database.db_helper import Connection, fetch
from utils.dates import exchange_of, sessions_between, window_of
from utils.errors import NotASession

JOBS = ("trending", "allocation")

# job -> period (0: of all periods) -> status
Publications = Mapping[str, Mapping[int, str]]


def unpublished(
    conn: Connection, benchmark: str, periods: Sequence[int], start: date | None = None, end: date | None = None
) -> list[date]:
    """Return the sessions of a range with a price of the benchmark and without a publication.

    Also those that were not computable for lack of the benchmark's prices, where these are there by now.
    """
    published = _publications(conn)
    if not published:
        return []
    prices, breaks = _prices(conn, benchmark), _open_breaks(conn, benchmark)
    first, newest = min(published), max(published)
    return [
        day
        for day in sessions_between(max(start or first, first), min(end or newest, newest))
        if day in prices
        and lacks(
            published.get(day, {}), [days for days in periods if has_return(benchmark, day, days, prices, breaks)]
        )
    ]


def asked_for(conn: Connection, benchmark: str, sessions: Sequence[date]) -> list[date]:
    """Return those of the sessions that a run was about, in order; of the others the prices are only history."""
    rows = fetch(
        conn,
        """
        SELECT trade_date FROM logs_expected_bar
        WHERE kind = 'etf' AND ticker = %(ticker)s AND trade_date = ANY(%(sessions)s)
        ORDER BY trade_date
        """,
        {"ticker": benchmark, "sessions": list(sessions)},
    )
    return [row["trade_date"] for row in rows]


def lacks(publications: Publications, computable: Sequence[int]) -> bool:
    """Whether something of a session is to be computed. `computable`: the periods with a return of the benchmark.

    >>> lacks({}, [5]), lacks({"trending": {0: "published"}}, [5])
    (True, True)
    >>> of_session = {"trending": {0: "empty"}, "allocation": {5: "published", 20: "not_computable"}}
    >>> lacks(of_session, [5]), lacks(of_session, [5, 20])
    (False, True)
    """
    if not computable:
        return False
    if any(job not in publications for job in JOBS):
        return True
    of_all = publications["trending"].get(0) == "not_computable"
    return of_all or any(publications["allocation"].get(days) == "not_computable" for days in computable)


def has_return(benchmark: str, session: date, days: int, prices: Collection[date], breaks: Collection[date]) -> bool:
    """Whether the benchmark has both prices of a window, and no break in between."""
    try:
        first, last = window_of(session, days, exchange_of(benchmark))
    except NotASession:
        return False
    return first in prices and last in prices and not any(first < day <= last for day in breaks)


def _publications(conn: Connection) -> dict[date, dict[str, dict[int, str]]]:
    rows = fetch(
        conn,
        "SELECT as_of_date, job, period_days, status FROM analytics_publication WHERE job = ANY(%(jobs)s)",
        {"jobs": list(JOBS)},
    )
    found: dict[date, dict[str, dict[int, str]]] = {}
    for row in rows:
        found.setdefault(row["as_of_date"], {}).setdefault(row["job"], {})[row["period_days"]] = row["status"]
    return found


def _prices(conn: Connection, benchmark: str) -> set[date]:
    rows = fetch(
        conn,
        "SELECT trade_date FROM collected_daily_etf_ohlc WHERE ticker = %(ticker)s AND adj_close > 0",
        {"ticker": benchmark},
    )
    return {row["trade_date"] for row in rows}


def _open_breaks(conn: Connection, benchmark: str) -> set[date]:
    rows = fetch(
        conn,
        "SELECT trade_date FROM logs_open_break WHERE kind = 'etf' AND ticker = %(ticker)s AND is_withheld",
        {"ticker": benchmark},
    )
    return {row["trade_date"] for row in rows}
