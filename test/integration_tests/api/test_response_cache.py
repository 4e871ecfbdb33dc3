"""How the API keeps its answers: tags, compression, the time until a change is noticed, parallel requests."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from functools import partial

import pytest
from fastapi.testclient import TestClient

from api.main import create_app
from config.config import DatabaseSettings
from database.db_helper import connect, fetch
from database.migrate import apply_schema
from database.queries import consumer_lag
from database.queries.publications import data_version
from sample_api import KEY, NOTICED_WITHIN_SECONDS, SETTINGS, api_on, execute, wait_until
from utils.reasons import as_json, reason

REPUBLISH = """
    DELETE FROM analytics_portfolio_allocation WHERE as_of_date = '2026-08-20' AND period_days = 20;
    DELETE FROM analytics_publication WHERE job = 'allocation' AND as_of_date = '2026-08-20' AND period_days = 20;
    INSERT INTO analytics_publication
        (job, as_of_date, period_days, status, reason, row_count, cash_weight, source, published_at)
    VALUES ('allocation', '2026-08-20', 20, 'empty', '{reason}', 0, 1, 'simulated', '2026-08-21 13:03+00')
"""


def test_who_has_the_answer_gets_none(api: TestClient) -> None:
    first = api.get("/dashboard/market-map")
    assert first.headers["Cache-Control"] == "private, no-cache"
    again = api.get("/dashboard/market-map", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    other = api.get("/dashboard/market-map", headers={"If-None-Match": '"something else"'})
    assert (other.status_code, other.content) == (200, first.content)
    assert api.get("/dashboard/market-map?as_of_date=2026-08-20").headers["ETag"] != first.headers["ETag"]


def test_the_tag_outlives_what_changes_elsewhere_and_a_restart(
    api: TestClient, reader_of_sample: DatabaseSettings, sample_database: DatabaseSettings
) -> None:
    etag = api.get("/stocks/portfolio?period_days=10").headers["ETag"]
    execute(sample_database, "INSERT INTO logs_yahoo_request (endpoint, requested_at) VALUES ('chart', '2026-08-21')")
    time.sleep(NOTICED_WITHIN_SECONDS)
    asked = {"If-None-Match": etag}
    assert api.get("/stocks/portfolio?period_days=10", headers=asked).status_code == 304
    with api_on(reader_of_sample) as another:
        assert another.get("/stocks/portfolio?period_days=10", headers=asked).status_code == 304


def test_asking_again_reads_nothing(reader_of_sample: DatabaseSettings) -> None:
    """Neither with the tag nor without: only the watcher's question reaches the database."""
    app = create_app(replace(SETTINGS, database=reader_of_sample))
    with TestClient(app, headers={"X-API-Key": KEY}) as api:
        pool, asked = app.state.pool, list[str]()
        app.state.cache._read = lambda query: asked.append(query.__name__) or pool.read(query)
        time.sleep(NOTICED_WITHIN_SECONDS)  # until the watcher asks this way
        etag = api.get("/dashboard/active-allocations").headers["ETag"]
        asked.clear()
        assert api.get("/dashboard/active-allocations").status_code == 200
        assert api.get("/dashboard/active-allocations", headers={"If-None-Match": etag}).status_code == 304
        assert set(asked) <= {"data_version"}


