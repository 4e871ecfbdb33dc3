"""Each login may do what its work needs, and nothing else."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import psycopg2
import pytest

from config.config import DatabaseSettings
from database.db_helper import Connection, connect, fetch, transaction
from database.roles import COLLECT, READ, READING, ROLES, SPARK, Role, apply_roles

PASSWORD = "for this test"
WRITES = {
    "collected_meta_etf": "INSERT INTO collected_meta_etf (ticker, etf_type) VALUES ('SPY', 'benchmark')",
    "logs_consumer_error": "INSERT INTO logs_consumer_error (error_msg, topic, partition_id, kafka_offset)"
    " VALUES ('broken', 'etf-daily-data', 0, 1)",
    "analytics_etf_top_holdings": "INSERT INTO analytics_etf_top_holdings"
    " (etf_ticker, stock_ticker, period_days, rank_position, analysis_date)"
    " VALUES ('SPY', 'NVDA', 5, 1, '2026-08-21')",
    "owned_positions": "INSERT INTO owned_positions (positions, cash) VALUES ('NVDA:1', 0)",
}
ALLOWED = {
    COLLECT: {"collected_meta_etf", "logs_consumer_error"},
    SPARK: {"analytics_etf_top_holdings"},
    READ: {"owned_positions"},
}


ADDED_TO = {
    COLLECT: {"evidence_source_answer"},
    SPARK: {
        "evidence_link",
        "evidence_publication",
        "evidence_portfolio_allocation",
        "evidence_monthly_portfolio",
        "evidence_portfolio_performance",
        "evidence_performance_summary",
    },
    READ: set(),
}


def own(role: Role) -> Role:
    """Return the role under another name. Roles belong to the whole server, and others use the real ones."""
    return replace(role, name=f"{role.name}_test")


@pytest.fixture(scope="module")
def database(scratch_database: DatabaseSettings) -> Iterator[DatabaseSettings]:
    passwords = {role.password_setting: PASSWORD for role in ROLES}
    with closing(connect(scratch_database)) as owner:
        apply_roles(owner, passwords, [own(role) for role in ROLES])
        yield scratch_database
        with transaction(owner), owner.cursor() as cursor:
            for role in ROLES:
                cursor.execute(f"DROP OWNED BY {own(role).name}")
                cursor.execute(f"DROP ROLE {own(role).name}")


def logged_in(database: DatabaseSettings, role: Role) -> Connection:
    return connect(replace(database, user=own(role).name, password=PASSWORD))


@pytest.mark.parametrize("table", WRITES)
@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_role_writes_the_tables_of_its_work_alone(database: DatabaseSettings, role: Role, table: str) -> None:
    with closing(logged_in(database, role)) as conn, conn.cursor() as cursor:
        if table in ALLOWED[role]:
            cursor.execute(WRITES[table])
        else:
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute(WRITES[table])
        conn.rollback()


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_role_reads_every_table_and_changes_none(database: DatabaseSettings, role: Role) -> None:
    with closing(logged_in(database, role)) as conn:
        tables = fetch(conn, "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
        assert len(tables) > 10
        for row in tables:
            if role is READ or row["tablename"] != "owned_positions":
                fetch(conn, f"SELECT * FROM {row['tablename']} LIMIT 1")
            with pytest.raises(psycopg2.errors.InsufficientPrivilege), conn.cursor() as cursor:
                cursor.execute(f"DROP TABLE {row['tablename']}")
            conn.rollback()


@pytest.mark.parametrize("role", [COLLECT, SPARK], ids=lambda role: role.name)
def test_what_a_reader_owns_is_read_by_the_login_alone_that_keeps_it(database: DatabaseSettings, role: Role) -> None:
    refused = pytest.raises(psycopg2.errors.InsufficientPrivilege)
    with closing(logged_in(database, role)) as conn, conn.cursor() as cursor, refused:
        cursor.execute("SELECT * FROM owned_positions")


def test_what_a_reader_owns_is_all_that_the_reading_login_writes(database: DatabaseSettings) -> None:
    with closing(logged_in(database, READ)) as conn:
        written = fetch(
            conn,
            """
            SELECT relname, may
            FROM pg_class, UNNEST(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS may
            WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')
                AND has_table_privilege(pg_class.oid, may)
            """,
        )
    assert {row["relname"] for row in written} == {"owned_positions"}
    assert {row["may"] for row in written} == {"INSERT", "UPDATE", "DELETE"}


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_no_login_changes_evidence_and_few_add_to_it(database: DatabaseSettings, role: Role) -> None:
    refused = pytest.raises(psycopg2.errors.InsufficientPrivilege, match="permission denied")
    with closing(logged_in(database, role)) as conn, conn.cursor() as cursor:
        cursor.execute(
            """
            SELECT tablename, ARRAY_AGG(attname::text)
            FROM pg_tables JOIN pg_attribute ON attrelid = tablename::regclass
            WHERE tablename LIKE 'evidence%' AND attnum > 0
            GROUP BY tablename
            """
        )
        evidence = cursor.fetchall()
        added_to = set()
        for table, columns in evidence:
            changes = [f"DELETE FROM {table}", f"TRUNCATE {table}", f"ALTER TABLE {table} DISABLE TRIGGER USER"]
            for change in [*changes, *(f"UPDATE {table} SET {column} = {column}" for column in columns)]:
                with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                    cursor.execute(change)
                conn.rollback()
            try:
                cursor.execute(f"INSERT INTO {table} SELECT * FROM {table} WHERE FALSE")
                added_to.add(table)
            except psycopg2.errors.InsufficientPrivilege:
                pass
            conn.rollback()
        assert len(evidence) > 10
        assert added_to == ADDED_TO[role]
        with refused:
            cursor.execute("SET session_replication_role = 'replica'")


def test_the_reading_login_holds_nobody_up_and_makes_nothing(database: DatabaseSettings) -> None:
    refused = (
        "SELECT pg_advisory_lock(hashtext('actstock yahoo'))",
        "SELECT pg_try_advisory_lock(1)",
        "SELECT pg_advisory_xact_lock_shared(1, 2)",
        "SELECT pg_advisory_unlock_all()",
        "CREATE TABLE own (a INT)",
        "CREATE TEMP TABLE own (a INT)",
        "CREATE SCHEMA own",
        "CREATE FUNCTION own() RETURNS INT LANGUAGE sql RETURN 1",
        "SELECT lo_create(0)",
        "SELECT lo_from_bytea(0, 'x')",
        "LOCK TABLE collected_meta_etf IN ROW SHARE MODE",
    )
    with closing(logged_in(database, READ)) as conn, conn.cursor() as cursor:
        for statement in refused:
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute(statement)
            conn.rollback()


def test_no_login_calls_a_lock_that_it_was_not_given(database: DatabaseSettings) -> None:
    """Whatever a later PostgreSQL adds."""
    with closing(logged_in(database, READ)) as conn:
        [row] = fetch(
            conn,
            "SELECT COUNT(*) AS locks, COUNT(*) FILTER (WHERE has_function_privilege(oid, 'EXECUTE')) AS open "
            "FROM pg_proc WHERE proname LIKE '%%advisory%%'",
        )
    assert row["locks"] > 10 and row["open"] == 0


@pytest.mark.parametrize("role", [COLLECT, SPARK], ids=lambda role: role.name)
def test_whoever_writes_may_lock_and_use_temporary_tables(database: DatabaseSettings, role: Role) -> None:
    with closing(logged_in(database, role)) as conn, conn.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(1), pg_advisory_unlock(1)")
        cursor.execute("CREATE TEMP TABLE own (a INT)")
        conn.rollback()
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("CREATE TABLE own (a INT)")
        conn.rollback()


def test_the_reading_login_has_time_limits(database: DatabaseSettings) -> None:
    with closing(logged_in(database, READ)) as conn:
        assert {name: fetch(conn, f"SHOW {name}")[0][name] for name in READING} == {
            "statement_timeout": "30s",
            "idle_in_transaction_session_timeout": "1min",
        }


def test_applying_the_roles_again_takes_back_what_is_not_theirs(database: DatabaseSettings) -> None:
    with closing(connect(database)) as owner:
        with transaction(owner), owner.cursor() as cursor:
            cursor.execute(f"GRANT INSERT ON collected_meta_etf TO {own(READ).name}")
        assert apply_roles(owner, {READ.password_setting: PASSWORD}, [own(READ), own(SPARK)]) == [own(READ).name]
    refused = pytest.raises(psycopg2.errors.InsufficientPrivilege)
    with closing(logged_in(database, READ)) as conn, conn.cursor() as cursor, refused:
        cursor.execute(WRITES["collected_meta_etf"])
