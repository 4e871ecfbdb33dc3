"""The messages of each topic: JSON, one class for each kind, checked when it is read.

etf-daily-data     EtfDailyBar
stock-daily-data   StockDailyBar      (also exchange rates: quote_type CURRENCY)
etf-holdings-data  HoldingsSnapshot   (a fund's whole list, so that a snapshot is stored completely or not at all)

Several sessions of one ticker may be one message of the daily topics: see utils/ranges.py.
"""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta

from config.exchanges import SYMBOL
from utils.errors import InvalidMessage
from utils.reasons import Reason, reason, understood

# Values that Postgres cannot hold are refused here, so that producers notice before they send them.
LARGEST_INTEGER = 2**63 - 1
Ticker = Annotated[str, Meta(min_length=1, max_length=20, pattern=rf"^{SYMBOL}\Z")]
LEAST_PRICE, BEYOND_PRICE = 1e-10, 1e12
Price = Annotated[float, Meta(ge=LEAST_PRICE, lt=BEYOND_PRICE)]
Amount = Annotated[float, Meta(ge=0, lt=BEYOND_PRICE)]
Volume = Annotated[int, Meta(ge=0, le=LARGEST_INTEGER)]
Count = Annotated[int, Meta(gt=0, le=LARGEST_INTEGER)]
# Of a fund. Leveraged funds hold more than their own value, and the parts of a fund of funds may add up to more than 1.
SHARE_LIMIT = 100
Fraction = Annotated[float, Meta(gt=0, lt=SHARE_LIMIT)]
Moment = Annotated[datetime, Meta(tz=True)]
Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
RunId = Annotated[str, Meta(max_length=250)]
Source = Literal["yahoo", "simulated", "recorded"]
# The market cap is a share count times the session's close. The count is the company's implied one, the quoted cap over
# the quoted price, or that of the listed class. "quoted" is the cap of the fetch day itself.
MarketCapSource = Literal["implied_x_close", "derived_x_close", "shares_x_close", "quoted"]
SectorSource = Literal["yahoo", "derived"]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$")]

LARGEST_STEP = 0.5  # a person has to accept a close that moves further in one session
ROUNDING = 1e-6  # relative: by this much Yahoo's split adjustment puts high and low off open and close

EARLIEST = date(1990, 1, 1)
AHEAD = timedelta(days=1)  # by how much the source's clock may be ahead of ours
SIMULATED_AHEAD = timedelta(days=36_500)  # a simulated market may play in the future
MONTH = timedelta(days=31)
ZONES = timedelta(days=2)  # by how much a session may be later than the UTC day of its fetch: time zones differ


