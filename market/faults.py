"""Faults on demand: which are in force, what they do to a request, and the market as it looks through them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from config.names import unknown
from config.text_files import text_of, toml_of
from market import answer_faults as answers
from market import price_faults as prices
from market.envelope import Json
from market.fault import DataFault, described
from market.model import Bar, Holding, Label, Market, Quote, Security, UnknownSymbol
from market.refusals import Endpoint, HttpFault, Refusal
from market.sessions import trading_days, utc
from utils.errors import InvalidInput

EVER = datetime(9999, 1, 1, tzinfo=UTC)

OfPrices = Annotated[
    prices.MissingBar
    | prices.NanBar
    | prices.NullRows
    | prices.ScaledBar
    | prices.CloseOutsideRange
    | prices.UnadjustedSplit
    | prices.OddDividend
    | prices.CapitalGain
    | prices.TrueMove
    | prices.ShiftedDays
    | prices.UnknownClosedDay
    | prices.LostBars,
    Field(discriminator="kind"),
]
OfAnswers = Annotated[
    answers.PartialBar
    | answers.UnknownTicker
    | answers.Thin
    | answers.SwappedSymbols
    | answers.MinorUnit
    | answers.InCurrency
    | answers.CurrencyMissing
    | answers.Renamed
    | answers.RaggedArrays
    | answers.EventWithoutRow
    | answers.NoMarketCap
    | answers.ShareClass
    | answers.StaleShares
    | answers.NoQuote
    | answers.NoProfile
    | answers.NoHoldings
    | answers.OddHolding
    | answers.SharedHolding,
    Field(discriminator="kind"),
]
Fault = Annotated[HttpFault | OfPrices | OfAnswers, Field(discriminator="kind")]


@dataclass
class _Strikes:
    """A refusal with the requests that fitted it so far and those it struck."""

    fault: Refusal
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

    def add(self, fault: Refusal | DataFault) -> None:
        """Set a fault. Raise InvalidInput when the market has no such ticker or session."""
        if isinstance(fault, Refusal):
            self._refusals.append(_Strikes(fault))  # a client may well ask for tickers the market does not have
        else:
            self._check(fault)
            self._data.append(fault)

    def clear(self) -> None:
        self._refusals.clear()
        self._data.clear()

    def due(self, endpoint: Endpoint, tickers: Sequence[str]) -> list[Refusal]:
        """Return the refusals that strike this request. Each call counts as one request."""
        return [one.fault for one in self._refusals if one.strikes(endpoint, tickers)]

    def concerning(self, ticker: str) -> list[DataFault]:
        """Return the faults of a ticker's data, or none of a ticker that the market does not have."""
        if not self._data or ticker not in self._market.tickers:
            return []
        security = self._market.security(ticker)
        return [fault for fault in self._data if fault.concerns(security)]

    def described(self) -> list[dict[str, Any]]:
        refusals = [described(one.fault) | {"seen": one.seen, "struck": one.struck} for one in self._refusals]
        return refusals + [described(fault) for fault in self._data]

    def spoil_chart(self, ticker: str, result: Json) -> None:
        for fault in self.concerning(ticker):
            fault.spoil_chart(result)

    def spoilt_rows(self, rows: Sequence[Json]) -> list[Json]:
        spoilt: list[Json] = []
        for right in rows:
            row: Json | None = right
            for fault in self.concerning(right["symbol"]):
                row = row and fault.spoil_row(row)
            spoilt += [row] if row else []
        return spoilt

    def spoilt_modules(self, ticker: str, modules: Json) -> Json:
        for fault in self.concerning(ticker):
            modules = fault.spoil_modules(modules)
        return modules

    def _check(self, fault: DataFault) -> None:
        kind, market = described(fault)["kind"], self._market
        etfs = set(fault.etfs) if isinstance(fault, answers.SharedHolding) else set()
        if unknown := [ticker for ticker in fault.tickers_named() if ticker not in market.tickers]:
            raise InvalidInput(f"{kind}: the market has no {', '.join(unknown)}")
        if others := etfs - set(market.etfs):
            raise InvalidInput(f"{kind}: not an ETF here: {', '.join(sorted(others))}")
        for ticker in fault.tickers_named():
            if missing := [day for day in fault.sessions_named() if not self._has_bar(ticker, day)]:
                raise InvalidInput(f"{kind}: {ticker} has no bar of {', '.join(map(str, missing))}")

    def _has_bar(self, ticker: str, session: date) -> bool:
        return any(bar.session == session for bar in self._market.bars(ticker, EVER))


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
        security = self._market.security(ticker)
        for fault in self._faults.concerning(ticker):
            if isinstance(fault, answers.UnknownTicker):
                raise UnknownSymbol(ticker)
            security = fault.spoil_security(security)
        return security

    def is_listed(self, ticker: str, at: datetime) -> bool:
        return self._market.is_listed(ticker, at)

    def moment_of(self, ticker: str, at: datetime) -> datetime:
        """Return the moment that an answer is made of: within the last session while a fault leaves its bar partial."""
        if not any(isinstance(fault, answers.PartialBar) for fault in self._faults.concerning(ticker)):
            return at
        bars, trading = self._market.bars(ticker, at), trading_days(self._market.security(ticker).venue)
        row = trading.positions([bars[-1].session])[0] if bars else 0
        return min(at, utc((trading.opens[row] + trading.closes[row]) / 2)) if bars else at

    def bars(self, ticker: str, at: datetime) -> list[Bar]:
        self.security(ticker)
        faults = self._faults.concerning(ticker)
        swapped = next((fault for fault in faults if isinstance(fault, answers.SwappedSymbols)), None)
        source = ({swapped.a, swapped.b} - {ticker}).pop() if swapped else ticker
        bars = self._market.bars(source, self.moment_of(ticker, at))
        for fault in faults:
            bars = fault.spoil_bars(bars)
        return bars

    def holdings(self, etf: str, at: datetime) -> list[Holding]:
        return self._with_shared(etf, self._market.holdings(etf, at))

    def holding_lines(self, etf: str, at: datetime) -> list[Holding]:
        return self._with_shared(etf, self._market.holding_lines(etf, at))

    def quote(self, ticker: str, at: datetime) -> Quote | None:
        security, quote = self.security(ticker), self._market.quote(ticker, at)
        for fault in self._faults.concerning(ticker):
            quote = quote and fault.spoil_quote(quote)
        return quote and replace(quote, security=security)

    def _with_shared(self, etf: str, holdings: list[Holding]) -> list[Holding]:
        self.security(etf)
        shared = [fault for fault in self._faults.concerning(etf) if isinstance(fault, answers.SharedHolding)]
        for fault in shared:
            first = Holding(fault.ticker, self._market.security(fault.ticker).name, fault.percent)
            holdings = [first, *(holding for holding in holdings if holding.ticker != fault.ticker)]
        return sorted(holdings, key=lambda holding: -holding.percent)[:10] if shared else holdings


_FAULTS: TypeAdapter[Any] = TypeAdapter(list[Fault])


def read_faults(path: Path) -> list[Refusal | DataFault]:
    """Read a JSON list, or TOML with [[faults]].

    Raise InvalidInput with the file, the fault and the field that is wrong.
    """
    try:
        faults: list[Refusal | DataFault] = _FAULTS.validate_python(_listed_in(path))
        return faults
    except ValidationError as error:
        raise InvalidInput(f"{path}: {_first_of(error)}") from None


def _listed_in(path: Path) -> Any:
    if path.suffix != ".toml":
        text = text_of(path, InvalidInput)
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InvalidInput(f"{path}: cannot be read: {error}") from None
    raw = toml_of(path, InvalidInput)
    for key in raw:
        if key != "faults":
            raise InvalidInput(f"{path}: {unknown('key', key, ['faults'])}")
    return raw.get("faults", [])


def _first_of(error: ValidationError) -> str:
    first = error.errors()[0]
    where = [f"fault {part + 1}" if isinstance(part, int) else str(part) for part in first["loc"]]
    return f"{', '.join(where)}: {first['msg']}" if where else str(first["msg"])
