"""Sessions of the past that the calendar package takes seconds to work out: kept in config/past_sessions.toml.

Korea's holidays follow the moon, and the package finds them again in every process. `python -m utils.past_sessions`
writes the file, and a test compares it with the package.
"""

import sys
import textwrap
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path

from config.config import PROJECT_ROOT

FILE = PROJECT_ROOT / "config" / "past_sessions.toml"
SLOW_EXCHANGES = ("XKRX",)
UNTIL = date(2025, 12, 31)
HEADER = "# Written by `python -m utils.past_sessions`: weekdays without a session, and unusual closes, until a day.\n"
LINE_LENGTH = 112


@dataclass(frozen=True)
class PastSessions:
    """An exchange's sessions up to a day: the weekdays that were none, and the moments (UTC) of unusual closes."""

    until: date
    closed: Collection[date]
    closes: Mapping[date, datetime]


@cache
def past_sessions(file: Path = FILE) -> Mapping[str, PastSessions]:
    """Return what the file has, by exchange."""
    return {
        exchange: PastSessions(
            told["until"], frozenset(told["closed"]), {moment.date(): moment for moment in told["closes"]}
        )
        for exchange, told in tomllib.loads(file.read_text(encoding="utf-8")).items()
    }


def text_of(sessions: Mapping[str, PastSessions]) -> str:
    """Return the file's text."""
    return HEADER + "".join(
        f"\n[{exchange}]\nuntil = {each.until}\nclosed = {_listed(map(str, sorted(each.closed)))}"
        f"closes = {_listed(moment.isoformat().replace('+00:00', 'Z') for moment in sorted(each.closes.values()))}"
        for exchange, each in sessions.items()
    )


def _listed(values: Iterable[str]) -> str:
    lines = textwrap.fill(", ".join(values), LINE_LENGTH, break_on_hyphens=False)
    return f"[\n{textwrap.indent(lines, '    ')}\n]\n"


def main() -> int:
    from utils.dates import computed_past  # which imports this module

    FILE.write_text(text_of({exchange: computed_past(exchange, UNTIL) for exchange in SLOW_EXCHANGES}), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
