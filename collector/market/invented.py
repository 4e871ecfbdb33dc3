"""The invented market: fifteen ETFs and their holdings, every price drawn from a seed.

The same seed gives the same values for a session wherever the market ends: each ticker has its own stream of random
numbers that starts at a fixed day. Everything is simulated on weekdays, where a return is the sum of a market factor,
a sector factor and the ticker's own, each with a drift that comes and goes; a venue then shows its own sessions only.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from zlib import crc32

import numpy as np

from collector.market.history import HistoricalMarket, History, Snapshot, Wrong, dividend_factors
from collector.market.model import Holding, Restatement, Security
from collector.market.securities import (
    COMPANIES,
    FUNDS,
    MOVES_LIKE,
    NASDAQ_LISTED,
    PART_OF_THE_COMPANY,
    SECTORS,
    WITHOUT_MARKET_CAP,
    WITHOUT_SHARES,
    Company,
    Fund,
)
from collector.market.sessions import (
    CURRENCIES,
    NEW_YORK,
    SEOUL,
    Floats,
    Venue,
    end_of_market,
    trading_days,
    utc,
)
from utils.errors import InvalidInput

DEFAULT_SEED = 7
DEFAULT_SESSIONS = 756  # three years
EPOCH = date(2020, 1, 2)
RATE = "KRW=X"
RATE_AT_EPOCH = 1_310.0
SNAPSHOT_EVERY = 5  # sessions
LARGEST_HOLDINGS = 10


@dataclass(frozen=True)
class Wave:
    """How a daily return moves: a drift that comes and goes over `memory` weekdays, and noise. Standard deviations."""

    drift: float
    memory: float
    noise: float


MARKET = Wave(drift=0.0007, memory=25, noise=0.0080)
GROWTH = 0.0003  # a weekday
NERVES = Wave(drift=0.35, memory=40, noise=0.0)  # of the logarithm of the market's volatility
SECTOR = Wave(drift=0.0009, memory=20, noise=0.0045)
COMPANY = Wave(drift=0.0011, memory=15, noise=0.0125)
STYLE = Wave(drift=0.0006, memory=20, noise=0.0025)  # what a fund does beside its holdings, market and sector
SAME_COMPANY = Wave(drift=0.0, memory=1, noise=0.0015)  # another class of its shares
EXCHANGE_RATE = Wave(drift=0.0004, memory=30, noise=0.0035)
RATE_PULLED_BACK = 0.004  # a weekday, of the way from where it began

DAMPING = 0.7  # how much of a company's size counts for its weight in a fund
KRX_TICKS = ((2e3, 1.0), (5e3, 5.0), (2e4, 10.0), (5e4, 50.0), (2e5, 100.0), (5e5, 500.0))

COMPANY_OF = {company.ticker: company for company in COMPANIES}
FUND_OF = {fund.ticker: fund for fund in FUNDS}


@dataclass(frozen=True)
class SplitRule:
    """Once a year, on that session of that month, the year's turn among the tickers splits."""

    month: int
    session: int
    ratio: float
    tickers: tuple[str, ...]


SPLITS = (
    SplitRule(3, 5, 2.0, ("XLY", "XLV", "XLI", "SCHD")),
    SplitRule(6, 8, 4.0, ("NVDA", "AVGO", "LLY", "COST")),
    SplitRule(9, 6, 1.5, ("CAT", "GS", "HD", "JPM")),
    SplitRule(12, 4, 2.0, ("XLU", "XLB", "XLP", "XLRE")),
)

# Every year the bar of the tenth session of May is published with a wrong close, and corrected three sessions later.
RESTATED, RESTATED_MONTH, RESTATED_SESSION, RESTATED_FOR, RESTATED_BY = "XLF", 5, 10, 3, 1.006


class InventedMarket(HistoricalMarket):
    """The market of a seed, with the given number of New York sessions up to and with `until`."""

    def __init__(self, seed: int, until: date, sessions: int = DEFAULT_SESSIONS) -> None:
        self.seed = seed
        shown = _shown_sessions(until, sessions)
        world = _World(seed, shown[0], end_of_market(until))
        listed = {security.ticker: security for security in _securities()}
        histories = {ticker: world.history(security) for ticker, security in listed.items()}
        snapshots = {fund.ticker: world.snapshots(fund) for fund in FUNDS}
        super().__init__("simulated", listed, histories, snapshots, shown, world.restatements())


