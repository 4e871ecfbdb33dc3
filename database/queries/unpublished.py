"""Sessions that were never computed, and could be now: their prices came late, or the platform was off."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from config.stages import CONTROLLER, STAGES
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
    stored = _Stored.read(conn, benchmark, periods)
    if not stored.published:
        return []
    first, newest = min(stored.published), max(stored.published)
    return list(filter(stored.lacks, sessions_between(max(start or first, first), min(end or newest, newest))))


def never_computed(
    conn: Connection, benchmark: str, periods: Sequence[int], start: date | None, end: date
) -> list[date]:
    """Return the sessions of a range that were to be computed by themselves, never were, and can be now.

    These are the unpublished ones that a run was about, and all since the first one on schedule, those included for
    which nothing ran. Not those at work, nor those whose price of the benchmark was asked for and is not there.
    """
    late = asked_for(conn, benchmark, unpublished(conn, benchmark, periods, start, end))
    live = first_on_schedule(conn)
    due = sessions_between(max(start or live, live), end) if live else []
    asked, stored = set(asked_for(conn, benchmark, due)), _Stored.read(conn, benchmark, periods)
    missed = [day for day in due if stored.lacks(day) or (stored.is_unknown(day) and day not in asked)]
    return sorted({*late, *missed} - at_work(conn))


def first_on_schedule(conn: Connection) -> date | None:
    """Return the first session that the pipeline was about on its schedule. Before it, only a person computes one."""
    rows = fetch(
        conn,
        """
        SELECT MIN(as_of_date) AS first FROM logs_stage_run
        WHERE dag_id = ANY(%(dags)s) AND STARTS_WITH(run_id, 'scheduled__')
        """,
        {"dags": [CONTROLLER, *STAGES.values()]},
    )
    first: date | None = rows[0]["first"]
    return first


def at_work(conn: Connection) -> set[date]:
    """Return the sessions of which a stage runs, or waits for its next try.

    What has not ended within a day has no end: its run was deleted.
    """
    rows = fetch(
        conn,
        """
        SELECT as_of_date FROM logs_stage_run
        WHERE dag_id = ANY(%(dags)s) AND state IN ('running', 'late')
          AND started_at > clock_timestamp() - MAKE_INTERVAL(days => 1)
        """,
        {"dags": [CONTROLLER, *STAGES.values()]},
    )
    return {row["as_of_date"] for row in rows}


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


class _Stored(NamedTuple):
    """What is stored of the sessions: their publications, the benchmark's prices and its open breaks."""

    benchmark: str
    periods: Sequence[int]
    published: Mapping[date, Publications]
    prices: Collection[date]
    breaks: Collection[date]

    @classmethod
    def read(cls, conn: Connection, benchmark: str, periods: Sequence[int]) -> "_Stored":
        return cls(benchmark, periods, _publications(conn), _prices(conn, benchmark), _open_breaks(conn, benchmark))

    def lacks(self, day: date) -> bool:
        """Tell whether something of a session is to be computed, and its price of the benchmark is there."""
        return day in self.prices and lacks(self.published.get(day, {}), self._computable(day))

    def is_unknown(self, day: date) -> bool:
        return day not in self.prices and day not in self.published

    def _computable(self, day: date) -> list[int]:
        return [days for days in self.periods if has_return(self.benchmark, day, days, self.prices, self.breaks)]


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