class Message(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The origin of every message. fetched_at is a time of the source's own clock.

    answer_digest: SHA-256 of the source's answer, which evidence_source_answer keeps. Older messages have none

    gc=False here and below: messages have no reference cycles, so the garbage collector need not visit them.
    """

    fetched_at: Moment
    source: Source
    run_id: RunId | None = None
    answer_digest: Digest | None = None

    @property
    def key(self) -> str:
        """The ticker, so that one partition keeps a ticker's messages in order."""
        raise NotImplementedError

    @property
    def days(self) -> list[date]:
        """The sessions that the message is about."""
        raise NotImplementedError

    def check(self) -> None:
        """Raise InvalidMessage when the values contradict each other."""

    def check_days(self) -> None:
        """Raise InvalidMessage when a date of the message cannot be true."""
        # Stored rows are replaced by newer fetches only: a row from the future would keep out all later ones.
        fetched_on, today = self.fetched_at.date(), datetime.now(UTC).date()
        if not EARLIEST <= fetched_on <= today + (AHEAD if self.source == "yahoo" else SIMULATED_AHEAD):
            raise InvalidMessage(reason("fetched_at_untrue", key=self.key, fetched_at=str(self.fetched_at)))
        for day in self.days:
            if not EARLIEST <= day <= fetched_on + ZONES:
                raise InvalidMessage(
                    reason("day_untrue", key=self.key, day=day, earliest=EARLIEST, fetched_on=fetched_on)
                )

    @property
    def is_plausible(self) -> bool:
        """Whether a consumer accepts the message."""
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
    is_accepted: bool = False  # a person has seen the bar and found it true
    dividend: Amount = 0.0
    split_ratio: Price = 1.0
    capital_gain: Amount = 0.0
    currency: Currency = "USD"
    # Why the producer, which sees the whole series, wants a person to look first. Of an older message a text.
    doubt: Reason | str | None = None

    @property
    def key(self) -> str:
        return self.ticker

    @property
    def days(self) -> list[date]:
        return [self.trade_date]

    @property
    def price_change_percent(self) -> float | None:
        return change_percent(self.previous_close, self.close_price)

    def check(self) -> None:
        if self.is_accepted:
            return
        if doubt := self._found_doubt() or self._range_doubt() or self._step_doubt():
            raise InvalidMessage(reason("doubtful_bar", ticker=self.ticker, session=self.trade_date, doubt=doubt))

    def _found_doubt(self) -> Reason | None:
        """Return the producer's doubt. An earlier version sent it as a text."""
        if isinstance(self.doubt, str):
            return reason("text", text=self.doubt)
        return understood(self.doubt) if self.doubt else None

    def _range_doubt(self) -> Reason | None:
        return None

    def _step_doubt(self) -> Reason | None:
        """Tell whether the close moved too far."""
        # Yahoo adjusts both sides of a split, so the split day gets no exception.
        before, after = self.previous_close, self.close_price
        if before is None or not is_leap(before, after):
            return None
        code = "close_moved" if self.split_ratio == 1.0 else "close_moved_at_split"
        return reason(code, step=after / before - 1, before=before, after=after)


class EtfDailyBar(DailyBar, frozen=True, kw_only=True):
    """A bar of an ETF."""

    open_price: Price
    high_price: Price
    low_price: Price

    def _range_doubt(self) -> Reason | None:
        return range_doubt(self.open_price, self.high_price, self.low_price, self.close_price)


class StockDailyBar(DailyBar, frozen=True, kw_only=True):
    """A bar of a stock, or of an exchange rate. market_cap is in `currency`. Open, high and low may be unknown."""

    currency: Currency
    quote_type: Literal["EQUITY", "CURRENCY"] = "EQUITY"
    open_price: Price | None = None
    high_price: Price | None = None
    low_price: Price | None = None
    company_name: Annotated[str, Meta(max_length=200)] | None = None
    sector: Annotated[str, Meta(max_length=60)] | None = None
    sector_source: SectorSource | None = None
    shares_outstanding: Count | None = None
    market_cap: Count | None = None
    market_cap_source: MarketCapSource | None = None
    quote_digest: Digest | None = None  # of the answer with the share count

    def _range_doubt(self) -> Reason | None:
        if self.open_price and self.high_price and self.low_price:
            return range_doubt(self.open_price, self.high_price, self.low_price, self.close_price)
        return None


class Holding(msgspec.Struct, frozen=True, gc=False):
    """A stock in a fund. percent is a fraction of the fund, rank 1 is the largest.

    The fractions of a leveraged fund can add up to more than 1.
    """

    ticker: Ticker
    name: Annotated[str, Meta(max_length=200)] | None
    percent: Fraction
    rank: Annotated[int, Meta(ge=1, lt=2**31)]


class EtfMetadata(msgspec.Struct, frozen=True, gc=False):
    """The role of an ETF in the universe. etf_type: benchmark, sector, or benchmark+sector."""

    etf_type: Annotated[str, Meta(max_length=30)]
    sector_name: Annotated[str, Meta(max_length=60)] | None
    description: str


class HoldingsSnapshot(Message, frozen=True, kw_only=True):
    """A fund's largest holdings on collected_date: the last session that was over when they were fetched.

    month_of: the month's session, when the snapshot is stored as that of a month and not as that of a day
    """

    etf_ticker: Ticker
    collected_date: date
    holdings: Annotated[list[Holding], Meta(min_length=1)]
    metadata: EtfMetadata | None = None
    month_of: date | None = None

    @property
    def key(self) -> str:
        return self.etf_ticker

    @property
    def days(self) -> list[date]:
        return [self.collected_date]

    def check(self) -> None:
        tickers = [holding.ticker for holding in self.holdings]
        if len(set(tickers)) != len(tickers):
            raise InvalidMessage(
                reason("holding_listed_twice", etf=self.etf_ticker, day=self.collected_date, tickers=tickers)
            )
        if self.month_of and not EARLIEST <= self.month_of <= self.collected_date + MONTH:
            raise InvalidMessage(
                reason("not_of_month", etf=self.etf_ticker, day=self.collected_date, month_of=self.month_of)
            )


M = TypeVar("M", bound=Message)


def to_json(message: Message) -> bytes:
    return msgspec.json.encode(message)


def from_json(kind: type[M], raw: bytes | str) -> M:
    """Parse and check a message, or raise InvalidMessage, which names the wrong field or the contradicting values."""
    message = _in_contract(kind, raw)
    message.check()
    return message


def refusal(message: Message) -> Reason | None:
    """Tell why no consumer can store a message, even an accepted one. None when one can."""
    try:
        _in_contract(type(message), to_json(message))
    except InvalidMessage as error:
        return error.reason
    return None


def _in_contract(kind: type[M], raw: bytes | str) -> M:
    try:
        message: M = _decoder(kind).decode(raw)
        message.check_days()
    except (msgspec.DecodeError, ValueError, OverflowError, RecursionError) as error:
        raise InvalidMessage(reason("not_a_message", kind=kind.__name__, error=str(error))) from None
    return message


@cache
def _decoder(kind: type[M]) -> msgspec.json.Decoder[M]:
    return msgspec.json.Decoder(kind)


def change_percent(before: float | None, close: float) -> float | None:
    return None if before is None else (close / before - 1) * 100


def is_leap(before: float | None, close: float) -> bool:
    """Tell whether a close moved further than a person need not see.

    >>> is_leap(10.0, 15.0), is_leap(10.0, 15.1), is_leap(10.0, 4.9), is_leap(None, 1.0)
    (False, True, True, False)
    """
    return before is not None and abs(close / before - 1) > LARGEST_STEP


def range_doubt(opened: float, high: float, low: float, close: float) -> Reason | None:
    """Tell when open or close is outside low to high, beyond Yahoo's rounding. None otherwise.

    >>> str(range_doubt(10.0, 12.0, 9.0, 11.0)), str(range_doubt(10.0, 12.0, 9.0, 12.5))
    ('None', 'open 10 and close 12.5 are not within 9 to 12')
    """
    lower, upper = (opened, close) if opened < close else (close, opened)
    if low > lower * (1 + ROUNDING) or high < upper * (1 - ROUNDING):
        return reason("outside_range", open=opened, close=close, low=low, high=high)
    return None
