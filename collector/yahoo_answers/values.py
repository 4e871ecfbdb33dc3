"""Read single values of an answer: numbers, currencies."""

import math
import re
import sys
from typing import Any

from config.currencies import MINOR_UNITS
from config.exchanges import HOME, exchanges, suffix_of

CURRENCY = re.compile(r"[A-Z]{3}")
LONGEST_NAME = 200
LONGEST_TICKER = 20


def major_unit(code: Any) -> tuple[str | None, float]:
    """Return the ISO currency behind a code of Yahoo's, and how many of the code's units are one of it.

    >>> major_unit("GBp"), major_unit("USD"), major_unit(None)
    (('GBP', 100.0), ('USD', 1.0), (None, 1.0))
    """
    if not isinstance(code, str):
        return None, 1.0
    if code in MINOR_UNITS:
        return MINOR_UNITS[code], 100.0
    return (code if CURRENCY.fullmatch(code) else None), 1.0


def is_odd_unit(ticker: str, currency: str | None, units: float) -> bool:
    """Tell whether prices cannot be in that unit: on the home exchange none is in hundredths of another currency.

    >>> is_odd_unit("KO", "GBP", 100.0), is_odd_unit("VOD.L", "GBP", 100.0), is_odd_unit("KO", "EUR", 1.0)
    (True, False, False)
    """
    return units != 1 and suffix_of(ticker) == HOME and currency != exchanges().by_suffix[HOME].currency


def positive_number(value: Any) -> float | None:
    """Return a number above zero, or None for a missing one, zero, or no number."""
    number = math.nan if value is None or isinstance(value, bool) else float(value)
    return number if math.isfinite(number) and number > 0 else None


def plain_number(value: Any) -> float | int | None:
    """Return the number in Yahoo's {"raw": 0.07, "fmt": "7.00%"}, or the bare number, or None for anything else.

    >>> plain_number({"raw": 0.07, "fmt": "7.00%"}), plain_number(3), plain_number({}), plain_number("n/a")
    (0.07, 3, None, None)
    """
    number = value.get("raw") if isinstance(value, dict) else value
    if not isinstance(number, int | float) or isinstance(number, bool):
        return None
    return number if abs(number) <= sys.float_info.max else None
