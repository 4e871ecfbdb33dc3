"""The monthly portfolio as it is published from what stage 5 has published: whole months, again and again the same."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import date
from typing import Any

import pytest
from psycopg2 import IntegrityError, sql

from batch import publishing
from batch import spark_monthly_portfolio_rebalancer as rebalancer
from batch.runner import Job
from config.config import DatabaseSettings
from database import tables
from database.db_helper import Connection, Row, connect, fetch, replace_partition, transaction
from database.queries.reasons import with_sentences
from database.tables import Table
from reason_words import text
from utils.errors import NotPublished
from utils.reasons import as_json

SUNDAY, FRIDAY = date(2026, 8, 30), date(2026, 8, 28)
JULY_SUNDAY, JULY_FRIDAY = date(2026, 7, 26), date(2026, 7, 24)
TABLES = (tables.MONTHLY_PORTFOLIO, tables.PORTFOLIO_ALLOCATION, tables.PUBLICATION)
# A is in the portfolio over 20 sessions only, B in 20 and 10, C in 20 and 5, D in all, E in 10 and 5, F in 10, G in 5.
ALL_MEMBERSHIPS = {20: "ABCD", 10: "BDEF", 5: "CDEG"}


@pytest.fixture
def conn(scratch_database: DatabaseSettings) -> Iterator[Connection]:
    with closing(connect(scratch_database)) as connection:
        with transaction(connection), connection.cursor() as cursor:
            for table in TABLES:
                cursor.execute(sql.SQL("TRUNCATE {}").format(sql.Identifier(table.name)))
        yield connection


@pytest.fixture
def run(spark: Any, conn: Connection, scratch_database: DatabaseSettings) -> Callable[..., Any]:
    def run_job(*days: date) -> Any:
        return rebalancer.run(Job(spark, conn, scratch_database, list(days or (SUNDAY,)), "a run"))

    return run_job


def publish(
    conn: Connection, session: date, portfolios: Mapping[int, str], empty: str = "nobody is eligible", **line: Any
) -> None:
    """Store stage 5's result for a session: for each period the tickers, a letter each, largest first."""
    why = as_json([text(empty)])
    values: dict[str, Any] = {"source": "recorded", "holdings_as_of": session, "degraded_reason": []} | line
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute("DELETE FROM analytics_portfolio_allocation WHERE as_of_date = %s", (session,))
        cursor.execute("DELETE FROM analytics_publication WHERE (job, as_of_date) = ('allocation', %s)", (session,))
        for days, tickers in portfolios.items():
            cursor.execute(
                "INSERT INTO analytics_publication (job, as_of_date, period_days, status, reason, row_count, "
                "cash_weight, holdings_as_of, source, degraded_reason) "
                "VALUES ('allocation', %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                (
                    session, days, "published" if tickers else "empty", None if tickers else why, len(tickers),
                    0 if tickers else 1, values["holdings_as_of"], values["source"], as_json(values["degraded_reason"]),
                ),
            )  # fmt: skip
            whole = sum(range(1, len(tickers) + 1))
            for rank, ticker in enumerate(tickers, 1):
                weight = (len(tickers) + 1 - rank) / whole
                cursor.execute(
                    "INSERT INTO analytics_portfolio_allocation (as_of_date, ticker, period_days, portfolio_weight, "
                    "period_return, score, market_cap, market_cap_source, position_rank, source_etfs, "
                    "allocation_reason, holdings_as_of, start_session, end_session, company_name, sector, "
                    "is_trending_5d, is_trending_10d, is_trending_20d, source) VALUES (%s, %s, %s, %s, 0.1, 1, 1, "
                    "'quoted', %s, '{QQQ}', '[]', %s, %s, %s, %s, 'Technology', false, false, false, 'recorded')",
                    (session, ticker, days, weight, rank, session, session, session, f"{ticker} Inc."),
                )


def rows_of(conn: Connection, table: Table, **where: Any) -> list[Row]:
    found = fetch(conn, sql.SQL("SELECT * FROM {} AS t ORDER BY t::text").format(sql.Identifier(table.name)))
    for row in found:
        row.pop("published_at", None)
    return [row for row in with_sentences(found) if all(row[column] == value for column, value in where.items())]


def month(conn: Connection, day: date = SUNDAY) -> list[Row]:
    rows = rows_of(conn, tables.MONTHLY_PORTFOLIO, rebalance_date=day)
    return sorted(rows, key=lambda row: row["final_rank"])


def line_of(conn: Connection, day: date = SUNDAY) -> Row:
    [line] = rows_of(conn, tables.PUBLICATION, job="rebalance", as_of_date=day)
    return line


