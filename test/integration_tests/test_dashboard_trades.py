"""From what a reader owns to their orders, in a real browser, against the API."""

import csv
import io
import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver

from browsing import Page, Server, violations
from config.config import DatabaseSettings
from config.universe import universe
from dashboard.texts import trades as texts
from database.db_helper import connect, fetch
from ops.looking.browser import PHONE, Screen
from sample_api import execute

THREE = "NVDA 10\nMU 5\nNEM 20"
HELD = {"NVDA": 10, "MU": 5, "NEM": 20}
LAPTOP = Screen("laptop", 1366, 768)
# By whether shares are bought, and whether they are sold.
SIDE = {(True, False): "buy", (False, True): "sell", (False, False): "keep"}
IN_SIGHT = """[...document.querySelectorAll("#orders .cards .first, #order-grid .ag-row")].some((each) => {
    const { top, bottom, height } = each.getBoundingClientRect();
    return height && top >= 0 && bottom <= innerHeight;
})"""
# Each order is rounded to a cent, and so is its cost.
CENTS = 0.2


@pytest.fixture(autouse=True)
def new_reader(page: Page) -> Iterator[None]:
    """Begin with a browser that has kept nothing."""
    page.open("/trades")
    page.run("localStorage.clear(); sessionStorage.clear()")
    yield
    page.run("localStorage.clear(); sessionStorage.clear()")


@pytest.fixture
def platform(api: Server, sample_database: DatabaseSettings) -> Iterator[Server]:
    """Run on a platform that keeps nothing of a reader's."""
    yield api
    execute(sample_database, "DELETE FROM owned_positions")


def kept_by(platform: Server) -> dict[str, Any]:
    return platform.answer("/stocks/owned-positions")


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

    def replace(self, selector: str, text: str) -> None:
        self.type(selector, Keys.CONTROL + "a" + Keys.NULL + text)


def stored(database: DatabaseSettings) -> tuple[dict[str, float], dict[str, float]]:
    """Return the newest portfolio's weights, and the newest closes in dollars of it and of what is owned."""
    newest = "as_of_date = (SELECT MAX(as_of_date) FROM analytics_portfolio_allocation) AND period_days = 20"
    with closing(connect(database)) as conn:
        weights = {
            row["ticker"]: row["portfolio_weight"]
            for row in fetch(
                conn, f"SELECT ticker, portfolio_weight FROM analytics_portfolio_allocation WHERE {newest}"
            )
        }
        closes = fetch(
            conn,
            "SELECT DISTINCT ON (ticker) ticker, close_price, trade_date FROM collected_daily_stock_history"
            " WHERE ticker = ANY(%(tickers)s) ORDER BY ticker, trade_date DESC",
            {"tickers": [*weights, *HELD, "KRW=X"]},
        )
    prices = {row["ticker"]: row["close_price"] for row in closes}
    won = prices.pop("KRW=X")
    return weights, {ticker: price / won if ticker.endswith(".KS") else price for ticker, price in prices.items()}


def trades_of(weights: dict[str, float], prices: dict[str, float], cash: float) -> dict[str, int]:
    """Count the whole shares to trade, apart from the platform: what is too much is sold, and its worth is bought."""
    capital = cash + sum(shares * prices[ticker] for ticker, shares in HELD.items())
    missing = {
        ticker: weights.get(ticker, 0.0) * capital - HELD.get(ticker, 0) * prices[ticker]
        for ticker in {*weights, *HELD}
    }
    traded = {
        ticker: -HELD[ticker] if ticker not in weights else -int(-worth / prices[ticker])
        for ticker, worth in missing.items()
        if worth <= 0
    }
    rate = universe().cost_rate
    money = cash - sum(shares * prices[ticker] for ticker, shares in traded.items()) * (1 - rate)
    lacking = {ticker: worth for ticker, worth in missing.items() if worth > 0}
    part = min(1.0, money / (sum(lacking.values()) * (1 + rate)))
    exact = {ticker: worth * part / prices[ticker] for ticker, worth in lacking.items()}
    traded |= {ticker: int(shares) for ticker, shares in exact.items()}
    money -= sum(traded[ticker] * prices[ticker] for ticker in exact) * (1 + rate)
    for ticker in sorted(exact, key=lambda ticker: traded[ticker] - exact[ticker]):
        if exact[ticker] % 1 >= 0.5 and prices[ticker] * (1 + rate) <= money:
            traded[ticker] += 1
            money -= prices[ticker] * (1 + rate)
    return traded


