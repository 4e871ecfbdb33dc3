"""The warm driver's client and its door: who may run a job, and when a job is submitted instead."""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pyspark import SparkContext

from batch import warm_driver
from config.config import SparkSettings
from utils import spark_driver, warm_spark
from utils.command_line import failure_of, print_failure
from utils.errors import NotASession, NotPublished

Answer = Callable[[BaseHTTPRequestHandler], None]


@pytest.fixture
def driver() -> Iterator[Callable[[Answer], SparkSettings]]:
    """Return a function that starts a driver with this answer, and returns the settings that lead to it."""
    servers: list[HTTPServer] = []

    def start(answer: Answer) -> SparkSettings:
        class Handler(BaseHTTPRequestHandler):
            do_POST = answer

            def log_message(self, *_: Any) -> None: ...

        servers.append(HTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return settings(f"http://127.0.0.1:{servers[-1].server_port}")

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def settings(url: str, token: str = "t") -> SparkSettings:
    return SparkSettings("spark://x:7077", "", Path("x.jsa"), driver_url=url, driver_token=token)


def saying(*messages: dict[str, Any], status: int = 200) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.rfile.read(int(handler.headers["Content-Length"]))
        handler.send_response(status)
        handler.end_headers()
        for message in messages:
            handler.wfile.write(json.dumps(message).encode() + b"\n\n")

    return answer


def run(settings: SparkSettings, shown: list[str] | None = None) -> spark_driver.Outcome | None:
    return spark_driver.run(settings, "job.py", ["--as-of-date", "2026-08-21"], (shown or []).append)


def last_line(capsys: pytest.CaptureFixture[str], error: NotASession | NotPublished, code: str = "") -> dict[str, str]:
    failure = failure_of(error)
    print_failure(type(failure)(code or failure.code, failure.message, failure.retryable, failure.reason))
    return {"line": capsys.readouterr().out.strip()}


class TestClient:
    def test_a_job_that_ends_is_shown_as_it_goes(self, driver: Any) -> None:
        shown: list[str] = ["before"]
        outcome = run(driver(saying({"line": "one"}, {"line": '{"days": 1}'}, {"exit_code": 0})), shown)
        assert outcome == spark_driver.Outcome(0, ["one", '{"days": 1}'])
        assert shown == ["before", "one", '{"days": 1}']

    def test_the_jobs_own_error_is_the_answer(self, driver: Any, capsys: pytest.CaptureFixture[str]) -> None:
        line = last_line(capsys, NotASession("2026-08-15 is no session"))
        outcome = run(driver(saying(line, {"exit_code": 2})))
        assert outcome is not None and outcome.exit_code == 2

    @pytest.mark.parametrize(
        "messages",
        [
            pytest.param([{"line": "publishing"}], id="it died on the way"),
            pytest.param([{"line": "Killed"}, {"exit_code": 1}], id="the job ended without its object"),
            pytest.param([], id="it died at once"),
        ],
    )
    def test_else_the_job_is_submitted(self, driver: Any, messages: list[dict[str, Any]]) -> None:
        assert run(driver(saying(*messages))) is None

    def test_what_spark_failed_is_tried_in_another_spark(self, driver: Any, capsys: pytest.CaptureFixture[str]) -> None:
        line = last_line(capsys, NotPublished("no space left"), spark_driver.SPARK_FAILED)
        assert run(driver(saying(line, {"exit_code": 1}))) is None

    def test_where_there_is_none_the_job_is_submitted(self) -> None:
        assert run(settings("")) is None
        assert run(settings("http://127.0.0.1:1")) is None

    def test_a_refusal_is_logged_with_its_reason(self, driver: Any, caplog: pytest.LogCaptureFixture) -> None:
        def refuse(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(503)
            handler.end_headers()
            handler.wfile.write(b"another job is at work\n")

        assert run(driver(refuse)) is None
        assert caplog.messages[-1].endswith("cannot be used: another job is at work")


class TestDoor:
    """The server, with a driver that says what it was asked."""

    @pytest.fixture
    def stand_in(self) -> Any:
        def run(script: str, arguments: list[str], client: object) -> Iterator[dict[str, Any]]:
            yield {}
            yield {"line": f"{script} {arguments}"}
            yield {"exit_code": 0}

        ended: list[str] = []
        return SimpleNamespace(
            run=run, at_work=threading.Lock(), code=spark_driver.jobs_digest(), end=ended.append, ended=ended
        )

    @pytest.fixture
    def url(self, stand_in: Any) -> Iterator[str]:
        with warm_driver.Server(("127.0.0.1", 0), stand_in, "t") as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}"
            server.shutdown()

    def test_runs_a_job_for_whoever_has_the_token(self, url: str) -> None:
        outcome = run(settings(url))
        assert outcome == spark_driver.Outcome(0, ["job.py ['--as-of-date', '2026-08-21']"])

    def test_and_for_nobody_else(self, url: str, caplog: pytest.LogCaptureFixture) -> None:
        assert run(settings(url, "another")) is None
        assert "the token is missing or another one" in caplog.text

    def test_one_job_at_a_time(self, url: str, stand_in: Any, caplog: pytest.LogCaptureFixture) -> None:
        with stand_in.at_work:
            assert run(settings(url)) is None
        assert "another job is at work" in caplog.text
        assert run(settings(url)) is not None, "the next one is let in"

    def test_starts_afresh_instead_of_running_old_code(
        self, url: str, stand_in: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        stand_in.code = "an older one"
        assert run(settings(url)) is None
        assert "the code has changed since it started" in caplog.text
        assert stand_in.ended == ["the code has changed"]


def test_the_digest_is_of_code_and_of_what_jobs_keep_in_memory(tmp_path: Path) -> None:
    digests = set()
    for name in ("batch/a.py", "config/universe.toml", "config/exchange_days.csv", "batch/a.pyc", "ops/b.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
        spark_driver.code_digest.cache_clear()
        digests.add(spark_driver.code_digest(tmp_path))
    spark_driver.code_digest.cache_clear()
    assert len(digests) == 3


def test_files_that_settings_name_count_wherever_they_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A restore names such files. A driver with the days of yesterday would compute on the wrong calendar."""
    files = {"UNIVERSE_FILE": tmp_path / "mine.toml", "EXCHANGE_DAYS_FILE": tmp_path / "days.csv"}
    for name, file in files.items():
        monkeypatch.setenv(name, str(file))

    def digest() -> str:
        spark_driver.jobs_digest.cache_clear()
        return spark_driver.jobs_digest()

    def changed(name: str, text: str) -> str:
        (tmp_path / name).write_text(text)
        return digest()

    days = "exchange,date,status,reason\n"
    changes = [("mine.toml", 'etfs = "my.csv"\n'), ("my.csv", "ticker,name\n"), ("days.csv", days)]
    changes += [("days.csv", f"{days}XNYS,2026-08-20,closed,storm\n"), ("my.csv", "ticker,name\nVTI,all\n")]
    changes += [("mine.toml", "not = [toml")]
    digests = [digest(), *(changed(*change) for change in changes)]
    assert len(set(digests)) == len(digests)
    before = changed("mine.toml", "")
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for name, file in files.items():
        monkeypatch.setenv(name, str(file.rename(moved / file.name)))
    assert digest() == before
    spark_driver.jobs_digest.cache_clear()


@pytest.mark.parametrize(("now", "hours"), [("03:59", 1 / 60), ("04:00", 24), ("21:30", 6.5)])
def test_starts_afresh_each_night(now: str, hours: float) -> None:
    moment = datetime.fromisoformat(f"2026-08-21T{now}").replace(tzinfo=UTC)
    assert (warm_driver.next_restart(moment) - moment).total_seconds() == pytest.approx(hours * 3600)


def test_without_a_token_it_does_not_start(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("SPARK_DRIVER_TOKEN", raising=False)
    with pytest.raises(SystemExit, match="2"):
        warm_driver.main([])
    assert "SPARK_DRIVER_TOKEN is missing" in capsys.readouterr().err


class TestEndOfAJob:
    @pytest.fixture(autouse=True)
    def others(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Leave alone what other tests have made in a JVM."""
        monkeypatch.setattr(warm_spark, "gc", SimpleNamespace(get_objects=list))

    def test_the_jvm_is_told_at_once_of_what_py4j_would_tell_later(self, monkeypatch: pytest.MonkeyPatch) -> None:
        told: list[tuple[str, bool]] = []
        client = SimpleNamespace(garbage_collect_object=lambda name, enqueue: told.append((name, enqueue)))
        waiting = deque([(client, "o2"), (client, "o1")])
        gateway = SimpleNamespace(_gateway_client=SimpleNamespace(finalizer_deque=waiting))
        monkeypatch.setattr(SparkContext, "_gateway", gateway)
        warm_spark.let_go()
        assert told == [("o1", False), ("o2", False)]

    def test_a_job_that_was_refused_before_spark_has_nothing_to_tell(self, monkeypatch: pytest.MonkeyPatch) -> None:
        looked: list[bool] = []
        monkeypatch.setattr(warm_spark, "gc", SimpleNamespace(get_objects=lambda: looked.append(True) or []))
        monkeypatch.setattr(SparkContext, "_gateway", None)
        warm_spark.let_go()
        assert not looked
