"""How every command ends: 0, or one line on standard error and 2 (what was asked for cannot be), 130 (Ctrl-C) or 1."""

import sys
from collections.abc import Callable

from config.config import ConfigError
from config.universe import UniverseError
from utils.errors import ActstockError, InvalidInput


def exit_code_of(command: Callable[[], object]) -> int:
    try:
        command()
    except (ActstockError, ConfigError, UniverseError) as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return 1 if isinstance(error, ActstockError) and not isinstance(error, InvalidInput) else 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr, flush=True)
        return 130
    return 0