def _shown_sessions(until: date, count: int) -> tuple[date, ...]:
    home = trading_days(NEW_YORK)
    last = home.position(until)
    if last is None:
        raise InvalidInput(f"the market cannot end on {until}: it is not a session of the New York Stock Exchange")
    first = last + 1 - count
    if first < 0 or home.days[first] <= EPOCH:
        raise InvalidInput(f"{count} sessions up to {until} reach back to {EPOCH} or further: choose a later end")
    return home.days[first : last + 1]


def _securities() -> Iterable[Security]:
    for fund in FUNDS:
        exchange = "NGM" if fund.ticker in NASDAQ_LISTED else "PCX"
        yield Security(fund.ticker, fund.name, "ETF", "USD", exchange, NEW_YORK)
    for company in COMPANIES:
        yield _listed(company)
    yield Security(RATE, "USD/KRW", "CURRENCY", "KRW", "CCY", CURRENCIES)


def _listed(company: Company) -> Security:
    count = company.market_cap * 1e9 / company.price
    cap_disclosed = company.ticker not in WITHOUT_MARKET_CAP
    shares_disclosed = cap_disclosed and company.ticker not in WITHOUT_SHARES
    korean = _is_korean(company)
    exchange = "KSC" if korean else "NMS" if company.ticker in NASDAQ_LISTED else "NYQ"
    return Security(
        ticker=company.ticker,
        name=company.name,
        kind="EQUITY",
        currency="KRW" if korean else "USD",
        exchange=exchange,
        venue=SEOUL if korean else NEW_YORK,
        sector=company.sector,
        shares=count * PART_OF_THE_COMPANY.get(company.ticker, 1.0) if shares_disclosed else None,
        cap_shares=count if cap_disclosed else None,
    )


@dataclass(frozen=True)
class _Sheet:
    """A venue's sessions from the epoch to the end of the market; `at` is their row on the weekdays."""

    days: tuple[date, ...]
    opens: Floats
    closes: Floats
    at: list[int]
    first_shown: int

    def rows(self, months: Iterable[int], nth: int) -> list[int]:
        """Rows of the nth session of those months."""
        firsts = [row for row, day in enumerate(self.days) if row == 0 or day.month != self.days[row - 1].month]
        rows = [row + nth - 1 for row in firsts if self.days[row].month in months]
        return [row for row in rows if row < len(self.days)]


