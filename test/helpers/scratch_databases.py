"""Databases of their own on the server that DB_* names: the running platform's tables stay untouched."""

import tarfile
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest

from config.config import PROJECT_ROOT, DatabaseSettings, Settings
from database.db_helper import Connection, connect, transaction
from database.roles import Role, apply_roles
from ops.databases import empty_tables
from utils.errors import DatabaseUnavailable

VERSION_0_1_0 = PROJECT_ROOT / "test" / "integration_tests" / "version_0_1_0.tar.xz"


@contextmanager
def a_database(template: str = "template1") -> Iterator[DatabaseSettings]:
    """Create a database, empty or as its template is, and drop it afterwards."""
    server = Settings.from_env().database
    made = replace(server, name=f"scratch_{uuid.uuid4().hex[:12]}")
    try:
        admin = connect(server)
    except DatabaseUnavailable as error:
        pytest.skip(str(error))
    admin.autocommit = True
    with closing(admin), admin.cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{made.name}" TEMPLATE "{template}"')
        try:
            yield made
        finally:
            cursor.execute(f'DROP DATABASE "{made.name}" WITH (FORCE)')


@contextmanager
def logged_in_as(role: Role, database: DatabaseSettings) -> Iterator[DatabaseSettings]:
    """Return the database with a login that has a role's rights, and drop the login afterwards."""
    # Under a name of its own: roles belong to the whole server, where others are using the real one.
    own = replace(role, name=f"{role.name}_{uuid.uuid4().hex[:8]}")
    with closing(connect(database)) as owner:
        apply_roles(owner, {own.password_setting: "for these tests"}, [own])
        yield replace(database, user=own.name, password="for these tests")
        with transaction(owner), owner.cursor() as cursor:
            cursor.execute(f"DROP OWNED BY {own.name}")
            cursor.execute(f"DROP ROLE {own.name}")


def load_version_0_1_0(conn: Connection) -> None:
    """Fill an empty database as version 0.1.0 left it."""
    with transaction(conn), conn.cursor() as cursor, tarfile.open(VERSION_0_1_0) as files:
        for member in files:
            content = files.extractfile(member)
            assert content is not None
            _load(cursor, member.name, content.read())


def _load(cursor: Any, name: str, content: bytes) -> None:
    table, _, kind = name.rpartition(".")
    if kind == "sql":
        cursor.execute(content.decode())
    elif kind == "csv":
        columns = content.partition(b"\n")[0].decode()
        cursor.copy_expert(f"COPY {table} ({columns}) FROM STDIN (FORMAT csv, HEADER)", BytesIO(content))
        if columns.startswith("id,"):
            cursor.execute(f"SELECT SETVAL('{table}_id_seq', MAX(id)) FROM {table}")


def forget_everything(conn: Connection) -> None:
    """Empty every table, the evidence included."""
    empty_tables(conn)


def forget_evidence(conn: Connection) -> None:
    """Empty the tables of evidence: what is published next is the first revision again."""
    empty_tables(conn, "evidence_")
