"""Whoever guesses a password waits, and nobody else does."""

import threading

import pytest

from utils import attempts
from utils.attempts import Attempts

HERE, THERE = "192.0.2.7", "192.0.2.8"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tries(clock: Clock) -> Attempts:
    return Attempts(clock)


def fail(tries: Attempts, clock: Clock, times: int, address: str = HERE) -> list[float]:
    """Fail as often, each time as soon as one may, and return the waits between."""
    waits = []
    for _ in range(times):
        wait = tries.begin(address)
        clock.now += wait
        waits.append(wait)
        assert wait == 0 or tries.begin(address) == 0
    return waits


def test_each_failure_doubles_the_wait_up_to_a_minute(tries: Attempts, clock: Clock) -> None:
    assert fail(tries, clock, 11) == [0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60]


def test_a_wait_concerns_nobody_else(tries: Attempts, clock: Clock) -> None:
    fail(tries, clock, 5)
    assert tries.begin(HERE) > 0
    assert tries.begin(THERE) == 0


def test_a_household_of_version_6_is_one(tries: Attempts, clock: Clock) -> None:
    for number in range(3):
        tries.begin(f"2001:db8::{number}")
    assert tries.begin("2001:db8::7") > 0
    assert tries.begin("2001:db8:0:1::7") == 0


def test_success_and_time_forget_failures(tries: Attempts, clock: Clock) -> None:
    fail(tries, clock, 5)
    tries.succeeded(HERE)
    assert tries.begin(HERE) == 0
    fail(tries, clock, 5)
    clock.now += attempts.FORGOTTEN_SECONDS + 1
    assert fail(tries, clock, 4) == [0, 0, 0, 1]


def test_a_refused_attempt_costs_nothing_more(tries: Attempts, clock: Clock) -> None:
    fail(tries, clock, 5)
    wait = tries.begin(HERE)
    assert [tries.begin(HERE) for _ in range(20)] == [wait] * 20


def test_many_attempts_at_once_are_not_free(tries: Attempts) -> None:
    waits: list[float] = []
    threads = [threading.Thread(target=lambda: waits.append(tries.begin(HERE))) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(wait == 0 for wait in waits) == attempts.FREE


def test_memory_is_bounded(tries: Attempts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "REMEMBERED", 10)
    for number in range(100):
        tries.begin(f"10.0.0.{number}")
    assert len(tries._failures) == 10


def test_to_look_counts_nothing(tries: Attempts, clock: Clock) -> None:
    assert [tries.left(HERE) for _ in range(5)] == [0] * 5
    fail(tries, clock, 4)
    assert [tries.left(each) for each in (HERE, HERE, THERE)] == [2, 2, 0]
    clock.now += 2
    assert tries.left(HERE) == 0
