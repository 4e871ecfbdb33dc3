"""What stands in place of a view: the hint fits what was asked, in both languages, and so do the ways from there."""

from typing import Any

import msgspec
import pytest

import dashboard_samples as samples
from contract.reasons import shown
from dashboard import callbacks, dashboard_finviz_app
from dashboard.api_client import ApiAway, ApiFailed
from dashboard.refusals import BY_CODE, BY_KIND, EXPECTED, NO_REBALANCE, NOT_THAT_DAY, Refusal
from dashboard.texts import Language, evidence
from dashboard.texts.reasons import KOREAN, reason_in
from utils import errors
from utils.reasons import SENTENCES, Reason, reason

DAY = reason("portfolios_of", session="2026-08-21")
HELD = {"ticker": "NEM", "session": "2026-08-21", "revision": 1, "held": ["NVDA"]}
ENDS = {"exchange": "XNYS", "first": "2006-11-30", "last": "2027-11-30"}
SATURDAY = {"day": "2026-08-22", "weekday": reason("weekday_5"), "before": "2026-08-21", "after": "2026-08-24"}
EVIDENCE = "/evidence/NEM?period=20&as_of=2026-08-21"
MONTH = "/evidence/NEM?rebalance=2026-07-26"
# The address that was asked for, and the API's answer to it: status, kind and reason.
ASKED: list[tuple[str, int, str, Reason, Refusal]] = [
    ("/", 404, "NotPublished", reason("no_portfolio_yet"), BY_KIND[errors.NotPublished]),
    ("/?as_of=2026-08-19", 404, "NotPublished", reason("no_portfolio_of", session="2026-08-19"), NOT_THAT_DAY),
    ("/?period=monthly", 404, "NotPublished", reason("no_rebalance_of", session="2026-07-26"), NO_REBALANCE),
    (
        "/?as_of=2026-08-22",
        422,
        "NotASession",
        reason("not_a_session", exchange="XNYS", **SATURDAY),
        BY_KIND[errors.NotASession],
    ),
    (
        "/?as_of=2026-08-24",
        422,
        "NotASession",
        reason("not_over_yet", exchange="XNYS", day="2026-08-24", last="2026-08-21"),
        BY_CODE["not_over_yet"],
    ),
    (
        "/?as_of=1990-01-02",
        422,
        "NotASession",
        reason("outside_calendar", day="1990-01-02", **ENDS),
        BY_CODE["outside_calendar"],
    ),
    (
        f"{EVIDENCE}&revision=9",
        404,
        "UnknownEvidence",
        reason("no_revision", number=9, what=DAY, newest=2),
        BY_CODE["no_revision"],
    ),
    (EVIDENCE, 404, "UnknownEvidence", reason("no_weight_of", days=20, **HELD), BY_CODE["no_weight_of"]),
    (MONTH, 404, "UnknownEvidence", reason("no_monthly_weight_of", **HELD), BY_CODE["no_monthly_weight_of"]),
    (EVIDENCE, 404, "UnknownEvidence", reason("no_evidence_of", what=DAY), BY_KIND[errors.UnknownEvidence]),
    (EVIDENCE, 500, "EvidenceChanged", reason("answer_changed", digest="e3b0"), BY_KIND[errors.EvidenceChanged]),
    ("/", 500, "InternalError", reason("failed_unexpectedly", path="/"), BY_KIND[ApiFailed]),
    ("/", 503, "DatabaseUnavailable", reason("database_silent"), BY_KIND[ApiAway]),
    ("/", 503, "DatabaseUnavailable", reason("tables_too_old", error="no column"), BY_CODE["tables_too_old"]),
]
HINTS = {refusal.hint for refusal in (*BY_CODE.values(), *BY_KIND.values(), NOT_THAT_DAY)}


def refused(address: str, status: int, kind: str, told: Reason, language: Language = "en") -> list[Any]:
    answer = (status, msgspec.to_builtins({"error": kind, "detail": str(told), "reasons": shown([told])}))
    paths = ("/dashboard/active-allocations", "/stocks/monthly-portfolio", "/evidence/weights/2026-08-21/20/NEM")
    api = samples.Api(dict.fromkeys((*paths, "/evidence/weights/monthly/2026-07-26/NEM"), answer))
    return callbacks.render(api.client, samples.page(address, language))


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize(("address", "status", "kind", "told", "refusal"), ASKED)
def test_the_hint_fits_what_was_asked(
    address: str, status: int, kind: str, told: Reason, refusal: Refusal, language: Language
) -> None:
    said = samples.text_of(refused(address, status, kind, told, language))
    assert refusal.title.in_(language) in said
    assert {hint for hint in HINTS if hint.in_(language) in said} == {refusal.hint}
    words, _ = reason_in(language, shown([told]))
    assert words[1:] in said


@pytest.mark.parametrize(
    ("address", "told", "name", "leads_to"),
    [
        (f"{EVIDENCE}&revision=9", reason("no_revision", number=9, what=DAY, newest=2), "Show the newest", EVIDENCE),
        (EVIDENCE, reason("no_weight_of", days=20, **HELD), evidence.BACK.en, "/?period=20&as_of=2026-08-21"),
        (MONTH, reason("no_evidence_of", what=DAY), evidence.BACK.en, "/?period=monthly&as_of=2026-07-26"),
    ],
)
def test_evidence_that_is_not_kept_leads_to_what_there_is(address: str, told: Reason, name: str, leads_to: str) -> None:
    assert samples.links(refused(address, 404, "UnknownEvidence", told)) == {name: leads_to}


def test_every_code_is_one_that_is_told_in_both_languages() -> None:
    assert set(BY_CODE) <= set(SENTENCES) & set(KOREAN)


def test_every_expected_error_has_its_words() -> None:
    assert all(any(issubclass(error, kind) for kind in BY_KIND) for error in EXPECTED)


@pytest.mark.parametrize(("status", "kind"), [(422, "NotASession"), (404, "UnknownEvidence"), (404, "UnknownTicker")])
def test_a_download_has_the_status_of_the_apis_refusal(status: int, kind: str) -> None:
    api = samples.Api({"/dashboard/active-allocations": (status, {"error": kind, "detail": "no"})})
    browser = dashboard_finviz_app.create_app(api.client, samples.PERIODS).server.test_client()
    assert browser.get("/download/portfolio.csv").status_code == status
