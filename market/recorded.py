"""A recorded market: real history from a folder of CSV files, served as of a moment.

prices.csv or prices.csv.gz  ticker,date,open,high,low,close,adj_close,volume
holdings.csv                 etf,as_of,rank,holding_ticker,holding_name,percent
stocks.csv                   ticker,name,sector,shares_outstanding,market_cap,as_of
actions.csv                  ticker,date,dividend,split_ratio

Everything is on the basis of the last day: split-adjusted prices, volumes and dividends. Empty = unknown. Where
adj_close is not given it follows from the dividends. A market cap or share count of a later day is taken back by the
price and the splits since; nothing better is known.
"""

import csv
import gzip
import io
import math
import zlib
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import NoReturn

import numpy as np

from config.text_files import text_in
from market.history import (
    DECIMALS,
    HistoricalMarket,
    History,
    Snapshot,
    dividend_factors,
)
from market.model import Holding, Kind, Security
from market.sessions import CURRENCIES, NEW_YORK, SEOUL, Floats, Venue, trading_days
from utils.dates import HOME_EXCHANGE, exchange_of
from utils.errors import InvalidInput

PRICES = "prices.csv"
HOLDINGS = "holdings.csv"
STOCKS = "stocks.csv"
ACTIONS = "actions.csv"
COLUMNS = {
    PRICES: ("ticker", "date", "open", "high", "low", "close", "adj_close", "volume"),
    HOLDINGS: ("etf", "as_of", "rank", "holding_ticker", "holding_name", "percent"),
    STOCKS: ("ticker", "name", "sector", "shares_outstanding", "market_cap", "as_of"),
    ACTIONS: ("ticker", "date", "dividend", "split_ratio"),
}
LARGEST_HOLDINGS = 10
# Relative: a recorded adjusted close moves by less against its close where only its cents are rounded.
LARGEST_ROUNDING = 2e-4
VENUES = {HOME_EXCHANGE: NEW_YORK, "XKRX": SEOUL}

# GICS -> Yahoo's words; Yahoo's own are taken as they are.
SECTORS = {
    "Information Technology": "Technology",
    "Financials": "Financial Services",
    "Health Care": "Healthcare",
    "Consumer Discretionary": "Consumer Cyclical",
    "Consumer Staples": "Consumer Defensive",
    "Materials": "Basic Materials",
    "Communication Services": "Communication Services",
    "Industrials": "Industrials",
    "Utilities": "Utilities",
    "Real Estate": "Real Estate",
    "Energy": "Energy",
}
YAHOO_SECTORS = frozenset(SECTORS.values())


class BadMarketFile(InvalidInput):
    """A file of the recorded market is missing or wrong. The message names it, the row and the reason."""


class RecordedMarket(HistoricalMarket):
    """The market in a folder. BadMarketFile, with file, row and reason, when it cannot be used."""

    def __init__(self, folder: Path) -> None:
        prices, actions, companies = _read_prices(folder), _read_actions(folder), _read_companies(folder)
        snapshots = _read_snapshots(folder)
        for ticker, dated in actions.items():
            _attach(dated, prices.get(ticker, []))
        histories = {ticker: _history(ticker, rows) for ticker, rows in prices.items()}
        securities = {
            ticker: _security(ticker, companies.get(ticker), history) for ticker, history in sorted(histories.items())
        }
        super().__init__("recorded", securities, histories, snapshots, _home_sessions(folder, histories))


