"""A history's steps and what is said of them: their order, the time left, jobs that skip sessions or break."""

import json
import logging
import re
import subprocess
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest

from collector.plan import sessions_for_returns
from config.config import DatabaseSettings, Settings, SparkSettings
from config.universe import ALL_HOLDINGS, universe
from ops.errors import RunFailed
from ops.pipeline import history, progress
from ops.pipeline.history import Range, Step
from ops.pipeline.history_notes import noted
from ops.pipeline.progress import Progress, Work
from utils import spark_driver
from utils.dates import sessions_between
from utils.errors import InvalidInput, RateLimited
from utils.logging_utils import log_progress

log = logging.getLogger("test_ops_history")
SUMMARY = '{"days": 29, "publications": 29, "empty": 0, "rows": 406, "skipped": {"2026-07-13": "no price"}}'


def failed(message: str, summary: str = "{}") -> str:
    """Return a job's last line."""
    error = {
        "code": "x",
        "message": message,
        "retryable": True,
        "reason": {"code": "text", "params": {"text": message}},
    }
    return json.dumps(json.loads(summary) | {"error": error}) + "\n"


SKIPPED = failed("1 of the days asked for not published: no price", SUMMARY)


@pytest.fixture
def asked() -> Range:
    return Range(Settings.from_env({}), date(2026, 7, 13), date(2026, 8, 21))


