"""What the headings mean: each has one meaning in both languages, for a mouse and as a list."""

from string import Formatter

import pytest

import dashboard_samples as samples
from dashboard import callbacks, components, grids
from dashboard.texts import Language, Text, common, glossary, lab, performance
from dashboard.texts.glossary import MEANINGS


def fields(text: Text) -> set[str]:
    return {field for said in text for _, field, _, _ in Formatter().parse(said) if field}


@pytest.mark.parametrize(("heading", "meaning"), MEANINGS.items(), ids=lambda text: text.en[:30])
def test_a_meaning_is_told_in_both_languages_with_the_fields_of_its_heading(heading: Text, meaning: Text) -> None:
    assert meaning.en and meaning.ko and meaning.en != heading.en
    assert fields(meaning) <= fields(heading)


@pytest.mark.parametrize(
    ("language", "told"), [("en", "over 20 sessions, of closes"), ("ko", "20거래일 동안의 수익률")]
)
def test_a_heading_brings_its_meaning_along(language: Language, told: str) -> None:
    said = samples.page(language=language).say(common.DAYS, days=20)
    assert told in (components.meaning(said) or "")
    assert told in components.term(said).title
    assert told in grids.number("gain", said, 80, "d")["headerTooltip"]


def test_a_text_that_needs_no_meaning_has_no_tooltip() -> None:
    said = samples.page().say(common.TRY_AGAIN)
    assert components.meaning(said) is None and "headerTooltip" not in grids.text("x", said, 80)
    assert components.meaning("SPY") is None


def test_the_words_of_a_view_are_listed_once_below_it() -> None:
    record = samples.performance({**samples.followed(20), "sessions": ["2026-08-21"], "net": [1.0], "gross": [1.0]})
    [portfolio] = record["portfolios"]
    portfolio |= {name: [0.0] for name in ("benchmark", "drawdown", "benchmark_drawdown", "turnover")}
    api = samples.Api({"/dashboard/performance": record})
    found = samples.named(callbacks.render(api.client, samples.page("/performance?period=20")), "meanings")
    listed = samples.text_of(found)
    assert listed.count(MEANINGS[performance.TOTAL_NET].en) == 1
    assert MEANINGS[lab.P_VALUE].en not in listed


@pytest.mark.parametrize("heading", [lab.P_VALUE, lab.ADJUSTED_P])
def test_every_p_of_the_lab_is_told_as_corrected_for_all_variants(heading: Text) -> None:
    """As the contract says of the field, and the lab computes it."""
    meaning = MEANINGS[heading]
    assert "all variants" in meaning.en and "only one" not in meaning.en
    assert "모든 규칙" in meaning.ko and "이 규칙만" not in meaning.ko


@pytest.mark.parametrize("heading", [lab.SHARPE, lab.CHOSEN, lab.HELD, lab.OUT_OF_SAMPLE])
def test_a_sharpe_ratio_of_the_lab_is_told_as_that_of_the_excess(heading: Text) -> None:
    """It is below 0 for a variant that grows, but less than the benchmark."""
    meaning = MEANINGS[heading]
    assert "excess" in meaning.en and "초과 수익" in meaning.ko


def test_a_view_without_headings_lists_nothing() -> None:
    shown = callbacks.render(samples.Api({}).client, samples.page("/?period=7"))
    assert glossary.TITLE.en not in samples.text_of(shown)
