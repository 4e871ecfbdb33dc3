"""Read the CSV of ETFs that a universe file may name, with one sentence for each bad line.

Its columns are ticker and name, and if wanted sector, group and fund_size. A fund's group is benchmark (stage 1),
sector (stage 2) or benchmark+sector. Left empty it follows from the sector: a fund that has one is of stage 2.
"""

import csv
import io
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from config.config import ConfigError
from config.exchanges import exchanges, suffix_of
from config.text_files import text_of

# The sectors of stocks, as Yahoo names them.
SECTORS_OF_STOCKS = (
    "Basic Materials",
    "Communication Services",
    "Consumer Cyclical",
    "Consumer Defensive",
    "Energy",
    "Financial Services",
    "Healthcare",
    "Industrials",
    "Real Estate",
    "Technology",
    "Utilities",
)
NEEDED = ("ticker", "name")
COLUMNS = (*NEEDED, "sector", "group", "fund_size")
BENCHMARK, SECTOR, BOTH = "benchmark", "sector", "benchmark+sector"
TICKER = re.compile(r"[A-Z0-9^][A-Z0-9.^-]{0,19}")
LONGEST_NAME = 200
# PostgreSQL takes no NUL, and a name is shown on one line.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
LARGEST_FUND = 1_000_000
SHOWN_PROBLEMS = 20


class UniverseError(ConfigError):
    """The universe file, or the CSV that it names, is missing, cannot be read, or has a wrong value."""


@dataclass(frozen=True)
class Fund:
    """One line: an ETF of the universe. size: its approximate number of holdings, 0 when it is not given."""

    ticker: str
    name: str
    sector: str
    group: str
    size: int


def read_funds(path: Path, listed: Collection[str] = ()) -> list[Fund]:
    """Read a CSV of ETFs. Raise UniverseError with a sentence for each line that cannot be used.

    listed: the tickers that the universe file lists itself.
    """
    text = text_of(path, UniverseError)
    try:
        lines = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        _check_header(path, lines.fieldnames or ())
        numbered = [(lines.line_num, line) for line in lines]
    except csv.Error as error:
        raise UniverseError(f"{path}: cannot be read as a CSV: {error}. Save it with commas.") from None
    seen: dict[str, str] = dict.fromkeys(listed, "the universe file")
    funds: list[Fund] = []
    problems: list[str] = []
    for number, line in numbered:
        values = {column: (line.get(column) or "").strip() for column in COLUMNS}
        found = list(_problems(line, values, seen))
        problems += [f"{path}, line {number}: {problem}" for problem in found[:1]]
        seen.setdefault(values["ticker"], f"line {number}")
        if not found:
            funds.append(_fund(values))
    refuse(path, problems, "lines")
    return funds


def refuse(path: Path, problems: Sequence[str], of_what: str) -> None:
    """Raise UniverseError with the first problems, if there are any, and the number of the others."""
    more = len(problems) - SHOWN_PROBLEMS
    rest = [f"{path}: {more} more {of_what} cannot be used: mend these first"] if more > 0 else []
    if problems:
        raise UniverseError("\n".join([*problems[:SHOWN_PROBLEMS], *rest]))


def sector_of_stocks(name: str) -> str | None:
    """Return Yahoo's sector that begins with a name, or None when not exactly one does.

    >>> sector_of_stocks("Financial"), sector_of_stocks("Consumer"), sector_of_stocks("")
    ('Financial Services', None, None)
    """
    found = [sector for sector in SECTORS_OF_STOCKS if name and sector.startswith(name)]
    return found[0] if len(found) == 1 else None


def _check_header(path: Path, names: Collection[str]) -> None:
    if missing := [name for name in NEEDED if name not in names]:
        raise UniverseError(
            f"{path}, line 1: the column {missing[0]} is missing: begin the file with the line {','.join(COLUMNS)}"
        )
    if len(set(names)) < len(names):
        raise UniverseError(f"{path}, line 1: a column is there twice: {','.join(names)}")
    if unknown := [name for name in names if name not in COLUMNS]:
        raise UniverseError(
            f"{path}, line 1: the column {unknown[0]!r} is unknown: remove it, or call it one of {', '.join(COLUMNS)}"
        )


def ticker_problems(ticker: str) -> Iterator[str]:
    """Yield what is wrong with a fund's ticker, and what to do."""
    if not TICKER.fullmatch(ticker):
        yield f"{ticker!r} is no ticker: write Yahoo's symbol in capitals, at most 20 characters"
    elif suffix_of(ticker) not in exchanges().by_suffix:
        yield f"{ticker}: its suffix {suffix_of(ticker)} is not in config/exchanges.toml: add the exchange there"


def name_problems(ticker: str, name: object) -> Iterator[str]:
    """Yield what is wrong with a fund's name, and what to do."""
    if not isinstance(name, str) or not 0 < len(name.strip()) <= LONGEST_NAME or CONTROL.search(name):
        yield (
            f"{ticker}: {name!r:.60} is no name: write the fund's name or its index, a text of one line and at most "
            f"{LONGEST_NAME} characters"
        )


def sector_problems(ticker: str, sector: object) -> Iterator[str]:
    """Yield what is wrong with the sector of a fund that has one, and what to do."""
    if not isinstance(sector, str) or not sector_of_stocks(sector):
        yield (
            f"{ticker}: {sector!r:.60} is not the beginning of one of Yahoo's sectors: write a fund without "
            f"one under [benchmarks], or in a CSV with an empty sector; or give one of {', '.join(SECTORS_OF_STOCKS)}"
        )


def size_problems(ticker: str, size: object) -> Iterator[str]:
    """Yield what is wrong with a fund's number of holdings, and what to do."""
    if type(size) is not int or not 0 <= size <= LARGEST_FUND:
        yield f"{ticker}: fund_size {size!r:.60} is no count: leave it out, or write a number up to {LARGEST_FUND:,}"


def _problems(line: Mapping[str | None, object], values: Mapping[str, str], seen: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong with a line, and what to do."""
    ticker, sector, group = values["ticker"], values["sector"], values["group"]
    if None in line:
        yield "it has more fields than the header: put a name with a comma in double quotes"
    yield from ticker_problems(ticker)
    if ticker in seen:
        yield f"{ticker} is in {seen[ticker]} already: remove one of the two"
    yield from name_problems(ticker, values["name"])
    if sector:
        yield from sector_problems(ticker, sector)
    if group not in ("", BENCHMARK, SECTOR, BOTH):
        yield f"{ticker}: the group {group!r} is unknown: leave it empty, or write {BENCHMARK}, {SECTOR} or {BOTH}"
    elif group in (SECTOR, BOTH) and not sector:
        yield f"{ticker} is of the group {group} and has no sector: give one, or write {BENCHMARK}"
    yield from size_problems(ticker, _size(values["fund_size"]))


def _size(written: str) -> int | str:
    """Return a number of holdings, 0 where none is given. What is no count stays as it is written."""
    return int(written or 0) if re.fullmatch(r"[0-9]{0,7}", written) else written


def _fund(values: Mapping[str, str]) -> Fund:
    group = values["group"] or (SECTOR if values["sector"] else BENCHMARK)
    return Fund(values["ticker"], values["name"], values["sector"], group, int(values["fund_size"] or 0))
