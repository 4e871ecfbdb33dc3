"""Which publications no longer follow from what is stored, and what the ledger says against a return."""

from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from datetime import date
from functools import partial
from typing import Any

import pytest

import market_rows
from batch import batch_monthly_sector_analyzer as sectors
from batch import spark_active_stock_allocator as allocator
from batch import spark_etf_top_holdings as top_holdings
from batch import spark_monthly_portfolio_rebalancer as rebalancer
from batch import spark_portfolio_performance as performance
from batch import spark_trending_etf_identifier as identifier
from batch.runner import Job
from config.config import DatabaseSettings
from config.stages import STAGES
from config.universe import universe
from database.db_helper import Connection, Row, connect, fetch, transaction
from database.queries import portfolios, stage_runs
from database.queries.ledger import Window, why_missing
from database.queries.missing_months import Months, missing_months
from database.queries.returns import Return, TickerWindow, between
from database.queries.stale_publications import PERFORMANCE, REBALANCE, SECTORS, TOP_HOLDINGS, Stale, stale
from database.queries.stale_sessions import Difference, ListOfHoldings, outdated
from database.queries.unpublished import never_computed
from market.invented import InventedMarket
from reason_words import text, words_in
from scratch_databases import forget_everything, forget_evidence
from utils.dates import session_before, sessions_between
from utils.reasons import as_json, join, reason

LAST = date(2026, 8, 21)
SUNDAY = date(2026, 7, 26)
JULY_END = date(2026, 7, 31)
FIRST = date(2026, 7, 13)
BEFORE = session_before(LAST, 1)
RESULTS = {
    TOP_HOLDINGS: ("analytics_etf_top_holdings", "analysis_date"),
    SECTORS: ("analytics_sector_trending", "as_of_date"),
    PERFORMANCE: ("analytics_portfolio_performance", "DATE '2026-08-21'"),
}
STOCKS = "collected_daily_stock_history"


@pytest.fixture(scope="module")
def market() -> InventedMarket:
    return InventedMarket(seed=7, until=LAST, sessions=60)


@pytest.fixture
def conn(scratch_database: DatabaseSettings) -> Iterator[Connection]:
    with closing(connect(scratch_database)) as connection:
        yield connection


@pytest.fixture
def run(spark: Any, conn: Connection, scratch_database: DatabaseSettings) -> Callable[..., Any]:
    return lambda module, *days: module.run(Job(spark, conn, scratch_database, list(days), "a run"))


@pytest.fixture
def published(conn: Connection, run: Callable[..., Any], market: InventedMarket) -> None:
    """Thirty sessions with everything that is published of them, from prices known sixty sessions back."""
    forget_everything(conn)
    market_rows.store(conn, market)
    days = sessions_between(FIRST, LAST)
    run(identifier, *days)
    run(allocator, *days)
    run(rebalancer, SUNDAY)
    beside(run)


def beside(run: Callable[..., Any]) -> None:
    run(top_holdings, BEFORE, LAST)
    run(sectors, JULY_END, LAST)
    run(performance, LAST)


def change(conn: Connection, statement: str, *params: Any) -> int:
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute(statement, params)
        return int(cursor.rowcount)


def found(conn: Connection, *span: Any) -> list[Stale]:
    return stale(conn, universe().benchmark, *span)


def results(conn: Connection) -> dict[tuple[str, date], list[str]]:
    rows: dict[tuple[str, date], list[str]] = {}
    for job, (table, day) in RESULTS.items():
        for row in fetch(conn, f"SELECT {day} AS day, t.* FROM {table} AS t ORDER BY t::text"):
            kept = {name: _rounded(value) for name, value in row.items()}
            rows.setdefault((job, row["day"]), []).append(str(kept))
    return rows


def _rounded(value: Any) -> Any:
    return float(f"{value:.7g}") if isinstance(value, float) else value


