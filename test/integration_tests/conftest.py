"""What the integration tests share: databases of their own on the server that DB_* names."""

import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from config.config import DatabaseSettings, Settings
from database.db_helper import apply_schema, connect, transaction
from utils.errors import DatabaseUnavailable

SAMPLE = Path(__file__).with_name("sample_publications.sql")


@pytest.fixture(scope="module")
def scratch_database() -> Iterator[DatabaseSettings]:
    """An empty database with the schema, dropped afterwards: the running platform's tables stay untouched."""
    server = Settings.from_env().database
    scratch = replace(server, name=f"scratch_{uuid.uuid4().hex[:12]}")
    try:
        admin = connect(server)
    except DatabaseUnavailable as error:
        pytest.skip(str(error))
    admin.autocommit = True
    with closing(admin), admin.cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{scratch.name}"')
        try:
            with closing(connect(scratch)) as conn:
                apply_schema(conn)
            yield scratch
        finally:
            cursor.execute(f'DROP DATABASE "{scratch.name}" WITH (FORCE)')


@pytest.fixture(scope="module")
def sample_database(scratch_database: DatabaseSettings) -> DatabaseSettings:
    """A scratch database with the publications of two sessions (sample_publications.sql)."""
    with closing(connect(scratch_database)) as conn, transaction(conn), conn.cursor() as cursor:
        cursor.execute(SAMPLE.read_text(encoding="utf-8"))
    return scratch_database
