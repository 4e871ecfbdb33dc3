"""The monthly score: rank and weight of a stock that is in one or more of the three portfolios of a session.

RULES is the whole rule, and the functions here apply it. The stocks of the 20-session portfolio have the first ranks.
The others follow them, from rank 20 on.
"""

from functools import reduce
from operator import and_
from typing import NamedTuple

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame, Window

from config.periods import PERIODS

FIRST_RANK_OF_OTHERS = 20


class Rule(NamedTuple):
    """The score of a stock that is in the portfolios of exactly these periods.

    is_first: it has one of the first ranks, else a rank from FIRST_RANK_OF_OTHERS on.
    """

    periods: frozenset[int]
    score: float
    is_first: bool


RULES = (
    Rule(frozenset({20}), score=1.0, is_first=True),
    Rule(frozenset({20, 10}), score=2.0, is_first=True),
    Rule(frozenset({20, 5}), score=2.0, is_first=True),
    Rule(frozenset({20, 10, 5}), score=3.0, is_first=True),
    Rule(frozenset({10, 5}), score=2.0, is_first=False),
    Rule(frozenset({10}), score=0.5, is_first=False),
    Rule(frozenset({5}), score=0.3, is_first=False),
)


def with_scores(stocks: DataFrame) -> DataFrame:
    """Add score and is_first.

    stocks: weight_5d, weight_10d, weight_20d (in that portfolio, or NULL), ...
    """
    return stocks.withColumns({"score": _by_rule("score"), "is_first": _by_rule("is_first")})


def _by_rule(field: str) -> Column:
    """Return a field of the one rule that fits a stock."""
    first, *others = ((_fits(rule), F.lit(getattr(rule, field))) for rule in RULES)
    return reduce(lambda chain, case: chain.when(*case), others, F.when(*first))


def _fits(rule: Rule) -> Column:
    memberships = (_weight(days).isNotNull() == F.lit(days in rule.periods) for days in PERIODS)
    return reduce(and_, memberships)


def _weight(days: int) -> Column:
    return F.col(f"weight_{days}d")


def with_ranks(scored: DataFrame, month: str) -> DataFrame:
    """Add final_rank and final_weight (score / sum of scores) among the rows with the same value in column `month`.

    Both groups are ordered by score, then by the weight in the longest period that holds the stock, then by ticker.
    """
    of_month = Window.partitionBy(month)
    longest = F.coalesce(*map(_weight, sorted(PERIODS, reverse=True)))
    best_first = Window.partitionBy(month, "is_first").orderBy(F.desc("score"), longest.desc(), "ticker")
    ahead = F.greatest(F.count_if("is_first").over(of_month), F.lit(FIRST_RANK_OF_OTHERS - 1))
    # Summed in the order of the ranks: the last bit of a sum of fractions depends on the order.
    whole_month = of_month.orderBy("final_rank").rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    return scored.withColumn(
        "final_rank", F.row_number().over(best_first) + F.when(F.col("is_first"), 0).otherwise(ahead)
    ).withColumn("final_weight", F.col("score") / F.sum("score").over(whole_month))
