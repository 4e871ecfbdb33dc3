"""The variants computed in Spark: each is a task, so that a large grid uses all cores."""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from config.config import PROJECT_ROOT, SparkSettings
from lab.prices import Prices
from lab.strategy import Outcome, outcome_of
from lab.variants import Variant
from utils.spark_utils import session

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def local_session(settings: SparkSettings) -> "SparkSession":
    """Return a session on all cores of this machine."""
    return session(replace(settings, master_url="local[*]"), "lab")


def in_spark(spark: "SparkSession") -> Callable[[Sequence[Variant], Prices], list[Outcome]]:
    """Return a way to compute variants, for lab.panel.panel_of: all at once, in the order given."""

    def compute(variants: Sequence[Variant], prices: Prices) -> list[Outcome]:
        if not variants:
            return []
        context = spark.sparkContext
        # The workers import this module. By default they are whatever python3 is.
        context.environment["PYTHONPATH"], context.pythonExec = str(PROJECT_ROOT), sys.executable
        shared = context.broadcast(prices)
        tasks = min(len(variants), 4 * (os.cpu_count() or 1))
        try:
            return context.parallelize(variants, tasks).map(lambda variant: outcome_of(variant, shared.value)).collect()
        finally:
            shared.destroy()

    return compute
