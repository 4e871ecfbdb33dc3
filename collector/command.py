"""The command line that every producer has."""

import argparse
import json
from collections.abc import Callable
from datetime import date
from typing import get_args

from collector.receipt import Receipt, wait_until_stored
from config.config import Settings
from config.universe import Group
from utils.command_line import exit_code_of
from utils.dates import parse_date
from utils.errors import InvalidInput
from utils.logging_utils import configure_logging


def producer_parser(description: str) -> argparse.ArgumentParser:
    """Return a parser with the options of every producer."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--as-of-date", required=True, metavar="DATE", help="the session to collect, e.g. 2026-08-21")
    parser.add_argument("--run-id", help="stored with every row and request")
    parser.add_argument("--accept-late", action="store_true", help="go on without a bar that the source lacks so far")
    parser.add_argument("--wait", action="store_true", help="return when the rows are in Postgres, not when sent")
    return parser


def add_group(parser: argparse.ArgumentParser) -> None:
    """Add the option --group, a group of ETFs."""
    parser.add_argument(
        "--group", required=True, choices=get_args(Group), help="which ETFs (benchmark: stage 1, sector: stage 2)"
    )


def add_since(parser: argparse.ArgumentParser) -> None:
    """Add the option --since, the first session of a range that ends with --as-of-date."""
    parser.add_argument(
        "--since",
        metavar="DATE",
        help="an earlier session: collect what it and every later one up to --as-of-date need",
    )


def since_of(options: argparse.Namespace) -> date | None:
    """Return the option --since as a date. Raise InvalidInput when it is after --as-of-date."""
    if options.since is None:
        return None
    since = parse_date(options.since)
    if since > parse_date(options.as_of_date):
        raise InvalidInput(f"--since {since} is after --as-of-date {options.as_of_date}")
    return since


def run_command(options: argparse.Namespace, run: Callable[[Settings, date], Receipt]) -> int:
    """Run a producer from the shell and return the exit code.

    The last line of standard output is the receipt, or an object with the error, which is a line of standard error too.
    """
    configure_logging()

    def command() -> None:
        settings = Settings.from_env()
        receipt = run(settings, parse_date(options.as_of_date))
        if options.wait:
            wait_until_stored(settings, receipt)
        print(json.dumps(receipt.to_dict()))

    return exit_code_of(command, has_object=True)
