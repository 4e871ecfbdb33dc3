"""The view of what a weight rests on: from the formula to the source's own answer."""

from typing import Any

import pytest

import dashboard_samples as samples
from dashboard import dashboard_finviz_app
from dashboard.texts import Language
from dashboard.texts import evidence as texts
from dashboard.texts import portfolio as portfolio_texts
from utils.errors import InvalidInput, NotPublished

TICKER = "005930.KS"
PATH = f"/evidence/weights/2026-08-21/20/{TICKER}"
ADDRESS = f"/evidence/{TICKER}?period=20&as_of=2026-08-21"


def api_with(**changes: Any) -> samples.Api:
    return samples.Api({PATH: samples.weight_evidence(TICKER, **changes)})


def draw(address: str = ADDRESS, language: Language = "en", **changes: Any) -> list[Any]:
    return samples.drawn(api_with(**changes), address, language)


def test_a_position_leads_to_its_evidence() -> None:
    shown = samples.portfolio(samples.position(1, "NEM", 1.0), as_of_date="2026-08-20")
    api = samples.Api(
        {
            "/dashboard/active-allocations": samples.allocations(shown),
            "/dashboard/calendar": samples.calendar(),
            "/dashboard/summary": samples.summary(),
        }
    )
    links = samples.links(samples.drawn(api, "/?period=20"))
    assert links[portfolio_texts.TO_SOURCE.en] == "/evidence/NEM?period=20&as_of=2026-08-20"


def test_one_call_for_the_view() -> None:
    api = api_with()
    samples.drawn(api, ADDRESS)
    samples.drawn(api, ADDRESS + "&revision=1")
    assert api.asked == [PATH, PATH + "?revision=1"]


def test_the_formula_has_the_numbers_of_a_foreign_stock() -> None:
    told = samples.text_of(samples.named(draw(), "formula"))
    for expected in (
        "70,000.0000 KRW ÷ 1,400.0000 = $50.000000",
        "77,000.0000 KRW ÷ 1,400.0000 = $55.000000",
        "+10.00%",
        "0.1000000000 ÷ 55,000,000,000 × 10¹² = 1.8181818182",
        "= 100.00000000%",
    ):
        assert expected in told, expected
    assert portfolio_texts.FORMULA_CAPPED.en not in told


@pytest.mark.parametrize(("source", "is_told"), [("yahoo", False), ("simulated", True)])
def test_a_weight_of_invented_prices_says_so(source: str, is_told: bool) -> None:
    evidence = samples.weight_evidence(TICKER)
    evidence["positions"][0]["end"]["source"] = source
    shown = samples.drawn(samples.Api({PATH: evidence}), ADDRESS)
    assert any(getattr(each, "className", "") == "banner source" for each in samples.parts(shown)) == is_told


def test_a_capped_weight_says_so() -> None:
    evidence = samples.weight_evidence(TICKER)
    evidence["positions"][0]["portfolio_weight"] = 0.4
    evidence["formula"]["max_position_weight"] = 0.4
    told = samples.text_of(samples.named(draw(**evidence), "formula"))
    assert portfolio_texts.FORMULA_CAPPED.en in told and "40.00000000%" in told


def test_each_input_row_has_its_version_its_message_and_the_answer() -> None:
    view = draw()
    rows = [samples.text_of(row) for row in samples.named(view, "inputs").children[1].children]
    assert [row.split(" 24 Aug")[0] for row in rows] == [
        "005930.KS adjusted close 2026-07-24 70,000.0000 KRW",
        "KRW=X rate 2026-07-24 1,400.0000",
        "005930.KS adjusted close 2026-08-21 77,000.0000 KRW",
        "KRW=X rate 2026-08-20 1,400.0000",
        "005930.KS market cap 2026-08-21 77T KRW",
    ]
    assert rows[0].endswith("13:00 UTC 7  ababababab stock-daily-data/1/7 0123456789")
    answers = {each.href: each.title for each in samples.parts(view) if "/answers/" in str(getattr(each, "href", ""))}
    assert answers == {f"/answers/{samples.DIGEST}": samples.DIGEST}


