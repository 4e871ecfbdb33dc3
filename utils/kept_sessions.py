"""Sessions of the usual exchanges, past and to come, as the calendar package has them: in config/kept_sessions.toml.

A process that needs no others is spared the package: a second of CPU and 60 MB, and a second or two more for Korea,
whose holidays follow the moon. `python -m utils.kept_sessions` writes the file. A test compares it with the package.
"""

import sys
import textwrap
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from config.config import PROJECT_ROOT

FILE = PROJECT_ROOT / "config" / "kept_sessions.toml"
# Of nearly every portfolio.
USUAL_EXCHANGES = ("XNYS", "XKRX")
# Some years after what a process needs to know (KNOWN_AHEAD of utils.dates): the file need not be written each year.
UNTIL = date(2031, 12, 31)
HEADER = "# Written by `python -m utils.kept_sessions`: weekdays without a session, and closes, until a day.\n"
LINE_LENGTH = 112
SATURDAY = 5


@dataclass(frozen=True)
class KeptSessions:
    """An exchange's sessions up to a day, Monday to Friday.

    timezone: of the usual closes
    usual_closes: the time of each, and the day since which it holds, in order
    closed: the weekdays without a session
    closes: the moments (UTC) of unusual closes
    """

    until: date
    timezone: str
    usual_closes: Sequence[tuple[date, time]]
    closed: Collection[date]
    closes: Mapping[date, datetime]

    def all_closes(self, first: date, last: date) -> dict[date, datetime]:
        """Return when (UTC) each session from first to last, the days included, ends. last: not after `until`."""
        days = (first + timedelta(days=number) for number in range((last - first).days + 1))
        return {
            day: self.closes.get(day) or self.usual_close(day)
            for day in days
            if day.weekday() < SATURDAY and day not in self.closed
        }

    def usual_close(self, day: date) -> datetime:
        """Return the moment (UTC) at which a session without an early or late close ends on a day."""
        at = next(at for since, at in reversed(self.usual_closes) if since <= day)
        return datetime.combine(day, at, ZoneInfo(self.timezone)).astimezone(UTC)


@cache
def kept_sessions(file: Path = FILE) -> Mapping[str, KeptSessions]:
    """Return what the file has, by exchange."""
    return {
        exchange: KeptSessions(
            told["until"],
            told["timezone"],
            tuple((since, at) for since, at in told["usual_closes"]),
            frozenset(told["closed"]),
            {moment.date(): moment for moment in told["closes"]},
        )
        for exchange, told in tomllib.loads(file.read_text(encoding="utf-8")).items()
    }


def text_of(sessions: Mapping[str, KeptSessions]) -> str:
    """Return the file's text."""
    return HEADER + "".join(
        f'\n[{exchange}]\nuntil = {each.until}\ntimezone = "{each.timezone}"\n'
        f"usual_closes = {_listed(f'[{since}, {at}]' for since, at in each.usual_closes)}"
        f"closed = {_listed(map(str, sorted(each.closed)))}"
        f"closes = {_listed(moment.isoformat().replace('+00:00', 'Z') for moment in sorted(each.closes.values()))}"
        for exchange, each in sessions.items()
    )


def _listed(values: Iterable[str]) -> str:
    lines = textwrap.fill(", ".join(values), LINE_LENGTH, break_on_hyphens=False)
    return f"[\n{textwrap.indent(lines, '    ')}\n]\n"


def main() -> int:
    from utils.dates import computed_sessions  # which imports this module

    FILE.write_text(text_of({exchange: computed_sessions(exchange, UNTIL) for exchange in USUAL_EXCHANGES}), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
