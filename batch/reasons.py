"""Reasons as columns. A reason is a text of JSON, and several are an array of these texts."""

from collections.abc import Callable, Iterable

import pyspark.sql.functions as F
from msgspec.json import decode
from pyspark.sql import Column

from utils.reasons import Reason, parameters


def reason_of(code: str, **params: Column) -> Column:
    """Return a reason, as utils.reasons.reason does, with columns as parameters. A nested reason goes through `nested`.

    Raises ValueError for parameters that are not those of the code's sentence.
    """
    if params.keys() != parameters(code):
        raise ValueError(f"{code} takes {sorted(parameters(code))}, not {sorted(params)}")
    named = F.struct(*(value.alias(name) for name, value in params.items()))
    return F.to_json(F.struct(F.lit(code).alias("code"), named.alias("params")))


def nested(reason: Column) -> Column:
    """Return a reason as a parameter of another one."""
    # Without it the other reason would hold a text of JSON in place of an object.
    return F.parse_json(reason)


def of_ticker(ticker: Column, reason: Column) -> Column:
    """Return a reason as that of a ticker."""
    return reason_of("of_ticker", ticker=ticker, reasons=F.array(nested(reason)))


def of_ticker_each(ticker: Column, reasons: str) -> Column:
    """Return each of a row's reasons as that of a ticker."""
    return F.transform(reasons, lambda reason: of_ticker(ticker, reason))


def no_reasons() -> Column:
    """Return an empty list of reasons."""
    return F.array().cast("array<string>")


def each_once(reasons: Column) -> Column:
    """Return each reason once, in an order that does not depend on the run. NULL elements are left out."""
    return F.array_sort(F.array_distinct(F.array_compact(reasons)))


def json_array(reasons: Column) -> Column:
    """Return the value of a JSON column: an array of the reasons, or NULL without any."""
    return F.when(F.size(reasons) > 0, F.concat(F.lit("["), F.array_join(reasons, ","), F.lit("]")))


def read_each(reasons: Iterable[str]) -> list[Reason]:
    """Return the reasons of collected rows, each once."""
    return [decode(each, type=Reason) for each in dict.fromkeys(reasons)]


def matching(doubts: str, applies: Callable[[Column], Column]) -> Column:
    """Return the reasons of a row's doubts that apply, which may be none."""
    reasons = F.transform(F.filter(doubts, applies), lambda doubt: doubt.reason)
    return F.coalesce(reasons, no_reasons())
