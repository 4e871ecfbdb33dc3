"""The monthly score: how a stock that is in some of the three portfolios is ranked and weighted in the month's one.

The rule is the table below; everything else here is built from it. A stock of the 20-session portfolio is one of the
first ranks; the others follow them, but never before rank 20.
"""

from functools import reduce
from typing import NamedTuple

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame, Window

FIRST_RANK_OF_OTHERS = 20


class Rule(NamedTuple):
    in_20d: bool
    in_10d: bool
    in_5d: bool
    score: float
    is_first: bool  # among the first ranks; else from rank 20 onward


RULES = (
    Rule(in_20d=True, in_10d=False, in_5d=False, score=1.0, is_first=True),
    Rule(in_20d=True, in_10d=True, in_5d=False, score=2.0, is_first=True),
    Rule(in_20d=True, in_10d=False, in_5d=True, score=2.0, is_first=True),
    Rule(in_20d=True, in_10d=True, in_5d=True, score=3.0, is_first=True),
    Rule(in_20d=False, in_10d=True, in_5d=True, score=2.0, is_first=False),
    Rule(in_20d=False, in_10d=True, in_5d=False, score=0.5, is_first=False),
    Rule(in_20d=False, in_10d=False, in_5d=True, score=0.3, is_first=False),
)


def with_scores(stocks: DataFrame) -> DataFrame:
    """Adds score and is_first.

    stocks: weight_20d, weight_10d, weight_5d (its weight in that portfolio, NULL where it is in none), ...
    """
    return stocks.withColumns({"score": _by_rule("score"), "is_first": _by_rule("is_first")})


def _by_rule(result: str) -> Column:
    """The rule's column of the one row that a stock's membership meets."""
    cases = ((_meets(rule), F.lit(getattr(rule, result))) for rule in RULES)
    first, *others = cases
    return reduce(lambda chain, case: chain.when(*case), others, F.when(*first))


def _meets(rule: Rule) -> Column:
    return (
        (F.col("weight_20d").isNotNull() == F.lit(rule.in_20d))
        & (F.col("weight_10d").isNotNull() == F.lit(rule.in_10d))
        & (F.col("weight_5d").isNotNull() == F.lit(rule.in_5d))
    )


def with_ranks(scored: DataFrame, month: str) -> DataFrame:
    """Adds final_rank and final_weight (score / sum of scores) among the rows of one `month`, a column.

    Both groups are ordered by score, then by the weight in the longest period a stock is in, then by ticker; of the
    first ranks that period is the one of 20 sessions.
    """
    of_month = Window.partitionBy(month)
    longest = F.coalesce("weight_20d", "weight_10d", "weight_5d")
    best_first = Window.partitionBy(month, "is_first").orderBy(F.desc("score"), longest.desc(), "ticker")
    ahead = F.greatest(F.count_if("is_first").over(of_month), F.lit(FIRST_RANK_OF_OTHERS - 1))
    # In the order of the ranks, as the last bit of a sum of fractions depends on it.
    whole_month = of_month.orderBy("final_rank").rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    return scored.withColumn(
        "final_rank", F.row_number().over(best_first) + F.when(F.col("is_first"), 0).otherwise(ahead)
    ).withColumn("final_weight", F.col("score") / F.sum("score").over(whole_month))
