"""What a reader sees first in a real browser: what changed, how it has done, whether it is current, in their time."""

from selenium.webdriver.remote.webdriver import WebDriver

from browsing import Page, Server
from dashboard.page import signed
from dashboard.texts import summary, trades
from ops.looking.browser import PHONE, Screen, cdp

LAPTOP = Screen("laptop", 1366, 768)


def weights(api: Server, day: str) -> dict[str, float]:
    portfolios = api.answer(f"/dashboard/active-allocations?as_of_date={day}&period_days=20")["portfolios"]
    return {each["ticker"]: each["portfolio_weight"] for each in portfolios[0]["positions"]}


def test_what_changed_is_the_difference_of_the_two_sessions(page: Page, api: Server) -> None:
    page.open("/?period=20")
    before, now = weights(api, "2026-08-20"), weights(api, "2026-08-21")
    [told] = page.texts(".changed")
    assert "Changed since Thu 20 Aug" in told
    # Cash is a weight as well: more is sold than bought when it grows.
    changes = [now.get(each, 0) - before.get(each, 0) for each in {**before, **now}]
    moved = max(sum(change for change in changes if change > 0), -sum(change for change in changes if change < 0))
    assert summary.MOVED.en.format(share=f"{moved:.2%}") in told
    linked = page.run("return [...document.querySelectorAll('.changed a.ticker')].map(each => each.textContent)")
    assert linked and set(linked) <= set(before) | set(now)


def test_all_that_comes_first_fits_a_laptops_window(page: Page) -> None:
    page.resize(LAPTOP)
    page.open("/?period=20")
    bottom = page.run("return document.querySelector('.first-cards').getBoundingClientRect().bottom")
    assert 0 < bottom < LAPTOP.height * 0.7


def test_what_to_do_leads_to_the_trades(page: Page) -> None:
    page.open("/?period=10")
    page.click(trades.FROM_OWNED.en)
    assert page.address == "/trades?period=10"


def test_the_record_is_a_line_and_a_sentence(page: Page, api: Server) -> None:
    page.open("/?period=20")
    followed = next(each for each in api.answer("/dashboard/performance")["portfolios"] if each["period_days"] == 20)
    assert signed(followed["total_return_net"]) in page.texts(".done")[0]
    assert page.run("return document.querySelector('.done img').naturalWidth") > 0


def test_moments_are_told_in_the_readers_own_time_as_well(page: Page, browser: WebDriver) -> None:
    cdp(browser, "Emulation.setTimezoneOverride", timezoneId="Asia/Seoul")
    try:
        page.open("/?period=20")
        page.shows(summary.NEXT_RUN.en)
        page.waits_for("document.querySelectorAll('#runs time[data-local]').length === 2", "both have a local time")
        utc, local = page.run(
            "const last = [...document.querySelectorAll('#runs time')].pop();"
            "return [last.textContent, last.dataset.local]"
        )
        assert utc.endswith("09:00 UTC") and "18:00" in local
    finally:
        cdp(browser, "Emulation.setTimezoneOverride", timezoneId="")


def test_on_a_phone_the_cards_stand_one_below_the_other(page: Page) -> None:
    page.resize(PHONE)
    page.open("/?period=20")
    tops = page.run("return [...document.querySelectorAll('.first-cards > *')].map(e => e.getBoundingClientRect().top)")
    assert tops == sorted(tops) and len(set(tops)) == 3 and page.width_overflow() == 0
