"""Rounds of the watcher, and what it asks the services."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from datetime import time as at
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socketserver import UnixStreamServer
from threading import Thread
from typing import Any
from xmlrpc.server import SimpleXMLRPCDispatcher, SimpleXMLRPCRequestHandler

import pytest
from msgspec.structs import replace

from alert_cases import FINE, NOW, SESSION, ledger, run
from alerts import command, heartbeat, journal, probes, watcher
from alerts import ledger as ledger_of_database
from alerts.channels import Message
from alerts.due import dues
from alerts.incidents import OLDEST
from alerts.observed import Due, Observed
from alerts.outbox import TRY_AGAIN
from alerts.watcher import DIGEST_TRIES, Watcher
from config.config import Settings
from ops.backup.folder import tell
from ops.native import compose
from receivers import Webhook, free_port, webhook
from utils.errors import DatabaseUnavailable


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Settings]:
    def settings(**given: str) -> Settings:
        for name, value in {"ALERT_FOLDER": str(tmp_path), **given}.items():
            monkeypatch.setenv(name, value)
        return Settings.from_env()

    return settings


class Seen(Watcher):
    """A watcher that sees what it is shown."""

    shown = FINE

    def look(self, now: datetime) -> Observed:
        return replace(self.shown, now=now, dues=self._dues())

    def see(self, minutes: float, shown: Observed) -> None:
        self.shown = shown
        self.round(NOW + timedelta(minutes=minutes))


def subjects(hook: Webhook) -> list[str]:
    return [post["title"] for post in hook.posts]


def test_each_round_leaves_a_heartbeat_and_tells_what_is_new(
    environment: Callable[..., Settings], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with webhook() as hook:
        settings = environment(ALERT_URLS=hook.url)
        watcher = Seen(settings)
        watcher.see(0, FINE)
        assert subjects(hook) == []
        watcher.see(1, ledger(runs=[run("failed", 5)]))
        assert heartbeat.is_alive(tmp_path, time.time())
        assert command.state_of(tmp_path).startswith("1 open (./start.sh alert), watcher alive, last round ")
        Seen(settings).see(2, ledger(runs=[run("failed", 5)]))  # after a restart
        assert len(hook.posts) == 1
        Seen(settings).see(3, FINE)
        assert [subject.partition(" has failed")[0] for subject in subjects(hook)] == [
            "ActStock: 3 Trending of 2026-08-21",
            "ActStock: over: 3 Trending of 2026-08-21",
        ]
    assert command.main([]) == 0
    assert "sent through json\n" in capsys.readouterr().out


def test_what_no_channel_takes_is_sent_later(environment: Callable[..., Settings], tmp_path: Path) -> None:
    with webhook() as hook:
        watcher = Seen(environment(ALERT_URLS=hook.url))
        hook.status = 500
        watcher.see(0, ledger(runs=[run("failed", 5)]))
        assert "not sent through json: " in command.state_of(tmp_path)
        hook.status = 200
        minutes = TRY_AGAIN.total_seconds() / 60
        watcher.see(minutes - 1, ledger(runs=[run("failed", 5)]))
        assert subjects(hook) == []
        watcher.see(minutes, ledger(runs=[run("failed", 5)]))
        assert len(subjects(hook)) == 1
        assert "not sent" not in command.state_of(tmp_path)


def test_without_a_channel_the_log_and_the_command_tell(
    environment: Callable[..., Settings], caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    Seen(environment(ALERT_LANGUAGE="ko", ALERT_URLS="")).see(0, ledger(runs=[run("failed", 5)]))
    assert "실행이 실패했습니다" in caplog.text
    assert command.main([]) == 0
    shown = capsys.readouterr().out
    assert "nothing: ALERT_URLS is not set" in shown and "3 추세 ETF 실행이 실패했습니다" in shown


def test_only_what_becomes_due_while_it_watches_is_waited_for(environment: Callable[..., Settings]) -> None:
    """A platform that is new has not published what was due before."""
    with webhook() as hook:
        watcher = Seen(environment(ALERT_URLS=hook.url))
        unpublished = ledger(published=[date(2026, 8, 19)])
        watcher.see(0, unpublished)  # reads the calendar
        assert watcher._calendar is not None and Due(SESSION, NOW - timedelta(hours=1)) in watcher._calendar[1]
        watcher.see(1, replace(unpublished, market_now=NOW + timedelta(minutes=1)))
        assert subjects(hook) == []
        for minutes in (2, 32):
            watcher.see(minutes, replace(unpublished, market_now=NOW + timedelta(days=1)))
        assert subjects(hook) == [
            "ActStock: no portfolio of 2026-08-24 is published, and it was due at 2026-08-25 15:00 UTC"
        ]


def test_somebody_else_is_told_that_it_lives(environment: Callable[..., Settings]) -> None:
    with http_server({"/ping": (200, b"")}) as (url, asked):
        Seen(environment(ALERT_HEARTBEAT_URL=f"{url}/ping")).see(0, FINE)
        assert asked == ["/ping"]


def test_a_watcher_that_stands_still_is_dead(tmp_path: Path) -> None:
    assert command.state_of(tmp_path) == "the watcher has not had a round yet"
    assert not heartbeat.is_alive(tmp_path, time.time())
    file = tmp_path / heartbeat.HEARTBEAT
    file.write_text('{"at": "2026-08-24T16:00:00Z", "open": 0}')
    os.utime(file, (1000, 1000))
    assert not heartbeat.is_alive(tmp_path, 1000 + heartbeat.ALIVE_SECONDS)
    assert "watcher DEAD, last round 2026-08-24 16:00:00 UTC" in command.state_of(tmp_path)


def test_a_holiday_is_no_session_that_is_due() -> None:
    """Labor Day was the 7th. The staggered stages run on it, about the Friday before."""
    days = dues(datetime(2026, 9, 8, tzinfo=UTC), "staggered", at(15))
    moments = {due.day: due.moment for due in days if not due.is_month}
    assert date(2026, 9, 7) not in moments
    assert moments[date(2026, 9, 4)] == datetime(2026, 9, 7, 15, tzinfo=UTC)
    assert moments[date(2026, 9, 8)] == datetime(2026, 9, 9, 15, tzinfo=UTC)


@pytest.mark.parametrize("schedule", ["staggered", "controller"])
def test_a_month_is_due_on_the_day_on_which_it_is_bought(schedule: str) -> None:
    [due] = [each for each in dues(datetime(2026, 9, 1, tzinfo=UTC), schedule, at(15)) if each.is_month]
    assert due == Due(date(2026, 8, 30), datetime(2026, 8, 31, 15, tzinfo=UTC), is_month=True)


@contextmanager
def http_server(answers: dict[str, tuple[int, bytes]]) -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            status, body = answers[self.path]
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


@pytest.mark.parametrize("body", [b'{"status": "ok"}', b"[]", b"null", b'"up"', b'{"scheduler": null}', b"<html>"])
def test_what_is_not_airflow_does_not_answer_for_it(body: bytes) -> None:
    with http_server({"/api/v2/monitor/health": (200, body)}) as (url, _):
        assert probes.airflow_components(url) == {}


def test_a_round_that_fails_is_not_the_last(
    environment: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rounds = 0

    def look(self: Watcher, now: datetime) -> Observed:
        nonlocal rounds
        rounds += 1
        if rounds == 1:
            raise KeyError("unforeseen")
        return FINE

    def sleep(seconds: float) -> None:
        assert heartbeat.is_alive(tmp_path, time.time()) is (rounds > 1)
        if rounds > 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(Watcher, "look", look)
    with pytest.raises(KeyboardInterrupt):
        watcher.run(environment(), sleep, lambda: NOW)
    assert rounds == 2


def test_a_journal_of_a_later_version_can_be_told(environment: Callable[..., Settings], tmp_path: Path) -> None:
    settings = environment()
    Seen(settings).see(0, ledger(runs=[run("failed", 5)]))
    file = tmp_path / journal.FILE
    file.write_text(file.read_text().replace("no_price", "of_a_later_version"))
    assert command.main([]) == 0
    Seen(settings).see(1, FINE)
    assert command.state_of(tmp_path).startswith("0 open")


def day(number: int) -> date:
    return date(2026, 8, number)


class Digests:
    """What a watcher writes digests about. failing: sessions whose digest cannot be made."""

    def __init__(self, watcher: Watcher, monkeypatch: pytest.MonkeyPatch) -> None:
        self.failing: set[str] = set()
        self.sent: list[str] = []
        self._watcher = watcher
        monkeypatch.setattr("alerts.watcher._output_of", self._output_of)

    def _output_of(self, command: list[str], kind: type, name: str) -> Message | None:
        if name != "the digest" or command[-1] in self.failing:
            return None
        self.sent.append(command[-1][-2:])
        return Message("digest", "text")

    def after(self, published: list[date], recorded: date | None) -> list[str]:
        self.sent.clear()
        self._watcher.see(0, ledger(published=published, recorded=recorded))  # type: ignore[attr-defined]
        return list(self.sent)


@pytest.fixture
def digests(environment: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch) -> Digests:
    return Digests(Seen(environment(ALERT_DIGEST="1")), monkeypatch)


def test_each_session_has_its_digest_also_when_several_are_caught_up(digests: Digests) -> None:
    assert digests.after([day(20)], day(20)) == []
    assert digests.after([day(20), day(21)], day(20)) == []
    caught_up = [day(20), day(21), day(24)]
    assert digests.after(caught_up, day(20)) == []
    assert [digests.after(caught_up, day(24)) for _ in range(3)] == [["21"], ["24"], []]


def test_a_digest_that_cannot_be_made_keeps_back_no_other(digests: Digests) -> None:
    digests.after([day(20)], day(20))
    digests.failing = {"2026-08-21"}
    said = [digests.after([day(20), day(21), day(24)], day(24)) for _ in range(DIGEST_TRIES + 2)]
    assert said == [[]] * DIGEST_TRIES + [["24"], []]


def test_of_a_history_only_the_newest_session_has_a_digest(digests: Digests) -> None:
    assert digests.after([], None) == []
    assert digests.after([day(19), day(20), day(21)], day(21)) == ["21"]
    assert digests.after([day(19), day(20), day(21)], day(21)) == []


def test_a_closed_day_that_is_added_is_known_at_once(
    environment: Callable[..., Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "days.csv"
    file.write_text("exchange,date,status,reason\n")
    watcher = Seen(environment(EXCHANGE_DAYS_FILE=str(file)))
    watcher.see(0, FINE)

    def known() -> set[date]:
        assert watcher._calendar
        return {due.day for due in watcher._calendar[1]}

    assert SESSION in known()
    with file.open("a") as days:
        days.write(f"XNYS,{SESSION},closed,day of mourning\n")
    os.utime(file, (1, 1))
    watcher.see(1, FINE)
    assert SESSION not in known()


def test_what_was_due_while_the_machine_was_off_is_known() -> None:
    days = [due.day for due in dues(NOW, "staggered", at(15))]
    assert min(days) <= (NOW - OLDEST).date() + timedelta(days=2)


def test_airflow_says_which_of_its_parts_are_well() -> None:
    said = {"scheduler": {"status": "unhealthy"}, "metadatabase": {"status": "healthy"}, "triggerer": {"status": None}}
    with http_server({"/api/v2/monitor/health": (200, json.dumps(said).encode())}) as (url, _):
        assert probes.airflow_components(url) == {"scheduler": False, "metadatabase": True}
    assert probes.airflow_components(f"http://127.0.0.1:{free_port()}") == {}


def test_a_broker_that_is_away_is_named() -> None:
    port = free_port()
    assert probes.broker_problem(f"127.0.0.1:{port}").startswith(f"127.0.0.1:{port}: ")


def test_the_watcher_sees_how_it_is_with_backups(
    environment: Callable[..., Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(settings: Settings) -> None:
        raise DatabaseUnavailable("away")

    monkeypatch.setattr(ledger_of_database, "read", away)
    settings = environment(BACKUP_STATE_FOLDER=str(tmp_path / "state"), BACKUP_FOLDER="/dev/shm/backups")
    assert Watcher(settings).look(NOW).backups is None
    tell(settings.backup, NOW)
    seen = Watcher(settings).look(NOW)
    assert seen.backups and seen.backups.is_on
    assert [room.where for room in seen.disks] == [str(tmp_path), "BACKUP_FOLDER"]


def test_memory_and_disk(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal:  2048000 kB\nMemAvailable:  1024000 kB\n")
    memory = probes.memory(meminfo)
    assert memory and memory.free_mb == 1000
    assert probes.memory(tmp_path / "nothing") is None
    assert probes.disk(tmp_path / "not" / "there").free_mb > 0


class _Handler(SimpleXMLRPCRequestHandler):
    rpc_paths = ("/RPC2",)
    disable_nagle_algorithm = False  # which a Unix socket does not have


class _Supervisor(UnixStreamServer, SimpleXMLRPCDispatcher):
    def __init__(self, path: str, states: list[dict[str, Any]]) -> None:
        SimpleXMLRPCDispatcher.__init__(self, allow_none=True)
        UnixStreamServer.__init__(self, path, _Handler)
        self.logRequests = False
        self.register_function(lambda: states, "supervisor.getAllProcessInfo")


def state(name: str, statename: str, start: float, exitstatus: int = 0) -> dict[str, Any]:
    return {"name": name, "statename": statename, "start": int(start), "exitstatus": exitstatus}


def test_the_supervisor_tells_who_is_down_and_who_restarts(tmp_path: Path) -> None:
    path, now = str(tmp_path / "s"), time.time()
    states = [
        state("api", "RUNNING", now - 40),
        state("kafka", "FATAL", now),
        state("postgres", "STARTING", now),  # it is tried again
        state("schema", "EXITED", now - 1000),
        state("topics", "EXITED", now - 1000, 1),
        state("dashboard", "STOPPED", 0),
    ]
    with _Supervisor(path, states) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        services = probes.Services(path, {})
        seen = services.look()
        assert seen and {each.name for each in seen if not each.is_up} == {"kafka", "postgres", "topics"}
        assert {each.name: each.starts for each in seen} == {
            "api": 1, "kafka": 0, "postgres": 1, "schema": 0, "topics": 0, "dashboard": 0
        }  # fmt: skip
        for start in (30, 20, 10):
            states[0]["start"] = int(now - start)
            seen = services.look()
        assert seen and seen[0].starts == 4
        server.shutdown()
    os.unlink(path)
    assert services.look() is None


def test_without_a_supervisor_the_services_are_asked() -> None:
    with http_server({"/": (404, b""), "/broken": (500, b"")}) as (url, _):
        services = probes.Services("", {"api": f"{url}/", "spark": f"{url}/broken"})
        seen = services.look()
    assert seen and [(each.name, each.is_up, each.starts) for each in seen] == [("api", True, 0), ("spark", False, 0)]
    again = services.look()
    assert again and not again[0].is_up


def test_a_container_notes_its_starts(tmp_path: Path) -> None:
    now = int(time.time())

    def note(container: str, *ages: int) -> None:
        (tmp_path / container).write_text("".join(f"{now - age}\n" for age in ages))

    note("consumer-etf-daily.c0ffee", 2000, 30, 20, 10)
    note("consumer-etf-daily.decade", 5)  # of several copies each is counted by itself
    note("kafka.facade", 3000)
    (tmp_path / "api.added").write_text("no number\n")
    assert probes.noted_starts(tmp_path, now - probes.LOOP_SECONDS) == {"consumer-etf-daily": 3, "kafka": 0}
    with http_server({"/": (404, b"")}) as (url, _):
        seen = probes.Services("", {"api": f"{url}/"}, tmp_path).look()
    assert seen and [(each.name, each.is_up, each.starts) for each in seen] == [
        *(("api", True, 0), ("consumer-etf-daily", True, 3), ("kafka", True, 0))
    ]


def test_without_notes_there_are_no_starts(tmp_path: Path) -> None:
    assert probes.noted_starts(tmp_path / "nothing", 0) == {}


def test_the_notes_of_the_compose_file_are_read(tmp_path: Path) -> None:
    [*_, script, name] = compose.services()["api"]["entrypoint"]
    script = script.replace("$$", "$").replace("/run/starts", str(tmp_path))
    for _ in range(2):
        said = subprocess.run(["bash", "-c", script, name, "echo", "a b"], capture_output=True, text=True, check=True)
        assert said.stdout == "a b\n"
    assert probes.noted_starts(tmp_path, time.time() - 60) == {"api": 2}
