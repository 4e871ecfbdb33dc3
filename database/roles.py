"""Who may do what in the database: a login role for each kind of work, its grants by the prefix of the table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from psycopg2 import sql

from config.config import DatabaseSettings
from database.db_helper import Connection, transaction

COLLECTED, ANALYTICS, LOGS, EVIDENCE, OWNED = "collected_", "analytics_", "logs_", "evidence_", "owned_"
# What PostgreSQL lets everybody call: locks that keep others waiting, and large objects, which are never deleted.
LOCKS, LARGE_OBJECTS = "pg_(try_)?advisory_", "lo_(creat|create|from_bytea)$"
# Of a login that only reads. A session may set itself others, so the watcher ends what is longer still.
READING = {"statement_timeout": "30s", "idle_in_transaction_session_timeout": "60s"}
# The schema of the tables that a wide job's executors write before their rows are published.
STAGING = "staging"


@dataclass(frozen=True)
class Role:
    """A login that reads every table and writes those with its prefixes; its password is the setting's value.

    adds_to: prefixes of the tables to which it adds rows, and none of whose rows it changes
    keeps: prefixes of the tables that it writes for its readers, and that no other login reads
    stages: whether it makes tables of its own, which nobody else reads
    """

    name: str
    password_setting: str
    writes: tuple[str, ...]
    adds_to: tuple[str, ...] = ()
    keeps: tuple[str, ...] = ()
    stages: bool = False


# The versions of what is collected are added by triggers, as the owner: no login has the right.
COLLECT = Role("actstock_collect", "DB_COLLECT_PASSWORD", (COLLECTED, LOGS), ("evidence_source_answer",))
OF_REVISIONS = ("link", "publication", "portfolio_allocation", "monthly_portfolio", "portfolio_performance")
SPARK = Role(
    "actstock_spark",
    "DB_SPARK_PASSWORD",
    (ANALYTICS,),
    tuple(f"{EVIDENCE}{name}" for name in (*OF_REVISIONS, "performance_summary")),
    stages=True,
)
READ = Role("actstock_read", "DB_READ_PASSWORD", (), keeps=(OWNED,))
ROLES = (COLLECT, SPARK, READ)


def apply_roles(conn: Connection, passwords: Mapping[str, str], roles: Sequence[Role] = ROLES) -> list[str]:
    """Create or correct the roles that have a password, and return their names. `conn` is the owner's.

    Grants are for the tables that exist, so this follows every change of the schema. Safe to repeat and to run from
    several processes at once.
    """
    wanted = [role for role in roles if passwords.get(role.password_setting)]
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('actstock roles'))")
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = [name for (name,) in cursor.fetchall()]
        _close_to_everybody(cursor)
        for role in wanted:
            _log_in(cursor, role.name, passwords[role.password_setting])
            _grant(cursor, role, tables)
    return [role.name for role in wanted]


def log_in_as(database: DatabaseSettings, role: Role, passwords: Mapping[str, str]) -> DatabaseSettings:
    """Return the database with the login of a role. Without a password the role does not exist: nothing changes."""
    password = passwords.get(role.password_setting)
    return replace(database, user=role.name, password=password) if password else database


def _log_in(cursor: Any, name: str, password: str) -> None:
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,))
    verb = sql.SQL("ALTER" if cursor.fetchone() else "CREATE")
    cursor.execute(sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(verb, sql.Identifier(name), sql.Literal(password)))


def _close_to_everybody(cursor: Any) -> None:
    """Take away what a login may do without having been granted it."""
    for right, place in (("CREATE", "SCHEMA public"), ("TEMPORARY", _database(cursor))):
        cursor.execute(sql.SQL(f"REVOKE {right} ON {place} FROM PUBLIC"))
    for pattern in (LOCKS, LARGE_OBJECTS):
        cursor.execute(sql.SQL("REVOKE EXECUTE ON FUNCTION {} FROM PUBLIC").format(_functions(cursor, pattern)))


def _database(cursor: Any) -> str:
    cursor.execute("SELECT format('DATABASE %I', current_database())")
    return str(cursor.fetchone()[0])


def _functions(cursor: Any, pattern: str) -> sql.Composable:
    """Return the server's functions whose names begin as a regular expression says, with their arguments."""
    cursor.execute(
        "SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND proname ~ %s",
        (f"^{pattern}",),
    )
    return sql.SQL(", ").join(sql.SQL(name) for (name,) in cursor.fetchall())


def _grant(cursor: Any, role: Role, tables: Sequence[str]) -> None:
    """Give the role its rights, and take away all others."""
    grantee = sql.Identifier(role.name)
    cursor.execute(sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {}").format(grantee))
    cursor.execute(sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}").format(grantee))
    for change, prefixes in (
        ("GRANT INSERT, UPDATE, DELETE ON {} TO {}", role.writes + role.keeps),
        ("GRANT INSERT ON {} TO {}", role.adds_to),
        ("REVOKE ALL ON {} FROM {}", () if role.keeps else (OWNED,)),
    ):
        named = sql.SQL(", ").join(sql.Identifier(table) for table in tables if table.startswith(prefixes))
        if named.seq:
            cursor.execute(sql.SQL(change).format(named, grantee))
    if role.stages:
        staging = sql.Identifier(STAGING)
        cursor.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(staging))
        cursor.execute(sql.SQL("GRANT USAGE, CREATE ON SCHEMA {} TO {}").format(staging, grantee))
    if role.writes:
        cursor.execute(sql.SQL("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {}").format(grantee))
        cursor.execute(sql.SQL("GRANT TEMPORARY ON {} TO {}").format(sql.SQL(_database(cursor)), grantee))
        cursor.execute(sql.SQL("GRANT EXECUTE ON FUNCTION {} TO {}").format(_functions(cursor, LOCKS), grantee))
    else:
        for name, value in READING.items():
            limit = sql.SQL("ALTER ROLE {} SET {} = {}")
            cursor.execute(limit.format(grantee, sql.Identifier(name), sql.Literal(value)))
