"""The ETFs, periods and settings of the strategy. Only this module reads universe.toml."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import chain, islice
from pathlib import Path
from typing import Any, Literal, NoReturn

from config.names import unknown
from config.periods import PERIODS
from config.text_files import toml_of
from config.universe_csv import (
    BENCHMARK,
    SECTOR,
    UniverseError,
    name_problems,
    read_funds,
    refuse,
    sector_of_stocks,
    sector_problems,
    size_problems,
    ticker_problems,
)

DEFAULT_FILE = Path(__file__).with_name("universe.toml")
# With fewer sessions an annual figure says more about chance than about the portfolio, so none is given.
ANNUALISED_FROM_SESSIONS = 60
SESSIONS_A_YEAR = 252
# What "all" of a fund's holdings is as a rank: the largest that a table's column takes.
ALL_HOLDINGS = 2**31 - 1
# How large a fund is taken to be whose size the universe does not say.
FUND_SIZE = 100
Group = Literal["benchmark", "sector", "all"]

CSV_KEY = "etfs"
KEYS = ("benchmark", "periods", "top_holdings", "max_position_weight", "cost_rate", CSV_KEY)
# What the values of each table have to be.
TABLES: Mapping[str, Callable[[str, object], Iterator[str]]] = {
    "benchmarks": name_problems,
    "sectors": sector_problems,
    "fund_sizes": size_problems,
}


@dataclass(frozen=True)
class Universe:
    """The ETFs (ticker -> index or sector), and the settings of the strategy."""

    benchmark: str
    periods: tuple[int, ...]
    top_holdings: int
    max_position_weight: float
    cost_rate: float
    benchmarks: dict[str, str]
    sectors: dict[str, str]
    fund_sizes: dict[str, int]

    @property
    def etfs(self) -> tuple[str, ...]:
        """Every ETF once, benchmarks first."""
        return tuple(dict.fromkeys([*self.benchmarks, *self.sectors]))

    @property
    def candidates(self) -> tuple[str, ...]:
        """The ETFs that can trend: all except the benchmark."""
        return tuple(etf for etf in self.etfs if etf != self.benchmark)

    @property
    def longest_period(self) -> int:
        return max(self.periods)

    def holdings_at_most(self, etfs: Iterable[str], listed: int | None) -> int:
        """Return about how many holdings of these ETFs can count at most, as if no two ETFs held the same.

        listed: so many of a fund's the source lists. None: all.
        """
        largest = min(self.top_holdings, listed or ALL_HOLDINGS)
        return sum(min(largest, self.fund_sizes.get(etf, FUND_SIZE)) for etf in etfs)

    def group(self, name: Group) -> tuple[str, ...]:
        """Return the tickers of stage 1 ("benchmark"), of stage 2 ("sector"), or of both."""
        return {"benchmark": tuple(self.benchmarks), "sector": tuple(self.sectors), "all": self.etfs}[name]

    def sector_of_stocks(self, etf: str) -> str | None:
        """Return the sector of a sector ETF's stocks, as Yahoo names it.

        The ETF's own name for it is the beginning of Yahoo's. Return None for an ETF without a sector, and when the
        name does not begin exactly one of Yahoo's sectors.
        """
        return sector_of_stocks(self.sectors.get(etf, ""))

    def etf_type(self, etf: str) -> str:
        """Return the type in the metadata table: benchmark, sector, or benchmark+sector."""
        if etf in self.benchmarks and etf in self.sectors:
            return "benchmark+sector"
        return "benchmark" if etf in self.benchmarks else "sector"

    def description(self, etf: str) -> str:
        """Return an ETF's index or sector."""
        return self.benchmarks.get(etf) or f"{self.sectors[etf]} sector"


def load(path: Path) -> Universe:
    """Read and check a universe file and the CSV that it may name.

    Raise UniverseError, which names the file, the wrong key or line, its value, and what is allowed.
    """
    file = _File.read(path)
    funds = _funds(file)  # first: a setting below a table's name would be called missing
    universe = Universe(
        benchmark=file.text("benchmark"),
        periods=file.periods(),
        top_holdings=file.top_holdings(),
        max_position_weight=file.number("max_position_weight", lambda share: 0 < share <= 1, "above 0 and up to 1"),
        cost_rate=file.number("cost_rate", lambda rate: 0 <= rate < 0.1, "from 0 on and below 0.1: 0.001 is 0.1 %"),
        **funds,
    )
    if universe.benchmark not in universe.etfs:
        raise UniverseError(f"{path}: benchmark {universe.benchmark!r} is in neither [benchmarks] nor [sectors]")
    return universe


