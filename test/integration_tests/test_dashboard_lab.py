"""The lab's verdict, in a real browser, against the API."""

import pytest

from browsing import Page, Server
from dashboard.page import typeset_words
from dashboard.texts import lab
from ops.looking.browser import PHONE

VIEWPORT = "#variants .ag-center-cols-viewport"
# The texts that are wider than their places, be it by a part of a pixel.
CLIPPED = """
    const isClipped = (place) => {
        const text = document.createRange();
        text.selectNodeContents(place);
        const { paddingLeft, paddingRight } = getComputedStyle(place);
        const room = place.getBoundingClientRect().width - parseFloat(paddingLeft) - parseFloat(paddingRight);
        return text.getBoundingClientRect().width > room;
    };
    return [...document.querySelectorAll(arguments[0])].filter(isClipped).map((place) => place.textContent);
"""

# What can be scrolled sideways, but for the list of views.
SCROLLED = """
    return [...document.querySelectorAll("main *")]
        .filter((each) => each.checkVisibility() && each.scrollWidth > each.clientWidth + 1)
        .filter((each) => ["auto", "scroll"].includes(getComputedStyle(each).overflowX))
        .map((each) => each.outerHTML.slice(0, 120));
"""


def test_the_page_says_what_the_api_says(page: Page, api: Server) -> None:
    page.open("/lab")
    report = api.answer("/lab")
    [short] = page.texts("#verdict .said")
    assert short == lab.EDGE.en.format(cost=report["verdict"]["params"]["cost"])
    assert typeset_words(report["verdict"]["sentence"]) in page.text
    assert len(page.table("costs")) == len(report["costs"]) == 11
    assert len(page.texts("#intervals .annotation-text")) == report["judged"] == 24
    seed = report["variants"][0]
    assert seed["is_seed"] and f"{seed['excess']:+.2%}" in page.texts(".facts dd")


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_all_columns_are_in_sight_on_a_desktop(page: Page, language: str, theme: str) -> None:
    page.prefer(language=language, theme=theme)
    page.open("/lab")
    assert len(page.texts("#variants .ag-header-cell-text")) == 13
    assert page.run(CLIPPED, "#variants :is(.ag-header-cell-text, .ag-cell-value)") == []
    assert (
        page.run(
            "const seen = document.querySelector(arguments[0]); return seen.scrollWidth - seen.clientWidth", VIEWPORT
        )
        == 0
    )


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_phone_shows_the_variants_as_cards(page: Page, api: Server, language: str, theme: str) -> None:
    page.prefer(language=language, theme=theme)
    page.resize(PHONE)
    page.open("/lab")
    variants = sorted(api.answer("/lab")["variants"], key=lambda each: (each["has_hindsight"], -each["excess"]))
    assert page.texts(".cards dl div:first-child dd") == [
        f"{each['excess']:+.2%}".replace("-", "−") for each in variants
    ]
    assert not page.texts("#variants .ag-header-cell-text")
    assert page.run(SCROLLED) == [] and page.width_overflow() == 0
