"""The value of the published portfolios, session by session: the maths of batch.spark_portfolio_performance.

A portfolio is bought at the close of one session and sold at the close of another. This is a holding period, in which
its weights drift. Inside a holding period the value has a closed form: the sum of w_i * P_i(session) / P_i(entry). The
values of the holding periods are chained by a running product. So a whole history takes a few joins and windows, and
no row depends on the row before.

A withheld break separates a ticker's prices. A position that was bought before it keeps its last close before it. A
position that is bought after it knows only the prices after it.

A session is identified by its position in a list of the home exchange's sessions: one axis for all exchanges.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import groupby, zip_longest
from operator import attrgetter
from typing import NamedTuple

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame, Window, WindowSpec

from batch.reasons import each_once, json_array, matching, no_reasons, of_ticker, of_ticker_each, reason_of
from batch.returns import (
    doubts_by_ticker,
    sessions_exchange_of,
    simple_return,
    why_no_exchange,
    why_no_price,
)
from batch.sources import source_label
from config.periods import MONTHLY_PERIOD
from config.universe import ANNUALISED_FROM_SESSIONS, SESSIONS_A_YEAR
from database.queries.doubts import CARRIED_RATE, NOTED, WITHHELD
from utils.dates import month_sold_on, traded_on, window_of
from utils.spark_utils import lookup

# Keys: of a holding period, and of one close in it.
HOLDING_PERIOD = ("period_days", "entry")
HOLDING_PERIOD_CLOSE = ("period_days", "entry", "position")


class Decision(NamedTuple):
    """A publication as the track record uses it: what to hold from the close of the next session on."""

    period_days: int
    decided_on: date
    is_degraded: bool
    has_hindsight: bool
    source: str


class HoldingPeriod(NamedTuple):
    """The time for which a portfolio is held.

    entry, exit: positions of the sessions at whose closes it is bought and sold, or last valued
    is_traded: something is traded at the exit
    is_cash: a monthly portfolio has expired, and nothing is held
    """

    period_days: int
    decided_on: date
    is_degraded: bool
    has_hindsight: bool
    source: str
    entry: int
    exit: int
    is_traded: bool
    is_cash: bool


class ExchangeClose(NamedTuple):
    """The last session of an exchange (day) that was over at the close of a home session."""

    exchange: str
    position: int
    session: date
    day: date


def holding_periods_of(decisions: Sequence[Decision], sessions: Sequence[date]) -> list[HoldingPeriod]:
    """Return the holding periods of all portfolios, up to the last of the sessions.

    The sessions have to begin before the first purchase. If several decisions are traded at one close, the last counts.
    """
    position = {session: at for at, session in enumerate(sessions)}
    last = len(sessions) - 1
    holding_periods = []
    for _, of_period in groupby(sorted(decisions), key=attrgetter("period_days")):
        by_trade = {traded_on(decision.decided_on): decision for decision in of_period}
        traded = [decision for session, decision in by_trade.items() if session in position]
        for decision, following in zip_longest(traded, traded[1:]):
            holding_periods += _until_next(decision, following, position, last)
    return holding_periods


def _until_next(
    decision: Decision, following: Decision | None, position: Mapping[date, int], last: int
) -> list[HoldingPeriod]:
    """Return the time until the next portfolio is bought. A monthly portfolio that expires before becomes cash."""
    entry = position[traded_on(decision.decided_on)]
    end = position[traded_on(following.decided_on)] if following else last
    whole = HoldingPeriod(*decision, entry, end, following is not None, is_cash=False)
    if decision.period_days != MONTHLY_PERIOD:
        return [whole]
    sold = position.get(month_sold_on(decision.decided_on, following and following.decided_on))
    if sold is None or (following and sold == end):
        return [whole]
    cash = whole._replace(entry=sold, is_cash=True, is_degraded=False, has_hindsight=False)
    return [whole._replace(exit=sold, is_traded=True), cash]


def closes_of(sessions: Sequence[date], exchanges: Iterable[str]) -> list[ExchangeClose]:
    """Return for each home session the last session of each exchange that was over at its close."""
    return [
        ExchangeClose(exchange, at, session, window_of(session, 0, exchange)[1])
        for exchange in exchanges
        for at, session in enumerate(sessions)
    ]


def marked_prices(
    tickers: DataFrame, closes: DataFrame, prices: DataFrame, doubts: DataFrame | None = None
) -> DataFrame:
    """Return each ticker's price at each home session's close: that of the session, or else the last one before.

    tickers: ticker
    closes: ExchangeClose
    prices: ticker, trade_date, currency, price (in dollars), source_rank
    doubts: the rows of database.queries.doubts, or None without any

    Columns: ticker, position, session, price (NULL before the first one), carried (why it is an earlier price, else
    NULL), source_rank, withheld_breaks (all up to the price), noted_breaks (those since the price before), rate_doubts.
    """
    so_far = Window.partitionBy("ticker").orderBy("position")
    own = F.col("price").isNotNull()
    why_carried = F.coalesce(
        why_no_exchange(F.col("ticker")), why_no_price(F.col("currency"), F.col("price"), F.col("day"))
    )
    marks = (
        tickers.withColumn("exchange", sessions_exchange_of(F.col("ticker")))
        .join(lookup(closes), "exchange", "inner")
        .coalesce(1)  # It is one partition already, but Spark cannot tell after an inner join.
        .join(lookup(prices.withColumnRenamed("trade_date", "day")), ["ticker", "day"], "left")
        .select(
            "ticker",
            "position",
            "session",
            F.last("price", ignorenulls=True).over(so_far).alias("price"),
            why_carried.alias("carried"),
            F.last(F.when(own, F.col("source_rank")), ignorenulls=True).over(so_far).alias("source_rank"),
            F.last(F.when(own, F.col("day")), ignorenulls=True).over(so_far).alias("price_day"),
        )
    )
    return _with_doubts(marks, doubts).drop("price_day")


def _with_doubts(marks: DataFrame, doubts: DataFrame | None) -> DataFrame:
    """Add withheld_breaks, noted_breaks and rate_doubts. price_day is the day whose price a mark has."""
    if doubts is None:
        return marks.withColumns(dict.fromkeys(("withheld_breaks", "noted_breaks", "rate_doubts"), no_reasons()))
    price_day, before = F.col("price_day"), F.col("price_day_before")
    kinds = {
        "withheld_breaks": lambda doubt: (doubt.kind == WITHHELD) & (doubt.day <= price_day),
        "noted_breaks": lambda doubt: (doubt.kind == NOTED) & (before < doubt.day) & (doubt.day <= price_day),
        "rate_doubts": lambda doubt: (doubt.kind == CARRIED_RATE) & (doubt.day == price_day),
    }
    return (
        marks.withColumn("price_day_before", F.lag("price_day").over(Window.partitionBy("ticker").orderBy("position")))
        .join(lookup(doubts_by_ticker(doubts)), "ticker", "left")
        .withColumns({name: matching("doubts", applies) for name, applies in kinds.items()})
        .drop("doubts", "price_day_before")
    )


def stop_at_break(marks: DataFrame, in_order: WindowSpec, price: str, breaks: str, carried: str) -> DataFrame:
    """Replace the prices behind a withheld break by the last one before it, for somebody who bought at the first row.

    price, breaks, carried: names of the columns
    """
    # `breaks` lists all breaks up to a row, so it grows by one at each break. Those that the first row has already lie
    # before the purchase and do not matter: a row is behind a break when it has more of them than the first row.
    at_first = F.col("breaks_at_first")
    is_behind = F.size(breaks) > at_first
    return (
        marks.withColumn("breaks_at_first", F.coalesce(F.first(F.size(breaks)).over(in_order), F.lit(0)))
        .withColumns(
            {
                price: F.last(F.when(~is_behind, F.col(price)), ignorenulls=True).over(in_order),
                carried: F.when(is_behind, F.element_at(breaks, at_first + 1)).otherwise(F.col(carried)),
            }
        )
        .drop("breaks_at_first")
    )


def value_positions(holding_periods: DataFrame, positions: DataFrame, marks: DataFrame) -> DataFrame:
    """Value each position at each close of its holding period, entry and exit included.

    holding_periods: HoldingPeriod, with source_rank instead of source
    positions: period_days, decided_on, ticker, weight
    marks: see `marked_prices`

    Adds value (weight times price change since the entry, or the weight without any price), factor (value of the whole
    portfolio), doubts (about this close) and lasting_doubts (those that stay in the later values: of a traded price, or
    of a break that was crossed). Reasons name the ticker.
    """
    of_position = Window.partitionBy(*HOLDING_PERIOD, "ticker").orderBy("position")
    gain = F.coalesce(simple_return(F.col("price"), F.first("price").over(of_position)), F.lit(0.0))
    is_bought, is_traded = (
        F.col("position") == F.col("entry"),
        (F.col("position") == F.col("exit")) & F.col("is_traded"),
    )
    # A break before the purchase changes nothing for whoever buys after it.
    crossed = F.when(is_bought, no_reasons()).otherwise(F.col("noted_breaks"))
    traded_at = F.when(is_bought | is_traded, F.array_compact(F.concat("rate_doubts", F.array("carried"))))
    held = (
        holding_periods.where(~F.col("is_cash"))
        .select("period_days", "decided_on", "entry", "exit", "is_traded")
        .join(lookup(positions), ["period_days", "decided_on"], "inner")
        .coalesce(1)
        .withColumn("position", F.explode(F.sequence("entry", "exit")))
        .join(lookup(marks), ["ticker", "position"], "left")
    )
    return (
        stop_at_break(held, of_position, price="price", breaks="withheld_breaks", carried="carried")
        .withColumn("value", F.col("weight") * (1 + gain))
        # 1 + the sum of all changes, and not the sum of all values: cash, which has no row, then needs no term.
        .withColumn(
            "factor", 1 + F.sum(F.col("value") - F.col("weight")).over(Window.partitionBy(*HOLDING_PERIOD_CLOSE))
        )
        .withColumns(
            {
                "doubts": F.concat("rate_doubts", crossed),
                "lasting_doubts": F.concat(crossed, F.coalesce(traded_at, no_reasons())),
            }
        )
        .withColumns({name: of_ticker_each(F.col("ticker"), name) for name in ("doubts", "lasting_doubts")})
        .withColumn("carried", F.when(F.col("carried").isNotNull(), of_ticker(F.col("ticker"), F.col("carried"))))
    )


def trades_of(held: DataFrame) -> DataFrame:
    """Return the trades of each close: period_days, position, turnover, bought_carried (weight), bought_reasons.

    Turnover is half of what is bought and sold, as a share of the value. Cash is not traded: the first purchase is a
    turnover of 0.5, and a complete exchange is one of 1.
    """
    is_bought = F.col("position") == F.col("entry")
    is_sold = F.col("is_traded") & (F.col("position") == F.col("exit"))
    bought, sold = F.when(is_bought, F.col("weight")), F.when(is_sold, -F.col("value") / F.col("factor"))
    return (
        held.where(is_bought | is_sold)
        .withColumns({"change": F.coalesce(bought, sold), "carried": F.when(is_bought, F.col("carried"))})
        .groupBy("period_days", "position", "ticker")
        .agg(
            F.sum("change").alias("change"),
            F.sum(F.when(F.col("carried").isNotNull(), F.col("change"))).alias("carried_weight"),
            F.max("carried").alias("carried"),
        )
        .groupBy("period_days", "position")
        .agg(
            (F.sum(F.abs("change")) / 2).alias("turnover"),
            F.sum("carried_weight").alias("bought_carried"),
            F.collect_list("carried").alias("bought_reasons"),
        )
    )


def value_portfolios(holding_periods: DataFrame, held: DataFrame) -> DataFrame:
    """Value each portfolio at each close of its holding period (factor, 1 at the entry), and sum up its positions."""
    totals = held.groupBy(*HOLDING_PERIOD_CLOSE).agg(
        F.first("factor").alias("factor"),
        F.sum("weight").alias("placed"),
        F.count("ticker").alias("positions"),
        F.sum(F.when(F.col("carried").isNotNull(), F.col("value"))).alias("held_carried"),
        F.collect_list("carried").alias("held_reasons"),
        F.flatten(F.collect_list("doubts")).alias("noted_reasons"),
        F.flatten(F.collect_list("lasting_doubts")).alias("lasting_reasons"),
        F.max("source_rank").alias("price_source_rank"),
    )
    in_order = Window.partitionBy(*HOLDING_PERIOD).orderBy("position")
    return (
        holding_periods.withColumn("position", F.explode(F.sequence("entry", "exit")))
        .join(lookup(totals), list(HOLDING_PERIOD_CLOSE), "left")
        .withColumn("factor", F.coalesce("factor", F.lit(1.0)))
        .withColumn("gross_return", simple_return(F.col("factor"), F.lag("factor").over(in_order)))
    )


def track_record(
    holding_periods: DataFrame, positions: DataFrame, marks: DataFrame, benchmark: str, cost_rate: float
) -> DataFrame:
    """Return every session of every portfolio, in the table's columns, with source_rank instead of source.

    Adds noted (doubts about the session) and lasting (those that stay in the later values).

    The first session is the one at whose close the first portfolio is bought. All values are 1.0 there: the capital
    before the purchase. The cost of this purchase lowers the net value from the next session on. The cost of any other
    trade lowers it from the session of the trade on. A row describes the portfolio that was held up to the close. The
    first row describes the one that was bought.
    """
    held = value_positions(holding_periods, positions, marks)
    is_first = F.col("position") == F.min("position").over(Window.partitionBy("period_days"))
    sessions = (
        value_portfolios(holding_periods, held)
        .withColumn("is_first", is_first)
        .where("is_first OR gross_return IS NOT NULL")
        .join(lookup(trades_of(held)), ["period_days", "position"], "left")
        .join(lookup(_benchmark_marks(marks, benchmark)), "position", "left")
    )
    return _table_columns(_with_values(sessions, benchmark, cost_rate))


def _in_order() -> WindowSpec:
    return Window.partitionBy("period_days").orderBy("position")


def _so_far() -> WindowSpec:
    return _in_order().rowsBetween(Window.unboundedPreceding, Window.currentRow)


def _with_values(sessions: DataFrame, benchmark: str, cost_rate: float) -> DataFrame:
    """Chain the sessions of a period to values, and add turnover, cost and why the benchmark's price is carried."""
    gross = F.product(1 + F.coalesce("gross_return", F.lit(0.0))).over(_so_far())
    kept = F.product(1 - F.col("cost")).over(_so_far())
    against = {"price": "benchmark_price", "breaks": "benchmark_breaks", "carried": "benchmark_carried"}
    benchmark_carried = F.when(
        F.col("benchmark_carried").isNotNull(), F.array(of_ticker(F.lit(benchmark), F.col("benchmark_carried")))
    )
    return (
        stop_at_break(sessions, _in_order(), **against)
        .withColumn("benchmark_reasons", benchmark_carried)
        .withColumn("turnover", F.coalesce("turnover", F.lit(0.0)))
        .withColumn("cost", F.col("turnover") * 2 * cost_rate)
        .withColumns(
            {
                "gross_value": gross,
                "net_value": F.when(F.col("is_first"), 1.0).otherwise(gross * kept),
                "benchmark_value": F.col("benchmark_price") / F.first("benchmark_price").over(_in_order()),
            }
        )
    )


