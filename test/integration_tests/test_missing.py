"""What nothing has computed because the platform was off: sessions and months, found in the tables of PostgreSQL."""

from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta

import pytest

from collector import gaps
from config.config import DatabaseSettings
from config.stages import CONTROLLER, STAGES
from database import tables
from database.db_helper import Connection, connect, transaction, upsert
from database.queries import ledger, stage_runs
from database.queries.missing_months import Months, missing_months
from database.queries.unpublished import never_computed
from log_words import stored_text
from scratch_databases import forget_everything
from utils.dates import session_before, sessions_between

SPY, PERIODS = "SPY", (5, 20)
LIVE, LAST = date(2026, 3, 2), date(2026, 8, 21)
SESSIONS = sessions_between(LIVE, LAST)
SUNDAYS = [date(2026, month, day) for month, day in ((3, 29), (4, 26), (5, 31), (6, 28), (7, 26))]
# Before the last Saturdays of the same months.
SATURDAY_SESSIONS = [date(2026, month, day) for month, day in ((3, 27), (4, 24), (5, 29), (6, 26), (7, 24))]
MISSED = date(2026, 8, 18)
STAGE_1 = STAGES["benchmark"]


class Platform:
    """A platform that runs on schedule since LIVE. Prices are there from forty sessions before."""

    def __init__(self, conn: Connection) -> None:
        self.conn = conn
        self.store(*sessions_between(session_before(LIVE, 40), LAST))
        self.publish(*SESSIONS)
        self.ran(STAGE_1, LIVE, f"scheduled__{LIVE}")

    def write(self, statement: str, *params: object) -> None:
        with transaction(self.conn), self.conn.cursor() as cursor:
            cursor.execute(statement, params)

    def store(self, *days: date) -> None:
        """Store the benchmark's price of some days."""
        self.write(
            "INSERT INTO collected_daily_etf_ohlc (ticker, trade_date, open_price, high_price, low_price, close_price,"
            " adj_close, volume, fetched_at, source)"
            " SELECT %s, day, 9, 9, 9, 9, 9, 1, now(), 'simulated' FROM UNNEST(%s::date[]) AS day",
            SPY,
            list(days),
        )

    def publish(self, *days: date, status: str = "empty") -> None:
        """Publish the portfolios of some sessions, and what they rest on."""
        self.put("trending", *days)
        for period in PERIODS:
            self.put("allocation", *days, period=period, status=status)

    def put(self, job: str, *days: date, period: int = 0, status: str = "empty") -> None:
        rows = [(job, day, period, status, stored_text("why"), None, 0, 1.0, None, "simulated", "r1") for day in days]
        with transaction(self.conn):
            upsert(self.conn, tables.PUBLICATION, rows)

    def forget(self, day: date, *jobs: str) -> None:
        self.write(
            "DELETE FROM analytics_publication WHERE as_of_date = %s AND job = ANY(%s)",
            day,
            list(jobs or ("trending", "allocation")),
        )

    def be_off(self, day: date) -> None:
        """Have no run be about a session: neither its prices nor its publications are there."""
        self.forget(day)
        self.write("DELETE FROM collected_daily_etf_ohlc WHERE trade_date = %s", day)

    def ran(self, dag_id: str, day: date, run_id: str = "manual__1") -> None:
        stage_runs.started(self.conn, dag_id, run_id, day)
        stage_runs.ended(self.conn, dag_id, run_id, None)

    def expect(self, day: date) -> None:
        ledger.expect(self.conn, "etf", [(SPY, day)], None)

    def sessions(self, end: date = LAST) -> list[date]:
        return never_computed(self.conn, SPY, PERIODS, session_before(end, 30), end)

    def months(self, by: date = LAST) -> Months:
        return missing_months(self.conn, SPY, PERIODS, by)


@pytest.fixture
def platform(scratch_database: DatabaseSettings) -> Iterator[Platform]:
    with closing(connect(scratch_database)) as conn:
        forget_everything(conn)
        yield Platform(conn)


class TestSessions:
    def test_one_without_any_run_is_found_once_it_is_over(self, platform: Platform) -> None:
        platform.be_off(MISSED)
        assert platform.sessions() == [MISSED]
        assert platform.sessions(MISSED) == [MISSED], "on the day itself, whose session nothing else will compute"
        assert platform.sessions(session_before(MISSED, 1)) == []

    def test_one_whose_price_came_with_those_of_a_later_session(self, platform: Platform) -> None:
        platform.forget(MISSED)
        assert platform.sessions() == [MISSED]
        platform.publish(MISSED)
        assert platform.sessions() == []

    def test_several_days_off(self, platform: Platform) -> None:
        off = SESSIONS[-9:-2]
        for day in off:
            platform.be_off(day)
        assert platform.sessions() == off

    def test_not_before_the_platform_ran_on_schedule(self, platform: Platform) -> None:
        """What a person has computed of the past does not make the days in between the platform's."""
        platform.write("UPDATE logs_stage_run SET as_of_date = %s", LAST)
        platform.be_off(MISSED)
        platform.ran(CONTROLLER, SESSIONS[10])
        assert platform.sessions() == []

    def test_not_while_the_source_is_asked_for_its_price(self, platform: Platform) -> None:
        platform.be_off(MISSED)
        platform.expect(MISSED)
        assert platform.sessions() == []
        platform.store(MISSED)
        assert platform.sessions() == [MISSED]

    @pytest.mark.parametrize("is_late", [False, True])
    def test_not_while_a_stage_is_at_work(self, platform: Platform, is_late: bool) -> None:
        platform.forget(MISSED)
        stage_runs.started(platform.conn, STAGE_1, "r", MISSED)
        if is_late:
            stage_runs.stopped(platform.conn, STAGE_1, "r", [], is_late=True)
        assert platform.sessions() == []
        stage_runs.ended(platform.conn, STAGE_1, "r", None)
        assert platform.sessions() == [MISSED]

    def test_a_run_that_was_deleted_is_not_waited_for(self, platform: Platform) -> None:
        platform.forget(MISSED)
        stage_runs.started(platform.conn, STAGE_1, "r", MISSED)
        platform.write("UPDATE logs_stage_run SET started_at = now() - INTERVAL '2 days'")
        assert platform.sessions() == [MISSED]

    def test_a_holiday_has_none(self, platform: Platform) -> None:
        assert date(2026, 7, 3) not in SESSIONS
        assert platform.sessions(date(2026, 7, 6)) == []