def csv_named_in(path: Path) -> str | None:
    """Return the name of the CSV that a universe file names, seen from its folder, or raise UniverseError."""
    return _File(path, toml_of(path, UniverseError)).csv_name()


@dataclass(frozen=True)
class _File:
    """A universe file's keys and tables. Errors name the file and the key."""

    path: Path
    raw: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> "_File":
        file = cls(path, toml_of(path, UniverseError))
        for key in file.raw:
            if key not in (*KEYS, *TABLES):
                raise UniverseError(f"{path}: {unknown('key', key, (*KEYS, *TABLES))}")
        return file

    def text(self, key: str) -> str:
        value = self._value(key)
        if not isinstance(value, str) or not value.isprintable() or not value.strip():
            self._refuse(key, "a text")
        return str(value)

    def number(self, key: str, is_allowed: Callable[[float], bool], allowed: str) -> float:
        value = self._value(key)
        if type(value) not in (int, float) or not is_allowed(value):
            self._refuse(key, f"a number {allowed}")
        return float(value)

    def periods(self) -> tuple[int, ...]:
        """Return the periods, the shortest first."""
        value = self._value("periods")
        given = value if isinstance(value, list) else []
        is_known = all(type(days) is int and days in PERIODS for days in given)
        if not given or not is_known or len(set(given)) < len(given):
            self._refuse("periods", f"a list of some of {', '.join(map(str, PERIODS))}, each once")
        return tuple(sorted(given))

    def top_holdings(self) -> int:
        value = self._value("top_holdings")
        if value == "all":
            return ALL_HOLDINGS
        if type(value) is not int or not 1 <= value <= ALL_HOLDINGS:
            self._refuse("top_holdings", 'a whole number from 1 on, or "all"')
        return int(value)

    def csv_name(self) -> str | None:
        return self.text(CSV_KEY) if CSV_KEY in self.raw else None

    def table(self, name: str) -> dict[str, Any]:
        """Return a table's values by ticker. It may be missing where it is optional: beside a CSV, or of sizes."""
        table = self._value(name, {} if CSV_KEY in self.raw or name == "fund_sizes" else None)
        if not isinstance(table, dict):
            self._refuse(name, f"a table: write [{name}] on a line of its own, and below it a line for each fund")
        problems = [f"{self.path}, [{name}]: {problem}" for problem in _problems_of(table, TABLES[name])]
        refuse(self.path, problems, f"lines of [{name}]")
        return dict(table)

    def _value(self, key: str, without: Any = None) -> Any:
        if (value := self.raw.get(key, without)) is None:
            raise UniverseError(f"{self.path}: {key!r} is missing")
        return value

    def _refuse(self, key: str, allowed: str) -> NoReturn:
        raise UniverseError(f"{self.path}: {key} must be {allowed}, not {self.raw[key]!r:.100}")


def _problems_of(table: Mapping[str, Any], check: Callable[[str, object], Iterator[str]]) -> Iterator[str]:
    """Yield the first problem of each line of a table."""
    for ticker, value in table.items():
        if ticker in KEYS:
            yield f"{ticker} is a setting and no ticker: write it above the first [table] of the file"
        elif isinstance(value, dict) and value:
            yield f'write "{_dotted(ticker, value)}" in quotes, because of its point'
        else:
            yield from islice(chain(ticker_problems(ticker), check(ticker, value)), 1)


def _dotted(ticker: str, value: Mapping[str, Any]) -> str:
    """Return the ticker that TOML has taken for a table in a table.

    >>> _dotted("069500", {"KS": "KODEX 200"})
    '069500.KS'
    """
    rest, inner = next(iter(value.items()))
    return f"{ticker}.{_dotted(rest, inner) if isinstance(inner, dict) and inner else rest}"


def _funds(file: _File) -> dict[str, dict[str, Any]]:
    """Return the ETFs of the file's own tables, and after them those of its CSV."""
    benchmarks, sectors, fund_sizes = map(file.table, TABLES)
    named = file.csv_name()
    funds = read_funds(file.path.parent / named, {**benchmarks, **sectors}) if named else []
    return {
        "benchmarks": benchmarks | {fund.ticker: fund.name for fund in funds if BENCHMARK in fund.group},
        "sectors": sectors | {fund.ticker: fund.sector for fund in funds if SECTOR in fund.group},
        "fund_sizes": fund_sizes | {fund.ticker: fund.size for fund in funds if fund.size},
    }


def universe_file(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the universe file of these settings."""
    return Path(environ.get("UNIVERSE_FILE") or DEFAULT_FILE)


@cache
def universe() -> Universe:
    """Return the universe of this process."""
    return load(universe_file())
