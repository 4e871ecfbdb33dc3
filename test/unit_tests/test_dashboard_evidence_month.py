"""The view of what a weight of a month rests on: its score, and the portfolios that were merged."""

from typing import Any

import pytest

import dashboard_samples as samples
from dashboard.texts import Language
from dashboard.texts import evidence as texts

TICKER = "005930.KS"
PATH = f"/evidence/weights/monthly/2026-08-30/{TICKER}"
ADDRESS = f"/evidence/{TICKER}?rebalance=2026-08-30"


def draw(address: str = ADDRESS, language: Language = "en", **changes: Any) -> list[Any]:
    api = samples.Api({PATH: samples.monthly_weight_evidence(TICKER, **changes)})
    return samples.drawn(api, address, language)


def test_the_formula_has_the_numbers() -> None:
    told = samples.text_of(samples.named(draw(), "formula"))
    assert "10d 20d" in told
    assert "1.5 ÷ 2 = 75.00000000%" in told


@pytest.mark.parametrize(("source", "is_told"), [("yahoo", False), ("simulated", True)])
def test_a_weight_of_invented_prices_says_so(source: str, is_told: bool) -> None:
    shown = samples.parts(draw(source=source))
    assert any(getattr(each, "className", "") == "banner source" for each in shown) == is_told


def test_each_merged_weight_leads_to_what_it_rests_on_in_the_revision_that_was_read() -> None:
    links = samples.links(draw())
    assert links["20d"] == f"/evidence/{TICKER}?period=20&as_of=2026-08-28&revision=1"
    assert links["10d"] == f"/evidence/{TICKER}?period=10&as_of=2026-08-28&revision=1"
    assert "5d" not in links, "it is not in this portfolio"


def test_leads_back_to_the_month() -> None:
    assert samples.links(draw())[texts.BACK.en] == "/?period=monthly&as_of=2026-08-30"


def test_earlier_revisions_are_a_choice_when_there_are_some() -> None:
    only = samples.monthly_weight_evidence(TICKER)["revisions"][0]
    links = samples.links(draw(revisions=[only, {**only, "revision": 2, "position": 9, "weight": None}]))
    assert (links["1"], links["2"]) == (ADDRESS + "&revision=1", ADDRESS + "&revision=2")


@pytest.mark.parametrize("language", ["en", "ko"])
def test_both_publications_are_named(language: Language) -> None:
    told = samples.text_of(samples.named(draw(language=language), "publications"))
    for job in ("rebalance", "allocation"):
        assert texts.JOBS[job].in_(language) in told
