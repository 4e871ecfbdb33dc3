"""What is told first of a portfolio: its changes, its concentration, and how the last run went."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec import convert

import dashboard_samples as samples
from config.stages import STAGES
from contract.pipeline import Calendar, SessionState
from contract.portfolios import Position
from dashboard.page import Page
from dashboard.texts import Language
from dashboard.texts import pipeline as pipeline_texts
from dashboard.texts import summary as texts
from dashboard.views import summary
from reason_words import explained
from utils.reasons import reason

DAGS = list(STAGES.values())
NOW = datetime(2026, 8, 21, 14, tzinfo=UTC)


def positions(**weights: float) -> list[Position]:
    given = [samples.position(rank, ticker, weight) for rank, (ticker, weight) in enumerate(weights.items(), 1)]
    return convert(explained(given), list[Position])


def run(dag_id: str, state: str, ended_at: str | None = "2026-08-21T13:05:00Z", **changes: Any) -> dict[str, Any]:
    return {
        "dag_id": dag_id,
        "stage": None,
        "run_id": "one",
        "as_of_date": "2026-08-20",
        "state": state,
        "reason": None,
        "started_at": "2026-08-21T13:00:00Z",
        "ended_at": ended_at,
        "airflow_url": "http://airflow",
        **changes,
    }


def publication(**changes: Any) -> dict[str, Any]:
    return {
        **{"job": "allocation", "as_of_date": "2026-08-20", "period_days": 20, "status": "published"},
        **{"reason": None, "degraded_reason": None, "source": "yahoo", "published_at": "2026-08-21T13:03:00Z"},
        **{"row_count": 1, "holdings_as_of": None, "run_id": None},
        **changes,
    }


def session(*runs: dict[str, Any], publications: Any = ()) -> dict[str, Any]:
    return {"as_of_date": "2026-08-20", "publications": list(publications), "bars": {}, "runs": list(runs)}


def drawn(now: Any, before: dict[str, float] | None, language: Language = "en") -> str:
    told = samples.summary(previous_weights=before)
    answers = {"/dashboard/calendar": samples.calendar(), "/dashboard/summary": told}
    api = samples.Api({"/dashboard/active-allocations": samples.allocations(now), **answers})
    view = samples.drawn(api, "/", language)
    changed = next(each for each in samples.parts(view) if getattr(each, "className", "") == "panel changed")
    return " ".join(samples.text_of(changed).split())


def test_changes_are_ordered_by_size_and_what_stays_the_same_is_none() -> None:
    found = summary.changes({"A": 0.5, "B": 0.3, "C": 0.2}, positions(A=0.1, D=0.69999, C=0.20001))
    assert [(each.ticker, round(each.difference, 4)) for each in found] == [("D", 0.7), ("A", -0.4), ("B", -0.3)]


def test_who_came_who_went_and_whose_weight_moved_is_named() -> None:
    now = samples.portfolio(samples.position(1, "MU", 0.7), samples.position(2, "NEM", 0.3))
    told = drawn(now, {"GS": 0.6, "MU": 0.4})
    assert "Changed since Thu 20 Aug" in told
    for line in ("In NEM 30.00%", "Out GS 60.00%", "Weight up most MU", "+30.00 points"):
        assert line in told, line
    assert texts.DOWN_MOST.en not in told
    assert texts.MOVED.en.format(share="60.00%") in told


@pytest.mark.parametrize(
    ("before", "now", "share"),
    [
        ({}, {"NVDA": 0.6, "MU": 0.4}, "100.00%"),
        ({"NVDA": 0.6, "MU": 0.4}, {}, "100.00%"),
        ({}, {"NVDA": 0.3, "MU": 0.3}, "60.00%"),
        ({"GS": 0.5, "MU": 0.5}, {"GS": 0.25, "MU": 0.25}, "50.00%"),
        ({"GS": 0.4, "MU": 0.4}, {"GS": 0.7, "NEM": 0.3}, "60.00%"),
        ({"GS": 0.5, "MU": 0.5}, {"GS": 0.5, "NEM": 0.5}, "50.00%"),
    ],
)
def test_what_comes_from_cash_or_becomes_cash_moves_too(
    before: dict[str, float], now: dict[str, float], share: str
) -> None:
    shown = samples.portfolio(*(samples.position(n, *each) for n, each in enumerate(now.items(), 1)))
    assert texts.MOVED.en.format(share=share) in drawn(shown, before)
    assert texts.MOVED.ko.format(share=share) in drawn(shown, before, "ko")


def test_an_unchanged_portfolio_says_so() -> None:
    assert texts.NOTHING_CHANGED.ko in drawn(samples.portfolio(samples.position(1, "GS", 1.0)), {"GS": 1.0}, "ko")


def test_a_session_before_that_could_not_be_computed_is_no_comparison() -> None:
    told = drawn(samples.portfolio(samples.position(1, "GS", 1.0)), None)
    assert texts.NO_EARLIER.en in told and texts.ENTERED.en + " GS" not in told


def test_more_names_than_fit_are_counted() -> None:
    now = samples.portfolio(*(samples.position(n, f"T{n}", 0.2) for n in range(1, 6)))
    assert texts.AND_MORE.en.format(count=2) in drawn(now, {})


@pytest.mark.parametrize(("weight", "is_told"), [(0.249, False), (0.25, True), (0.709, True)])
def test_one_stock_that_is_a_quarter_is_warned_of(weight: float, is_told: bool) -> None:
    found = summary.concentration(positions(A=weight, **{f"T{n}": 0.01 for n in range(3)}), samples.page())
    assert bool(found) is is_told
    assert not is_told or f"A alone is {weight:.2%}" in samples.text_of(found)


def test_an_empty_portfolio_is_no_concentration() -> None:
    assert summary.concentration([], samples.page()) == []


@pytest.mark.parametrize(
    ("given", "state"),
    [
        (session(*(run(dag, "green") for dag in DAGS)), "green"),
        (session(run(DAGS[0], "skipped"), *(run(dag, "green") for dag in DAGS[1:])), "green"),
        (session(run(DAGS[0], "green"), run(DAGS[1], "skipped"), publications=[publication()]), "green"),
        (session(run(DAGS[0], "green")), "unfinished"),
        (session(run(DAGS[0], "skipped"), run(DAGS[1], "green")), "unfinished"),
        (session(*(run(dag, "green") for dag in DAGS[:4]), publications=[publication(job="trending")]), "unfinished"),
        (session(*(run(DAGS[0], "green", run_id=name) for name in "abcde")), "unfinished"),
        (session(run(DAGS[2], "running", None), run(DAGS[1], "green")), "running"),
        (session(run(DAGS[1], "late", None), run(DAGS[2], "running", None)), "late"),
        (session(run(DAGS[3], "failed"), run(DAGS[1], "late")), "failed"),
        (session(*(run(dag, "green", run_id="again") for dag in DAGS), run(DAGS[3], "failed")), "green"),
        (session(run("maintenance", "failed"), publications=[publication()]), "published"),
        (session(publications=[publication(job="trending")]), "unfinished"),
        (session(publications=[publication(job="rebalance")]), "none"),
        (session(), "none"),
    ],
)
def test_a_session_is_as_well_as_the_worst_of_its_stages(given: dict[str, Any], state: str) -> None:
    assert summary.last_run(convert(explained(given), SessionState)).state == state


@pytest.mark.parametrize(
    ("published", "stages"), [((), 0), (("trending",), 3), (("trending", "allocation"), 5), (("rebalance",), 0)]
)
def test_without_runs_what_is_published_tells_the_stages(published: tuple[str, ...], stages: int) -> None:
    given = session(publications=[publication(job=job) for job in published])
    assert summary.last_run(convert(explained(given), SessionState)).stages == stages


def known(last_run: dict[str, Any] | None = None, coming: Sequence[str] = ()) -> Calendar:
    return convert(explained(samples.calendar(last_run, coming)), Calendar)


def page(language: Language = "en", schedule: str = "staggered", now: datetime = NOW) -> Page:
    return replace(samples.page(language=language), schedule=schedule, now=now)


@pytest.mark.parametrize(
    ("schedule", "next_run"), [("staggered", "2026-09-09T09:00"), ("controller", "2026-09-08T21:30")]
)
def test_the_next_run_is_about_a_session_and_not_about_a_holiday(schedule: str, next_run: str) -> None:
    """Monday 7 September is Labor Day: at nine on Tuesday there is nothing new since Friday's run."""
    coming = ["2026-09-04", "2026-09-08", "2026-09-09"]
    labor_day = datetime(2026, 9, 7, 10, tzinfo=UTC)
    found = summary.runs(known(session(), coming), page(schedule=schedule, now=labor_day))
    assert [each.dateTime[:16] for each in samples.parts(found) if type(each).__name__ == "Time"] == [next_run]


