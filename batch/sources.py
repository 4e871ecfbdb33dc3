"""Data sources by trust. A figure that is computed from several rows carries the least trusted source of them."""

from collections.abc import Iterable

import pyspark.sql.functions as F
from pyspark.sql import Column, DataFrame

# The most trusted one first.
SOURCES = ("yahoo", "recorded", "simulated")


def source_rank(source: Column) -> Column:
    """Return a source's rank, which grows with doubt: `greatest` and `max` find the least trusted of several.

    NULL stays NULL. An unknown source ranks with the least trusted one.
    """
    position = F.array_position(F.array(*map(F.lit, SOURCES)), source)
    return F.when(position == 0, len(SOURCES)).otherwise(position).cast("int")


def with_source_rank(frame: DataFrame) -> DataFrame:
    """Replace a frame's source by its rank."""
    return frame.withColumn("source_rank", source_rank(F.col("source"))).drop("source")


def source_label(rank: Column) -> Column:
    """Return the source of a rank."""
    return F.element_at(F.array(*map(F.lit, SOURCES)), rank)


def least_trusted(sources: Iterable[str]) -> str:
    """Return the least trusted of several sources.

    >>> least_trusted(["recorded", "yahoo"])
    'recorded'
    """
    return max(sources, key=SOURCES.index)
