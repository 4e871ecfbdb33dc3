"""What followed portfolios hold at a session: the same as batch.track_record follows, on calendars drawn at random."""

import random
from collections.abc import Iterable
from datetime import date, timedelta

import pytest

from batch.track_record import Decision, holding_periods_of
from config.periods import MONTHLY_PERIOD
from database.queries import held
from database.queries.held import followed_between
from utils.dates import sessions_between

CALENDAR = sessions_between(date(2026, 1, 5), date(2026, 6, 30))
Decided = tuple[int, date]


def followed(decisions: Iterable[Decided], sessions: list[date]) -> dict[date, set[Decided]]:
    """At whose closes each portfolio has a price, by the rule of the job."""
    stretches = holding_periods_of([Decision(*each, False, False, "yahoo") for each in decisions], sessions)
    found: dict[date, set[Decided]] = {session: set() for session in sessions}
    for each in stretches:
        if not each.is_cash:
            for session in sessions[each.entry : each.exit + 1]:
                found[session].add((each.period_days, each.decided_on))
    return found


def drawn(chance: random.Random) -> list[Decided]:
    """Decisions with gaps, some of them on days that are no sessions; the month's at any distance."""
    often = chance.choice([0.05, 0.4, 0.9])
    daily = [(period, day) for period in (5, 10, 20) for day in CALENDAR if chance.random() < often]
    first, last = CALENDAR[0], CALENDAR[-10]
    monthly = [
        (MONTHLY_PERIOD, first + timedelta(days=number))
        for number in range((last - first).days)
        if chance.random() < chance.choice([0.01, 0.05, 0.2])
    ]
    return [each for each in [*daily, *monthly] if each[1] < CALENDAR[-2]]


@pytest.mark.parametrize("seed", range(60))
def test_it_is_what_the_job_follows(seed: int) -> None:
    decisions = drawn(random.Random(seed))
    if not decisions:
        decisions = [(5, CALENDAR[0])]
    begin = min(day for _, day in decisions)
    sessions = sessions_between(begin, CALENDAR[-1])

    by_job = followed(decisions, sessions)

    for session in sessions:
        assert set(followed_between(decisions, session, session)) == by_job[session], session
    span = sessions[len(sessions) // 3 : len(sessions) // 2]
    assert set(followed_between(decisions, span[0], span[-1])) == set().union(*(by_job[day] for day in span))


@pytest.mark.parametrize("seed", range(60, 90))
def test_what_is_decided_later_does_not_matter(seed: int) -> None:
    """A run for a session in the past sees decisions of after it; day by day it had not."""
    decisions = drawn(random.Random(seed))
    for session in CALENDAR[10:100:7]:
        known = [each for each in decisions if each[1] < session]
        assert set(followed_between(known, session, session)) == set(followed_between(decisions, session, session))


FRI, MON, TUE, WED = date(2026, 8, 14), date(2026, 8, 17), date(2026, 8, 18), date(2026, 8, 19)


@pytest.mark.parametrize(
    ("decisions", "session", "expected"),
    [
        ([(5, MON)], MON, []),  # known after Monday's close, bought on Tuesday
        ([(5, MON)], TUE, [MON]),
        ([(5, FRI), (5, MON)], TUE, [FRI, MON]),  # one sold, the other bought
        ([(5, FRI), (5, MON)], WED, [MON]),
        ([(5, FRI)], WED, [FRI]),  # nothing was published since
        ([(5, FRI), (10, MON)], WED, [FRI, MON]),
        ([(MONTHLY_PERIOD, date(2026, 7, 26))], date(2026, 8, 21), [date(2026, 7, 26)]),  # the 20th session
        ([(MONTHLY_PERIOD, date(2026, 7, 26))], date(2026, 8, 24), []),
        (
            [(MONTHLY_PERIOD, date(2026, 7, 26)), (MONTHLY_PERIOD, date(2026, 8, 9))],
            date(2026, 8, 10),
            [date(2026, 7, 26), date(2026, 8, 9)],
        ),
        (
            [(MONTHLY_PERIOD, date(2026, 7, 26)), (MONTHLY_PERIOD, date(2026, 8, 9))],
            date(2026, 8, 11),
            [date(2026, 8, 9)],
        ),
    ],
)
def test_single_cases(decisions: list[Decided], session: date, expected: list[date]) -> None:
    assert [day for _, day in followed_between(decisions, session, session)] == expected


def test_the_month_is_the_jobs() -> None:
    assert held.MONTHLY_PERIOD == MONTHLY_PERIOD