@pytest.mark.parametrize("screen", [LAPTOP, PHONE], ids=lambda screen: screen.name)
def test_a_new_reader_has_their_trades_in_five_clicks(
    page: Page, browser: WebDriver, sample_database: DatabaseSettings, screen: Screen
) -> None:
    """The walkthrough: 10,000 dollars and three positions, from the first page on."""
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
    page.waits_for(IN_SIGHT, "the first order is in the window, without scrolling")
    weights, prices = stored(sample_database)
    expected = trades_of(weights, prices, 10_000.0)
    if screen.is_phone:
        cards = [text.split() for text in page.texts("#orders .cards .first > span:first-child")]
        shown = {ticker: (side, "".join(count)) for ticker, side, *count in cards}
    else:
        rows = page.grid("order-grid")
        shown = {row["ticker"]: (row["side_text"], row["shares"].strip("+−")) for row in rows}
    assert {ticker: SIDE[shares > 0, shares < 0] for ticker, shares in expected.items()} == {
        ticker: side for ticker, (side, _) in shown.items()
    }
    assert {ticker: f"{abs(shares):,}" for ticker, shares in expected.items() if shares} == {
        ticker: count for ticker, (side, count) in shown.items() if side != "keep"
    }
    bought, sold = (
        sum(shares * sign * prices[ticker] for ticker, shares in expected.items() if shares * sign > 0)
        for sign in (1, -1)
    )
    owned = sum(shares * prices[ticker] for ticker, shares in HELD.items())
    cost = (bought + sold) * universe().cost_rate
    [sums] = page.texts("#order-sums")
    told = [float(amount.replace(",", "")) for amount in re.findall(r"\$([\d,]+\.\d\d)", sums)]
    left = 10_000.0 + sold - bought - cost
    assert told == pytest.approx([owned, 10_000.0, owned + 10_000.0, sold, bought, cost, left], abs=CENTS)
    assert bought > 0 and sold > 0 and left >= 0
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


def test_what_is_kept_on_the_platform_is_everybodys(page: Page, browser: WebDriver, platform: Server) -> None:
    assert texts.ON_PLATFORM.en in page.texts("#own-place label"), "before anything is saved"
    hand = Hand(page, browser)
    hand.type("#own-positions", "NVDA 10\nten of MU")
    hand.type("#own-cash", "10000")
    hand.click("#own-place input[value=platform]")
    assert kept_by(platform)["saved_at"] is None and violations(page) == []
    hand.click("#own-show")
    page.shows("On the platform since")
    assert hand.clicks <= 5
    assert {**kept_by(platform), "saved_at": None} == {"positions": "NVDA:10", "cash": 10_000.0, "saved_at": None}
    assert page.texts("#orders li"), "the line that was not read is named"
    assert page.run("return localStorage.getItem('owned')") in (None, "null")
    page.run("localStorage.clear(); sessionStorage.clear()")
    page.open("/trades?period=monthly")
    page.shows("On the platform since")
    assert page.run("return document.getElementById('own-positions').value") == "NVDA 10"
    assert page.run("return document.getElementById('own-cash').value") == "10000"
    assert page.run("return document.querySelector('#own-place input:checked').value") == "platform"
    hand.click("#own-forget")
    page.shows(texts.NOTHING_YET.en)
    assert kept_by(platform)["saved_at"] is None


