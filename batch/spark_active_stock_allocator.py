"""The three portfolios (stage 5): trending ETFs, their holdings and prices -> analytics_portfolio_allocation.

For each period: of each ETF that trends over it the best of its largest holdings; score = return / market cap; weight =
the score's share of all scores. A stock that several ETFs choose is one position. Every holding that was looked at is
kept in analytics_allocation_candidates, with the reason why it was not chosen. Over a period of which the benchmark has
no return no ETF can trend: that portfolio is not computable, which is no decision for cash.
"""

import logging
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import groupby
from operator import attrgetter
from types import MappingProxyType
from typing import Any, NamedTuple

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame, Row, Window

from batch import job
from batch.holdings import HOLDINGS, PRICES, with_holdings
from batch.job import STORED_PERIODS, Job, Outcome, Part, Publication
from batch.returns import (
    SOURCES,
    exchanges_of,
    in_dollars,
    sessions_used,
    source_of,
    windows_of,
    with_mistrust,
    with_returns,
    with_windows,
)
from batch.weights import weights_of
from config.universe import universe
from database.db_helper import fetch
from database.queries import ledger, missing_holdings
from database.queries.doubts import sessions_exchange
from database.queries.returns import TickerWindow, between
from database.tables import ALLOCATION_CANDIDATES, PORTFOLIO_ALLOCATION
from utils.dates import HOME_EXCHANGE, window_of
from utils.errors import NotPublished

NAME = "allocation"
log = logging.getLogger(f"batch.{NAME}")
REASON_LENGTH = 400  # of exclusion_reason
NO_MARKET_CAP = "no market cap on "

TRENDING = """
    SELECT as_of_date, etf_ticker, period_days, source
    FROM analytics_trending_etfs
    CROSS JOIN LATERAL (
        VALUES (5, is_trending_5d), (10, is_trending_10d), (20, is_trending)
    ) AS flag (period_days, trends)
    WHERE trends AND as_of_date = ANY(%(sessions)s) AND period_days = ANY(%(periods)s)
"""

Portfolio = tuple[date, int]  # session and period

OF_ETF = ("as_of_date", "period_days", "etf_ticker")


class Trending(NamedTuple):
    """What stage 3 says of a session; not_computable: the periods over which it could compare nothing -> why."""

    source: str
    degraded_reason: str | None = None
    not_computable: Mapping[int, str] = MappingProxyType({})


def beside_its_period(returns: DataFrame) -> DataFrame:
    """Each candidate over its own period, with what is known of the ticker over the others beside it.

    returns: candidates (`chosen_over` says of which portfolio) times every period.
    """
    of_stock = Window.partitionBy("as_of_date", "ticker")
    same_stock = Window.partitionBy("as_of_date", "period_days", "ticker").orderBy("chosen_over", "etf_ticker")
    same_sector = Window.partitionBy("as_of_date", "period_days", "sector")
    once = F.when(F.col("nth") == 1, F.col("period_return"))  # a stock counts once, however many ETFs hold it

    def over_period(days: int, column: str) -> Column:
        return F.max(F.when(F.col("period_days") == days, F.col(column))).over(of_stock)

    beside = {}
    for days in STORED_PERIODS:
        beside[f"return_{days}d"] = over_period(days, "period_return")
        beside[f"sector_avg_{days}d"] = over_period(days, "sector_average")
        beside[f"is_trending_{days}d"] = F.max(F.col("chosen_over") == days).over(of_stock)
    return (
        returns.withColumn("nth", F.row_number().over(same_stock))
        .withColumn("sector_average", F.when(F.col("sector").isNotNull(), F.avg(once).over(same_sector)))
        .withColumns(beside)
        .where(F.col("period_days") == F.col("chosen_over"))
    )


def judge(candidates: DataFrame) -> DataFrame:
    """Choose the best eligible candidate of each ETF, and say of every other why it was not chosen."""
    is_eligible = F.col("ineligible").isNull()
    best_first = Window.partitionBy(*OF_ETF).orderBy(
        is_eligible.desc(), F.col("period_return").desc(), F.col("holding_percent").desc(), "ticker"
    )
    chosen = {
        f"best_{column}": F.first(column).over(best_first) for column in ("ticker", "period_return", "holding_percent")
    }
    is_selected = is_eligible & (F.col("ticker") == F.col("best_ticker"))
    return (
        candidates.withColumn("ineligible", _why_ineligible())
        .withColumns(chosen)
        .withColumn("is_selected", F.coalesce(is_selected, F.lit(False)))
        .withColumn("why_not", F.coalesce(_shown("ineligible"), _why_not_best()))
        .withColumn("exclusion_reason", F.when(~F.col("is_selected"), F.col("why_not")))
        .drop("ineligible", "why_not", *chosen)
    )


