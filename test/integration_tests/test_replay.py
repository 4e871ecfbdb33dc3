"""A few sessions of the invented market replayed with the real services: a late bar, a restated one, a Ctrl-C."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest

import market_rows
import reference
from config.config import DatabaseSettings, Settings
from config.universe import universe
from database.db_helper import connect, fetch
from database.queries import evidence
from database.tables import DAILY_ETF_OHLC
from market.invented import InventedMarket
from ops.databases import drop_databases
from ops.errors import CannotStart
from ops.replay import replay
from ops.replay.comparison import Cause, Difference
from ops.replay.market_client import MarketServer
from ops.replay.replay import HINDSIGHT, REPLAY, Done, Replay
from ops.replay.sandbox import database_of
from utils.errors import InvalidInput
from utils.kafka_utils import delete_topics

# The bar of XLF on the first of these is published with a wrong close, which is right on the evening of the last one.
SESSIONS = [date(2026, 5, 14), date(2026, 5, 15), date(2026, 5, 18), date(2026, 5, 19)]
RESTATED, LATE = "XLF", "SPY"
LATE_SESSION = SESSIONS[1]
CLOCK = "2026-08-20T20:30:00Z"
TOLERANCE = 1e-9
JOBS_OF_A_DAY = ("trending", "allocation", "performance")


@dataclass
class Told:
    """Records the replay's messages and presses Ctrl-C after so many sessions. The late bar comes after its evening."""

    market: httpx.Client
    stop_after: int = 99
    sessions: list[Done] = field(default_factory=list)

    def __call__(self, done: Done) -> None:
        self.sessions.append(done)
        if done.session == LATE_SESSION:
            self.market.delete("/control/faults").raise_for_status()
        if len(self.sessions) == self.stop_after:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def platform(
    scratch_database: DatabaseSettings, market: httpx.Client, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    """Return settings with a scratch database, so that its sandboxes are scratch ones as well."""
    known = Settings.from_env()
    yahoo = replace(
        known.yahoo,
        base_url=str(market.base_url).rstrip("/"),
        pace_seconds=0.0,
        cache_dir=tmp_path_factory.mktemp("yahoo"),
    )
    yield replace(known, database=scratch_database, spark_database=scratch_database, yahoo=yahoo)
    drop_databases(scratch_database, f"{scratch_database.name}_")
    for name in (REPLAY, HINDSIGHT):
        delete_topics(known.kafka, f"{name}-")


@pytest.fixture(scope="module")
def server(market: httpx.Client) -> MarketServer:
    return MarketServer(str(market.base_url).rstrip("/"), market.headers["Authorization"].removeprefix("Bearer "))


@dataclass
class Ran:
    interrupted: Told
    clock_after_interruption: str
    resumed: Told
    clock_at_the_end: str
    differences: list[Difference]


@pytest.fixture(scope="module")
def ran(
    platform: Settings,
    server: MarketServer,
    market: httpx.Client,
    spark: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> Ran:
    """Run a replay that is interrupted after its first session and resumed."""
    logs = tmp_path_factory.mktemp("logs")
    fault = {"kind": "missing_bar", "ticker": LATE, "session": str(LATE_SESSION)}
    market.post("/control/faults", json=fault).raise_for_status()
    server.set_clock(CLOCK)
    interrupted, resumed = Told(market, stop_after=1), Told(market)
    with pytest.raises(KeyboardInterrupt):
        Replay(platform, server, spark, logs, interrupted).run(SESSIONS)
    clock = server.clock()
    differences = Replay(platform, server, spark, logs, resumed).run(SESSIONS)
    return Ran(interrupted, clock, resumed, server.clock(), differences)


def test_an_interrupted_replay_goes_on_behind_what_is_done(ran: Ran) -> None:
    assert [done.session for done in ran.interrupted.sessions] == SESSIONS[:1]
    assert [done.session for done in ran.resumed.sessions] == SESSIONS[1:]
    assert [done.left for done in ran.resumed.sessions] == [2, 1, 0]


def test_the_clock_is_put_back(ran: Ran) -> None:
    assert ran.clock_after_interruption == ran.clock_at_the_end == CLOCK


def test_a_late_and_a_restated_bar_are_the_causes_and_nothing_is_unexplained(ran: Ran) -> None:
    by_day = {day: {one.why.cause for one in ran.differences if one.day == day} for day in SESSIONS}

    assert Cause.RESTATED in by_day[SESSIONS[0]]
    assert by_day[LATE_SESSION] == {Cause.LATE}
    assert Cause.UNEXPLAINED not in set().union(*by_day.values())
    assert by_day[SESSIONS[-1]] == set(), "on its last evening a replay knows what the backfill knows"
    restated = [one for one in ran.differences if one.table == "trending" and one.day == SESSIONS[0]]
    assert {one.ticker for one in restated} == {RESTATED}
    assert all(f"{RESTATED}: adjusted close of {SESSIONS[0]}" in one.why.detail for one in restated)


def test_an_evening_without_the_benchmark_published_nothing_and_said_so(ran: Ran, platform: Settings) -> None:
    [late] = [done for done in ran.resumed.sessions if done.session == LATE_SESSION]
    assert any(f"{LATE}: no bar of {LATE_SESSION} at the source" in problem for problem in late.problems)
    assert _published(platform, REPLAY, LATE_SESSION) == {}
    of_the_day = [one for one in ran.differences if one.day == LATE_SESSION]
    assert all(one.replayed is None for one in of_the_day)
    assert {one.ticker for one in of_the_day if one.table == "trending"} == set(universe().candidates)


@pytest.mark.parametrize("session", [session for session in SESSIONS if session != LATE_SESSION], ids=str)
def test_every_evening_is_what_plain_pandas_makes_of_the_market_of_that_evening(
    session: date, ran: Ran, platform: Settings
) -> None:
    rows = market_rows.rows_of(InventedMarket(seed=7, until=session))
    plain = reference.Reference(
        reference.collected(rows), reference.Strategy(universe().benchmark, universe().candidates)
    )

    published = _published(platform, REPLAY, session)

    positions = 0
    for days in universe().periods:
        weights, _ = plain.portfolio(plain.candidates(pd.Timestamp(session), days))
        expected = {ticker: position["weight"] for ticker, position in weights.items()}
        assert published.get(days, {}) == pytest.approx(expected, abs=TOLERANCE)
        positions += len(expected)
    assert positions > 5


def test_the_record_of_a_replay_has_no_hindsight(ran: Ran, platform: Settings) -> None:
    """And that of a backfill is hindsight alone, as its holdings are those of the end."""
    query = "SELECT trade_date, has_hindsight FROM analytics_portfolio_performance WHERE period_days = 20 ORDER BY 1"
    for sandbox, has_hindsight in ((REPLAY, False), (HINDSIGHT, True)):
        with closing(connect(database_of(platform, sandbox))) as conn:
            rows = [(row["trade_date"], row["has_hindsight"]) for row in fetch(conn, query)]
        assert rows == [(session, has_hindsight) for session in SESSIONS[1:]], sandbox


def test_the_backfill_knew_the_holdings_of_the_end_alone(ran: Ran, platform: Settings) -> None:
    query = "SELECT DISTINCT as_of_date, holdings_as_of FROM analytics_allocation_candidates"
    with closing(connect(database_of(platform, HINDSIGHT))) as conn:
        assert {row["holdings_as_of"] for row in fetch(conn, query)} == {SESSIONS[-1]}
    with closing(connect(database_of(platform, REPLAY))) as conn:
        assert all(row["holdings_as_of"] == row["as_of_date"] for row in fetch(conn, query))


def test_the_platforms_own_tables_stay_empty(ran: Ran, platform: Settings) -> None:
    with closing(connect(platform.database)) as conn:
        assert fetch(conn, f"SELECT ticker FROM {DAILY_ETF_OHLC.name} LIMIT 1") == []


def test_another_replay_has_to_wait(platform: Settings, server: MarketServer, tmp_path: Path) -> None:
    with closing(connect(platform.database)) as conn:
        fetch(conn, "SELECT pg_advisory_lock(hashtext('actstock replay'))")
        with pytest.raises(CannotStart, match="another replay is under way"):
            nobody: Any = None
            Replay(platform, server, nobody, tmp_path, Told(nobody)).run(SESSIONS)


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        (date(2026, 8, 22), date(2026, 8, 23), "there is no session from 2026-08-22 to 2026-08-23"),
        (date(2026, 8, 20), date(2026, 8, 24), "is not within the market, whose sessions are 2023-"),
        (date(2019, 8, 20), date(2026, 8, 20), "is not within the market"),
    ],
)
def test_a_range_that_cannot_be_replayed_is_refused(start: date, end: date, message: str, server: MarketServer) -> None:
    with pytest.raises(InvalidInput, match=message):
        replay.sessions_within(server.market(), start, end)


