"""Days on which an exchange was closed in fact, from what is stored: named, added, and no gap any more."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from collector import closed_days, gaps
from collector.closed_days import Suspect
from config import exchange_days
from config.config import DatabaseSettings
from database.db_helper import Connection, connect, fetch, transaction
from database.queries import ledger, returns, stocks
from log_words import stored_text
from reason_words import words_in
from utils.dates import expected_days, sessions_of
from utils.reasons import join

CLOSED = date(2026, 8, 19)
START, END = date(2026, 8, 10), date(2026, 8, 21)
ASKED = datetime(2026, 8, 21, 22, tzinfo=UTC)
KOREAN, AMERICAN, UNKNOWN = ("000660.KS", "005930.KS"), ("AAPL", "MSFT"), "VNM.VN"


@pytest.fixture
def conn(scratch_database: DatabaseSettings) -> Iterator[Connection]:
    """Store two stocks each of Seoul and New York, one of an exchange without a calendar, and the rate.

    Seoul's stocks and the rate lack one day, which the ledger expects of them.
    """
    with closing(connect(scratch_database)) as conn:
        store(conn, {ticker: set(expected_days(ticker, START, END)) - {CLOSED} for ticker in KOREAN}, "KRW")
        store(conn, {ticker: set(expected_days(ticker, START, END)) for ticker in AMERICAN}, "USD")
        store(conn, {UNKNOWN: {START, END}}, "VND")
        store(conn, {"KRW=X": set(expected_days("KRW=X", START, END)) - {CLOSED}}, "KRW", "CURRENCY")
        expect(conn, "stock", KOREAN, CLOSED, "missing")
        expect(conn, "stock", [UNKNOWN], CLOSED, "missing")
        expect(conn, "rate", ["KRW=X"], CLOSED, "late")
        yield conn
        with transaction(conn), conn.cursor() as cursor:
            cursor.execute("TRUNCATE collected_daily_stock_history, logs_expected_bar")


def store(conn: Connection, days: dict[str, set[date]], currency: str, quote_type: str = "EQUITY") -> None:
    with transaction(conn), conn.cursor() as cursor:
        cursor.executemany(
            """
            INSERT INTO collected_daily_stock_history
                (ticker, trade_date, quote_type, currency, close_price, adj_close, volume, fetched_at, source)
            VALUES (%s, %s, %s, %s, 100, 100, 1, %s, 'simulated')
            """,
            [(ticker, day, quote_type, currency, ASKED) for ticker, of_it in days.items() for day in sorted(of_it)],
        )


def expect(conn: Connection, kind: str, tickers: tuple[str, ...] | list[str], day: date, state: str) -> None:
    with transaction(conn), conn.cursor() as cursor:
        cursor.executemany(
            """
            INSERT INTO logs_expected_bar (kind, ticker, trade_date, state, reason, asked_at)
            VALUES (%s, %s, %s, %s, %s, %s)
            """,
            [(kind, ticker, day, state, stored_text("for the test"), ASKED) for ticker in tickers],
        )


@pytest.fixture
def add(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Run the command on a file of the test's own, as the next process would read it."""
    file = tmp_path / "days.csv"
    file.write_text("exchange,date,status,reason\n")
    monkeypatch.setenv("EXCHANGE_DAYS_FILE", str(file))

    def forget() -> None:
        exchange_days.extra_days.cache_clear()
        sessions_of.cache_clear()

    def add(*arguments: str) -> None:
        assert closed_days.main([*arguments]) == 0
        forget()

    forget()
    yield add
    forget()


def state(conn: Connection, ticker: str) -> tuple[str, str]:
    [row] = fetch(conn, "SELECT state, reason FROM logs_expected_bar WHERE ticker = %(t)s", {"t": ticker})
    return row["state"], words_in(row["reason"]) or ""


def test_it_is_named_with_its_command_added_and_no_gap_any_more(conn: Connection, add: Callable[..., None]) -> None:
    assert closed_days.suspected(conn) == [Suspect("XKRX", CLOSED, KOREAN)]
    assert closed_days.suspected(conn, end=date(2026, 8, 18)) == []
    report = list(gaps.report(conn))
    assert "sessions on which no ticker of an exchange has a bar: 1" in report
    assert '  if it was closed: ./start.sh closed-days --add XKRX 2026-08-19 "why"' in report
    assert report[0].startswith("expected bars that are not stored: 4 of ")

    add("--add", "XKRX", "2026-08-19", "an election")

    report = list(gaps.report(conn))
    assert report[0].startswith("expected bars that are not stored: 1 of "), "VNM.VN's, of an exchange nobody knows"
    assert not any("closed-days" in line for line in report)
    assert {state(conn, ticker) for ticker in (*KOREAN, "KRW=X")} == {("closed", "XKRX: no session (an election)")}
    assert state(conn, UNKNOWN) == ("missing", "for the test")
    assert {row["state"] for row in ledger.gaps(conn) if row["ticker"] != UNKNOWN} == {"closed"}


def test_a_bar_that_waits_for_a_person_proves_that_it_was_open(conn: Connection, add: Callable[..., None]) -> None:
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO logs_consumer_error
                (topic, partition_id, kafka_offset, message_key, raw_value, error_msg, ticker, trade_date)
            VALUES ('stock-daily-data', 0, 1, '005930.KS', '{}', 'a step', '005930.KS', %s)
            """,
            (CLOSED,),
        )
    assert closed_days.suspected(conn) == []
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute("TRUNCATE logs_consumer_error")


def test_a_day_that_is_a_session_after_all_is_expected(conn: Connection, add: Callable[..., None]) -> None:
    """17 August 2026 is a holiday of Korea."""
    day = date(2026, 8, 17)
    expect(conn, "stock", ["000270.KS"], day, "closed")
    assert closed_days.settle(conn) == 0
    add("--open", "--add", "XKRX", "2026-08-17", "moved")
    assert closed_days.settle(conn) == 1
    assert state(conn, "000270.KS")[0] == "missing"
    assert closed_days.settle(conn) == 0, "once is enough"


def test_standings_leave_an_unknown_exchange_out_and_returns_say_why(conn: Connection) -> None:
    standing = stocks.standings(conn, END)
    assert standing.as_of_date == END
    assert {row.ticker for row in standing.stocks} == {*KOREAN, *AMERICAN}

    [row] = returns.between(conn, returns.ticker_windows([UNKNOWN], END, ["5d"]))
    assert (row.period_return, row.start_session) == (None, None)
    assert join(row.missing) == "no exchange is known for the suffix .VN"

    [row] = returns.between(conn, returns.ticker_windows(["AAPL"], END, ["5d"]))
    assert (row.period_return, row.missing) == (0.0, [])