def _why_ineligible() -> Column:
    period_return = F.col("period_return")
    has_no_cap = F.col("market_cap").isNull() | (F.col("market_cap") <= 0)
    return (
        F.when(F.size("missing") > 0, F.array_join("missing", "; "))
        .when(period_return <= 0, F.concat(F.lit("return of "), _percent(period_return), F.lit(" is not positive")))
        .when(has_no_cap, F.concat(F.lit(NO_MARKET_CAP), F.col("end_session").cast("string")))
    )


def _shown(reason: str) -> Column:
    """A reason as long as its column."""
    shortened = F.concat(F.substring(reason, 1, REASON_LENGTH - 1), F.lit("…"))
    return F.when(F.length(reason) > REASON_LENGTH, shortened).otherwise(F.col(reason))


def _why_not_best() -> Column:
    better = F.concat(
        F.col("best_ticker"), F.lit(" returned more ("), _percent(F.col("best_period_return")), F.lit(")")
    )
    larger = F.concat(F.col("best_ticker"), F.lit(" returned the same and is the larger holding"))
    first = F.concat(F.col("best_ticker"), F.lit(" is equal in return and holding, and first by ticker"))
    return (
        F.when(F.col("best_period_return") > F.col("period_return"), better)
        .when(F.col("best_holding_percent") > F.col("holding_percent"), larger)
        .otherwise(first)
    )


def _percent(fraction: Column) -> Column:
    return F.format_string("%+.2f %%", fraction * 100)


def candidates_of(
    trending: DataFrame, holdings: DataFrame, windows: DataFrame, prices: DataFrame, doubts: DataFrame | None = None
) -> DataFrame:
    """Every holding that was looked at, judged, in the candidates table's order; also ETFs without holdings."""
    held = with_holdings(trending.withColumnRenamed("period_days", "chosen_over"), holdings)
    returns = with_returns(with_windows(held, windows), prices, doubts)
    return (
        judge(beside_its_period(returns))
        .withColumn("source", source_of(F.greatest("mistrust", "holding_mistrust", "price_mistrust")))
        .orderBy("as_of_date", "period_days", "etf_ticker", "holding_rank", "ticker")
    )


def portfolio_of(chosen: Sequence[Row], cap: float) -> tuple[list[dict[str, Any]], float]:
    """One portfolio's positions, largest first, and its cash: the chosen candidates by ticker, each scored once."""
    by_ticker = {
        ticker: sorted(rows, key=attrgetter("etf_ticker"))
        for ticker, rows in groupby(sorted(chosen, key=attrgetter("ticker")), key=attrgetter("ticker"))
    }
    scores = {ticker: rows[0].period_return / rows[0].market_cap for ticker, rows in by_ticker.items()}
    weights, cash = weights_of(scores, cap)
    largest_first = sorted(scores, key=lambda ticker: (-weights[ticker], -scores[ticker], ticker))
    positions = [
        _position(by_ticker[ticker], rank, scores[ticker], weights[ticker])
        for rank, ticker in enumerate(largest_first, 1)
    ]
    return positions, cash


def _position(rows: Sequence[Row], rank: int, score: float, weight: float) -> dict[str, Any]:
    """One row of the table but for the ranks in the other portfolios."""
    etfs = [row.etf_ticker for row in rows]
    return {
        **rows[0].asDict(),
        "score": score,
        "portfolio_weight": weight,
        "position_rank": rank,
        "source_etfs": etfs,
        "holdings_as_of": max(row.holdings_as_of for row in rows),
        "source": max((row.source for row in rows), key=SOURCES.index),
        "allocation_reason": (
            f"best of the top {universe().top_holdings} of {', '.join(etfs)} over {rows[0].period_days} sessions: "
            f"{rows[0].period_return:+.2%} in US dollars at a market cap of {rows[0].market_cap / 1e9:,.2f} billion"
        ),
    }


