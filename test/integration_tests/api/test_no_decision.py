"""A rebalance that could not be computed is no decision: what was decided before it is held on, as the record does."""

from collections.abc import Iterator
from contextlib import closing
from datetime import date
from decimal import Decimal

import pytest

from api import monthly_performance, orders, trades
from config.config import DatabaseSettings
from config.universe import universe
from contract.portfolios import MonthlyPerformance
from database.db_helper import Connection, connect, one_transaction
from database.queries import portfolios
from database.queries.paging import Page

DECIDED, NOT_COMPUTABLE, NEXT = date(2026, 7, 26), date(2026, 8, 2), date(2026, 8, 9)
LATER = date(2026, 8, 30)
PUBLISHED = """
    INSERT INTO analytics_publication (job, as_of_date, period_days, status, row_count, source)
    VALUES ('rebalance', %s, 0, %s, 0, 'simulated')
"""
# Also by its first revision, which the record follows whatever is published later.
NEVER_DECIDED = """
    ALTER TABLE evidence_publication DISABLE TRIGGER evidence_is_never_changed;
    UPDATE evidence_publication SET status = 'not_computable' WHERE (job, as_of_date) = ('rebalance', %(day)s);
    UPDATE analytics_publication SET status = 'not_computable' WHERE (job, as_of_date) = ('rebalance', %(day)s);
"""


@pytest.fixture
def conn(sample_database: DatabaseSettings) -> Iterator[Connection]:
    """Begin a transaction in which a month could not be computed. It is not kept."""
    with closing(connect(sample_database)) as connection, one_transaction(connection) as joined:
        with joined.cursor() as cursor:
            cursor.execute(PUBLISHED, (NOT_COMPUTABLE, "not_computable"))
        yield joined
        connection.rollback()


def decide(conn: Connection, day: date) -> None:
    with conn.cursor() as cursor:
        cursor.execute(PUBLISHED, (day, "empty"))


def performance_of(conn: Connection, day: date) -> MonthlyPerformance:
    found = monthly_performance.monthly(conn, universe().benchmark, Page(10)).months
    return next(each for each in found if each.rebalance_date == day)


def test_a_month_is_followed_past_it(conn: Connection) -> None:
    assert performance_of(conn, DECIDED).exit_session == date(2026, 8, 21), "its last valid session"
    decide(conn, NEXT)
    assert performance_of(conn, DECIDED).exit_session == date(2026, 8, 10)


def test_it_changes_nothing_and_asks_for_no_trades(conn: Connection) -> None:
    month = portfolios.monthly(conn, None)
    assert month and (month.rebalance_date, month.status) == (NOT_COMPUTABLE, "not_computable")
    assert (month.previous_rebalance_date, month.positions, month.removed) == (DECIDED, [], [])
    asked = trades.monthly(conn, None, 250_000)
    assert asked and (asked.status, asked.previous_rebalance_date) == ("not_computable", DECIDED)
    assert (asked.previous_valid_until, asked.previous_is_expired) == (date(2026, 8, 21), False)
    assert [(each.ticker, each.side, each.shares) for each in asked.trades] == [
        (ticker, "keep", 0) for ticker in ("MU", "000660.KS", "NEM")
    ]
    assert sum(each.held_weight for each in asked.trades) == pytest.approx(1)
    held = sum((each.held_shares or 0) * (each.price_usd or 0) for each in asked.trades)
    most = sum(each.price_usd or 0 for each in asked.trades)
    assert asked.cash_left == pytest.approx(250_000 - held) and asked.cash_left < most, "less than a share of each"
    assert (asked.bought, asked.sold, asked.cost) == (0, 0, 0)


def test_a_month_that_has_run_out_is_bought_anew(conn: Connection) -> None:
    """What was decided on 26 July ran out on 21 August, and the next month is bought after that."""
    decide(conn, LATER)
    asked = trades.monthly(conn, None, 250_000)
    assert asked and (asked.rebalance_date, asked.previous_rebalance_date) == (LATER, DECIDED)
    assert (asked.previous_valid_until, asked.previous_is_expired) == (date(2026, 8, 21), True)
    assert (asked.status, asked.trades, asked.cash_left) == ("empty", [], 250_000)


def test_the_next_month_is_compared_with_the_decision_before_it(conn: Connection) -> None:
    decide(conn, NEXT)
    month = portfolios.monthly(conn, None)
    assert month and (month.rebalance_date, month.previous_rebalance_date) == (NEXT, DECIDED)
    assert [each.ticker for each in month.removed] == ["MU", "000660.KS", "NEM"]


@pytest.mark.parametrize(
    ("not_computable", "is_expired", "valid_until"),
    [(NOT_COMPUTABLE, False, date(2026, 8, 21)), (DECIDED, True, date(2026, 7, 27))],
)
def test_what_was_decided_before_it_runs_out_all_the_same(
    conn: Connection, not_computable: date, is_expired: bool, valid_until: date
) -> None:
    """By the newest session, 2026-08-21. Until then nothing is to be traded, and from then on all is to be sold."""
    with conn.cursor() as cursor:
        cursor.execute(NEVER_DECIDED, {"day": not_computable})
    found = orders.trades(conn, "monthly", "NEM:20", orders.Wishes(Decimal(0), False, Decimal(0), "sell"))
    assert (found.rebalance_date, found.status) == (NOT_COMPUTABLE, "not_computable")
    assert (found.valid_until, found.is_expired) == (valid_until, is_expired)
    assert [each.shares for each in found.orders] == [-20 if is_expired else 0]
