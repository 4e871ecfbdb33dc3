"""How the invented market moves: the logarithm of every ticker's value on every weekday, drawn from a seed."""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from zlib import crc32

import numpy as np

from market.oddities import DELISTED
from market.roster import Roster
from market.securities import COMPANY_OF, GOLD, MOVES_LIKE, RATES, Company, Fund
from market.sessions import Floats


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

# A weekday, of the way back to the start: companies keep their proportions over the years, rates their level.
PULLED_BACK = 0.003
RATE_PULLED_BACK = 0.004
CLASS_PULLED_BACK = 0.02

DAMPING = 0.7  # how much of a company's size counts for its weight in a fund


class Draws:
    """Streams of random numbers, one for each ticker and purpose. Row n is weekday n's, however many rows there are."""

    def __init__(self, seed: int, weekdays: int) -> None:
        self._seed = seed
        self._weekdays = weekdays

    def normal(self, name: str, purpose: str, columns: int) -> Floats:
        return self.generator(name, purpose).standard_normal((self._weekdays, columns))

    def uniform(self, name: str, purpose: str, columns: int) -> Floats:
        return self.generator(name, purpose).random((self._weekdays, columns))

    def generator(self, name: str, purpose: str) -> np.random.Generator:
        return np.random.default_rng([self._seed, crc32(f"{name}/{purpose}".encode())])

    def wave(self, name: str, wave: Wave) -> Floats:
        draws = self.normal(name, "wave", 2)
        return _come_and_go(draws[:, 0], wave.memory) * wave.drift + np.clip(draws[:, 1], -4, 4) * wave.noise


class LogValues:
    """Every ticker's values without dividends and splits, from 0 at the first weekday, worked out when asked for."""

    def __init__(self, draws: Draws, weekdays: Sequence[date], roster: Roster) -> None:
        self._draws = draws
        self._weekdays = weekdays
        self._roster = roster
        self._market = _market_returns(draws)
        self._korea = pulled_back(draws.wave("korea", SECTOR), PULLED_BACK)
        self._sectors = {sector: pulled_back(draws.wave(sector, SECTOR), PULLED_BACK) for sector in roster.sectors}
        self._returns: dict[str, Floats] = {}

    def __getitem__(self, ticker: str) -> Floats:
        return np.cumsum(self._returns_of(ticker))

    def _returns_of(self, ticker: str) -> Floats:
        if ticker not in self._returns:
            self._returns[ticker] = self._worked_out(ticker)
        return self._returns[ticker]

    def _worked_out(self, ticker: str) -> Floats:
        if ticker in RATES:
            return pulled_back(self._draws.wave(ticker, EXCHANGE_RATE), RATE_PULLED_BACK)
        if ticker in self._roster.fund_of:
            return self._of_fund(self._roster.fund_of[ticker])
        if ticker == GOLD.ticker:
            return pulled_back(self._draws.wave(ticker, MARKET), PULLED_BACK)
        return self._of_company(self._roster.company_of[ticker])

    def _of_company(self, company: Company) -> Floats:
        market = self._market + self._korea * is_korean(company)
        returns = _company_returns(self._draws, company, market, self._sectors)
        if company.ticker in DELISTED:
            returns[bisect_right(self._weekdays, DELISTED[company.ticker]) :] = 0.0
        return returns

    def _of_fund(self, fund: Fund) -> Floats:
        """Weigh the listed holdings, and take the market and the fund's own factor for the rest of it."""
        own = self._sectors[fund.sector] if fund.sector else self._draws.wave(fund.ticker, STYLE)
        home = self._korea - self._returns_of("KRW=X") if fund.ticker == "EWY" else 0.0
        weights = np.array([self._roster.company_of[member].market_cap ** DAMPING for member in fund.members])
        parts = np.array([self._returns_of(member) for member in fund.members])
        basket: Floats = (weights[:, np.newaxis] / weights.sum() * parts).sum(axis=0)
        return fund.coverage * basket + (1 - fund.coverage) * (self._market + own) + home


def is_korean(company: Company) -> bool:
    return company.ticker.endswith(".KS")


def _market_returns(draws: Draws) -> Floats:
    nerves = np.exp(draws.wave("nerves", NERVES))
    own = draws.normal("market", "wave", 2)
    drift = GROWTH + _come_and_go(own[:, 0], MARKET.memory) * MARKET.drift
    return pulled_back(drift + nerves * MARKET.noise * np.clip(own[:, 1], -4, 4), PULLED_BACK)


def _company_returns(draws: Draws, company: Company, market: Floats, sectors: Mapping[str, Floats]) -> Floats:
    if company.ticker in MOVES_LIKE:
        original = COMPANY_OF[MOVES_LIKE[company.ticker]]
        beside = pulled_back(draws.wave(company.ticker, SAME_COMPANY), CLASS_PULLED_BACK)
        return _company_returns(draws, original, market, sectors) + beside
    beta, loading = draws.generator(company.ticker, "nature").uniform((0.6, 0.7), (1.4, 1.3))
    shared: Floats = beta * market + loading * sectors[company.sector]
    return shared + pulled_back(draws.wave(company.ticker, COMPANY), PULLED_BACK)


def _come_and_go(shocks: Floats, memory: float) -> Floats:
    """Turn shocks into a wave of the same spread that forgets its past over `memory` steps."""
    keep = math.exp(-1 / memory)
    level, wave = float(shocks[0]), []
    for shock in shocks.tolist():
        level = keep * level + math.sqrt(1 - keep * keep) * shock
        wave.append(level)
    return np.array(wave)


def pulled_back(steps: Floats, share: float) -> Floats:
    """Lead steps back to where they began: every day a share of the way is taken off.

    >>> pulled_back(np.array([1.0, 0.0, 0.0]), 0.5).tolist()
    [1.0, -0.5, -0.25]
    """
    level, taken = 0.0, []
    for step in steps.tolist():
        taken.append(step - share * level)
        level += taken[-1]
    return np.array(taken)