def test_arrow_keys_choose_where_it_is_kept(page: Page) -> None:
    page.open("/trades")
    page.run("document.querySelector('#own-place input:checked').focus()")
    page.press("ArrowDown")
    assert page.run("return document.querySelector('#own-place input:checked').value") == "platform"
    assert page.run("return document.activeElement.value") == "platform"


def test_what_is_kept_nowhere_lasts_as_long_as_the_tab(page: Page, browser: WebDriver, platform: Server) -> None:
    hand = Hand(page, browser)
    hand.type("#own-positions", "NVDA 10")
    hand.click("#own-place input[value=nowhere]")
    hand.click("#own-show")
    page.shows(texts.TO_DO.en)
    page.open("/trades?period=5")
    page.shows(texts.TO_DO.en)
    assert page.run("return document.getElementById('own-positions').value") == "NVDA 10"
    assert page.run("return localStorage.getItem('owned')") in (None, "null")
    assert kept_by(platform)["saved_at"] is None
    browser.switch_to.new_window("tab")
    try:
        page.open("/trades")
        page.shows(texts.NOTHING_YET.en)
    finally:
        browser.close()
        browser.switch_to.window(browser.window_handles[0])


def test_what_the_browser_keeps_comes_before_what_the_platform_does(
    page: Page, browser: WebDriver, platform: Server, sample_database: DatabaseSettings
) -> None:
    execute(sample_database, "INSERT INTO owned_positions (positions, cash) VALUES ('MU:5', 7)")
    page.open("/trades")
    page.shows("On the platform since")
    hand = Hand(page, browser)
    hand.replace("#own-cash", "20\n")
    page.waits_for("document.getElementById('orders').innerText.includes('$20.00 cash')", "the new sum counts")
    assert kept_by(platform)["cash"] == 20.0
    hand.click("#own-place input[value=browser]")
    hand.replace("#own-cash", "30\n")
    page.waits_for("document.getElementById('orders').innerText.includes('$30.00 cash')", "the browser's counts")
    page.open("/trades?period=5")
    page.waits_for("document.getElementById('orders').innerText.includes('$30.00 cash')", "and goes on counting")
    hand.click("#own-forget")
    page.shows(texts.NOTHING_YET.en)
    assert kept_by(platform)["cash"] == 20.0, "what was kept in the browser was forgotten there"


def test_what_cannot_be_read_or_counted_is_said(page: Page, browser: WebDriver) -> None:
    Hand(page, browser).type("#own-positions", "Symbol,Quantity,Currency\nNVDA,ten,USD\nMU,5,EUR\nNOSUCH,1,USD")
    page.click_on("#own-show")
    page.shows(texts.LINE.en.format(line=2, why=texts.NO_NUMBER.en.format(ticker="NVDA", typed="ten")))
    left_out = " ".join(page.texts("#left-out li"))
    assert "MU 5" in left_out and "listed in EUR" in left_out and "NOSUCH" in left_out


@pytest.mark.parametrize("typed", ["-10", "abc", "1e12"])
def test_what_is_no_sum_of_cash_is_said(page: Page, browser: WebDriver, typed: str) -> None:
    page.resize(PHONE)
    Hand(page, browser).type("#own-cash", f"{typed}\n")
    page.shows(texts.CASH_REFUSED.en.format(typed=typed, largest="1,000,000,000"))
    page.waits_for("scrollY > 0", "the reader is taken to it")


@pytest.mark.parametrize("name", ["orders", "ibkr-basket", "ghostfolio-activities"])
def test_orders_are_saved_as_files(page: Page, browser: WebDriver, api: Server, name: str) -> None:
    Hand(page, browser).type("#own-cash", "10000\n")
    page.shows(texts.TO_DO.en)
    rows = list(csv.DictReader(io.StringIO(page.download(f"button[id*='{name}']"))))
    found = api.answer("/stocks/owned-trades?period=20&cash=10000")["orders"]
    shares = [float(row.get("Quantity") or row["shares"]) for row in rows]
    kept = [each for each in found if name == "orders" or each["side"] != "keep"]
    assert kept and shares == [each["shares"] for each in kept]
