"""Why a parameter cannot be used, as data: each kind of pydantic's errors as a reason, and what FastAPI lets pass."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi import Request
from fastapi.dependencies.utils import get_flat_dependant
from fastapi.exceptions import RequestValidationError

from api.deps import WRITTEN
from utils.reasons import Reason, reason

# By the kind of the error: what is said of the value that was given, and of what pydantic knows of the refusal.
_WHY: Mapping[str, Callable[[Any, Mapping[str, Any]], Reason]] = {
    "missing": lambda given, told: reason("not_given"),
    "value_error": lambda given, told: told["error"].args[0],
    "string_pattern_mismatch": lambda given, told: reason(
        "not_written", given=repr(given), form=WRITTEN[told["pattern"]]
    ),
    "string_too_long": lambda given, told: reason("too_long", most=told["max_length"]),
    "too_long": lambda given, told: reason("too_long", most=told["max_length"]),
    "string_type": lambda given, told: reason("no_text"),
    "greater_than": lambda given, told: reason("more_than", least=f"{told['gt']:g}"),
    "greater_than_equal": lambda given, told: reason("at_least", least=f"{told['ge']:g}"),
    "less_than_equal": lambda given, told: reason("at_most", most=told["le"]),
    "enum": lambda given, told: _choice(told),
    "literal_error": lambda given, told: _choice(told),
    "int_parsing": lambda given, told: reason("no_whole_number", given=repr(given)),
    "int_parsing_size": lambda given, told: reason("no_whole_number", given=repr(given)),
    "int_from_float": lambda given, told: reason("no_whole_number", given=repr(given)),
    "float_parsing": lambda given, told: reason("no_number", given=repr(given)),
    "float_type": lambda given, told: reason("no_number", given=repr(given)),
    "finite_number": lambda given, told: reason("no_number", given=repr(given)),
    "bool_parsing": lambda given, told: reason("no_truth", given=repr(given)),
    "date_from_datetime_parsing": lambda given, told: reason("no_date", text=repr(given)),
    "date_parsing": lambda given, told: reason("no_date", text=repr(given)),
    "json_invalid": lambda given, told: reason("no_json"),
    "unknown_parameter": lambda given, told: _unknown(told["offered"]),
    "given_twice": lambda given, told: reason("given_twice"),
}


async def check_names(request: Request) -> None:
    """Refuse parameters that the route does not have: FastAPI would answer as if they were not there.

    Whoever misspells the session would take the newest portfolio for the one that was asked for. Of a parameter that is
    given twice FastAPI takes the last one.
    """
    given = [name for name, _ in request.query_params.multi_items()]
    if not given:
        return
    dependant = get_flat_dependant(request.scope["route"].dependant)
    offered = [parameter.alias for parameter in dependant.query_params]
    wrong = {name: "given_twice" for name in given if given.count(name) > 1}
    wrong |= {name: "unknown_parameter" for name in given if name not in offered}
    if wrong:
        raise RequestValidationError(
            [
                {"type": kind, "loc": ("query", name), "input": request.query_params[name], "ctx": {"offered": offered}}
                for name, kind in wrong.items()
            ]
        )


def refused(error: Mapping[str, Any]) -> Reason:
    """Return one of pydantic's errors as a reason.

    >>> str(refused({"type": "less_than_equal", "loc": ("query", "limit"), "input": "5000", "ctx": {"le": 1000}}))
    'limit: give at most 1,000'
    """
    why = _WHY.get(error["type"])
    told = why(error["input"], error.get("ctx", {})) if why else reason("unusable_value", message=str(error["msg"]))
    return reason("parameter", name=str(error["loc"][-1]), why=told) if error["loc"] else told


def _unknown(offered: Sequence[str]) -> Reason:
    return reason("no_parameter", offered=offered) if offered else reason("no_parameters")


def _choice(told: Mapping[str, Any]) -> Reason:
    """Pydantic has the choices as one text: 'hour' or 'day'."""
    return reason("choose", allowed=told["expected"].replace("'", "").replace(" or ", ", ").split(", "))
