"""Does the rule have an edge? Reads the stored prices, tries all variants and says so: ./start.sh lab."""

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import date
from pathlib import Path

from config.config import Settings
from config.universe import universe
from contract.common import Source
from contract.lab import LabReport
from database.db_helper import connect
from database.roles import SPARK, log_in_as
from lab.bootstrap import RESAMPLES
from lab.in_spark import in_spark, local_session
from lab.libraries import second_opinion, versions
from lab.lookahead import differences, differences_when_read
from lab.page import compared, lines, verdict
from lab.panel import Compute, one_by_one
from lab.prices import Prices
from lab.publishing import publish
from lab.reader import read_prices, source_of
from lab.report import Examined, examine
from lab.variants import DEFAULT_FILE, Trials, load
from utils.command_line import exit_code_of
from utils.dates import parse_date
from utils.errors import ActstockError, InvalidInput


class Untrustworthy(ActstockError):
    """A check of the lab itself failed, so its verdict is worth nothing."""

    retryable = False


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    return exit_code_of(lambda: _run(Settings.from_env(), options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--until", type=parse_date, metavar="DATE", help="the last session to use (default: all)")
    parser.add_argument("--variants", type=Path, default=DEFAULT_FILE, metavar="FILE", help="a TOML file of variants")
    parser.add_argument(
        "--resamples", type=int, default=RESAMPLES, metavar="N", help=f"of the bootstrap ({RESAMPLES:,})"
    )
    parser.add_argument(
        "--without-spark", action="store_true", help="compute the variants in this process, one after another"
    )
    parser.add_argument("--brief", action="store_true", help="print the verdict alone")
    parser.add_argument("--check", action="store_true", help="compute the figures with known packages as well")
    return parser


def _run(settings: Settings, options: argparse.Namespace) -> None:
    if options.resamples < 100:
        raise InvalidInput(f"--resamples {options.resamples}: give at least 100")
    packages = versions() if options.check else {}
    trials = load(options.variants)
    prices, source = _read(settings, options.until)
    compute = one_by_one if options.without_spark else in_spark(local_session(settings.spark))
    found = examine(
        prices,
        trials,
        benchmark=universe().benchmark,
        cost=universe().cost_rate,
        source=source,
        resamples=options.resamples,
        compute=compute,
    )
    _require_no_lookahead(settings, trials, prices, compute)
    print(*(verdict if options.brief else lines)(found.report), sep="\n")
    if options.variants == DEFAULT_FILE:
        _publish(settings, found.report, prices.sessions[-1])
    if packages:
        _check(found, packages, options.resamples)


def _read(settings: Settings, until: date | None) -> tuple[Prices, Source]:
    with closing(connect(settings.database)) as conn:
        return read_prices(conn, universe(), until), source_of(conn, universe().benchmark)


def _publish(settings: Settings, report: LabReport, session: date) -> None:
    with closing(connect(log_in_as(settings.database, SPARK, os.environ))) as conn:
        publish(conn, session, report)


def _require_no_lookahead(settings: Settings, trials: Trials, prices: Prices, compute: Compute) -> None:
    variants = [variant for variant in trials.variants if variant.leg == "etf" or prices.stocks is not None]
    found = differences(variants, prices, compute=compute)
    if len(prices) > 1:
        earlier, _ = _read(settings, prices.sessions[len(prices) // 2 - 1])
        found += differences_when_read(variants, prices, earlier, compute)
    if found:
        first = found[0]
        raise Untrustworthy(
            f"{first.variant} knows the future: without the prices from {prices.sessions[first.cut]} on, or with other "
            f"ones, it decides or earns something else on {prices.sessions[first.session]}. This is a fault of the "
            "lab: please report it."
        )


def _check(found: Examined, packages: dict[str, str], resamples: int) -> None:
    if found.draws is None:
        print("\nNo second opinion: there is nothing to compute.")
        return
    figures = list(second_opinion(found.panel, found.report.cost_bp / 10_000, resamples))
    print("", *compared(figures, packages), sep="\n")
    wrong = [each.figure for each in figures if not each.agrees]
    if wrong:
        raise Untrustworthy(f"the figures differ from those of the packages: {', '.join(wrong)}")


if __name__ == "__main__":
    sys.exit(main())
