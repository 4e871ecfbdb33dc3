"""The view of the lab's verdict."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import msgspec
import pytest

import dashboard_samples as samples
from contract.lab import LabLeg, LabReport
from dashboard.downloads import as_csv
from dashboard.figures import DARK, Interval, intervals
from dashboard.page import signed, typeset_words
from dashboard.texts import Language
from dashboard.texts import lab as texts
from dashboard.texts.reasons import KOREAN
from dashboard.views.lab import VARIANT_COLUMNS, variants
from lab_reports import lab_report
from utils.reasons import Reason, sentence

SEED_NAME = "20 sessions, all, seed weights, daily"


def drawn(report: LabReport | None, language: Language = "en", address: str = "/lab", **changes: Any) -> Any:
    answers = {"/lab": msgspec.to_builtins(report) | changes} if report else {}
    return samples.drawn(samples.Api(answers), address, language)


def variant(report: LabReport, **changes: Any) -> Mapping[str, Any]:
    """Return the ETF leg of the seed's rule as the API has it, with changes."""
    found: dict[str, Any] = msgspec.to_builtins(report.variants[0])
    return found | changes


@pytest.mark.parametrize(
    ("sessions", "strength", "title"),
    [
        (1_100, 0.3, texts.EDGE),
        (1_100, 0.0, texts.NO_EDGE),
        (600, 0.3, texts.NOT_ENOUGH),
        (0, 0.3, texts.NOT_ENOUGH),
    ],
)
def test_the_verdict_comes_first_in_both_languages(sessions: int, strength: float, title: Any) -> None:
    report = lab_report(sessions, strength)
    cost = report.verdict.params.get("cost", "")
    english, korean = (samples.text_of(samples.named(drawn(report, language), "verdict")) for language in ("en", "ko"))
    assert english.startswith(f"{title.en.format(cost=cost)} {typeset_words(report.verdict.sentence)}")
    in_korean = sentence(Reason(report.verdict.code, report.verdict.params), KOREAN)
    assert korean.startswith(f"{title.ko.format(cost=cost)} {typeset_words(in_korean)}")
    assert all(note.sentence in english and note.sentence not in korean for note in report.notes)


def test_the_rule_itself_is_told_apart() -> None:
    report = lab_report()
    shown = samples.text_of(drawn(report))
    seed = report.variants[0]
    assert seed.lower is not None and seed.upper is not None and seed.sessions_needed is not None
    assert f"{seed.lower:+.2%} … {seed.upper:+.2%}" in shown
    assert f"{seed.sessions_needed:,}: enough are stored" in shown
    more = variant(report, sessions_needed=report.sessions + 7)
    assert f"{report.sessions + 7:,}, 7 more than there are" in samples.text_of(drawn(report, variants=[more]))
    never = variant(report, sessions_needed=None)
    assert texts.NEVER.en in samples.text_of(drawn(report, variants=[never]))


def test_a_negative_figure_has_the_sign_that_tables_have() -> None:
    report = lab_report()
    shown = samples.text_of(drawn(report, variants=[variant(report, sharpe=-2.76, break_even_bp=-11.0)])).split()
    assert {"−2.76", "−11"} <= set(shown) and not {"-2.76", "-11"} & set(shown[: shown.index("Variant")])


def test_every_variant_is_a_row_in_the_readers_language() -> None:
    report = lab_report()
    for language, name, mark in (
        ("en", SEED_NAME, "the ETF leg of the rule"),
        ("ko", "20거래일, 전체, 기본 비중, 매일", "기본 규칙의 ETF 부분"),
    ):
        rows = samples.named(drawn(report, language), "variants").rowData  # type: ignore[arg-type]
        assert [row["excess"] for row in rows] == sorted((each.excess for each in report.variants), reverse=True)
        assert [row["shown"] for row in rows if row["is_seed"]] == [f"{name} ({mark})"]


def test_every_variant_is_a_card_with_the_figures_of_its_row() -> None:
    report = lab_report()
    [cards] = [part for part in samples.parts(drawn(report)) if getattr(part, "className", "") == "cards"]
    assert len(cards.children) == len(report.variants)
    best = max(report.variants, key=lambda each: each.excess)
    shown = samples.text_of(cards.children[0])
    assert f"{best.excess:+.2%}" in shown and f"{best.p_value:.3f}" in shown
    assert f"{best.worst_year}: {signed(best.worst_excess)}" in shown


def test_hindsight_is_a_row_and_has_no_interval() -> None:
    report = lab_report()
    whole = {"is_seed": False, "is_whole_rule": True}
    late = variant(report, name="late", **whole, has_hindsight=True, lower=None, upper=None, excess=9.0)
    shown = drawn(report, variants=[variant(report), late])
    rows = samples.named(shown, "variants").rowData
    assert rows[1]["shown"] == f"{SEED_NAME} ({texts.IS_WHOLE.en}, {texts.HINDSIGHT.en})"
    assert len(samples.named(shown, "intervals").figure.data[0].x) == 1


