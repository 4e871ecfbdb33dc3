"""The published portfolios of an invented history followed forward by the job, compared with a simulation in pandas."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from typing import Any

import pandas as pd
import pytest

import market_rows
import simulation
from api.monthly_performance import monthly
from batch import spark_active_stock_allocator as allocator
from batch import spark_monthly_portfolio_rebalancer as rebalancer
from batch import spark_portfolio_performance as performance
from batch import spark_trending_etf_identifier as identifier
from batch.runner import Job
from config.config import DatabaseSettings
from config.universe import universe
from database import tables
from database.db_helper import Connection, Row, connect, fetch, transaction
from database.queries import track_record
from database.queries.paging import Page
from database.queries.reasons import with_sentences
from market.invented import InventedMarket
from reason_words import words
from utils.dates import last_sundays_between, month_sold_on, session_before, traded_on, window_of
from utils.errors import NotStored

LAST = date(2026, 8, 21)
TOLERANCE = 1e-9
MONTH = 0
SERIES = ("gross", "net", "benchmark", "turnover", "cost", "cash_weight")


@pytest.fixture(scope="module")
def market() -> InventedMarket:
    return InventedMarket(seed=7, until=LAST, sessions=140)


@pytest.fixture(scope="module")
def history(scratch_database: DatabaseSettings, market: InventedMarket, spark: Any) -> Iterator[DatabaseSettings]:
    """Fill a database with the portfolios of a hundred sessions and of their months."""
    sessions = market.sessions[-100:]
    with closing(connect(scratch_database)) as conn:
        market_rows.store(conn, market)
        for module in (identifier, allocator):
            module.run(Job(spark, conn, scratch_database, sessions, "history"))
        months = last_sundays_between(sessions[0], LAST)
        rebalancer.run(Job(spark, conn, scratch_database, months, "history"))
    yield scratch_database


@pytest.fixture
def conn(history: DatabaseSettings) -> Iterator[Connection]:
    with closing(connect(history)) as connection:
        yield connection


@pytest.fixture
def run(spark: Any, conn: Connection, history: DatabaseSettings) -> Callable[..., Any]:
    def run_job(*days: date) -> Any:
        return performance.run(Job(spark, conn, history, list(days or (LAST,)), "a run"))

    return run_job


@pytest.fixture
def afresh(conn: Connection) -> None:
    """Nothing has been followed yet."""
    change(conn, "TRUNCATE analytics_portfolio_performance, analytics_performance_summary")
    change(conn, "DELETE FROM analytics_publication WHERE job = 'performance'")


def change(conn: Connection, statement: str, **params: Any) -> int:
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute(statement, params)
        return int(cursor.rowcount)


def stored(conn: Connection, up_to: date = LAST) -> list[Row]:
    """Both tables up to a session."""
    return [
        row
        for table, day in ((tables.PORTFOLIO_PERFORMANCE, "trade_date"), (tables.PERFORMANCE_SUMMARY, "last_session"))
        for row in fetch(conn, f"SELECT * FROM {table.name} WHERE {day} <= %(day)s ORDER BY 1, 2, 3", {"day": up_to})
    ]


@pytest.fixture
def lived(conn: Connection, market: InventedMarket) -> dict[int, pd.DataFrame]:
    """Simulate every portfolio day by day from the stored publications and bars alone."""
    prices = dollars(conn, list(market.sessions))
    targets: dict[int, dict[pd.Timestamp, dict[str, float]]] = {}
    months: list[date] = []
    for line in fetch(
        conn, "SELECT * FROM analytics_publication WHERE job IN ('allocation', 'rebalance') ORDER BY as_of_date"
    ):
        if traded_on(line["as_of_date"]) <= LAST:
            targets.setdefault(line["period_days"], {})[pd.Timestamp(traded_on(line["as_of_date"]))] = {}
        if line["job"] == "rebalance":
            months.append(line["as_of_date"])
    positions = fetch(
        conn,
        """
        SELECT period_days, as_of_date AS day, ticker, portfolio_weight AS weight FROM analytics_portfolio_allocation
        UNION ALL
        SELECT 0, rebalance_date, ticker, final_weight FROM analytics_monthly_portfolio
        """,
    )
    for row in positions:
        trade = pd.Timestamp(traded_on(row["day"]))
        if trade in targets[row["period_days"]]:
            targets[row["period_days"]][trade][row["ticker"]] = row["weight"]
    for month, following in zip(months, [*months[1:], None], strict=True):
        sold = month_sold_on(month, following)
        if sold <= LAST and not (following and sold == traded_on(following)):
            targets[MONTH][pd.Timestamp(sold)] = {}
    return {
        days: simulation.live_through(prices, wanted, prices["SPY"], universe().cost_rate)
        for days, wanted in targets.items()
    }


def dollars(conn: Connection, sessions: list[date]) -> pd.DataFrame:
    """Return adjusted closes in dollars for the home sessions, the last own close carried forward."""
    bars = pd.DataFrame(
        fetch(
            conn,
            """
            SELECT ticker, trade_date, currency, adj_close, close_price, quote_type FROM collected_daily_stock_history
            UNION ALL
            SELECT ticker, trade_date, 'USD', adj_close, close_price, 'ETF' FROM collected_daily_etf_ohlc
            """,
        )
    )
    rates = bars[bars["quote_type"] == "CURRENCY"].set_index("trade_date")["close_price"]
    every_day = [day.date() for day in pd.date_range(min(rates.index), max(rates.index))]
    rates = rates.reindex(every_day).ffill(limit=5)  # a day without a rate has the last one before
    bars = bars[bars["quote_type"] != "CURRENCY"]
    bars["price"] = bars["adj_close"] / bars["trade_date"].map(rates).where(bars["currency"] != "USD", 1.0)
    own = bars.pivot(index="trade_date", columns="ticker", values="price")
    korean = [window_of(session, 0, "XKRX")[1] for session in sessions]
    foreign = own.filter(like=".KS").reindex(korean).set_axis(sessions)
    home = own.drop(columns=foreign.columns).reindex(sessions)
    return home.join(foreign).ffill().set_index(pd.DatetimeIndex(sessions))


def test_every_session_is_that_of_the_simulation(
    afresh: None, run: Callable[..., Any], conn: Connection, lived: dict[int, pd.DataFrame]
) -> None:
    summary = run().summary()
    rows = pd.DataFrame(fetch(conn, "SELECT * FROM analytics_portfolio_performance ORDER BY period_days, trade_date"))
    assert (summary["rows"], len(rows)) == (4, sum(map(len, lived.values())))
    assert set(lived) == {MONTH, 5, 10, 20}
    for days, expected in lived.items():
        own = rows[rows["period_days"] == days].set_index("trade_date")
        assert list(own.index) == [day.date() for day in expected.index]
        for name in SERIES:
            ours = own[name if name in own else f"{name}_value"].astype(float)
            assert list(ours) == pytest.approx(list(expected[name]), abs=TOLERANCE), (days, name)
        assert own["turnover"].sum() > 2
    foreign = fetch(conn, "SELECT 1 FROM analytics_portfolio_allocation WHERE ticker LIKE '%%.KS'")
    assert foreign, "no foreign position was followed"
    assert set(rows["source"]) == {"simulated"}


def test_every_figure_is_that_of_plain_formulas(
    run: Callable[..., Any], conn: Connection, lived: dict[int, pd.DataFrame]
) -> None:
    run()
    newest = fetch(conn, "SELECT * FROM analytics_performance_summary WHERE last_session = %(day)s", {"day": LAST})
    assert [row["period_days"] for row in newest] == sorted(lived)
    for row in newest:
        for name, value in simulation.figures(lived[row["period_days"]]).items():
            assert row[name] == pytest.approx(value, abs=TOLERANCE), (row["period_days"], name)


def test_in_whatever_order_the_rows_are_the_same(afresh: None, run: Callable[..., Any], conn: Connection) -> None:
    early, middle = session_before(LAST, 60), session_before(LAST, 30)
    run(middle)
    then = stored(conn)
    run()
    whole = stored(conn)
    assert stored(conn, middle) == then, "what came later has changed the past"
    run(early)
    assert stored(conn) == whole, "a run of a past session has forgotten the sessions after it"
    run(early, middle, LAST)
    assert stored(conn) == whole
    lines = fetch(conn, "SELECT * FROM analytics_publication WHERE job = 'performance' ORDER BY as_of_date")
    assert [line["as_of_date"] for line in lines] == [early, middle, LAST]
    assert [line["row_count"] for line in lines] == [4, 4, 4]


def test_a_restated_price_is_in_the_next_run(
    run: Callable[..., Any], conn: Connection, lived: dict[int, pd.DataFrame]
) -> None:
    run()
    before, shown = stored(conn), track_record.performance(conn, None)
    day = session_before(LAST, 10)
    # Twice the price and back: half of one has a digit more than the column keeps.
    times = "UPDATE collected_daily_stock_history SET adj_close = adj_close * %(by)s WHERE trade_date = %(day)s"
    change(conn, times, by=2, day=day)
    try:
        run(session_before(LAST, 20))
        after, published = stored(conn), track_record.performance(conn, None)
    finally:
        change(conn, times, by=0.5, day=day)
    assert len(after) == len(before) and after != before
    assert published.portfolios == shown.portfolios, "the record is what was published first"
    corrected = [each for each in published.corrections if each.job == "performance"]
    assert {each.as_of_date for each in corrected} >= {day}
    assert all(each.changed == ["inputs"] and each.difference > 0 for each in corrected)
    run()
    assert stored(conn) == before


def test_a_session_without_a_bar_is_told(run: Callable[..., Any], conn: Connection) -> None:
    [held] = fetch(
        conn,
        """
        SELECT ticker FROM analytics_portfolio_allocation
        WHERE period_days = 20 AND as_of_date = %(day)s AND ticker NOT LIKE '%%.%%'
        ORDER BY portfolio_weight DESC
        LIMIT 1
        """,
        {"day": session_before(LAST, 2)},
    )
    gone = {"ticker": held["ticker"], "day": LAST}
    change(conn, "CREATE TABLE kept_bar AS SELECT * FROM collected_daily_stock_history WHERE ticker = %(ticker)s "
           "AND trade_date = %(day)s", **gone)  # fmt: skip
    change(conn, "DELETE FROM collected_daily_stock_history WHERE ticker = %(ticker)s AND trade_date = %(day)s", **gone)
    try:
        [line] = run().publications
        [row] = with_sentences(
            fetch(
                conn,
                "SELECT * FROM analytics_portfolio_performance WHERE period_days = 20 AND trade_date = %(day)s",
                {"day": LAST},
            )
        )
    finally:
        change(conn, "INSERT INTO collected_daily_stock_history SELECT * FROM kept_bar")
        change(conn, "DROP TABLE kept_bar")
    reason = f"{held['ticker']}: no price on {LAST}"
    assert reason in row["carried_reason"] and row["carried_weight"] > 0
    assert reason in (words(line.degraded_reason) or "")


def test_months_are_those_of_the_monthly_performance(
    run: Callable[..., Any], conn: Connection, lived: dict[int, pd.DataFrame]
) -> None:
    """Both say the same of each month: gross, from purchase to sale."""
    run()
    rows = fetch(conn, "SELECT * FROM analytics_portfolio_performance WHERE period_days = 0 ORDER BY trade_date")
    values = {row["trade_date"]: row["gross_value"] for row in rows}
    months = monthly(conn, universe().benchmark, Page(limit=50, offset=0)).months
    assert len(months) >= 4
    for month in months:
        earned = values[month.exit_session] / values[month.entry_session] - 1
        assert earned == pytest.approx(month.portfolio_return, abs=TOLERANCE)


def test_the_benchmark_is_needed(run: Callable[..., Any], conn: Connection) -> None:
    rename = "UPDATE collected_daily_etf_ohlc SET ticker = %(to)s WHERE ticker = %(of)s AND trade_date = %(day)s"
    change(conn, rename, of="SPY", to="SPX", day=LAST)
    try:
        with pytest.raises(NotStored, match=f"SPY has no price of {LAST}"):
            run()
        outcome = run(session_before(LAST, 1), LAST)
        assert list(outcome.skipped) == [LAST] and len(outcome.publications) == 1
    finally:
        change(conn, rename, of="SPX", to="SPY", day=LAST)


def test_nothing_to_follow_yet(afresh: None, run: Callable[..., Any], conn: Connection) -> None:
    """What a first day publishes, and what the API says of it."""
    first = fetch(conn, "SELECT MIN(as_of_date) AS day FROM analytics_publication WHERE job = 'allocation'")[0]["day"]
    [line] = run(first).publications
    assert (line.status, line.row_count, line.source) == ("empty", 0, "simulated")
    assert words(line.reason) == (
        f"the first portfolio, of {first}, is bought at the close of {traded_on(first)}: nothing to follow before"
    )
    answer = track_record.performance(conn, None)
    assert (answer.status, answer.reason, answer.portfolios) == ("empty", words(line.reason), [])
    run(traded_on(first))
    answer = track_record.performance(conn, None)
    assert (answer.status, answer.as_of_date) == ("published", traded_on(first))
    assert {row.session_count for row in answer.portfolios} == {0}


def test_no_portfolio_at_all(spark: Any, empty_database: DatabaseSettings, market: Any) -> None:
    with closing(connect(empty_database)) as conn:
        assert "run portfolio_performance" in (track_record.performance(conn, None).reason or "")
        market_rows.store(conn, market)
        [line] = performance.run(Job(spark, conn, empty_database, [LAST], "a run")).publications
    assert (line.status, words(line.reason)) == (
        "empty",
        "no portfolio is published yet: run the five stages for a session",
    )


def test_the_answer_of_a_past_session_is_consistent(run: Callable[..., Any], conn: Connection) -> None:
    """Series and figures are those of that session, even when later ones have come."""
    run()
    day = session_before(LAST, 35)
    cut, whole = track_record.performance(conn, day), track_record.performance(conn, None)
    assert (cut.as_of_date, whole.as_of_date) == (day, LAST)
    for earlier, now in zip(cut.portfolios, whole.portfolios, strict=True):
        assert earlier.sessions == now.sessions[: len(earlier.sessions)]
        assert earlier.total_return_net == pytest.approx(earlier.net[-1] - 1)
        assert earlier.max_drawdown == min(earlier.drawdown)
        assert earlier.session_count == len(earlier.sessions) - 1
        assert earlier.known_net[-1] == earlier.net[-1] and now.known_net[-1] == now.net[-1]
        assert now.volatility == pytest.approx(pd.Series(now.known_net).pct_change().std() * 252**0.5)
    assert track_record.performance(conn, date(2020, 1, 3)).portfolios == []
