"""What a reader meets beside the figures: where the page leads, its title, its way back, paper, and who listens."""

import json
from itertools import pairwise

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver

from browsing import Page, violations
from dashboard.texts import common, market_map, portfolio
from ops.looking.browser import DESKTOP, PHONE, Screen, cdp
from ops.looking.dashboard_views import Subjects, views

VIEWS = views(Subjects(session="2026-08-21", older_session="2026-08-20", stock="NEM", etf="XLB"))
LAPTOP = Screen("laptop", 1366, 768)
IN_SIGHT = "const box = document.querySelector('#why h2').getBoundingClientRect(); return box.top >= 0 && box.bottom"


@pytest.mark.parametrize("screen", [LAPTOP, PHONE])
def test_why_comes_into_sight_and_has_the_focus(page: Page, screen: Screen) -> None:
    page.resize(screen)
    page.open()
    page.run("document.getElementById('view').dataset.shows = ''")
    ways = ".cards a[href*='why=MU']" if screen.is_phone else "#positions a[href*='why=MU']"
    page.run(f"document.querySelector({ways!r}).click()")
    page.is_rendered()
    page.waits_for("document.activeElement.closest('#why') !== null", "the reason has the focus")
    assert 0 < page.run(f"{IN_SIGHT}") < screen.height


def test_a_phone_shows_positions_as_cards(page: Page) -> None:
    page.resize(PHONE)
    page.open()
    assert page.texts(".cards .first a")[0] and not page.texts("#positions th")
    reach = page.run(
        "return [...document.querySelectorAll('.cards .way a')].map(each => each.getBoundingClientRect().right)"
    )
    assert reach and max(reach) <= PHONE.width
    page.resize(DESKTOP)
    page.open()
    assert not page.texts(".cards .first a")


def test_an_enlarged_sector_is_in_the_address_and_has_a_way_back(page: Page) -> None:
    page.open("/map?sector=Technology")
    tiles = "return document.querySelectorAll('#market-map .slice').length"
    alone = page.run(tiles)
    page.click(market_map.WHOLE_MAP.en.format(sector="Technology"))
    assert page.address == "/map"
    page.waits_for(f"(() => {{ {tiles} }})() > {alone}", "the whole map is back")


@pytest.mark.parametrize(
    ("address", "title"),
    [
        ("/?period=10", "Portfolio 10d · ActStock"),
        ("/?period=20&as_of=2026-08-20", "Portfolio 20d · 2026-08-20 · ActStock"),
        ("/map?sector=Technology", "Map 20d · Technology · ActStock"),
        ("/ticker/NEM", "NEM 6M · ActStock"),
        ("/pipeline", "Pipeline 10 · ActStock"),
    ],
)
def test_each_view_has_a_title_of_its_own(page: Page, address: str, title: str) -> None:
    page.open(address)
    page.waits_for(f"document.title === {json.dumps(title)}", f"{title}, not {page.run('return document.title')}")


def test_the_session_is_kept_across_views(page: Page) -> None:
    page.open("/?period=10&as_of=2026-08-20")
    page.click("Map")
    assert page.address == "/map?period=10&as_of=2026-08-20" and "Thu 20 Aug 2026" in page.text.title()
    page.click("Portfolio")
    assert page.address == "/?period=10&as_of=2026-08-20"


def test_a_typed_saturday_is_told(page: Page, browser: WebDriver) -> None:
    page.open("/?period=20")
    field = browser.find_element(By.ID, "session-picker")
    field.send_keys(Keys.CONTROL, "a")
    field.send_keys("2026-08-22", Keys.ENTER)
    page.shows(common.DAY_NOT_OFFERED.en.format(day="2026-08-22"))
    assert page.address == "/?period=20"


