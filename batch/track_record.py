"""What published portfolios were worth, session by session: the path maths of batch.spark_portfolio_performance.

A portfolio is bought at the close of one session and held until that of another one, a stretch; in between its weights
drift. Within a stretch its value is closed form, w_i P_i(s) / P_i(entry) summed up, and the stretches are chained by a
running product. So a whole history is a handful of joins and windows, and no row waits for another.

A withheld break of a ticker's prices parts them: a position that was bought before it stands at its last close before
it, one that is bought after it knows only the prices after it.

A session is called by its position on a list of the home exchange's sessions, which puts all exchanges on one axis.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame, Window, WindowSpec

from batch.returns import (
    by_ticker,
    named,
    no_reasons,
    reasons_of,
    sessions_exchange_of,
    simple_return,
    source_of,
    why_missing,
    why_no_exchange,
)
from config.universe import ANNUALISED_FROM_SESSIONS
from database.queries.doubts import CARRIED_RATE, NOTED, WITHHELD
from utils.dates import month_sold_on, traded_on, window_of
from utils.spark_utils import lookup

MONTH = 0  # the period of the monthly portfolio
SESSIONS_A_YEAR = 252

OF_STRETCH = ("period_days", "entry")
OF_CLOSE = ("period_days", "entry", "position")


class Decision(NamedTuple):
    """A publication: what is to be held from the close of the next session on."""

    period_days: int
    decided_on: date
    is_degraded: bool
    has_hindsight: bool
    source: str


class Stretch(NamedTuple):
    """entry, exit: positions of the sessions at whose closes it is bought and sold, or last looked at.

    is_traded: whether something is traded at the exit; is_cash: a month's portfolio is over, and nothing is held.
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


class Close(NamedTuple):
    """An exchange's own session that is over by a home session's close."""

    exchange: str
    position: int
    session: date
    day: date


def stretches_of(decisions: Sequence[Decision], sessions: Sequence[date]) -> list[Stretch]:
    """How long each portfolio is held, up to the last of the sessions, which begin before the first purchase.

    Of decisions that are traded at one close the last one counts.
    """
    position = {session: at for at, session in enumerate(sessions)}
    in_order = sorted(decisions)
    last = len(sessions) - 1
    found = []
    for _, of_period in groupby(in_order, key=attrgetter("period_days")):
        by_trade = {traded_on(each.decided_on): each for each in of_period}
        traded = [each for session, each in by_trade.items() if session in position]
        for each, following in zip(traded, [*traded[1:], None], strict=False):
            found += _held(each, following, position, last)
    return found


def _held(decision: Decision, following: Decision | None, position: Mapping[date, int], last: int) -> list[Stretch]:
    """Until the next one is bought; a month's portfolio that ends to be valid before makes way for cash."""
    entry = position[traded_on(decision.decided_on)]
    end = position[traded_on(following.decided_on)] if following else last
    whole = Stretch(*decision, entry, end, following is not None, is_cash=False)
    if decision.period_days != MONTH:
        return [whole]
    sold = position.get(month_sold_on(decision.decided_on, following and following.decided_on))
    if sold is None or (following and sold == end):
        return [whole]
    cash = whole._replace(entry=sold, is_cash=True, is_degraded=False, has_hindsight=False)
    return [whole._replace(exit=sold, is_traded=True), cash]


def closes_of(sessions: Sequence[date], exchanges: Iterable[str]) -> list[Close]:
    """Each home session as each exchange knows it."""
    return [
        Close(exchange, at, session, window_of(session, 0, exchange)[1])
        for exchange in exchanges
        for at, session in enumerate(sessions)
    ]


