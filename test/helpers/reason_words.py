"""Reasons in words, and words as reasons."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from contract.reasons import shown
from utils.reasons import Reason, from_json, from_rows, join, reason


def text(words: str) -> Reason:
    return reason("text", text=words)


def text_json(words: str) -> str:
    """Return words as the jobs' frames hold a reason."""
    return msgspec.json.encode(text(words)).decode()


def words(reasons: str | Iterable[Reason] | None) -> str | None:
    """Return reasons, or those of a JSON column's text, in words."""
    return join(from_json(reasons) if reasons is None or isinstance(reasons, str) else reasons)


def words_in(value: Sequence[Mapping[str, Any]] | None) -> str | None:
    """Return the reasons of a JSON column's value in words."""
    return join(from_rows(value))


def words_of_each(reasons: Iterable[str]) -> list[str | None]:
    """Return each reason of a frame's list in words."""
    return [words(f"[{each}]") for each in reasons]


def explained(answer: Any) -> Any:
    """Return an answer of the API with the data beside each reason, which is given in words or as data."""
    if isinstance(answer, list):
        return [explained(each) for each in answer]
    if not isinstance(answer, dict):
        return answer
    found = {name: explained(value) for name, value in answer.items()}
    for name, told in answer.items():
        if name.endswith("reason") and f"{name}s" not in answer:
            reasons = [text(told)] if isinstance(told, str) else list(told or [])
            found |= {name: join(reasons), f"{name}s": msgspec.to_builtins(shown(reasons))}
    return found
