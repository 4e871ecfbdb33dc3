"""The portfolios of a session and of a month, in a real browser, against the API and the database."""

import csv
import io
from contextlib import closing
from typing import Any

import pytest

from browsing import Page, Server
from config.config import DatabaseSettings
from dashboard.page import signed, typeset_words
from dashboard.texts import common, evidence, portfolio
from database.db_helper import connect, fetch
from reason_words import words_in


def of_period(api: Server, days: int) -> dict[str, Any]:
    portfolios = api.answer("/dashboard/active-allocations")["portfolios"]
    return next(each for each in portfolios if each["period_days"] == days)


def test_first_view_is_the_portfolio_as_the_api_gives_it(page: Page, api: Server) -> None:
    page.open()
    published = of_period(api, 20)["positions"]
    assert [(row["Ticker"], row["Weight"], row["Return 20d"]) for row in page.rows("positions")] == [
        (each["ticker"], f"{each['portfolio_weight']:.2%}", f"{each['period_return']:+.2%}".replace("-", "−"))
        for each in published
    ]
    weights = {**{each["ticker"]: each["portfolio_weight"] for each in published}, "Cash": 0.05}
    bars = page.bars("weights")
    assert [(name, figure) for name, figure, _ in bars] == [(name, f"{each:.2%}") for name, each in weights.items()]
    longest, largest = max(pixels for *_, pixels in bars), max(weights.values())
    assert [pixels / longest for *_, pixels in bars] == pytest.approx(
        [each / largest for each in weights.values()], abs=0.01
    )
    assert "Fri 21 Aug 2026" in page.text and page.texts(".selector .selected")[0] == "20d"
    assert common.SOURCE_BANNERS["simulated"].en in page.text


def test_a_degraded_publication_has_a_banner(page: Page) -> None:
    page.open("/?period=20&as_of=2026-08-20")
    page.shows(common.DEGRADED.en.format(reason="XLB has no bar of 2026-08-13 (missing at the source)"))


def test_period_selector_changes_view_and_address(page: Page) -> None:
    page.open()
    page.click("10d")
    assert "Seen with hindsight: the ETF holdings are those of Fri 28 Aug 2026" in page.text
    assert page.address == "/?period=10" and page.texts(".selector .selected")[0] == "10d"
    assert [row["Ticker"] for row in page.rows("positions")] == ["NEM", "MU", "GS"]
    page.click("5d")
    assert portfolio.EMPTY_TITLE.en in page.text
    assert "No ETF trends over 5 sessions" in page.text
    assert common.SOURCE_BANNERS["simulated"].en in page.text
    page.back()
    page.shows("Seen with hindsight")
    assert page.texts(".selector .selected")[0] == "10d"


def test_a_link_changes_the_view_and_does_not_load_the_page_again(page: Page) -> None:
    page.open()
    page.run("window.isSamePage = true; window.scrollTo(0, 500)")
    page.click("NEM")
    assert page.address == "/ticker/NEM"
    assert page.run("return [window.isSamePage, window.scrollY]") == [True, 0]
    page.back()
    page.shows("WHY NEM HAS")


def test_the_month_is_the_merged_portfolio_as_the_api_gives_it(page: Page, api: Server) -> None:
    page.open()
    page.click("month")
    assert "Sun 26 Jul 2026" in page.text
    assert page.address == "/?period=monthly" and page.texts(".selector .selected")[0] == "month"
    month = api.answer("/stocks/monthly-portfolio")
    assert [(row["#"], row["Ticker"], row["Weight"], row["Score"]) for row in page.rows("positions")] == [
        (str(each["final_rank"]), each["ticker"], f"{each['final_weight']:.2%}", f"{each['score']:.1f}")
        for each in month["positions"]
    ]
    assert "WELL" in page.text, "what is no longer in it"


def test_address_can_be_shared(page: Page) -> None:
    page.open("/?period=20&as_of=2026-08-20")
    assert "Thu 20 Aug 2026" in page.text
    assert [row["Ticker"] for row in page.rows("positions")] == ["GS", "NVDA"]


@pytest.mark.parametrize(
    ("search", "title", "detail", "way_back"),
    [
        ("?period=20&as_of=2026-08-19", common.NOT_PUBLISHED_TITLE, "portfolio of 2026-08-19", common.SHOW_NEWEST),
        ("?period=20&as_of=2026-08-22", common.NO_SESSION_TITLE, "the nearest are 2026-08-21", common.SHOW_NEWEST),
        ("?period=7", common.BAD_ADDRESS_TITLE, "choose one of 5, 10, 20, monthly", common.SHOW_NEWEST),
        ("?as_of=yesterday", common.BAD_ADDRESS_TITLE, "YYYY-MM-DD", common.SHOW_NEWEST),
    ],
)
def test_addresses_without_a_portfolio_lead_back(
    page: Page, search: str, title: Any, detail: str, way_back: Any
) -> None:
    page.open(f"/{search}")
    assert title.en in page.text
    assert detail in page.text
    page.click(way_back.en)
    assert "Newmont Corporation" in page.text


def test_a_table_is_downloaded_with_all_digits(page: Page, api: Server) -> None:
    page.open()
    rows = list(csv.DictReader(io.StringIO(page.download("a[download='portfolio.csv']"))))
    assert [(row["ticker"], float(row["portfolio_weight"]), float(row["score"])) for row in rows] == [
        (each["ticker"], each["portfolio_weight"], each["score"]) for each in of_period(api, 20)["positions"]
    ]


