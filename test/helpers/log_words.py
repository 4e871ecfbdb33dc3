"""What the collector and the logs say, in words."""

from collections.abc import Iterable, Mapping
from typing import Any

from collector.receipt import Receipt
from utils.reasons import Reason, as_json, from_rows, join, reason


def told(reasons: Iterable[Reason]) -> str:
    """Return reasons in words."""
    return join(reasons) or ""


def told_of(stored: Iterable[Mapping[str, Any]] | None) -> str | None:
    """Return the reasons of a JSON column in words."""
    return join(from_rows(list(stored))) if stored else None


def missing_of(receipt: Receipt) -> dict[str, str]:
    """Return why each ticker of a receipt has no bar, in words."""
    return {ticker: told(reasons) for ticker, reasons in receipt.missing.items()}


def stored_text(words: str) -> str:
    """Return words as the value of a JSON column."""
    return as_json([reason("text", text=words)]) or ""
