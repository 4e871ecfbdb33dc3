"""The view of the lab's verdict."""

from typing import Any

import msgspec
import pytest

import dashboard_samples as samples
from dashboard.texts import Language
from dashboard.texts.reasons import KOREAN
from dashboard.views.lab import variants
from lab.invented import invented_prices
from lab.report import examine
from lab.variants import load


@pytest.fixture(scope="module")
def report() -> Any:
    """Return the answer of the API on a market with an edge."""
    prices = invented_prices(1_100, 3, 0.3)
    found = examine(prices, load(), benchmark="SPY", cost=0.001, source="simulated", resamples=200)
    return msgspec.to_builtins(found.report)


def drawn(answer: Any, language: Language = "en") -> Any:
    return samples.drawn(samples.Api({"/lab": answer}), "/lab", language)


def test_the_verdict_is_said_in_both_languages(report: Any) -> None:
    assert report["verdict"]["sentence"] in samples.text_of(drawn(report))
    korean = samples.text_of(drawn(report, "ko"))
    assert KOREAN["lab_edge"].format(**report["verdict"]["params"]) in korean
    assert report["verdict"]["sentence"] not in korean


def test_every_variant_is_shown_with_its_interval(report: Any) -> None:
    parts = list(samples.parts(drawn(report)))
    [grid] = [part for part in parts if getattr(part, "id", None) == "variants"]
    assert len(grid.rowData) == 24
    assert sum("the seed's rule" in row["name"] for row in grid.rowData) == 1
    assert [row["excess"] for row in grid.rowData] == sorted((row["excess"] for row in grid.rowData), reverse=True)
    [chart] = [part for part in parts if getattr(part, "id", None) == "intervals"]
    assert len(chart.figure.data[0].y) == 24
    assert min(chart.figure.data[0].error_x.arrayminus) >= 0


def test_too_few_sessions_show_no_figures() -> None:
    found = examine(invented_prices(10, 3).until(0), load(), benchmark="SPY", cost=0.001, resamples=100)
    shown = drawn(msgspec.to_builtins(found.report))
    assert "not enough data: 0 sessions" in samples.text_of(shown)
    assert not [part for part in samples.parts(shown) if getattr(part, "id", None) == "variants"]


def test_the_variants_can_be_downloaded(report: Any) -> None:
    api = samples.Api({"/lab": report})
    assert len(variants(api.client, samples.page("/lab"))) == 24