def test_all_seven_memberships_are_published(run: Callable[..., Any], conn: Connection) -> None:
    publish(conn, FRIDAY, ALL_MEMBERSHIPS)
    summary = run().summary()
    assert summary == {"days": 1, "publications": 1, "empty": 0, "degraded": 0, "rows": 7, "skipped": {}}
    rows = month(conn)
    assert [(row["ticker"], row["final_rank"], row["score"], row["source_periods"]) for row in rows] == [
        ("D", 1, 3.0, [5, 10, 20]),
        ("B", 2, 2.0, [10, 20]),
        ("C", 3, 2.0, [5, 20]),
        ("A", 4, 1.0, [20]),
        ("E", 20, 2.0, [5, 10]),
        ("F", 21, 0.5, [10]),
        ("G", 22, 0.3, [5]),
    ]
    assert sum(row["final_weight"] for row in rows) == pytest.approx(1.0, abs=1e-9)
    assert rows[0]["final_weight"] == pytest.approx(3 / 10.8)
    assert {(row["as_of_date"], row["valid_until"], row["holdings_as_of"], row["source"]) for row in rows} == {
        (FRIDAY, date(2026, 9, 28), FRIDAY, "recorded")
    }
    line = line_of(conn)
    assert (line["status"], line["reason"], line["row_count"], line["cash_weight"], line["run_id"]) == (
        "published", None, 7, 0.0, "a run",
    )  # fmt: skip


def test_again_gives_the_same_rows(run: Callable[..., Any], conn: Connection) -> None:
    publish(conn, FRIDAY, ALL_MEMBERSHIPS)
    run()
    first = (month(conn), line_of(conn))
    run()
    assert (month(conn), line_of(conn)) == first


def test_a_corrected_portfolio_replaces_the_month_and_leaves_the_others(
    run: Callable[..., Any], conn: Connection
) -> None:
    publish(conn, JULY_FRIDAY, {20: "XY", 10: "X", 5: ""})
    publish(conn, FRIDAY, ALL_MEMBERSHIPS)
    run(JULY_SUNDAY, SUNDAY)
    july = month(conn, JULY_SUNDAY)
    assert [row["ticker"] for row in july] == ["X", "Y"]
    publish(conn, FRIDAY, {20: "A", 10: "Z", 5: "Z"})
    run()
    assert [(row["ticker"], row["final_rank"]) for row in month(conn)] == [("A", 1), ("Z", 20)]
    assert month(conn, JULY_SUNDAY) == july


