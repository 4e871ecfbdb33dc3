"""What keeps a platform going for years: a backup that is restored, and the DAG that clears away."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.config import DatabaseSettings, Topic
from database.db_helper import Connection, connect, fetch, transaction
from ops.backup import native
from ops.backup.dumps import count_rows, heads_of
from ops.backup.making import back_up
from ops.backup.manifest import PLATFORM_DUMP
from ops.backup.places import native_place
from ops.native.postgres import running_alone
from ops.native.stack import Stack
from ops.native.stack_secrets import read_env_file
from ops.pipeline.airflow_client import Run

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def test_the_running_platform_is_restored_elsewhere(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = back_up(native_place(stack, {}), tmp_path / "actstock.tar")
    assert manifest.topics and set(manifest.topics) == set(Topic)
    monkeypatch.setenv("ACTSTOCK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ACTSTOCK_PORT_OFFSET", str(stack.port_offset))
    monkeypatch.setattr(native, "ENV_FILE", tmp_path / ".env")
    monkeypatch.setattr(native, "start", lambda stack: 0)

    assert native.restore_native(tmp_path / "actstock.tar", True) == 0

    restored = Stack(tmp_path / "home", source=stack.source)
    secrets = read_env_file(restored.secrets_file)
    assert secrets == read_env_file(stack.secrets_file)
    with running_alone(restored.data / "postgres", {}) as host:
        database = DatabaseSettings(host, 5432, "stockdb", "postgres", secrets["DB_PASSWORD"])
        with closing(connect(database)) as conn:
            assert heads_of(conn) == manifest.heads
            # Bringing the schema up to this version is counted as a change of the data.
            counted = {"logs_data_change"}
            wanted = manifest.rows[PLATFORM_DUMP]
            assert {name: rows for name, rows in count_rows(conn).items() if name not in counted} == {
                name: rows for name, rows in wanted.items() if name not in counted
            }
    with running_alone(restored.data / "airflow-db", {}) as host:
        database = DatabaseSettings(host, 5432, "airflow", "airflow", secrets["AIRFLOW_DB_PASSWORD"])
        with closing(connect(database)) as conn:
            assert fetch(conn, "SELECT pool FROM slot_pool WHERE pool = 'yahoo'")


def test_what_is_old_is_cleared_away_and_nothing_else(
    run_dag: Callable[..., Run], conn: Connection, airflow_database: Connection, stack: Stack
) -> None:
    earlier = run_dag("maintenance")
    _age(airflow_database, "dag_run", "start_date", f"run_id = '{earlier.run_id}'")
    _age(airflow_database, "log", "dttm", "id = (SELECT MIN(id) FROM log)")
    request = _age(conn, "logs_yahoo_request", "requested_at", "id = (SELECT MIN(id) FROM logs_yahoo_request)")
    log_file = next((stack.data / "airflow" / "logs").rglob("*.log"))
    os.utime(log_file, (LONG_AGO.timestamp(),) * 2)
    kept = ("collected_daily_etf_ohlc", "evidence_link", "logs_yahoo_request")
    before = {table: _stored(conn, table) for table in kept}

    run_dag("maintenance")

    # A run that an earlier one has triggered may still add some.
    gone = {table: before[table] - _stored(conn, table) for table in kept}
    assert all(before.values()) and {table for table, rows in gone.items() if rows} == {"logs_yahoo_request"}, gone
    assert gone["logs_yahoo_request"] == {request}
    for table, column in {"dag_run": "start_date", "log": "dttm"}.items():
        [left] = fetch(
            airflow_database,
            f"SELECT COUNT(*) AS rows, COUNT(*) FILTER (WHERE {column} <= %(at)s) AS old FROM {table}",
            {"at": LONG_AGO},
        )
        assert left["rows"] and not left["old"], table
    assert not log_file.exists() and list((stack.data / "airflow" / "logs").rglob("*.log"))


@pytest.fixture
def airflow_database(stack: Stack) -> Iterator[Connection]:
    password = read_env_file(stack.secrets_file)["AIRFLOW_DB_PASSWORD"]
    database = DatabaseSettings("127.0.0.1", stack.port("airflow-db"), "airflow", "airflow", password)
    with closing(connect(database)) as conn:
        yield conn


def _age(conn: Connection, table: str, column: str, which: str) -> str:
    """Make a row very old, and return it."""
    query = f"UPDATE {table} AS each SET {column} = %s WHERE {which} RETURNING each::text AS stored"
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute(query, (LONG_AGO,))
        [[stored]] = cursor.fetchall()
    return str(stored)


def _stored(conn: Connection, table: str) -> set[str]:
    return {row["stored"] for row in fetch(conn, f"SELECT each::text AS stored FROM {table} AS each")}
