"""Whatever the API and the dashboard refuse they say as data, so that a reader is told in their own language."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from fastapi.testclient import TestClient

import api
from api.main import create_app
from api.refusals import refused
from contract.reasons import ShownReason
from dashboard.texts.reasons import KOREAN, reason_in
from no_database import NoDatabase
from sample_api import KEY, KNOWN, SETTINGS
from utils import errors

ROOT = Path(api.__file__).parents[1]
OWN_ERRORS = {
    name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.ActstockError)
} | {"NotAcceptable", "ApiAway", "ApiFailed", "ApiRefused"}
HANGUL = re.compile("[가-힣]")
# What a Korean sentence leaves as it is: parameters, addresses, commands, and settings.
AS_THEY_ARE = re.compile(r"\{[^}]*\}|\./start\.sh [a-z]+ ?[a-z]*|\S*/\S+|python -m [a-z.]+|\w+_\w+")
ENGLISH = re.compile("[A-Za-z]{2,} [a-z]{2,}")
NO_DATABASE: Any = NoDatabase()
# Each of them is of no use to some parameters.
VALUES = ["", "☃", "-1", "0", "1.5", "9" * 20, "nan", "2026-13-40", "2026-08-22", "A" * 200, "a,b"]
# Nothing but their parameters.
WITHOUT_WORDS = {"text", "of_ticker", "several", "parameter"}
# Parameters with the words of another program, which are in English.
FOREIGN = re.compile(r"\{(error|message|said|phrase)\b[^}]*\}")


def read_by(program: str) -> list[Path]:
    """Return the files of ours that a program's process has read once it can answer."""
    listed = (
        f"import sys, {program}; print(*(getattr(each, '__file__', None) for each in sys.modules.values()), sep='\\n')"
    )
    named = subprocess.run([sys.executable, "-c", listed], check=True, capture_output=True, text=True, cwd=ROOT).stdout
    ours = [Path(each) for each in named.splitlines() if Path(each).is_relative_to(ROOT)]
    return [each for each in ours if ".actstock" not in each.parts]


def is_worded(told: ast.expr) -> bool:
    """Tell whether an error is given words in place of a reason."""
    match told:
        case ast.Constant() | ast.JoinedStr() | ast.BinOp():
            return True
        case ast.IfExp():
            return is_worded(told.body) or is_worded(told.orelse)
        case ast.BoolOp():
            return any(map(is_worded, told.values))
        case ast.Call():
            return ast.unparse(told.func) == "str" or ast.unparse(told.func).endswith(".join")
    return False


def worded(source: str) -> Iterator[str]:
    """Yield each making of an error from words."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name(id=name), args=told) if name in OWN_ERRORS:
                if not told or any(map(is_worded, told)):
                    yield ast.unparse(node)


@pytest.mark.parametrize(
    ("program", "some"),
    [
        ("api.main", {"errors.py", "dates.py", "sectors.py", "pool.py", "evidence_weights.py"}),
        ("dashboard.dashboard_finviz_app", {"address.py", "api_client.py", "downloads.py"}),
    ],
)
def test_every_error_that_can_be_raised_is_made_of_a_reason(program: str, some: set[str]) -> None:
    """A reason has a sentence in both languages: test_dashboard_portfolio.py compares their codes."""
    read = read_by(program)
    assert some <= {each.name for each in read}
    assert [(str(file), call) for file in read for call in worded(file.read_text())] == []


@pytest.mark.parametrize(
    "made", ["NotPublished('no')", "InvalidInput(f'{a}')", "NotPublished(a or 'no')", "NotPublished(str(a))"]
)
def test_an_error_made_of_words_is_found(made: str) -> None:
    assert list(worded(f"raise {made}")) == [ast.unparse(ast.parse(made))]


@pytest.mark.parametrize("code", sorted(KOREAN.keys() - WITHOUT_WORDS))
def test_a_korean_sentence_is_korean(code: str) -> None:
    told = AS_THEY_ARE.sub("", KOREAN[code])
    assert not ENGLISH.search(told) and (HANGUL.search(told) or not re.search("[A-Za-z]", told))


@pytest.mark.parametrize("code", [code for code, told in KOREAN.items() if FOREIGN.search(told)])
def test_the_words_of_another_program_come_after_the_korean_sentence_as_the_original(code: str) -> None:
    sentence, mark, original = KOREAN[code].partition(" (원문: ")
    assert mark and original.endswith("})") and FOREIGN.search(original)
    assert HANGUL.search(sentence) and not FOREIGN.search(sentence) and not HANGUL.search(original)


def parameters() -> Iterator[Any]:
    """Yield each parameter of each route that is read, and the path with it alone left open."""
    for path, operations in create_app(SETTINGS, NO_DATABASE).openapi()["paths"].items():
        for each in operations.get("get", {}).get("parameters", []):
            if each["in"] in ("path", "query"):
                known = {name: "{value}" if name == each["name"] else value for name, value in KNOWN.items()}
                query = "" if each["in"] == "path" else f"?{each['name']}={{value}}"
                yield pytest.param(path.format(**known) + query, id=f"{path} {each['name']}")


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    headers = {"X-API-Key": KEY}
    with TestClient(create_app(SETTINGS, NO_DATABASE), headers=headers, raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize("path", parameters())
def test_a_value_that_cannot_be_used_is_told_in_korean(client: TestClient, path: str) -> None:
    answers = [client.get(path.format(value=quote(value, safe=""))) for value in VALUES]
    assert any(each.status_code in (404, 422) for each in answers)
    for told in (each.json() for each in answers if each.status_code >= 400):
        reasons = msgspec.convert(told["reasons"], list[ShownReason])
        words, language = reason_in("ko", reasons)
        assert "unusable_value" not in str(reasons), told["detail"]
        assert reasons and language == "ko" and HANGUL.search(words), told["detail"]


BODIES = [b"", b"{", b"[]", b"{}", b'{"positions": 1, "cash": "x"}', b'{"positions": "NVDA", "cash": -1}', b"\xff"]


@pytest.mark.parametrize("body", [*BODIES, b'{"positions": "%s", "cash": 1e99}' % (b"A:1," * 5000)])
def test_a_body_that_cannot_be_used_is_told_in_korean(client: TestClient, body: bytes) -> None:
    told = client.put("/stocks/owned-positions", content=body, headers={"Content-Type": "application/json"}).json()
    reasons = msgspec.convert(told["reasons"], list[ShownReason])
    assert "unusable_value" not in str(reasons), told["detail"]
    assert reasons and reason_in("ko", reasons)[1] == "ko", told["detail"]
    assert HANGUL.search(reason_in("ko", reasons)[0])


def test_a_refusal_that_is_new_to_us_keeps_its_own_words() -> None:
    told = refused({"type": "new", "loc": ("query", "limit"), "input": 1, "msg": "Value is odd"})
    assert str(told) == "limit: it cannot be used (Value is odd)"


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (
            "/stocks/portfolio?date=2026-08-21",
            "date: there is no such parameter here, but period_days, as_of_date, format",
        ),
        ("/stocks/portfolio?as_of_date=2026-08-21&as_of_date=2026-08-20", "as_of_date: it is given more than once"),
        ("/evidence/head?limit=3", "limit: there is no such parameter here, nor any other"),
        ("/v1/sectors?Format=csv", "Format: there is no such parameter here, but as_of_date, format"),
    ],
)
def test_a_parameter_that_would_have_no_effect_is_refused(client: TestClient, path: str, told: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 422
    assert answer.json()["error"] == "InvalidParameter"
    assert answer.json()["detail"] == told
