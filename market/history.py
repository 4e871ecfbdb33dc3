"""Prices as traded, answered as Yahoo would have at a moment: nothing later shows, in no adjustment either."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from fractions import Fraction

import numpy as np

from market.made import Made
from market.model import Bar, Holding, Label, Quote, Restatement, Security, UnknownSymbol, in_progress
from market.sessions import Floats, end_of_market, holdings_known_from

# Undoing and redoing a split multiplies and divides: rounding removes what floating point leaves of that.
DECIMALS = 9
SESSIONS_OF_A_YEAR = 252
KEPT_LISTS = 64  # of funds, as a hundred snapshots each take megabytes


@dataclass(frozen=True)
class Wrong:
    """A row that was published with another high and close until it was corrected (unix seconds)."""

    row: int
    corrected_at: float
    high: float
    close: float


@dataclass(frozen=True)
class Unsettled:
    """What every row says until it settles at a moment of its own (unix seconds). Closes are right at once."""

    until: Floats
    open: Floats
    high: Floats
    low: Floats
    volume: Floats


@dataclass(frozen=True)
class History:
    """One ticker's sessions, oldest first. Prices, volumes and dividends as traded that day. NaN = unknown.

    `split_ratio` is 1 and `dividend` 0 on most days. `dividend_factor` is what a dividend takes off all earlier
    adjusted closes (1 on most days). `intraday` says whether a running session has a price beside its opening one,
    `shares_before` what splits before the first session had made of one share. `last_price` is where a running session
    ends if that is not its close: of an exchange rate's day the close is replaced when the day is over. `is_single`
    gives prices in single precision, as Yahoo does. `adj_rounding` is what the rounding of a recorded adjusted close
    has multiplied it by: it stays with its row, so that an adjusted close changes by later dividends alone.
    """

    days: tuple[date, ...]
    opens_at: Floats
    closes_at: Floats
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    dividend: Floats
    split_ratio: Floats
    dividend_factor: Floats
    intraday: bool
    shares_before: float = 1.0
    wrong: tuple[Wrong, ...] = ()
    unsettled: Unsettled | None = None
    last_price: Floats | None = None
    is_single: bool = False
    adj_rounding: Floats | None = None
    _splits: Floats = field(init=False, repr=False)
    _share_splits: Floats = field(init=False, repr=False)
    _dividends: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        ratios = [ratio if ratio == 1 or changes_share_count(ratio) else 1.0 for ratio in self.split_ratio.tolist()]
        object.__setattr__(self, "_splits", np.cumprod(self.split_ratio))
        object.__setattr__(self, "_share_splits", np.cumprod(ratios))
        object.__setattr__(self, "_dividends", np.cumprod(self.dividend_factor))

    def bars(self, at: float, count: int | None = None) -> list[Bar]:
        """Return the bars known at the moment, adjusted for what had happened by then.

        count: only the last ones.
        """
        opened = int(np.searchsorted(self.opens_at, at, side="right"))
        if not opened:
            return []
        bars = self._adjusted(slice(max(0, opened - count) if count else 0, opened), at)
        if at < self.closes_at[opened - 1]:
            bars[-1:] = self._running(bars[-1], opened - 1, at)
        return bars

    def share_factor(self, at: float) -> float:
        """Return how many shares one share had become at the moment."""
        opened = int(np.searchsorted(self.opens_at, at, side="right"))
        return self.shares_before * float(self._share_splits[opened - 1] if opened else 1.0)

    def row_on_or_before(self, day: date) -> int:
        """Return the row of the last session by that day, or -1."""
        return bisect_right(self.days, day) - 1

    def _adjusted(self, rows: slice, at: float) -> list[Bar]:
        last = rows.stop - 1
        splits = self._splits[last] / self._splits[rows]
        dividends = self._dividends[last] / self._dividends[rows]
        if self.adj_rounding is not None:
            dividends = dividends * self.adj_rounding[rows]
        known = self._as_published(rows, at)
        columns = (
            self._prices(known["open"] / splits),
            self._prices(known["high"] / splits),
            self._prices(known["low"] / splits),
            self._prices(known["close"] / splits),
            self._prices(known["close"] / splits * dividends),
            [None if volume != volume else round(volume) for volume in (known["volume"] * splits).tolist()],
            np.round(self.dividend[rows] / splits, DECIMALS).tolist(),
            self.split_ratio[rows].tolist(),
        )
        return [Bar(*values) for values in zip(self.days[rows], *columns, strict=True)]

    def _as_published(self, rows: slice, at: float) -> dict[str, Floats]:
        """Return prices and volumes with the first versions of those whose later ones are still to come."""
        known = {name: getattr(self, name)[rows].copy() for name in ("open", "high", "low", "close", "volume")}
        if self.unsettled:
            is_new = self.unsettled.until[rows] > at
            for name in ("open", "high", "low", "volume"):
                known[name][is_new] = getattr(self.unsettled, name)[rows][is_new]
        for wrong in self.wrong:
            if at < wrong.corrected_at and rows.start <= wrong.row < rows.stop:
                known["high"][wrong.row - rows.start] = wrong.high
                known["close"][wrong.row - rows.start] = wrong.close
        return known

    def _running(self, bar: Bar, row: int, at: float) -> list[Bar]:
        """Return the bar of a session that is not over, or nothing when not even its opening price is known."""
        if bar.open is None:
            return []
        begin, end = float(self.opens_at[row]), float(self.closes_at[row])
        if self.last_price is not None:
            bar = replace(bar, close=float(self.last_price[row]))
        running = in_progress(bar, (at - begin) / (end - begin) if self.intraday else 0.0)
        if not self.is_single:
            return [running]
        prices = (running.open, running.high, running.low, running.close, running.adj_close)
        opened, high, low, close, adj_close = self._prices(np.array(prices, dtype=np.float64))
        return [replace(running, open=opened, high=high, low=low, close=close, adj_close=adj_close)]

    def _prices(self, values: Floats) -> list[float | None]:
        """Return numbers with None for NaN."""
        shown = np.round(values, DECIMALS)
        if self.is_single:
            shown = shown.astype(np.float32).astype(np.float64)
        return [None if value != value else value for value in shown.tolist()]


def dividend_factors(dividend: Floats, split_ratio: Floats, close: Floats) -> Floats:
    """Return what each session's dividend takes off all earlier adjusted closes: 1 - dividend / the close before it.

    >>> dividend_factors(np.array([0, 0, 1.0]), np.array([1, 1, 2.0]), np.array([99.0, 100.0, 50.0])).tolist()
    [1.0, 1.0, 0.98]
    """
    factors = np.ones_like(close)
    taken = dividend[1:] * split_ratio[1:] / close[:-1]
    factors[1:] -= np.where(dividend[1:] > 0, taken, 0.0)  # a row without prices may come before one without dividend
    return factors


def changes_share_count(split_ratio: float) -> bool:
    """Tell whether a listed ratio changes the number of shares.

    Yahoo lists spin-offs as splits too, with odd ratios: they change the price alone.

    >>> changes_share_count(2.0), changes_share_count(1.5), changes_share_count(0.05), changes_share_count(1.0608)
    (True, True, True, False)
    """
    either_way = (split_ratio, 1 / split_ratio)
    return any(abs(float(Fraction(ratio).limit_denominator(20)) - ratio) < 1e-9 for ratio in either_way)


@dataclass(frozen=True)
class Snapshot:
    """A fund's largest holdings on a day, largest first."""

    as_of: date
    holdings: tuple[Holding, ...]


