"""The trades from what a reader owns to one of the portfolios."""

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, Struct

from config.exchanges import TICKER
from contract.common import Source, Status
from contract.reasons import Reasons
from utils.messages import Moment

Outside = Literal["sell", "keep"]
# Of each position the ticker, the shares, and where it is known the currency.
_POSITION = TICKER + r":[0-9]{1,9}(\.[0-9]{1,8})?(:[A-Za-z]{3})?"
POSITIONS = rf"^({_POSITION}(,{_POSITION})*)?$"
LONGEST_POSITIONS = 20_000  # characters
LARGEST_CASH = 1e9  # US dollars


class OwnedPositions(Struct):
    """What a reader owns."""

    positions: Annotated[
        str,
        Meta(
            pattern=POSITIONS,
            max_length=LONGEST_POSITIONS,
            description="TICKER:SHARES or TICKER:SHARES:CURRENCY, separated by commas",
            examples=["NVDA:12.5,005930.KS:10:KRW"],
        ),
    ]
    cash: Annotated[float, Meta(ge=0, le=LARGEST_CASH, description="In US dollars, kept to the cent")]


class KeptPositions(OwnedPositions):
    """What this installation keeps for everybody who can read it."""

    saved_at: Annotated[Moment | None, Meta(description="When it was saved; null: nothing is kept")]


class Order(Struct):
    """What to do with one position. Amounts are in US dollars and whole cents."""

    ticker: str
    company_name: str | None
    side: Literal["sell", "buy", "keep"]
    shares: Annotated[float, Meta(description="To trade: positive buys, negative sells")]
    held_shares: float
    target_shares: Annotated[float, Meta(description="Held after the trade")]
    price_usd: Annotated[float, Meta(description="Newest stored close in US dollars; the shares are counted at it")]
    price_date: date
    currency: Annotated[str, Meta(description="In which the stock is quoted")]
    close_price: Annotated[float, Meta(description="The same close in `currency`")]
    rate_date: Annotated[date, Meta(description="Day of the exchange rate; price_date of a stock quoted in US dollars")]
    value: Annotated[float, Meta(description="Of what is traded")]
    cost: Annotated[float, Meta(description="At cost_rate")]
    held_value: float
    target_value: Annotated[float, Meta(description="Worth after the trade: held_value + bought - sold")]
    held_weight: Annotated[float, Meta(description="Share of `capital` before the trades")]
    weight: Annotated[float, Meta(description="Share of `capital` after the trades")]
    target_weight: Annotated[float, Meta(description="In the portfolio")]
    is_in_band: Annotated[bool, Meta(description="Kept since its weight is off by no more than `band`")]
    share_of_volume: Annotated[
        float | None,
        Meta(description="The trade's shares over those traded a session, on average of the last 20; a fraction"),
    ]


class LeftOut(Struct):
    """A position that is not counted, owned or wanted: it is in no sum, and its share of the portfolio stays cash.

    There are no orders of it.
    """

    ticker: str
    held_shares: float
    target_weight: Annotated[
        float, Meta(description="In the portfolio. Of several lines of one ticker, the first one has it")
    ]
    reason: str
    reasons: Reasons


class OwnedTrades(Struct):
    """owned_value + cash = capital = the target values of `orders` + cost + cash_left, to the cent."""

    period: Annotated[str, Meta(description="Sessions of the portfolio's period, or `monthly`")]
    as_of_date: Annotated[date, Meta(description="Session of the portfolio, the newest one")]
    rebalance_date: Annotated[date | None, Meta(description="Of the monthly portfolio")]
    valid_until: Annotated[date | None, Meta(description="Of the monthly portfolio that was decided last")]
    next_rebalance: Annotated[
        date | None, Meta(description="Of the monthly portfolio: the date of the one to be made next")
    ]
    is_expired: Annotated[bool, Meta(description="The monthly portfolio has run out: it is cash until the next one")]
    status: Annotated[Status, Meta(description="not_computable: no decision, and therefore no orders")]
    reason: Annotated[str | None, Meta(description="Why the portfolio is empty or not computable")]
    reasons: Reasons
    source: Source | None
    price_session: Annotated[date, Meta(description="Newest session with prices; an older price says its own date")]
    cash: float
    owned_value: Annotated[float, Meta(description="Of the counted positions, at the newest closes")]
    capital: float
    bought: float
    sold: float
    cost: float
    cash_left: float
    cost_rate: Annotated[float, Meta(description="Of the traded value")]
    band: float
    is_fractional: bool
    outside: Outside
    smallest_capital: Annotated[
        float | None,
        Meta(
            description="From so much on, every position of `orders` gets a share, or a dollar where shares can be "
            "divided"
        ),
    ]
    off_target: Annotated[
        float,
        Meta(
            description="Share of the capital that is elsewhere than in the portfolio after the trades: what whole "
            "shares leave, and what stays cash for `left_out`"
        ),
    ]
    orders: Annotated[list[Order], Meta(description="Sells, then buys, then what is kept; the largest first")]
    left_out: list[LeftOut]
