"""Become a service: nothing else of it runs, it has its own secrets, and it is the user that it should be.

    python -S -m ops.native.launch [--secrets FILE] [--as USER] [--owns FOLDER ...] [--reads FILE ...] -- COMMAND ...

--secrets  a JSON file of variables that it alone has (own_secrets.py)
--as       a system user, which it is where root starts it (system_user.py)
--owns     folders that are that user's
--reads    what it reads beside the folders of its settings, and beside what its command names

Python is run without packages, which would take ten times as long to be found.
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from ops.native import alone, own_secrets, system_user

# Settings that name a file or folder which a service reads.
READ = ("ACTSTOCK_ROOT", "ACTSTOCK_JARS", "JAVA_HOME", "SPARK_CLASS_ARCHIVE", "UNIVERSE_FILE", "EXCHANGE_DAYS_FILE")


def launch(given: argparse.Namespace, command: Sequence[str], environ: Mapping[str, str] = os.environ) -> NoReturn:
    """Replace this process by the command. What it needs of root's rights, it does before."""
    alone.end_leftovers()
    environment = dict(environ) | (own_secrets.read(given.secrets) if given.secrets else {})
    words = list(command)
    if given.user:
        for folder in given.owns:
            system_user.take(folder, given.user, Path(environment["ACTSTOCK_HOME"]))
        reads = [*given.reads, *(folder.parent for folder in given.owns), *_read(environment), *map(Path, command)]
        words = [*system_user.without_root(reads, given.user), *command]
        environment |= system_user.home(given.user)
    os.execvpe(words[0], words, environment)


def _read(environment: Mapping[str, str]) -> list[Path]:
    return [Path(sys.executable), *(Path(environment[name]) for name in READ if environment.get(name))]


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -S -m ops.native.launch")
    parser.add_argument("--secrets", type=Path, metavar="FILE")
    parser.add_argument("--as", dest="user", metavar="USER")
    parser.add_argument("--owns", type=Path, nargs="*", default=[], metavar="FOLDER")
    parser.add_argument("--reads", type=Path, nargs="*", default=[], metavar="FILE")
    return parser


if __name__ == "__main__":
    separator = sys.argv.index("--")
    launch(parser().parse_args(sys.argv[1:separator]), sys.argv[separator + 1 :])
