"""Empty and older databases become the same one: a database of version 0.1.0 is version_0_1_0.tar.xz (ABOUT in it)."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.main import create_app
from config.config import DatabaseSettings, Settings
from database import migrate
from database.db_helper import Connection, connect, fetch, transaction
from database.migrate import MIGRATIONS, SchemaError, apply_schema, read_migrations
from database.queries.evidence import OF_JOB
from database.queries.evidence_as_of import VERSIONED, versions_of
from scratch_databases import a_database, load_version_0_1_0

SESSIONS = 250
NAMES = [each.name for each in read_migrations()]
# All that a database is but its rows: (kind, name, definition).
CATALOG = """
SELECT 'column' AS kind, class.relname || '.' || attname AS name, CONCAT_WS(' ',
    ROW_NUMBER() OVER (PARTITION BY class.oid ORDER BY attnum), FORMAT_TYPE(atttypid, atttypmod), attcollation,
    CASE WHEN attnotnull THEN 'NOT NULL' END, attidentity, attgenerated, PG_GET_EXPR(adbin, adrelid)) AS definition
FROM pg_attribute AS attribute
JOIN pg_class AS class ON class.oid = attrelid AND relkind IN ('r', 'v')
LEFT JOIN pg_attrdef ON (adrelid, adnum) = (attrelid, attnum)
WHERE relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped
UNION ALL
SELECT 'constraint', conrelid::regclass || '.' || conname, PG_GET_CONSTRAINTDEF(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL
SELECT 'view', viewname, definition FROM pg_views WHERE schemaname = 'public'
UNION ALL
SELECT 'function', oid::regprocedure::text, PG_GET_FUNCTIONDEF(oid)
FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL
SELECT 'trigger', tgrelid::regclass || '.' || tgname, PG_GET_TRIGGERDEF(oid) FROM pg_trigger WHERE NOT tgisinternal
UNION ALL
SELECT 'sequence', sequencename, CONCAT_WS(' ', data_type, start_value, increment_by, max_value, cycle)
FROM pg_sequences WHERE schemaname = 'public'
UNION ALL
SELECT 'comment', objoid::regclass || '.' || objsubid, description
FROM pg_description JOIN pg_class ON pg_class.oid = objoid WHERE relnamespace = 'public'::regnamespace
"""
# What a row of the old version has in a column that is newer.
ORIGIN: dict[str, object] = dict.fromkeys(("topic", "partition_id", "kafka_offset", "answer_digest"))
NEW_VALUES: dict[str, dict[str, object]] = {
    "collected_meta_etf": ORIGIN,
    "collected_daily_etf_ohlc": {"capital_gain": 0, "currency": "USD", **ORIGIN},
    "collected_daily_stock_history": {"capital_gain": 0, "sector_source": None, **ORIGIN, "quote_digest": None},
    "collected_etf_holdings": ORIGIN,
    "collected_monthly_benchmark_holdings": ORIGIN,
    "logs_consumer_error": {"record_time": 0, "reason": None},
}
READ_FROM_ITS_REASON = {"ticker", "trade_date"}
NEW_TABLES = {
    "analytics_lab_report",
    "logs_price_break",
    "logs_missing_holdings",
    "schema_migration",
    "logs_data_change",
    "owned_positions",
    "evidence_link",
    "evidence_source_answer",
    *(published.kept.name for tables in OF_JOB.values() for published in tables if published.kept),
    *map(versions_of, VERSIONED),
}
REMOVED_COLUMNS = {"logs_consumer_lag": {"measurements"}}  # which counted transactions, and held no data

Rows = dict[str, tuple[list[str], tuple[int, str]]]  # table -> columns, and the number and hash of what is in them


@pytest.fixture(scope="module")
def template() -> Iterator[DatabaseSettings]:
    """Fill a database as the old version left it."""
    with a_database() as made:
        with closing(connect(made)) as conn:
            load_version_0_1_0(conn)
        yield made


@pytest.fixture
def old(template: DatabaseSettings) -> Iterator[DatabaseSettings]:
    with a_database(template.name) as made:
        yield made


@pytest.fixture
def empty() -> Iterator[DatabaseSettings]:
    with a_database() as made:
        yield made


@pytest.fixture
def conn(old: DatabaseSettings) -> Iterator[Connection]:
    with closing(connect(old)) as conn:
        yield conn


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """Write a folder of migrations: the real ones, followed by these texts."""

    def folder(*texts: str) -> Path:
        for each in read_migrations():
            (tmp_path / each.name).write_text(each.text, "utf-8")
        for number, text in enumerate(texts, len(NAMES) + 1):
            (tmp_path / f"{number:04}_of_a_test.sql").write_text(text, "utf-8")
        return tmp_path

    return folder


def catalog(conn: Connection) -> set[tuple[str, ...]]:
    return {tuple(row.values()) for row in fetch(conn, CATALOG)}


def texts_of_reasons(conn: Connection) -> dict[tuple[str, str], str]:
    """Return by table and column of reasons how to read the text that it was."""
    rows = fetch(
        conn,
        """
        SELECT table_name, column_name FROM information_schema.columns
        WHERE table_schema = 'public' AND data_type = 'jsonb' AND column_name LIKE '%reason'
        """,
    )
    return {tuple(row.values()): f"{row['column_name']} -> 0 -> 'params' ->> 'text'" for row in rows}


def contents(conn: Connection, columns: dict[str, list[str]]) -> Rows:
    """Return what is in the tables. Reasons count as the texts that they were."""
    texts = texts_of_reasons(conn)
    counted: Rows = {}
    for table, names in columns.items():
        read = ", ".join(texts.get((table, name), name) for name in names)
        [row] = fetch(
            conn,
            f"""
            SELECT COUNT(*) AS n, COALESCE(MD5(STRING_AGG(hash, '' ORDER BY hash)), '') AS hash
            FROM (SELECT MD5(ROW({read})::text) AS hash FROM {table}) AS hashed
            """,
        )
        counted[table] = (names, (row["n"], row["hash"]))
    return counted


def columns_of(conn: Connection) -> dict[str, list[str]]:
    rows = fetch(
        conn,
        """
        SELECT table_name, ARRAY_AGG(column_name::text ORDER BY ordinal_position) AS columns
        FROM information_schema.columns
        JOIN pg_tables ON (schemaname, tablename) = (table_schema, table_name)
        WHERE table_schema = 'public'
        GROUP BY table_name
        """,
    )
    return {row["table_name"]: row["columns"] for row in rows}


def applied(conn: Connection) -> list[str]:
    return [row["name"] for row in fetch(conn, "SELECT name FROM schema_migration ORDER BY version")]


def execute(conn: Connection, statement: str) -> None:
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute(statement)


def test_an_old_database_and_an_empty_one_become_the_same(conn: Connection, empty: DatabaseSettings) -> None:
    with closing(connect(empty)) as fresh:
        assert apply_schema(fresh) == []
        assert apply_schema(conn) == NAMES
        assert catalog(conn) == catalog(fresh)
        assert len(catalog(fresh)) > 300
        assert applied(conn) == applied(fresh) == NAMES


def test_every_old_row_keeps_its_values(conn: Connection) -> None:
    columns = {
        table: [name for name in names if name not in REMOVED_COLUMNS.get(table, ())]
        for table, names in columns_of(conn).items()
    }
    before = contents(conn, columns)
    [sessions] = fetch(
        conn, "SELECT COUNT(DISTINCT as_of_date) AS n FROM analytics_publication WHERE job = 'allocation'"
    )
    assert sessions["n"] == SESSIONS
    assert all(number > 0 for _, (number, _) in before.values())

    apply_schema(conn)

    assert contents(conn, columns) == before


def test_new_columns_have_their_documented_value(conn: Connection) -> None:
    before = columns_of(conn)
    apply_schema(conn)
    after = columns_of(conn)

    assert after.keys() - before.keys() == NEW_TABLES
    new = {table: set(after[table]) - set(names) - READ_FROM_ITS_REASON for table, names in before.items()}
    assert {table: names for table, names in new.items() if names} == {
        table: set(values) for table, values in NEW_VALUES.items()
    }
    for table, values in NEW_VALUES.items():
        condition = " AND ".join(f"{name} IS NOT DISTINCT FROM %({name})s" for name in values)
        assert fetch(conn, f"SELECT 1 FROM {table} WHERE NOT ({condition})", values) == []
    rejected = fetch(conn, "SELECT ticker, trade_date::text AS day FROM logs_consumer_error ORDER BY id")
    assert [tuple(row.values()) for row in rejected] == [("DIA", "2026-08-21"), (None, None)]


def test_the_new_version_reads_an_old_history(conn: Connection, old: DatabaseSettings) -> None:
    apply_schema(conn)
    settings = replace(Settings.from_env({"API_KEY": "a-key", "ACTSTOCK_HOSTS": "testserver"}), database=old)
    with TestClient(create_app(settings), headers={"X-API-Key": "a-key"}) as api:
        portfolio = api.get("/stocks/portfolio").json()
        assert (portfolio["as_of_date"], portfolio["status"]) == ("2026-08-20", "published")
        assert len(portfolio["positions"]) > 1
        paths = (
            "/stocks/SPY/latest",
            *(f"/dashboard/{each}" for each in ("performance", "pipeline", "errors", "gaps")),
        )
        assert {path: api.get(path).status_code for path in paths} == dict.fromkeys(paths, 200)


def test_a_failed_migration_leaves_the_old_state(
    conn: Connection, folder: Callable[..., Path], old: DatabaseSettings
) -> None:
    columns = columns_of(conn)
    before = catalog(conn), contents(conn, columns)
    failing = folder(
        "ALTER TABLE collected_meta_etf ADD COLUMN colour TEXT;",
        "DELETE FROM collected_meta_etf; ALTER TABLE analytics_publication ALTER COLUMN run_id TYPE INTEGER USING 1/0;",
    )

    with pytest.raises(SchemaError) as failed:
        apply_schema(conn, failing)

    assert str(failed.value) == (
        f"{len(NAMES) + 2:04}_of_a_test.sql cannot be applied to the database {old.name}: division by zero; the "
        "database is unchanged and works with the version that made it: correct what is named, then run "
        "python -m database.migrate"
    )
    assert (catalog(conn), contents(conn, columns)) == before
    assert apply_schema(conn, folder("SELECT 1;", "SELECT 1;"))[: len(NAMES)] == NAMES


def test_rows_whose_check_waits_for_the_commit_can_be_changed(conn: Connection, folder: Callable[..., Path]) -> None:
    """The triggers of their tables are made anew in the same transaction."""
    apply_schema(
        conn,
        folder("UPDATE analytics_publication SET run_id = 'new'; UPDATE analytics_monthly_portfolio SET score = 0;"),
    )

    assert fetch(conn, "SELECT 1 FROM analytics_publication WHERE run_id IS DISTINCT FROM 'new'") == []


def test_a_migration_that_breaks_a_sum_is_refused(conn: Connection, folder: Callable[..., Path]) -> None:
    with pytest.raises(SchemaError, match=r"weights .* do not sum to 1"):
        apply_schema(conn, folder("UPDATE analytics_portfolio_allocation SET portfolio_weight = portfolio_weight / 2;"))


def test_a_newer_database_is_refused(
    empty: DatabaseSettings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DB_NAME", empty.name)
    assert migrate.main([]) == 0
    assert "migrations: none needed" in capsys.readouterr().out
    with closing(connect(empty)) as conn:
        execute(conn, "INSERT INTO schema_migration VALUES (9999, '9999_of_the_future.sql', '')")
        before = catalog(conn)
        assert migrate.main([]) == 1
        assert catalog(conn) == before
    assert capsys.readouterr().err == (
        f"error: the database {empty.name} is newer than this version of the platform, which does not know "
        "9999_of_the_future.sql: start the version that made it, or a later one\n"
    )


def test_a_changed_migration_is_refused(empty: DatabaseSettings, folder: Callable[..., Path]) -> None:
    with closing(connect(empty)) as conn:
        apply_schema(conn, folder("SELECT 1;"))
        with pytest.raises(SchemaError, match=r"of_a_test\.sql differs from migration \d+ as .*: put the file back"):
            apply_schema(conn, folder("SELECT 2;"))


def test_a_database_before_0_1_0_is_refused(conn: Connection) -> None:
    execute(conn, "DROP TABLE logs_consumer_lag")
    with pytest.raises(SchemaError, match=r"older than version 0\.1\.0, which has to be started on them first"):
        apply_schema(conn)


def test_an_unfinished_use_of_a_table_is_not_waited_for_in_vain(
    conn: Connection, old: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT", "100ms")
    with closing(connect(old)) as reader, reader.cursor() as cursor:
        cursor.execute("SELECT 1 FROM collected_daily_etf_ohlc LIMIT 1")
        with pytest.raises(SchemaError, match=r"lock timeout; .*: stop the platform, which uses it, then run"):
            apply_schema(conn)


@pytest.mark.parametrize("database", ["old", "empty"])
def test_of_several_at_once_one_does_it(
    database: str, request: pytest.FixtureRequest, folder: Callable[..., Path]
) -> None:
    settings: DatabaseSettings = request.getfixturevalue(database)
    slow = folder("SELECT PG_SLEEP(0.3);")

    def apply(_: int) -> list[str]:
        with closing(connect(settings)) as conn:
            return apply_schema(conn, slow)

    with ThreadPoolExecutor(4) as pool:
        done = sorted(map(len, pool.map(apply, range(4))))

    assert done == [0, 0, 0, len(NAMES) + 1 if database == "old" else 0]
    with closing(connect(settings)) as conn:
        assert len(applied(conn)) == len(NAMES) + 1


def test_a_new_views_text_reaches_a_current_database(empty: DatabaseSettings) -> None:
    """Views, functions and triggers have no migration."""
    with closing(connect(empty)) as conn:
        apply_schema(conn)
        before = catalog(conn)
        execute(conn, "DROP VIEW logs_open_break; DROP TRIGGER month_sums_to_one ON analytics_monthly_portfolio")
        assert apply_schema(conn) == []
        assert catalog(conn) == before


def test_the_files_are_numbered_without_a_gap() -> None:
    assert [each.version for each in read_migrations()] == list(range(1, len(list(MIGRATIONS.iterdir())) + 1))
