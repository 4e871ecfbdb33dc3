"""From what a reader owns to their orders, in a real browser, against the API."""

import csv
import io
from collections.abc import Iterator

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver

from browsing import Page, Server
from dashboard.texts import trades as texts
from ops.looking.browser import DESKTOP, PHONE, Screen

THREE = "NVDA 10\nMU 5\nNEM 20"
WRITTEN = "NVDA:10,MU:5,NEM:20"


@pytest.fixture(autouse=True)
def new_reader(page: Page) -> Iterator[None]:
    """Begin with a browser that has kept nothing."""
    page.open("/trades")
    page.run("localStorage.clear()")
    yield
    page.run("localStorage.clear()")


def dollars(amount: float) -> str:
    return f"${amount:,.2f}"


class Hand:
    """Counts what a reader clicks. Typing needs a click into the field."""

    def __init__(self, page: Page, browser: WebDriver) -> None:
        self._page, self._browser = page, browser
        self.clicks = 0

    def click(self, selector: str) -> None:
        self.clicks += 1
        self._browser.find_element(By.CSS_SELECTOR, selector).click()

    def type(self, selector: str, text: str) -> None:
        self.click(selector)
        self._browser.find_element(By.CSS_SELECTOR, selector).send_keys(text)


@pytest.mark.parametrize("screen", [DESKTOP, PHONE])
def test_a_new_reader_has_their_trades_in_five_clicks(
    page: Page, browser: WebDriver, api: Server, screen: Screen
) -> None:
    page.resize(screen)
    page.open("/")
    hand = Hand(page, browser)
    hand.click(".views a[href^='/trades']")
    page.waits_for("document.getElementById('own-positions') !== null", "the form is there")
    hand.type("#own-positions", THREE)
    hand.type("#own-cash", "10000")
    hand.click("#own-show")
    page.shows(texts.TO_DO.en)
    assert hand.clicks <= 5
    found = api.answer(f"/stocks/owned-trades?period=20&positions={WRITTEN}&cash=10000")
    assert found["cash"] == 10_000.0 and found["owned_value"] > 0
    [sums] = page.texts("#order-sums")
    for name in ("owned_value", "cash", "capital", "sold", "bought", "cost", "cash_left"):
        assert dollars(found[name]) in sums, name
    expected = [(each["ticker"], each["side"]) for each in found["orders"]]
    if screen.is_phone:
        shown = [tuple(text.split()[:2]) for text in page.texts("#orders .cards .first > span:first-child")]
    else:
        shown = [(row["ticker"], row["side_text"]) for row in page.grid("order-grid")]
    assert shown == expected and {"buy"} <= {side for _, side in expected}
    assert page.width_overflow() == 0


def test_what_is_owned_stays_in_the_browser_until_it_is_forgotten(page: Page, browser: WebDriver) -> None:
    hand = Hand(page, browser)
    hand.type("#own-positions", "NVDA 10")
    hand.type("#own-cash", "500\n")
    page.shows(texts.TO_DO.en)
    page.open("/trades?period=monthly")
    page.shows(texts.TO_DO.en)
    assert page.run("return document.getElementById('own-positions').value") == "NVDA 10"
    assert page.run("return document.getElementById('own-cash').value") == "500"
    hand.click("#own-forget")
    page.shows(texts.NOTHING_YET.en)
    assert page.run("return document.getElementById('own-positions').value") == ""
    page.open("/trades")
    page.shows(texts.NOTHING_YET.en)


def test_what_cannot_be_read_or_counted_is_said(page: Page, browser: WebDriver) -> None:
    Hand(page, browser).type("#own-positions", "Symbol,Quantity,Currency\nNVDA,ten,USD\nMU,5,EUR\nNOSUCH,1,USD")
    page.click_on("#own-show")
    page.shows(texts.LINE.en.format(line=2, why=texts.NO_NUMBER.en.format(ticker="NVDA", typed="ten")))
    left_out = " ".join(page.texts("#left-out li"))
    assert "MU 5" in left_out and "listed in EUR" in left_out and "NOSUCH" in left_out


@pytest.mark.parametrize("typed", ["-10", "abc", "1e12"])
def test_what_is_no_sum_of_cash_is_said(page: Page, browser: WebDriver, typed: str) -> None:
    Hand(page, browser).type("#own-cash", f"{typed}\n")
    page.shows(texts.CASH_REFUSED.en.format(typed=typed, largest="1,000,000,000"))


@pytest.mark.parametrize("name", ["orders", "ibkr-basket", "ghostfolio-activities"])
def test_orders_are_saved_as_files(page: Page, browser: WebDriver, api: Server, name: str) -> None:
    Hand(page, browser).type("#own-cash", "10000\n")
    page.shows(texts.TO_DO.en)
    rows = list(csv.DictReader(io.StringIO(page.download(f"button[id*='{name}']"))))
    found = api.answer("/stocks/owned-trades?period=20&cash=10000")["orders"]
    shares = [float(row.get("Quantity") or row["shares"]) for row in rows]
    kept = [each for each in found if name == "orders" or each["side"] != "keep"]
    assert kept and shares == [each["shares"] for each in kept]
