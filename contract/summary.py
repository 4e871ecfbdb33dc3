"""What a portfolio's page tells first."""

from datetime import date
from typing import Annotated

from msgspec import Meta, Struct

from contract.portfolios import FollowedReturn


class Summary(Struct):
    as_of_date: date
    period_days: Annotated[int, Meta(description="Sessions of the portfolio's period")]
    previous_session: Annotated[
        date | None, Meta(description="The one before with a portfolio that was computable; null: there is none")
    ]
    previous_weights: Annotated[
        dict[str, float] | None, Meta(description="By ticker, of the previous session; null: there is none")
    ]
    benchmark: str
    record: Annotated[
        FollowedReturn | None, Meta(description="Of following the period's portfolios up to as_of_date; null: not yet")
    ]
