"""What is noted of a DAG's run: Airflow's own listener managers call our plugin, which writes into a real Postgres."""

import logging
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest

from config.config import PROJECT_ROOT, DatabaseSettings
from config.stages import HISTORY
from database.db_helper import Connection, Row, connect, fetch, transaction
from database.queries import stage_runs
from ops.pipeline import history_notes
from reason_words import text, words_in
from utils.errors import BarMissing
from utils.reasons import Reason, reason

LATE = "Yahoo has no bar of 2026-08-21 for XLB yet"
LATE_BARS = reason("late_bars", session=date(2026, 8, 21), tickers=["XLB"])


@dataclass
class FakeTask:
    """outcome: what a task says that it did."""

    outcome: tuple[bool, list[Reason]] | None = None
    as_of: str = "2026-08-21"

    @property
    def dag(self) -> Any:
        return FakeDag({"as_of": lambda params, dag_run: params["as_of_date"] or self.as_of})


@dataclass
class FakeDag:
    user_defined_macros: dict[str, Callable[..., str]]


@dataclass
class FakeTaskInstance:
    task: FakeTask = field(default_factory=FakeTask)
    state: str = "running"
    dag_id: str = "daily_sector_etf_collection"
    run_id: str = "manual__1"

    def get_template_context(self) -> dict[str, Any]:
        return {"params": {"as_of_date": None}, "dag_run": None}


@dataclass
class FakeDagRun:
    dag_id: str = "daily_sector_etf_collection"
    run_id: str = "manual__1"


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("airflow")
        patch.setenv("AIRFLOW_HOME", str(home))
        patch.setenv("AIRFLOW__CORE__PLUGINS_FOLDER", str(PROJECT_ROOT / "airflow" / "plugins"))
        patch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
        patch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", f"sqlite:///{home}/airflow.db")
        yield


@pytest.fixture
def conn(scratch_database: DatabaseSettings) -> Iterator[Connection]:
    with closing(connect(scratch_database)) as conn:
        yield conn
        with transaction(conn), conn.cursor() as cursor:
            cursor.execute("TRUNCATE logs_stage_run")


class Events:
    """Airflow's events, sent as Airflow sends them."""

    def __init__(self) -> None:
        from airflow.listeners.listener import get_listener_manager as of_runs
        from airflow.sdk.listener import get_listener_manager as of_tasks

        self._tasks, self._runs = of_tasks().hook, of_runs().hook

    def starts(self, task: FakeTask | None = None) -> None:
        self._tasks.on_task_instance_running(previous_state=None, task_instance=FakeTaskInstance(task or FakeTask()))

    def succeeds(self, outcome: tuple[bool, list[Reason]] | None = None) -> None:
        task = FakeTaskInstance(FakeTask(outcome), "success")
        self._tasks.on_task_instance_success(previous_state=None, task_instance=task)

    def fails(self, error: str | BaseException | None, state: str = "failed") -> None:
        task = FakeTaskInstance(state=state)
        self._tasks.on_task_instance_failed(previous_state=None, task_instance=task, error=error)

    def is_over(self) -> None:
        self._runs.on_dag_run_success(dag_run=FakeDagRun(), msg="success")

    def is_lost(self, msg: str = "task_failure") -> None:
        self._runs.on_dag_run_failed(dag_run=FakeDagRun(), msg=msg)


@pytest.fixture
def events(airflow: None, scratch_database: DatabaseSettings, monkeypatch: pytest.MonkeyPatch) -> Events:
    for name in ("host", "port", "name", "user", "password"):
        monkeypatch.setenv(f"DB_{name.upper()}", str(getattr(scratch_database, name)))
    return Events()


def noted(conn: Connection) -> Row:
    [row] = fetch(conn, "SELECT * FROM logs_stage_run")
    return row


def worded(text: str) -> Exception:
    from airflow.sdk.exceptions import AirflowException

    return AirflowException(text)


SCENARIOS: dict[str, tuple[Callable[[Events], None], ...]] = {
    "under way": (Events.starts,),
    "green": (Events.starts, Events.succeeds, Events.starts, Events.succeeds, Events.is_over),
    "green, with what it did": (Events.starts, lambda on: on.succeeds((False, [text("sent 6")])), Events.is_over),
    "nothing to do": (Events.starts, lambda on: on.succeeds((True, [text("already stored")])), Events.is_over),
    "the end is seen before what it did": (
        Events.starts,
        Events.is_over,
        lambda on: on.succeeds((True, [text("already stored")])),
    ),
    "nothing to collect, yet something to compute": (
        Events.starts,
        lambda on: on.succeeds((True, [text("already stored")])),
        Events.starts,
        Events.succeeds,
        Events.is_over,
    ),
    "late": (Events.starts, lambda on: on.fails(worded(LATE), "up_for_retry")),
    "late, then there": (
        Events.starts,
        lambda on: on.fails(worded(LATE), "up_for_retry"),
        Events.starts,
        lambda on: on.succeeds((False, [text("sent 1")])),
        Events.is_over,
    ),
    "failed": (Events.starts, lambda on: on.fails(worded(LATE + "\nTraceback")), Events.is_lost),
    "failed of a reason": (
        Events.starts,
        lambda on: on.fails(BarMissing(LATE_BARS)),
        Events.is_lost,
    ),
    "failed by itself": (Events.starts, lambda on: on.fails(KeyError("SPY")), Events.is_lost),
    "failed, the end seen first": (Events.starts, Events.is_lost, lambda on: on.fails(worded(LATE))),
    "killed": (Events.starts, Events.is_lost),
    "too long": (Events.starts, lambda on: on.is_lost("timed_out")),
    "cleared and run again": (
        Events.starts,
        lambda on: on.fails(worded(LATE)),
        Events.is_lost,
        Events.starts,
        Events.succeeds,
        Events.is_over,
    ),
}


