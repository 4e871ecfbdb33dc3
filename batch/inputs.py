"""The digest of what a publication rests on: SHA-256 over the rows that a job has read for each day.

A job runs for a day or for a range, and reads what all days need at once. So the digest of a day is worked out by the
database, from the rows that count for this day alone: a day of a range has the digest that it would have by itself.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from batch.returns import ReturnWindow
from config.config import DatabaseSettings
from database.db_helper import Connection, fetch, reading_as_of
from database.queries import doubts
from database.queries.doubts import CARRIED_RATE, DOUBTS, sessions_exchange
from database.queries.evidence import SETTINGS
from utils.spark_utils import is_wide

if TYPE_CHECKING:
    from batch.runner import Job

# The digests of so many days are worked out at once: sorted, their rows take some tens of megabytes.
DAYS_OF_A_PART = 125
PARTS_AT_ONCE = 2
InputWindow = tuple[date, str, date, date]  # a job's day, an exchange, and two of its sessions

# Of wanted (as_of_date, ticker): the digests of the prices that are read, and of what is said against them.
PRICE_ROWS = """
    listed AS MATERIALIZED (
        SELECT * FROM UNNEST(%(tickers)s::text[], %(exchanges)s::text[]) AS listed (ticker, exchange)
    ),
    span AS MATERIALIZED (
        SELECT DISTINCT * FROM UNNEST(
            %(window_days)s::date[], %(window_exchanges)s::text[], %(starts)s::date[], %(ends)s::date[]
        ) AS span (as_of_date, exchange, start_session, end_session)
    ),
    whole AS MATERIALIZED (
        SELECT as_of_date, exchange, MIN(start_session) AS start_session, MAX(end_session) AS end_session
        FROM span GROUP BY as_of_date, exchange
    ),
    ends AS MATERIALIZED (
        SELECT as_of_date, exchange, start_session AS trade_date FROM span
        UNION
        SELECT as_of_date, exchange, end_session FROM span
    ),
    close AS MATERIALIZED (
        SELECT ticker, trade_date, sha256(convert_to(dollar::text, 'UTF8')) AS digest
        FROM collected_dollar_close AS dollar
        WHERE ticker = ANY(%(tickers)s) AND trade_date BETWEEN %(first)s AND %(last)s
    ),
    doubt AS MATERIALIZED (
        SELECT ticker, trade_date, kind, sha256(convert_to(said::text, 'UTF8')) AS digest FROM ({doubts}) AS said
    ),
    price_rows AS (
        SELECT wanted.as_of_date, close.digest
        FROM (SELECT DISTINCT as_of_date, ticker FROM wanted) AS wanted
        JOIN listed USING (ticker)
        {closes}
        UNION ALL
        SELECT wanted.as_of_date, doubt.digest
        FROM wanted
        JOIN listed USING (ticker)
        JOIN whole USING (as_of_date, exchange)
        JOIN doubt ON doubt.ticker = wanted.ticker
            AND doubt.trade_date BETWEEN whole.start_session AND whole.end_session
        WHERE {doubts_count}
    )
"""
# A rate that is carried to a day counts for the returns that end or begin there.
IS_AT_AN_END = f"""
            doubt.kind <> '{CARRIED_RATE}' OR EXISTS (
                SELECT 1 FROM span
                WHERE span.as_of_date = wanted.as_of_date AND span.exchange = listed.exchange
                    AND doubt.trade_date IN (span.start_session, span.end_session))
"""
AT_THE_ENDS = """
        JOIN ends USING (as_of_date, exchange)
        JOIN close ON close.ticker = wanted.ticker AND close.trade_date = ends.trade_date
"""
IN_BETWEEN = """
        JOIN whole USING (as_of_date, exchange)
        JOIN close ON close.ticker = wanted.ticker
            AND close.trade_date BETWEEN whole.start_session AND whole.end_session
"""
# The lists of holdings that count on a day: with fund (as_of_date, etf_ticker), the snapshot of each, and its rows.
HOLDING_ROWS = """
    snapshot AS MATERIALIZED (
        SELECT fund.as_of_date, fund.etf_ticker, COALESCE(
            (SELECT MAX(collected_date) FROM collected_etf_holdings AS held
             WHERE held.etf_ticker = fund.etf_ticker AND held.collected_date <= fund.as_of_date
                AND holding_rank <= %(top)s),
            (SELECT MIN(collected_date) FROM collected_etf_holdings AS held
             WHERE held.etf_ticker = fund.etf_ticker AND holding_rank <= %(top)s)
        ) AS collected_date
        FROM fund
    ),
    holding AS MATERIALIZED (
        SELECT snapshot.as_of_date, stock_ticker AS ticker, sha256(convert_to(ROW(
            etf_ticker, stock_ticker, stock_name, holding_percent, collected_date, holding_rank, source
        )::text, 'UTF8')) AS digest
        FROM snapshot
        JOIN collected_etf_holdings USING (etf_ticker, collected_date)
        WHERE holding_rank <= %(top)s
    )
