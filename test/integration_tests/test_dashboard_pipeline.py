"""The pipeline's view in a real browser, against the API: how each stage went and why, who is behind."""

from browsing import Page, Server
from config.stages import STAGES
from dashboard.page import typeset_words
from dashboard.texts import common


def test_each_cell_is_the_newest_run_of_the_api(page: Page, api: Server) -> None:
    page.open("/pipeline")
    sessions = {each["as_of_date"]: each for each in api.answer("/dashboard/pipeline?sessions=10")["sessions"]}
    rows = page.table("stages")
    assert len(rows) == len(sessions)
    newest = sessions["2026-08-21"]["runs"]
    states = {run["dag_id"]: run["state"] for run in reversed(newest)}
    assert states[STAGES["benchmark"]] == "late"
    assert "late" in rows[0][1] and "failed" in rows[1][2] and "skipped" in rows[1][1]


def test_a_reason_is_read_and_its_run_opened(page: Page, api: Server) -> None:
    page.open("/pipeline")
    reason = "Yahoo has no bar of 2026-08-21 for IWM yet; the others are sent"
    page.run("document.querySelectorAll('#stages details').forEach(each => each.open = true)")
    page.shows(reason)
    runs = [run for each in api.answer("/dashboard/pipeline?sessions=10")["sessions"] for run in each["runs"]]
    assert {run["airflow_url"] for run in runs if run["dag_id"] in STAGES.values()} <= set(
        page.run("return [...document.querySelectorAll('#stages a')].map(each => each.getAttribute('href'))")
    )


def test_lag_gaps_and_errors_are_the_apis(page: Page, api: Server) -> None:
    page.open("/pipeline")
    state = api.answer("/dashboard/pipeline?sessions=10")
    shown = page.text
    for lag in state["consumers"]:
        assert lag["consumer_group"] in shown and f"{lag['end_offset']:,}" in shown
    for error in state["newest_errors"]:
        assert typeset_words(error["error_msg"]) in shown
    assert common.SOURCE_BANNERS["simulated"].en in shown


def test_the_range_is_in_the_address(page: Page) -> None:
    page.open("/pipeline")
    page.click("20")
    assert page.address == "/pipeline?sessions=20"
