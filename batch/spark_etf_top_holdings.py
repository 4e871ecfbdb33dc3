"""How each ETF's largest holdings did: holdings and prices -> analytics_etf_top_holdings.

Of every ETF with a holdings snapshot, its top holdings over 5, 10 and 20 sessions of their own exchange, in US dollars:
total return, and of the period's daily returns the mean, the standard deviation (n - 1) and the Sharpe ratio (their
quotient; risk-free rate 0). All of them are a session's, none is annualised: at most 20 daily returns say nothing about
a year. A price that is missing between the end points leaves the total return, and no value to the others; a withheld
break of the prices leaves none.
"""

import logging
import sys
from collections.abc import Sequence
from datetime import date
from itertools import groupby, pairwise

import pyspark.sql.functions as F
from pyspark.sql import DataFrame, Row, Window

from batch import runner
from batch.holdings import HOLDINGS, PRICES, with_holdings
from batch.returns import (
    PRICE_COLUMNS,
    SOURCES,
    exchanges_of,
    in_dollars,
    named,
    sessions_exchange_of,
    source_of,
    windows_of,
    with_mistrust,
    with_returns,
    with_windows,
)
from batch.returns import Window as Period
from batch.runner import Job, Outcome, Part, Publication
from config.universe import universe
from database.db_helper import fetch
from database.tables import ETF_TOP_HOLDINGS
from utils.dates import HOME_EXCHANGE, sessions_between
from utils.errors import NotStored
from utils.spark_utils import local_frame, lookup

NAME = "top_holdings"
log = logging.getLogger(f"batch.{NAME}")

# A price that grows by the same fraction every session has no variance but for the last bits of its returns.
NO_VOLATILITY = 1e-12
STATISTICS = ("avg_return", "volatility", "sharpe_ratio", "missing_reason")


def steps_of(windows: Sequence[Period]) -> list[tuple[str, date, date]]:
    """Each exchange's sessions in pairs, over everything the windows cover: the ends of the daily returns."""
    steps = []
    for exchange in sorted({window.exchange for window in windows}):
        own = [window for window in windows if window.exchange == exchange]
        first, last = min(window.start_session for window in own), max(window.end_session for window in own)
        steps += [(exchange, *pair) for pair in pairwise(sessions_between(first, last, exchange))]
    return steps


def daily_returns(stocks: DataFrame, steps: DataFrame, prices: DataFrame, doubts: DataFrame | None = None) -> DataFrame:
    """Every stock's return over each single session: daily_ticker, day, and the others of `with_returns` as daily_...

    stocks: ticker; steps: exchange, start_session, end_session
    """
    wanted = (
        stocks.withColumn("exchange", sessions_exchange_of(F.col("ticker")))
        .join(lookup(steps), "exchange", "inner")
        .drop("exchange")
        .coalesce(1)
    )
    return with_returns(wanted, prices, doubts).select(
        F.col("ticker").alias("daily_ticker"),
        F.col("end_session").alias("day"),
        F.col("period_return").alias("daily_return"),
        F.col("missing").alias("daily_missing"),
        F.when(F.size("noted") > 0, F.col("noted")).alias("daily_noted"),  # NULL is not collected
        F.col("price_mistrust").alias("daily_mistrust"),
    )