def _table_columns(sessions: DataFrame) -> DataFrame:
    """Select the columns of the table, with returns and drawdowns from the values."""

    def since_before(value: str) -> Column:
        return simple_return(F.col(value), F.lag(value).over(_in_order()))

    def since_highest(value: str) -> Column:
        return simple_return(F.col(value), F.max(value).over(_so_far()))

    carried_weight = F.greatest(F.col("held_carried") / F.col("factor"), "bought_carried")
    return sessions.select(
        "period_days",
        F.col("session").alias("trade_date"),
        "decided_on",
        "gross_value",
        "net_value",
        "benchmark_value",
        "gross_return",
        since_before("net_value").alias("net_return"),
        since_before("benchmark_value").alias("benchmark_return"),
        since_highest("net_value").alias("drawdown"),
        since_highest("benchmark_value").alias("benchmark_drawdown"),
        "turnover",
        "cost",
        (F.greatest(F.lit(0.0), 1 - F.coalesce("placed", F.lit(0.0))) / F.col("factor")).alias("cash_weight"),
        F.coalesce("positions", F.lit(0)).cast("int").alias("position_count"),
        F.coalesce(carried_weight, F.lit(0.0)).alias("carried_weight"),
        json_array(_all_of("held_reasons", "bought_reasons", "benchmark_reasons")).alias("carried_reason"),
        "is_degraded",
        "has_hindsight",
        F.greatest("source_rank", "price_source_rank", "benchmark_source_rank").alias("source_rank"),
        _all_of("noted_reasons", "benchmark_doubts").alias("noted"),
        _all_of("lasting_reasons", "bought_reasons", "benchmark_noted").alias("lasting"),
    )


