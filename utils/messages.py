"""What travels on each topic: JSON, one class a message, checked when it is read.

etf-daily-data     EtfDailyBar
stock-daily-data   StockDailyBar      (also exchange rates: quote_type CURRENCY)
etf-holdings-data  HoldingsSnapshot   (a fund's whole list, so that a snapshot is stored whole or not at all)
"""

from datetime import date, datetime
from functools import cache
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta

from utils.errors import InvalidMessage

Ticker = Annotated[str, Meta(min_length=1, max_length=20)]
Price = Annotated[float, Meta(gt=0, lt=1e12)]
Volume = Annotated[int, Meta(ge=0)]
Fraction = Annotated[float, Meta(gt=0, le=1)]
Source = Literal["yahoo", "simulated", "recorded"]
# Whose share count times the session's close: the company's implied one, the quoted cap over the quoted price, or the
# listed class's; or the cap of the fetch day.
MarketCapSource = Literal["implied_x_close", "derived_x_close", "shares_x_close", "quoted"]
SectorSource = Literal["yahoo", "derived"]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$")]

LARGEST_STEP = 0.5  # a close that moves further in one session without a split is looked at by a person first
ROUNDING = 1e-6  # Yahoo's split adjustment leaves high and low this much off open and close, relatively


class Message(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What all messages say of their origin. fetched_at is the source's own clock.

    gc=False, here and below: they hold no cycles, so the garbage collector need not visit thousands of them.
    """

    fetched_at: datetime
    source: Source
    run_id: str | None = None

    @property
    def key(self) -> str:
        """The ticker: one partition keeps a ticker's messages in order."""
        raise NotImplementedError

    def check(self) -> None:
        """Raise InvalidMessage when the values contradict each other."""

    @property
    def is_plausible(self) -> bool:
        """Whether a consumer will take it."""
        try:
            self.check()
        except InvalidMessage:
            return False
        return True


class DailyBar(Message, frozen=True, kw_only=True):
    """One session of one ticker. Prices are split-adjusted, adj_close also for dividends."""

    ticker: Ticker
    trade_date: date
    close_price: Price
    adj_close: Price
    volume: Volume
    previous_close: Price | None = None
    is_accepted: bool = False  # a person has looked at the step and found it true
    dividend: Annotated[float, Meta(ge=0)] = 0.0
    split_ratio: Price = 1.0
    capital_gain: Annotated[float, Meta(ge=0)] = 0.0
    currency: Currency = "USD"
    doubt: str | None = None  # why the producer, which sees the whole series, finds that a person should look first

    @property
    def key(self) -> str:
        return self.ticker

    @property
    def price_change_percent(self) -> float | None:
        if self.previous_close is None:
            return None
        return (self.close_price / self.previous_close - 1) * 100

    def check(self) -> None:
        if self.doubt and not self.is_accepted:
            raise InvalidMessage(
                f"{self.ticker} {self.trade_date}: {self.doubt}; accept it with --accept if it is true"
            )
        if self.previous_close is None or self.split_ratio != 1.0 or self.is_accepted:
            return
        step = self.close_price / self.previous_close - 1
        if abs(step) > LARGEST_STEP:
            raise InvalidMessage(
                f"{self.ticker} {self.trade_date}: close moved {step:+.1%} without a split "
                f"({self.previous_close:g} -> {self.close_price:g}); replay it with --accept if it is true"
            )


class EtfDailyBar(DailyBar, frozen=True, kw_only=True):
    open_price: Price
    high_price: Price
    low_price: Price

    def check(self) -> None:
        check_range(self.ticker, self.trade_date, self.open_price, self.high_price, self.low_price, self.close_price)
        super().check()


class StockDailyBar(DailyBar, frozen=True, kw_only=True):
    """market_cap is in `currency`; open, high and low may be unknown."""

    currency: Currency
    quote_type: Literal["EQUITY", "CURRENCY"] = "EQUITY"
    open_price: Price | None = None
    high_price: Price | None = None
    low_price: Price | None = None
    company_name: Annotated[str, Meta(max_length=200)] | None = None
    sector: Annotated[str, Meta(max_length=60)] | None = None
    sector_source: SectorSource | None = None
    shares_outstanding: Annotated[int, Meta(gt=0)] | None = None
    market_cap: Annotated[int, Meta(gt=0)] | None = None
    market_cap_source: MarketCapSource | None = None

    def check(self) -> None:
        if self.open_price and self.high_price and self.low_price:
            check_range(
                self.ticker, self.trade_date, self.open_price, self.high_price, self.low_price, self.close_price
            )
        super().check()


class Holding(msgspec.Struct, frozen=True, gc=False):
    """percent is a fraction of the fund; rank 1 is the largest."""

    ticker: Ticker
    name: Annotated[str, Meta(max_length=200)] | None
    percent: Fraction
    rank: Annotated[int, Meta(ge=1)]


class EtfMetadata(msgspec.Struct, frozen=True, gc=False):
    """What an ETF is to the platform. etf_type: benchmark, sector, or benchmark+sector."""

    etf_type: Annotated[str, Meta(max_length=30)]
    sector_name: Annotated[str, Meta(max_length=60)] | None
    description: str


class HoldingsSnapshot(Message, frozen=True, kw_only=True):
    """A fund's largest holdings as published on collected_date (the last session closed when they were fetched).

    month_of: it stands for the month of that session, and is stored as such, not as the day's snapshot.
    """

    etf_ticker: Ticker
    collected_date: date
    holdings: Annotated[list[Holding], Meta(min_length=1)]
    metadata: EtfMetadata | None = None
    month_of: date | None = None

    @property
    def key(self) -> str:
        return self.etf_ticker

    def check(self) -> None:
        tickers = [holding.ticker for holding in self.holdings]
        if len(set(tickers)) != len(tickers):
            raise InvalidMessage(f"{self.etf_ticker} {self.collected_date}: a holding is listed twice: {tickers}")
        total = sum(holding.percent for holding in self.holdings)
        if total > 1 + ROUNDING:
            raise InvalidMessage(f"{self.etf_ticker} {self.collected_date}: holdings sum to {total:.1%} of the fund")


M = TypeVar("M", bound=Message)


def to_json(message: Message) -> bytes:
    return msgspec.json.encode(message)


def from_json(kind: type[M], raw: bytes | str) -> M:
    """The message, checked; InvalidMessage says which field breaks the contract, or which values contradict."""
    try:
        message: M = _decoder(kind).decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidMessage(f"not a {kind.__name__}: {error}") from None
    message.check()
    return message


@cache
def _decoder(kind: type[M]) -> msgspec.json.Decoder[M]:
    return msgspec.json.Decoder(kind)


def check_range(ticker: str, day: date, opened: float, high: float, low: float, close: float) -> None:
    """low <= open, close <= high, up to Yahoo's rounding."""
    lower, upper = (opened, close) if opened < close else (close, opened)
    if low > lower * (1 + ROUNDING) or high < upper * (1 - ROUNDING):
        raise InvalidMessage(f"{ticker} {day}: open {opened:g} and close {close:g} are not within {low:g} to {high:g}")
