"""The exit codes of all commands.

0: done. 2: the request cannot be met. 130: interrupted with Ctrl-C. 1: anything else went wrong. Every failure prints
one line on standard error.
"""

import sys
from collections.abc import Callable

from config.config import ConfigError
from config.universe import UniverseError
from utils.errors import ActstockError, InvalidInput


def exit_code_of(command: Callable[[], object]) -> int:
    """Run a command and return its exit code. Print an error as one line."""
    try:
        command()
    except (ActstockError, ConfigError, UniverseError) as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return 1 if isinstance(error, ActstockError) and not isinstance(error, InvalidInput) else 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr, flush=True)
        return 130
    return 0
