"""No published row rests on what comes after its session, and a job that does look ahead is found."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

import market_rows
from config.config import DatabaseSettings
from database.db_helper import connect, fetch, transaction
from market.invented import InventedMarket
from ops.evidence.look_ahead import Cut, LookAhead, cuts, databases, fill
from planted_leaks import LEAKS, WITH_EARLIER, Leak

# The last Sunday of July, the 26th, is behind the third one. Seoul was closed on the 17th: its windows are others.
SESSIONS = [date(2026, 7, day) for day in (22, 23, 24, 27, 28)]
CUT = Cut(1, SESSIONS[:3])
# A source without any bar of some stocks, which is found out at the last session alone.
UNKNOWN_STOCKS = """
    DELETE FROM collected_daily_stock_history
        WHERE ticker IN (SELECT stock_ticker FROM collected_etf_holdings WHERE holding_rank = 4);
    INSERT INTO logs_expected_bar (kind, ticker, trade_date, state, reason)
        SELECT DISTINCT 'stock', stock_ticker, DATE '2026-08-21', 'missing',
            '[{"code": "yahoo_unknown", "params": {"ticker": "GONE"}}]'::jsonb
        FROM collected_etf_holdings WHERE holding_rank = 4;
"""


@pytest.fixture(scope="module")
def check(scratch_database: DatabaseSettings, spark: Any) -> Iterator[LookAhead]:
    """Make a check whose sessions are published from an invented market, which goes on behind them."""
    with closing(connect(scratch_database)) as conn:
        market_rows.store(conn, InventedMarket(seed=7, until=date(2026, 8, 21), sessions=90))
        with transaction(conn), conn.cursor() as cursor:
            cursor.execute(UNKNOWN_STOCKS)
        with databases(scratch_database) as (reference, world):
            fill(conn, reference, SESSIONS[0], SESSIONS[-1])
            made = LookAhead(spark, reference, world)
            made.publish(SESSIONS)
            yield made


def test_what_is_known_later_says_since_when(check: LookAhead) -> None:
    with closing(connect(check.reference)) as conn:
        said = fetch(conn, "SELECT degraded_reason::text AS text FROM analytics_publication WHERE job = 'allocation'")
    states = ("state_unknown", "state_not_collected", "state_missing")
    found = {state for state in states if any(state in (row["text"] or "") for row in said)}
    assert found == {"state_unknown"}
    assert any('"session": "2026-08-21"' in (row["text"] or "") for row in said)


def test_another_future_changes_nothing(check: LookAhead) -> None:
    assert check.compare(CUT) == []
    assert check.compared > 500
    assert check.compare(replace(CUT, draw=0)) == [], "nor does it that there is none yet"


@pytest.mark.parametrize("leak", LEAKS.values(), ids=LEAKS.keys())
def test_a_planted_leak_is_found(check: LookAhead, leak: Leak, monkeypatch: pytest.MonkeyPatch) -> None:
    for (module, name), instead in leak.patched.items():
        monkeypatch.setattr(module, name, instead)
    leaking = replace(check, jobs=[leak.job])
    leaking.publish(SESSIONS)
    found = replace(check, jobs=WITH_EARLIER[leak.job]).compare(CUT)
    monkeypatch.undo()
    leaking.publish(SESSIONS)
    assert {difference.row.job for difference in found} == {leak.job.name}


def test_each_session_is_a_cut_and_is_compared_in_every_draw() -> None:
    found = cuts(SESSIONS, 3)
    for number in range(4):
        assert [day for cut in found if cut.draw == number for day in cut.sessions] == SESSIONS
    assert {cut.session for cut in found if cut.draw} == {*SESSIONS}