@dataclass(frozen=True)
class _Row:
    """One line of a file, which knows where it stands."""

    path: Path
    line: int
    values: Mapping[str, str]

    def fail(self, reason: str) -> NoReturn:
        raise BadMarketFile(f"{self.path}, row {self.line}: {reason}")

    def text(self, column: str) -> str:
        return self.values[column].strip() or self.fail(f"{column} is empty")

    def day(self, column: str) -> date:
        try:
            return date.fromisoformat(self.text(column))
        except ValueError:
            self.fail(f"{column} {self.values[column]!r} is not a date like 2026-08-21")

    def number(self, column: str, at_least: float = 0.0) -> float:
        """Read a number, or NaN when empty."""
        if not self.values[column].strip():
            return math.nan
        try:
            number = float(self.values[column])
        except ValueError:
            self.fail(f"{column} {self.values[column]!r} is not a number")
        if not math.isfinite(number) or number < at_least:
            self.fail(f"{column} is {self.values[column]}, less than {at_least:g} or not finite")
        return number

    def positive(self, column: str) -> float:
        """Read a number above zero, or NaN when empty."""
        number = self.number(column)
        return self.fail(f"{column} is 0") if number == 0 else number

    def session(self, column: str, ticker: str) -> date:
        day, venue = self.day(column), _venue(ticker)
        if trading_days(venue).position(day) is None:
            self.fail(f"{day} is not a session of {venue.calendar}, where {ticker} trades")
        return day


@dataclass(frozen=True)
class _Price:
    """A row of prices.csv with the actions of that day."""

    day: date
    open: float
    high: float
    low: float
    close: float
    adj_close: float
    volume: float
    dividend: float = 0.0
    split_ratio: float = 1.0


@dataclass(frozen=True)
class _Action:
    row: _Row
    day: date
    dividend: float
    split_ratio: float


@dataclass(frozen=True)
class _Company:
    name: str
    sector: str
    shares: float
    market_cap: float
    as_of: date


def _rows(folder: Path, name: str) -> Iterator[_Row]:
    path = _find(folder, name)
    lines = csv.reader(io.StringIO(_text(path), newline=""))
    header: list[str] = next(lines, [])
    missing = [column for column in COLUMNS[name] if column not in header]
    if missing:
        raise BadMarketFile(f"{path}, row 1: columns {', '.join(missing)} are missing")
    try:
        for fields in lines:
            row = _Row(path, lines.line_num, dict(zip(header, fields, strict=False)))
            if len(fields) != len(header):
                row.fail(f"{len(fields)} fields, the header has {len(header)}")
            yield row
    except csv.Error as error:
        raise BadMarketFile(f"{path}, row {lines.line_num}: {error}") from None


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        return text_in(gzip.decompress(content) if path.suffix == ".gz" else content)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise BadMarketFile(f"{path}: cannot be read: {error}") from None


def _find(folder: Path, name: str) -> Path:
    choices = [folder / name, folder / f"{name}.gz"]
    found = next((path for path in choices if path.is_file()), None)
    if found is None:
        raise BadMarketFile(f"{folder}: has neither {name} nor {name}.gz")
    return found


def _read_prices(folder: Path) -> dict[str, list[_Price]]:
    """Read the prices by ticker, oldest first."""
    prices: dict[str, dict[date, _Price]] = defaultdict(dict)
    for row in _rows(folder, PRICES):
        ticker = row.text("ticker")
        price = _price(row, ticker)
        if price.day in prices[ticker]:
            row.fail(f"a second bar of {ticker} on {price.day}")
        prices[ticker][price.day] = price
    if not prices:
        raise BadMarketFile(f"{_find(folder, PRICES)}: has no rows")
    return {ticker: [dated[day] for day in sorted(dated)] for ticker, dated in prices.items()}


def _price(row: _Row, ticker: str) -> _Price:
    price = _Price(
        day=row.session("date", ticker),
        open=row.positive("open"),
        high=row.positive("high"),
        low=row.positive("low"),
        close=row.positive("close"),
        adj_close=row.positive("adj_close"),
        volume=row.number("volume"),
    )
    if math.isnan(price.close):
        row.fail("close is empty")
    if price.low > min(price.open, price.close) or price.high < max(price.open, price.close) or price.low > price.high:
        row.fail(f"open {price.open} and close {price.close} are not between low {price.low} and high {price.high}")
    return price


def _read_actions(folder: Path) -> dict[str, list[_Action]]:
    actions: dict[str, list[_Action]] = defaultdict(list)
    for row in _rows(folder, ACTIONS):
        ticker = row.text("ticker")
        action = _Action(row, row.session("date", ticker), row.positive("dividend"), row.positive("split_ratio"))
        if math.isnan(action.dividend) and math.isnan(action.split_ratio):
            row.fail("neither a dividend nor a split")
        actions[ticker].append(action)
    return actions


