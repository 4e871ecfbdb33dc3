"""Who is listed on an invented market: the companies and funds of the CSV files, and as many made-up ones as wanted.

A made-up company is the same on every market that has it. A made-up fund holds a stretch of its sector's companies, in
the order of their size: the funds of a sector share out its large and its small companies among them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from zlib import crc32

import numpy as np

from config.exchanges import suffix_of
from market.securities import COMPANIES, FUNDS, Company, Fund
from utils.errors import InvalidInput

MOST_FUNDS, MOST_COMPANIES = 9_999, 99_999
MOST_MEMBERS, FEWEST_MEMBERS = 40, 10
COVERAGE = 0.6
FUND_YIELD = 0.012
# Of made-up companies: the middle and the spread of their logarithms. Market caps are in billions.
PRICE, PRICE_SPREAD = 60.0, 0.8
MARKET_CAP, MARKET_CAP_SPREAD = 4.0, 1.4
PAYING = 0.6  # of the companies
HIGHEST_YIELD = 0.05
EXCHANGES = ("NMS", "NYQ")
FUND_EXCHANGE = "PCX"


@dataclass(frozen=True)
class Roster:
    """The companies and the funds of a market."""

    companies: tuple[Company, ...]
    funds: tuple[Fund, ...]

    @cached_property
    def company_of(self) -> dict[str, Company]:
        return {company.ticker: company for company in self.companies}

    @cached_property
    def fund_of(self) -> dict[str, Fund]:
        return {fund.ticker: fund for fund in self.funds}

    @cached_property
    def sectors(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(company.sector for company in self.companies))


LISTED = Roster(COMPANIES, FUNDS)


def roster_of(etfs: int | None = None, stocks: int | None = None) -> Roster:
    """Return the listed funds and companies, with made-up ones up to these numbers.

    Raise InvalidInput for fewer than are listed, and for more than there are names.
    """
    etfs, stocks = etfs or len(FUNDS), stocks or len(COMPANIES)
    if not len(FUNDS) <= etfs <= MOST_FUNDS:
        raise InvalidInput(f"{etfs} ETFs: an invented market has {len(FUNDS)} to {MOST_FUNDS:,} of them")
    if not len(COMPANIES) <= stocks <= MOST_COMPANIES:
        raise InvalidInput(f"{stocks} stocks: an invented market has {len(COMPANIES)} to {MOST_COMPANIES:,} of them")
    companies = (*COMPANIES, *(_made_up_company(number) for number in range(1, stocks - len(COMPANIES) + 1)))
    return Roster(companies, (*FUNDS, *_made_up_funds(companies, etfs - len(FUNDS))))


def _made_up_company(number: int) -> Company:
    ticker, sector = f"C{number:05}", LISTED.sectors[number % len(LISTED.sectors)]
    draws = np.random.default_rng(crc32(ticker.encode()))
    size, price = draws.standard_normal(2)
    paying, part = draws.random(2)
    return Company(
        ticker=ticker,
        name=f"{sector} Company {number}",
        sector=sector,
        exchange=EXCHANGES[number % len(EXCHANGES)],
        price=round(float(PRICE * np.exp(PRICE_SPREAD * price)), 2),
        market_cap=round(float(MARKET_CAP * np.exp(MARKET_CAP_SPREAD * size)), 3),
        dividend_yield=round(float(HIGHEST_YIELD * part), 3) if paying < PAYING else 0.0,
    )


def _made_up_funds(companies: tuple[Company, ...], count: int) -> Iterator[Fund]:
    """Yield funds of each sector in turn, and in every turn one of all sectors."""
    at_home = sorted((each for each in companies if not suffix_of(each.ticker)), key=lambda each: -each.market_cap)
    by_sector: dict[str | None, list[str]] = {None: [company.ticker for company in at_home]}
    for company in at_home:
        by_sector.setdefault(company.sector, []).append(company.ticker)
    kinds = [*LISTED.sectors, None]
    for number in range(1, count + 1):
        turn, kind = divmod(number - 1, len(kinds))
        sector = kinds[kind]
        turns = (count - kind - 1) // len(kinds) + 1
        yield _made_up_fund(number, sector, _stretch(by_sector[sector], turn / max(turns - 1, 1)))


def _made_up_fund(number: int, sector: str | None, members: tuple[str, ...]) -> Fund:
    return Fund(
        ticker=f"F{number:04}",
        name=f"{sector or 'Broad'} Fund {number}",
        sector=sector,
        exchange=FUND_EXCHANGE,
        price=round(20 + crc32(f"F{number:04}".encode()) % 18_000 / 100, 2),
        dividend_yield=FUND_YIELD,
        coverage=COVERAGE,
        members=members,
    )


def _stretch(tickers: list[str], begin: float) -> tuple[str, ...]:
    """Return the tickers from a part of the way on: 0 begins with the largest, 1 is the smallest ones alone.

    >>> tickers = [f"C{number}" for number in range(100)]
    >>> [(part[0], len(part)) for part in (_stretch(tickers, 0), _stretch(tickers, 1))]
    [('C0', 40), ('C90', 10)]
    """
    first = round(begin * max(0, len(tickers) - FEWEST_MEMBERS))
    return tuple(tickers[first : first + MOST_MEMBERS])
