"""Faults of prices: bars, splits and dividends as wrong as Yahoo's sometimes are."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import Literal

import numpy as np
from pydantic import Field

from market.fault import DataFault, SessionFault, TickerFault
from market.model import Bar, Security
from utils.dates import exchange_of

PRICES = ("open", "high", "low", "close", "adj_close")


class MissingBar(SessionFault):
    """The session is not in the chart."""

    kind: Literal["missing_bar"]

    def spoil_bars(self, bars: list[Bar]) -> list[Bar]:
        return [bar for bar in bars if bar.session != self.session]


class NanBar(SessionFault):
    """The session is in the chart without a price."""

    kind: Literal["nan_bar"]

    def spoil_bars(self, bars: list[Bar]) -> list[Bar]:
        return _changed(bars, [self.session], _without_prices)


class NullRows(TickerFault):
    """The same of several sessions."""

    kind: Literal["null_rows"]
    sessions: list[date] = Field(min_length=1)

    def sessions_named(self) -> list[date]:
        return self.sessions

    def spoil_bars(self, bars: list[Bar]) -> list[Bar]:
        return _changed(bars, self.sessions, _without_prices)


class ScaledBar(SessionFault):
    """The session's prices are this many times what they should be: restated, once the fault is cleared."""

    kind: Literal["scaled_bar"]
    factor: float = Field(gt=0)

    def spoil_bars(self, bars: list[Bar]) -> list[Bar]:
        return _changed(bars, [self.session], lambda bar: scaled(bar, self.factor))


class CloseOutsideRange(SessionFault):
    """The session's high is below its close, or its low above it, by this share."""

    kind: Literal["close_outside_range"]
    side: Literal["high", "low"] = "high"
    by: float = Field(default=0.001, gt=0, lt=1)

    def spoil_bars(self, bars: list[Bar]) -> list[Bar]:
        return _changed(bars, [self.session], self._with_a_wrong_end)

    def _with_a_wrong_end(self, bar: Bar) -> Bar:
        if self.side == "high":
            return replace(bar, high=bar.close and bar.close * (1 - self.by))
        return replace(bar, low=bar.close and bar.close * (1 + self.by))


class UnadjustedSplit(SessionFault):
    """A split is listed, but the bars before it are not adjusted. The market's own bars are the adjusted ones.

    `ratio` is what became of one share; of a spin-off it is a little more than 1.
    """

    kind: Literal["unadjusted_split"]
    ratio: float = Field(gt=0)

    def spoil_bars(self, bars: list[Bar]) -> list[Bar]:
        if not any(bar.session == self.session for bar in bars):
            return bars
        older = [scaled(bar, self.ratio) for bar in bars if bar.session < self.session]
        later = [bar for bar in bars if bar.session >= self.session]
        return [*older, replace(later[0], split_ratio=later[0].split_ratio * self.ratio), *later[1:]]


class OddDividend(SessionFault):
    """The session's dividend (`amount`, if it has none) does not go with the adjusted closes.

    `scaled`: listed and counted `factor` times. `doubled`: counted twice. `forgotten`: listed, not counted. `gone`:
    counted, not listed. `lost`: neither. `other_currency`: listed `factor` times in that currency, counted rightly.
    """

    kind: Literal["odd_dividend"]
    effect: Literal["scaled", "doubled", "forgotten", "gone", "lost", "other_currency"]
    factor: float = Field(default=100.0, gt=0)
    amount: float | None = Field(default=None, gt=0)
    currency: str | None = None

    def spoil_bars(self, bars: list[Bar]) -> list[Bar]:
        at = next((at for at, bar in enumerate(bars) if bar.session == self.session), 0)
        before = bars[at - 1].close if at else None
        if not before:
            return bars
        right = bars[at].dividend
        own = right or self.amount or 0.0
        is_listed_otherwise = self.effect in ("scaled", "other_currency")
        listed = 0.0 if self.effect in ("gone", "lost") else own * self.factor if is_listed_otherwise else own
        counted = {"scaled": own * self.factor, "doubled": 2 * own, "forgotten": 0.0, "lost": 0.0}.get(self.effect, own)
        factor = max(1 - counted / before, 0.01) / (1 - right / before)
        currency = self.currency if self.effect == "other_currency" else None
        return [
            *(replace(bar, adj_close=bar.adj_close and single(bar.adj_close * factor)) for bar in bars[:at]),
            replace(bars[at], dividend=listed, dividend_currency=currency),
            *bars[at + 1 :],
        ]