def _read_companies(folder: Path) -> dict[str, _Company]:
    companies: dict[str, _Company] = {}
    for row in _rows(folder, STOCKS):
        ticker = row.text("ticker")
        if ticker in companies:
            row.fail(f"{ticker} is there twice")
        companies[ticker] = _Company(
            name=row.text("name"),
            sector=_sector(row),
            shares=row.positive("shares_outstanding"),
            market_cap=row.positive("market_cap"),
            as_of=row.day("as_of"),
        )
    return companies


def _sector(row: _Row) -> str:
    named = row.text("sector")
    return SECTORS.get(named) or (named if named in YAHOO_SECTORS else row.fail(f"{named!r} is not a sector"))


def _read_snapshots(folder: Path) -> dict[str, list[Snapshot]]:
    listed: dict[tuple[str, date], list[tuple[int, Holding]]] = defaultdict(list)
    for row in _rows(folder, HOLDINGS):
        holding = Holding(row.text("holding_ticker"), row.values["holding_name"].strip(), row.positive("percent"))
        if not holding.percent <= 1:
            row.fail("percent must be a fraction of the fund, above 0 and at most 1")
        ranked = listed[row.text("etf"), row.day("as_of")]
        if any(other.ticker == holding.ticker for _, other in ranked):
            row.fail(f"a second {holding.ticker} in that snapshot")
        ranked.append((_rank(row), holding))
    snapshots: dict[str, list[Snapshot]] = defaultdict(list)
    for (etf, as_of), ranked in listed.items():
        largest = sorted(ranked, key=lambda one: one[0])[:LARGEST_HOLDINGS]
        snapshots[etf].append(Snapshot(as_of, tuple(holding for _, holding in largest)))
    return snapshots


def _rank(row: _Row) -> int:
    rank = row.number("rank", at_least=1)
    return int(rank) if rank.is_integer() else row.fail(f"rank {row.values['rank']!r} is not a whole number")


def _attach(actions: Iterable[_Action], prices: list[_Price]) -> None:
    """Put each action on its day's bar, or the next one's where that is missing. Actions outside the bars are lost."""
    for action in actions:
        at = next((at for at, price in enumerate(prices) if price.day >= action.day), None)
        if at is None or action.day < prices[0].day:
            continue
        dividend = 0.0 if math.isnan(action.dividend) else action.dividend
        ratio = 1.0 if math.isnan(action.split_ratio) else action.split_ratio
        if at and dividend >= prices[at - 1].close:
            action.row.fail(f"the dividend of {dividend} is not less than the close before it")
        price = prices[at]
        prices[at] = replace(price, dividend=price.dividend + dividend, split_ratio=price.split_ratio * ratio)


def _history(ticker: str, prices: Sequence[_Price]) -> History:
    """Undo the splits: from the basis of the last day back to what was traded on each."""
    days, trading = tuple(price.day for price in prices), trading_days(_venue(ticker))
    at = trading.positions(days)
    split_ratio = _column(prices, "split_ratio")
    splits = np.cumprod(split_ratio)
    later = splits[-1] / splits
    close = np.round(_column(prices, "close") * later, DECIMALS)
    dividend = np.round(_column(prices, "dividend") * later, DECIMALS)
    adjustment = _column(prices, "adj_close") / _column(prices, "close")
    is_recorded = not np.isnan(adjustment).any()
    factors = _recorded_factors(adjustment, dividend) if is_recorded else dividend_factors(dividend, split_ratio, close)
    return History(
        days=days,
        opens_at=trading.opens[at],
        closes_at=trading.closes[at],
        open=np.round(_column(prices, "open") * later, DECIMALS),
        high=np.round(_column(prices, "high") * later, DECIMALS),
        low=np.round(_column(prices, "low") * later, DECIMALS),
        close=close,
        volume=_column(prices, "volume") / later,
        dividend=dividend,
        split_ratio=split_ratio,
        dividend_factor=factors,
        intraday=False,  # within a session only the opening price is known
        adj_rounding=_rounding(adjustment, factors) if is_recorded else None,
    )


