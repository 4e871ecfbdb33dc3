"""The map and the tickers' pages in a real browser, against the API."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver

import browsing
from browsing import Page, Server, violations
from config.config import DatabaseSettings
from dashboard.page import signed
from dashboard.texts import common, market_map, ticker
from ops.looking.browser import PHONE

TILES = "#market-map .slice"
READING = ticker.PRICES_READING.en.format(up="blue", down="orange")


def stocks_of(api: Server, query: str = "") -> dict[str, dict[str, Any]]:
    sectors = api.answer(f"/dashboard/market-map{query}")["sectors"]
    return {stock["ticker"]: stock for sector in sectors for stock in sector["stocks"]}


def tiles_of(page: Page) -> dict[str, str]:
    """Return the texts of the map's tiles by their first word: "NEM" -> "NEM+11.70%"."""
    lines: list[list[str]] = page.run(
        "return [...document.querySelectorAll(arguments[0])].map(tile => "
        "[...tile.querySelectorAll('tspan.line')].map(line => line.textContent))",
        TILES,
    )
    return {words[0]: words[1] for words in lines if len(words) == 2}


def tile(browser: WebDriver, label: str) -> Any:
    return next(
        each
        for each in browser.find_elements(By.CSS_SELECTOR, TILES)
        if (each.get_attribute("textContent") or "").startswith(label)
    )


@pytest.mark.parametrize("window", ["1d", "5d", "20d", "month"])
def test_the_map_is_every_stock_with_its_return(page: Page, api: Server, window: str) -> None:
    page.open(f"/map?window={window}")
    gains = {symbol: stock[f"return_{window}"] for symbol, stock in stocks_of(api).items()}
    assert len(gains) == 10
    assert tiles_of(page) == {symbol: signed(gain) for symbol, gain in gains.items()}


def test_area_is_market_cap(page: Page, api: Server) -> None:
    page.open("/map")
    areas = page.run(
        "return Object.fromEntries([...document.querySelectorAll(arguments[0])].map(tile => {"
        "const box = tile.querySelector('path.surface').getBBox();"
        "return [(tile.querySelector('tspan.line') || tile).textContent, box.width * box.height]}))",
        TILES,
    )
    stocks = stocks_of(api)
    by_cap = sorted(stocks, key=lambda symbol: -stocks[symbol]["market_cap"])
    assert sorted(stocks, key=lambda symbol: -areas[symbol]) == by_cap


def test_the_window_and_the_session_are_in_the_address(page: Page, api: Server) -> None:
    page.open("/map?as_of=2026-08-20")
    page.click("5d")
    assert page.address == "/map?as_of=2026-08-20&window=5d"
    assert tiles_of(page)["MU"] == signed(stocks_of(api, "?as_of_date=2026-08-20")["MU"]["return_5d"])


def test_a_tile_leads_to_its_stock_and_back(page: Page, browser: WebDriver) -> None:
    page.open("/map?window=5d")
    ActionChains(browser).move_to_element(tile(browser, "NEM")).perform()
    browsing.until(lambda: "Newmont Corporation" in "".join(page.texts("#market-map .hovertext")), "the card is shown")
    ActionChains(browser).click().perform()
    page.shows(READING)
    assert page.address == "/ticker/NEM" and page.texts("h1") == ["NEM"]
    page.back()
    browsing.until(lambda: len(tiles_of(page)) == 10, "the map is back")
    assert page.address == "/map?window=5d"


def test_a_sector_is_enlarged_and_the_map_comes_back(page: Page, browser: WebDriver) -> None:
    page.open("/map")
    whole = tiles_of(page)
    name = tile(browser, "Technology").find_element(By.TAG_NAME, "text")
    ActionChains(browser).move_to_element(name).click().perform()
    browsing.until(lambda: 0 < len(tiles_of(page)) < len(whole), "the sector is alone")
    assert page.address == "/map?sector=Technology"
    page.is_rendered()
    page.click(market_map.WHOLE_MAP.en.format(sector="Technology"))
    browsing.until(lambda: tiles_of(page) == whole, "the whole map is back")
    assert page.address == "/map"


def test_a_stock_is_found_on_the_map_with_the_keyboard(page: Page, browser: WebDriver) -> None:
    page.open("/map?window=5d")
    whole = tiles_of(page)
    browser.find_element(By.ID, "map-find").send_keys("삼성전자", Keys.ENTER)
    page.shows("005930.KS")
    browsing.until(lambda: 0 < len(tiles_of(page)) < len(whole), "its sector is alone")
    page.is_rendered()
    assert "005930.KS" in page.texts(".found a")
    widths = page.run("return [...document.querySelectorAll('#market-map .slice path')].map(e => e.style.strokeWidth)")
    assert widths.count("4") == 1
    assert violations(page) == []
    page.click(market_map.WHOLE_MAP.en.format(sector="Technology"))
    browsing.until(lambda: tiles_of(page) == whole, "the whole map is back")
    assert page.address == "/map?window=5d"