@pytest.mark.parametrize(("state", "is_told"), [("running", True), ("green", False)])
def test_a_history_that_is_being_computed_is_told(state: str, is_told: bool) -> None:
    goes_on = reason("history_goes_on", sessions=250, step=5, steps=9, done=1)
    computed = session(run("history", state, None, reason=[goes_on]), run(DAGS[0], "green"))
    told = samples.text_of(summary.runs(known(computed), page()))
    assert ("computing 250 sessions, step 5 of 9: 1 sessions have portfolios so far" in told) == is_told


@pytest.mark.parametrize(
    ("language", "done", "told"),
    [
        ("en", 1, "not finished , 1 of 5 stages"),
        ("en", 4, "not finished , 4 of 5 stages"),
        ("ko", 2, "미완료 , 5단계 중 2단계"),
        ("en", 5, None),
    ],
)
def test_a_session_that_is_not_through_says_how_far_it_is(language: Language, done: int, told: str | None) -> None:
    found = summary.runs(known(session(*(run(dag, "green") for dag in DAGS[:done]))), page(language))
    shown = " ".join(samples.text_of(found).split())
    assert (told in shown) if told else "stages" not in shown
    assert (pipeline_texts.WORDS["green"].in_(language) in shown) is (told is None)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_runs_are_told_with_both_moments(language: Language) -> None:
    failed = session(*(run(dag, "failed") for dag in DAGS))
    found = summary.newest_runs(samples.Api({"/dashboard/calendar": samples.calendar(failed)}).client, page(language))
    told = samples.text_of(found)
    assert pipeline_texts.WORDS["failed"].in_(language) in told
    moments = [each.dateTime for each in samples.parts(found) if type(each).__name__ == "Time"]
    assert moments == ["2026-08-21T13:05:00+00:00", "2026-08-24T09:00:00+00:00"]


def test_without_the_state_of_the_runs_the_next_one_is_told_all_the_same() -> None:
    told = samples.text_of(summary.newest_runs(samples.Api({}).client, page(schedule="controller")))
    assert texts.RUNS_AWAY.en in told and "21 Aug 2026 21:30 UTC" in told