class Clock:
    """A clock that moves only when a test sets it."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class TestTimeLeft:
    """Two steps: a hundred seconds in ten parts, then a hundred in one."""

    WORKS = (Work(100.0, parts=10), Work(100.0))

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def shown(self, clock: Clock) -> Progress:
        return Progress(self.WORKS, clock)

    def tell(self, shown: Progress, parts: int) -> None:
        with shown:
            log.setLevel(logging.INFO)
            for number in range(parts):
                log_progress(log, number + 1, 10, "AAPL: 271 bars sent")

    def test_at_first_what_is_expected(self, shown: Progress) -> None:
        assert shown.seconds_left() == 200

    @pytest.mark.parametrize(("seconds", "left"), [(50, 150), (115, 300), (17.5, 75)])
    def test_the_rest_is_expected_at_the_pace_of_what_is_done(
        self, shown: Progress, clock: Clock, seconds: float, left: float
    ) -> None:
        """Half of the first step is 50 seconds of work. The expectation weighs as much as 15 seconds."""
        self.tell(shown, 5)
        clock.now = seconds

        assert shown.seconds_left() == pytest.approx(left)

    def test_a_step_that_is_over_counts_as_a_whole(self, shown: Progress, clock: Clock) -> None:
        self.tell(shown, 3)
        clock.now = 100
        shown.begin(1, "the other")

        assert shown.seconds_left() == pytest.approx(100)

    def test_nothing_is_left_behind_the_last_step(self, shown: Progress, clock: Clock) -> None:
        clock.now = 200
        shown.begin(2, "what ran beside the others")

        assert shown.seconds_left() == 0

    def test_more_parts_than_expected_leave_the_other_steps(self, shown: Progress, clock: Clock) -> None:
        clock.now = 100
        self.tell(shown, 25)

        assert shown.seconds_left() == pytest.approx(100)

    def test_without_a_terminal_it_is_told_now_and_then(
        self, shown: Progress, clock: Clock, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for clock.now in (5, 16, 20, 32):
            self.tell(shown, 1)

        told = capsys.readouterr().out.splitlines()
        assert len(told) == 2
        assert all("AAPL: 271 bars sent; about" in line and line.endswith("left") for line in told)

    def test_warnings_are_shown_other_lines_are_not(self, shown: Progress, capsys: pytest.CaptureFixture[str]) -> None:
        with shown:
            log.info("a detail")
            log.warning("the broker is slow")
        log.warning("later")

        assert capsys.readouterr().out == "  warning the broker is slow\n"


class TestSteps:
    def test_each_is_told_with_its_note(self, asked: Range, capsys: pytest.CaptureFixture[str]) -> None:
        history.run(asked, [Step("one", lambda _: "first"), Step("two", lambda _: "second")])

        said = capsys.readouterr().out
        assert "30 sessions from 2026-07-13 to 2026-08-21" in said
        assert said.index("first") < said.index("second")

    def test_an_error_leaves_the_rest_undone(self, asked: Range) -> None:
        def refuse(_: Range) -> str:
            raise RateLimited("Yahoo answered 429")

        done: list[str] = []
        with pytest.raises(RateLimited):
            history.run(asked, [Step("one", refuse), Step("two", lambda _: done.append("two") or "")])
        assert done == []

    def test_one_runs_beside_those_that_follow(self, asked: Range) -> None:
        """Each of the two waits for the other: one after the other, they would wait in vain."""
        both = threading.Barrier(2, timeout=10)
        waiting = [Step(name, lambda _: str(both.wait()), is_beside=name == "beside") for name in ("beside", "other")]
        history.run(asked, waiting)
        assert not both.broken

    def test_an_error_of_one_beside_ends_the_run(self, asked: Range) -> None:
        def refuse(_: Range) -> str:
            raise RunFailed("no memory")

        done: list[str] = []
        with pytest.raises(RunFailed, match="no memory"):
            history.run(
                asked, [Step("beside", refuse, is_beside=True), Step("other", lambda _: done.append("other") or "")]
            )
        assert done == ["other"]

    def test_each_step_is_noted_as_it_begins(self, asked: Range) -> None:
        noted: list[int] = []
        todo = [Step(name, lambda _: "", is_beside=name == "beside") for name in ("one", "beside", "two")]
        history.run(asked, todo, noted.append)
        assert noted == [0, 2]

    def test_a_database_that_is_away_stops_no_history(self, asked: Range) -> None:
        away = DatabaseSettings("127.0.0.1", 1, "nowhere", "nobody", "")
        with noted(away, asked.first, asked.last, asked.sessions, 2) as note:
            note(0)
        with pytest.raises(RunFailed, match="no memory"), noted(away, asked.first, asked.last, asked.sessions, 2):
            raise RunFailed("no memory")

    def test_an_error_leaves_those_beside_undone_that_have_not_begun(self, asked: Range) -> None:
        begun, failed, done = threading.Event(), threading.Event(), list[str]()

        def work(_: Range) -> str:
            begun.set()
            failed.wait(10)
            return ""

        def refuse(_: Range) -> str:
            begun.wait(10)
            threading.Timer(0.2, failed.set).start()
            raise RunFailed("no memory")

        todo = [
            Step("first", work, is_beside=True),
            Step("second", lambda _: done.append("second") or "", is_beside=True),
            Step("other", refuse),
        ]
        with pytest.raises(RunFailed, match="no memory"):
            history.run(asked, todo)
        assert done == []

    def test_a_wide_job_has_the_cluster_for_itself(self, asked: Range) -> None:
        assert [step.name for step in history.steps(asked) if step.is_beside] == ["top holdings"]
        wide = Range(Settings.from_env({"SPARK_PROFILE": "wide"}), asked.first, asked.last)
        assert not any(step.is_beside for step in history.steps(wide))

    def test_the_rule_is_judged_beside_the_jobs_where_that_is_asked_for(self, asked: Range) -> None:
        beside = [step.name for step in history.steps(asked, judge=True) if step.is_beside]
        assert beside == ["top holdings", "lab"]

    def test_a_lab_that_cannot_judge_says_why(self, asked: Range, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DB_PORT", "1")
        with pytest.raises(RunFailed, match=r"^lab: (?!error).*PostgreSQL"):
            history.judging(asked)

    def test_prices_before_what_is_computed_of_them(self, asked: Range) -> None:
        names = [step.name for step in history.steps(asked)]
        assert names.index("ETF holdings") < names.index("stock prices") < names.index("trending ETFs")
        assert names.index("trending ETFs") < names.index("portfolios") < names.index("monthly portfolios")

    def test_etf_prices_alone_cost_a_request_each(self, asked: Range) -> None:
        [step] = history.steps(asked, etf_prices=True)
        assert (step.name, step.requests) == ("ETF prices", len(universe().etfs))

    def test_all_holdings_are_as_many_as_the_source_lists(
        self, asked: Range, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(history, "universe", lambda: replace(universe(), top_holdings=ALL_HOLDINGS))
        todo = history.steps(asked)
        [stocks] = [step for step in todo if step.name == "stock prices"]
        assert stocks.requests == 2 * 15 * 10 + 3 + 10, "bars and sectors, quotes, and others"
        assert any(step.is_beside for step in todo), "30 sessions of 150 holdings are small jobs"

        history.run(asked, [replace(step, run=lambda _: "") for step in todo])
        assert re.search(r"about 3\d min", capsys.readouterr().out)

    def test_no_monthly_portfolio_without_a_last_sunday(self, asked: Range) -> None:
        august = Range(asked.settings, date(2026, 8, 3), date(2026, 8, 21))
        assert "monthly portfolios" not in [step.name for step in history.steps(august)]

    def test_expected_times_follow_the_pace_and_the_sessions(self, asked: Range) -> None:
        collecting, computing = Step("a", lambda _: "", requests=10), Step("b", lambda _: "")
        longer = Range(asked.settings, date(2025, 8, 25), asked.last)

        assert asked.settings.yahoo.pace_seconds == 5
        assert 50 < collecting.work(asked).seconds < 60
        assert computing.work(longer).seconds > computing.work(asked).seconds


class TestJobs:
    @pytest.fixture
    def ended(self, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
        """Return a function that plays the end of spark-submit and returns its command line."""
        monkeypatch.setattr(history, "_know_the_tables", lambda database: None)

        def play(code: int, out: str, err: str) -> list[str]:
            called: list[str] = []

            def submit(command: list[str], **_: Any) -> "subprocess.CompletedProcess[str]":
                called.extend(command)
                return subprocess.CompletedProcess(command, code, out, err)

            monkeypatch.setattr(subprocess, "run", submit)
            return called

        return play

    def test_is_submitted_for_the_whole_range(self, asked: Range, ended: Callable[..., list[str]]) -> None:
        called = ended(0, SUMMARY + "\n", "")

        assert history.computing("spark_some_job.py")(asked) == "406 rows of 29 days"
        assert called[0] == "spark-submit"
        script = called.index(next(word for word in called if word.endswith("/batch/spark_some_job.py")))
        assert called[script + 1 :] == ["--from", "2026-07-13", "--to", "2026-08-21", "--run-id", "history"]
        assert asked.skipped == []

    @pytest.mark.parametrize(
        ("first", "is_beside", "is_warm"),
        [(date(2025, 8, 22), False, True), (date(2025, 8, 22), True, False), (date(2001, 8, 21), False, False)],
    )
    def test_a_small_one_is_run_on_the_warm_driver_unless_it_is_beside_others(
        self,
        asked: Range,
        ended: Callable[..., list[str]],
        monkeypatch: pytest.MonkeyPatch,
        first: date,
        is_beside: bool,
        is_warm: bool,
    ) -> None:
        warm: list[str] = []

        def run(settings: SparkSettings, script: str, arguments: Sequence[str]) -> spark_driver.Outcome:
            warm.extend((script, *arguments[:2]))
            return spark_driver.Outcome(1, ["starting Spark", *SKIPPED.splitlines()])

        monkeypatch.setattr(spark_driver, "run", run)
        submitted, asked = ended(1, SKIPPED, ""), Range(asked.settings, first, asked.last)
        told = history.computing("spark_some_job.py", is_beside)(asked)

        assert warm == (["spark_some_job.py", "--from", str(first)] if is_warm else [])
        assert bool(submitted) != is_warm
        assert told.startswith("406 rows of 29 days; ")
        assert len(asked.skipped) == 1

    @pytest.mark.parametrize(("first", "master"), [(date(2025, 8, 22), "local[1]"), (date(2001, 8, 21), "spark://")])
    def test_goes_to_the_cluster_only_when_it_is_large(
        self, asked: Range, ended: Callable[..., list[str]], first: date, master: str
    ) -> None:
        called = ended(0, SUMMARY + "\n", "")
        history.computing("spark_some_job.py")(Range(asked.settings, first, asked.last))
        assert called[called.index("--master") + 1].startswith(master)

    @pytest.mark.parametrize(
        ("out", "err"),
        [
            (SKIPPED, "hello\nerror: 1 of the days asked for not published: no price\n"),
            # spark-submit: the job's own log and its errors come on standard output, around the summary.
            (
                "09:00:01 INFO batch.runner: starting Spark\n"
                + "error: 1 of the days asked for not published: no price\n"
                + SKIPPED,
                "WARNING: Using incubator modules: jdk.incubator.vector\n",
            ),
            (
                SKIPPED + '{"level": "WARN", "msg": "a folder is not deleted"}\n[1, 2]\n7\n',
                "",
            ),
        ],
    )
    def test_sessions_that_it_skips_are_told_and_remembered(
        self, asked: Range, ended: Callable[..., list[str]], out: str, err: str
    ) -> None:
        ended(1, out, err)

        why = "1 of the days asked for not published: no price"
        assert history.computing("spark_some_job.py")(asked) == f"406 rows of 29 days; {why}"
        assert asked.skipped == [f"spark_some_job.py: {why}"]

    def test_a_code_without_a_reason_is_told_as_well(self, asked: Range, ended: Callable[..., list[str]]) -> None:
        ended(137, SUMMARY, "")

        history.computing("spark_some_job.py")(asked)
        assert asked.skipped == ["spark_some_job.py: ended with code 137"]

    def test_the_steps_after_a_skipped_session_are_taken(
        self, asked: Range, ended: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
    ) -> None:
        ended(1, SKIPPED, "")

        steps = [Step(name, history.computing(f"{name}.py")) for name in ("sectors", "performance")]
        history.run(asked, steps)
        assert [each.partition(":")[0] for each in asked.skipped] == ["sectors.py", "performance.py"]
        assert capsys.readouterr().out.count("not published: no price") == 2

    @pytest.mark.parametrize(
        ("out", "err", "message"),
        [
            (failed("Spark: no master"), "WARN x\nerror: Spark: no master\n", "spark_some_job.py: Spark: no master"),
            (
                "WARN x\nerror: Spark: no master\n" + failed("Spark: no master"),
                "WARNING: y\n",
                "spark_some_job.py: Spark: no master",
            ),
            ("", "java.lang.OutOfMemoryError\n", "spark_some_job.py: java.lang.OutOfMemoryError"),
            ("", "", "spark_some_job.py: ended with code 137"),
        ],
    )
    def test_one_that_breaks_says_why(
        self, asked: Range, ended: Callable[..., list[str]], out: str, err: str, message: str
    ) -> None:
        ended(137, out, err)

        with pytest.raises(RunFailed, match=f"^{message}$"):
            history.computing("spark_some_job.py")(asked)


def test_an_error_is_one_message_that_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("YAHOO_BASE_URL", "")
    assert history.history(250, date(2026, 8, 22)) == 1
    said = capsys.readouterr().err
    assert "2026-08-22 (Saturday) is not an XNYS session" in said
    assert "start it again, and it goes on from there" in said


def test_so_is_an_interruption(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(history, "run", interrupt)
    assert history.history(250, date(2026, 8, 21)) == 130
    assert "interrupted. What was stored stays" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("address", "etf_prices", "plan"),
    [
        (
            "",
            False,
            "the history, if nothing of it is stored and no two ETFs hold the same: 192 requests to Yahoo, at least "
            "16 min: 15 histories of ETFs, 15 lists of holdings, 75 stocks' bars, 2 quotes, 75 sectors, 10 others\n",
        ),
        ("", True, ": 15 requests to Yahoo, at least 1 min: 15 histories of ETFs\n"),
        ("http://127.0.0.1:8090", False, ""),
    ],
)
def test_the_requests_to_yahoo_are_told_before_the_first_one(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    address: str,
    etf_prices: bool,
    plan: str,
) -> None:
    told_before: list[str] = []
    monkeypatch.setenv("YAHOO_BASE_URL", address)
    monkeypatch.setattr(history, "run", lambda *_: told_before.append(capsys.readouterr().out))
    monkeypatch.setattr(history, "conclude", lambda asked, seconds: 0)

    assert history.history(30, date(2026, 8, 21), etf_prices) == 0
    assert told_before[0].endswith(plan)
    assert bool(told_before[0]) is bool(plan)


@pytest.mark.parametrize(("stored", "is_run"), [(30, False), (29, True), (0, True)])
def test_it_is_left_out_when_every_session_has_its_portfolios(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], stored: int, is_run: bool
) -> None:
    def count(conn: object, first: date, last: date) -> dict[str, int]:
        assert (first, last) == (date(2026, 7, 13), date(2026, 8, 21))
        return {"sessions": stored}

    ran: list[Range] = []
    monkeypatch.setattr(history, "connect", lambda _: SimpleNamespace(close=lambda: None))
    monkeypatch.setattr("database.queries.portfolios.count", count)
    monkeypatch.setattr(history, "run", lambda asked, steps, note: ran.append(asked))
    monkeypatch.setattr(history, "conclude", lambda asked, seconds: 0)

    assert history.history(30, date(2026, 8, 21), unless_stored=True) == 0
    assert bool(ran) is is_run
    assert ("are there already" in capsys.readouterr().out) is not is_run


def test_times_in_words() -> None:
    assert [progress.in_words(seconds) for seconds in (0.4, 59, 61, 3661)] == ["0 s", "59 s", "1 min 1 s", "1 h 1 min"]


class TestSessions:
    LAST = date(2026, 8, 21)

    def test_all_begin_when_the_first_window_does(self) -> None:
        first = history.first_session(self.LAST, None)
        asked_for = [sessions_for_returns(etf, self.LAST, first)[0] for etf in universe().etfs]
        assert date(2000, 1, 3) <= min(asked_for) <= date(2000, 1, 5)
        assert history.first_session(self.LAST, len(sessions_between(first, self.LAST))) == first

    def test_more_than_the_calendar_has_are_refused(self) -> None:
        most = len(sessions_between(history.first_session(self.LAST, None), self.LAST))
        with pytest.raises(InvalidInput, match=f"the calendar begins on 2000-01-03, .* these are {most} sessions"):
            history.first_session(self.LAST, most + 1)

    def test_so_many_end_with_the_last(self) -> None:
        assert history.first_session(self.LAST, 1) == self.LAST
        assert len(sessions_between(history.first_session(self.LAST, 250), self.LAST)) == 250