class _World:
    """The simulation on weekdays from the epoch to the end, and what each venue shows of it."""

    def __init__(self, seed: int, first_shown: date, end: float) -> None:
        self._seed = seed
        self._sheets = {venue.calendar: _sheet(venue, first_shown, end) for venue in (NEW_YORK, SEOUL, CURRENCIES)}
        self._weekdays = len(self._sheets[CURRENCIES.calendar].days)
        self._log_value = self._simulate()

    def history(self, security: Security) -> History:
        """As traded on the security's venue, from the first session shown."""
        sheet = self._sheets[security.venue.calendar]
        splits = _splits(security, sheet)
        value = _price_at_epoch(security) * np.exp(self._log_value[security.ticker][sheet.at])
        bars = _draw_bars(security, value, splits, self._draws(security.ticker, "bars", 4)[sheet.at])
        dividends = _dividends(security, sheet, bars["close"])
        shown = slice(sheet.first_shown, None)
        return History(
            days=sheet.days[shown],
            opens_at=sheet.opens[shown],
            closes_at=sheet.closes[shown],
            **{column: values[shown] for column, values in bars.items()},
            dividend=dividends[shown],
            split_ratio=splits[shown],
            dividend_factor=dividend_factors(dividends, splits, bars["close"])[shown],
            intraday=True,
            shares_before=float(np.prod(splits[: sheet.first_shown])),
            wrong=tuple(self._wrong(bars)) if security.ticker == RESTATED else (),
        )

    def snapshots(self, fund: Fund) -> list[Snapshot]:
        """Every fifth session: who is largest by a damped market cap, which drifts with the prices."""
        sheet = self._sheets[NEW_YORK.calendar]
        first = sheet.first_shown - sheet.first_shown % SNAPSHOT_EVERY
        return [
            Snapshot(sheet.days[row], self._largest(fund, sheet.at[row]))
            for row in range(first, len(sheet.days), SNAPSHOT_EVERY)
        ]

    def restatements(self) -> list[Restatement]:
        sheet = self._sheets[NEW_YORK.calendar]
        return [
            Restatement(RESTATED, sheet.days[row], utc(_corrected_at(sheet.days[row]))) for row in self._restated_rows()
        ]

    def _restated_rows(self) -> list[int]:
        sheet = self._sheets[NEW_YORK.calendar]
        return [row for row in sheet.rows((RESTATED_MONTH,), RESTATED_SESSION) if row >= sheet.first_shown]

    def _wrong(self, bars: Mapping[str, Floats]) -> Iterable[Wrong]:
        sheet = self._sheets[NEW_YORK.calendar]
        for row in self._restated_rows():
            close = round(float(bars["close"][row]) * RESTATED_BY, 2)
            high = max(float(bars["high"][row]), close)
            yield Wrong(row - sheet.first_shown, _corrected_at(sheet.days[row]), high, close)

    def _simulate(self) -> dict[str, Floats]:
        """Logarithm of every ticker's value on every weekday, dividends and splits aside, from 0 at the epoch."""
        market, korea, rate = self._market_returns(), self._wave("korea", SECTOR), self._rate_returns()
        sectors = {sector: self._wave(sector, SECTOR) for sector in SECTORS}
        returns = {
            company.ticker: self._company_returns(company, market + korea * _is_korean(company), sectors)
            for company in COMPANIES
        }
        for fund in FUNDS:
            own = sectors[fund.sector] if fund.sector else self._wave(fund.ticker, STYLE)
            home = korea - rate if fund.ticker == "EWY" else 0.0
            returns[fund.ticker] = _fund_returns(fund, returns, market + own, home)
        returns[RATE] = rate
        return {ticker: np.cumsum(values) for ticker, values in returns.items()}

    def _market_returns(self) -> Floats:
        nerves = np.exp(self._wave("nerves", NERVES))
        draws = self._draws("market", "wave", 2)
        drift = GROWTH + _come_and_go(draws[:, 0], MARKET.memory) * MARKET.drift
        return drift + nerves * MARKET.noise * np.clip(draws[:, 1], -4, 4)

    def _company_returns(self, company: Company, market: Floats, sectors: Mapping[str, Floats]) -> Floats:
        if company.ticker in MOVES_LIKE:
            original = COMPANY_OF[MOVES_LIKE[company.ticker]]
            return self._company_returns(original, market, sectors) + self._wave(company.ticker, SAME_COMPANY)
        beta, loading = self._generator(company.ticker, "nature").uniform((0.6, 0.7), (1.4, 1.3))
        shared: Floats = beta * market + loading * sectors[company.sector]
        return shared + self._wave(company.ticker, COMPANY)

    def _rate_returns(self) -> Floats:
        level, returns = 0.0, []
        for step in self._wave(RATE, EXCHANGE_RATE).tolist():
            returns.append(step - RATE_PULLED_BACK * level)
            level += returns[-1]
        return np.array(returns)

    def _wave(self, name: str, wave: Wave) -> Floats:
        draws = self._draws(name, "wave", 2)
        return _come_and_go(draws[:, 0], wave.memory) * wave.drift + np.clip(draws[:, 1], -4, 4) * wave.noise

    def _draws(self, name: str, purpose: str, columns: int) -> Floats:
        """Row n is weekday n's, however many rows there are: a session keeps its values when the end moves."""
        return self._generator(name, purpose).standard_normal((self._weekdays, columns))

    def _generator(self, name: str, purpose: str) -> np.random.Generator:
        return np.random.default_rng([self._seed, crc32(f"{name}/{purpose}".encode())])

    def _largest(self, fund: Fund, weekday: int) -> tuple[Holding, ...]:
        sizes = {
            member: (COMPANY_OF[member].market_cap * float(np.exp(self._log_value[member][weekday]))) ** DAMPING
            for member in fund.members
        }
        whole = sum(sizes.values()) / fund.coverage
        largest = sorted(sizes, key=lambda member: (-sizes[member], member))[:LARGEST_HOLDINGS]
        return tuple(Holding(member, COMPANY_OF[member].name, round(sizes[member] / whole, 6)) for member in largest)


