"""What the source lacks or changes, from its protocol to the publications: every fault leaves a trace, and heals.

Client, market server, PostgreSQL and Spark are real. Only the broker is a stand-in.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date, timedelta
from math import isclose
from typing import Any

import httpx
import pytest

import market_rows
from batch import spark_active_stock_allocator as allocator
from batch import spark_trending_etf_identifier as identifier
from batch.publishing import JobResult
from batch.runner import Job
from collector import gaps, kafka_producer_etf_daily, kafka_producer_trending_etf_holdings, restatements
from collector.etf_bars import collect_etfs
from collector.receipt import Receipt
from config.config import Settings
from config.universe import universe
from database.db_helper import Connection, Row, connect, fetch, transaction
from database.queries import errors, ledger, portfolios
from database.queries.doubts import doubts
from database.queries.stale_sessions import Difference, outdated
from log_words import missing_of
from market.invented import InventedMarket
from reason_words import words_in
from utils.dates import session_after, session_before, sessions_between
from utils.errors import BarMissing, RateLimited

UNTIL = date(2026, 8, 21)
YESTERDAY = session_before(UNTIL, 1)
KOREAN_HOLIDAY = date(2026, 8, 17)
STORED = 1e-9  # prices are kept with ten decimals

Fault = Callable[..., None]


@pytest.fixture
def conn(settings: Settings) -> Iterator[Connection]:
    with closing(connect(settings.database)) as conn:
        yield conn


@pytest.fixture
def clock(market: httpx.Client) -> Callable[[date], None]:
    """Return a function that sets the market server's clock just after a session's close."""

    def at(day: date) -> None:
        market.put("/control/clock", json={"at": str(day)}).raise_for_status()

    return at


@pytest.fixture
def mend(market: httpx.Client) -> Callable[[], None]:
    def clear() -> None:
        market.delete("/control/faults").raise_for_status()

    return clear


def stage_1(settings: Settings, as_of: date = UNTIL, accept_late: bool = False) -> Receipt:
    return kafka_producer_etf_daily.run(settings, "benchmark", as_of, "a run", accept_late)


def entry(conn: Connection, ticker: str, session: date) -> Row:
    """Return a row of the ledger."""
    query = "SELECT * FROM logs_session_ledger WHERE ticker = %(t)s AND trade_date = %(d)s"
    rows = fetch(conn, query, {"t": ticker, "d": session})
    assert len(rows) == 1, rows
    return rows[0]


def state(conn: Connection, ticker: str, session: date) -> str:
    return str(entry(conn, ticker, session)["state"])


def listed(conn: Connection) -> list[str]:
    return list(gaps.report(conn))


class TestLedger:
    def test_a_whole_run_leaves_nothing_open(self, settings: Settings, conn: Connection) -> None:
        stage_1(settings)

        count = 6 * (settings.collector.history_sessions + 1)
        assert listed(conn) == [
            f"expected bars that are not stored: 0 of {count:,}",
            "published sessions that no longer follow from what is stored: 0",
        ]

    def test_a_late_bar_is_waited_for_comes_the_next_day_and_heals(
        self,
        settings: Settings,
        conn: Connection,
        clock: Callable[[date], None],
        fault: Fault,
        mend: Callable[[], None],
    ) -> None:
        clock(YESTERDAY)
        fault(kind="missing_bar", ticker="IWM", session=str(YESTERDAY))
        with pytest.raises(BarMissing, match="no bar of 2026-08-20 for IWM yet"):
            stage_1(settings, YESTERDAY)
        assert stage_1(settings, YESTERDAY, accept_late=True).note == "goes on without IWM"
        late = entry(conn, "IWM", YESTERDAY)
        assert (late["state"], words_in(late["reason"])) == ("late", "the source has no bar yet")
        assert "  2026-08-20  late                   IWM: the source has no bar yet" in listed(conn)

        mend()
        clock(UNTIL)
        stage_1(settings)

        came = entry(conn, "IWM", YESTERDAY)
        assert (came["state"], came["first_expected_at"]) == ("stored", late["first_expected_at"])

    def test_a_bar_without_which_the_source_goes_on_is_missing_and_holds_nothing_up(
        self, settings: Settings, conn: Connection, fault: Fault, mend: Callable[[], None]
    ) -> None:
        hole = session_before(UNTIL, 7)
        fault(kind="nan_bar", ticker="IWM", session=str(hole))

        assert stage_1(settings).missing == {}
        assert state(conn, "IWM", hole) == "missing"

        mend()
        receipt = gaps.repoll(settings, None, None)
        assert gaps.summarize_repoll(receipt) == f"2 requests; came: IWM {hole}"
        assert state(conn, "IWM", hole) == "stored"
        assert gaps.repoll(settings, None, None).requests == 0

    def test_a_ticker_that_failed_at_its_first_fetch_comes_with_its_whole_history(
        self, settings: Settings, conn: Connection, fault: Fault, mend: Callable[[], None]
    ) -> None:
        fault(kind="http_status", ticker="IWM", endpoint="chart", status=403, body="html")
        assert list(stage_1(settings).missing) == ["IWM"]

        mend()
        gaps.repoll(settings, None, None)

        window = [session_before(UNTIL, count) for count in (0, 20)]
        assert [state(conn, "IWM", session) for session in window] == ["stored", "stored"]
        [row] = fetch(conn, "SELECT count(*) AS sessions FROM collected_daily_etf_ohlc WHERE ticker = 'IWM'")
        assert row["sessions"] == settings.collector.history_sessions + 1

    def test_a_rejected_bar_of_a_stored_session_is_asked_for_again(
        self,
        settings: Settings,
        conn: Connection,
        fault: Fault,
        mend: Callable[[], None],
        clock: Callable[[date], None],
    ) -> None:
        clock(YESTERDAY)
        stage_1(settings, YESTERDAY)
        clock(UNTIL)
        fault(kind="unadjusted_split", ticker="IWM", session=str(YESTERDAY), ratio=20.0)
        stage_1(settings)
        waiting = "SELECT ticker, trade_date FROM logs_quarantined_bar"
        assert fetch(conn, waiting) == [{"ticker": "IWM", "trade_date": YESTERDAY}]

        mend()
        gaps.repoll(settings, None, None)

        assert fetch(conn, waiting) == []
        assert fetch(conn, "SELECT * FROM logs_open_break WHERE is_withheld") == []

    def test_a_session_asked_for_long_after_is_missing_at_once(
        self, settings: Settings, conn: Connection, fault: Fault
    ) -> None:
        earlier = session_before(UNTIL, 3)
        fault(kind="missing_bar", ticker="IWM", session=str(earlier))

        assert list(stage_1(settings, earlier).missing) == ["IWM"]
        line = entry(conn, "IWM", earlier)
        assert (line["state"], words_in(line["reason"])) == ("missing", "the source had no bar 3 sessions later")

    def test_repolling_what_is_still_not_there_says_so(
        self, settings: Settings, conn: Connection, fault: Fault
    ) -> None:
        fault(kind="missing_bar", ticker="IWM", session=str(UNTIL))
        stage_1(settings, accept_late=True)

        receipt = gaps.repoll(settings, UNTIL, UNTIL)

        brought = "2 requests; came: nothing; IWM: no bar of 2026-08-21 at the source yet"
        assert gaps.summarize_repoll(receipt) == brought
        assert state(conn, "IWM", UNTIL) == "late"

    def test_nothing_goes_on_without_the_benchmark(self, settings: Settings, conn: Connection, fault: Fault) -> None:
        fault(kind="missing_bar", ticker="SPY", session=str(UNTIL))

        with pytest.raises(BarMissing, match=r"SPY: no bar of 2026-08-21 at the source yet\. Every ETF is compared"):
            stage_1(settings, accept_late=True)
        assert state(conn, "DIA", UNTIL) == "stored"

    def test_a_doubtful_bar_is_quarantined_and_holds_nothing_up(
        self, settings: Settings, conn: Connection, fault: Fault, mend: Callable[[], None]
    ) -> None:
        fault(kind="scaled_bar", ticker="DIA", session=str(UNTIL), factor=1.7)

        receipt = stage_1(settings)

        assert missing_of(receipt) == {"DIA": "the bar of 2026-08-21 is quarantined: see logs_consumer_error"}
        line = entry(conn, "DIA", UNTIL)
        assert line["state"] == "quarantined"
        assert "close moved +" in (words_in(line["reason"]) or "")
        again = gaps.repoll(settings, None, None)
        assert (again.requests, again.sent) == (2, {}), "the source may have changed it, and has not"
        assert len(errors.waiting(conn)) == 1

        mend()
        receipt = gaps.repoll(settings, None, None)
        assert gaps.summarize_repoll(receipt) == "2 requests; came: DIA 2026-08-21"
        assert state(conn, "DIA", UNTIL) == "stored"
        assert errors.waiting(conn) == []
        assert gaps.repoll(settings, None, None).requests == 0

    @pytest.mark.parametrize("session", [session_before(UNTIL, 40), YESTERDAY])
    def test_an_odd_bar_heals_at_the_next_fetch_and_makes_its_successor_no_odder(
        self,
        settings: Settings,
        conn: Connection,
        clock: Callable[[date], None],
        fault: Fault,
        mend: Callable[[], None],
        session: date,
    ) -> None:
        clock(YESTERDAY)
        fault(kind="scaled_bar", ticker="DIA", session=str(session), factor=100)
        stage_1(settings, YESTERDAY)
        assert state(conn, "DIA", session) == "quarantined"
        assert [row["trade_date"] for row in ledger.gaps(conn)] == [session]

        clock(UNTIL)
        stage_1(settings)
        assert [row["trade_date"] for row in ledger.gaps(conn)] == [session]
        assert len(errors.waiting(conn)) == 1, "it is not sent again"

        mend()
        gaps.repoll(settings, None, None)
        assert ledger.gaps(conn) == []
        assert errors.waiting(conn) == []
        assert ledger.restatements(conn) == []

    def test_a_restated_bar_that_is_doubtful_overwrites_nothing(
        self, settings: Settings, conn: Connection, clock: Callable[[date], None], fault: Fault
    ) -> None:
        query = "SELECT * FROM collected_daily_etf_ohlc WHERE ticker = 'DIA' AND trade_date = %(d)s"
        past = session_before(UNTIL, 10)
        clock(YESTERDAY)
        stage_1(settings, YESTERDAY)
        before = fetch(conn, query, {"d": past})

        clock(UNTIL)
        fault(kind="scaled_bar", ticker="DIA", session=str(past), factor=0.01)
        stage_1(settings)

        assert fetch(conn, query, {"d": past}) == before
        assert state(conn, "DIA", past) == "stored"
        assert ledger.restatements(conn) == []
        assert [row["message_key"] for row in errors.waiting(conn)] == ["DIA"]

    def test_a_stored_bar_that_the_source_has_lost_is_there_all_the_same(
        self, settings: Settings, conn: Connection, fault: Fault
    ) -> None:
        stage_1(settings)
        with transaction(conn), conn.cursor() as cursor:
            cursor.execute(
                "DELETE FROM collected_daily_etf_ohlc WHERE ticker = 'IWM' AND trade_date = %s",
                (session_before(UNTIL, 20),),
            )
        fault(kind="missing_bar", ticker="IWM", session=str(UNTIL))

        receipt = stage_1(settings)

        assert (receipt.missing, receipt.late) == ({}, [])
        assert state(conn, "IWM", session_before(UNTIL, 20)) == "stored"

    def test_what_was_not_asked_is_known_as_expected(self, settings: Settings, conn: Connection, fault: Fault) -> None:
        fault(kind="rate_limit", endpoint="chart", ticker="EWY", count=1)

        with pytest.raises(RateLimited):
            stage_1(settings)

        open_lines = ledger.gaps(conn)
        assert [row["ticker"] for row in open_lines] == ["DIA", "EWY", "SCHD"]
        assert {words_in(row["reason"]) for row in open_lines} == {"expected, no answer of the source yet"}

    def test_a_foreign_holiday_is_a_closed_market(self, settings: Settings, conn: Connection, trends: Fault) -> None:
        trends("EWY")

        kafka_producer_trending_etf_holdings.run(settings, UNTIL)

        assert state(conn, "005930.KS", KOREAN_HOLIDAY) == "closed"
        assert state(conn, "KRW=X", KOREAN_HOLIDAY) == "stored"
        rates = [(row["trade_date"], row["state"]) for row in ledger.gaps(conn) if row["ticker"] == "KRW=X"]
        assert set(rates) >= {(date(2026, 4, 3), "missing"), (date(2026, 4, 6), "missing")}, "rows without prices"
        assert {row["state"] for row in ledger.gaps(conn) if row["ticker"] != "KRW=X"} == {"closed"}
        assert len([line for line in listed(conn) if "KRW=X" not in line]) == 2
        closed = "  2026-08-17  market closed          000660.KS, 005380.KS"
        assert any(line.startswith(closed[:37]) for line in gaps.report(conn, with_closed=True))

    def test_a_stock_without_its_bar_and_one_that_nobody_knows(
        self, settings: Settings, conn: Connection, fault: Fault, trends: Fault
    ) -> None:
        fault(kind="missing_bar", ticker="AAPL", session=str(UNTIL))
        fault(kind="unknown_ticker", ticker="MSFT")
        trends("QQQ")

        with pytest.raises(BarMissing, match="no bar of 2026-08-21 for AAPL yet"):
            kafka_producer_trending_etf_holdings.run(settings, UNTIL)
        kafka_producer_trending_etf_holdings.run(settings, UNTIL, accept_late=True)

        assert [(row["ticker"], row["state"]) for row in ledger.gaps(conn)] == [("AAPL", "late"), ("MSFT", "missing")]
        assert "Yahoo does not know 'MSFT'" in (words_in(entry(conn, "MSFT", UNTIL)["reason"]) or "")


class TestChangedBars:
    """The invented market restates, splits and pays like a real one. Each change is seen at the ticker's next fetch."""

    def fetch_on(self, settings: Settings, clock: Callable[[date], None], etf: str, *days: date) -> None:
        for day in days:
            clock(day)
            collect_etfs(settings, (etf,), day)

    def changes(self, conn: Connection) -> list[tuple[str, str, date, date]]:
        rows = ledger.restatements(conn)
        return [(row["ticker"], row["change"], row["first_session"], row["last_session"]) for row in rows]

    def test_a_restated_close_keeps_its_old_value(
        self, settings: Settings, conn: Connection, clock: Callable[[date], None]
    ) -> None:
        restated = date(2026, 5, 14)
        query = "SELECT close_price FROM collected_daily_etf_ohlc WHERE ticker = 'XLF' AND trade_date = %(d)s"
        self.fetch_on(settings, clock, "XLF", date(2026, 5, 18))
        [before] = fetch(conn, query, {"d": restated})

        self.fetch_on(settings, clock, "XLF", date(2026, 5, 19))

        [after] = fetch(conn, query, {"d": restated})
        assert self.changes(conn) == [("XLF", "restated", restated, restated)]
        [row] = ledger.restatements(conn)
        assert row["old_values"]["close_price"] == before["close_price"] != after["close_price"]
        assert row["new_values"]["close_price"] == pytest.approx(after["close_price"], rel=STORED)
        assert restatements.describe(row) == (
            "XLF 2026-05-14 restated: high_price 26.20999908 -> 26.11000061, close_price 26.20999908 -> 26.04999924, "
            "adj_close 26.20999908 -> 26.04999924 "
            "(fetched 2026-05-18, then 2026-05-19)"
        )

    def test_a_split_is_one_line(self, settings: Settings, conn: Connection, clock: Callable[[date], None]) -> None:
        before, day = date(2026, 3, 5), date(2026, 3, 6)

        self.fetch_on(settings, clock, "XLI", before, day)

        first = session_before(before, settings.collector.history_sessions)
        assert self.changes(conn) == [("XLI", "split", first, before)]
        [row] = ledger.restatements(conn)
        assert (row["price_factor"], row["adj_factor"]) == pytest.approx((0.5, 0.5))
        assert row["old_values"]["close_price"] == pytest.approx(2 * row["new_values"]["close_price"])
        [stored] = fetch(
            conn,
            "SELECT close_price FROM collected_daily_etf_ohlc WHERE ticker = 'XLI' AND trade_date = %(d)s",
            {"d": before},
        )
        assert stored["close_price"] == pytest.approx(row["new_values"]["close_price"], rel=STORED)

    @pytest.mark.parametrize(
        ("etf", "day", "doubt"), [("XLI", date(2026, 3, 6), "withheld"), ("XLV", date(2026, 6, 10), "noted")]
    )
    def test_a_stored_bar_that_was_left_out_beside_a_split_or_dividend_is_doubted_until_it_is_back(
        self,
        settings: Settings,
        conn: Connection,
        clock: Callable[[date], None],
        fault: Fault,
        mend: Callable[[], None],
        etf: str,
        day: date,
        doubt: str,
    ) -> None:
        lost, later = session_before(day, 3), session_after(day, 1)

        def kinds() -> list[str]:
            across = [each for each in doubts(conn, [etf], [lost, later])[etf] if lost < each.trade_date <= later]
            return sorted({each.kind for each in across})

        self.fetch_on(settings, clock, etf, session_before(day, 1))
        fault(kind="missing_bar", ticker=etf, session=str(lost))
        self.fetch_on(settings, clock, etf, day)
        assert kinds() == [doubt]
        self.fetch_on(settings, clock, etf, later)
        assert kinds() == [doubt]
        assert {"ticker": etf, "trade_date": lost} in [
            {"ticker": row["ticker"], "trade_date": row["trade_date"]} for row in ledger.doubtful(conn)
        ]

        mend()
        gaps.repoll(settings, None, None)

        assert doubts(conn, [etf], [lost, later]) == {}

    def test_a_dividend_is_one_line(self, settings: Settings, conn: Connection, clock: Callable[[date], None]) -> None:
        before, day = date(2026, 6, 17), date(2026, 6, 18)

        self.fetch_on(settings, clock, "SPY", before, day)

        first = session_before(before, settings.collector.history_sessions)
        assert self.changes(conn) == [("SPY", "dividend", first, before)]
        [row] = ledger.restatements(conn)
        assert list(row["old_values"]) == ["adj_close"]
        assert row["price_factor"] == pytest.approx(1, rel=STORED)
        assert row["adj_factor"] == pytest.approx(row["new_values"]["adj_close"] / row["old_values"]["adj_close"])

    def test_half_a_year_between_two_fetches(
        self, settings: Settings, conn: Connection, clock: Callable[[date], None]
    ) -> None:
        """The ex-date of the older dividend is a stored bar only when it was fetched before: here none is."""
        before = date(2026, 2, 27)

        self.fetch_on(settings, clock, "XLI", before, date(2026, 6, 30))

        first = session_before(before, settings.collector.history_sessions)
        [(_, change, *sessions)] = self.changes(conn)
        assert (change, sessions) == ("split", [first, before])
        [row] = ledger.restatements(conn)
        assert row["price_factor"] == pytest.approx(0.5)
        assert row["adj_factor"] < 0.5, "two dividends as well"

    def test_a_crash_between_the_record_and_the_store_records_it_once(
        self, settings: Settings, conn: Connection, clock: Callable[[date], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.fetch_on(settings, clock, "XLF", date(2026, 5, 18))
        with monkeypatch.context() as patch:
            patch.setattr("collector.collection.Collection.send", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                self.fetch_on(settings, clock, "XLF", date(2026, 5, 19))
        [recorded] = ledger.restatements(conn)

        self.fetch_on(settings, clock, "XLF", date(2026, 5, 19))

        [again] = ledger.restatements(conn)
        assert again["old_values"] == recorded["old_values"]


@pytest.fixture
def trends(conn: Connection, spark: Any, settings: Settings) -> Callable[..., None]:
    """Publish these ETFs as trending, as stage 3 would."""

    def publish(*etfs: str) -> None:
        with transaction(conn), conn.cursor() as cursor:
            cursor.execute(
                "INSERT INTO analytics_publication (job, as_of_date, period_days, status, row_count, source) "
                "VALUES ('trending', %s, 0, 'published', %s, 'simulated')",
                (UNTIL, len(etfs)),
            )
            cursor.execute(
                "INSERT INTO analytics_trending_etfs "
                "(as_of_date, etf_ticker, is_trending_5d, is_trending_10d, is_trending, source) "
                "SELECT %s, etf, TRUE, TRUE, TRUE, 'simulated' FROM UNNEST(%s) AS etf",
                (UNTIL, list(etfs)),
            )

    return publish


@pytest.fixture
def analyse(conn: Connection, spark: Any, settings: Settings) -> Callable[..., JobResult]:
    """Run a Spark job for some sessions."""
    return lambda module, *days: module.run(Job(spark, conn, settings.database, list(days), "a run"))


def to_recompute(conn: Connection) -> dict[date, list[Difference]]:
    return outdated(conn, universe().benchmark, universe().periods)


PUBLISHED = sessions_between(date(2026, 7, 13), UNTIL)
# What a session's result is: everything published of it but the averages over a sector's other candidates, which are
# shown beside a position, and what says when and how it was computed.
BESIDE_THE_RESULT = {"run_id", "published_at", "sector_avg_5d", "sector_avg_10d", "sector_avg_20d"}
RESULTS = ("analytics_trending_etfs", "analytics_allocation_candidates", "analytics_portfolio_allocation")
ETFS, STOCKS = "collected_daily_etf_ohlc", "collected_daily_stock_history"
RATE = "ticker = 'KRW=X' AND trade_date = '2026-08-06'"


class TestRecomputation:
    """The sessions listed are those that come out differently when all are computed again: no more, no fewer."""

    @pytest.fixture
    def history(self, conn: Connection, analyse: Callable[..., JobResult]) -> None:
        """Thirty published sessions, with prices that are known sixty sessions back."""
        market_rows.store(conn, InventedMarket(seed=7, until=UNTIL, sessions=60))
        self.publish(analyse)

    def publish(self, analyse: Callable[..., JobResult]) -> None:
        analyse(identifier, *PUBLISHED)
        analyse(allocator, *PUBLISHED)

    def results(self, conn: Connection) -> dict[date, list[Any]]:
        found: dict[date, list[Any]] = {day: [] for day in PUBLISHED}
        for table in RESULTS:
            for row in fetch(conn, f"SELECT * FROM {table} AS t ORDER BY t::text"):
                kept = {name: value for name, value in row.items() if name not in BESIDE_THE_RESULT}
                found[row["as_of_date"]].append((table, kept))
        return found

    @pytest.mark.parametrize(
        ("change", "share"),
        [
            (f"UPDATE {ETFS} SET adj_close = adj_close * 1.01 WHERE ticker = 'XLF' AND trade_date = '2026-07-24'", 4),
            (f"UPDATE {ETFS} SET adj_close = adj_close * 0.99 WHERE ticker = 'SPY' AND trade_date = '2026-08-20'", 1),
            (f"UPDATE {ETFS} SET adj_close = adj_close * 0.99 WHERE ticker = 'XLF' AND trade_date < '2026-06-01'", 0),
            (f"DELETE FROM {ETFS} WHERE ticker = 'DIA' AND trade_date = '2026-08-10'", 2),
            (f"UPDATE {ETFS} SET adj_close = adj_close * 0.98 WHERE ticker <> 'X' AND trade_date <= '2026-08-21'", 0),
            (f"UPDATE {STOCKS} SET adj_close = adj_close * 1.03 WHERE trade_date = '2026-08-05'", None),
            (f"UPDATE {STOCKS} SET market_cap = market_cap * 2 WHERE trade_date = '2026-08-05'", 1),
            (f"UPDATE {STOCKS} SET close_price = close_price * 1.02 WHERE {RATE}", None),
            (f"DELETE FROM {STOCKS} WHERE {RATE}", None),
            (f"UPDATE {STOCKS} SET adj_close = adj_close / 4 WHERE ticker LIKE 'N%'", 0),
        ],
        ids=["ETF", "benchmark", "dividend", "gone", "split", "stocks", "caps", "rate", "no rate", "stock split"],
    )  # fmt: skip
    def test_the_sessions_listed_are_those_that_change(
        self, history: None, conn: Connection, analyse: Callable[..., JobResult], change: str, share: int | None
    ) -> None:
        before = self.results(conn)
        assert to_recompute(conn) == {}
        with transaction(conn), conn.cursor() as cursor:
            cursor.execute(change)
            assert cursor.rowcount
        listed_sessions = set(to_recompute(conn))

        self.publish(analyse)

        after = self.results(conn)
        assert listed_sessions == {day for day in PUBLISHED if not _is_same(before[day], after[day])}
        assert share is None or len(listed_sessions) == share
        assert to_recompute(conn) == {}


def _is_same(before: Any, after: Any) -> bool:
    """Compare with a tolerance: stored prices keep ten decimals, which shows in the last digits of a difference."""
    if isinstance(before, float) and isinstance(after, float):
        return isclose(before, after, rel_tol=1e-7, abs_tol=1e-10)
    if isinstance(before, dict) and isinstance(after, dict):
        return before.keys() == after.keys() and all(_is_same(before[name], after[name]) for name in before)
    if isinstance(before, list | tuple) and isinstance(after, list | tuple):
        return len(before) == len(after) and all(map(_is_same, before, after))
    return bool(before == after)


class TestDegraded:
    """A stage that goes on without a bar says so to the last reader, until the bar has come and is counted in."""

    def line(self, analyse: Callable[..., JobResult], settings: Settings, as_of: date = UNTIL) -> None:
        """Run the five stages as the controller does."""
        for group in ("benchmark", "sector"):
            kafka_producer_etf_daily.run(settings, group, as_of, None, accept_late=True)
        analyse(identifier, as_of)
        kafka_producer_trending_etf_holdings.run(settings, as_of, None, accept_late=True)
        analyse(allocator, as_of)

    def reasons(self, conn: Connection) -> dict[tuple[str, int], str | None]:
        rows = fetch(conn, "SELECT job, period_days, degraded_reason FROM analytics_publication")
        return {(row["job"], row["period_days"]): words_in(row["degraded_reason"]) for row in rows}

    def flags(self, conn: Connection) -> set[bool]:
        return {
            row["is_degraded"]
            for table in ("analytics_trending_etfs", "analytics_portfolio_allocation")
            for row in fetch(conn, f"SELECT is_degraded FROM {table}")
        }

    def test_whole_data_degrades_nothing(
        self, settings: Settings, conn: Connection, analyse: Callable[..., JobResult]
    ) -> None:
        self.line(analyse, settings)

        assert set(self.reasons(conn).values()) == {None}
        assert self.flags(conn) == {False}
        assert to_recompute(conn) == {}

    def test_an_etf_without_its_bar(
        self,
        settings: Settings,
        conn: Connection,
        fault: Fault,
        mend: Callable[[], None],
        analyse: Callable[..., JobResult],
    ) -> None:
        fault(kind="missing_bar", ticker="XLB", session=str(UNTIL))

        self.line(analyse, settings)

        told = "XLB has no bar of 2026-08-21 (late)"
        assert self.reasons(conn) == dict.fromkeys(
            [("trending", 0), ("allocation", 5), ("allocation", 10), ("allocation", 20)], told
        )
        assert self.flags(conn) == {True}
        served = portfolios.allocation(conn, 20, UNTIL)
        assert served and served.degraded_reason == told

        mend()
        gaps.repoll(settings, None, None)
        [(day, figures)] = to_recompute(conn).items()
        assert day == UNTIL
        assert [(figure.ticker, figure.period_days, figure.published) for figure in figures] == [
            ("XLB", days, None) for days in (5, 10, 20)
        ]
        assert listed(conn)[-1] == "compute again: ./start.sh backfill 2026-08-21 2026-08-21"

        self.line(analyse, settings)
        assert set(self.reasons(conn).values()) == {None}
        assert self.flags(conn) == {False}
        assert to_recompute(conn) == {}

    def test_a_stock_without_its_bar_and_one_that_is_quarantined(
        self, settings: Settings, conn: Connection, fault: Fault, analyse: Callable[..., JobResult]
    ) -> None:
        self.line(analyse, settings)
        query = "SELECT DISTINCT ticker FROM analytics_allocation_candidates WHERE ticker NOT LIKE '%%.KS' ORDER BY 1"
        first, second = (row["ticker"] for row in fetch(conn, query)[:2])
        periods = {
            row["period_days"]
            for row in fetch(
                conn,
                "SELECT period_days FROM analytics_allocation_candidates WHERE ticker = ANY(%(t)s)",
                {"t": [first, second]},
            )
        }
        with transaction(conn), conn.cursor() as cursor:
            cursor.execute(
                "DELETE FROM collected_daily_stock_history WHERE ticker = ANY(%s) AND trade_date = %s",
                ([first, second], UNTIL),
            )
        fault(kind="missing_bar", ticker=first, session=str(UNTIL))
        fault(kind="scaled_bar", ticker=second, session=str(UNTIL), factor=2.5)

        self.line(analyse, settings)

        told = {reason for reason in self.reasons(conn).values() if reason}
        text = f"{first} has no bar of 2026-08-21 (late); {second} has no bar of 2026-08-21 (quarantined)"
        assert set("; ".join(told).split("; ")) == set(text.split("; "))
        reasons = self.reasons(conn)
        assert reasons["trending", 0] is None
        assert {days for (job, days), reason in reasons.items() if job == "allocation" and reason} == periods

    def test_a_rate_that_is_not_there_names_the_stock_and_the_rate(
        self, settings: Settings, conn: Connection, fault: Fault, analyse: Callable[..., JobResult], trends: Fault
    ) -> None:
        fault(kind="missing_bar", ticker="KRW=X", session=str(UNTIL))
        trends("EWY")
        kafka_producer_trending_etf_holdings.run(settings, UNTIL, accept_late=True)

        analyse(allocator, UNTIL)

        told = self.reasons(conn)["allocation", 20]
        assert told and "005930.KS: the KRW=X rate of 2026-08-21 is that of 2026-08-20" in told
        assert "XKRX" not in told and str(KOREAN_HOLIDAY) not in told

        with transaction(conn), conn.cursor() as cursor:
            cursor.execute(
                "DELETE FROM collected_daily_stock_history WHERE ticker = 'KRW=X' AND trade_date > %s",
                (UNTIL - timedelta(days=6),),
            )
        analyse(allocator, UNTIL)

        told = self.reasons(conn)["allocation", 20]
        assert told and "005930.KS has no KRW=X rate of 2026-08-21 (late)" in told, "five days is as far as one goes"

    def test_an_etf_that_is_younger_than_the_window_is_no_gap(
        self, settings: Settings, conn: Connection, analyse: Callable[..., JobResult]
    ) -> None:
        for group in ("benchmark", "sector"):
            kafka_producer_etf_daily.run(settings, group, UNTIL)
        with transaction(conn), conn.cursor() as cursor:
            cursor.execute(
                "DELETE FROM collected_daily_etf_ohlc WHERE ticker = 'XLB' AND trade_date < %s",
                (session_before(UNTIL, 8),),
            )

        analyse(identifier, UNTIL)

        [row] = fetch(conn, "SELECT missing_reason FROM analytics_trending_etfs WHERE etf_ticker = 'XLB'")
        assert "no price on" in (words_in(row["missing_reason"]) or "")
        assert self.reasons(conn) == {("trending", 0): None}