def with_statistics(returns: DataFrame, daily: DataFrame) -> DataFrame:
    """Adds avg_return, volatility, sharpe_ratio, missing_reason and the mistrust of all prices.

    returns: one row for each ticker, as_of_date and period_days (see `with_returns`)
    """
    in_period = (
        (F.col("ticker") == F.col("daily_ticker"))
        & (F.col("start_session") < F.col("day"))
        & (F.col("day") <= F.col("end_session"))
    )
    # Windows in order, not groups: of which a large run merges halves, and then the last bit of a deviation differs.
    in_order = Window.partitionBy("as_of_date", "ticker", "period_days").orderBy("day")
    whole = in_order.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    is_whole = F.count("daily_return").over(whole) == F.col("period_days")
    between, noted = (
        F.array_distinct(F.flatten(F.collect_list(reasons).over(whole))) for reasons in ("daily_missing", "daily_noted")
    )
    reasons = F.when(F.size("missing") > 0, F.col("missing")).otherwise(F.col("between"))
    return (
        returns.join(lookup(daily), in_period, "left")
        .withColumns(
            {
                "avg_return": F.when(is_whole, F.avg("daily_return").over(whole)),
                "volatility": F.when(is_whole, F.stddev_samp("daily_return").over(whole)),
                "between": between,
                "noted": F.array_sort(F.array_union("noted", noted)),
                "price_mistrust": F.greatest("price_mistrust", F.max("daily_mistrust").over(whole)),
                "nth": F.row_number().over(in_order),
            }
        )
        .where(F.col("nth") == 1)
        .withColumns(
            {
                "sharpe_ratio": F.when(F.col("volatility") > NO_VOLATILITY, F.col("avg_return") / F.col("volatility")),
                "missing_reason": F.when(F.size(reasons) > 0, F.array_join(reasons, "; ")),
            }
        )
        .select(*(column for column in returns.columns if column != "missing"), *STATISTICS)
    )


def top_holdings(
    etfs: DataFrame,
    holdings: DataFrame,
    windows: DataFrame,
    steps: DataFrame,
    prices: DataFrame,
    doubts: DataFrame | None = None,
) -> DataFrame:
    """Each ETF's top holdings over every period, in the table's columns and why they are in doubt (noted), ranked.

    An ETF without holdings has no row.

    etfs: as_of_date, etf_ticker
    """
    held = with_holdings(etfs, holdings).where(F.col("ticker").isNotNull()).coalesce(1)
    stocks = held.select("as_of_date", "ticker").distinct()
    measured = with_statistics(
        with_returns(with_windows(stocks, windows), prices, doubts),
        daily_returns(stocks.select("ticker").distinct(), steps, prices, doubts),
    )
    best_first = Window.partitionBy("as_of_date", "period_days", "etf_ticker").orderBy(
        F.col("period_return").desc_nulls_last(), F.desc("holding_percent"), "ticker"
    )
    return (
        held.join(lookup(measured), ["as_of_date", "ticker"], "inner")
        .coalesce(1)
        .withColumn("rank_position", F.row_number().over(best_first))
        .select(
            "etf_ticker",
            F.col("ticker").alias("stock_ticker"),
            "stock_name",
            "period_days",
            "rank_position",
            "avg_return",
            F.col("period_return").alias("total_return"),
            "volatility",
            "sharpe_ratio",
            F.col("as_of_date").alias("analysis_date"),
            "holding_rank",
            "holding_percent",
            "holdings_as_of",
            "start_session",
            "end_session",
            "missing_reason",
            named(F.col("ticker"), "noted").alias("noted"),
            source_of(F.greatest("holding_mistrust", "price_mistrust")).alias("source"),
        )
        .orderBy("analysis_date", "period_days", "etf_ticker", "rank_position")
    )


def run(current: Job) -> Outcome:
    """Compute and publish every session of which a holding's price is stored; name the others."""
    skipped = without_prices(current)
    sessions = [session for session in current.days if session not in skipped]
    if not sessions:
        raise NotStored("; ".join(skipped.values()))
    tickers = held_tickers(current)
    if not tickers:
        raise NotStored("no holdings of any ETF are stored: collect them first (stage 4, or etf_holdings_daily)")
    log.info("measuring the top holdings of %d ETFs in %d sessions", len(universe().etfs), len(sessions))
    rows = holdings_of(current, sessions, tickers).collect()
    missing = set(universe().etfs) - {row.etf_ticker for row in rows}
    if missing:
        log.warning("no holdings are stored of %s", ", ".join(sorted(missing)))
    publications = [
        publication_of(day, days, list(of_period))
        for (day, days), of_period in groupby(rows, key=lambda row: (row.analysis_date, row.period_days))
    ]
    part = Part(ETF_TOP_HOLDINGS, {"analysis_date": sessions}, runner.rows_of(ETF_TOP_HOLDINGS, rows))
    runner.publish(current, NAME, [part], publications)
    return Outcome(publications, skipped)


