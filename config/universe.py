"""The ETFs, periods and settings of the strategy. Only this module reads universe.toml."""

import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from config.exchanges import exchanges, suffix_of
from config.universe_csv import BENCHMARK, SECTOR, TICKER, UniverseError, read_funds, sector_of_stocks

DEFAULT_FILE = Path(__file__).with_name("universe.toml")
# With fewer sessions an annual figure says more about chance than about the portfolio, so none is given.
ANNUALISED_FROM_SESSIONS = 60
SESSIONS_A_YEAR = 252
# What "all" of a fund's holdings is as a rank: the largest that a table's column takes.
ALL_HOLDINGS = 2**31 - 1
# How large a fund is taken to be whose size the universe does not say.
FUND_SIZE = 100
Group = Literal["benchmark", "sector", "all"]


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

    Raise UniverseError, which names the file and the wrong key or line.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise UniverseError(f"{path}: cannot be read: {error}") from None
    try:
        universe = Universe(
            benchmark=raw["benchmark"],
            periods=tuple(sorted(raw["periods"])),
            top_holdings=_top_holdings(raw["top_holdings"], path),
            max_position_weight=float(raw["max_position_weight"]),
            cost_rate=float(raw["cost_rate"]),
            **_funds(raw, path),
        )
    except KeyError as error:
        raise UniverseError(f"{path}: {error.args[0]!r} is missing") from None
    _check(universe, path)
    return universe


def _top_holdings(given: object, path: Path) -> int:
    if given == "all":
        return ALL_HOLDINGS
    if not isinstance(given, int) or isinstance(given, bool) or not 1 <= given <= ALL_HOLDINGS:
        raise UniverseError(f'{path}: top_holdings must be a whole number from 1 on, or "all", not {given!r}')
    return given


def _funds(raw: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return the ETFs of the file's own tables, and after them those of its CSV."""
    if "etfs" not in raw:
        tables = {"benchmarks": raw["benchmarks"], "sectors": raw["sectors"], "fund_sizes": raw.get("fund_sizes", {})}
        return {name: dict(table) for name, table in tables.items()}
    if not isinstance(raw["etfs"], str):
        raise UniverseError(f"{path}: etfs must be the name of a CSV file, not {raw['etfs']!r}")
    benchmarks, sectors = dict(raw.get("benchmarks", {})), dict(raw.get("sectors", {}))
    funds = read_funds(path.parent / raw["etfs"], {**benchmarks, **sectors})
    return {
        "benchmarks": benchmarks | {fund.ticker: fund.name for fund in funds if BENCHMARK in fund.group},
        "sectors": sectors | {fund.ticker: fund.sector for fund in funds if SECTOR in fund.group},
        "fund_sizes": dict(raw.get("fund_sizes", {})) | {fund.ticker: fund.size for fund in funds if fund.size},
    }


def _check(universe: Universe, path: Path) -> None:
    if universe.benchmark not in universe.etfs:
        raise UniverseError(f"{path}: benchmark {universe.benchmark!r} is in neither [benchmarks] nor [sectors]")
    for etf in universe.etfs:
        if not TICKER.fullmatch(etf):
            raise UniverseError(f"{path}: {etf!r} is no ticker: write Yahoo's symbol in capitals")
        if suffix_of(etf) not in exchanges().by_suffix:
            raise UniverseError(f"{path}: {etf}: its suffix {suffix_of(etf)} is not in config/exchanges.toml")
    if not universe.periods or any(not isinstance(days, int) or days < 1 for days in universe.periods):
        raise UniverseError(f"{path}: periods must be whole sessions, at least one of them: {universe.periods}")
    if not 0 < universe.max_position_weight <= 1:
        raise UniverseError(f"{path}: max_position_weight must be in (0, 1], not {universe.max_position_weight}")
    if not 0 <= universe.cost_rate < 0.1:
        raise UniverseError(f"{path}: cost_rate must be a fraction in [0, 0.1), not {universe.cost_rate}")


def universe_file(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the universe file of these settings."""
    return Path(environ.get("UNIVERSE_FILE") or DEFAULT_FILE)


@cache
def universe() -> Universe:
    """Return the universe of this process."""
    return load(universe_file())
