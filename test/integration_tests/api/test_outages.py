"""What the API answers without its database, with the wrong one, and about its own health."""

import socket
import threading
from contextlib import closing, suppress
from dataclasses import replace
from typing import Any

import psycopg2
import pytest
from fastapi.testclient import TestClient

from api.main import create_app
from api.pool import ReaderPool
from config.config import DatabaseSettings
from database.db_helper import connect, fetch
from sample_api import SETTINGS, api_on, execute, wait_until

AWAY_WITHIN_SECONDS = 3.0


class Cut:
    """A TCP road to Postgres that can be closed: what is on it is cut off, what comes later is refused."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._open: list[socket.socket] = []
        self._listener: socket.socket | None = None
        self.port = 0
        self.restore()

    def restore(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        # shutdown wakes the thread that waits in accept; close alone leaves the port listening.
        assert self._listener is not None
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._open.clear()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(self._target)
                self._open += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    @staticmethod
    def _carry(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)


def test_database_outage_is_503_and_passes(sample_database: DatabaseSettings) -> None:
    road = Cut(sample_database.host, sample_database.port)
    paths = [
        "/stocks/portfolio",
        "/stocks/SPY/latest",
        "/stocks/SPY/history",
        "/stocks/monthly-portfolio",
        "/dashboard/etf-list",
    ]
    with api_on(replace(sample_database, host="127.0.0.1", port=road.port)) as api:
        assert {api.get(path).status_code for path in paths} == {200}
        road.cut()
        wait_until(lambda: {api.get(path).status_code for path in paths} == {503}, AWAY_WITHIN_SECONDS)
        for path in paths:
            answer = api.get(path).json()
            assert answer["error"] == "DatabaseUnavailable" and "Traceback" not in answer["detail"]
        assert dependency(api, "database")["status"] == "away"
        road.restore()
        wait_until(lambda: {api.get(path).status_code for path in paths} == {200}, AWAY_WITHIN_SECONDS)
    road.cut()


def test_api_starts_without_its_database(sample_database: DatabaseSettings) -> None:
    road = Cut(sample_database.host, sample_database.port)
    road.cut()
    with api_on(replace(sample_database, host="127.0.0.1", port=road.port)) as api:
        assert api.get("/stocks/portfolio").status_code == 503
        road.restore()
        wait_until(lambda: api.get("/stocks/portfolio").status_code == 200, AWAY_WITHIN_SECONDS)
    road.cut()


def test_missing_tables_say_what_to_run(sample_database: DatabaseSettings) -> None:
    with api_on(replace(sample_database, name="postgres")) as api:
        answer = api.get("/stocks/SPY/latest")
        assert answer.status_code == 503
        assert "python -m database.migrate" in answer.json()["detail"]


def test_tables_of_an_earlier_version_say_what_to_run(empty_database: DatabaseSettings, empty_api: TestClient) -> None:
    rename = "ALTER TABLE analytics_publication RENAME COLUMN {} TO {}"
    execute(empty_database, rename.format("degraded_reason", "something_else"))
    try:
        answer = empty_api.get("/stocks/portfolio")
        assert (answer.status_code, answer.json()["error"]) == (503, "DatabaseUnavailable")
        assert "degraded_reason does not exist: run python -m database.migrate" in answer.json()["detail"]
    finally:
        execute(empty_database, rename.format("something_else", "degraded_reason"))


def dependency(api: TestClient, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in api.get("/health").json()["dependencies"] if each["name"] == name)
    return found


def test_health_is_503_when_one_is_away_and_200_when_none_is(sample_database: DatabaseSettings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as kafka, socket.create_server(("127.0.0.1", 0)) as master:
        settings = replace(
            SETTINGS,
            database=sample_database,
            kafka=replace(SETTINGS.kafka, bootstrap_servers=f"127.0.0.1:{kafka.getsockname()[1]}"),
            spark=replace(SETTINGS.spark, master_url=f"spark://127.0.0.1:{master.getsockname()[1]}"),
        )
        with TestClient(create_app(settings)) as api:
            health = api.get("/health")
            assert (health.status_code, health.json()["status"]) == (200, "ok")
            assert all(each["latency_ms"] >= 0 for each in health.json()["dependencies"])
            jobs = {(each["job"], each["period_days"]): each for each in health.json()["publications"]}
            assert set(jobs) == {
                ("trending", 0),
                ("performance", 0),
                ("allocation", 5),
                ("allocation", 10),
                ("allocation", 20),
                ("rebalance", 0),
            }
            assert jobs["allocation", 20]["as_of_date"] == "2026-08-21"
            kafka.close()
            assert api.get("/health").status_code == 503
            assert dependency(api, "kafka")["status"] == "away"
            assert dependency(api, "database")["status"] == "ok"


def test_the_apis_login_changes_what_readers_own_and_nothing_else(reader_of_sample: DatabaseSettings) -> None:
    """Its connections are read-only, and so is the login itself: no other write is let through even without that."""
    pool = ReaderPool(reader_of_sample)
    try:
        with pool.connection() as conn, pytest.raises(psycopg2.errors.ReadOnlySqlTransaction), conn.cursor() as cursor:
            cursor.execute("DELETE FROM collected_meta_etf")
    finally:
        pool.close()
    with closing(connect(reader_of_sample)) as conn:
        tables = fetch(conn, "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
        statements = [
            f"{verb} {row['tablename']}" for row in tables for verb in ("DELETE FROM", "TRUNCATE", "DROP TABLE")
        ]
        statements.remove("DELETE FROM owned_positions")
        for statement in [*statements, "CREATE TABLE mine (n INTEGER)"]:
            with pytest.raises(psycopg2.errors.InsufficientPrivilege), conn.cursor() as cursor:
                cursor.execute(statement)
            conn.rollback()
