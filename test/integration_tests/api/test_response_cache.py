"""How the API keeps its answers: tags, compression, the time until a change is noticed, parallel requests."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from functools import partial

import pytest
from fastapi.testclient import TestClient

from api.main import create_app
from config.config import DatabaseSettings
from database.db_helper import connect
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
        # The version counts the transactions of the whole server, where other tests are writing at the same time.
        version = pool.read(data_version)
        app.state.cache._read = lambda query: (
            asked.append(query.__name__) or version if query is data_version else pool.read(query)
        )
        time.sleep(NOTICED_WITHIN_SECONDS)  # until the watcher asks this way
        etag = api.get("/dashboard/active-allocations").headers["ETag"]
        app.state.cache._read = lambda query: asked.append(query.__name__) or version
        asked.clear()
        assert api.get("/dashboard/active-allocations").status_code == 200
        assert api.get("/dashboard/active-allocations", headers={"If-None-Match": etag}).status_code == 304
        assert set(asked) <= {"data_version"}


def test_answers_are_compressed_for_who_takes_it(api: TestClient) -> None:
    plain = api.get("/dashboard/market-map", headers={"Accept-Encoding": "identity"})
    packed = api.get("/dashboard/market-map", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip" and packed.headers["Vary"] == "Accept-Encoding"
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


def test_the_version_tells_measurements_from_changes(sample_database: DatabaseSettings) -> None:
    """Whatever the order in which transactions begin and end: so a measurement leaves every other answer kept."""
    with (
        closing(connect(sample_database)) as reader,
        closing(connect(sample_database)) as writer,
        closing(connect(sample_database)) as consumer,
    ):

        def data() -> str:
            return data_version(reader)

        before = data()
        for end in (121, 120):
            consumer_lag.note(consumer, "etf-daily", "etf-daily-data", 0, 120, end)
            assert data() == before
        with writer.cursor() as cursor:
            cursor.execute("UPDATE logs_consumer_error SET error_msg = error_msg")
            consumer_lag.note(consumer, "etf-daily", "etf-daily-data", 0, 120, 121)
            under_way = data()
            consumer_lag.note(consumer, "etf-daily", "etf-daily-data", 0, 120, 120)
            assert data() == under_way
        writer.commit()
        assert data() not in (before, under_way)
        after = data()
        with consumer.cursor() as cursor:  # a measurement that takes its time, and a change that overtakes it
            cursor.execute("UPDATE logs_consumer_lag SET measurements = measurements + 1 WHERE partition_id = 1")
            execute(sample_database, "UPDATE logs_consumer_error SET error_msg = error_msg")
            overtaken = data()
        consumer.commit()
        assert len({after, overtaken, data()}) == 3
        rolled_back = data()
        with consumer.cursor() as cursor:
            cursor.execute("UPDATE logs_consumer_lag SET measurements = measurements + 1 WHERE partition_id = 1")
        consumer.rollback()
        assert data() != rolled_back, "one that failed is taken for a change: that costs nothing but time"


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