def _recorded_factors(adjustment: Floats, dividend: Floats) -> Floats:
    """Return what the recorded adjusted closes say a session's dividend takes off the earlier ones, rounding left out.

    adjustment: adjusted closes / closes. A dividend that the actions lack shows in them, too, in all rows from there
    on. A row that alone is off is only rounded.

    >>> _recorded_factors(np.array([0.98, 0.98000001, 0.99, 1.0]), np.array([0, 0, 0, 1.0])).round(4).tolist()
    [1.0, 1.0, 0.9899, 0.99]
    >>> _recorded_factors(np.array([0.99, 0.991, 0.99, 1.0, 1.0]), np.zeros(5)).round(4).tolist()
    [1.0, 1.0, 1.0, 0.99, 1.0]
    """
    factors = np.ones_like(adjustment)
    factors[1:] = adjustment[:-1] / adjustment[1:]
    is_rounding = np.abs(factors - 1) < LARGEST_ROUNDING
    is_single = np.abs(adjustment[:-2] / adjustment[2:] - 1) < LARGEST_ROUNDING
    is_rounding[1:-1] |= is_single
    is_rounding[2:] |= is_single
    factors[(dividend == 0) & is_rounding] = 1.0
    return factors


def _rounding(adjustment: Floats, factors: Floats) -> Floats:
    """Return what is left of the recorded adjustment when the factors are taken out of it."""
    taken = np.cumprod(factors)
    left: Floats = (adjustment * taken) / (adjustment[-1] * taken[-1])
    return left


def _column(prices: Sequence[_Price], name: str) -> Floats:
    return np.array([getattr(price, name) for price in prices], dtype=np.float64)


def _security(ticker: str, company: _Company | None, history: History) -> Security:
    """Describe a ticker. One that stocks.csv lacks is a fund, or an exchange rate by its name."""
    venue = _venue(ticker)
    kind: Kind = "CURRENCY" if venue is CURRENCIES else "EQUITY" if company else "ETF"
    currency = ticker.removesuffix("=X")[-3:] if kind == "CURRENCY" else "KRW" if venue is SEOUL else "USD"
    exchange = {"CURRENCY": "CCY", "ETF": "PCX"}.get(kind, "KSC" if venue is SEOUL else "NYQ")
    security = Security(ticker, company.name if company else ticker, kind, currency, exchange, venue)
    return _with_shares(security, company, history) if company else security


def _with_shares(security: Security, company: _Company, history: History) -> Security:
    row = max(0, history.row_on_or_before(company.as_of))
    factor = history.share_factor(float(history.opens_at[row]))
    shares = None if math.isnan(company.shares) else company.shares / factor
    cap_shares = None if math.isnan(company.market_cap) else company.market_cap / (float(history.close[row]) * factor)
    if shares and cap_shares and history.days[row] != _session_by(company.as_of, security.venue):
        cap_shares = shares  # a cap at a price that the files do not have says nothing of the count
    return replace(security, sector=company.sector, shares=shares, cap_shares=cap_shares)


def _session_by(day: date, venue: Venue) -> date:
    days = trading_days(venue).days
    return days[bisect_right(days, day) - 1]


def _venue(ticker: str) -> Venue:
    if ticker.endswith("=X"):
        return CURRENCIES
    exchange = exchange_of(ticker)
    if exchange not in VENUES:
        raise BadMarketFile(f"{ticker} trades on {exchange}: a recorded market has {' and '.join(VENUES)} alone")
    return VENUES[exchange]


def _home_sessions(folder: Path, histories: Mapping[str, History]) -> tuple[date, ...]:
    """Return every home session that the prices reach over."""
    home = [history.days for ticker, history in histories.items() if _venue(ticker) is NEW_YORK]
    if not home:
        raise BadMarketFile(f"{_find(folder, PRICES)}: has no ticker of {HOME_EXCHANGE}")
    first, last = min(days[0] for days in home), max(days[-1] for days in home)
    return tuple(day for day in trading_days(NEW_YORK).days if first <= day <= last)