def marks_of(tickers: DataFrame, closes: DataFrame, prices: DataFrame, doubts: DataFrame | None = None) -> DataFrame:
    """Each ticker's price at each session's close: its own, else the last one before, with the reason.

    tickers: ticker; closes: Close; prices: ticker, trade_date, currency, price (in dollars), mistrust; doubts: what is
    said against the prices, see database.queries.doubts
    Gives ticker, position, session, price (NULL before the first one), carried (NULL of the session's own), mistrust,
    parted (the withheld breaks up to the price), crossed (the noted ones since the price before), rated (what is said
    of the rate).
    """
    so_far = Window.partitionBy("ticker").orderBy("position")
    own = F.col("price").isNotNull()
    why_carried = F.coalesce(
        why_no_exchange(F.col("ticker")), why_missing(F.col("currency"), F.col("price"), F.col("day"))
    )
    marks = (
        tickers.withColumn("exchange", sessions_exchange_of(F.col("ticker")))
        .join(lookup(closes), "exchange", "inner")
        .coalesce(1)  # which it is already, but of an inner join Spark does not know it
        .join(lookup(prices.withColumnRenamed("trade_date", "day")), ["ticker", "day"], "left")
        .select(
            "ticker",
            "position",
            "session",
            F.last("price", ignorenulls=True).over(so_far).alias("price"),
            why_carried.alias("carried"),
            F.last(F.when(own, F.col("mistrust")), ignorenulls=True).over(so_far).alias("mistrust"),
            F.last(F.when(own, F.col("day")), ignorenulls=True).over(so_far).alias("priced"),
        )
    )
    return _with_doubts(marks, doubts).drop("priced")


def _with_doubts(marks: DataFrame, doubts: DataFrame | None) -> DataFrame:
    """Adds parted, crossed and rated; priced: the day that a mark's price is of."""
    if doubts is None:
        return marks.withColumns(dict.fromkeys(("parted", "crossed", "rated"), no_reasons()))
    priced, before = F.col("priced"), F.col("priced_before")
    kinds = {
        "parted": lambda doubt: (doubt.kind == WITHHELD) & (doubt.day <= priced),
        "crossed": lambda doubt: (doubt.kind == NOTED) & (before < doubt.day) & (doubt.day <= priced),
        "rated": lambda doubt: (doubt.kind == CARRIED_RATE) & (doubt.day == priced),
    }
    return (
        marks.withColumn("priced_before", F.lag("priced").over(Window.partitionBy("ticker").orderBy("position")))
        .join(lookup(by_ticker(doubts)), "ticker", "left")
        .withColumns({name: reasons_of("doubts", applies) for name, applies in kinds.items()})
        .drop("doubts", "priced_before")
    )


def up_to_break(marks: DataFrame, in_order: WindowSpec, price: str, parted: str, carried: str) -> DataFrame:
    """Prices as somebody sees them who came in at the first row: behind a withheld break the last one before it."""
    parted_since = F.col("parted_since")
    is_behind = F.size(parted) > parted_since
    return (
        marks.withColumn("parted_since", F.coalesce(F.first(F.size(parted)).over(in_order), F.lit(0)))
        .withColumns(
            {
                price: F.last(F.when(~is_behind, F.col(price)), ignorenulls=True).over(in_order),
                carried: F.when(is_behind, F.element_at(parted, parted_since + 1)).otherwise(F.col(carried)),
            }
        )
        .drop("parted_since")
    )


def held_at_closes(stretches: DataFrame, positions: DataFrame, marks: DataFrame) -> DataFrame:
    """Each position at each close of its stretch, entry and exit included.

    stretches: Stretch with mistrust for source; positions: period_days, decided_on, ticker, weight
    Adds value (the weight times what the price has become; a position that never had a price stays what it was),
    factor, the value of the whole portfolio; `carried` begins with the ticker, and so do the reasons that are noted at
    this close, and those of them that `last`: what a trade was made at, and what a break has added.
    """
    of_position = Window.partitionBy(*OF_STRETCH, "ticker").orderBy("position")
    gain = F.coalesce(simple_return(F.col("price"), F.first("price").over(of_position)), F.lit(0.0))
    is_bought, is_traded = (
        F.col("position") == F.col("entry"),
        (F.col("position") == F.col("exit")) & F.col("is_traded"),
    )
    crossed = F.when(is_bought, no_reasons()).otherwise(F.col("crossed"))
    traded_at = F.when(is_bought | is_traded, F.array_compact(F.concat("rated", F.array("carried"))))
    held = (
        stretches.where(~F.col("is_cash"))
        .select("period_days", "decided_on", "entry", "exit", "is_traded")
        .join(lookup(positions), ["period_days", "decided_on"], "inner")
        .coalesce(1)
        .withColumn("position", F.explode(F.sequence("entry", "exit")))
        .join(lookup(marks), ["ticker", "position"], "left")
    )
    return (
        up_to_break(held, of_position, price="price", parted="parted", carried="carried")
        .withColumn("value", F.col("weight") * (1 + gain))
        .withColumn("factor", 1 + F.sum(F.col("value") - F.col("weight")).over(Window.partitionBy(*OF_CLOSE)))
        .withColumns(
            {"noted": F.concat("rated", crossed), "last": F.concat(crossed, F.coalesce(traded_at, no_reasons()))}
        )
        .withColumns({name: named(F.col("ticker"), name) for name in ("noted", "last")})
        .withColumn("carried", F.when(F.col("carried").isNotNull(), F.concat_ws(": ", "ticker", "carried")))
    )


