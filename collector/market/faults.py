"""Faults on demand: refusals of the next requests, and data as bad as Yahoo's sometimes is."""

import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from collector.market.model import Bar, Holding, Label, Market, Quote, Security, UnknownSymbol, in_progress
from utils.errors import InvalidInput

Endpoint = Literal["cookie", "getcrumb", "chart", "quoteSummary", "quote", "timeseries", "other"]
EVER = datetime(9999, 1, 1, tzinfo=UTC)
SHARED_PERCENT = 0.25


class _Fault(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Refusal(_Fault):
    """Strikes `count` requests (all until cleared, without one) from the n-th on that fits `endpoint` and `ticker`."""

    count: int | None = Field(default=None, ge=1)
    from_request: int = Field(default=1, ge=1)
    endpoint: Endpoint | None = None
    ticker: str | None = None


class RateLimit(Refusal):
    """429 Too Many Requests."""

    kind: Literal["rate_limit"]


class Unauthorized(Refusal):
    """401 Invalid Crumb."""

    kind: Literal["unauthorized"]


class ServerError(Refusal):
    """500."""

    kind: Literal["server_error"]


class Delay(Refusal):
    """The answer comes late: a time-out, if the client is not as patient."""

    kind: Literal["delay"]
    seconds: float = Field(gt=0, le=3600)


class MissingBar(_Fault):
    """The session is not in the chart."""

    kind: Literal["missing_bar"]
    ticker: str
    session: date


class NanBar(_Fault):
    """The session is in the chart without a price."""

    kind: Literal["nan_bar"]
    ticker: str
    session: date


class ScaledBar(_Fault):
    """The session's prices are this many times what they should be: restated, once the fault is cleared."""

    kind: Literal["scaled_bar"]
    ticker: str
    session: date
    factor: float = Field(gt=0)


class PartialBar(_Fault):
    """The last bar stays as it was halfway through its session, after the close too."""

    kind: Literal["partial_bar"]
    ticker: str


class UnknownTicker(_Fault):
    """Yahoo no longer knows the ticker."""

    kind: Literal["unknown_ticker"]
    ticker: str


class NoMarketCap(_Fault):
    """Neither market cap nor share count is given."""

    kind: Literal["no_market_cap"]
    ticker: str


class SharedHolding(_Fault):
    """The ticker is the largest holding of all these ETFs."""

    kind: Literal["shared_holding"]
    ticker: str
    etfs: list[str] = Field(min_length=1)
    percent: float = Field(default=SHARED_PERCENT, gt=0, le=1)


DataFault = MissingBar | NanBar | ScaledBar | PartialBar | UnknownTicker | NoMarketCap | SharedHolding
HttpFault = RateLimit | Unauthorized | ServerError | Delay
Fault = Annotated[HttpFault | DataFault, Field(discriminator="kind")]


@dataclass
class _Strikes:
    """A refusal with the requests that fitted it so far and those it struck."""

    fault: HttpFault
    seen: int = 0
    struck: int = 0

    def strikes(self, endpoint: Endpoint, tickers: Sequence[str]) -> bool:
        if self.fault.endpoint not in (None, endpoint):
            return False
        if self.fault.ticker is not None and self.fault.ticker not in tickers:
            return False
        self.seen += 1
        due = self.seen >= self.fault.from_request and (self.fault.count is None or self.struck < self.fault.count)
        self.struck += due
        return due


class Faults:
    """The faults in force, in the order they were added."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._refusals: list[_Strikes] = []
        self._data: list[DataFault] = []

    def add(self, fault: HttpFault | DataFault) -> None:
        """InvalidInput when the market has no such ticker or session, which would make it a fault of nothing."""
        self._check(fault)
        if isinstance(fault, Refusal):
            self._refusals.append(_Strikes(fault))
        else:
            self._data.append(fault)

    def clear(self) -> None:
        self._refusals.clear()
        self._data.clear()

    def due(self, endpoint: Endpoint, tickers: Sequence[str]) -> list[HttpFault]:
        """The refusals that strike this request; each call counts as one request."""
        return [one.fault for one in self._refusals if one.strikes(endpoint, tickers)]

    def concerning(self, ticker: str) -> list[DataFault]:
        return [fault for fault in self._data if fault.ticker == ticker]

    def shared_with(self, etf: str) -> list[SharedHolding]:
        return [fault for fault in self._data if isinstance(fault, SharedHolding) and etf in fault.etfs]

    def described(self) -> list[dict[str, Any]]:
        refusals = [_described(one.fault) | {"seen": one.seen, "struck": one.struck} for one in self._refusals]
        return refusals + [_described(fault) for fault in self._data]

    def _check(self, fault: HttpFault | DataFault) -> None:
        if isinstance(fault, Refusal):
            return  # a client may well ask for tickers the market does not have
        if fault.ticker not in self._market.tickers:
            raise InvalidInput(f"{fault.kind}: the market has no {fault.ticker}")
        if isinstance(fault, SharedHolding) and (others := set(fault.etfs) - set(self._market.etfs)):
            raise InvalidInput(f"{fault.kind}: not an ETF here: {', '.join(sorted(others))}")
        if isinstance(fault, MissingBar | NanBar | ScaledBar) and not self._has_bar(fault.ticker, fault.session):
            raise InvalidInput(f"{fault.kind}: {fault.ticker} has no bar of {fault.session}")

    def _has_bar(self, ticker: str, session: date) -> bool:
        return any(bar.session == session for bar in self._market.bars(ticker, EVER))


def _described(fault: BaseModel) -> dict[str, Any]:
    return fault.model_dump(mode="json", exclude_none=True)


class FaultyMarket:
    """The market as it looks through the faults."""

    def __init__(self, market: Market, faults: Faults) -> None:
        self._market = market
        self._faults = faults

    @property
    def label(self) -> Label:
        return self._market.label

    @property
    def etfs(self) -> Sequence[str]:
        return self._market.etfs

    @property
    def tickers(self) -> Sequence[str]:
        return self._market.tickers

    def security(self, ticker: str) -> Security:
        if any(isinstance(fault, UnknownTicker) for fault in self._faults.concerning(ticker)):
            raise UnknownSymbol(ticker)
        return self._market.security(ticker)

    def bars(self, ticker: str, at: datetime) -> list[Bar]:
        self.security(ticker)
        bars = self._market.bars(ticker, at)
        for fault in self._faults.concerning(ticker):
            bars = _spoiled(bars, fault)
        return bars

    def holdings(self, etf: str, at: datetime) -> list[Holding]:
        self.security(etf)
        holdings = self._market.holdings(etf, at)
        for fault in self._faults.shared_with(etf):
            shared = Holding(fault.ticker, self._market.security(fault.ticker).name, fault.percent)
            holdings = [shared, *(holding for holding in holdings if holding.ticker != fault.ticker)]
        return sorted(holdings, key=lambda holding: -holding.percent)[:10]

    def quote(self, ticker: str, at: datetime) -> Quote | None:
        self.security(ticker)
        quote = self._market.quote(ticker, at)
        if quote and any(isinstance(fault, NoMarketCap) for fault in self._faults.concerning(ticker)):
            return replace(quote, shares_outstanding=None, market_cap=None)
        return quote


def _spoiled(bars: list[Bar], fault: DataFault) -> list[Bar]:
    if isinstance(fault, MissingBar):
        return [bar for bar in bars if bar.session != fault.session]
    if isinstance(fault, NanBar):
        return [_without_prices(bar) if bar.session == fault.session else bar for bar in bars]
    if isinstance(fault, ScaledBar):
        return [_scaled(bar, fault.factor) if bar.session == fault.session else bar for bar in bars]
    if isinstance(fault, PartialBar) and bars and bars[-1].open is not None and not bars[-1].is_partial:
        return [*bars[:-1], in_progress(bars[-1], 0.5)]
    return bars


def _without_prices(bar: Bar) -> Bar:
    return replace(bar, open=None, high=None, low=None, close=None, adj_close=None, volume=None)


def _scaled(bar: Bar, factor: float) -> Bar:
    prices = {name: getattr(bar, name) for name in ("open", "high", "low", "close", "adj_close")}
    return replace(bar, **{name: price and price * factor for name, price in prices.items()})


_FAULTS: TypeAdapter[list[HttpFault | DataFault]] = TypeAdapter(list[Fault])


def read_faults(path: Path) -> list[HttpFault | DataFault]:
    """A JSON list, or TOML with [[faults]]. InvalidInput names the file, the fault and the field that is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
        listed = tomllib.loads(text).get("faults", []) if path.suffix == ".toml" else json.loads(text)
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{path}: cannot be read: {error}") from None
    try:
        return _FAULTS.validate_python(listed)
    except ValidationError as error:
        raise InvalidInput(f"{path}: {_first_of(error)}") from None


def _first_of(error: ValidationError) -> str:
    first = error.errors()[0]
    where = [f"fault {part + 1}" if isinstance(part, int) else str(part) for part in first["loc"]]
    return f"{', '.join(where)}: {first['msg']}" if where else str(first["msg"])
