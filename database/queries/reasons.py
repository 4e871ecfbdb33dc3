"""Reasons in SQL: made of a row's values, and read with their sentences."""

from collections.abc import Iterator, Mapping
from typing import Any

from contract.reasons import shown
from utils.reasons import from_rows, join, parameters

# The column names of reasons end with it.
REASON = "reason"


def sql_reason(code: str, **params: str) -> str:
    """Return the SQL of a reason with SQL expressions as parameters.

    Raises ValueError for parameters that are not those of the code's sentence.

    >>> sql_reason("no_price", session="trade_date")
    "jsonb_build_object('code', 'no_price', 'params', jsonb_build_object('session', trade_date))"
    """
    if params.keys() != parameters(code):
        raise ValueError(f"{code} takes {sorted(parameters(code))}, not {sorted(params)}")
    named = ", ".join(f"'{name}', {value}" for name, value in params.items())
    return f"jsonb_build_object('code', '{code}', 'params', jsonb_build_object({named}))"


def with_sentences(value: Any) -> Any:
    """Return a row with each column of reasons as two: `*_reason` with the sentences, `*_reasons` with the data.

    Rows inside the row are treated alike.

    >>> with_sentences({"reason": [{"code": "text", "params": {"text": "no price"}}]})["reason"]
    'no price'
    """
    if isinstance(value, Mapping):
        return dict(pair for name, inside in value.items() for pair in _columns(name, inside))
    return [with_sentences(each) for each in value] if isinstance(value, list) else value


def _columns(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if name.endswith(REASON) and (value is None or isinstance(value, list)):
        reasons = from_rows(value)
        yield name, join(reasons)
        yield f"{name}s", shown(reasons)
    else:
        yield name, with_sentences(value)