def trades_of(held: DataFrame) -> DataFrame:
    """What happens at a close: period_days, position, turnover, bought_carried (weight), bought_reasons.

    turnover: half of what is bought and sold, as a share of the value. Cash is not traded: to buy a first portfolio is
    a turnover of a half, to exchange all of it one of one.
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


def at_closes(stretches: DataFrame, held: DataFrame) -> DataFrame:
    """Each stretch as a whole at each of its closes: its value (`factor`, 1 at the entry), and what it consists of."""
    consists_of = held.groupBy(*OF_CLOSE).agg(
        F.first("factor").alias("factor"),
        F.sum("weight").alias("placed"),
        F.count("ticker").alias("positions"),
        F.sum(F.when(F.col("carried").isNotNull(), F.col("value"))).alias("held_carried"),
        F.collect_list("carried").alias("held_reasons"),
        F.flatten(F.collect_list("noted")).alias("noted_reasons"),
        F.flatten(F.collect_list("last")).alias("lasting_reasons"),
        F.max("mistrust").alias("price_mistrust"),
    )
    in_order = Window.partitionBy(*OF_STRETCH).orderBy("position")
    return (
        stretches.withColumn("position", F.explode(F.sequence("entry", "exit")))
        .join(lookup(consists_of), list(OF_CLOSE), "left")
        .withColumn("factor", F.coalesce("factor", F.lit(1.0)))
        .withColumn("gross_return", simple_return(F.col("factor"), F.lag("factor").over(in_order)))
    )


def followed(
    stretches: DataFrame, positions: DataFrame, marks: DataFrame, benchmark: str, cost_rate: float
) -> DataFrame:
    """Every session of every portfolio, in the columns of the table, with mistrust for source.

    Beside them noted_reason (why the session is in doubt, though nothing is carried) and lasting_reason (what of the
    session's doubts stays in the values after it).

    The first session is the one at whose close the first portfolio is bought. All values are 1.0 there: the capital
    before the purchase, whose cost is off the net value from the session after. The cost of any other trade is off the
    net value from the session of the trade on. What a session's row says of a portfolio is about the one that was held
    up to its close, and of the first session the one that was bought.
    """
    held = held_at_closes(stretches, positions, marks)
    of_period = Window.partitionBy("period_days")
    in_order = of_period.orderBy("position")
    so_far = in_order.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    gross = F.product(1 + F.coalesce("gross_return", F.lit(0.0))).over(so_far)
    kept = F.product(1 - F.col("cost")).over(so_far)
    sessions = (
        at_closes(stretches, held)
        .withColumn("is_first", F.col("position") == F.min("position").over(of_period))
        .where("is_first OR gross_return IS NOT NULL")
        .join(lookup(trades_of(held)), ["period_days", "position"], "left")
        .join(lookup(_benchmark(marks, benchmark)), "position", "left")
    )
    against = {"price": "benchmark_price", "parted": "benchmark_parted", "carried": "benchmark_carried"}
    benchmark_carried = F.when(
        F.col("benchmark_carried").isNotNull(), F.array(F.concat(F.lit(f"{benchmark}: "), "benchmark_carried"))
    )
    return (
        up_to_break(sessions, in_order, **against)
        .withColumn("benchmark_reasons", benchmark_carried)
        .withColumn("turnover", F.coalesce("turnover", F.lit(0.0)))
        .withColumn("cost", F.col("turnover") * 2 * cost_rate)
        .withColumns(
            {
                "gross_value": gross,
                "net_value": F.when(F.col("is_first"), 1.0).otherwise(gross * kept),
                "benchmark_value": F.col("benchmark_price") / F.first("benchmark_price").over(in_order),
            }
        )
        .select(
            "period_days",
            F.col("session").alias("trade_date"),
            "decided_on",
            "gross_value",
            "net_value",
            "benchmark_value",
            "gross_return",
            simple_return(F.col("net_value"), F.lag("net_value").over(in_order)).alias("net_return"),
            simple_return(F.col("benchmark_value"), F.lag("benchmark_value").over(in_order)).alias("benchmark_return"),
            simple_return(F.col("net_value"), F.max("net_value").over(so_far)).alias("drawdown"),
            simple_return(F.col("benchmark_value"), F.max("benchmark_value").over(so_far)).alias("benchmark_drawdown"),
            "turnover",
            "cost",
            (F.greatest(F.lit(0.0), 1 - F.coalesce("placed", F.lit(0.0))) / F.col("factor")).alias("cash_weight"),
            F.coalesce("positions", F.lit(0)).cast("int").alias("position_count"),
            F.coalesce(F.greatest(F.col("held_carried") / F.col("factor"), "bought_carried"), F.lit(0.0)).alias(
                "carried_weight"
            ),
            _joined("held_reasons", "bought_reasons", "benchmark_reasons").alias("carried_reason"),
            "is_degraded",
            "has_hindsight",
            F.greatest("mistrust", "price_mistrust", "benchmark_mistrust").alias("mistrust"),
            _joined("noted_reasons", "benchmark_noted").alias("noted_reason"),
            _joined("lasting_reasons", "bought_reasons", "benchmark_crossed").alias("lasting_reason"),
        )
    )


def _benchmark(marks: DataFrame, ticker: str) -> DataFrame:
    """Of each position: session, and the benchmark's price, what is said against it, and how far it can be trusted."""
    return marks.where(F.col("ticker") == ticker).select(
        "position",
        "session",
        F.col("price").alias("benchmark_price"),
        F.col("carried").alias("benchmark_carried"),
        F.col("parted").alias("benchmark_parted"),
        named(F.col("ticker"), "crossed").alias("benchmark_crossed"),
        F.concat(named(F.col("ticker"), "crossed"), named(F.col("ticker"), "rated")).alias("benchmark_noted"),
        F.col("mistrust").alias("benchmark_mistrust"),
    )


def _joined(*reasons: str) -> Column:
    """Lists of reasons as one text, each reason once; NULL without any."""
    lists = (F.coalesce(each, F.array().cast("array<string>")) for each in reasons)
    text = F.array_join(F.array_sort(F.array_distinct(F.concat(*lists))), "; ")
    return F.when(text != "", text)


def summaries(sessions: DataFrame, cost_rate: float) -> DataFrame:
    """What each portfolio had come to by each session, in the columns of the table; sessions: see `followed`.

    Of n daily net returns r, the first session having none: facts about them as they are up to ANNUALISED_FROM_SESSIONS
    sessions, and from there on figures for a year of SESSIONS_A_YEAR. The risk-free rate is 0.
    """
    of_period = Window.partitionBy("period_days").orderBy("trade_date")
    so_far = of_period.rowsBetween(Window.unboundedPreceding, Window.currentRow)

    def count(condition: Column) -> Column:
        return F.count_if(condition & F.col("net_return").isNotNull()).over(so_far).cast("int")

    def for_a_year(value: Column) -> Column:
        return F.when(F.col("session_count") >= ANNUALISED_FROM_SESSIONS, value)

    r, b = F.col("net_return"), F.col("benchmark_return")
    n = F.count("net_return").over(so_far)
    year = F.sqrt(F.lit(float(SESSIONS_A_YEAR)))
    mean, deviation = F.avg(r).over(so_far), F.stddev_samp(r).over(so_far)
    downside = F.sqrt(F.sum(F.when(r < 0, r * r).when(r.isNotNull(), 0.0)).over(so_far) / n)
    cagr = F.pow(F.col("net_value"), SESSIONS_A_YEAR / n) - 1
    max_drawdown = F.min("drawdown").over(so_far)
    beta = F.try_divide(F.covar_samp(r, b).over(so_far), F.var_samp(F.when(r.isNotNull(), b)).over(so_far))
    too_few = F.format_string(
        f"%d sessions followed: a figure for a year takes {ANNUALISED_FROM_SESSIONS} of them", F.col("session_count")
    )
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
            F.when(F.col("session_count") < ANNUALISED_FROM_SESSIONS, too_few).alias("not_annualised_reason"),
            count(F.col("has_hindsight")).alias("hindsight_sessions"),
            count(F.col("is_degraded")).alias("degraded_sessions"),
            count(F.col("carried_reason").isNotNull()).alias("carried_sessions"),
            source_of(F.max("mistrust").over(so_far)).alias("source"),
        )
        .orderBy("period_days", "last_session")
    )