@pytest.mark.parametrize(
    ("scenario", "state", "words", "is_over"),
    [
        ("under way", "running", None, False),
        ("green", "green", None, True),
        ("green, with what it did", "green", "sent 6", True),
        ("nothing to do", "skipped", "already stored", True),
        ("the end is seen before what it did", "skipped", "already stored", True),
        ("nothing to collect, yet something to compute", "green", None, True),
        ("late", "late", LATE, False),
        ("late, then there", "green", "sent 1", True),
        ("failed", "failed", LATE, True),
        ("failed of a reason", "failed", str(LATE_BARS), True),
        ("failed by itself", "failed", "KeyError: 'SPY'", True),
        ("failed, the end seen first", "failed", LATE, True),
        ("killed", "failed", "a task ended without a reason: see its log in Airflow", True),
        ("too long", "failed", "the run took longer than its time limit", True),
        ("cleared and run again", "green", None, True),
    ],
)
def test_how_a_run_has_gone(
    events: Events, conn: Connection, scenario: str, state: str, words: str | None, is_over: bool
) -> None:
    for happens in SCENARIOS[scenario]:
        happens(events)

    run = noted(conn)
    assert (run["state"], words_in(run["reason"]), run["ended_at"] is not None) == (state, words, is_over)
    assert (run["dag_id"], run["run_id"], run["as_of_date"]) == (
        "daily_sector_etf_collection",
        "manual__1",
        date(2026, 8, 21),
    )


def test_a_run_that_is_done_again_begins_anew(events: Events, conn: Connection) -> None:
    events.starts()
    first = noted(conn)["started_at"]
    events.starts()
    assert noted(conn)["started_at"] == first, "its second task does not begin it again"
    events.is_over()
    events.starts()
    assert noted(conn)["started_at"] > first


def test_a_run_whose_session_cannot_be_told_is_not_noted(
    events: Events, conn: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        events.starts(FakeTask(as_of="2026-13-01"))
        events.fails(worded("2026-13-01 is no date"))
        events.is_lost()
    assert fetch(conn, "SELECT * FROM logs_stage_run") == []
    assert "logs_stage_run lacks a note of daily_sector_etf_collection manual__1" in caplog.text


def test_a_database_that_is_away_is_logged_and_no_run_s_trouble(
    events: Events, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("DB_PORT", "1")
    with caplog.at_level(logging.WARNING):
        for happens in (Events.starts, Events.succeeds, Events.is_over, Events.is_lost):
            happens(events)
        events.fails("it")
    assert caplog.text.count("127.0.0.1:1/") == 4, "a task that says nothing writes nothing"


def test_a_locked_table_holds_nobody_up(
    events: Events, conn: Connection, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(stage_runs, "PATIENCE_MS", 50)
    with conn.cursor() as cursor, caplog.at_level(logging.WARNING):
        cursor.execute("LOCK TABLE logs_stage_run IN ACCESS EXCLUSIVE MODE")
        events.starts()
    conn.rollback()
    assert "canceling statement due to statement timeout" in caplog.text


# ── a history, which is no DAG ──


def history_in(conn: Connection) -> tuple[str, str | None, bool]:
    [row] = [row for row in stage_runs.between(conn, date(2026, 8, 21), date(2026, 8, 21)) if row["dag_id"] == HISTORY]
    return row["state"], words_in(row["reason"]), row["ended_at"] is not None


def test_a_history_is_noted_step_by_step(conn: Connection, scratch_database: DatabaseSettings) -> None:
    span = (scratch_database, date(2025, 8, 22), date(2026, 8, 21), 250, 9)
    with history_notes.noted(*span) as note:
        assert history_in(conn) == ("running", None, False)
        note(4)
        told = "computing 250 sessions, step 5 of 9: 0 sessions have portfolios so far"
        assert history_in(conn) == ("running", told, False)
    assert history_in(conn) == ("green", "0 of 250 sessions have portfolios", True)
    with pytest.raises(KeyboardInterrupt), history_notes.noted(*span):
        raise KeyboardInterrupt
    assert history_in(conn) == ("failed", "interrupted; started again, it goes on where it was", True)
    with pytest.raises(ValueError, match="no memory"), history_notes.noted(*span) as note:
        assert history_in(conn)[0] == "running", "it begins anew"
        raise ValueError("no memory")
    assert history_in(conn) == ("failed", "ValueError: no memory", True)