def test_a_failure_while_writing_leaves_the_old_month(
    run: Callable[..., Any], conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the old rows were deleted and the new ones written, before the month's line is: all of it is undone."""
    publish(conn, FRIDAY, ALL_MEMBERSHIPS)
    run()
    before = (month(conn), line_of(conn))
    publish(conn, FRIDAY, {20: "Q", 10: "", 5: ""})

    def broken(conn: Connection, table: Table, *arguments: Any) -> int:
        if table is tables.PUBLICATION:
            raise OSError("the disk is full")
        return replace_partition(conn, table, *arguments)

    monkeypatch.setattr(publishing, "replace_partition", broken)
    with pytest.raises(OSError, match="the disk is full"):
        run()
    assert (month(conn), line_of(conn)) == before


def test_weights_that_do_not_sum_to_one_are_refused(run: Callable[..., Any], conn: Connection) -> None:
    publish(conn, FRIDAY, ALL_MEMBERSHIPS)
    run()
    with pytest.raises(IntegrityError, match="do not sum to 1"), transaction(conn), conn.cursor() as cursor:
        cursor.execute("DELETE FROM analytics_monthly_portfolio WHERE ticker = 'A'")
    assert len(month(conn)) == 7


@pytest.mark.parametrize(
    ("rebalance_date", "session", "valid_until"),
    [
        (date(2024, 3, 31), date(2024, 3, 28), date(2024, 4, 26)),  # after Good Friday
        (date(2026, 5, 24), date(2026, 5, 22), date(2026, 6, 23)),  # before Memorial Day; Juneteenth is on the way
        (date(2025, 11, 30), date(2025, 11, 28), date(2025, 12, 29)),  # after the early close; Christmas
        (date(2026, 8, 26), date(2026, 8, 26), date(2026, 9, 24)),  # a Wednesday is its own session; Labor Day
    ],
)
def test_around_holidays(
    run: Callable[..., Any], conn: Connection, rebalance_date: date, session: date, valid_until: date
) -> None:
    publish(conn, session, {20: "A", 10: "A", 5: "B"})
    run(rebalance_date)
    assert {(row["as_of_date"], row["valid_until"]) for row in month(conn, rebalance_date)} == {(session, valid_until)}


def test_a_month_of_empty_portfolios_is_published_as_empty(run: Callable[..., Any], conn: Connection) -> None:
    """Also over a month that had positions."""
    publish(conn, FRIDAY, ALL_MEMBERSHIPS)
    run()
    publish(conn, FRIDAY, {5: "", 10: "", 20: ""}, holdings_as_of=None)
    assert run().summary()["empty"] == 1
    assert month(conn) == []
    line = line_of(conn)
    assert (line["status"], line["row_count"], line["cash_weight"], line["holdings_as_of"]) == ("empty", 0, 1.0, None)
    assert line["reason"].startswith("every portfolio of 2026-08-28 is empty; over 5 sessions: nobody is eligible;")


@pytest.mark.parametrize("empty", [{5: ""}, {10: ""}, {20: ""}, {5: "", 10: ""}, {10: "", 20: ""}])
def test_some_empty_portfolios_are_named_and_the_rest_is_merged(
    run: Callable[..., Any], conn: Connection, empty: dict[int, str]
) -> None:
    publish(conn, FRIDAY, ALL_MEMBERSHIPS | empty)
    run()
    line = line_of(conn)
    assert line["status"] == "published"
    assert line["reason"] == "an empty portfolio of 2026-08-28 adds nothing; " + "; ".join(
        f"over {days} sessions: nobody is eligible" for days in sorted(empty)
    )
    rest = set("".join(tickers for days, tickers in ALL_MEMBERSHIPS.items() if days not in empty))
    assert {row["ticker"] for row in month(conn)} == rest
    assert not any(set(row["source_periods"]) & set(empty) for row in month(conn))


@pytest.mark.parametrize("published", [{}, {5: "A", 20: "A"}])
def test_before_stage_5_it_says_so(run: Callable[..., Any], conn: Connection, published: dict[int, str]) -> None:
    """Also when one of the three is not there. The portfolios of a session before do not stand in."""
    publish(conn, date(2026, 8, 27), ALL_MEMBERSHIPS)
    publish(conn, FRIDAY, published)
    with pytest.raises(
        NotPublished, match="stage 5 has not published 2026-08-28, the last session by 2026-08-30: run daily_portfolio"
    ):
        run()
    assert rows_of(conn, tables.PUBLICATION, job="rebalance") == []


def test_a_range_goes_past_a_month_that_is_not_published(run: Callable[..., Any], conn: Connection) -> None:
    publish(conn, FRIDAY, ALL_MEMBERSHIPS)
    run()
    before = month(conn)
    outcome = run(JULY_SUNDAY, SUNDAY)
    assert list(outcome.skipped) == [JULY_SUNDAY]
    assert month(conn) == before


def test_two_dates_of_one_session_are_two_rebalances(run: Callable[..., Any], conn: Connection) -> None:
    publish(conn, FRIDAY, ALL_MEMBERSHIPS)
    run(date(2026, 8, 29))
    run()
    saturday = month(conn, date(2026, 8, 29))
    assert [row["ticker"] for row in saturday] == [row["ticker"] for row in month(conn)]
    assert line_of(conn, date(2026, 8, 29))["row_count"] == line_of(conn)["row_count"] == 7


def test_doubts_about_the_portfolios_are_carried_on(run: Callable[..., Any], conn: Connection) -> None:
    publish(
        conn,
        FRIDAY,
        ALL_MEMBERSHIPS,
        source="simulated",
        degraded_reason=[text("XLB has no bar")],
        holdings_as_of=SUNDAY,
    )
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute("UPDATE analytics_portfolio_allocation SET source = 'yahoo'")
    assert run().summary()["degraded"] == 1
    line = line_of(conn)
    assert (line["source"], line["degraded_reason"], line["holdings_as_of"]) == ("simulated", "XLB has no bar", SUNDAY)
    assert {row["ticker"]: (row["is_degraded"], row["source"]) for row in month(conn)} == dict.fromkeys(
        "ABCDEFG", (True, "yahoo")
    )


@pytest.mark.parametrize(
    "change",
    [
        "status = 'not_computable'",
        """degraded_reason = '[{"code": "text", "params": {"text": "XLB has no bar"}}]'""",
    ],
    ids=["not computable", "empty and degraded"],
)
def test_a_portfolio_without_positions_degrades_the_rows_of_its_month(
    run: Callable[..., Any], conn: Connection, change: str
) -> None:
    """A month of the same run whose portfolios lack nothing stays as it is."""
    publish(conn, JULY_FRIDAY, ALL_MEMBERSHIPS)
    publish(conn, FRIDAY, ALL_MEMBERSHIPS | {10: ""})
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute(
            f"UPDATE analytics_publication SET {change} WHERE (as_of_date, period_days) = (%s, 10)", (FRIDAY,)
        )
    run(JULY_SUNDAY, SUNDAY)
    assert line_of(conn)["degraded_reason"] and not line_of(conn, JULY_SUNDAY)["degraded_reason"]
    assert {row["is_degraded"] for row in month(conn)} == {True}
    assert {row["is_degraded"] for row in month(conn, JULY_SUNDAY)} == {False}


def test_the_job_is_one_task(
    run: Callable[..., Any], spark: Any, conn: Connection, scratch_database: DatabaseSettings
) -> None:
    publish(conn, FRIDAY, ALL_MEMBERSHIPS)
    frame = rebalancer.merged_stocks(Job(spark, conn, scratch_database, [SUNDAY], None), {SUNDAY: FRIDAY})
    plan = frame._jdf.queryExecution().executedPlan().toString()
    assert "JDBCRelation" in plan
    assert "Exchange" not in plan