def test_answers_are_compressed_for_who_takes_it(api: TestClient) -> None:
    plain = api.get("/dashboard/market-map", headers={"Accept-Encoding": "identity"})
    packed = api.get("/dashboard/market-map", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip" and packed.headers["Vary"] == "Accept, Accept-Encoding"
    assert int(packed.headers["Content-Length"]) < int(plain.headers["Content-Length"]) / 3
    assert packed.content == plain.content


@pytest.mark.parametrize(
    ("path", "change", "undo"),
    [
        (
            "/stocks/MU/latest",
            "UPDATE collected_daily_stock_history SET volume = 1 WHERE ticker = 'MU' AND trade_date = '2026-08-21'",
            "UPDATE collected_daily_stock_history SET volume = 503100"
            " WHERE ticker = 'MU' AND trade_date = '2026-08-21'",
        ),
        (
            "/dashboard/errors",
            "UPDATE logs_consumer_error SET replayed_at = '2026-08-22' WHERE message_key = 'AMD'",
            "UPDATE logs_consumer_error SET replayed_at = NULL WHERE message_key = 'AMD'",
        ),
    ],
)
def test_any_change_is_noticed(
    sample_database: DatabaseSettings, api: TestClient, path: str, change: str, undo: str
) -> None:
    before = api.get(path).json()
    execute(sample_database, change)
    wait_until(lambda: api.get(path).json() != before, NOTICED_WITHIN_SECONDS)
    execute(sample_database, undo)
    wait_until(lambda: api.get(path).json() == before, NOTICED_WITHIN_SECONDS)


def note_lag(database: DatabaseSettings, end: int) -> None:
    with closing(connect(database)) as conn:
        consumer_lag.note(conn, "etf-daily", "etf-daily-data", 0, 120, end)


def test_a_measured_lag_is_noticed(sample_database: DatabaseSettings, api: TestClient) -> None:

    def shows(lag: int) -> bool:
        return bool(api.get("/dashboard/pipeline").json()["consumers"][0]["lag"] == lag)

    for end in (125, 131, 120):
        note_lag(sample_database, end)
        wait_until(partial(shows, end - 120), NOTICED_WITHIN_SECONDS)


@pytest.fixture
def version(sample_database: DatabaseSettings) -> Iterator[Callable[[], str]]:
    with closing(connect(sample_database)) as reader:
        yield partial(data_version, reader)


CHANGE = "UPDATE logs_consumer_error SET error_msg = error_msg"


def test_a_measured_lag_leaves_other_responses_kept(
    sample_database: DatabaseSettings, version: Callable[[], str]
) -> None:
    before = version()
    note_lag(sample_database, 121)
    note_lag(sample_database, 120)
    assert version() == before


def test_another_databases_changes_leave_responses_kept(
    sample_database: DatabaseSettings, empty_database: DatabaseSettings, version: Callable[[], str]
) -> None:
    before = version()
    execute(empty_database, "INSERT INTO collected_meta_etf (ticker, etf_type) VALUES ('SPY', 'benchmark')")
    assert version() == before


def test_a_change_is_counted_when_it_is_seen(sample_database: DatabaseSettings, version: Callable[[], str]) -> None:
    """Whatever the order in which transactions begin and end."""
    versions = [version()]
    with closing(connect(sample_database)) as early, closing(connect(sample_database)) as late:
        with early.cursor() as first, late.cursor() as second:
            first.execute(CHANGE)
            second.execute("UPDATE collected_meta_etf SET description = description")
        assert version() == versions[-1], "nobody sees either"
        late.commit()
        versions.append(version())
        early.commit()
        versions.append(version())
        with early.cursor() as first:
            first.execute(CHANGE)
        early.rollback()
        assert version() == versions[-1]
    assert len(set(versions)) == 3


def test_every_table_is_watched(sample_database: DatabaseSettings) -> None:
    """A table that comes later, too: each migrate looks which have no trigger."""
    with closing(connect(sample_database)) as reader:
        watched = fetch(reader, "SELECT tgrelid::regclass::text AS name FROM pg_trigger WHERE tgname = 'data_change'")
        tables = fetch(reader, "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'")
    others = {row["name"] for row in tables} - {row["name"] for row in watched}
    assert others == {"logs_consumer_lag", "logs_data_change", "owned_positions"}
    assert len(watched) > 20


@pytest.mark.parametrize("statement", ["DELETE FROM {}", "TRUNCATE {}", "UPDATE {} SET source = source"])
@pytest.mark.parametrize("table", ["collected_daily_etf_ohlc", "analytics_portfolio_allocation"])
def test_any_statement_counts_once_a_transaction(sample_database: DatabaseSettings, table: str, statement: str) -> None:
    with closing(connect(sample_database)) as writer, writer.cursor() as cursor:
        cursor.execute("SELECT SUM(changes)::bigint FROM logs_data_change")
        [(before,)] = cursor.fetchall()
        for _ in range(2):
            cursor.execute(statement.format(table))
            cursor.execute("SELECT SUM(changes)::bigint FROM logs_data_change")
            assert cursor.fetchall() == [(before + 1,)]
        writer.rollback()


def test_writers_wait_for_no_other(sample_database: DatabaseSettings) -> None:
    with closing(connect(sample_database)) as one, closing(connect(sample_database)) as other:
        with one.cursor() as first, other.cursor() as second:
            second.execute("SET lock_timeout = '100ms'")
            first.execute("UPDATE collected_meta_etf SET description = description")
            second.execute(CHANGE)
        other.commit()


def test_a_migrate_empties_the_cache_and_the_count_goes_on(empty_database: DatabaseSettings) -> None:
    with closing(connect(empty_database)) as owner:
        for _ in range(3):
            execute(empty_database, CHANGE)  # over a connection of its own
        before = data_version(owner)
        apply_schema(owner)
        assert fetch(owner, "SELECT backend FROM logs_data_change") == [{"backend": 0}]
        after = data_version(owner)
        execute(empty_database, CHANGE)
        (number, first), (_, second) = before.split(), after.split()
        assert int(second) > int(first)
        assert data_version(owner) == f"{number} {int(second) + 1}"


def test_publishing_again_is_noticed_within_a_second(sample_database: DatabaseSettings, api: TestClient) -> None:
    """Even one that keeps its time of publication."""

    def told() -> str | None:
        answer: str | None = api.get("/stocks/portfolio?as_of_date=2026-08-20").json()["reason"]
        return answer

    def says(words: str) -> bool:
        return told() == words

    assert told() is None
    for words in ("first", "second"):
        execute(sample_database, REPUBLISH.format(reason=as_json([reason("text", text=words)])))
        wait_until(partial(says, words), NOTICED_WITHIN_SECONDS)


def test_first_publication_is_noticed(scratch_database: DatabaseSettings, api: TestClient) -> None:
    path = "/stocks/portfolio?as_of_date=2026-08-18"
    assert api.get(path).status_code == 404
    execute(
        scratch_database,
        REPUBLISH.replace("2026-08-20", "2026-08-18").format(reason=as_json([reason("nothing_trends_yet")])),
    )
    assert api.get(path).status_code == 200, "a missing publication is asked for every time"


def test_parallel_requests_share_the_pool(api: TestClient) -> None:
    """More requests at once than the pool has connections: they wait for one, none fails."""
    with ThreadPoolExecutor(30) as pool:
        answers = list(pool.map(lambda n: api.get(f"/stocks/SPY/history?limit={n + 1}").status_code, range(120)))
    assert set(answers) == {200}