class CapitalGain(SessionFault):
    """The fund pays out a gain, which the adjusted closes count like a dividend."""

    kind: Literal["capital_gain"]
    amount: float = Field(gt=0)

    def spoil_bars(self, bars: list[Bar]) -> list[Bar]:
        at = next((at for at, bar in enumerate(bars) if bar.session == self.session), 0)
        before = bars[at - 1].close if at else None
        if not before:
            return bars
        factor = 1 - self.amount / before
        return [
            *(replace(bar, adj_close=bar.adj_close and single(bar.adj_close * factor)) for bar in bars[:at]),
            replace(bars[at], capital_gain=self.amount),
            *bars[at + 1 :],
        ]


class TrueMove(SessionFault):
    """The price moves that session and stays: it and all later prices are `factor` times what they would have been.

    No fault of the source, but what looks like one. Of that session the volume is `volume` times as large.
    """

    kind: Literal["true_move"]
    factor: float = Field(gt=0)
    volume: float = Field(default=5.0, gt=0)

    def spoil_bars(self, bars: list[Bar]) -> list[Bar]:
        return [self._moved(bar) if bar.session >= self.session else bar for bar in bars]

    def _moved(self, bar: Bar) -> Bar:
        moved = scaled(bar, self.factor)
        if bar.session == self.session:  # what it pays out belongs to the close before
            return replace(moved, volume=bar.volume and round(bar.volume * self.volume))
        return replace(moved, dividend=bar.dividend * self.factor, capital_gain=bar.capital_gain * self.factor)


class ShiftedDays(TickerFault):
    """Every session has the prices of the one before."""

    kind: Literal["shifted_days"]

    def spoil_bars(self, bars: list[Bar]) -> list[Bar]:
        return [replace(before, session=bar.session) for before, bar in pairwise(bars)]


class UnknownClosedDay(DataFault):
    """Nothing was traded that day at the exchange of a suffix (an empty one: New York), though it is a session."""

    kind: Literal["unknown_closed_day"]
    suffix: str
    session: date

    def concerns(self, security: Security) -> bool:
        return security.venue.calendar == exchange_of(f"A{self.suffix}")

    def spoil_bars(self, bars: list[Bar]) -> list[Bar]:
        return [bar for bar in bars if bar.session != self.session]


class LostBars(DataFault):
    """The source has lost the session of all tickers but these."""

    kind: Literal["lost_bars"]
    session: date
    kept: list[str] = Field(default_factory=list)

    def concerns(self, security: Security) -> bool:
        return security.kind != "CURRENCY" and security.ticker not in self.kept

    def spoil_bars(self, bars: list[Bar]) -> list[Bar]:
        return [bar for bar in bars if bar.session != self.session]


def scaled(bar: Bar, factor: float) -> Bar:
    prices = {name: getattr(bar, name) for name in PRICES}
    return replace(bar, **{name: price and price * factor for name, price in prices.items()})


def _without_prices(bar: Bar) -> Bar:
    return replace(bar, open=None, high=None, low=None, close=None, adj_close=None, volume=None)


def single(price: float) -> float:
    """Round to single precision."""
    return float(np.float32(price))


def _changed(bars: list[Bar], sessions: list[date], change: Callable[[Bar], Bar]) -> list[Bar]:
    return [change(bar) if bar.session in sessions else bar for bar in bars]
