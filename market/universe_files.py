"""Write the universe of a large invented market: a universe.toml, and the CSV of all ETFs that it names."""

import argparse
import csv
import sys
from collections.abc import Sequence
from pathlib import Path

from config.universe import ALL_HOLDINGS, Universe, universe
from config.universe_csv import BENCHMARK, COLUMNS, SECTOR
from market.roster import Roster, roster_of
from market.securities import FUNDS, Fund
from utils.command_line import exit_code_of

CSV_NAME, TOML_NAME = "universe.csv", "universe.toml"


def write_universe(folder: Path, roster: Roster, top_holdings: int) -> Path:
    """Write both files, with the settings of the strategy of this process, and return the universe.toml."""
    known = universe()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / CSV_NAME).open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(COLUMNS)
        lines.writerows(_line(fund, known) for fund in roster.funds)
    target = folder / TOML_NAME
    target.write_text(_settings(known, top_holdings), encoding="utf-8")
    return target


def _line(fund: Fund, known: Universe) -> tuple[str, str, str, str, int]:
    """Return a fund's line. One of the universe keeps its name, sector and group."""
    if fund.ticker in known.etfs:
        name, sector = known.description(fund.ticker), known.sectors.get(fund.ticker, "")
        return fund.ticker, name, sector, known.etf_type(fund.ticker), known.fund_sizes.get(fund.ticker, 0)
    return fund.ticker, fund.name, fund.sector or "", SECTOR if fund.sector else BENCHMARK, len(fund.members)


def _settings(known: Universe, top_holdings: int) -> str:
    largest = '"all"' if top_holdings == ALL_HOLDINGS else top_holdings
    return (
        "# The universe of an invented market, written by market.universe_files.\n"
        f'benchmark = "{known.benchmark}"\n'
        f"periods = {list(known.periods)}\n"
        f"top_holdings = {largest}\n"
        f"max_position_weight = {known.max_position_weight!r}\n"
        f"cost_rate = {known.cost_rate!r}\n"
        f'etfs = "{CSV_NAME}"\n'
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m market.universe_files", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where to write universe.toml and universe.csv")
    parser.add_argument("--etfs", type=int, metavar="N", help=f"how many ETFs ({len(FUNDS)})")
    parser.add_argument("--stocks", type=int, metavar="N", help="how many stocks they hold")
    parser.add_argument("--top-holdings", type=int, metavar="N", help="how many of them are candidates (as now)")
    options = parser.parse_args(arguments)

    def command() -> None:
        top_holdings = options.top_holdings or universe().top_holdings
        print(write_universe(options.folder, roster_of(options.etfs, options.stocks), top_holdings))

    return exit_code_of(command)


if __name__ == "__main__":
    sys.exit(main())
