"""The pipeline's view in a real browser, against the API: how each stage went and why, who is behind."""

from datetime import datetime, timedelta

from browsing import Page, Server
from config.config import DatabaseSettings
from config.stages import STAGES
from dashboard.page import typeset_words
from dashboard.texts import common, pipeline
from sample_api import execute


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


def refresh(page: Page) -> None:
    """Let the view's clock tick, and wait until the view is drawn anew."""
    page.run("document.querySelector('#seen').dataset.old = 'yes'")
    page.run("dash_clientside.set_props('pipeline-clock', { n_intervals: Date.now() })")
    page.waits_for("document.querySelector('#seen:not([data-old])') !== null", "the view is drawn anew")


def set_state(database: DatabaseSettings, state: str) -> None:
    """Give the run of stage 1 about the newest session another state."""
    where = "dag_id = 'daily_benchmark_etf_collection' AND as_of_date = '2026-08-21'"
    execute(database, f"UPDATE logs_stage_run SET state = '{state}' WHERE {where}")


def test_the_view_refreshes_itself(page: Page, sample_database: DatabaseSettings) -> None:
    page.open("/pipeline")
    assert "late" in page.table("stages")[0][1]
    set_state(sample_database, "failed")
    try:
        refresh(page)
        assert "failed" in page.table("stages")[0][1]
    finally:
        set_state(sample_database, "late")


def test_what_is_open_stays_open_and_the_keyboard_stays_there(page: Page) -> None:
    page.open("/pipeline")
    page.run(
        "const [one, other] = document.querySelectorAll('#stages details'); one.open = true; window.name = one.id;"
        "one.querySelector('summary').focus();"
    )
    refresh(page)
    page.waits_for("document.getElementById(window.name).open", "it is open again")
    page.waits_for("document.activeElement.parentElement.id === window.name", "it has the focus again")
    assert page.run("return document.querySelectorAll('#stages details[open]').length") == 1


def test_durations_are_those_of_the_apis_runs(page: Page, api: Server) -> None:
    page.open("/pipeline")
    sessions = api.answer("/dashboard/pipeline?sessions=10")["sessions"]
    done = [run for each in sessions for run in each["runs"] if run["state"] == "green" and run["stage"]]
    [only] = done
    took = datetime.fromisoformat(only["ended_at"]) - datetime.fromisoformat(only["started_at"])
    assert took == timedelta(minutes=1)
    assert page.table("durations") == [[pipeline.STAGES[only["stage"]].en, *["1 min 0 s"] * 3, "–"]]