def test_equal_tiles_and_other_colours_are_chosen_with_the_keyboard(page: Page) -> None:
    page.open("/map")
    page.click(market_map.SIZES["equal"].en)
    assert page.address == "/map?size=equal"
    areas = page.run(
        "return [...document.querySelectorAll(arguments[0])]"
        ".filter(each => each.querySelectorAll('tspan.line').length > 1)"
        ".map(each => each.querySelector('path.surface').getBBox()).map(box => box.width * box.height)",
        TILES,
    )
    assert len(areas) == 10 and max(areas) < 1.15 * min(areas)
    page.run("document.querySelector('.map-options a[href*=red-blue]').focus()")
    page.press("Enter")
    page.waits_for("document.documentElement.dataset.colours === 'red-blue'", "the colours are kept")
    page.is_rendered()
    assert page.address == "/map?size=equal"
    assert page.texts(".map-options .selected") == [market_map.SIZES["equal"].en, "red–blue"]
    up, down = (
        page.run(f"return getComputedStyle(document.documentElement).getPropertyValue('--{each}')")
        for each in ("up", "down")
    )
    assert up != down and violations(page) == []
    page.open("/performance")
    assert page.run("return document.documentElement.dataset.colours") == "red-blue", "every view has them"


def test_the_list_leads_there_without_a_mouse(page: Page) -> None:
    page.open("/map")
    page.run("document.querySelector('.all-stocks').closest('details').open = true")
    [label] = [each for each in page.texts(".all-stocks a") if each.startswith("005930.KS")]
    page.click(label)
    assert page.texts("h1") == ["005930.KS"]


def test_the_etfs_are_those_of_the_api_the_farthest_ahead_first(page: Page, api: Server) -> None:
    page.open("/map")
    etfs = {each["ticker"]: each for each in api.answer("/dashboard/etf-benchmark?sessions=1")["etfs"]}
    shown = page.table("etfs")
    assert shown[0][0] == "SPY" and len(shown) == len(etfs)
    for row in shown:
        etf = etfs[row[0]]
        ahead = etf["outperformance_20d"]
        assert row[3] == ("–" if ahead is None else signed(ahead))
        assert row[4].split() == [f"{days}d" for days in (5, 10, 20) if etf[f"is_trending_{days}d"]] or row[4] == "–"
    known = [ahead for row in shown[1:] if (ahead := etfs[row[0]]["outperformance_20d"]) is not None]
    assert known == sorted(known, reverse=True)


def test_a_stocks_page_is_what_the_api_says(page: Page, api: Server) -> None:
    page.open("/ticker/NEM?range=1m")
    newest = api.answer("/stocks/NEM/latest")
    assert f"{newest['close_price']:,.2f} USD" in page.text
    held = api.answer("/etf-holdings/comparison/NEM")["etfs"]
    assert [(row[0], row[1]) for row in page.table("holders")] == [
        (each["etf_ticker"], f"{each['holding_percent']:.2%}") for each in held
    ]
    record = api.answer("/stocks/NEM/record")["appearances"]
    assert [(row[0], row[2]) for row in page.table("record")] == [
        (each["rebalance_date"] or each["as_of_date"], f"{each['weight']:.2%}") for each in record
    ]
    returns = api.answer("/stocks/NEM/history?limit=1")["returns"]
    assert [row[1] for row in page.table("returns")] == [signed(each["period_return"]) for each in returns]
    drawn = page.run("return document.getElementById('prices').querySelectorAll('.boxlayer .box').length")
    assert drawn == 22


def test_the_record_leads_to_the_portfolio(page: Page) -> None:
    page.open("/ticker/GS")
    page.click("2026-08-20")
    assert page.address.startswith("/?period=") and page.address.endswith("as_of=2026-08-20")
    assert "Thu 20 Aug 2026" in page.text and "GS" in page.text


def test_an_etfs_page_has_what_it_holds(page: Page, api: Server) -> None:
    page.open("/ticker/XLB")
    snapshots = api.answer("/dashboard/etf-holdings")["etfs"]
    [newest] = [each["holdings"] for each in snapshots if each["etf_ticker"] == "XLB"]
    assert [row[1] for row in page.table("holdings")] == [each["stock_ticker"] for each in newest]


def test_the_bars_can_be_downloaded(page: Page, api: Server) -> None:
    page.open("/ticker/MU?range=1m")
    rows = list(csv.DictReader(io.StringIO(page.download("a[href^='/download/prices.csv']"))))
    bars = api.answer("/stocks/MU/history?limit=22")["bars"]
    assert [(row["trade_date"], float(row["adj_close"])) for row in rows] == [
        (bar["trade_date"], bar["adj_close"]) for bar in bars
    ]


