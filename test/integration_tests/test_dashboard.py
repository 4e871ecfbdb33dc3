"""The dashboard in a real browser, on the real API and a real Postgres: every view, and what goes wrong."""

import re
import socket
from collections import Counter, deque
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from dash import html

import browsing
from browsing import KEY, Page, Server
from config.config import DatabaseSettings
from config.periods import PERIODS
from dashboard import page as dashboard_page
from dashboard import static_files
from dashboard import views as dashboard_views
from dashboard.address import Address
from dashboard.api_client import ApiClient
from dashboard.callbacks import header, render
from dashboard.texts import Text, common
from dashboard.views import needed_by
from dashboard_samples import links, parts
from ops.looking.browser import DESKTOP, PHONE, Screen
from ops.looking.dashboard_views import Subjects, views

VIEWS = views(Subjects(session="2026-08-21", older_session="2026-08-20", stock="NEM", etf="XLB"))


@pytest.mark.parametrize("name", VIEWS)
def test_every_view_speaks_both_languages_and_fits_a_phone(page: Page, name: str) -> None:
    page.open(VIEWS[name])
    english = page.texts("#view h1, #view .state h2")
    assert english, "the view has a title"
    assert page.foreign_words(), "what the Korean page must not say is there to be found"
    page.prefer(language="ko")
    page.open(VIEWS[name])
    assert page.texts("#view h1, #view .state h2") != english or name.startswith("ticker")
    assert page.foreign_words() == []
    page.resize(PHONE)
    page.open(VIEWS[name])
    assert page.width_overflow() == 0


@pytest.mark.parametrize("name", VIEWS)
def test_everything_on_a_view_can_be_reached_with_the_keyboard(page: Page, name: str) -> None:
    page.open(VIEWS[name])
    assert page.out_of_reach() == []


def test_every_link_leads_to_a_view(api: Server) -> None:
    """Those of the views, and those of the views that they lead to: one of each kind of address."""
    client, paths = ApiClient(api.url, KEY), {view.path for view in dashboard_views.VIEWS}
    to_do, seen = deque([VIEWS["error"], *VIEWS.values()]), Counter[tuple[str, str]]()
    while to_do:
        link = urlsplit(to_do.popleft())
        address = Address.of(link.path, link.query)
        kind = address.path, re.sub(r"\d+", "0", link.query)
        seen[kind] += 1
        if seen[kind] > 1 or address.path not in paths:
            continue
        page = dashboard_page.Page(address, PERIODS)
        shown = [*header(page), *render(client, page)]
        # The sample has one session alone: another one's page says so.
        expected = {common.BAD_ADDRESS_TITLE.en} if link.geturl() == VIEWS["error"] else {common.NOT_PUBLISHED_TITLE.en}
        assert messages(shown) <= expected, link.geturl()
        to_do.extend(each for each in links(shown).values() if each.startswith("/") and each != VIEWS["error"])
    assert len(seen) > 20


def messages(shown: object) -> set[str]:
    """Return the titles of messages that stand in place of a view."""
    states = [each for each in parts(shown) if getattr(each, "className", None) == "state"]
    return {str(each.children) for each in parts(states) if isinstance(each, html.H1)}


def test_language_and_colours_are_switched_and_kept(page: Page) -> None:
    page.open("/?period=10")
    page.click(common.OTHER_LANGUAGE.en)
    assert page.address == "/?period=10"
    assert page.run("return document.documentElement.lang") == "ko"
    page.click(common.LIGHT.ko)
    assert page.run("return document.documentElement.dataset.theme") == "light"
    page.open("/")
    assert page.run("return [document.documentElement.lang, document.documentElement.dataset.theme]") == ["ko", "light"]


def test_nothing_comes_from_elsewhere(page: Page, dashboard: Server) -> None:
    page.open()
    assert page.hosts() == {f"127.0.0.1:{dashboard.port}"}


# Of each of static_files.LATER_SCRIPTS, what is there when it has run.
HAS_RUN = {
    "charts": "'Plotly' in window",
    "dates": "document.querySelector('.dash-datepicker-input-wrapper') !== null",
    "grids": "'getApi' in dash_ag_grid",
}


@pytest.mark.parametrize("path", ["/", "/map", "/performance", "/trades"])
def test_what_the_page_announces_is_used_and_nothing_is_fetched_twice(page: Page, path: str) -> None:
    page.open(path)
    fetched = page.run("return performance.getEntriesByType('resource').map(each => new URL(each.name).pathname)")
    assert set(static_files.LATER_DATA) <= set(fetched)
    assert [each for each in fetched if fetched.count(each) > 1 and each != "/_dash-update-component"] == []
    assert {name for name, has_run in HAS_RUN.items() if page.run(f"return {has_run}")} == needed_by(Address(path))


@pytest.mark.parametrize("screen", [DESKTOP, Screen("laptop", 1100, 800), Screen("narrow", 500, 1000), PHONE])
def test_page_fits_its_window(page: Page, screen: Screen) -> None:
    page.resize(screen)
    page.open()
    assert page.width_overflow() == 0


@pytest.mark.parametrize("address", ["/nowhere", "/?period=7", "/ticker/NOSUCH"])
def test_a_wrong_address_leads_back(page: Page, address: str) -> None:
    page.open(address)
    [title] = page.texts("h1")
    assert title in (common.BAD_ADDRESS_TITLE.en, common.UNKNOWN_TICKER_TITLE.en)
    assert page.run("return document.title").startswith(title)
    page.click(common.SHOW_NEWEST.en)
    assert "Newmont Corporation" in page.text


def test_api_away_says_what_to_do_and_recovers(page: Page, api: Server) -> None:
    api.stop()
    try:
        page.open("/?period=20")
        assert common.AWAY_TITLE.en in page.text
        assert f"{api.url} does not answer" in page.text and "./start.sh status" in page.text
    finally:
        api.start()
    page.click(common.TRY_AGAIN.en)
    page.shows("Newmont Corporation")


def test_slow_api_shows_that_it_loads(page_at: Callable[[Server], Page]) -> None:
    """An API that takes the question and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        waiting = browsing.dashboard_server(f"http://127.0.0.1:{mute.getsockname()[1]}")
        with browsing.running(waiting):
            page = page_at(waiting)
            page.go()
            browsing.until(lambda: page.run("return !!document.querySelector('[data-dash-is-loading]')"), "it loads")
            page.shows(common.AWAY_TITLE.en)


@pytest.mark.parametrize(
    ("database", "title", "advice"),
    [
        ("empty", common.NOT_PUBLISHED_TITLE, "daily_pipeline_controller"),
        ("without tables", common.OTHER_TABLES_TITLE, "migrate"),
    ],
)
def test_a_database_without_anything_says_what_to_run(
    page_at: Callable[[Server], Page],
    empty_database: DatabaseSettings,
    database: str,
    title: Text,
    advice: str,
) -> None:
    # The server's own "postgres" database has not even the platform's tables.
    name = "postgres" if database == "without tables" else empty_database.name
    api = browsing.api_server(DatabaseSettings(**{**vars(empty_database), "name": name}))
    lost = browsing.dashboard_server(api.url)
    with browsing.running(api, lost):
        page = page_at(lost)
        page.open()
        assert title.en in page.text
        assert advice in page.text
