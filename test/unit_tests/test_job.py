"""The jobs' command line: what may be asked for, how they end, and that no job reads today's date."""

import json
import re
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from psycopg2 import IntegrityError
from pyspark.errors import PySparkException

from batch import publishing, runner
from batch import spark_active_stock_allocator as allocator
from batch import spark_trending_etf_identifier as identifier
from batch.publishing import JobResult, Publication
from batch.runner import Job
from config import universe as universe_module
from utils.errors import ActstockError, DatabaseUnavailable, InvalidInput, NotPublished
from utils.reasons import reason

NO_PRICE = reason("no_benchmark_price", benchmark="SPY", days=["2026-08-21"])

ROOT = Path(runner.__file__).parent.parent


class FakeSession:
    def __init__(self) -> None:
        self.stopped = False

    def stop(self) -> None:
        self.stopped = True


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> FakeSession:
    """Replace the Spark session and the database connection by stand-ins without a JVM or a server."""
    fake = FakeSession()
    monkeypatch.setattr(runner, "session", lambda settings, name, profile: fake)
    monkeypatch.setattr(runner, "connect", lambda settings: FakeConnection())
    return fake


class FakeConnection:
    def close(self) -> None:
        pass


def error_of(said: str) -> str:
    """Return the error: the last line, and the only one that is no log line."""
    *log_lines, error = said.strip().splitlines()
    assert all(re.match(r"\S+Z (INFO|WARNING) ", line) for line in log_lines), said
    assert error.startswith("error: ")
    return error.removeprefix("error: ")


def run_main(run: Callable[[Job], JobResult], *arguments: str) -> int:
    return runner.run_job("test", "A job for tests.", run, arguments)


def asked_sessions(*arguments: str) -> Sequence[date]:
    asked: list[Sequence[date]] = []

    def run(job: Job) -> JobResult:
        asked.append(job.days)
        return JobResult([], {})

    assert run_main(run, *arguments) == 0
    return asked[0]


def never(job: Job) -> JobResult:
    raise AssertionError("the job must not run")


def test_a_job_logs_in_to_the_database_as_spark(session: FakeSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_USER", "actstock_collect")
    monkeypatch.setenv("DB_SPARK_USER", "actstock_spark")
    used: list[str] = []
    monkeypatch.setattr(runner, "connect", lambda settings: used.append(settings.user) or FakeConnection())

    def run(job: Job) -> JobResult:
        used.append(job.database.user)
        return JobResult([], {})

    assert run_main(run, "--as-of-date", "2026-08-21") == 0
    assert used == ["actstock_spark", "actstock_spark"]


def test_one_session(session: FakeSession) -> None:
    assert asked_sessions("--as-of-date", "2026-08-21") == [date(2026, 8, 21)]
    assert session.stopped


def test_a_range_skips_weekends_and_holidays(session: FakeSession) -> None:
    """Thanksgiving 2025 was Thursday the 27th. The early close on Friday is a session."""
    asked = asked_sessions("--from", "2025-11-26", "--to", "2025-12-01")
    assert asked == [date(2025, 11, 26), date(2025, 11, 28), date(2025, 12, 1)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--as-of-date", "21.08.2026"], "'21.08.2026' is not a date"),
        (["--as-of-date", "2026-02-30"], "'2026-02-30' is not a date"),
        (
            ["--as-of-date", "2025-11-27"],
            "2025-11-27 (Thursday) is not an XNYS session: the nearest are 2025-11-26 and",
        ),
        (["--as-of-date", "2026-08-22"], "2026-08-22 (Saturday) is not an XNYS session"),
        (["--as-of-date", "1999-08-20"], "outside the XNYS calendar"),
        (["--from", "2026-08-22", "--to", "2026-08-23"], "no session from 2026-08-22 to 2026-08-23"),
        (["--from", "2026-08-21", "--to", "2026-08-20"], "--from 2026-08-21 is after --to 2026-08-20"),
        (["--from", "2026-08-21"], "give either --as-of-date DATE, or --from DATE and --to DATE"),
        ([], "give either --as-of-date DATE"),
        (["--as-of-date", "2026-08-21", "--to", "2026-08-21"], "give either"),
    ],
)
def test_a_request_that_cannot_be_met_ends_with_2_and_one_line(
    session: FakeSession, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert run_main(never, *arguments) == 2
    said = capsys.readouterr()
    failure = json.loads(said.out)["error"]
    assert message in error_of(said.err) == failure["message"]
    assert not failure["retryable"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotPublished("stage 3 has not published 2026-08-21"), 1),
        (DatabaseUnavailable("the database went away"), 1),
        (InvalidInput("period of 7 sessions"), 2),
        (IntegrityError("a check failed\nDETAIL: which"), 1),
        (PySparkException("[CANNOT_CONNECT] no master\n\tat java.lang.Thread.run"), 1),
    ],
)
def test_an_error_is_one_line(
    session: FakeSession, capsys: pytest.CaptureFixture[str], error: Exception, code: int
) -> None:
    def run(job: Job) -> JobResult:
        raise error

    assert run_main(run, "--as-of-date", "2026-08-21") == code
    said = capsys.readouterr()
    message = error_of(said.err)
    assert message.removeprefix("Spark: ").removeprefix("PostgreSQL: ") == str(error).splitlines()[0]
    failure = json.loads(said.out)["error"]
    assert (failure["message"], failure["retryable"]) == (message, code == 1)
    assert session.stopped