def held(conn: Connection) -> str:
    """Return a stock of New York that a portfolio of the last sessions holds."""
    [row] = fetch(
        conn,
        "SELECT ticker FROM analytics_portfolio_allocation WHERE as_of_date = %(day)s AND ticker NOT LIKE '%%.%%' "
        "ORDER BY portfolio_weight DESC LIMIT 1",
        {"day": session_before(LAST, 3)},
    )
    return str(row["ticker"])


@pytest.mark.parametrize(
    ("statement", "jobs"),
    [
        (f"UPDATE {STOCKS} SET adj_close = adj_close / 4 WHERE ticker = %s", set()),
        (f"UPDATE {STOCKS} SET adj_close = adj_close * 1.03 WHERE ticker = %s AND trade_date < '2026-05-29'", set()),
        (
            f"UPDATE {STOCKS} SET adj_close = adj_close * 1.03 WHERE ticker = %s AND trade_date = '2026-08-20'",
            {TOP_HOLDINGS, SECTORS, PERFORMANCE},
        ),
        (f"DELETE FROM {STOCKS} WHERE ticker = %s AND trade_date = '2026-08-12'", {TOP_HOLDINGS, SECTORS}),
        (f"DELETE FROM {STOCKS} WHERE ticker = %s AND trade_date = '2026-07-31'", {TOP_HOLDINGS, SECTORS}),
        (f"UPDATE {STOCKS} SET sector = 'Elsewhere' WHERE ticker = %s", {SECTORS}),
    ],
    ids=["split", "long ago", "restated", "a day gone", "a month's end gone", "sector"],
)
def test_what_is_listed_is_what_changes_when_it_is_computed_again(
    published: None, conn: Connection, run: Callable[..., Any], statement: str, jobs: set[str]
) -> None:
    assert found(conn) == []
    before = results(conn)
    assert change(conn, statement, held(conn))
    listed = {(each.job, each.day) for each in found(conn)}

    beside(run)

    after = results(conn)
    assert listed == {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    assert jobs <= {job for job, _ in listed} and (jobs or not listed)
    assert found(conn) == []


@pytest.mark.parametrize("day", [JULY_END, LAST], ids=["a month's end", "the newest session"])
def test_a_restated_bar_of_the_benchmark_concerns_its_sectors(
    published: None, conn: Connection, run: Callable[..., Any], day: date
) -> None:
    before = results(conn)
    more = "UPDATE collected_daily_etf_ohlc SET adj_close = adj_close * 1.03 WHERE ticker = 'SPY' AND trade_date = %s"
    assert change(conn, more, day) == 1
    listed = {(each.job, each.day) for each in found(conn)}

    beside(run)

    after = results(conn)
    assert listed == {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    assert (SECTORS, LAST) in listed and ((SECTORS, JULY_END) in listed) == (day == JULY_END)
    assert found(conn) == []


class TestStage3Again:
    """Stage 3 alone is run again, or a list of holdings comes late: the portfolios are chosen otherwise now."""

    @pytest.fixture
    def flagged(self, published: None, conn: Connection) -> Row:
        """Return an ETF that the newest portfolio over 20 sessions was chosen from."""
        rows = fetch(
            conn,
            "SELECT DISTINCT etf_ticker, holdings_as_of FROM analytics_allocation_candidates "
            "WHERE as_of_date = %(day)s AND period_days = 20 ORDER BY etf_ticker",
            {"day": LAST},
        )
        return rows[0]

    def differing(self, conn: Connection) -> dict[date, list[Difference]]:
        return outdated(conn, universe().benchmark, universe().periods)

    @pytest.mark.parametrize("trends", [True, False])
    def test_other_etfs_trend(self, flagged: Row, conn: Connection, run: Callable[..., Any], trends: bool) -> None:
        """Of a fund that trends now the list counts that the session has."""
        etf, list_of = flagged["etf_ticker"], flagged["holdings_as_of"]
        flag = "UPDATE analytics_trending_etfs SET is_trending = %s WHERE (as_of_date, etf_ticker) = (%s, %s)"
        assert self.differing(conn) == {}
        assert change(conn, flag, False, LAST, etf) == 1
        if trends:
            run(allocator, LAST)
            assert self.differing(conn) == {}
            assert change(conn, flag, True, LAST, etf) == 1
        expected = ListOfHoldings(etf, 20, *((None, list_of) if trends else (list_of, None)))
        assert self.differing(conn) == {LAST: [expected]}
        run(allocator, LAST)
        assert self.differing(conn) == {}

    def test_a_list_has_come_late(self, flagged: Row, conn: Connection, run: Callable[..., Any]) -> None:
        etf, list_of = flagged["etf_ticker"], flagged["holdings_as_of"]
        moved = "UPDATE collected_etf_holdings SET collected_date = %s WHERE (etf_ticker, collected_date) = (%s, %s)"
        assert change(conn, moved, BEFORE, etf, list_of)
        assert ListOfHoldings(etf, 20, list_of, BEFORE) in self.differing(conn)[LAST]
        assert (list_of == BEFORE) is False
        days = list(self.differing(conn))
        run(allocator, *days)
        assert self.differing(conn) == {}

    def test_an_etf_without_any_list_chooses_nobody(
        self, flagged: Row, conn: Connection, run: Callable[..., Any]
    ) -> None:
        change(conn, "DELETE FROM collected_etf_holdings WHERE etf_ticker = %s", flagged["etf_ticker"])
        assert ListOfHoldings(flagged["etf_ticker"], 20, flagged["holdings_as_of"], None) in self.differing(conn)[LAST]
        run(allocator, *self.differing(conn))
        assert self.differing(conn) == {}


def test_a_range_lists_its_own(published: None, conn: Connection) -> None:
    change(conn, f"DELETE FROM {STOCKS} WHERE ticker = %s AND trade_date = '2026-08-12'", held(conn))
    assert {(each.job, each.day) for each in found(conn, LAST, LAST)} == {(TOP_HOLDINGS, LAST), (SECTORS, LAST)}
    assert found(conn, FIRST, date(2026, 7, 24)) == []


def test_a_month_that_was_missed_is_found_made_and_followed(
    conn: Connection, run: Callable[..., Any], market: InventedMarket
) -> None:
    """The platform was off on its weekend, and on the Friday before: the jobs get what the repoll gives their DAGs."""
    forget_everything(conn)
    market_rows.store(conn, market)
    friday, days = date(2026, 7, 24), sessions_between(FIRST, LAST)
    stage_runs.started(conn, STAGES["benchmark"], f"scheduled__{FIRST}", FIRST)
    stage_runs.ended(conn, STAGES["benchmark"], f"scheduled__{FIRST}", None)
    run(identifier, *(day for day in days if day != friday))
    run(allocator, *(day for day in days if day != friday))
    run(performance, LAST)
    missing = partial(missing_months, conn, universe().benchmark, universe().periods, LAST)
    assert missing() == Months([friday], [SUNDAY])
    assert never_computed(conn, universe().benchmark, universe().periods, friday, friday) == [friday]

    run(identifier, friday)
    run(allocator, friday)
    run(sectors, friday)
    run(rebalancer, SUNDAY)
    run(performance, friday)

    assert missing() == Months([], [])
    assert never_computed(conn, universe().benchmark, universe().periods, FIRST, LAST) == []
    followed = fetch(conn, "SELECT DISTINCT decided_on FROM analytics_portfolio_performance WHERE period_days = 0")
    assert [row["decided_on"] for row in followed] == [SUNDAY]
    month = portfolios.monthly(conn, None)
    assert month and (month.rebalance_date, month.as_of_date) == (SUNDAY, friday)


def test_a_month_rests_on_its_portfolios_and_the_record_on_both(
    published: None, conn: Connection, run: Callable[..., Any]
) -> None:
    run(allocator, date(2026, 7, 24))
    assert found(conn) == [
        Stale(REBALANCE, SUNDAY, "the portfolios of 2026-07-24 were published after it"),
        Stale(PERFORMANCE, LAST, "portfolios in it are to be computed again; the portfolio of 2026-07-24 was published "
              "after it"),
    ]  # fmt: skip
    run(rebalancer, SUNDAY)
    [record] = found(conn)
    assert (record.job, record.day) == (PERFORMANCE, LAST)
    run(performance, date(2026, 7, 24))
    assert found(conn) == []


def test_portfolios_to_be_computed_again_carry_on(published: None, conn: Connection) -> None:
    listed = stale(conn, universe().benchmark, outdated=[date(2026, 7, 24)])
    assert [(each.job, each.day) for each in listed] == [(REBALANCE, SUNDAY), (PERFORMANCE, LAST)]


def reject(conn: Connection, ticker: str, day: date) -> None:
    """As the consumer does with a doubtful bar, whose step is a withheld break."""
    change(conn, f"DELETE FROM {STOCKS} WHERE ticker = %s AND trade_date = %s", ticker, day)
    change(
        conn,
        "INSERT INTO logs_consumer_error "
        "(topic, partition_id, kafka_offset, message_key, error_msg, ticker, trade_date) "
        "VALUES ('stock-daily-data', 0, 1, %s, 'close moved +150 %%', %s, %s)",
        ticker, ticker, day,
    )  # fmt: skip
    change(
        conn,
        "INSERT INTO logs_price_break (kind, ticker, trade_date, is_withheld, reason, judged_at) "
        "VALUES ('stock', %s, %s, TRUE, %s, now())",
        ticker, day, as_json([text("close moved +150 %"), text("twice")]),
    )  # fmt: skip


class TestBreak:
    """A bar in the middle of August is quarantined for its step, and accepted in the end."""

    DAY = date(2026, 8, 12)
    SAID = "prices break at 2026-08-12: close moved +150 %, twice"

    @pytest.fixture
    def ticker(self, published: None, conn: Connection, run: Callable[..., Any]) -> str:
        """Everything is published with the bar in quarantine."""
        ticker = held(conn)
        [self.bar] = fetch(
            conn, f"SELECT t::text AS bar FROM {STOCKS} AS t WHERE ticker = %(t)s AND trade_date = %(d)s",
            {"t": ticker, "d": self.DAY},
        )  # fmt: skip
        reject(conn, ticker, self.DAY)
        days = sessions_between(FIRST, LAST)
        run(identifier, *days)
        run(allocator, *days)
        run(rebalancer, SUNDAY)
        beside(run)
        return ticker

    def returns_of(self, conn: Connection, ticker: str) -> Return:
        [row] = between(conn, [TickerWindow(ticker, "10d", session_before(LAST, 10), LAST)])
        return row

    def test_every_job_withholds_the_return_and_says_why(self, ticker: str, conn: Connection) -> None:
        of_ticker = {"t": ticker, "d": LAST}
        rows = fetch(
            conn,
            "SELECT DISTINCT period_days, period_return, exclusion_reason FROM analytics_allocation_candidates "
            "WHERE ticker = %(t)s AND as_of_date = %(d)s AND period_days > 5",
            of_ticker,
        )
        assert all(row["period_return"] is None and words_in(row["exclusion_reason"]) == self.SAID for row in rows)
        [row] = fetch(
            conn,
            "SELECT DISTINCT total_return, avg_return, missing_reason FROM analytics_etf_top_holdings "
            "WHERE stock_ticker = %(t)s AND analysis_date = %(d)s AND period_days = 10",
            of_ticker,
        )
        assert (row["total_return"], row["avg_return"], words_in(row["missing_reason"])) == (None, None, self.SAID)
        lines = fetch(
            conn,
            "SELECT job, degraded_reason FROM analytics_publication "
            "WHERE as_of_date = %(d)s AND period_days IN (0, 10)",
            of_ticker,
        )
        told = {row["job"]: words_in(row["degraded_reason"]) or "" for row in lines}
        assert f"{ticker}: {self.SAID}" in told["top_holdings"]
        assert f"{ticker}: {self.SAID}" in told["sectors"]
        assert (self.returns_of(conn, ticker).period_return, join(self.returns_of(conn, ticker).missing)) == (
            None,
            self.SAID,
        )

    def test_nothing_is_stale_until_it_is_accepted(
        self, ticker: str, conn: Connection, run: Callable[..., Any]
    ) -> None:
        assert found(conn) == []
        assert outdated(conn, universe().benchmark, universe().periods) == {}

        change(conn, "UPDATE logs_consumer_error SET replayed_at = now() WHERE ticker = %s", ticker)
        change(conn, f"INSERT INTO {STOCKS} SELECT (%s::{STOCKS}).*", self.bar["bar"])

        listed = {(each.job, each.day) for each in found(conn)}
        assert {(TOP_HOLDINGS, BEFORE), (TOP_HOLDINGS, LAST), (SECTORS, LAST)} <= listed
        assert self.returns_of(conn, ticker).missing == []
        sessions = outdated(conn, universe().benchmark, universe().periods)
        run(identifier, *sessions)
        run(allocator, *sessions)
        run(rebalancer, SUNDAY)
        beside(run)
        assert found(conn) == []
        assert outdated(conn, universe().benchmark, universe().periods) == {}


def told(conn: Connection, windows: Collection[Window], is_expected: bool = False) -> dict[Window, list[str]]:
    reasons = why_missing(conn, windows, is_expected)
    return {window: [str(each) for each in against] for window, against in reasons.items()}


class TestWhyMissing:
    def test_each_window_says_what_is_against_it(self, published: None, conn: Connection) -> None:
        start, middle, end = date(2026, 8, 14), date(2026, 8, 19), LAST
        ticker = held(conn)
        window = (ticker, start, end)
        assert told(conn, {window}) == {}

        change(
            conn,
            "INSERT INTO logs_price_break (kind, ticker, trade_date, is_withheld, reason, judged_at) "
            "VALUES ('stock', %s, %s, FALSE, %s, now())",
            ticker, middle, as_json([text("a dividend"), text("not in the adjusted close")]),
        )  # fmt: skip
        noted = f"{ticker}: prices break at 2026-08-19: a dividend, not in the adjusted close"
        later = (ticker, middle, end)
        assert told(conn, {window, later}) == {window: [noted]}

        change(conn, f"DELETE FROM {STOCKS} WHERE ticker = 'KRW=X' AND trade_date = %s", end)
        korean = ("005930.KS", start, end)
        assert told(conn, {window, korean}) == {
            window: [noted],
            korean: ["005930.KS: the KRW=X rate of 2026-08-21 is that of 2026-08-20"],
        }

        reject(conn, ticker, end)
        assert told(conn, {window}) == {window: [f"{ticker} has no bar of 2026-08-21 (quarantined)", noted]}
        unknown = ("VIC.VN", start, end)
        assert told(conn, {unknown}) == {unknown: ["VIC.VN: no exchange is known for the suffix .VN"]}

    def test_a_break_of_a_rate_is_one_of_all_its_prices(self, published: None, conn: Connection) -> None:
        change(
            conn,
            "INSERT INTO logs_price_break (kind, ticker, trade_date, is_withheld, reason, judged_at) "
            "VALUES ('rate', 'KRW=X', '2026-08-19', FALSE, %s, now())",
            as_json([text("moved far")]),
        )
        korean, home = (("005930.KS", date(2026, 8, 14), LAST), (held(conn), date(2026, 8, 14), LAST))
        assert told(conn, {korean, home}) == {korean: ["005930.KS: KRW=X breaks at 2026-08-19: moved far"]}

    def test_what_was_never_asked_for_is_told_apart(self, published: None, conn: Connection) -> None:
        ticker, end = held(conn), LAST
        window = (ticker, date(2026, 8, 14), end)
        change(conn, f"DELETE FROM {STOCKS} WHERE ticker = %s AND trade_date = %s", ticker, end)
        assert told(conn, {window}) == {window: [f"{ticker} has no bar of 2026-08-21 (not collected)"]}
        assert told(conn, {window}, is_expected=True) == {}
        before_all = (ticker, date(2016, 8, 12), date(2016, 8, 19))
        assert told(conn, {before_all}) == {}, "it was not listed"

    def test_what_the_source_does_not_know_was_not_there_before_either(self, published: None, conn: Connection) -> None:
        windows = {("GONE", date(2026, 8, 14), LAST), (held(conn), date(2026, 8, 14), LAST)}
        [window] = told(conn, windows).values()
        assert window == [
            "GONE has no bar of 2026-08-14 (not collected)",
            "GONE has no bar of 2026-08-21 (not collected)",
        ]
        change(
            conn,
            "INSERT INTO logs_expected_bar (kind, ticker, trade_date, state, reason) "
            "VALUES ('stock', 'GONE', '2026-08-21', 'missing', %s)",
            as_json([reason("yahoo_unknown", ticker="GONE")]),
        )
        [window] = told(conn, windows).values()
        assert window == [
            "GONE has no bar of 2026-08-14 (the source knew none at all on 2026-08-21)",
            "GONE has no bar of 2026-08-21 (missing at the source)",
        ]


class TestNotComputable:
    """Prices begin on 2026-07-20, so that windows of twenty sessions begin before them until August 17."""

    START = date(2026, 7, 20)

    @pytest.fixture
    def short(self, published: None, conn: Connection, run: Callable[..., Any]) -> None:
        change(conn, "TRUNCATE analytics_publication, analytics_portfolio_performance, analytics_performance_summary")
        change(conn, "TRUNCATE analytics_portfolio_allocation, analytics_trending_etfs, analytics_monthly_portfolio")
        forget_evidence(conn)  # the record would follow the portfolios that were published of these days before
        for table in (STOCKS, "collected_daily_etf_ohlc"):
            change(conn, f"DELETE FROM {table} WHERE trade_date < %s", self.START)
        days = sessions_between(self.START, LAST)
        run(identifier, *days)
        run(allocator, *days)
        run(rebalancer, SUNDAY)
        run(performance, LAST)

    def statuses(self, conn: Connection, job: str, days: int) -> dict[date, str]:
        query = "SELECT as_of_date, status FROM analytics_publication WHERE job = %(job)s AND period_days = %(days)s"
        return {row["as_of_date"]: row["status"] for row in fetch(conn, query, {"job": job, "days": days})}

    def test_it_is_said_period_by_period(self, short: None, conn: Connection) -> None:
        days = sessions_between(self.START, LAST)
        for period in (5, 10, 20):
            said = self.statuses(conn, "allocation", period)
            assert [day for day in days if said[day] == "not_computable"] == days[:period]
        trending = self.statuses(conn, "trending", 0)
        assert [day for day in days if trending[day] == "not_computable"] == days[:5]
        [line] = fetch(
            conn,
            "SELECT * FROM analytics_publication WHERE job = 'allocation' AND period_days = 20 AND as_of_date = %(d)s",
            {"d": date(2026, 8, 14)},
        )
        assert (line["row_count"], line["cash_weight"], line["degraded_reason"]) == (0, 1.0, None)
        assert words_in(line["reason"]) == (
            "not computable: no ETF can be compared with SPY over 20 sessions; SPY: no price on 2026-07-17"
        )

    def test_the_record_begins_after_it(self, short: None, conn: Connection) -> None:
        rows = fetch(
            conn,
            "SELECT period_days, MIN(decided_on) AS first FROM analytics_portfolio_performance GROUP BY 1 ORDER BY 1",
        )
        days = sessions_between(self.START, LAST)
        assert [(row["period_days"], row["first"]) for row in rows] == [(each, days[each]) for each in (5, 10, 20)]
        assert self.statuses(conn, "rebalance", 0) == {SUNDAY: "not_computable"}