@pytest.mark.parametrize("typed", ["mu", " 005930.ks "])
def test_a_ticker_is_typed_on_any_view(page: Page, browser: WebDriver, typed: str) -> None:
    page.open("/map")
    browser.find_element(By.ID, "ticker-search").send_keys(typed, Keys.ENTER)
    page.shows(READING)
    assert page.texts("h1") == [typed.strip().upper()]
    assert browser.find_element(By.ID, "ticker-search").get_attribute("value") == ""


@pytest.mark.parametrize(
    ("typed", "found"),
    [("005930", "005930.KS"), ("삼성전자", "005930.KS"), ("sam", "005930.KS"), ("newmo", "NEM")],
)
def test_a_name_is_searched_with_the_keyboard(page: Page, browser: WebDriver, typed: str, found: str) -> None:
    page.open("/map?as_of=2026-08-20")
    field = browser.find_element(By.ID, "ticker-search")
    field.send_keys(typed)
    page.waits_for("document.querySelector('#ticker-suggestions li') !== null", "there are suggestions")
    assert page.run("return document.querySelector('#ticker-suggestions strong').textContent") == found
    assert field.get_attribute("role") == "combobox" and field.get_attribute("aria-expanded") == "true"
    field.send_keys(Keys.ARROW_DOWN)
    active = field.get_attribute("aria-activedescendant")
    assert page.run("return document.getElementById(arguments[0]).getAttribute('aria-selected')", active) == "true"
    assert violations(page) == []
    field.send_keys(Keys.ENTER)
    browsing.until(lambda: page.texts("h1") == [found], f"{found} is shown")
    assert page.address == f"/ticker/{found}?as_of=2026-08-20"


def test_escape_closes_the_suggestions_and_empties_the_field(page: Page, browser: WebDriver) -> None:
    page.open("/map")
    field = browser.find_element(By.ID, "ticker-search")
    field.send_keys("n")
    page.waits_for("!document.getElementById('ticker-suggestions').hidden", "there are suggestions")
    field.send_keys(Keys.ESCAPE)
    assert page.run("return document.getElementById('ticker-suggestions').hidden")
    field.send_keys(Keys.ESCAPE)
    assert field.get_attribute("value") == "" and page.address == "/map"


def test_a_suggestion_is_clicked_on_a_phone(page: Page, browser: WebDriver) -> None:
    page.resize(PHONE)
    page.open("/map")
    browser.find_element(By.ID, "ticker-search").send_keys("gold")
    page.waits_for("document.querySelector('#ticker-suggestions li') !== null", "there are suggestions")
    assert page.width_overflow() == 0
    box = page.run("return document.getElementById('ticker-suggestions').getBoundingClientRect()")
    assert box["left"] >= 0 and box["right"] <= PHONE.width
    page.click_on("#ticker-suggestions li")
    browsing.until(lambda: page.texts("h1") == ["GS"], "GS is shown")


def test_an_unknown_ticker_is_asked_what_it_means(page: Page) -> None:
    page.open("/ticker/samsung")
    page.shows(ticker.DID_YOU_MEAN.en)
    page.click("005930.KS")
    assert page.texts("h1") == ["005930.KS"]


def test_the_sessions_in_our_portfolios_are_marked_in_the_chart(page: Page, api: Server) -> None:
    page.open("/ticker/MU?as_of=2026-08-20")
    drawn = page.run(
        "return document.getElementById('prices').querySelector('.js-plotly-plot').data"
        ".filter(each => each.yaxis === 'y4').flatMap(each => each.x)"
    )
    record = api.answer("/stocks/MU/record?limit=1000")["appearances"]
    assert sorted(drawn) == sorted(each["as_of_date"] for each in record) != []
    assert "Thu 20 Aug" in page.texts("#prices .annotation-text")


@pytest.mark.parametrize("typed", ["NOSUCH", "A/B ?"])
def test_what_nobody_knows_leads_to_the_map(page: Page, browser: WebDriver, typed: str) -> None:
    page.open("/map")
    browser.find_element(By.ID, "ticker-search").send_keys(typed, Keys.ENTER)
    page.shows(common.UNKNOWN_TICKER_TITLE.en)
    page.click(ticker.TO_MAP.en)
    assert page.address == "/map" and len(tiles_of(page)) == 10


def test_before_anything_is_stored_the_map_says_what_to_run(
    page_at: Callable[[Server], Page], empty_database: DatabaseSettings
) -> None:
    api = browsing.api_server(empty_database)
    lost = browsing.dashboard_server(api.url)
    with browsing.running(api, lost):
        page = page_at(lost)
        page.open("/map")
        assert market_map.EMPTY_TITLE.en in page.text and market_map.NO_ETFS_TITLE.en in page.text
