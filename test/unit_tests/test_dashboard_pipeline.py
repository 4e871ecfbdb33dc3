"""The pipeline's view: what each cell says, whether the data can be trusted, and what to do about the rest."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from msgspec import convert

import dashboard_samples as samples
from contract.pipeline import ConsumerLag, Gap, RequestCount, SessionState
from contract.reasons import shown as shown_reasons
from dashboard import figures
from dashboard.texts import Language, common, portfolio
from dashboard.texts import pipeline as texts
from dashboard.views import pipeline_durations, pipeline_grid
from dashboard.views.pipeline import absences, consumer_state, degraded_of, source_of
from reason_words import explained, text
from utils.errors import InvalidInput
from utils.reasons import of_ticker, reason

MEASURED = datetime(2026, 8, 24, 14, tzinfo=UTC)
COUNTS: Any = [
    {"started_at": "2026-08-21T10:00:00Z", "requests": 9, "limited": 2, "failed": 5},
    {"started_at": "2026-08-21T09:00:00Z", "requests": 4, "limited": 0, "failed": 0},
]
STAGE_1, MONTH = "daily_benchmark_etf_collection", "monthly_portfolio_rebalance"


def run(state: str = "green", stage: int | None = 1, **changes: Any) -> dict[str, Any]:
    return {
        "dag_id": STAGE_1,
        "stage": stage,
        "run_id": "manual__1",
        "as_of_date": "2026-08-21",
        "state": state,
        "reason": None,
        "started_at": "2026-08-24T09:00:00Z",
        "ended_at": "2026-08-24T09:01:00Z",
        "airflow_url": f"http://localhost:8080/dags/{STAGE_1}/runs/manual__1",
        **changes,
    }


def publication(job: str, **changes: Any) -> dict[str, Any]:
    return {
        "job": job,
        "as_of_date": "2026-08-21",
        "period_days": 0,
        "status": "published",
        "reason": None,
        "degraded_reason": None,
        "source": "yahoo",
        "published_at": "2026-08-24T13:03:00Z",
        "row_count": 1,
        "holdings_as_of": None,
        "run_id": None,
        **changes,
    }


def session(day: str = "2026-08-21", **changes: Any) -> Any:
    return {"as_of_date": day, "publications": [], "bars": {"stored": 83}, "runs": [], **changes}


def consumer(group: str = "etf-daily", lag: int = 0, measured_at: datetime = MEASURED) -> Any:
    return {
        "consumer_group": group,
        "topic": f"{group}-data",
        "partition_id": 0,
        "committed_offset": 1200,
        "end_offset": 1200 + lag,
        "lag": lag,
        "measured_at": measured_at.isoformat(),
    }


def state(*sessions: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "sessions": list(sessions),
        "tables": [
            {"table_name": "collected_etf_holdings", "row_count": 1100, "newest_date": "2026-08-21", "fetched_at": None}
        ],
        "consumers": [],
        "quarantined": {"total": 0, "bars": []},
        "errors": [],
        "newest_errors": [],
        "requests_by_hour": [],
        "requests_by_day": [],
        "failed_requests": [],
        "links": {"airflow": "http://localhost:8080", "spark_master": "http://localhost:8081"},
        "coming_sessions": ["2026-08-24"],
        **changes,
    }


def gap(ticker: str, kind: str = "late", day: str = "2026-08-21", reason: str = "no bar yet") -> dict[str, Any]:
    about = {"ticker": ticker, "reason": reason, "first_expected_at": None, "asked_at": None}
    return {"trade_date": day, "state": kind, "kind": "stock", **about}


@pytest.fixture
def api() -> Any:
    def answering(shown: dict[str, Any], gaps: Any = (), restated: Any = ()) -> Any:
        return samples.Api(
            {
                "/dashboard/pipeline": shown,
                "/dashboard/gaps": {**samples.part(len(gaps)), "gaps": list(gaps)},
                "/dashboard/restatements": {**samples.part(len(restated)), "restatements": list(restated)},
            }
        )

    return answering


@pytest.fixture
def draw(api: Any) -> Any:
    def drawn(*args: Any, language: Language = "en", address: str = "/pipeline") -> Any:
        return samples.drawn(api(*args), address, language)

    return drawn


def grid_cells(view: Any) -> list[list[Any]]:
    """Return the cells of the grid, row by row, without the heading."""
    _, body = samples.named(view, "stages").children
    return [row.children for row in body.children]


class TestCells:
    @pytest.mark.parametrize(
        ("changes", "shown"),
        [
            ({"runs": [run("green")]}, "green"),
            ({"runs": [run("skipped"), run("green")]}, "skipped"),
            ({"runs": [run("late")], "publications": [publication("trending")]}, "late"),
            ({"runs": [run(stage=2)]}, "none"),
            ({}, "none"),
        ],
    )
    def test_the_newest_run_is_what_counts(self, changes: dict[str, Any], shown: str) -> None:
        assert pipeline_grid.cell_of(convert(explained(session(**changes)), SessionState), 1).state == shown

    @pytest.mark.parametrize(
        ("column", "job"), [(3, "trending"), (5, "allocation"), (pipeline_grid.MONTHLY, "rebalance")]
    )
    def test_what_is_published_without_a_run_is_no_gap(self, column: int, job: str) -> None:
        shown = convert(explained(session(publications=[publication(job)])), SessionState)
        states = {each: pipeline_grid.cell_of(shown, each).state for each in pipeline_grid.COLUMNS}
        assert states == dict.fromkeys(pipeline_grid.COLUMNS, "none") | {column: "published"}

    def test_the_months_run_stands_in_its_own_column(self) -> None:
        runs = [run("failed", None, dag_id=MONTH), run("green", None, dag_id="completeness_repoll")]
        shown = convert(explained(session(runs=runs)), SessionState)
        assert pipeline_grid.cell_of(shown, pipeline_grid.MONTHLY).state == "failed"
        assert [each.dag_id for each in pipeline_grid.other_runs([shown])] == ["completeness_repoll"]

    def test_of_other_dags_the_newest_run_of_a_session_is_listed(self) -> None:
        other = "etf_holdings_daily"
        runs = [run("green", None, dag_id=other, run_id="2"), run("failed", None, dag_id=other, run_id="1")]
        sessions = [session(runs=runs), session("2026-08-20", runs=runs[1:])]
        found = pipeline_grid.other_runs(convert(explained(sessions), list[SessionState]))
        assert [(each.run_id, each.state) for each in found] == [("2", "green"), ("1", "failed")]

    @pytest.mark.parametrize("language", ["en", "ko"])
    def test_a_state_is_a_symbol_a_word_and_a_colour(self, language: Language) -> None:
        marks = {name: pipeline_grid.mark(name, samples.page(language=language)) for name in pipeline_grid.SYMBOLS}
        assert len({samples.text_of(mark) for mark in marks.values()}) == len(marks)
        for name, mark in marks.items():
            assert samples.text_of(mark) == f"{pipeline_grid.SYMBOLS[name]} {texts.WORDS[name].in_(language)}"
            assert mark.className == f"mark {name}"
        assert (
            len(set(pipeline_grid.SYMBOLS.values()))
            == len(pipeline_grid.SYMBOLS)
            == len(texts.WORDS)
            == len(texts.MEANINGS)
        )

    def test_a_cell_opens_to_its_reason_its_times_its_run_and_the_earlier_ones(self, draw: Any) -> None:
        again = run("skipped", reason="already stored: SPY")
        first = run("failed", reason="Yahoo answered 429", run_id="0", ended_at=None, airflow_url="http://first")
        view = draw(state(session(runs=[again, first])))
        [[_, cell, *_]] = grid_cells(view)
        [details] = cell.children if isinstance(cell.children, list) else [cell.children]
        summary, told = details.children
        assert samples.text_of(summary) == "» skipped"
        assert summary.title == "already stored: SPY", "for who points at it"
        said = samples.text_of(told)
        assert "already stored: SPY" in said and "24 Aug 2026 09:00 UTC to 24 Aug 2026 09:01 UTC" in said
        assert said.index(texts.EARLIER.en) < said.index("✕ failed") < said.index("Yahoo answered 429")
        assert "since 24 Aug 2026 09:00 UTC" in said
        where = [part.href for part in samples.parts(told) if getattr(part, "href", None)]
        assert where == [again["airflow_url"], "http://first"]

    def test_a_cell_tells_what_is_degraded_or_empty(self, draw: Any) -> None:
        reason = "XLB has no bar of 2026-08-21 (late)"
        published = [
            publication("trending", degraded_reason=reason),
            publication("allocation", status="empty"),
            publication("allocation", status="empty", period_days=10),
        ]
        [row] = grid_cells(draw(state(session(publications=published))))
        assert "degraded" in samples.text_of(row[3]) and reason in samples.text_of(row[3])
        assert "empty" in samples.text_of(row[5]) and "degraded" not in samples.text_of(row[5])
        assert "./start.sh history" in samples.text_of(row[5]), "how it can be there without a run"

    def test_a_day_leads_to_its_portfolio(self, draw: Any) -> None:
        assert samples.links(draw(state(session())))["Fri 21 Aug"] == "/?as_of=2026-08-21"
        assert "8월 21일 (금)" in samples.links(draw(state(session()), language="ko"))

    @pytest.mark.parametrize(
        ("bars", "shown"),
        [
            ({"stored": 83}, "83 / 83"),
            ({"stored": 1083, "late": 2, "missing": 1, "closed": 9}, "1,083 / 1,086 3 absent"),
            ({}, "–"),
        ],
    )
    def test_bars_that_are_absent_are_counted(self, draw: Any, bars: dict[str, int], shown: str) -> None:
        [row] = grid_cells(draw(state(session(bars=bars))))
        assert samples.text_of(row[-1]) == shown


class TestTrust:
    @pytest.mark.parametrize(
        ("sources", "least"),
        [(["yahoo", "simulated"], "simulated"), (["recorded", "yahoo"], "recorded"), (["yahoo"], "yahoo"), ([], None)],
    )
    def test_the_least_trustworthy_source_counts(self, sources: list[str], least: str | None) -> None:
        published = [publication("trending", source=source) for source in sources]
        assert source_of([convert(explained(session(publications=published)), SessionState)]) == least

    def test_the_newest_publication_says_whether_it_is_degraded(self) -> None:
        of_bad = [publication("trending"), publication("x", degraded_reason="no XLB")]
        bad = convert(explained(session("2026-08-20", publications=of_bad)), SessionState)
        good = convert(explained(session(publications=[publication("trending")])), SessionState)
        nothing = convert(explained(session("2026-08-24")), SessionState)
        assert degraded_of([nothing, bad, good]) == (date(2026, 8, 20), shown_reasons([text("no XLB")]))
        assert degraded_of([good, bad]) is None
        assert degraded_of([nothing]) is None

    @pytest.mark.parametrize("language", ["en", "ko"])
    def test_banners(self, draw: Any, language: Language) -> None:
        published = [publication("trending", source="simulated", degraded_reason="no XLB.")]
        view = draw(state(session(publications=published)), language=language)
        banners = [part for part in samples.parts(view) if "banner" in str(getattr(part, "className", ""))]
        day = samples.page(language=language).day(date(2026, 8, 21))
        assert [samples.text_of(each) for each in banners] == [
            common.SOURCE_BANNERS["simulated"].in_(language),
            common.DEGRADED.in_(language, reason=f"{day}: no XLB"),
        ]

    @pytest.mark.parametrize(
        ("age", "lag", "shown"),
        [
            (timedelta(seconds=14), 0, "current"),
            (timedelta(seconds=14), 3, "behind"),
            (timedelta(minutes=1), 0, "current"),
            (timedelta(minutes=1, seconds=1), 0, "away"),
        ],
    )
    def test_an_old_measurement_says_that_the_consumer_is_away(self, age: timedelta, lag: int, shown: str) -> None:
        assert consumer_state(convert(consumer(lag=lag), ConsumerLag), MEASURED + age) == shown

    def test_a_consumer_that_is_away_is_named_with_what_to_do(self, draw: Any) -> None:
        here = consumer("stock-daily", lag=13, measured_at=datetime.now(UTC))
        view = draw(state(session(), consumers=[consumer("etf-daily"), here]))
        said = samples.text_of(view)
        assert "./start.sh restart consumer-etf-daily." in said
        assert [word in said for word in ("✕ away", "◔ behind", "✓ up to date")] == [True, True, False]
        assert "1,213" in said and "13" in said


class TestView:
    def test_asks_three_questions_about_the_range_in_the_address(self, api: Any) -> None:
        asked = api(state(session(), session("2026-08-20")))
        samples.drawn(asked, "/pipeline?sessions=20")
        assert asked.asked == [
            "/dashboard/pipeline?sessions=20",
            "/dashboard/gaps?from=2026-08-20&limit=500",
            "/dashboard/restatements?from=2026-08-20&limit=10",
        ]

    def test_another_range_is_refused(self, draw: Any) -> None:
        with pytest.raises(InvalidInput, match="sessions=7: choose one of 10, 20, 60"):
            draw(state(session()), address="/pipeline?sessions=7")

    @pytest.mark.parametrize("language", ["en", "ko"])
    def test_before_anything_has_run_it_says_what_to_do(self, api: Any, language: Language) -> None:
        asked = api(state())
        said = samples.text_of(samples.drawn(asked, "/pipeline", language))
        for told in (texts.EMPTY_TITLE, texts.EMPTY_HINT, texts.NO_CONSUMERS, texts.NO_ERRORS, texts.NO_REQUESTS):
            assert told.in_(language) in said
        assert len(asked.asked) == 1

    def test_links_lead_outside_and_to_the_other_ranges(self, draw: Any) -> None:
        found = samples.links(draw(state(session()), address="/pipeline?sessions=20"))
        assert (found["Airflow ↗"], found["Spark UI ↗"]) == ("http://localhost:8080", "http://localhost:8081")
        assert (found["60"], found[texts.REFRESH.en]) == ("/pipeline?sessions=60", "/pipeline?sessions=20")

    def test_rejected_messages_with_their_reasons_and_how_to_put_them_back(self, draw: Any) -> None:
        message: dict[str, Any] = {
            "id": 7,
            "topic": "stock-daily-data",
            "partition_id": 1,
            "kafka_offset": 3,
            "message_key": "AMD",
            "error_msg": "a step of 61% without a split",
            "reason": "a step of 61 % without a split",
            "raw_value": '{"close": 12}',
            "received_at": "2026-08-21T12:01:00Z",
            "replayed_at": None,
        }
        counts = {"topic": "stock-daily-data", "rejected": 2, "waiting": 1, "newest_at": "2026-08-21T12:01:00Z"}
        replayed = {**message, "id": 6, "replayed_at": "2026-08-21T13:00:00Z"}
        said = samples.text_of(draw(state(session(), errors=[counts], newest_errors=[message, replayed])))
        for expected in (message["error_msg"], message["raw_value"], "waits", "closed", "--replay", "--accept"):
            assert expected in said
        assert "./start.sh exec python -m consumer.replay_errors" in said

    def test_absent_bars_are_told_once_a_reason(self, draw: Any) -> None:
        found = [gap("XLB"), gap("AMD"), gap("MU", "missing", "2026-08-20", "later bars only"), gap("X.KS", "closed")]
        assert absences(convert([explained(each) for each in found], list[Gap])) == [
            (date(2026, 8, 21), "late", shown_reasons([text("no bar yet")]), ["AMD", "XLB"]),
            (date(2026, 8, 20), "missing", shown_reasons([text("later bars only")]), ["MU"]),
        ]
        said = samples.text_of(draw(state(session()), found))
        assert "AMD, XLB" in said and "later bars only" in said and "X.KS" not in said
        assert texts.NO_GAPS.en in samples.text_of(draw(state(session()), [gap("X.KS", "closed")]))

    def test_changed_bars(self, draw: Any) -> None:
        split = {
            "kind": "stock",
            "ticker": "NVDA",
            "change": "split",
            "first_session": "2026-08-19",
            "last_session": "2026-08-21",
            "price_factor": 0.1,
            "adj_factor": 0.1,
            "old_values": {},
            "new_values": {},
            "replaced_fetched_at": "2026-08-21T21:30:00Z",
            "fetched_at": "2026-08-24T09:00:00Z",
            "recorded_at": "2026-08-24T09:00:00Z",
        }
        view = draw(state(session()), (), [split])
        assert samples.links(view)["NVDA"] == "/ticker/NVDA"
        assert "split Wed 19 Aug 2026 to Fri 21 Aug 2026 0.1" in samples.text_of(view)


class TestRequests:
    @pytest.mark.parametrize(
        ("unit", "labels"),
        [("hour", ["08-21 09:00", "08-21 10:00"]), ("day", ["2026-08-21", "2026-08-21"])],
    )
    def test_bars_add_up_to_the_requests_oldest_first(self, unit: Any, labels: list[str]) -> None:
        names = {"answered": "A", "limited": "L", "failed": "F"}
        figure = samples.checked(figures.requests(convert(COUNTS, list[RequestCount]), unit, names, figures.DARK))
        assert {bar.name: list(bar.y) for bar in figure.data} == {"A": [4, 4], "L": [0, 2], "F": [0, 3]}
        assert list(figure.data[0].x) == labels
        assert len({bar.marker.pattern.shape for bar in figure.data}) == 3, "not by colour alone"

    def test_totals_are_said_in_words(self, draw: Any) -> None:
        said = samples.text_of(draw(state(session(), requests_by_hour=COUNTS, requests_by_day=COUNTS)))
        assert "13 requests in the hours shown, 2 limited, 5 failed." in said

    def test_what_failed_can_be_opened(self, draw: Any) -> None:
        failed = {"requested_at": "2026-08-21T21:31:05Z", "endpoint": "quoteSummary", "run_id": "manual__1"}
        shown = draw(
            state(
                session(),
                requests_by_hour=COUNTS,
                requests_by_day=COUNTS,
                failed_requests=[
                    failed | {"symbol": "NVDA", "http_status": 500},
                    failed | {"symbol": None, "http_status": None},
                ],
            )
        )
        rows = samples.text_of(samples.named(shown, "failed-requests"))
        assert "quoteSummary NVDA 500 manual__1" in rows and "quoteSummary – no answer manual__1" in rows


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_session_without_enough_history_is_marked_and_says_why(draw: Any, language: Language) -> None:
    nothing = publication(
        "allocation", status="not_computable", reason=[of_ticker("SPY", [reason("no_price", session="2026-07-21")])]
    )
    some = publication("allocation", period_days=5)
    [[_, _, _, _, _, cell, _, _]] = grid_cells(draw(state(session(publications=[some, nothing])), language=language))
    shown = samples.text_of(cell)
    assert common.NOT_COMPUTABLE_TAG.in_(language) in shown and texts.EMPTY.in_(language) not in shown
    assert {"en": "SPY: no price on 2026-07-21", "ko": "SPY: 2026-07-21 시세가 없습니다"}[language] in shown


@pytest.mark.parametrize("language", ["en", "ko"])
def test_bars_that_wait_for_a_person_are_listed_with_what_to_do(draw: Any, language: Language) -> None:
    step = reason("close_moved", step=0.61, before=100.0, after=161.0)
    bar = {
        "kind": "stock",
        "ticker": "AMD",
        "trade_date": "2026-08-20",
        "reason": [reason("quarantined", id=7, reason=step)],
        "received_at": "2026-08-21T12:01:00Z",
    }
    view = draw(state(session(), quarantined={"total": 51, "bars": [bar]}), language=language)
    [row] = samples.named(view, "quarantined").children[1].children
    told = samples.text_of(row)
    words = {"en": "no. 7: close moved +61.0% without a split", "ko": "7번: 액면 분할 없이 종가가 +61.0% 움직였습니다"}
    assert "AMD" in told and words[language] in told
    shown = samples.text_of(view)
    assert "consumer.replay_errors" in shown and "--accept" in shown
    assert texts.MORE_QUARANTINED.in_(language, shown=1, total=51) in shown
    assert texts.NO_QUARANTINED.in_(language) in samples.text_of(draw(state(session()), language=language))


class TestDurations:
    def sessions(self) -> list[SessionState]:
        def ended(minute: int, state: str = "green") -> dict[str, Any]:
            return run(state, ended_at=f"2026-08-24T09:{minute:02}:00Z")

        given = [
            session("2026-08-21", runs=[ended(9, "skipped"), ended(3)]),
            session("2026-08-20", runs=[run("running", ended_at=None)]),
            session("2026-08-19", runs=[ended(1), ended(30)]),
            session("2026-08-18", runs=[ended(2, "failed")]),
        ]
        return convert(explained(given), list[SessionState])

    def test_the_newest_run_that_did_its_work_counts_oldest_session_first(self) -> None:
        found = pipeline_durations.durations(self.sessions(), 1)
        assert [(str(each.session), each.seconds) for each in found] == [("2026-08-19", 60.0), ("2026-08-21", 180.0)]
        assert pipeline_durations.durations(self.sessions(), 2) == []

    @pytest.mark.parametrize(("language", "told"), [("en", "3 min 0 s"), ("ko", "3분 0초")])
    def test_newest_usual_longest_and_the_trend_are_shown(self, language: Language, told: str) -> None:
        shown = pipeline_durations.panel(self.sessions(), samples.page("/pipeline", language))
        _, body = samples.named(shown, "durations").children
        [row] = body.children
        cells = [samples.text_of(each.children) for each in row.children]
        assert cells[1] == cells[3] == told and cells[2] != told
        assert told in row.children[4].children.alt

    def test_without_a_finished_run_nothing_is_timed(self) -> None:
        shown = pipeline_durations.panel(self.sessions()[1:2], samples.page("/pipeline"))
        assert texts.NO_DURATIONS.en in samples.text_of(shown)


def test_the_view_says_that_it_refreshes_itself(draw: Any) -> None:
    view = draw(state(session()))
    clock = next(each for each in samples.parts(view) if type(each).__name__ == "Interval")
    assert texts.REFRESHES.en.format(seconds=clock.interval // 1000) in samples.text_of(view)


@pytest.mark.parametrize("state", texts.GAP_STATES)
def test_a_state_has_one_word_in_korean(state: str) -> None:
    assert portfolio.STATES[state].ko == texts.GAP_STATES[state].ko + " {count}"