def _sheet(venue: Venue, first_shown: date, end: float) -> _Sheet:
    trading, weekdays = trading_days(venue), trading_days(CURRENCIES).days
    span = slice(bisect_left(trading.days, EPOCH), trading.count_opened(end))
    first_weekday = bisect_left(weekdays, EPOCH)
    days = trading.days[span]
    return _Sheet(
        days=days,
        opens=trading.opens[span],
        closes=trading.closes[span],
        at=[bisect_left(weekdays, day) - first_weekday for day in days],
        first_shown=bisect_left(days, first_shown),
    )


def _fund_returns(fund: Fund, returns: Mapping[str, Floats], beside: Floats, home: Floats | float) -> Floats:
    """The listed holdings by weight, the market and the fund's own factor for the rest of it."""
    weights = np.array([COMPANY_OF[member].market_cap ** DAMPING for member in fund.members])
    parts = np.array([returns[member] for member in fund.members])
    basket: Floats = (weights[:, np.newaxis] / weights.sum() * parts).sum(axis=0)
    return fund.coverage * basket + (1 - fund.coverage) * beside + home


def _come_and_go(shocks: Floats, memory: float) -> Floats:
    """Shocks -> a wave of the same spread that forgets its past over `memory` steps."""
    keep = math.exp(-1 / memory)
    level, wave = float(shocks[0]), []
    for shock in shocks.tolist():
        level = keep * level + math.sqrt(1 - keep * keep) * shock
        wave.append(level)
    return np.array(wave)


def _draw_bars(security: Security, value: Floats, splits: Floats, draws: Floats) -> dict[str, Floats]:
    """Opening gap, range and volume around the closes, as traded: a split makes more, cheaper shares."""
    spread = 0.002 if security.kind == "CURRENCY" else 0.006
    many = np.cumprod(splits)
    close = value / many
    before = np.concatenate([value[:1], value[:-1]]) / many
    move = np.log(close / before)
    opening = before * np.exp(0.4 * move + spread / 2 * draws[:, 0])
    bars = {
        "open": opening,
        "high": np.maximum(opening, close) * np.exp(spread * np.abs(draws[:, 1])),
        "low": np.minimum(opening, close) * np.exp(-spread * np.abs(draws[:, 2])),
        "close": close,
    }
    volume = _usual_volume(security) * many * np.exp(0.3 * draws[:, 3] + 6 * np.abs(move))
    return {column: _in_ticks(prices, security.venue) for column, prices in bars.items()} | {
        "volume": np.round(volume / 100) * 100
    }


def _usual_volume(security: Security) -> float:
    return 0.0 if security.kind == "CURRENCY" else 0.004 * (security.cap_shares or 5e9)


def _in_ticks(prices: Floats, venue: Venue) -> Floats:
    """Cents; on the Korea Exchange the tick grows with the price."""
    if venue is not SEOUL:
        return np.round(prices, 2)
    tick: Floats = np.select(
        [prices < limit for limit, _ in KRX_TICKS], [size for _, size in KRX_TICKS], default=1000.0
    )
    return np.round(prices / tick) * tick


def _splits(security: Security, sheet: _Sheet) -> Floats:
    ratios = np.ones(len(sheet.days))
    for rule in SPLITS:
        for row in sheet.rows((rule.month,), rule.session):
            if rule.tickers[sheet.days[row].year % len(rule.tickers)] == security.ticker:
                ratios[row] = rule.ratio
    return ratios


def _dividends(security: Security, sheet: _Sheet, close: Floats) -> Floats:
    """Four a year, a quarter of the yield on the close before; the ticker decides on which sessions."""
    paid = np.zeros(len(sheet.days))
    luck = crc32(security.ticker.encode())
    months = range(3 if security.kind == "ETF" else 1 + luck % 3, 13, 3)
    for row in sheet.rows(months, nth=5 + luck % 11):
        paid[row] = _yield_of(security.ticker) / 4 * close[row - 1]
    return np.round(paid, 0 if security.currency == "KRW" else 3)


def _yield_of(ticker: str) -> float:
    described = COMPANY_OF.get(ticker) or FUND_OF.get(ticker)
    return described.dividend_yield if described else 0.0


def _price_at_epoch(security: Security) -> float:
    described = COMPANY_OF.get(security.ticker) or FUND_OF.get(security.ticker)
    return described.price if described else RATE_AT_EPOCH


def _is_korean(company: Company) -> bool:
    return company.ticker.endswith(".KS")


def _corrected_at(session: date) -> float:
    home = trading_days(NEW_YORK)
    return float(home.opens[bisect_left(home.days, session) + RESTATED_FOR])