def holdings_of(current: Job, sessions: Sequence[date], tickers: Sequence[str]) -> DataFrame:
    """Read what the sessions need, and measure it all in one go."""
    windows = windows_of(sessions, {HOME_EXCHANGE, *exchanges_of(tickers)}, runner.periods())
    steps = steps_of(windows)
    ends = sorted({day for _, *pair in steps for day in pair})
    days = local_frame(current.spark, [(day,) for day in sessions], ("as_of_date",))
    return top_holdings(
        etfs=days.withColumn("etf_ticker", F.explode(F.array(*map(F.lit, universe().etfs)))),
        holdings=with_mistrust(current.read(HOLDINGS, top=universe().top_holdings)),
        windows=current.windows(windows),
        steps=local_frame(current.spark, steps, ("exchange", "start_session", "end_session")),
        prices=in_dollars(current.read(PRICES, tickers=list(tickers), sessions=ends)).select(*PRICE_COLUMNS),
        doubts=current.doubts(tickers, ends),
    )


def publication_of(as_of: date, days: int, rows: Sequence[Row]) -> Publication:
    """What is said of one session's period as a whole.

    It is degraded when an ETF has only some of its holdings' returns, or doubtful ones. An ETF without any is one that
    nobody collects now: stage 4 asks for the trending ones.
    """
    valued = {row.etf_ticker for row in rows if row.total_return is not None}
    gaps = [
        f"{row.stock_ticker}: {row.missing_reason}" for row in rows if row.missing_reason and row.etf_ticker in valued
    ]
    gaps += [reason for row in rows for reason in row.noted]
    return Publication(
        job=NAME,
        as_of_date=as_of,
        period_days=days,
        status="published" if valued else "empty",
        reason=None if valued else f"none of the {len(rows)} top holdings has a return over {days} sessions",
        degraded_reason=runner.degradation(gaps),
        row_count=len(rows),
        holdings_as_of=max(row.holdings_as_of for row in rows),
        source=max((row.source for row in rows), key=SOURCES.index),
    )


def held_tickers(current: Job) -> list[str]:
    """The stocks whose prices are needed, of whichever snapshot."""
    rows = fetch(
        current.conn,
        """
        SELECT DISTINCT stock_ticker FROM collected_etf_holdings
        WHERE holding_rank <= %(top)s AND etf_ticker = ANY(%(etfs)s)
        ORDER BY stock_ticker
        """,
        {"top": universe().top_holdings, "etfs": list(universe().etfs)},
    )
    return [row["stock_ticker"] for row in rows]


def without_prices(current: Job) -> dict[date, str]:
    """The sessions for which stage 4 has to come first: no stock has a price, though something may trend."""
    rows = fetch(
        current.conn,
        """
        SELECT trade_date AS day FROM collected_daily_stock_history
        WHERE trade_date = ANY(%(sessions)s) AND quote_type <> 'CURRENCY'
        UNION
        SELECT as_of_date FROM analytics_publication
        WHERE job = 'trending' AND status <> 'published' AND as_of_date = ANY(%(sessions)s)
        """,
        {"sessions": list(current.days)},
    )
    ready = {row["day"] for row in rows}
    return {
        day: f"no stock has a price of {day}: collect it first (stage 4, daily_trending_etf_holdings_collection)"
        for day in current.days
        if day not in ready
    }


def main(arguments: Sequence[str] | None = None) -> int:
    return runner.main("ETF top holdings", "Publish how the ETFs' top holdings did.", run, arguments)


if __name__ == "__main__":
    sys.exit(main())