@pytest.mark.parametrize("address", ["/performance", "/ticker/NEM"])
def test_dates_do_not_overlap_on_a_phone(page: Page, address: str) -> None:
    page.resize(PHONE)
    page.open(address)
    # What draws the charts comes after the view.
    page.waits_for("document.querySelector('.js-plotly-plot .xaxislayer-above text')", "a chart has dates")
    graphs = page.run(
        "return [...document.querySelectorAll('.js-plotly-plot')].map(graph => "
        "[...graph.querySelectorAll('.xaxislayer-above text')].map(each => each.getBoundingClientRect())"
        ".map(box => [box.left, box.right]))"
    )
    assert any(len(graph) > 1 for graph in graphs)
    for graph in graphs:
        ends = sorted(map(tuple, graph))
        assert all(one[1] <= other[0] or one[0] == other[0] for one, other in pairwise(ends))


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize(("address", "selector"), [("/", ".views"), ("/map", ".map-options .selector")])
def test_what_is_to_be_chosen_is_in_sight_of_a_phone(page: Page, address: str, selector: str, language: str) -> None:
    page.resize(PHONE)
    page.prefer(language=language)
    page.open(address)
    hidden = page.run(
        "return [...document.querySelectorAll(arguments[0])].map(each => each.scrollWidth - each.clientWidth)", selector
    )
    assert hidden and max(hidden) <= 0


def test_a_verdict_has_room_for_words(page: Page) -> None:
    page.resize(PHONE)
    page.open("/?why=MU")
    assert page.run("return document.querySelector('.offers td.verdict').getBoundingClientRect().width") >= 180


@pytest.mark.parametrize("address", ["/?period=20", "/performance"])
def test_nothing_is_cut_on_paper(page: Page, browser: WebDriver, address: str) -> None:
    page.open(address)
    cdp(browser, "Emulation.setEmulatedMedia", media="print")
    try:
        page.resize(Screen("paper", 700, 1000))
        page.run("window.dispatchEvent(new Event('beforeprint'))")
        assert page.width_overflow() == 0
        wide = page.run(
            "return [...document.querySelectorAll('#view .main-svg, #view .cards')]"
            ".filter(each => each.checkVisibility())"
            ".filter(each => each.getBoundingClientRect().right > innerWidth).map(each => each.className.baseVal)"
        )
        assert wide == []
        assert not page.texts("nav, .search, .preferences a")
    finally:
        cdp(browser, "Emulation.setEmulatedMedia", media="")


@pytest.mark.parametrize(("screen", "language"), [(DESKTOP, "en"), (DESKTOP, "ko"), (PHONE, "en"), (PHONE, "ko")])
@pytest.mark.parametrize("name", VIEWS)
def test_axe_has_nothing_to_say(page: Page, name: str, screen: Screen, language: str) -> None:
    page.resize(screen)
    page.prefer(language=language)
    page.open(VIEWS[name])
    page.run("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert violations(page) == []


UNEXPLAINED = """
    const own = (each) => !each.closest("#meanings, .dash-datepicker-content, [role=grid]");
    const headings = [...document.querySelectorAll("#view thead th, #view dt")].filter(own);
    const grids = [...document.querySelectorAll("#view .grid")].filter((each) => each.checkVisibility());
    const columns = grids.flatMap((each) => dash_ag_grid.getApi(each.id).getColumnDefs());
    return [
        headings.length + columns.length,
        [...headings.filter((each) => !each.title).map((each) => each.textContent),
            ...columns.filter((each) => !each.headerTooltip).map((each) => each.headerName)],
    ];
"""


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("name", [each for each in VIEWS if each != "error"])
def test_every_column_and_figure_says_what_it_means(page: Page, name: str, language: str) -> None:
    page.prefer(language=language)
    page.open(VIEWS[name])
    found, unexplained = page.run(UNEXPLAINED)
    assert unexplained == [] and (found or name == "trades")


def test_an_error_page_is_under_a_heading(page: Page) -> None:
    page.open("/?period=7")
    assert page.texts("h1") == [common.BAD_ADDRESS_TITLE.en]


def test_all_candidates_come_when_they_are_asked_for(page: Page) -> None:
    page.open("/?period=20")
    assert page.run("return document.getElementById('all-candidates') === null")
    page.click(portfolio.UNFOLD.en)
    assert page.address == "/?period=20&candidates=all"
    assert len(page.grid("all-candidates")) > 0