def test_why_a_weight_is_what_it_is_as_the_database_has_it(page: Page, sample_database: DatabaseSettings) -> None:
    with closing(connect(sample_database)) as conn:
        rows = fetch(
            conn,
            "SELECT ticker, period_return, score, portfolio_weight FROM analytics_portfolio_allocation"
            " WHERE as_of_date = '2026-08-21' AND period_days = 20",
            {},
        )
    stored = {row["ticker"]: row for row in rows}
    total = sum(row["score"] for row in rows)
    page.open("/?period=20&why=MU")
    shown, micron = page.text, stored["MU"]
    assert page.texts(".why h2") == [f"Why MU has {micron['portfolio_weight']:.2%}"]
    assert signed(micron["period_return"]) in shown
    assert f"{micron['score'] * 1e12:,.3f} ÷ {total * 1e12:,.3f} = {micron['score'] / total:.2%}" in shown


def test_a_weight_leads_down_to_the_source(page: Page, api: Server) -> None:
    page.open("/?period=20&why=MU")
    page.click(portfolio.TO_SOURCE.en)
    assert page.address == "/evidence/MU?period=20&as_of=2026-08-21"
    said = api.answer("/evidence/weights/2026-08-21/20/MU")
    own = next(each for each in said["positions"] if each["ticker"] == "MU")
    shown = [(row[0], row[1]) for row in page.table("inputs")]
    assert shown[0] == ("MU adjusted close", own["start"]["trade_date"])
    assert f"{said['weight']:.2%}" in page.texts("h1")[0]
    folded = "document.querySelector('details')"
    assert page.run(f"return {folded}.open") is False
    page.open(page.address)
    assert page.out_of_reach() == []
    page.click_on("details summary")
    page.waits_for(f"{folded}.open", "the scores of all positions are open")
    assert len(page.table("scores")) == len(said["positions"]) + 1
    page.click(evidence.BACK.en)
    page.shows("WHY MU HAS")


def test_the_date_picker_leads_to_another_published_session(page: Page) -> None:
    page.open("/?period=20")
    page.click("‹")
    assert page.address == "/?period=20&as_of=2026-08-20"
    assert [row["Ticker"] for row in page.rows("positions")] == ["GS", "NVDA"]
    page.click("newest")
    assert "Fri 21 Aug 2026" in page.text


def test_a_heading_sorts_the_table_and_turns_it(page: Page) -> None:
    page.open()
    weights = [float(row["Weight"].removesuffix("%")) for row in page.rows("positions")]
    assert weights == sorted(weights, reverse=True) and len(set(weights)) > 2

    def shown_after_click(heading: str) -> list[str]:
        page.run(
            "[...document.querySelectorAll('#positions th button')].find(e => e.innerText === arguments[0]).click()",
            heading,
        )
        return [row[heading] for row in page.rows("positions")]

    assert [float(each.removesuffix("%")) for each in shown_after_click("Weight")] == sorted(weights)
    assert page.run("return document.querySelector('#positions [aria-sort=ascending]').innerText") == "Weight"
    assert [float(each.removesuffix("%")) for each in shown_after_click("Weight")] == weights
    tickers = shown_after_click("Ticker")
    assert tickers == sorted(tickers)
    assert page.run("return document.querySelectorAll('#positions [aria-sort]').length") == 1


def test_the_table_is_followed_with_the_keyboard(page: Page) -> None:
    page.open()
    page.run("document.querySelector('#positions tbody tr:nth-child(2) a[href*=why]').focus()")
    page.press("Enter")
    page.shows("WHY 000660.KS HAS")
    assert page.address == "/?why=000660.KS"


def test_the_calendar_offers_published_sessions_alone(page: Page) -> None:
    page.open("/?period=20")
    page.click_on(".picker .dash-datepicker-input-wrapper")
    page.run("window.days = () => [...document.querySelectorAll('.dash-datepicker-content td')]")
    page.waits_for("days().length", "the calendar is open")
    offered = "days().filter(day => day.innerText.trim() && !day.className.includes('disabled'))"
    assert page.run(f"return {offered}.map(day => day.innerText.trim())") == ["20", "21"]
    page.run("document.getElementById('view').dataset.shows = ''")
    page.click_on(".dash-datepicker-content td[tabindex]:not([class*=disabled]):not([class*=selected])")
    page.is_rendered()
    assert page.address == "/?period=20&as_of=2026-08-20"
    assert [row["Ticker"] for row in page.rows("positions")] == ["GS", "NVDA"]


def test_each_candidate_has_the_verdict_that_the_database_has(page: Page, sample_database: DatabaseSettings) -> None:
    with closing(connect(sample_database)) as conn:
        rows = fetch(
            conn,
            "SELECT ticker, exclusion_reason FROM analytics_allocation_candidates"
            " WHERE as_of_date = '2026-08-21' AND period_days = 20 AND etf_ticker = 'QQQ' ORDER BY holding_rank",
            {},
        )
    page.open("/?period=20&why=MU")
    shown = [(row[1], row[-1]) for row in page.table("offer-QQQ")]
    assert shown == [
        (row["ticker"], typeset_words(words_in(row["exclusion_reason"]) or "") or portfolio.CHOSEN.en) for row in rows
    ]
    assert len(shown) > 1


def test_how_it_has_done_is_what_the_api_says(page: Page, api: Server) -> None:
    page.open()
    followed = {each["period_days"]: each for each in api.answer("/dashboard/performance")["portfolios"]}[20]
    [told] = page.texts("#record")
    for share in ("total_return_net", "benchmark_return", "max_drawdown"):
        assert signed(followed[share]) in told, share
    assert f"Followed for {followed['session_count']} sessions" in told
