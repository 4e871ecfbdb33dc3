"""Sessions: which one a moment is about, and where an N-session window starts and ends."""

from datetime import UTC, date, datetime

import pytest

from utils import dates
from utils.dates import (
    close_of,
    computed_sessions,
    exchange_of,
    last_closed_session,
    last_sunday,
    month_to_date,
    parse_date,
    require_closed_session,
    session_before,
    sessions_between,
    sessions_of,
    window_of,
)
from utils.errors import InvalidInput, NotASession
from utils.kept_sessions import FILE, UNTIL, USUAL_EXCHANGES, kept_sessions, text_of


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "session"),
    [
        ("2026-08-18T09:00", "2026-08-17"),  # Tuesday morning is about Monday
        ("2026-08-17T09:00", "2026-08-14"),  # Monday morning is about Friday
        ("2026-08-18T21:30", "2026-08-18"),  # the evening run is about the same day, in summer
        ("2026-12-08T21:30", "2026-12-08"),  # and in winter
        ("2026-08-30T14:00", "2026-08-28"),  # a Sunday is about Friday
        ("2026-11-27T18:00", "2026-11-27"),  # early close at 13:00 New York
        ("2026-11-27T17:59", "2026-11-25"),  # just before it; the 26th was Thanksgiving
        ("2026-04-05T14:00", "2026-04-02"),  # Easter Sunday: Good Friday had no session
    ],
)
def test_the_session_a_run_is_about(moment: str, session: str) -> None:
    assert last_closed_session(utc(moment)) == date.fromisoformat(session)


def test_n_sessions_span_n_plus_1_closes_across_a_holiday() -> None:
    start, end = window_of(date(2026, 9, 11), 5)

    assert (start, end) == (date(2026, 9, 3), date(2026, 9, 11))
    assert len(sessions_between(start, end)) == 6, "Labor Day is no session"


def test_a_korean_window_counts_korean_sessions() -> None:
    start, end = window_of(date(2026, 9, 28), 5, "XKRX")

    assert end == date(2026, 9, 28)
    assert len(sessions_between(start, end, "XKRX")) == 6
    assert start < window_of(date(2026, 9, 28), 5)[0], "Chuseok closed Seoul while New York traded"


def test_a_korean_window_ends_before_the_home_close() -> None:
    assert window_of(date(2026, 8, 17), 0, "XKRX")[1] == date(2026, 8, 14), "Seoul was closed on the 17th"


@pytest.mark.parametrize("ticker", ["005930.KS", "035720.KQ"])
def test_korean_tickers_trade_in_seoul(ticker: str) -> None:
    assert exchange_of(ticker) == "XKRX"


@pytest.mark.parametrize("day", ["2026-11-26", "2026-11-28"])
def test_a_holiday_is_refused_with_its_neighbours(day: str) -> None:
    with pytest.raises(NotASession, match=r"2026-11-2[57] and 2026-11-(27|30)"):
        close_of(date.fromisoformat(day))


def test_a_session_that_is_not_over_is_refused() -> None:
    with pytest.raises(NotASession, match="the last closed one is 2026-08-17"):
        require_closed_session(date(2026, 8, 18), utc("2026-08-18T15:00"))


def test_a_date_outside_the_calendar_is_refused() -> None:
    with pytest.raises(NotASession, match="outside"):
        close_of(date(1999, 1, 4))


def test_a_window_does_not_reach_around_the_calendars_start() -> None:
    first = sessions_of().days[0]

    with pytest.raises(NotASession, match="outside"):
        window_of(first, 5)
    with pytest.raises(NotASession, match="outside"):
        session_before(sessions_of().days[-1], -1)


@pytest.mark.parametrize(
    ("as_of", "start"),
    [
        (date(2024, 4, 30), date(2024, 3, 28)),  # Good Friday was the home exchange's last weekday of March
        (date(2027, 6, 30), date(2027, 5, 28)),  # Memorial Day is its last one of May
        (date(2026, 8, 21), date(2026, 7, 31)),
    ],
)
def test_a_month_begins_on_every_exchange_with_the_home_one_s(as_of: date, start: date) -> None:
    assert month_to_date(as_of, "XKRX")[0] == month_to_date(as_of)[0] == start


def test_a_month_does_not_reach_before_the_calendars_start() -> None:
    with pytest.raises(NotASession, match="outside"):
        month_to_date(date(2000, 1, 10))


@pytest.mark.parametrize("text", ["2026-13-01", "yesterday", "21/08/2026"])
def test_a_wrong_date_is_named(text: str) -> None:
    with pytest.raises(InvalidInput, match=text):
        parse_date(text)


@pytest.mark.parametrize(("month", "day"), [(1, 25), (2, 22), (5, 31), (8, 30), (11, 29), (12, 27)])
def test_last_sundays(month: int, day: int) -> None:
    assert last_sunday(2026, month) == date(2026, month, day)


def test_the_kept_sessions_are_those_of_the_calendar_package() -> None:
    """`python -m utils.kept_sessions` writes the file again."""
    computed = {exchange: computed_sessions(exchange, UNTIL) for exchange in USUAL_EXCHANGES}
    assert FILE.read_text(encoding="utf-8") == text_of(computed)
    assert kept_sessions() == computed


def test_kept_sessions_are_those_that_would_be_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {exchange: sessions_of(exchange) for exchange in USUAL_EXCHANGES}
    monkeypatch.setattr(dates, "kept_sessions", dict)
    assert {exchange: sessions_of.__wrapped__(exchange) for exchange in USUAL_EXCHANGES} == kept


def test_korea_closes_at_the_end_of_the_year_and_later_on_a_day_of_exams() -> None:
    days = sessions_of("XKRX").days
    around = [day for day in days if date(2025, 12, 29) <= day <= date(2026, 1, 5)]
    assert around == [date(2025, 12, 29), date(2025, 12, 30), date(2026, 1, 2), date(2026, 1, 5)]
    assert close_of(date(2020, 12, 3), "XKRX") == datetime(2020, 12, 3, 7, 30, tzinfo=UTC)
    assert close_of(date(2016, 7, 29), "XKRX") == datetime(2016, 7, 29, 6, 0, tzinfo=UTC), "half an hour less then"
