"""The track record of the published portfolios: publications and prices -> analytics_portfolio_performance.

Each portfolio is followed as it was published: decided on one session, bought at the close of the next one, and held
with drifting weights until the next publication is bought. The monthly portfolio is followed, too. It becomes cash when
it expires. An empty publication is cash. A session without a publication, or with one that is not computable, leaves
the portfolio as it is. So the track record begins with the first computable one.

The record follows the first revision of each portfolio, which is what a person could have acted on. A later revision of
a portfolio changes nothing here. Where the first one was published only after the close at which it is bought, or rests
on later holdings, nobody could: this is marked as hindsight.

Every run computes all series again, from the first publication to the newest session that was ever asked for. So the
order of runs changes nothing, and one run waits for another. Prices that were restated meanwhile make new revisions of
earlier sessions: the record is shown as it was published first, and these beside it.
"""

import json
import logging
import math
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import chain, groupby, islice
from operator import attrgetter
from typing import Any

import pyspark.sql.functions as F
from pyspark.sql import DataFrame, Row

from batch.inputs import Inputs
from batch.prices import PRICE_COLUMNS, STOCK_PRICES, benchmark_sources, read_prices, why_no_benchmark
from batch.publishing import (
    SHOWN_REASONS,
    JobResult,
    Publication,
    TablePart,
    publish,
    published_periods,
    rows_for,
)
from batch.reasons import read_each
from batch.returns import exchanges_of
from batch.runner import Job, of_one_moment, one_at_a_time, run_job
from batch.sources import least_trusted, source_label, with_source_rank
from batch.track_record import (
    Decision,
    ExchangeClose,
    HoldingPeriod,
    closes_of,
    holding_periods_of,
    marked_prices,
    summaries,
    track_record,
)
from config.periods import MONTHLY_PERIOD, PERIODS
from config.universe import universe
from database.db_helper import Row as StoredRow
from database.db_helper import fetch
from database.queries import doubts
from database.queries.decisions import DECISIONS, KNOWN_SINCE, POSITIONS
from database.queries.doubts import DOUBTS
from database.tables import PERFORMANCE_SUMMARY, PORTFOLIO_PERFORMANCE, Table
from utils.dates import HOME_EXCHANGE, close_of, sessions_between, traded_on
from utils.errors import NotStored
from utils.reasons import Reason, as_one, from_json, reason, unique
from utils.spark_utils import local_frame

NAME = "performance"
log = logging.getLogger(f"batch.{NAME}")

FIRST_DECISIONS = f"""
    SELECT period_days, as_of_date AS decided_on, degraded_reason IS NOT NULL AS is_degraded,
        COALESCE(holdings_as_of > as_of_date, FALSE) OR COALESCE({KNOWN_SINCE} > bought_at, FALSE) AS has_hindsight,
        source
    FROM ({DECISIONS}) AS decision
    JOIN UNNEST(%(decided)s::date[], %(bought_at)s::timestamptz[]) AS purchase (as_of_date, bought_at)
        USING (as_of_date)
    LEFT JOIN evidence_link AS link ON (link.chain, link.position) = ('publications', decision.position)
    WHERE job = 'rebalance' OR period_days = ANY(%(periods)s)
    ORDER BY period_days, as_of_date
"""
# A dividend rescales all earlier prices, which moves the last digits of every value. That is no other record.
NOISE = 1e-9


@one_at_a_time(NAME)
@of_one_moment
def run(job: Job) -> JobResult:
    """Follow every portfolio to the last of the days, and publish each day on which the benchmark has a price."""
    sources = benchmark_sources(job, job.days)
    skipped = {day: why_no_benchmark([day]) for day in job.days if day not in sources}
    if not sources:
        raise NotStored(as_one(skipped.values()))
    decisions = published_decisions(job)
    rows, figures = follow(job, decisions, last_session_to_follow(job, max(sources)))
    why_none = why_empty(decisions, 0 if decisions else count_not_computable(job))
    publications = publications_of(sources, rows, why_none)
    where = {"period_days": [MONTHLY_PERIOD, *PERIODS]}
    parts = [
        TablePart(PORTFOLIO_PERFORMANCE, where, but_for_noise(job, PORTFOLIO_PERFORMANCE, rows)),
        TablePart(PERFORMANCE_SUMMARY, where, but_for_noise(job, PERFORMANCE_SUMMARY, figures)),
    ]
    followed = {row.trade_date for row in rows} | stored_sessions(job)
    publish(
        job, NAME, parts, publications, inputs_of(job, max(followed, default=None)), recomputed_days=sorted(followed)
    )
    return JobResult(publications, skipped)


