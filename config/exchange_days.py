"""Days on which an exchange was open or closed against its calendar: reads and writes exchange_days.csv."""

import csv
import os
import tempfile
from collections.abc import Iterator, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import NamedTuple

from config.config import ConfigError
from config.exchanges import exchanges

DEFAULT_FILE = Path(__file__).with_name("exchange_days.csv")
COLUMNS = ["exchange", "date", "status", "reason"]
STATUSES = ("open", "closed")


class ExchangeDaysError(ConfigError):
    """The file of extra days is missing, or a line of it is wrong."""


class ExtraDay(NamedTuple):
    """A day on which an exchange was closed, or open, although the calendar says otherwise."""

    exchange: str
    day: date
    is_open: bool
    reason: str


def load(path: Path) -> tuple[ExtraDay, ...]:
    """Read and check a file, or raise ExchangeDaysError, which names the file and the wrong line."""
    return tuple(_read(_text(path).splitlines(), path))


def _text(path: Path) -> str:
    """Return the text of a file. A spreadsheet may have put a mark before it."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ExchangeDaysError(f"{path}: this is not UTF-8: save it as CSV UTF-8, with commas") from None
    except OSError as error:
        raise ExchangeDaysError(f"{path}: cannot be read: {error}") from None


def _fields(line: str, where: str) -> list[str]:
    try:
        return next(csv.reader([line]))
    except csv.Error as error:
        raise ExchangeDaysError(f"{where}: cannot be read as CSV: {error}") from None


def _read(lines: Sequence[str], path: Path) -> Iterator[ExtraDay]:
    if not lines or _fields(lines[0], f"{path}, line 1") != COLUMNS:
        raise ExchangeDaysError(f"{path}, line 1: must be {','.join(COLUMNS)}")
    seen: dict[tuple[str, date], int] = {}
    for number, line in enumerate(lines[1:], 2):
        if not line.strip() or line.startswith("#"):
            continue
        where = f"{path}, line {number}"
        extra = _day(_fields(line, where), where)
        first = seen.setdefault((extra.exchange, extra.day), number)
        if first != number:
            raise ExchangeDaysError(
                f"{path}, line {number}: {extra.exchange} {extra.day} stands in line {first} already"
            )
        yield extra


def _day(fields: Sequence[str], where: str) -> ExtraDay:
    if len(fields) != len(COLUMNS):
        raise ExchangeDaysError(f"{where}: has {len(fields)} fields, not {len(COLUMNS)}: {','.join(COLUMNS)}")
    exchange, day, status, reason = (field.strip() for field in fields)
    if exchange not in exchanges().names():
        raise ExchangeDaysError(f"{where}: {exchange!r} is no exchange of config/exchanges.toml")
    if status not in STATUSES:
        raise ExchangeDaysError(f"{where}: status must be open or closed, not {status!r}")
    if not reason or not reason.isprintable():
        raise ExchangeDaysError(f"{where}: must say a reason, in one line")
    try:
        return ExtraDay(exchange, date.fromisoformat(day), status == "open", reason)
    except ValueError:
        raise ExchangeDaysError(f"{where}: {day!r} is not a date: write it as YYYY-MM-DD") from None


def add(path: Path, extra: ExtraDay) -> None:
    """Append a day to a file."""
    known = {(each.exchange, each.day): each for each in load(path)}
    if same := known.get((extra.exchange, extra.day)):
        status = "open" if same.is_open else "closed"
        raise ExchangeDaysError(f"{path}: says already that {same.exchange} is {status} on {same.day} ({same.reason})")
    line = [extra.exchange, extra.day.isoformat(), "open" if extra.is_open else "closed", extra.reason]
    _day(line, f"the day to add to {path}")
    try:
        _replace(path, line)
    except OSError as error:
        raise ExchangeDaysError(f"{path}: cannot be written ({error}): add the line {','.join(line)}") from None


def _replace(path: Path, line: Sequence[str]) -> None:
    """Replace a file by a copy with one more line."""
    # A renamed copy, because a reader must never see half a file, and a crash must not leave one.
    text = path.read_text(encoding="utf-8")  # with the mark of a spreadsheet, which would read it otherwise without
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="", dir=path.parent, delete=False) as file:
        try:
            file.write(text if text.endswith("\n") else text + "\n")
            csv.writer(file, lineterminator="\n").writerow(line)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), path.stat().st_mode & 0o777)
            os.replace(file.name, path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def extra_days_file() -> Path:
    """Return the file of extra days: EXCHANGE_DAYS_FILE, or else the one beside this module."""
    return Path(os.environ.get("EXCHANGE_DAYS_FILE") or DEFAULT_FILE)


@cache
def extra_days() -> tuple[ExtraDay, ...]:
    """Return the extra days of this process."""
    return load(extra_days_file())
