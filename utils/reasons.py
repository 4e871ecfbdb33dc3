"""Reasons: why a figure, a bar or a publication is missing or in doubt, as data.

A reason is a code with parameters. It is stored as JSON, `{"code": "no_price", "params": {"session": "2026-08-21"}}`,
and several as an array of them. SENTENCES is the one place of the English sentences. Other languages have a place of
their own with the same codes.
"""

import string
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any

import msgspec

SENTENCES: Mapping[str, str] = {
    # Words that an earlier version stored as a sentence.
    "text": "{text}",
    # The lab's verdict, and what else it has to say.
    "lab_edge": "edge at cost <= {cost} bp: over {sessions} sessions {variant} beats {benchmark}, with all {variants} "
    "variants counted (p = {p_value})",
    "lab_no_edge": "no edge shown: over {sessions} sessions none of {variants} variants beats {benchmark} by more than "
    "luck explains, even without costs (p = {p_value})",
    "lab_not_enough_data": "not enough data: {sessions} sessions can be judged, and a true yearly Sharpe ratio of "
    "{sharpe} takes {needed}, which is {more} more",
    "lab_seed_too": "the seed's rule itself has this edge at cost <= {cost} bp",
    "lab_seed_not": "the seed's rule itself is not shown to have an edge at any cost",
    "lab_hindsight": "{variants} variants rest on holdings that became known later, and are not part of the verdict",
    "lab_left_out": "{variants} variants cannot be computed on these prices: too few sessions, or no holdings",
}


class Reason(msgspec.Struct, frozen=True):
    """A code of SENTENCES and its parameters: texts, numbers, dates as ISO texts, reasons and lists of these."""

    code: str
    params: dict[str, Any] = {}

    def __str__(self) -> str:
        return sentence(self)


def reason(code: str, **params: Any) -> Reason:
    """Return a reason with its parameters as JSON holds them.

    Raises ValueError for parameters that are not those of the code's sentence, KeyError for an unknown code.

    >>> reason("text", text="no price")
    Reason(code='text', params={'text': 'no price'})
    """
    if params.keys() != parameters(code):
        raise ValueError(f"{code} takes {sorted(parameters(code))}, not {sorted(params)}")
    return Reason(code, {name: _plain(value) for name, value in params.items()})


@cache
def parameters(code: str) -> frozenset[str]:
    """Return the names of a code's parameters."""
    return frozenset(name for _, name, _, _ in string.Formatter().parse(SENTENCES[code]) if name)


def sentence(reason: Reason, sentences: Mapping[str, str] = SENTENCES) -> str:
    """Return the reason in words. A parameter that is a reason, or a list, is put into words first.

    sentences: those of a language, by code

    >>> sentence(Reason("text", {"text": "no price"}))
    'no price'
    """
    shown = {name: _shown(value, sentences) for name, value in reason.params.items()}
    return sentences[reason.code].format_map(shown)


def join(reasons: Iterable[Reason], sentences: Mapping[str, str] = SENTENCES) -> str | None:
    """Return the sentences of several reasons as one text, or None without any."""
    return "; ".join(sentence(each, sentences) for each in reasons) or None


def from_rows(stored: Sequence[Mapping[str, Any]] | None) -> list[Reason]:
    """Return the reasons of a JSON column's value."""
    return msgspec.convert(stored or [], list[Reason])


def _plain(value: Any) -> Any:
    """Return a parameter as JSON holds it."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Reason):
        return {"code": value.code, "params": value.params}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(each) for each in value]
    return value


def _shown(value: Any, sentences: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return sentence(msgspec.convert(value, Reason), sentences)
    if isinstance(value, list):
        separator = "; " if any(isinstance(each, Mapping) for each in value) else ", "
        return separator.join(str(_shown(each, sentences)) for each in value)
    return value