def follow(job: Job, decisions: Sequence[Decision], last: date) -> tuple[list[Row], list[Row]]:
    """Return every session of every portfolio up to the last one, and the summaries up to each session."""
    sessions = sessions_between(decisions[0].decided_on, last) if decisions else []
    holding_periods = holding_periods_of(decisions, sessions)
    if not holding_periods:
        return [], []
    log.info("following the portfolios of %d publications to %s", len(decisions), last)
    # Cached because both queries need it: computing it is most of the run.
    series = track_record_of(job, holding_periods, sessions).cache()
    try:
        ordered = series.withColumn("source", source_label(F.col("source_rank"))).orderBy("period_days", "trade_date")
        return ordered.collect(), summaries(series, universe().cost_rate).collect()
    finally:
        series.unpersist()


def track_record_of(job: Job, holding_periods: Sequence[HoldingPeriod], sessions: Sequence[date]) -> DataFrame:
    """Read what the holding periods need, and follow all portfolios."""
    benchmark = universe().benchmark
    stocks = [row["ticker"] for row in fetch(job.conn, f"SELECT DISTINCT ticker FROM ({POSITIONS}) AS held")]
    tickers = sorted({benchmark, *stocks})
    closes = closes_of(sessions, {HOME_EXCHANGE, *exchanges_of(tickers)})
    days = sorted({close.day for close in closes})
    prices = read_prices(job, STOCK_PRICES, tickers, days).select(*PRICE_COLUMNS)
    return track_record(
        holding_periods=with_source_rank(local_frame(job.spark, holding_periods, HoldingPeriod._fields)),
        positions=job.read(POSITIONS),
        marks=marked_prices(
            tickers=local_frame(job.spark, [(ticker,) for ticker in tickers], ["ticker"]),
            closes=local_frame(job.spark, closes, ExchangeClose._fields),
            prices=prices,
            doubts=job.doubts(tickers, days),
        ),
        benchmark=benchmark,
        cost_rate=universe().cost_rate,
    )


def but_for_noise(job: Job, table: Table, rows: Sequence[Row]) -> list[tuple[Any, ...]]:
    """Return the rows for a table. One that is what is stored, but for the last digits, stays as it is stored."""
    stored = {_key(table, row): row for row in fetch(job.conn, f"SELECT * FROM {table.name}")}
    return rows_for(table, [_but_for_noise(row, stored.get(_key(table, row))) for row in rows])


def _but_for_noise(row: Row, stored: StoredRow | None) -> Row | StoredRow:
    if stored is None or not all(_is_same(row[column], stored[column]) for column in stored):
        return row
    return {column: value if isinstance(value, float) else row[column] for column, value in stored.items()}


def _is_same(value: Any, stored: Any) -> bool:
    if isinstance(value, float) and isinstance(stored, float):
        return math.isclose(value, stored, rel_tol=NOISE, abs_tol=NOISE)
    if isinstance(value, str) and isinstance(stored, list):  # reasons, which are a text of JSON until they are stored
        return bool(json.loads(value) == stored)
    return bool(value == stored)


def _key(table: Table, row: Row | StoredRow) -> tuple[Any, ...]:
    return tuple(row[column] for column in table.key)


def stored_sessions(job: Job) -> set[date]:
    """Return the sessions that are followed so far."""
    return {
        row["day"] for row in fetch(job.conn, "SELECT DISTINCT trade_date AS day FROM analytics_portfolio_performance")
    }


def inputs_of(job: Job, last: date | None) -> Inputs:
    """Return what each session rests on: all portfolios decided by then, and the prices of all that is in them.

    A price counts from its day on, and from the day on which its ticker is first decided on.
    """
    rows = fetch(job.conn, f"SELECT ticker, MIN(decided_on) AS since FROM ({POSITIONS}) AS held GROUP BY ticker")
    since = {row["ticker"]: row["since"] for row in rows}
    first = min(since.values(), default=last)
    tickers = sorted({*since, universe().benchmark})
    return Inputs(
        f"""
        WITH ticker AS (
            SELECT * FROM UNNEST(%(tickers)s::text[], %(since)s::date[]) AS ticker (ticker, since)
        )
        SELECT decided_on AS as_of_date, sha256(convert_to(decision::text, 'UTF8')) AS digest
        FROM ({FIRST_DECISIONS}) AS decision
        UNION ALL
        SELECT decided_on, sha256(convert_to(position::text, 'UTF8')) FROM ({POSITIONS}) AS position
        UNION ALL
        SELECT GREATEST(trade_date, since), sha256(convert_to(close::text, 'UTF8'))
        FROM collected_dollar_close AS close JOIN ticker USING (ticker)
        WHERE trade_date BETWEEN %(first)s AND %(last)s
        UNION ALL
        SELECT GREATEST(trade_date, since), sha256(convert_to(doubt::text, 'UTF8'))
        FROM ({DOUBTS}) AS doubt JOIN ticker USING (ticker)
        """,
        {
            **doubts.params(tickers, sessions_between(first, last) if first and last else []),
            "since": [since.get(ticker, first) for ticker in tickers],
            "first": first,
            "last": last,
            **_decided(job),
        },
        grows=True,
    )


