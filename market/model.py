"""What the market server knows about a market: bars, holdings and quotes, each as of a moment."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal, Protocol

from market.sessions import Venue

Label = Literal["simulated", "recorded"]
Kind = Literal["ETF", "EQUITY", "CURRENCY"]

# Yahoo's code of an exchange -> its name there.
EXCHANGE_NAMES = {
    "PCX": "NYSEArca",
    "NGM": "NasdaqGM",
    "NMS": "NasdaqGS",
    "NYQ": "NYSE",
    "KSC": "KSE",
    "JPX": "Tokyo",
    "LSE": "LSE",
    "GER": "XETRA",
    "CCY": "CCY",
}


# Yahoo's codes of hundredths of a currency.
MINOR_UNITS = frozenset({"GBp", "GBX", "ZAc", "ILA", "ILa"})


@dataclass(frozen=True)
class Security:
    """A ticker as Yahoo describes it. `sector` is in Yahoo's words. Funds and currencies have none.

    `shares` counts the listed shares before any split, `cap_shares` the ones its market cap is made of (more, where one
    company has several share classes). None = not disclosed. Of a fund `shares` is out of date.
    """

    ticker: str
    name: str
    kind: Kind
    currency: str
    exchange: str
    venue: Venue
    sector: str | None = None
    shares: float | None = None
    cap_shares: float | None = None
    states_company_shares: bool = False
    states_currency: bool = True
    has_profile: bool = True
    is_thin: bool = False
    last_session: date | None = None  # of a delisted company

    @property
    def per_major_unit(self) -> int:
        """How much of what prices are in makes one of what market caps are in."""
        return 100 if self.currency in MINOR_UNITS else 1


@dataclass(frozen=True, slots=True)
class Bar:
    """One session as answered at some moment: prices split-adjusted, adj_close for dividends too. None = unknown.

    `dividend` and `capital_gain` are 0 and `split_ratio` 1 on most days; a dividend is in the currency of the prices if
    none is given. A partial bar is of a session that is not over yet.
    """

    session: date
    open: float | None
    high: float | None
    low: float | None
    close: float | None
    adj_close: float | None
    volume: int | None
    dividend: float = 0.0
    split_ratio: float = 1.0
    is_partial: bool = False
    capital_gain: float = 0.0
    dividend_currency: str | None = None


@dataclass(frozen=True, slots=True)
class Holding:
    """What a fund owns. `percent` is a fraction of the fund."""

    ticker: str
    name: str
    percent: float


@dataclass(frozen=True)
class Quote:
    """A security at some moment. Market cap in its own currency. None = not disclosed.

    `shares_outstanding` counts the listed class, `company_shares` the whole company.
    """

    security: Security
    price: float
    previous_close: float | None
    shares_outstanding: int | None
    market_cap: int | None
    company_shares: int | None = None
    year_range: tuple[float, float] | None = None


@dataclass(frozen=True)
class Restatement:
    """A bar that was published wrong, and the moment from which the right one is given."""

    ticker: str
    session: date
    corrected_at: datetime


class UnknownSymbol(LookupError):
    """The market has no such ticker."""


class Market(Protocol):
    """Everything Yahoo's endpoints are answered from. `at` is an aware datetime. UnknownSymbol for other tickers."""

    @property
    def label(self) -> Label: ...

    @property
    def etfs(self) -> Sequence[str]: ...

    @property
    def tickers(self) -> Sequence[str]: ...

    def security(self, ticker: str) -> Security: ...

    def is_listed(self, ticker: str, at: datetime) -> bool:
        """Tell whether a security is traded still. False once a company is delisted."""
        ...

    def bars(self, ticker: str, at: datetime) -> list[Bar]:
        """Return every bar known at the moment, oldest first. The last one is partial while its session runs."""
        ...

    def holdings(self, etf: str, at: datetime) -> list[Holding]:
        """Return the newest snapshot known at the moment, largest first, at most ten. Empty when there is none yet."""
        ...

    def holding_lines(self, etf: str, at: datetime) -> list[Holding]:
        """Return the same as it is listed: a holding may stand in several lines."""
        ...

    def quote(self, ticker: str, at: datetime) -> Quote | None:
        """Return the quote of the moment, or None before the first price."""
        ...


def in_progress(bar: Bar, fraction: float) -> Bar:
    """Return a bar as it looked when `fraction` of its session was over: 0 is the opening price, 1 the whole bar.

    >>> in_progress(Bar(date(2026, 8, 21), 10.0, 14.0, 9.0, 12.0, 12.0, 1000), 0.5)
    Bar(session=datetime.date(2026, 8, 21), open=10.0, high=12.0, low=9.5, close=11.0, adj_close=11.0, volume=500, \
dividend=0.0, split_ratio=1.0, is_partial=True, capital_gain=0.0, dividend_currency=None)
    """
    if bar.open is None or bar.high is None or bar.low is None or bar.close is None:
        raise ValueError(f"the bar of {bar.session} has no opening price to start from")
    price = _rounded(bar.open + (bar.close - bar.open) * fraction)
    high = max(bar.open, price) + (bar.high - max(bar.open, bar.close)) * fraction
    low = min(bar.open, price) - (min(bar.open, bar.close) - bar.low) * fraction
    return replace(
        bar,
        high=max(_rounded(high), price, bar.open),
        low=min(_rounded(low), price, bar.open),
        close=price,
        adj_close=price,
        volume=None if bar.volume is None else int(bar.volume * fraction),
        is_partial=True,
    )


def _rounded(price: float) -> float:
    return round(price, 4)
