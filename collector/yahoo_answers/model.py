"""What the Yahoo client returns."""

import hashlib
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property

from utils.messages import Source
from utils.reasons import Reason


@dataclass(frozen=True)
class Answer:
    """Where and when an answer is from: the server's own clock and its label (yahoo, simulated, recorded).

    body: its bytes, as the source sent them
    """

    fetched_at: datetime
    source: Source
    body: bytes = field(default=b"", repr=False, compare=False)

    @cached_property
    def digest(self) -> str | None:
        """The SHA-256 of its bytes, or None without them."""
        return hashlib.sha256(self.body).hexdigest() if self.body else None


@dataclass(frozen=True)
class Bar:
    """One session as Yahoo gives it: prices split-adjusted, adj_close dividend-adjusted too. None = unknown.

    other_close: the close of another line of the session, which contradicts this one
    """

    session: date
    open: float | None
    high: float | None
    low: float | None
    close: float
    adj_close: float
    volume: int
    dividend: float
    split_ratio: float
    capital_gain: float = 0.0
    other_close: float | None = None


@dataclass(frozen=True)
class Bars:
    """A ticker's completed sessions, in order, without gaps filled."""

    ticker: str
    currency: str
    bars: list[Bar]
    answer: Answer


@dataclass(frozen=True)
class FundHolding:
    ticker: str
    name: str | None
    percent: float


@dataclass(frozen=True)
class FundHoldings:
    """A fund's largest holdings (fractions of it), largest first. Yahoo lists at most ten.

    notes: what was left out or put together.
    """

    etf: str
    holdings: list[FundHolding]
    answer: Answer
    notes: list[Reason] = field(default_factory=list)


@dataclass(frozen=True)
class Quote:
    """What Yahoo knows of a stock now. None = it does not say. market_cap and price are in `currency`, a major unit.

    shares_outstanding counts the listed class, implied_shares the company. answer: where it is from.
    """

    ticker: str
    name: str | None
    currency: str | None
    shares_outstanding: int | None
    market_cap: int | None
    implied_shares: int | None = None
    price: float | None = None
    answer: Answer | None = field(default=None, compare=False)
