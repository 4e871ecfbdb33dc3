"""Open the envelope that each of Yahoo's answers comes in; find out why one holds nothing."""

from typing import Any

from utils.errors import UnusableAnswer
from utils.reasons import Reason, of_ticker, reason
from utils.text import printable

LONGEST_WORDS = 300


class Refusal(UnusableAnswer):
    """An answer that cannot be used. `kind` says in what way, so that like refusals count together."""

    def __init__(self, kind: str, told: str | Reason) -> None:
        super().__init__(told)
        self.kind = kind


class NoModule(Refusal):
    """Yahoo knows the ticker, and has nothing of this sort on it: asking again is of no use."""


def only_result(answer: Any, envelope: str, ticker: str) -> dict[str, Any]:
    """Return the one result of an answer about one ticker. Raise Refusal without any."""
    results = results_of(answer, envelope, ticker)
    if not (isinstance(results, list) and results and isinstance(results[0], dict)):
        raise Refusal("no result", of_ticker(ticker, [reason("yahoo_empty")]))
    return dict(results[0])


def results_of(answer: Any, envelope: str, what: str) -> Any:
    """Return the results in an answer's envelope. Raise Refusal when Yahoo says why there are none."""
    if said := error_of(answer):
        raise Refusal(said, of_ticker(what, [reason("yahoo_said", said=said)]))
    if not isinstance(answer, dict) or not isinstance(answer.get(envelope), dict):
        raise Refusal("no result", of_ticker(what, [reason("yahoo_lacks", what=envelope)]))
    return answer[envelope].get("result")


def error_of(answer: Any) -> str:
    """Return Yahoo's own words on why there is nothing, whatever they are wrapped in, or an empty text."""
    parts = answer.values() if isinstance(answer, dict) else []
    said = next((part["error"] for part in parts if isinstance(part, dict) and part.get("error")), None)
    words = str(said.get("description") or said.get("code") or said) if isinstance(said, dict) else str(said or "")
    return printable(words, LONGEST_WORDS)


def module_of(answer: Any, module: str, ticker: str) -> dict[str, Any] | None:
    """Return one module of a quoteSummary answer, or None when Yahoo has none."""
    found = only_result(answer, "quoteSummary", ticker).get(module)
    if found is not None and not isinstance(found, dict):
        unusable = reason("yahoo_module_unusable", module=module, found=f"{found!r:.50}")
        raise Refusal("no result", of_ticker(ticker, [unusable]))
    return found