@dataclass(frozen=True)
class _DatedLists:
    """A fund's lists in the order of their days, and from when each is known (unix seconds)."""

    snapshots: Sequence[Snapshot]
    known_from: Sequence[float]

    @classmethod
    def of(cls, snapshots: Iterable[Snapshot]) -> "_DatedLists":
        dated = sorted(snapshots, key=lambda snapshot: snapshot.as_of)
        return cls(dated, [holdings_known_from(snapshot.as_of) for snapshot in dated])

    def known_at(self, at: datetime) -> Snapshot | None:
        known = bisect_right(self.known_from, at.timestamp())
        return self.snapshots[known - 1] if known else None


class HistoricalMarket:
    """A Market made of histories and dated holdings. `seed` is what an invented one grew from."""

    seed: int | None = None

    def __init__(
        self,
        label: Label,
        securities: Mapping[str, Security],
        histories: Mapping[str, History],
        snapshots: Mapping[str, Sequence[Snapshot]],
        sessions: Sequence[date],
        restatements: Sequence[Restatement] = (),
    ) -> None:
        self.label: Label = label
        self.sessions = tuple(sessions)
        self.restatements = tuple(restatements)
        self.tickers = tuple(securities)
        self.etfs = tuple(ticker for ticker, security in securities.items() if security.kind == "ETF")
        self._securities = securities
        self._histories = histories
        self._lists = Made(snapshots, lambda etf: _DatedLists.of(snapshots[etf]), KEPT_LISTS)

    def security(self, ticker: str) -> Security:
        try:
            return self._securities[ticker]
        except KeyError:
            raise UnknownSymbol(ticker) from None

    def sector(self, ticker: str) -> str | None:
        return self.security(ticker).sector

    def is_listed(self, ticker: str, at: datetime) -> bool:
        last = self.security(ticker).last_session
        return last is None or at.timestamp() < end_of_market(last)

    def bars(self, ticker: str, at: datetime) -> list[Bar]:
        return self._history(ticker).bars(self._known_at(ticker, at))

    def holdings(self, etf: str, at: datetime) -> list[Holding]:
        self.security(etf)
        snapshot = self._snapshot(etf, at)
        return list(snapshot.holdings) if snapshot else []

    def holding_lines(self, etf: str, at: datetime) -> list[Holding]:
        return self.holdings(etf, at)

    def company_shares(self, ticker: str, at: datetime) -> int | None:
        """Return the whole company's share count, whether the quote has it or not."""
        factor = self._history(ticker).share_factor(self._known_at(ticker, at))
        return _whole(self.security(ticker).cap_shares, factor)

    def holdings_as_of(self, etf: str, at: datetime) -> date | None:
        """Return the day of the snapshot that `holdings` gives."""
        snapshot = self._snapshot(etf, at)
        return snapshot.as_of if snapshot else None

    def _snapshot(self, etf: str, at: datetime) -> Snapshot | None:
        lists = self._lists.get(etf)
        return lists.known_at(at) if lists else None

    def quote(self, ticker: str, at: datetime) -> Quote | None:
        security, history, moment = self.security(ticker), self._history(ticker), self._known_at(ticker, at)
        bars = [bar for bar in history.bars(moment, count=SESSIONS_OF_A_YEAR) if bar.close is not None]
        if not bars or bars[-1].close is None:
            return None
        factor = history.share_factor(moment)
        company = _whole(security.cap_shares, factor)
        return Quote(
            security=security,
            price=bars[-1].close,
            previous_close=bars[-2].close if len(bars) > 1 else None,
            shares_outstanding=_whole(security.shares, factor),
            market_cap=_whole(security.cap_shares, factor * bars[-1].close / security.per_major_unit),
            company_shares=company if security.states_company_shares else None,
            year_range=year_range(bars),
        )

    def _known_at(self, ticker: str, at: datetime) -> float:
        """Return until when (unix seconds) an answer knows what happened."""
        return at.timestamp() - self.security(ticker).venue.delay

    def _history(self, ticker: str) -> History:
        self.security(ticker)
        return self._histories[ticker]

    def describe(self) -> str:
        return (
            f"{len(self.etfs)} ETFs, {len(self.tickers) - len(self.etfs)} other tickers, "
            f"{len(self.sessions)} sessions from {self.sessions[0]} to {self.sessions[-1]}"
        )


def year_range(bars: Sequence[Bar]) -> tuple[float, float]:
    """Return the highest and lowest price of the last 52 weeks."""
    year = bars[-SESSIONS_OF_A_YEAR:]
    highs = [price for bar in year for price in (bar.high, bar.close) if price is not None]
    lows = [price for bar in year for price in (bar.low, bar.close) if price is not None]
    return max(highs), min(lows)


def _whole(count: float | None, times: float) -> int | None:
    return None if count is None else round(count * times)
