"""Why something is missing, empty or in doubt, for programs and for people."""

from collections.abc import Iterable
from typing import Annotated, Any

from msgspec import Meta, Struct

from utils.reasons import Reason, sentence


class ShownReason(Struct):
    code: Annotated[str, Meta(description="Kind of reason, stable", examples=["no_price"])]
    params: Annotated[
        dict[str, Any],
        Meta(
            description="What the sentence is made of: fractions, ISO dates, tickers, and reasons inside it",
            examples=[{"session": "2026-08-21"}],
        ),
    ]
    sentence: Annotated[str, Meta(description="In English", examples=["no price on 2026-08-21"])]


Reasons = Annotated[
    list[ShownReason], Meta(description="The same as data, a code with parameters each; empty where it is null")
]


def shown(reasons: Iterable[Reason]) -> list[ShownReason]:
    """Return reasons with their English sentences."""
    return [ShownReason(each.code, each.params, sentence(each)) for each in reasons]


def data_of(reasons: Iterable[ShownReason]) -> list[Reason]:
    """Return reasons without their sentences."""
    return [Reason(each.code, each.params) for each in reasons]