"""


@dataclass(frozen=True)
class Inputs:
    """What the days of a run rest on.

    query: rows (as_of_date, digest), one for each row that counts for the day
    facts: what the job has found in other rows and told in its own words, by day
    grows: a day also rests on all that the days before it rest on
    """

    query: str
    params: Mapping[str, Any]
    facts: Mapping[date, Sequence[Any]] = field(default_factory=dict)
    grows: bool = False

    def digests(self, conn: Connection, days: Sequence[date]) -> dict[date, str]:
        """Return the digest of each day."""
        found = self.rows_digests(conn)
        every_day = sorted({*found, *days}) if self.grows else days
        digests = (_digest_of(day, found, self.facts) for day in every_day)
        so_far = accumulate(digests, lambda before, own: _sha256(before + own)) if self.grows else digests
        by_day = dict(zip(every_day, so_far, strict=True))
        return {day: by_day[day].hex() for day in days}

    def rows_digests(self, conn: Connection) -> dict[date, bytes]:
        """Return the digest of each day's rows, without the facts."""
        with conn.cursor() as cursor:
            cursor.execute(SETTINGS)
        rows = fetch(
            conn,
            "SELECT as_of_date, sha256(STRING_AGG(digest, ''::bytea ORDER BY digest)) AS digest "
            f"FROM ({self.query}) AS input_row WHERE as_of_date IS NOT NULL GROUP BY as_of_date ORDER BY as_of_date",
            self.params,
        )
        return {row["as_of_date"]: bytes(row["digest"]) for row in rows}


@dataclass(frozen=True)
class Digesting:
    """What the days of a long range rest on: connections of their own digest the rows part by part in the background.

    facts: as those of Inputs, when they are known
    """

    parts: Sequence[Future[dict[date, bytes]]]
    facts: Mapping[date, Sequence[Any]] = field(default_factory=dict)

    def digests(self, _: Connection, days: Sequence[date]) -> dict[date, str]:
        """Return the digest of each day. Waits for all."""
        found = {day: digest for part in self.parts for day, digest in part.result().items()}
        return {day: _digest_of(day, found, self.facts).hex() for day in days}


@contextmanager
def digesting(job: "Job", of: Callable[[Sequence[date]], Inputs], days: Sequence[date]) -> Iterator[Inputs | Digesting]:
    """Return what the days rest on, without facts. A wide job digests the rows while it computes.

    of: what some of the days rest on, which is all they rest on
    """
    if job.snapshot and is_wide(job.spark):
        with digesting_meanwhile(job.database, job.snapshot, of, days) as digests:
            yield digests
    else:
        yield of(days)


@contextmanager
def digesting_meanwhile(
    database: DatabaseSettings, snapshot: str, of: Callable[[Sequence[date]], Inputs], days: Sequence[date]
) -> Iterator[Digesting]:
    """Digest the rows of a snapshot in the background, until the end of the block. of: as for `digesting`."""

    def part(some: Sequence[date]) -> dict[date, bytes]:
        with reading_as_of(database, snapshot) as conn:
            return of(some).rows_digests(conn)

    with ThreadPoolExecutor(PARTS_AT_ONCE) as background:
        parts = [days[first : first + DAYS_OF_A_PART] for first in range(0, len(days), DAYS_OF_A_PART)]
        try:
            yield Digesting([background.submit(part, some) for some in parts])
        finally:
            background.shutdown(cancel_futures=True)


def price_rows(is_whole: bool = False) -> str:
    """Return the SQL of the prices that are read: those at the ends of a day's windows, or all in them."""
    return PRICE_ROWS.format(
        doubts=DOUBTS,
        closes=IN_BETWEEN if is_whole else AT_THE_ENDS,
        doubts_count="TRUE" if is_whole else IS_AT_AN_END,
    )


def price_params(tickers: Sequence[str], windows: Iterable[InputWindow]) -> dict[str, Any]:
    """Return the parameters of PRICE_ROWS, which include those of DOUBTS."""
    days, exchanges, starts, ends = map(list, zip(*windows, strict=True))
    return {
        **doubts.params(tickers, {*starts, *ends}),
        "exchanges": [sessions_exchange(ticker) for ticker in sorted(tickers)],
        "window_days": days,
        "window_exchanges": exchanges,
        "starts": starts,
        "ends": ends,
    }


def input_windows(windows: Iterable[ReturnWindow]) -> Iterator[InputWindow]:
    """Return the windows without their periods."""
    return ((each.as_of_date, each.exchange, each.start_session, each.end_session) for each in windows)


def _digest_of(day: date, rows: Mapping[date, bytes], facts: Mapping[date, Sequence[Any]]) -> bytes:
    return _sha256(rows.get(day, b"") + _text_of(facts.get(day, ())))


def _text_of(facts: Sequence[Any]) -> bytes:
    return "\n".join(sorted(map(repr, facts))).encode()


def _sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()