def test_a_market_cap_leads_to_the_answer_that_its_share_count_is_from() -> None:
    evidence = samples.weight_evidence(TICKER)
    evidence["positions"][0]["end"]["quote_digest"] = "fe" * 32
    close, cap = (samples.named(draw(**evidence), "inputs").children[1].children[row] for row in (2, 4))
    assert samples.text_of(close).endswith(samples.DIGEST[:10])
    assert samples.text_of(cap).endswith("fe" * 5)


def test_what_was_not_kept_is_said() -> None:
    holding = [samples.text_of(row) for row in samples.named(draw(), "etf-EWY").children[1].children][-1]
    assert holding.startswith("EWY: no. 1, 005930.KS 2026-08-20 22.00%")
    assert holding.count(texts.NOT_KEPT.en) == 2


def test_rejected_rivals_have_their_reasons() -> None:
    assert "2 000660.KS −3.21% 75.1B return of −3.21% is not positive" in samples.text_of(
        samples.named(draw(), "verdicts-EWY")
    )


def test_everything_below_the_inputs_is_folded() -> None:
    folded = [each for each in samples.parts(draw()) if type(each).__name__ == "Details"]
    assert len(folded) == 4
    assert all(not getattr(each, "open", None) for each in folded)


def test_a_bar_that_was_not_stored_is_said() -> None:
    evidence = samples.weight_evidence(TICKER)
    evidence["positions"][0]["start"] = None
    assert texts.NOT_STORED.en in samples.text_of(samples.named(draw(**evidence), "formula"))


def test_earlier_revisions_are_a_choice_when_there_are_some() -> None:
    only = samples.weight_evidence(TICKER)["revisions"][0]
    later = {**only, "revision": 2, "position": 9, "weight": None}
    links = samples.links(draw(revisions=[only, later]))
    assert (links["1"], links["2"]) == (ADDRESS + "&revision=1", ADDRESS + "&revision=2")
    assert "1" not in samples.links(draw())


@pytest.mark.parametrize("language", ["en", "ko"])
def test_publications_are_told_link_by_link(language: Language) -> None:
    told = samples.text_of(samples.named(draw(language=language), "publications"))
    for job in (texts.JOBS["allocation"], texts.JOBS["trending"]):
        assert job.in_(language) in told
    assert "cdcdcdcdcd" in told and "efefefefef" in told
    assert "collected_daily_stock_history 8, publications 1" in told


@pytest.mark.parametrize("address", ["/evidence", "/evidence/NEM?period=20", "/evidence?as_of=2026-08-21"])
def test_an_address_without_a_weight_asks_nothing(address: str) -> None:
    api = samples.Api({})
    with pytest.raises(InvalidInput, match="names no weight"):
        samples.drawn(api, address)
    assert api.asked == []


def test_a_weight_that_is_not_there_is_the_apis_word() -> None:
    refused = (404, {"error": "NotPublished", "detail": "NEM has no weight"})
    with pytest.raises(NotPublished, match="NEM has no weight"):
        samples.drawn(samples.Api({PATH: refused}), ADDRESS)


# ── the source's own answer ──


def test_the_sources_answer_comes_as_it_was_kept() -> None:
    api = samples.Api({f"/evidence/answers/{samples.DIGEST}": {"chart": None}})
    browser = dashboard_finviz_app.create_app(api.client, samples.PERIODS).server.test_client()
    answer = browser.get(f"/answers/{samples.DIGEST}")
    assert (answer.status_code, answer.json, answer.mimetype) == (200, {"chart": None}, "application/json")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_an_answer_that_is_not_kept_is_a_sentence() -> None:
    refused = (404, {"error": "NotPublished", "detail": "no answer with this digest is kept"})
    api = samples.Api({"/evidence/answers/unknown": refused})
    browser = dashboard_finviz_app.create_app(api.client, samples.PERIODS).server.test_client()
    answer = browser.get("/answers/unknown")
    assert (answer.status_code, answer.text, answer.mimetype) == (
        404,
        "no answer with this digest is kept\n",
        "text/plain",
    )
