"""The portfolios of a session and of a month, in a real browser, against the API and the database."""

import csv
import io
from contextlib import closing
from typing import Any

import pytest

from config.config import DatabaseSettings
from dashboard.texts import common, portfolio
from database.db_helper import connect, fetch


def of_period(api: Any, days: int) -> dict[str, Any]:
    portfolios = api.answer("/dashboard/active-allocations")["portfolios"]
    return next(each for each in portfolios if each["period_days"] == days)


def test_first_view_is_the_portfolio_as_the_api_gives_it(page: Any, api: Any) -> None:
    page.open()
    published = of_period(api, 20)["positions"]
    assert [(row["ticker"], row["portfolio_weight"], row["period_return"]) for row in page.grid("positions")] == [
        (each["ticker"], f"{each['portfolio_weight']:.2%}", f"{each['period_return']:+.2%}".replace("-", "−"))
        for each in published
    ]
    weights = [(each["ticker"], f"{each['portfolio_weight']:.2%}") for each in published]
    assert page.bars("weights") == [*weights, ("Cash", "5.00%")]
    assert "Fri 21 Aug 2026" in page.text and page.texts(".selector .selected")[0] == "20d"
    assert common.SOURCE_BANNERS["simulated"].en in page.text


def test_a_degraded_publication_has_a_banner(page: Any) -> None:
    page.open("/?period=20&as_of=2026-08-20")
    page.shows(common.DEGRADED.en.format(reason="XLB has no bar of 2026-08-13 (missing at the source)"))


def test_period_selector_changes_view_and_address(page: Any) -> None:
    page.open()
    page.click("10d")
    assert "Seen with hindsight: the ETF holdings are those of Fri 28 Aug 2026" in page.text
    assert page.address == "/?period=10" and page.texts(".selector .selected")[0] == "10d"
    assert [row["ticker"] for row in page.grid("positions")] == ["NEM", "MU", "GS"]
    page.click("5d")
    assert portfolio.EMPTY_TITLE.en in page.text
    assert "No ETF beat SPY with a positive return over 5 sessions" in page.text
    assert common.SOURCE_BANNERS["simulated"].en in page.text
    page.back()
    page.shows("Seen with hindsight")
    assert page.texts(".selector .selected")[0] == "10d"


def test_the_month_is_the_merged_portfolio_as_the_api_gives_it(page: Any, api: Any) -> None:
    page.open()
    page.click("month")
    assert "Sun 26 Jul 2026" in page.text
    assert page.address == "/?period=monthly" and page.texts(".selector .selected")[0] == "month"
    month = api.answer("/stocks/monthly-portfolio")
    assert [
        (row["final_rank"], row["ticker"], row["final_weight"], row["score"]) for row in page.grid("positions")
    ] == [
        (str(each["final_rank"]), each["ticker"], f"{each['final_weight']:.2%}", f"{each['score']:.1f}")
        for each in month["positions"]
    ]
    assert "WELL" in page.text, "what is no longer in it"


def test_address_can_be_shared(page: Any) -> None:
    page.open("/?period=20&as_of=2026-08-20")
    assert "Thu 20 Aug 2026" in page.text
    assert [row["ticker"] for row in page.grid("positions")] == ["GS", "NVDA"]


@pytest.mark.parametrize(
    ("search", "title", "detail", "way_back"),
    [
        ("?period=20&as_of=2026-08-19", common.NOT_PUBLISHED_TITLE, "portfolio of 2026-08-19", common.SHOW_NEWEST),
        ("?period=20&as_of=2026-08-22", common.BAD_ADDRESS_TITLE, "the nearest are 2026-08-21", common.SHOW_NEWEST),
        ("?period=7", common.BAD_ADDRESS_TITLE, "choose one of 5, 10, 20, monthly", common.SHOW_NEWEST),
        ("?as_of=yesterday", common.BAD_ADDRESS_TITLE, "YYYY-MM-DD", common.SHOW_NEWEST),
    ],
)
def test_addresses_without_a_portfolio_lead_back(
    page: Any, search: str, title: Any, detail: str, way_back: Any
) -> None:
    page.open(f"/{search}")
    assert title.en in page.text
    assert detail in page.text
    page.click(way_back.en)
    assert "Newmont Corporation" in page.text


def test_a_table_is_downloaded_with_all_digits(page: Any, api: Any) -> None:
    page.open()
    rows = list(csv.DictReader(io.StringIO(page.download("a[download='portfolio.csv']"))))
    assert [(row["ticker"], float(row["portfolio_weight"]), float(row["score"])) for row in rows] == [
        (each["ticker"], each["portfolio_weight"], each["score"]) for each in of_period(api, 20)["positions"]
    ]


def test_why_a_weight_is_what_it_is_as_the_database_has_it(page: Any, sample_database: DatabaseSettings) -> None:
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
    assert f"{micron['period_return']:+.2%}" in shown
    assert f"{micron['score']:.4e} ÷ {total:.4e} = {micron['score'] / total:.2%}" in shown


def test_the_date_picker_leads_to_another_published_session(page: Any) -> None:
    page.open("/?period=20")
    page.click("‹")
    assert page.address == "/?period=20&as_of=2026-08-20"
    assert [row["ticker"] for row in page.grid("positions")] == ["GS", "NVDA"]
    page.click("newest")
    assert "Fri 21 Aug 2026" in page.text


def test_the_table_is_followed_with_the_keyboard(page: Any) -> None:
    page.open()
    page.run("document.querySelector('#positions .ag-row[row-index=\"1\"] [col-id=why]').focus()")
    page.press("Enter")
    page.shows("WHY 000660.KS HAS")
    assert page.address == "/?why=000660.KS"
