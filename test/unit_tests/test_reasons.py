"""Reasons as data: what they hold, how they are put into words, and how a command tells why it failed."""

import json
import math
from typing import Any

import pytest

from config.config import ConfigError
from utils.command_line import exit_code_of, failure_in
from utils.errors import ActstockError, InvalidInput, NotPublished, UnusableAnswer
from utils.reasons import Reason, as_json, as_one, from_json, join, of_ticker, reason, understood, without_ticker

BREAK = reason("step", step=9.0, before=5.0, after=50.0, factor=0.1)


def test_parameters_are_those_of_the_sentence() -> None:
    with pytest.raises(ValueError, match=r"no_bar_later takes \['sessions'\], not \[\]"):
        reason("no_bar_later")
    with pytest.raises(KeyError):
        reason("no such code")


@pytest.mark.parametrize(
    ("text", "stored"), [("a\x00b", r"a\x00b"), ("\ud800", r"\ud800"), ('배당; \\ "', '배당; \\ "'), ("", "")]
)
def test_a_text_is_held_as_postgresql_takes_it(text: str, stored: str) -> None:
    written = as_json([reason("text", text=text)]) or ""

    assert "\\u0000" not in written
    assert from_json(written) == [reason("text", text=stored)]


def nested(depth: int) -> Reason:
    told = reason("no_bar_yet")
    for _ in range(depth):
        told = reason("several", reasons=[told])
    return told


@pytest.mark.parametrize(
    "given",
    [
        Reason("of_the_next_version", {"step": 1}),
        Reason("step", {}),
        Reason("step", {"step": 1, "before": 1, "after": 2}),
        Reason("step", {"step": 1, "before": 1, "after": 2, "factor": 1, "new": 1}),
        Reason("step", {"step": "x", "before": 1, "after": 2, "factor": 1}),
        Reason("step", {"step": None, "before": 1, "after": 2, "factor": 1}),
        Reason("several", {"reasons": [{"code": "of_the_next_version", "params": {}}]}),
        Reason("several", {"reasons": {"step": 1}}),
        Reason("close_falls", {"change": 0.5, "digits": 10**9}),
        nested(100),
    ],
)
def test_what_cannot_be_told_here_is_a_text(given: Reason) -> None:
    told = understood(given)

    assert told.code == "text" and json.loads(str(told))["code"] == given.code


@pytest.mark.parametrize("given", [BREAK, of_ticker("IWM", [BREAK]), nested(20)])
def test_what_can_be_told_here_stays_as_it_is(given: Reason) -> None:
    assert understood(given) == given


def test_no_zero_byte_of_a_reason_in_another_reaches_postgresql() -> None:
    deep = Reason("text", {"text": {"code": "text", "params": {"text": "a\x00b", "c\x00d": 1}}})

    assert "\\u0000" not in (as_json([reason("quarantined", id=1, reason=deep)]) or "")


def test_a_number_that_json_lacks_has_words_all_the_same() -> None:
    [read] = from_json(as_json([reason("other_unit", factor=math.inf)]))

    assert str(read).startswith("all closes are 1.798e+308 times the stored ones")


def test_a_reason_inside_another_survives_json() -> None:
    told = [of_ticker("IWM", [BREAK, reason("no_bar_yet")])]

    assert from_json(as_json(told)) == told
    assert join(told) == (
        "IWM: close moved +900.0% without a split (5 -> 50): x 0.1 would make it continuous; the source has no bar yet"
    )


def test_several_are_one_where_one_is_wanted() -> None:
    assert as_one([BREAK]) == BREAK
    assert str(as_one([reason("no_bar_yet"), reason("expected")])) == (
        "the source has no bar yet; expected, no answer of the source yet"
    )


def test_a_ticker_is_not_named_twice() -> None:
    told = of_ticker("IWM", [reason("yahoo_empty")])

    assert without_ticker(told, "IWM") == reason("yahoo_empty")
    assert without_ticker(told, "SPY") == told
    assert without_ticker(BREAK, "IWM") == BREAK


@pytest.mark.parametrize(
    ("error", "carried"),
    [
        (UnusableAnswer(reason("yahoo_empty")), reason("yahoo_empty")),
        (UnusableAnswer("no {braces}"), reason("text", text="no {braces}")),
        (InvalidInput(), reason("text", text="")),
    ],
)
def test_an_error_carries_its_reason(error: ActstockError, carried: Reason) -> None:
    assert (error.reason, str(error)) == (carried, str(carried))


@pytest.mark.parametrize(
    ("error", "code", "retryable"),
    [
        (NotPublished(reason("stage_3_not_published", session="2026-08-21")), 1, True),
        (InvalidInput("--from is after --to"), 2, False),
        (ConfigError("YAHOO_PACE_SECONDS is no number"), 2, False),
    ],
)
def test_a_command_tells_its_failure_as_an_object(
    capsys: pytest.CaptureFixture[str], error: Exception, code: int, retryable: bool
) -> None:
    def fail() -> None:
        print('{"level": "WARN"}')
        raise error

    assert exit_code_of(fail, has_object=True) == code
    said = capsys.readouterr()
    assert said.err == f"error: {error}\n"
    failure = failure_in(said.out.splitlines())
    assert failure is not None
    assert (failure.code, failure.message, failure.retryable) == (type(error).__name__, str(error), retryable)
    assert failure.reason == getattr(error, "reason", reason("text", text=str(error)))


def test_a_command_without_an_object_prints_none(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise InvalidInput("no")

    assert exit_code_of(fail) == 2
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("last", [{}, {"error": "no price"}, {"error": {"code": "x"}}, {"rows": 3, "days": 1}, [], 7])
def test_another_line_tells_of_no_failure(last: Any) -> None:
    assert failure_in(["starting", json.dumps(last)]) is None
