"""What was published comes out again with the same digest, whatever has been restated, split or migrated since."""

from collections.abc import Iterator
from contextlib import closing
from datetime import date
from typing import Any

import pytest

import market_rows
from batch import spark_trending_etf_identifier
from config.config import DatabaseSettings
from database.db_helper import Connection, connect
from market.invented import InventedMarket
from ops.evidence.injections import migrate, restate, split
from ops.evidence.jobs import JOBS, run
from ops.evidence.reproduce import Outcome, chosen, own_database, reproduce_all
from utils.errors import InvalidInput, NotPublished

# July's rebalance is between the two halves.
FIRST, SECOND = [date(2026, 7, 23), date(2026, 7, 24)], [date(2026, 7, 27), date(2026, 7, 28)]
DAYS = {"rebalance": ([], [date(2026, 7, 26)]), "sectors": (FIRST[-1:], SECOND[-1:])}


@pytest.fixture(scope="module")
def platform(scratch_database: DatabaseSettings, spark: Any) -> Iterator[Connection]:
    """Publish four sessions in two halves, with prices restated between them, and change everything afterwards."""
    with closing(connect(scratch_database)) as conn:
        market_rows.store(conn, InventedMarket(seed=7, until=SECOND[-1], sessions=60))
        for half, sessions in enumerate((FIRST, SECOND)):
            for job in JOBS.values():
                run(job, spark, scratch_database, DAYS[job.name][half] if job.name in DAYS else sessions)
            restate(conn, 200, seed=half, since=FIRST[0])
        split(conn, 5, seed=1)
        migrate(conn)
        yield conn


def reproduced(platform: Connection, database: DatabaseSettings, spark: Any, *words: str) -> list[Outcome]:
    with own_database(database) as own:
        with closing(connect(own)) as conn:
            migrate(conn)
        return list(reproduce_all(platform, own, spark, chosen(platform, words)))


def test_every_publication_comes_out_again(
    platform: Connection, scratch_database: DatabaseSettings, spark: Any
) -> None:
    outcomes = reproduced(platform, scratch_database, spark, "2026-07-23", "2026-07-28")
    assert [str(outcome) for outcome in outcomes if not outcome.is_equal] == []
    assert {outcome.revision.job for outcome in outcomes} == JOBS.keys()
    revised = {str(outcome.revision) for outcome in outcomes if outcome.revision.about["revision"] > 1}
    assert any(name.startswith("performance:2026-07-24") for name in revised), "what was restated was followed again"


def test_other_code_shows_in_the_rows_that_differ(
    platform: Connection, scratch_database: DatabaseSettings, spark: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spark_trending_etf_identifier, "least_trusted", lambda sources: "recorded")
    [outcome] = reproduced(platform, scratch_database, spark, "trending:2026-07-24")
    [cell] = outcome.cells
    assert (cell.table, cell.column) == ("analytics_publication", "source")
    assert (cell.published, cell.reproduced) == ("simulated", "recorded")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["trending:2020-01-02"], NotPublished),
        (["nothing:2026-07-24"], InvalidInput),
        (["tomorrow"], InvalidInput),
        (["2026-07-24", "2026-07-23"], InvalidInput),
    ],
)
def test_what_is_not_published_is_said(platform: Connection, words: list[str], error: type[Exception]) -> None:
    with pytest.raises(error):
        chosen(platform, words)