@pytest.mark.parametrize(("language", "title"), [("en", texts.STOCKS.en), ("ko", texts.STOCKS.ko)])
def test_the_stock_leg_has_a_verdict_and_figures_of_its_own(language: Language, title: str) -> None:
    report = lab_report()
    leg = msgspec.to_builtins(report)
    stocks = {name: leg[name] for name in LabLeg.__struct_fields__} | {"sessions": 798, "judged": 1}
    whole = variant(report, name="whole", leg="stocks", is_seed=False, is_whole_rule=True)
    shown = drawn(report, language, variants=[variant(report), whole], stocks=stocks)
    text = samples.text_of(shown)
    assert title in text and "798" in text
    assert samples.text_of(samples.named(shown, "stocks-verdict")).startswith(texts.EDGE.in_(language, cost=100))
    assert len(samples.named(shown, "stocks-intervals").figure.data[0].x) == 1
    assert len(samples.named(shown, "intervals").figure.data[0].x) == 1
    mark = f"{texts.IS_WHOLE.in_(language)}, {texts.OWN_SESSIONS.in_(language)}"
    assert mark in samples.named(shown, "variants").rowData[1]["shown"]


def test_an_edge_ends_where_the_verdict_says() -> None:
    report = lab_report()
    shown = samples.text_of(samples.named(drawn(report), "costs"))
    edges = [each.is_edge for each in report.costs]
    assert edges == [each.cost_bp <= float(report.verdict.params["cost"]) for each in report.costs]
    assert (shown.count("yes"), shown.count(" no")) == (sum(edges), len(edges) - sum(edges))


def test_too_few_sessions_show_no_figures() -> None:
    shown = drawn(lab_report(0))
    assert not {getattr(part, "id", None) for part in samples.parts(shown)} & {"variants", "intervals", "costs"}
    assert "684" in samples.text_of(shown)


@pytest.mark.parametrize(("language", "title"), [("en", texts.EMPTY_TITLE.en), ("ko", texts.EMPTY_TITLE.ko)])
def test_no_verdict_says_how_to_get_one(language: Language, title: str) -> None:
    shown = samples.text_of(drawn(None, language))
    assert title in shown and "./start.sh lab" in shown


def test_an_earlier_verdict_leads_to_the_newest() -> None:
    api = samples.Api({"/lab": msgspec.to_builtins(lab_report())})
    shown = samples.drawn(api, "/lab?as_of=2026-08-20")
    assert api.asked == [f"/lab?as_of_date={date(2026, 8, 20)}"]
    assert "/lab" in samples.links(shown).values()


def test_the_variants_can_be_downloaded() -> None:
    api = samples.Api({"/lab": msgspec.to_builtins(lab_report())})
    header, *rows = as_csv(variants(api.client, samples.page("/lab")), VARIANT_COLUMNS).splitlines()
    assert header.startswith("name,is_seed,has_hindsight,excess,lower,upper,")
    assert len(rows) == 24


def test_the_chart_has_the_best_on_top_and_room_for_all() -> None:
    rows = [Interval("low", -0.1, -0.3, 0.1), Interval("high", 0.2, 0.1, 0.4, is_marked=True)]
    figure = samples.checked(intervals(rows, DARK))
    assert [note.text for note in figure.layout.annotations] == ["low", "high"]
    assert [(line.x0, line.x1) for line in figure.layout.shapes] == [(-0.3, 0.1), (0.1, 0.4)]
    lowest, highest = figure.layout.xaxis.range
    assert lowest < -0.3 and highest > 0.4
    assert list(figure.data[0].marker.color) == [DARK.ink_soft, DARK.accent]


SHORT = "20 sessions, all, seed weights, daily"
LONG = f"{SHORT}, the best stock of each trending ETF, stocks (the whole rule, over sessions of its own)"
KOREAN_NAME = "20거래일, 전체, 기본 비중, 매일, 추세 ETF마다 최고의 종목 (기본 규칙 전체, 따로 잰 거래일 기준)"
DOT_PIXELS = 4.5
TEXT_PIXELS = 13  # of 10, with the space between two lines


@pytest.mark.parametrize("names", [[SHORT], [LONG], [SHORT, LONG] * 3, [LONG, KOREAN_NAME, SHORT] * 13, [SHORT] * 24])
def test_no_name_lies_over_an_interval(names: list[str]) -> None:
    """The one below its own line or the one above, whose dots and lines it would hide."""
    rows = [Interval(name, place / 100, -0.5, 0.5) for place, name in enumerate(names)]
    figure = samples.checked(intervals(rows, DARK))
    margin, (bottom, top) = figure.layout.margin, figure.layout.yaxis.range
    assert figure.layout.height - margin.t - margin.b == top - bottom, "a unit is a pixel"
    taken = [(line.y0 - DOT_PIXELS, line.y0 + DOT_PIXELS) for line in figure.layout.shapes]
    taken += [(note.y, note.y + TEXT_PIXELS * len(note.text.split("<br>"))) for note in figure.layout.annotations]
    assert all(note.yanchor == "bottom" and not note.yshift for note in figure.layout.annotations)
    edges = [edge for span in sorted(taken) for edge in span]
    assert edges == sorted(edges)
    assert bottom <= edges[0] and edges[-1] <= top
    assert [note.text.replace("<br>", " ") for note in figure.layout.annotations] == names


def test_a_long_name_has_lines_for_a_phone() -> None:
    """The letters of one take 5 of its 330 pixels, and those of Korean 10."""
    rows = [Interval(LONG, 0.1, 0.0, 0.2), Interval(KOREAN_NAME, 0.2, 0.0, 0.3)]
    for note in intervals(rows, DARK)["layout"]["annotations"]:
        lines = note["text"].split("<br>")
        assert len(lines) == 2
        assert all(sum(10 if ord(letter) > 0x1100 else 5 for letter in line) <= 330 for line in lines)