class TestMonths:
    @pytest.fixture(autouse=True)
    def made(self, platform: Platform) -> None:
        platform.put("rebalance", *SUNDAYS)
        platform.put("sectors", *SATURDAY_SESSIONS)

    def test_nothing_is_missing(self, platform: Platform) -> None:
        assert platform.months() == Months([], [])

    @pytest.mark.parametrize("sunday", SUNDAYS)
    def test_a_month_whose_session_is_published(self, platform: Platform, sunday: date) -> None:
        platform.forget(sunday, "rebalance")
        assert platform.months() == Months([], [sunday])
        assert platform.months(sunday) == Months([], [sunday])
        assert platform.months(sunday - timedelta(days=1)) == Months([], [])
        platform.put("rebalance", sunday)
        assert platform.months() == Months([], [])

    def test_a_month_whose_session_was_missed_too(self, platform: Platform) -> None:
        """The machine was off from Friday to Monday."""
        platform.forget(SUNDAYS[-1], "rebalance")
        platform.be_off(date(2026, 7, 24))
        assert platform.months() == Months([], [SUNDAYS[-1]])

    def test_a_month_whose_session_cannot_be_computed(self, platform: Platform) -> None:
        platform.forget(SUNDAYS[-1], "rebalance")
        platform.be_off(date(2026, 7, 24))
        platform.expect(date(2026, 7, 24))
        assert platform.months() == Months([], [])

    def test_a_month_that_was_not_computable_and_is_now(self, platform: Platform) -> None:
        platform.put("rebalance", SUNDAYS[-1], status="not_computable")
        assert platform.months() == Months([], [SUNDAYS[-1]])
        platform.publish(date(2026, 7, 24), status="not_computable")
        assert platform.months() == Months([], [])

    def test_not_before_the_platform_ran_on_schedule(self, platform: Platform) -> None:
        platform.forget(SUNDAYS[0], "rebalance", "sectors")
        platform.forget(date(2026, 3, 27), "sectors")
        platform.write("UPDATE logs_stage_run SET as_of_date = '2026-03-30'")
        assert platform.months() == Months([], [])

    def test_sectors_that_were_not_measured(self, platform: Platform) -> None:
        """The last Saturday of May 2026 was the 30th."""
        session = date(2026, 5, 29)
        platform.forget(session, "sectors")
        assert platform.months() == Months([session], [])
        platform.put("sectors", date(2026, 5, 28))
        assert platform.months() == Months([session], []), "not as far as its last Saturday"
        platform.put("sectors", date(2026, 5, 29))
        assert platform.months() == Months([], [])

    @pytest.mark.parametrize(
        ("status", "is_missing"), [("published", True), ("empty", True), ("not_computable", False)]
    )
    def test_sectors_that_were_empty_before_the_portfolios_came(
        self, platform: Platform, status: str, is_missing: bool
    ) -> None:
        """They were measured while the session was at work: the benchmark was there, and no stock."""
        session = date(2026, 5, 29)
        platform.forget(session)
        platform.publish(session, status=status)
        assert platform.months() == Months([session] if is_missing else [], [])
        platform.forget(session, "sectors")
        platform.put("sectors", session)
        assert platform.months() == Months([], []), "they stay empty, and are not measured every day"

    def test_sectors_that_were_measured_before_the_portfolios_came(self, platform: Platform) -> None:
        session = date(2026, 5, 29)
        platform.forget(session, "sectors")
        platform.put("sectors", session, status="published")
        platform.forget(session)
        platform.publish(session)
        assert platform.months() == Months([], [])

    def test_a_platform_that_never_made_any(self, platform: Platform) -> None:
        platform.write("DELETE FROM analytics_publication WHERE job IN ('rebalance', 'sectors')")
        found = platform.months()
        assert found == Months(SATURDAY_SESSIONS, SUNDAYS)
        told = list(gaps.report(platform.conn))
        assert "months never made that can be: 5" in told
        assert "compute: ./start.sh run monthly-etfs --as-of 2026-07-24" in told
        assert told[-1] == "compute: ./start.sh run rebalance --as-of 2026-07-26"
        of_june = list(gaps.report(platform.conn, date(2026, 6, 1), date(2026, 6, 30)))
        assert of_june[-2:] == [
            "compute: ./start.sh run monthly-etfs --as-of 2026-06-26",
            "compute: ./start.sh run rebalance --as-of 2026-06-28",
        ]
