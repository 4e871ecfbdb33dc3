"""Every kind of problem as a client meets it: problem details (RFC 9457)."""

import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from fastapi.testclient import TestClient

from api import errors
from api.main import create_app
from api.safety import LARGEST_BODY
from config.config import Settings
from contract.reasons import ShownReason, data_of
from dashboard.texts.reasons import reason_in
from utils.attempts import FREE
from utils.errors import (
    ActstockError,
    DatabaseUnavailable,
    EvidenceChanged,
    NotPublished,
    UnknownEvidence,
    UnknownSector,
)
from utils.reasons import join, reason

KEY = "a-key-for-tests"
URL = "http://localhost"
HANGUL = re.compile("[가-힣]")


class Failing:
    """A pool whose queries fail in one way. The version of the data can be read."""

    def __init__(self, error: Exception | None) -> None:
        self._error = error

    def read(self, query: Callable[[Any], Any]) -> Any:
        if query.__name__ == "data_version":
            return "1"
        raise self._error or AssertionError("nothing was to be read")

    def close(self) -> None:
        pass


EVIDENCE = "/evidence/weights/2026-08-21/20/NVDA"
DAY = reason("portfolios_of", session="2026-08-21")
PORTFOLIO, OWNED = "/stocks/portfolio", "/stocks/owned-positions"
# How to meet each kind: the request, and what the database answers.
MET: dict[str, tuple[str, dict[str, Any], Exception | None]] = {
    "UnknownHost": (PORTFOLIO, {"headers": {"X-API-Key": KEY, "Host": "elsewhere.example"}}, None),
    "Unauthorized": (PORTFOLIO, {"headers": {"X-API-Key": "wrong"}}, None),
    "UnknownPath": ("/nowhere", {}, None),
    "UnknownTicker": ("/etf-holdings/top-holdings/NVDA", {}, None),
    "UnknownSector": ("/sectors/Nothing/stocks", {}, UnknownSector(reason("no_sectors_yet", name="Nothing"))),
    "UnknownEvidence": (EVIDENCE, {}, UnknownEvidence(reason("no_revision", number=9, what=DAY, newest=2))),
    "NotPublished": (PORTFOLIO, {}, NotPublished(reason("no_portfolio_yet"))),
    "MethodNotAllowed": (PORTFOLIO, {"method": "DELETE"}, None),
    "NotAcceptable": (PORTFOLIO, {"headers": {"X-API-Key": KEY, "Accept": "image/png"}}, None),
    "TooLarge": (OWNED, {"method": "PUT", "json": {"positions": "A" * LARGEST_BODY, "cash": 0}}, None),
    "InvalidParameter": (f"{PORTFOLIO}?period_days=7", {}, None),
    "InvalidInput": ("/stocks/SPY/history?from=2026-08-21&to=2026-08-20", {}, None),
    "NotASession": (f"{PORTFOLIO}?as_of_date=2026-08-22", {}, None),
    "EvidenceChanged": (EVIDENCE, {}, EvidenceChanged(reason("answer_changed", digest="e3b0c442"))),
    "TooManyGuesses": (PORTFOLIO, {"headers": {"X-API-Key": "wrong"}}, None),
    "ActstockError": (PORTFOLIO, {}, ActstockError(reason("http_status", status=500, phrase="no"))),
    "InternalError": (PORTFOLIO, {}, RuntimeError("a secret of the code")),
    "DatabaseUnavailable": (PORTFOLIO, {}, DatabaseUnavailable(reason("database_silent"))),
}


def meet(kind: str, prefix: str = "") -> Any:
    path, asked, error = MET[kind]
    pool: Any = Failing(error)
    app = create_app(Settings.from_env({"API_KEY": KEY}), pool)
    with TestClient(app, raise_server_exceptions=False, headers={"X-API-Key": KEY}, base_url=URL) as client:
        for _ in range(FREE if kind == "TooManyGuesses" else 0):
            assert client.get(path, headers={"X-API-Key": "wrong"}).status_code == 401
        return client.request(**{"method": "GET", "url": prefix + path, **asked})


def test_every_kind_is_met() -> None:
    assert set(MET) == set(errors.KINDS)


@pytest.mark.parametrize("prefix", ["", "/v1"])
@pytest.mark.parametrize("kind", MET)
def test_a_problem_has_all_members(kind: str, prefix: str) -> None:
    answer = meet(kind, prefix)
    told = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.status_code == told["status"] == errors.KINDS[kind].status
    assert (told["type"], told["title"]) == (f"/docs/problems#{kind}", errors.KINDS[kind].title)
    assert told["instance"] == (prefix + MET[kind][0]).partition("?")[0]
    assert told["error"] == kind
    assert told["detail"] and "secret" not in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


def test_what_is_known_as_data_is_told_as_data() -> None:
    [told] = meet("NotASession").json()["reasons"]
    assert (told["code"], told["params"]["day"], told["params"]["before"]) == (
        "not_a_session",
        "2026-08-22",
        "2026-08-21",
    )
    assert told["sentence"] == meet("NotASession").json()["detail"]


@pytest.mark.parametrize("kind", MET)
def test_every_kind_is_told_in_korean(kind: str) -> None:
    told = meet(kind).json()
    reasons = msgspec.convert(told["reasons"], list[ShownReason])
    assert join(data_of(reasons)) == told["detail"]
    words, language = reason_in("ko", reasons)
    assert language == "ko" and HANGUL.search(words)


def test_the_words_of_a_sentence_alone_are_no_data() -> None:
    told = msgspec.json.decode(errors.problem(404, "NotPublished", [reason("text", text="run it")]).body)
    assert (told["detail"], told["reasons"]) == ("run it", [])


def test_the_type_leads_to_what_it_means() -> None:
    told = meet("NotPublished").json()
    pool: Any = Failing(None)
    with TestClient(create_app(Settings.from_env({"API_KEY": KEY}), pool), base_url=URL) as client:
        page, _, anchor = told["type"].partition("#")
        assert f'id="{anchor}"' in client.get(page).text, "without a key"


def test_what_has_no_kind_is_called_by_its_status() -> None:
    told = errors.problem(400, "HTTP", [reason("http_status", status=400, phrase="no")], "/a path")
    assert b'"title":"Bad Request"' in told.body and b'"instance":"/a%20path"' in told.body