def test_a_spark_that_does_not_start_is_one_line(
    session: FakeSession, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def no_session(settings: Any, name: str, profile: Any) -> Any:
        raise PySparkException("no master answers")

    monkeypatch.setattr(runner, "session", no_session)
    assert run_main(lambda job: JobResult([job.spark], {}), "--as-of-date", "2026-08-21") == 1  # type: ignore[list-item]
    assert error_of(capsys.readouterr().err) == "Spark: no master answers"


def publication(day: date, **values: Any) -> Publication:
    return Publication(job="test", as_of_date=day, period_days=5, row_count=2, source="yahoo", **values)


def test_the_summary_is_the_last_line(session: FakeSession, capsys: pytest.CaptureFixture[str]) -> None:
    published = [publication(date(2026, 8, 20)), publication(date(2026, 8, 21), status="empty")]
    assert run_main(lambda job: JobResult(published, {}), "--as-of-date", "2026-08-21") == 0
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert summary == {"days": 2, "publications": 2, "empty": 1, "degraded": 0, "rows": 4, "skipped": {}}


def test_skipped_sessions_are_named_and_the_exit_code_says_so(
    session: FakeSession, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = JobResult([publication(date(2026, 8, 20))], {date(2026, 8, 21): NO_PRICE})
    assert run_main(lambda job: outcome, "--from", "2026-08-20", "--to", "2026-08-21") == 1
    said = capsys.readouterr()
    last = json.loads(said.out.splitlines()[-1])
    assert last["skipped"]["2026-08-21"] == {
        "code": "no_benchmark_price",
        "params": {"benchmark": "SPY", "days": ["2026-08-21"]},
        "sentence": str(NO_PRICE),
    }
    assert last["error"]["reason"]["code"] == "days_skipped"
    assert error_of(said.err) == last["error"]["message"] == f"1 of the days asked for not published: {NO_PRICE}"


def test_the_summary_is_the_last_line_of_both_streams(
    session: FakeSession, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """spark-submit makes one stream of them."""
    monkeypatch.setattr("sys.stderr", sys.stdout)
    outcome = JobResult([publication(date(2026, 8, 20))], {date(2026, 8, 21): NO_PRICE})
    assert run_main(lambda job: outcome, "--from", "2026-08-20", "--to", "2026-08-21") == 1
    *_, error, summary = capfd.readouterr().out.splitlines()
    assert error.startswith("error: 1 of the days asked for not published")
    assert json.loads(summary)["rows"] == 2


def test_a_job_waits_for_its_session_only_when_it_needs_it() -> None:
    starting: Future[Any] = Future()
    nothing: Any = None
    job = Job(starting, nothing, nothing, [], None)
    starting.set_result("session")
    started: Any = "session"
    assert job.spark == started
    assert replace(job, session=started).spark == started


@pytest.mark.parametrize("days", [(7,), (5, 10, 21), (1, 5)])
def test_a_period_that_the_tables_lack_is_refused(monkeypatch: pytest.MonkeyPatch, days: tuple[int, ...]) -> None:
    changed = replace(universe_module.universe(), periods=days)
    monkeypatch.setattr(publishing, "universe", lambda: changed)
    with pytest.raises(InvalidInput, match="the tables hold 5, 10, 20"):
        publishing.published_periods()


@pytest.mark.parametrize("days", [(5, 10, 20), (20,)])
def test_periods_that_the_tables_hold_are_taken(monkeypatch: pytest.MonkeyPatch, days: tuple[int, ...]) -> None:
    changed = replace(universe_module.universe(), periods=days)
    monkeypatch.setattr(publishing, "universe", lambda: changed)
    assert publishing.published_periods() == days


def test_no_job_reads_todays_date() -> None:
    clocks = re.compile(r"\btoday\(|\bnow\(|current_date|current_timestamp|time\.time\(|clock_timestamp", re.IGNORECASE)
    # The driver's clock says when it starts afresh. It computes nothing.
    computing = set((ROOT / "batch").glob("*.py")) - {ROOT / "batch" / "warm_driver.py"}
    files = [*computing, ROOT / "utils" / "spark_utils.py"]
    assert len(files) > 5
    assert {file.name: found for file in files if (found := clocks.findall(file.read_text(encoding="utf-8")))} == {}


@pytest.mark.parametrize("module", [identifier, allocator])
def test_every_job_explains_itself(module: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        module.main(["--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert all(option in said for option in ("--as-of-date", "--from", "--to", "--run-id"))


def test_errors_of_the_platform_say_whether_a_retry_helps() -> None:
    """What the exit code is to Airflow: 2 is never retried."""
    assert issubclass(NotPublished, ActstockError) and NotPublished.retryable
    assert not InvalidInput.retryable
