"""Where a ticker trades, by its suffix. Only this module reads exchanges.toml."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from config.config import ConfigError

FILE = Path(__file__).with_name("exchanges.toml")
HOME = ""
RATE = "=X"
# As a regular expression. No slash: a symbol is a part of addresses and of file names.
SYMBOL = "[!-.0-~]+"
# The signs of a ticker that a fund lists or a person asks for, at most as many as its column holds.
TICKER = "[A-Za-z0-9^][A-Za-z0-9^.&=_-]{0,19}"
CLASS_SHARE = re.compile(r"([A-Z]+)[./ ]([A-Z])")


class ExchangesError(ConfigError):
    """The table of exchanges is missing, is not TOML, or has a wrong value."""


@dataclass(frozen=True)
class Listing:
    """What a suffix tells about a ticker. currency: None for an exchange rate, which belongs to no exchange."""

    exchange: str
    time_zone: str
    currency: str | None
    delay: timedelta
    calendar_from: date | None = None


@dataclass(frozen=True)
class Exchanges:
    """The table. by_suffix includes "" (home exchange) and "=X" (exchange rates, on the home exchange's sessions)."""

    by_suffix: Mapping[str, Listing]

    def names(self) -> set[str]:
        """Return the names of all exchanges."""
        return {listing.exchange for listing in self.by_suffix.values()}

    def in_currency(self, currency: str) -> set[str]:
        """Return the exchanges that trade in a currency."""
        return {listing.exchange for listing in self.by_suffix.values() if listing.currency == currency}

    def calendar_from(self, exchange: str) -> date | None:
        """Return the first day that the calendar package knows of an exchange, or None when the table gives none."""
        return next((each.calendar_from for each in self.by_suffix.values() if each.exchange == exchange), None)


def class_share(ticker: str) -> str | None:
    """Return a class share of New York with its hyphen, however it is written, or None for another ticker.

    >>> class_share("BRK.B"), class_share("BRK/B"), class_share("BRK B"), class_share("VOD.L")
    ('BRK-B', 'BRK-B', 'BRK-B', None)
    """
    found = CLASS_SHARE.fullmatch(ticker)
    return f"{found[1]}-{found[2]}" if found and f".{found[2]}" not in exchanges().by_suffix else None


def suffix_of(ticker: str) -> str:
    """Return a ticker's suffix, with its point, or "" without one. It is "=X" for an exchange rate.

    >>> [suffix_of(ticker) for ticker in ("005930.KS", "BRK-B", "BF.B", "KRW=X")]
    ['.KS', '', '.B', '=X']
    """
    if ticker.endswith(RATE):
        return RATE
    return "." + ticker.rpartition(".")[2] if "." in ticker else HOME


def load(path: Path) -> Exchanges:
    """Read and check a table, or raise ExchangesError, which names the file and the wrong key."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ExchangesError(f"{path}: cannot be read: {error}") from None
    home, rates, suffixes = (_section(raw, name, path) for name in ("home", "rates", "suffixes"))
    of_home = _listing(home, path, "home")
    of_rates = _listing({**rates, "exchange": of_home.exchange, "currency": None}, path, "rates")
    by_suffix = {HOME: of_home, RATE: of_rates}
    for suffix, values in suffixes.items():
        if not suffix.startswith(".") or suffix.count(".") != 1 or suffix == ".":
            raise ExchangesError(f"{path}: suffix {suffix!r} must be a point and what follows it, like .KS")
        by_suffix[suffix] = _listing(values, path, f"suffixes.{suffix}")
    return Exchanges(by_suffix)


def _section(raw: Mapping[str, Any], name: str, path: Path) -> dict[str, Any]:
    section = raw.get(name)
    if not isinstance(section, dict):
        raise ExchangesError(f"{path}: [{name}] is missing")
    return section


def _listing(values: Any, path: Path, key: str) -> Listing:
    try:
        exchange, zone, currency, minutes = (
            values[name] for name in ("exchange", "time_zone", "currency", "delay_minutes")
        )
        first = values.get("calendar_from")
    except KeyError as error:
        raise ExchangesError(f"{path}: {key}.{error.args[0]} is missing") from None
    except (TypeError, AttributeError):
        raise ExchangesError(f"{path}: {key} must be a table: {{ exchange = ..., time_zone = ..., ... }}") from None
    if not isinstance(exchange, str) or not exchange:
        raise ExchangesError(f"{path}: {key}.exchange must be a calendar's name, like XKRX, not {exchange!r}")
    if not _is_zone(zone):
        raise ExchangesError(f"{path}: {key}.time_zone must be an IANA time zone, like Asia/Seoul, not {zone!r}")
    if currency is not None and not _is_currency(currency):
        raise ExchangesError(f"{path}: {key}.currency must be an ISO code of three capitals, not {currency!r}")
    if not isinstance(minutes, int) or isinstance(minutes, bool) or not 0 <= minutes <= 120:
        raise ExchangesError(f"{path}: {key}.delay_minutes must be 0 to 120 whole minutes, not {minutes!r}")
    if first is not None and type(first) is not date:
        raise ExchangesError(f"{path}: {key}.calendar_from must be a date, like 2021-01-01, not {first!r}")
    return Listing(exchange, zone, currency, timedelta(minutes=minutes), first)


def _is_zone(name: Any) -> bool:
    try:
        return isinstance(name, str) and bool(ZoneInfo(name))
    except (KeyError, OSError, ValueError):  # not found, a folder, not even a name
        return False


def _is_currency(code: Any) -> bool:
    return isinstance(code, str) and len(code) == 3 and code.isascii() and code.isalpha() and code.isupper()


@cache
def exchanges() -> Exchanges:
    """Return the table of this process."""
    return load(FILE)
