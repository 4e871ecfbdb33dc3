"""Reasons: why a figure, a bar or a publication is missing or in doubt, as data.

A reason is a code with parameters. It is stored as JSON, `{"code": "no_price", "params": {"session": "2026-08-21"}}`,
and several as an array of them. SENTENCES is the one place of the English sentences. Other languages have a place of
their own with the same codes.
"""

import string
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any

import msgspec

SENTENCES: Mapping[str, str] = {
    # Words that an earlier version stored as a sentence.
    "text": "{text}",
    # Figures and publications
    # A price, and what is said against it.
    "of_ticker": "{ticker}: {reasons}",
    "no_price": "no price on {session}",
    "no_price_by_then": "no price is stored of it by then",
    "no_rate": "no {rate} rate on {session}",
    "no_exchange": "no exchange is known for the suffix {suffix}",
    "no_market_cap": "no market cap on {session}",
    "prices_break": "prices break at {session}: {reasons:, }",
    "rate_breaks": "{rate} breaks at {session}: {reasons:, }",
    "carried_rate": "the {rate} rate of {session} is that of {used}",
    "lacks_bar": "{ticker} has no bar of {session} ({state})",
    "lacks_rate": "{ticker} has no {rate} rate of {session} ({state})",
    "state_late": "late",
    "state_missing": "missing at the source",
    "state_quarantined": "quarantined",
    "state_closed": "market closed",
    "state_not_collected": "not collected",
    # A holding, and why it was chosen or not.
    "best_of_etfs": "best of the top {top} of {etfs} over {days} sessions: {gain:+.2%} in US dollars "
    "at a market cap of {market_cap:,.2f*1e-9} billion",
    "not_positive": "return of {gain:+.2f*100} % is not positive",
    "returned_more": "{ticker} returned more ({gain:+.2f*100} %)",
    "larger_holding": "{ticker} returned the same and is the larger holding",
    "first_by_ticker": "{ticker} is equal in return and holding, and first by ticker",
    "earlier_holdings": "holdings of {etf} are of {used} ({reasons})",
    "no_holdings": "no holdings of {etf} are stored",
    # A publication that is empty, not computable or degraded.
    "nothing_trends": "no ETF has a positive return that is higher than {benchmark}'s over any period",
    "nothing_trends_over": "no ETF trends over {days} sessions",
    "nothing_trends_yet": "no trending ETFs are published yet: run stages 1 to 3 for a session",
    "without_value": "without a value: {reasons}",
    "not_comparable": "not computable: no ETF can be compared with {benchmark} over any period",
    "not_comparable_over": "not computable: no ETF can be compared with {benchmark} over {days} sessions",
    "had_no_return": "it had none when stage 3 was computed",
    "no_holdings_of_any": "no holdings are stored of {etfs}",
    "nobody_eligible": "none of the {count} largest holdings of {etfs} is eligible: {reasons}",
    "no_holding_returned": "none of the {count} top holdings has a return over {days} sessions",
    "no_sector_prices": "no stock with a known sector has a price on {start} and on {end}",
    "portfolio_is": "the portfolio of {session} over {days} sessions is {reasons}",
    "portfolio_left_out": "the portfolio of {session} over {days} sessions is left out: it is {reasons}",
    "every_portfolio_empty": "every portfolio of {session} is empty",
    "empty_portfolio": "an empty portfolio of {session} adds nothing",
    "over_sessions": "over {days} sessions: {reasons}",
    # The track record.
    "no_portfolio_yet": "no portfolio is published yet: run the five stages for a session",
    "no_portfolio_computable": "none of the {count} published portfolios is computable: too little history is stored",
    "bought_later": "the first portfolio, of {decided_on}, is bought at the close of {bought_on}: "
    "nothing to follow before",
    "nothing_held_yet": "no portfolio was held yet at the close of {session}",
    "not_followed_yet": "no portfolio has been followed yet: run portfolio_performance for a session",
    "no_rebalance_yet": "no rebalance is published yet: the first one follows the last Sunday of a month",
    "earlier_doubts": "the values rest on earlier doubts: {reasons:, }",
    "many_earlier_doubts": "the values rest on earlier doubts: {reasons:, }, and {more} more",
    "too_few_sessions": "{count} sessions followed: a figure for a year takes {needed} of them",
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
    return frozenset(fields(SENTENCES[code]))


def fields(text: str) -> Iterator[str]:
    """Yield the names of a sentence's fields, those within a format as well."""
    for _, name, form, _ in string.Formatter().parse(text):
        if name:
            yield name
            yield from fields(form or "")


def sentence(reason: Reason, sentences: Mapping[str, str] = SENTENCES) -> str:
    """Return the reason in words. A parameter that is a reason, or a list, is put into words first.

    sentences: those of a language, by code

    >>> sentence(Reason("returned_more", {"ticker": "NEM", "gain": 0.0963}))
    'NEM returned more (+9.63 %)'
    >>> sentence(Reason("of_ticker", {"ticker": "MU", "reasons": [{"code": "no_price", "params": {"session": "1"}}]}))
    'MU: no price on 1'
    """
    return _Formatter(sentences).vformat(sentences[reason.code], (), reason.params)


def join(reasons: Iterable[Reason], sentences: Mapping[str, str] = SENTENCES) -> str | None:
    """Return the sentences of several reasons as one text, or None without any."""
    return "; ".join(sentence(each, sentences) for each in reasons) or None


def unique(reasons: Iterable[Reason]) -> list[Reason]:
    """Return each reason once, in the order of their English sentences."""
    by_sentence = {sentence(each): each for each in reasons}
    return [by_sentence[words] for words in sorted(by_sentence)]


def of_ticker(ticker: str, reasons: Iterable[Reason]) -> Reason:
    """Return reasons as those of a ticker."""
    return reason("of_ticker", ticker=ticker, reasons=list(reasons))


def as_json(reasons: Iterable[Reason]) -> str | None:
    """Return the value of a JSON column: an array of the reasons, or None without any."""
    listed = list(reasons)
    return msgspec.json.encode(listed).decode() if listed else None


def from_json(stored: str | None) -> list[Reason]:
    """Return the reasons of a JSON column's text."""
    return msgspec.json.decode(stored, type=list[Reason]) if stored else []


def from_rows(stored: Sequence[Mapping[str, Any]] | str | None) -> list[Reason]:
    """Return the reasons of a JSON column's value, or the one of a column that still holds a text."""
    if isinstance(stored, str):
        return [reason("text", text=stored)]
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


class _Formatter(string.Formatter):
    """Fills in parameters. Beyond Python's formats, a number's ends in `*FACTOR`, and a list's is what joins it."""

    def __init__(self, sentences: Mapping[str, str]) -> None:
        self._sentences = sentences

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, Mapping):
            return sentence(msgspec.convert(value, Reason), self._sentences)
        if isinstance(value, list):
            separator = "; " if any(isinstance(each, Mapping) for each in value) else ", "
            return (format_spec or separator).join(self.format_field(each, "") for each in value)
        number, _, factor = format_spec.partition("*")
        return format(value * float(factor), number) if factor else format(value, format_spec)