def count_not_computable(job: Job) -> int:
    """Count the portfolios that were published as not computable, which are no decisions."""
    query = "SELECT COUNT(*) AS n FROM analytics_publication WHERE job = 'allocation' AND status = 'not_computable'"
    return int(fetch(job.conn, query)[0]["n"])


def published_decisions(job: Job) -> list[Decision]:
    """Return all that stage 5 and the monthly rebalance have published, the earliest first."""
    rows = fetch(job.conn, FIRST_DECISIONS, _decided(job))
    return sorted((Decision(**row) for row in rows), key=attrgetter("decided_on"))


def _decided(job: Job) -> dict[str, Any]:
    """Return the parameters of FIRST_DECISIONS: the periods, the days, and when what is decided on them is bought."""
    rows = fetch(job.conn, f"SELECT DISTINCT as_of_date AS day FROM ({DECISIONS}) AS decision")
    days = [row["day"] for row in rows]
    return {
        "periods": list(published_periods()),
        "decided": days,
        "bought_at": [close_of(traded_on(day)) for day in days],
    }


def last_session_to_follow(job: Job, asked: date) -> date:
    """Return the session asked for, or the newest one of the stored track record if that is later."""
    [row] = fetch(job.conn, "SELECT MAX(trade_date) AS newest FROM analytics_portfolio_performance")
    return max(asked, row["newest"] or asked)


def publications_of(sources: Mapping[date, str], rows: Sequence[Row], why_none: Reason) -> list[Publication]:
    """Return the publication of each session. Its source is the least trusted one of the track record up to it.

    sources: the sessions to publish, each with the source of the benchmark's price
    why_none: why a session has no rows, if it has none
    """
    in_order = sorted(rows, key=attrgetter("trade_date"))
    by_day = {day: list(of_day) for day, of_day in groupby(in_order, key=attrgetter("trade_date"))}
    publications, sources_so_far, doubts_so_far = [], set[str](), dict[str, None]()
    # One pass for all sessions: the record is as long as the range.
    for day in sorted({*sources, *by_day}):
        of_day = by_day.get(day, [])
        sources_so_far |= {row.source for row in of_day}
        if day in sources:
            source = least_trusted([sources[day], *sources_so_far])
            before = _doubts_before(list(islice(doubts_so_far, SHOWN_REASONS)), len(doubts_so_far))
            publications.append(_publication_of(day, of_day, why_none, source, before))
        doubts_so_far |= dict.fromkeys(chain.from_iterable(sorted(row.lasting for row in of_day)))
    return publications


def _publication_of(
    day: date, of_day: Sequence[Row], why_none: Reason, source: str, doubts_before: Sequence[Reason]
) -> Publication:
    return Publication(
        job=NAME,
        as_of_date=day,
        period_days=0,
        status="published" if of_day else "empty",
        reason=[] if of_day else [why_none],
        row_count=len(of_day),
        source=source,
        degraded_reason=unique([*_doubts_of(of_day), *doubts_before]),
    )


def _doubts_of(rows: Sequence[Row]) -> list[Reason]:
    """Return what is carried or in doubt at a session's close."""
    carried = [each for row in rows for each in from_json(row.carried_reason)]
    return [*carried, *read_each(noted for row in rows for noted in row.noted)]


def _doubts_before(first: Sequence[str], count: int) -> list[Reason]:
    """Name the doubts of earlier sessions that stay in the values: the first few, and how many more there are."""
    if not count:
        return []
    shown, more = read_each(first), count - SHOWN_REASONS
    if more > 0:
        return [reason("many_earlier_doubts", reasons=shown, more=more)]
    return [reason("earlier_doubts", reasons=shown)]


def why_empty(decisions: Sequence[Decision], not_computable: int = 0) -> Reason:
    """Tell why there is nothing to follow yet.

    not_computable: how many portfolios were published as not computable, which is no decision
    """
    if not decisions and not_computable:
        return reason("no_portfolio_computable", count=not_computable)
    if not decisions:
        return reason("no_portfolio_yet")
    first = decisions[0].decided_on
    return reason("bought_later", decided_on=first, bought_on=traded_on(first))


def main(arguments: Sequence[str] | None = None) -> int:
    return run_job(
        "portfolio performance", "Follow the published portfolios to a session.", run, arguments, rows_a_day=None
    )


if __name__ == "__main__":
    sys.exit(main())
