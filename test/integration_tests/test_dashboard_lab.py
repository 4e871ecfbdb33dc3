"""The lab's verdict, in a real browser, against the API."""

import pytest

from browsing import Page, Server
from dashboard.texts import lab


def test_the_page_says_what_the_api_says(page: Page, api: Server) -> None:
    page.open("/lab")
    report = api.answer("/lab")
    [short] = page.texts("#verdict .said")
    assert short == lab.EDGE.en.format(cost=report["verdict"]["params"]["cost"])
    assert report["verdict"]["sentence"] in page.text
    assert len(page.table("costs")) == len(report["costs"]) == 11
    assert len(page.texts("#intervals .annotation-text")) == report["judged"] == 24
    seed = report["variants"][0]
    assert seed["is_seed"] and f"{seed['excess']:+.2%}" in page.texts(".facts dd")


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_all_columns_are_in_sight_on_a_desktop(page: Page, language: str, theme: str) -> None:
    page.prefer(language=language, theme=theme)
    page.open("/lab")
    hidden = "(each) => each.scrollWidth > each.clientWidth"
    clipped = f"return [...document.querySelectorAll(arguments[0])].filter({hidden}).map((each) => each.textContent)"
    assert len(page.texts("#variants .ag-header-cell-text")) == 13
    assert page.run(clipped, "#variants .ag-center-cols-viewport, #variants .ag-header-cell-text") == []
