"""What all answers share. Returns and weights are fractions (0.0325 is 3.25 %)."""

from typing import Annotated, Literal, get_args

from msgspec import Meta, Struct

from contract.reasons import Reasons
from utils import messages

Source = Annotated[
    messages.Source,
    Meta(description="Where the prices come from: Yahoo, an invented market, or a recorded one"),
]
DegradedReason = Annotated[
    str | None,
    Meta(description="What was not there or in doubt (a price, a fund's list, the day's exchange rate); null: nothing"),
]
Status = Annotated[
    Literal["published", "empty", "not_computable"],
    Meta(description="not_computable: too little history, `reason` says what is missing; that is not the same as cash"),
]
MarketCapSource = Annotated[
    messages.MarketCapSource,
    Meta(
        description="What the close was multiplied with: the source's share count of all classes, its market cap / its "
        "price, the listed class's count; quoted: the source's own figure of the fetch day, as no count is known"
    ),
]
SectorSource = Annotated[
    messages.SectorSource | None,
    Meta(description="derived: from a sector ETF that holds the stock, not Yahoo's own word; null: no sector"),
]
QuoteType = Literal["ETF", "EQUITY", "CURRENCY"]
Window = Literal["1d", "5d", "10d", "20d", "month"]
WINDOWS: tuple[Window, ...] = get_args(Window)
_BY_WINDOW = {"propertyNames": {"enum": WINDOWS}}
MissingByWindow = Annotated[
    dict[Window, Reasons],
    Meta(
        description="Why what is null is null, by the window that it is of; a window without an entry lacks nothing",
        extra_json_schema=_BY_WINDOW,
    ),
]
DegradedByWindow = Annotated[
    dict[Window, Reasons],
    Meta(
        description="What is in doubt of the return over a window (a break, a rate of a day before); a window without "
        "an entry: nothing",
        extra_json_schema=_BY_WINDOW,
    ),
]


class Paged(Struct):
    """A part of a list that grows."""

    total: Annotated[int, Meta(description="Entries in the whole list")]
    limit: int
    offset: int
    next: Annotated[str | None, Meta(description="Address of the next part; null on the last one")]


class Problem(Struct):
    """Why there is no answer: problem details (RFC 9457), and the kind's name alone."""

    type: Annotated[str, Meta(description="Address of what the kind of problem means, stable")]
    title: Annotated[str, Meta(description="The kind of problem in words")]
    status: Annotated[int, Meta(description="The HTTP status")]
    detail: Annotated[str, Meta(description="What happened and what to do")]
    instance: Annotated[str | None, Meta(description="The path that was asked for")]
    error: Annotated[str, Meta(description="Kind of error, stable", examples=["NotPublished"])]
    reasons: Annotated[Reasons, Meta(description="`detail` as data")] = []


class Returns(Struct):
    """Returns over 1, 5, 10 and 20 sessions and over the month so far, in US dollars."""

    return_1d: float | None
    return_5d: float | None
    return_10d: float | None
    return_20d: float | None
    return_month: Annotated[float | None, Meta(description="Since the last close of the month before")]

    def over(self, window: Window) -> float | None:
        """Return the return over a window."""
        gains = {
            "1d": self.return_1d,
            "5d": self.return_5d,
            "10d": self.return_10d,
            "20d": self.return_20d,
            "month": self.return_month,
        }
        return gains[window]
