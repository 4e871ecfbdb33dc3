"""Who is listed on the invented market: real names and sectors, invented prices.

companies.csv: sectors in Yahoo's words, the exchange as Yahoo's code, prices as they are quoted (in London in pence),
market caps in billions of the currency (in London of pounds), both of the first weekday. The foreign companies at its
end are held by no fund.
funds.csv: the sector that a fund follows, none for a broad one, and the part of it that its members make up.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from config.exchanges import suffix_of

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Company:
    """One listed class of shares, as companies.csv describes it."""

    ticker: str
    name: str
    sector: str
    exchange: str
    price: float
    market_cap: float
    dividend_yield: float


@dataclass(frozen=True)
class Fund:
    """A fund, as funds.csv describes it."""

    ticker: str
    name: str
    sector: str | None
    exchange: str
    price: float
    dividend_yield: float
    coverage: float
    members: tuple[str, ...]


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _company(row: dict[str, str]) -> Company:
    return Company(
        ticker=row["ticker"],
        name=row["name"],
        sector=row["sector"],
        exchange=row["exchange"],
        price=float(row["price"]),
        market_cap=float(row["market_cap"]),
        dividend_yield=float(row["dividend_yield"]),
    )


def _fund(row: dict[str, str]) -> Fund:
    return Fund(
        ticker=row["ticker"],
        name=row["name"],
        sector=row["sector"] or None,
        exchange=row["exchange"],
        price=float(row["price"]),
        dividend_yield=float(row["dividend_yield"]),
        coverage=float(row["coverage"]),
        members=tuple(row["members"].split()),
    )


COMPANIES = tuple(_company(row) for row in _rows("companies.csv"))
US_COMPANIES = tuple(company for company in COMPANIES if not suffix_of(company.ticker))
COMPANY_OF = {company.ticker: company for company in COMPANIES}

_FUNDS = tuple(_fund(row) for row in _rows("funds.csv"))
FUNDS = tuple(fund for fund in _FUNDS if fund.members)
# On the server, but in no list of ETFs to follow: a fund of gold lists no holdings.
[GOLD] = [fund for fund in _FUNDS if not fund.members]

# Units of the currency per US dollar at the start.
RATES = {"KRW=X": 1_310.0, "GBP=X": 0.79, "EUR=X": 0.92, "JPY=X": 149.0, "ZAR=X": 18.3, "ILS=X": 3.7}

MOVES_LIKE = {"GOOG": "GOOGL"}