def with_ranks(positions: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each position's rank in every portfolio of its session; None where it is not in it."""
    ranks = {(row["as_of_date"], row["ticker"], row["period_days"]): row["position_rank"] for row in positions}
    return [
        row | {f"rank_{days}d": ranks.get((row["as_of_date"], row["ticker"], days)) for days in STORED_PERIODS}
        for row in positions
    ]


def why_empty(days: int, rows: Sequence[Row]) -> str:
    """Why nobody is in a portfolio: no ETF trends, none has holdings, or each candidate's own reason."""
    if not rows:
        return f"no ETF trends over {days} sessions"
    etfs = ", ".join(sorted({row.etf_ticker for row in rows}))
    reasons = sorted({f"{row.ticker}: {row.exclusion_reason}" for row in rows if row.ticker})
    if not reasons:
        return f"no holdings are stored of {etfs}"
    return f"none of the {len(reasons)} largest holdings of {etfs} is eligible: {'; '.join(reasons)}"


def run(current: Job) -> Outcome:
    """Compute and publish the portfolios of every session that stage 3 has published; name the others."""
    published = trending_published(current)
    skipped = {
        day: f"stage 3 has not published {day}: run daily_trending_etf_analysis for it first"
        for day in current.days
        if day not in published
    }
    if not published:
        raise NotPublished("; ".join(skipped.values()))
    log.info("judging the holdings of the ETFs that trend in %d sessions", len(published))
    rows = candidates(current, list(published)).collect()
    gaps = gaps_of(current, rows)
    positions, publications = portfolios(rows, published, gaps)
    stored = [row for row in rows if row.ticker]
    for etf in sorted({row.etf_ticker for row in rows if not row.ticker}):
        log.warning("%s trends, but no holdings of it are stored: it chooses nobody", etf)
    where = {"as_of_date": list(published)}
    parts = [
        Part(PORTFOLIO_ALLOCATION, where, job.rows_of(PORTFOLIO_ALLOCATION, with_ranks(positions))),
        Part(ALLOCATION_CANDIDATES, where, job.rows_of(ALLOCATION_CANDIDATES, stored)),
    ]
    job.publish(current, NAME, parts, publications)
    return Outcome(publications, skipped)


def gaps_of(current: Job, rows: Sequence[Row]) -> dict[Portfolio, list[str]]:
    """Each portfolio that was judged without a figure or holdings, or on doubtful ones -> which, and why."""
    windows = {(row.ticker, row.start_session, row.end_session) for row in rows if row.ticker}
    reasons = ledger.why_missing(current.conn, windows)
    stand_ins = missing_holdings.stand_ins(current.conn, {row.as_of_date for row in rows})
    found: dict[Portfolio, list[str]] = {}
    for row in rows:
        of_portfolio = found.setdefault((row.as_of_date, row.period_days), [])
        of_portfolio += filter(None, [stand_ins.get((row.as_of_date, row.etf_ticker))])
        if row.ticker is None:
            of_portfolio.append(f"no holdings of {row.etf_ticker} are stored")
            continue
        of_portfolio += reasons.get((row.ticker, row.start_session, row.end_session), [])
        if (row.exclusion_reason or "").startswith(NO_MARKET_CAP):
            of_portfolio.append(f"{row.ticker}: {row.exclusion_reason}")
    return found


def portfolios(
    rows: Sequence[Row], published: Mapping[date, Trending], gaps: Mapping[Portfolio, Sequence[str]]
) -> tuple[list[dict[str, Any]], list[Publication]]:
    """Every published session's portfolios from the judged candidates: all positions, and a publication for each."""
    by_portfolio = {key: list(group) for key, group in groupby(rows, key=attrgetter("as_of_date", "period_days"))}
    positions, publications = [], []
    for as_of, trending in published.items():
        for days in job.periods():
            looked_at = by_portfolio.get((as_of, days), [])
            chosen = [row for row in looked_at if row.is_selected]
            portfolio, cash = portfolio_of(chosen, universe().max_position_weight)
            degraded = job.degradation([trending.degraded_reason, *gaps.get((as_of, days), [])])
            not_computable = trending.not_computable.get(days)
            positions += [position | {"is_degraded": degraded is not None} for position in portfolio]
            publications.append(
                Publication(
                    job=NAME,
                    as_of_date=as_of,
                    period_days=days,
                    status="published" if portfolio else "not_computable" if not_computable else "empty",
                    reason=None if portfolio else not_computable or why_empty(days, looked_at),
                    row_count=len(portfolio),
                    cash_weight=cash,
                    holdings_as_of=max((row.holdings_as_of for row in looked_at if row.ticker), default=None),
                    source=max([trending.source, *(row.source for row in looked_at)], key=SOURCES.index),
                    degraded_reason=degraded,
                )
            )
    return positions, publications


def trending_published(current: Job) -> dict[date, Trending]:
    """The sessions that stage 3 has published, and what it says of them."""
    rows = fetch(
        current.conn,
        """
        SELECT
            publication.as_of_date,
            publication.source,
            publication.degraded_reason,
            COALESCE(BOOL_OR(is_trending_5d OR spy_return_5d IS NOT NULL), FALSE) AS is_computable_5d,
            COALESCE(BOOL_OR(is_trending_10d OR spy_return_10d IS NOT NULL), FALSE) AS is_computable_10d,
            COALESCE(BOOL_OR(is_trending OR spy_return_20d IS NOT NULL), FALSE) AS is_computable_20d
        FROM analytics_publication AS publication
        LEFT JOIN analytics_trending_etfs AS etf USING (as_of_date)
        WHERE job = 'trending' AND publication.as_of_date = ANY(%(sessions)s)
        GROUP BY publication.as_of_date, publication.source, publication.degraded_reason
        ORDER BY as_of_date
        """,
        {"sessions": list(current.days)},
    )
    not_computable = _why_not_computable(
        current,
        [(row["as_of_date"], days) for row in rows for days in job.periods() if not row[f"is_computable_{days}d"]],
    )
    return {
        row["as_of_date"]: Trending(
            row["source"], row["degraded_reason"], not_computable.get(row["as_of_date"], MappingProxyType({}))
        )
        for row in rows
    }


def _why_not_computable(current: Job, portfolios: Sequence[Portfolio]) -> dict[date, dict[int, str]]:
    """Why stage 3 could compare no ETF with the benchmark, for each of these portfolios."""
    benchmark = universe().benchmark
    exchange = sessions_exchange(benchmark)
    windows = [TickerWindow(benchmark, "", *window_of(as_of, days, exchange)) for as_of, days in portfolios]
    found: dict[date, dict[int, str]] = {}
    for (as_of, days), each in zip(portfolios, between(current.conn, windows), strict=True):
        why = each.missing_reason or "it had none when stage 3 was computed"
        found.setdefault(as_of, {})[days] = (
            f"not computable: no ETF can be compared with {benchmark} over {days} sessions; {benchmark}: {why}"
        )
    return found


def candidates(current: Job, sessions: list[date]) -> DataFrame:
    """Read what the sessions need, and judge it all in one go."""
    tickers = held_by_trending(current, sessions)
    windows = windows_of(sessions, {HOME_EXCHANGE, *exchanges_of(tickers)}, job.periods())
    days = sessions_used(windows)
    return candidates_of(
        trending=with_mistrust(current.read(TRENDING, sessions=sessions, periods=list(job.periods()))),
        holdings=with_mistrust(current.read(HOLDINGS, top=universe().top_holdings)),
        windows=current.windows(windows),
        prices=in_dollars(current.read(PRICES, sessions=days, tickers=tickers)),
        doubts=current.doubts(tickers, days),
    )


def held_by_trending(current: Job, sessions: list[date]) -> list[str]:
    """The stocks whose prices are needed, of whichever snapshot."""
    rows = fetch(
        current.conn,
        """
        SELECT DISTINCT stock_ticker FROM collected_etf_holdings
        WHERE holding_rank <= %(top)s AND etf_ticker IN (
            SELECT etf_ticker FROM analytics_trending_etfs
            WHERE as_of_date = ANY(%(sessions)s) AND (is_trending_5d OR is_trending_10d OR is_trending))
        ORDER BY stock_ticker
        """,
        {"top": universe().top_holdings, "sessions": sessions},
    )
    return [row["stock_ticker"] for row in rows]


def main(arguments: Sequence[str] | None = None) -> int:
    return job.main("portfolio allocation", "Publish the three portfolios (stage 5).", run, arguments)


if __name__ == "__main__":
    sys.exit(main())
