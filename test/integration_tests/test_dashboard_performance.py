"""How the portfolios have done, in a real browser, against the API."""

import base64
import csv
import io
import re
from typing import Any

import pytest
from selenium.webdriver.remote.webdriver import WebDriver

from browsing import Page, Server
from dashboard.page import signed
from dashboard.texts import performance, tear_sheet
from ops.looking.browser import cdp

ROUTE = "/dashboard/performance"


def of_period(api: Server, days: int, query: str = "") -> dict[str, Any]:
    return next(each for each in api.answer(f"{ROUTE}{query}")["portfolios"] if each["period_days"] == days)


@pytest.mark.parametrize(("period", "days"), [("20", 20), ("monthly", 0)])
def test_the_facts_are_those_of_the_api(page: Page, api: Server, period: str, days: int) -> None:
    page.open(f"/performance?period={period}")
    followed = of_period(api, days)
    facts = page.texts(".facts dd")
    for name in ("total_return_net", "total_return_gross", "benchmark_return", "max_drawdown"):
        assert signed(followed[name]) in facts, name
    assert f"{followed['turnover_average']:.2%}" in facts and str(followed["session_count"]) in facts
    hindsight = performance.HINDSIGHT.en.format(count=followed["hindsight_sessions"], sessions=19)
    assert hindsight in page.text
    assert tear_sheet.TOO_FEW.en.format(count=19, needed=60) in page.text


def test_the_comparison_leads_to_the_other_portfolio(page: Page, api: Server) -> None:
    page.open("/performance?period=20")
    assert [row[:2] for row in page.table("comparison")] == [
        [name, signed(of_period(api, days)["total_return_net"])] for name, days in (("20 sessions", 20), ("Monthly", 0))
    ]
    page.click("Monthly")
    assert page.address == "/performance?period=monthly"
    assert page.texts(".selector .selected")[0] == "month"


def test_the_chart_has_three_parts_and_names_its_lines(page: Page, api: Server) -> None:
    page.open("/performance?period=20")
    drawn = page.texts("#performance .annotation-text")
    for title in (performance.VALUE, performance.DRAWDOWN, performance.TURNOVER):
        assert title.en in drawn
    assert f"Net{signed(of_period(api, 20)['total_return_net'])}" in drawn
    assert page.run("return document.querySelectorAll('#performance .scatterlayer .trace').length") == 5


def test_the_record_as_of_a_session(page: Page, api: Server) -> None:
    page.open("/performance?period=20&as_of=2026-07-30")
    then = of_period(api, 20, "?as_of_date=2026-07-30")
    assert signed(then["total_return_net"]) in page.texts(".facts dd")
    assert "As of Thu 30 Jul 2026." in page.text
    page.click("Show the newest")
    assert page.address == "/performance?period=20"


def test_the_download_has_the_apis_digits(page: Page, api: Server) -> None:
    page.open("/performance?period=20")
    rows = list(csv.DictReader(io.StringIO(page.download("a[href^='/download/performance.csv']"))))
    followed = of_period(api, 20)
    assert [row["trade_date"] for row in rows] == followed["sessions"]
    for column, name in (("net_value", "net"), ("gross_value", "gross"), ("benchmark_value", "benchmark")):
        assert [float(row[column]) for row in rows] == followed[name]


def test_a_portfolio_that_has_not_been_held_says_what_to_do(page: Page) -> None:
    page.open("/performance?period=5")
    assert performance.EMPTY_TITLE.en in page.text and "./start.sh run performance" in page.text


def test_the_months_are_those_of_the_series(page: Page, api: Server) -> None:
    page.open("/performance?period=20")
    followed = of_period(api, 20)
    ends = {day[:7]: value for day, value in zip(followed["sessions"], followed["net"], strict=True)}
    befores = [followed["net"][0], *ends.values()]
    expected = [signed(end / before - 1) for end, before in zip(ends.values(), befores, strict=False)]
    own = page.table("monthly-returns")[0]
    assert [cell for cell in own[2:14] if cell] == expected
    assert own[14] == signed(followed["net"][-1] - 1)


def test_a_range_is_chosen_and_counted_from_its_first_session(page: Page, api: Server) -> None:
    page.open("/performance?period=20")
    page.click(tear_sheet.RANGES["ytd"].en)
    assert page.address == "/performance?period=20&range=ytd"
    whole = of_period(api, 20)["net"]
    page.click(tear_sheet.RANGES["1m"].en)
    shown = page.run("return document.querySelector('#performance .js-plotly-plot').data[2].y")
    assert shown[0] == 1.0 and len(shown) <= len(whole)
    assert page.table("figures")[0][1] == signed(shown[-1] - 1)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_sheet_is_one_page_on_paper(page: Page, browser: WebDriver, language: str) -> None:
    page.prefer(language=language)
    page.open("/performance?period=20")
    assert not page.texts(".only-paper")
    page.run("window.dispatchEvent(new Event('beforeprint'))")
    a4 = {"paperWidth": 8.27, "paperHeight": 11.69, "preferCSSPageSize": True}
    pdf = base64.b64decode(cdp(browser, "Page.printToPDF", **a4)["data"])
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1


def test_the_button_opens_the_browsers_printing(page: Page) -> None:
    page.open("/performance?period=20")
    page.run("window.print = () => { window.printed = true; }")
    page.click_on("button.print")
    assert page.run("return window.printed")