def _benchmark_marks(marks: DataFrame, ticker: str) -> DataFrame:
    """Return the marked prices of the benchmark, with the doubts about them, by position."""
    return marks.where(F.col("ticker") == ticker).select(
        "position",
        "session",
        F.col("price").alias("benchmark_price"),
        F.col("carried").alias("benchmark_carried"),
        F.col("withheld_breaks").alias("benchmark_breaks"),
        of_ticker_each(F.col("ticker"), "noted_breaks").alias("benchmark_noted"),
        F.concat(*(of_ticker_each(F.col("ticker"), name) for name in ("noted_breaks", "rate_doubts"))).alias(
            "benchmark_doubts"
        ),
        F.col("source_rank").alias("benchmark_source_rank"),
    )


def _all_of(*reasons: str) -> Column:
    """Return the reasons of several lists, each reason once."""
    return each_once(F.concat(*(F.coalesce(each, no_reasons()) for each in reasons)))


def summaries(sessions: DataFrame, cost_rate: float) -> DataFrame:
    """Return the summary of each portfolio up to each session, in the table's columns.

    sessions: see `track_record`

    Annual figures, for a year of SESSIONS_A_YEAR sessions, are given from ANNUALISED_FROM_SESSIONS sessions on. The
    risk-free rate is 0.
    """
    of_period = Window.partitionBy("period_days").orderBy("trade_date")
    so_far = of_period.rowsBetween(Window.unboundedPreceding, Window.currentRow)

    def count(condition: Column) -> Column:
        return F.count_if(condition & F.col("net_return").isNotNull()).over(so_far).cast("int")

    def for_a_year(value: Column) -> Column:
        return F.when(F.col("session_count") >= ANNUALISED_FROM_SESSIONS, value)

    # r, b: daily returns, net and of the benchmark. n: how many there are, as the first session has none.
    r, b = F.col("net_return"), F.col("benchmark_return")
    n = F.count("net_return").over(so_far)
    year = F.sqrt(F.lit(float(SESSIONS_A_YEAR)))
    mean, deviation = F.avg(r).over(so_far), F.stddev_samp(r).over(so_far)
    downside = F.sqrt(F.sum(F.when(r < 0, r * r).when(r.isNotNull(), 0.0)).over(so_far) / n)
    cagr = F.pow(F.col("net_value"), SESSIONS_A_YEAR / n) - 1
    max_drawdown = F.min("drawdown").over(so_far)
    beta = F.try_divide(F.covar_samp(r, b).over(so_far), F.var_samp(F.when(r.isNotNull(), b)).over(so_far))
    too_few = reason_of("too_few_sessions", count=F.col("session_count"), needed=F.lit(ANNUALISED_FROM_SESSIONS))
    return (
        sessions.withColumn("session_count", n.cast("int"))
        .select(
            "period_days",
            F.first("trade_date").over(so_far).alias("first_session"),
            F.col("trade_date").alias("last_session"),
            "session_count",
            (F.col("gross_value") - 1).alias("total_return_gross"),
            (F.col("net_value") - 1).alias("total_return_net"),
            (F.col("benchmark_value") - 1).alias("benchmark_return"),
            max_drawdown.alias("max_drawdown"),
            F.min("benchmark_drawdown").over(so_far).alias("benchmark_max_drawdown"),
            F.avg("turnover").over(so_far).alias("turnover_average"),
            F.sum("turnover").over(so_far).alias("turnover_total"),
            F.sum("cost").over(so_far).alias("cost_total"),
            F.lit(cost_rate).alias("cost_rate"),
            for_a_year(cagr).alias("cagr"),
            for_a_year(deviation * year).alias("volatility"),
            for_a_year(F.try_divide(mean, deviation) * year).alias("sharpe"),
            for_a_year(F.try_divide(mean, downside) * year).alias("sortino"),
            for_a_year(F.try_divide(cagr, F.abs(max_drawdown))).alias("calmar"),
            for_a_year(beta).alias("beta"),
            F.when(F.col("session_count") < ANNUALISED_FROM_SESSIONS, json_array(F.array(too_few))).alias(
                "not_annualised_reason"
            ),
            count(F.col("has_hindsight")).alias("hindsight_sessions"),
            count(F.col("is_degraded")).alias("degraded_sessions"),
            count(F.col("carried_reason").isNotNull()).alias("carried_sessions"),
            source_label(F.max("source_rank").over(so_far)).alias("source"),
        )
        .orderBy("period_days", "last_session")
    )
