"""The login, and what a browser says of the policies: the dashboard's and that of the API's documentation."""

from collections.abc import Callable, Iterator

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver

import browsing
from browsing import KEY, Page, Server, violations
from dashboard.texts import common
from dashboard.texts import login as texts
from ops.looking.browser import DESKTOP, PHONE, Screen

FIELD = "input[name=password]"
RUN_INLINE = (
    "const script = document.createElement('script'); script.textContent = 'window.ran = true';"
    "document.head.append(script); return window.ran === true"
)


@pytest.fixture(scope="module")
def locked(api: Server) -> Iterator[Server]:
    """Run a dashboard that is open to a network, with the API's key as its password."""
    server = browsing.dashboard_server(api.url, ACTSTOCK_BIND="0.0.0.0")
    with browsing.running(server):
        yield server


@pytest.fixture
def locked_page(page_at: Callable[[Server], Page], locked: Server) -> Page:
    return page_at(locked)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_password_leads_to_what_was_asked_for(locked_page: Page, language: str) -> None:
    page = locked_page
    page.prefer(language=language)
    page.go("/?period=10")
    assert page.texts("h1") == [getattr(texts.TITLE, language)]
    assert page.run(f"return document.activeElement === document.querySelector('{FIELD}')")
    page.type_into(FIELD, KEY)
    page.is_rendered()
    assert page.address == "/?period=10" and {"en": "Newmont Corporation", "ko": "뉴몬트"}[language] in page.text
    page.click_on(".preferences form button")
    browsing.until(lambda: page.address == "/login", "the reader has left")
    page.go("/map")
    assert page.address == "/login?then=%2Fmap"


def test_a_wrong_password_is_told(locked_page: Page, browser: WebDriver) -> None:
    page = locked_page
    page.go("/")
    page.type_into(FIELD, "wrong")
    page.shows(texts.WRONG.en)
    page.console_errors()  # of the status 401, which is meant
    page.click_on(".preferences a")
    page.shows(texts.HINT.ko)
    browser.find_element(By.CSS_SELECTOR, FIELD).send_keys(KEY + "\n")
    page.is_rendered()
    assert page.texts(".preferences a")[0] == common.OTHER_LANGUAGE.ko


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_login_that_ends_while_the_page_is_open_is_told(locked_page: Page, browser: WebDriver, language: str) -> None:
    page = locked_page
    page.prefer(language=language)
    page.go("/?period=10")
    page.type_into(FIELD, KEY)
    page.is_rendered()
    assert page.texts("#login-ended") == []
    browser.delete_cookie("actstock_session")
    page.run("document.querySelector('.selector a').click()")
    page.waits_for("document.getElementById('login-ended').checkVisibility()", "it says that the login has ended")
    page.console_errors()  # of the status 401, which is meant
    assert getattr(texts.ENDED, language) in page.text and violations(page) == []
    page.click_on("#login-ended a")
    page.type_into(FIELD, KEY)
    page.is_rendered()
    assert page.address == "/?period=5", "it leads back to what was asked for"


@pytest.mark.parametrize(("screen", "theme"), [(DESKTOP, "dark"), (PHONE, "light")])
def test_the_login_fits_and_axe_has_nothing_to_say(locked_page: Page, screen: Screen, theme: str) -> None:
    page = locked_page
    page.resize(screen)
    page.prefer(theme=theme)
    page.go("/")
    assert page.width_overflow() <= 0 and violations(page) == []
    page.type_into(FIELD, KEY)
    page.is_rendered()
    assert page.width_overflow() == 0 and violations(page) == []


def test_a_script_that_somebody_put_into_a_page_does_not_run(page: Page) -> None:
    page.open()
    assert page.run(RUN_INLINE) is False
    assert any("Content Security Policy" in each for each in page.console_errors())


def test_the_documentation_works_under_its_policy(page_at: Callable[[Server], Page], api: Server) -> None:
    page = page_at(api)
    page.go("/docs")
    page.shows("/stocks/portfolio")
    page.click_on("[id$=-service] button.opblock-summary-control")
    page.shows("Execute")
    page.click_on(".execute")
    page.shows("ActStock API")
    page.shows("Server response")
