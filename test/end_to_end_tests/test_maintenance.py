"""What keeps a platform going for years: a backup that is restored, and the DAG that clears away."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from config.config import DatabaseSettings, Topic
from database.db_helper import Connection, connect, fetch
from ops.backup import native
from ops.backup.dumps import count_rows, heads_of
from ops.backup.making import back_up
from ops.backup.manifest import PLATFORM_DUMP
from ops.backup.places import native_place
from ops.native.postgres import running_alone
from ops.native.stack import Stack
from ops.native.stack_secrets import read_env_file
from ops.pipeline.airflow_client import Run


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


def test_what_is_cleared_away_is_old(run_dag: Callable[..., Run], conn: Connection) -> None:
    kept = ("collected_daily_etf_ohlc", "evidence_link", "logs_yahoo_request")
    before = {table: _stored(conn, table) for table in kept}
    run_dag("maintenance")
    # A run that an earlier one has triggered may still add some.
    gone = {table: before[table] - _stored(conn, table) for table in kept}
    assert all(before.values()) and not any(gone.values()), gone


def _stored(conn: Connection, table: str) -> set[str]:
    return {row["stored"] for row in fetch(conn, f"SELECT each::text AS stored FROM {table} AS each")}