def test_a_last_sunday_is_rebalanced_before_the_next_session(
    ran: Ran, platform: Settings, server: MarketServer, market: httpx.Client, spark: Any, tmp_path: Path
) -> None:
    """Comes last: another first session takes the place of the replay that the tests above look at."""
    friday, sunday = date(2026, 5, 29), date(2026, 5, 31)

    assert Replay(platform, server, spark, tmp_path, Told(market)).run([friday]) == []

    query = "SELECT * FROM analytics_monthly_portfolio ORDER BY final_rank"
    with closing(connect(database_of(platform, REPLAY))) as conn:
        positions = fetch(conn, query)
    assert {(row["rebalance_date"], row["as_of_date"]) for row in positions} == {(sunday, friday)}
    portfolios = _published(platform, REPLAY, friday)
    assert {row["ticker"] for row in positions} == set().union(*portfolios.values())
    assert sum(row["final_weight"] for row in positions) == pytest.approx(1)


def test_other_settings_begin_anew(
    ran: Ran, platform: Settings, server: MarketServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Comes behind the others: it takes the place of the replay."""
    nobody: Any = None
    played = Replay(platform, server, nobody, tmp_path, Told(nobody))
    first = played._begin(server.market(), SESSIONS[0], afresh=True)

    assert played._begin(server.market(), SESSIONS[0], afresh=False) == first
    other = replace(universe(), max_position_weight=0.2)
    monkeypatch.setattr(evidence, "universe", lambda: other)
    assert played._begin(server.market(), SESSIONS[0], afresh=False) != first


def _published(platform: Settings, name: str, session: date) -> dict[int, dict[str, float]]:
    """Period -> ticker -> weight."""
    found: dict[int, dict[str, float]] = {}
    with closing(connect(database_of(platform, name))) as conn:
        query = "SELECT * FROM analytics_portfolio_allocation WHERE as_of_date = %(session)s"
        for row in fetch(conn, query, {"session": session}):
            found.setdefault(row["period_days"], {})[row["ticker"]] = row["portfolio_weight"]
    return found


def test_evenings_have_all_of_a_day_and_its_record_too(
    platform: Settings, server: MarketServer, market: httpx.Client, spark: Any, tmp_path: Path
) -> None:
    """Comes after all: it takes the place of the replay as well."""
    days = [date(2026, 8, 19), date(2026, 8, 20)]

    replayed = Replay(platform, server, spark, tmp_path, Told(market)).evenings(days)

    query = "SELECT DISTINCT as_of_date FROM analytics_publication WHERE job = %(job)s ORDER BY as_of_date"
    with closing(connect(replayed.owner)) as conn:
        found = {job: [row["as_of_date"] for row in fetch(conn, query, {"job": job})] for job in JOBS_OF_A_DAY}
    assert found == dict.fromkeys(JOBS_OF_A_DAY, days)
