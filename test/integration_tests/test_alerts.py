"""The watcher reads the ledger of a real database: one message an incident, and one when it is over."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg2
import pytest

from alerts import ledger
from alerts.watcher import Watcher
from config.config import DatabaseSettings, Settings
from config.stages import STAGES
from database.db_helper import Connection, connect, fetch, transaction
from database.queries import alerting, requests, stage_runs
from database.roles import READ, apply_roles
from receivers import Webhook, free_port, mail_server, webhook
from utils.reasons import as_json, reason

SESSION = date(2026, 8, 21)
STAGE_3 = STAGES["trending"]
REASON = reason("no_price", session=SESSION)


@pytest.fixture
def conn(scratch_database: DatabaseSettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    """Return the owner's connection, while the watcher has the login that can only read."""
    with closing(connect(scratch_database)) as conn:
        apply_roles(conn, {READ.password_setting: "r"}, [READ])
        for name, value in {"DB_NAME": scratch_database.name, "DB_USER": READ.name, "DB_PASSWORD": "r"}.items():
            monkeypatch.setenv(name, value)
        yield conn


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with webhook() as hook:
        yield hook


def test_a_reader_that_has_lifted_its_limits_is_ended(conn: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerting, "OVERLONG_MINUTES", 0)
    settings = Settings.from_env()
    with closing(connect(settings.database)) as reader, closing(connect(settings.database)) as idle:
        fetch(reader, "SELECT set_config('idle_in_transaction_session_timeout', '0', FALSE)")
        with reader.cursor() as cursor:
            cursor.execute("SELECT 1")  # its transaction stays open
        ledger.read(settings)
        with pytest.raises(psycopg2.OperationalError), reader.cursor() as cursor:
            cursor.execute("SELECT 1")
        assert fetch(idle, "SELECT 1 AS one") == [{"one": 1}]
    assert fetch(conn, "SELECT 1 AS one") == [{"one": 1}]


def write(conn: Connection, statement: str, *values: object) -> None:
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute(statement, values)


def told(hook: Webhook) -> list[str]:
    """Return what was told of the stage. No Airflow may be up here, which is told as well."""
    return [post["title"] for post in hook.posts if "3 Trending" in post["title"]]


def publish(conn: Connection, degraded: bool) -> None:
    write(conn, "DELETE FROM analytics_publication")
    write(
        conn,
        "INSERT INTO analytics_publication (job, as_of_date, period_days, status, reason, row_count, source,"
        " cash_weight, degraded_reason) VALUES ('allocation', %s, 5, 'empty', %s, 0, 'simulated', 1, %s)",
        SESSION,
        as_json([REASON]),
        as_json([REASON]) if degraded else None,
    )


def test_one_message_when_it_opens_and_one_when_it_is_over(
    conn: Connection, hook: Webhook, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with mail_server() as box:
        for name, value in {"ALERT_URLS": f"{box.url} {hook.url}", "ALERT_FOLDER": str(tmp_path)}.items():
            monkeypatch.setenv(name, value)
        watcher = Watcher(Settings.from_env())
        now = datetime.now(UTC)
        watcher.round(now)
        assert told(hook) == []
        stage_runs.started(conn, STAGE_3, "r1", SESSION)
        stage_runs.stopped(conn, STAGE_3, "r1", [REASON], is_late=False)
        stage_runs.ended(conn, STAGE_3, "r1", reason("no_word"))
        for minutes in (1, 2, 3):
            watcher.round(now + timedelta(minutes=minutes))
        assert told(hook) == ["ActStock: 3 Trending of 2026-08-21 has failed: no price on 2026-08-21"]
        stage_runs.started(conn, STAGE_3, "r2", SESSION)
        watcher.round(now + timedelta(minutes=4))
        assert len(told(hook)) == 1
        stage_runs.ended(conn, STAGE_3, "r2", None)
        for minutes in (5, 6):
            watcher.round(now + timedelta(minutes=minutes))
        assert told(hook)[1:] == ["ActStock: over: 3 Trending of 2026-08-21 has failed: no price on 2026-08-21"]
        assert [mail["Subject"] for mail in box.mails] == [post["title"] for post in hook.posts]


def test_everything_that_the_ledger_knows_is_read(conn: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    write(conn, "DELETE FROM logs_stage_run")
    publish(conn, degraded=True)
    write(
        conn,
        "INSERT INTO logs_consumer_error (topic, partition_id, kafka_offset, message_key, raw_value, error_msg, reason,"
        " ticker, trade_date) VALUES ('etf-daily-data', 0, 1, 'EWY', '{}', 'x', %s, 'EWY', %s)",
        as_json([REASON]),
        SESSION,
    )
    requests.record(conn, "chart", "SPY", 429, None)
    write(
        conn,
        "INSERT INTO logs_consumer_lag VALUES ('etf-daily', 'etf-daily-data', 0, 1, 1, DEFAULT, clock_timestamp()),"
        " ('etf-daily', 'etf-daily-data', 1, 4, 9, DEFAULT, clock_timestamp()),"
        " ('replay-etf-daily', 'etf-daily-data', 0, 1, 3, DEFAULT, clock_timestamp())",
    )
    for number, (started, reruns) in enumerate([("40 days", 0), ("1 day", 0), ("2 days", 1)]):
        write(
            conn,
            "INSERT INTO logs_stage_run (dag_id, run_id, as_of_date, state, reason, started_at) VALUES"
            " (%s, 'first', '2026-08-20', 'failed', %s, now() - %s::interval)",
            f"dag_{number}",
            as_json([REASON]),
            started,
        )
        if reruns:
            stage_runs.started(conn, f"dag_{number}", "again", date(2026, 8, 20))
            stage_runs.ended(conn, f"dag_{number}", "again", None)
    read = ledger.read(Settings.from_env())
    assert [run.dag_id for run in read.runs] == ["dag_1"]
    assert [(day.as_of_date, day.reasons) for day in read.doubtful] == [
        (SESSION, [{"code": "no_price", "params": {"session": "2026-08-21"}}])
    ]
    assert [(bar.ticker, bar.trade_date) for bar in read.waiting_bars] == [("EWY", SESSION)]
    assert not read.bars_are_cut
    with monkeypatch.context() as patched:
        patched.setattr(alerting, "MOST_BARS", 1)
        assert ledger.read(Settings.from_env()).bars_are_cut
    assert read.limited_at and read.now - read.limited_at < timedelta(minutes=1)
    assert (read.newest, set(read.consumers)) == (SESSION, {"etf-daily"})
    assert [(one.consumer_group, one.partition_id, one.committed, one.lag) for one in read.backlogs] == [
        ("etf-daily", 1, 4, 5)
    ]
    publish(conn, degraded=False)
    assert ledger.read(Settings.from_env()).doubtful == []


def test_a_dead_database_is_told_after_a_while(hook: Webhook, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given = {
        "DB_PORT": str(free_port()),
        "ALERT_URLS": hook.url,
        "ALERT_FOLDER": str(tmp_path),
        "DB_PASSWORD": "s3cret",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    watcher = Watcher(Settings.from_env())
    now = datetime.now(UTC)
    for minutes in (0, 1, 2):
        watcher.round(now + timedelta(minutes=minutes))
    said = [post for post in hook.posts if "database" in post["title"]]
    assert [post["title"].startswith("ActStock: the database cannot be read: PostgreSQL at") for post in said] == [True]
    assert "s3cret" not in str(hook.posts)
