"""A group is set back also on a broker that has just begun to run."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from kafka import TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import CoordinatorNotAvailableError, NoError, TopicAuthorizationFailedError, UnknownMemberIdError

from config.config import KafkaSettings, Topic
from utils import kafka_utils
from utils.errors import BrokerUnavailable

SETTINGS = KafkaSettings("127.0.0.1:1", 1, 1)


class Admin:
    """Answers one after another, the last one for ever: an error that is raised, or that of each partition."""

    def __init__(self, *answers: type[Exception]) -> None:
        self.answers = list(answers)
        self.asked: list[dict[TopicPartition, Any]] = []

    def describe_topics(self, names: list[str]) -> list[dict[str, Any]]:
        return [{"partitions": [{"partition_index": number} for number in range(2)]} for _ in names]

    def reset_group_offsets(self, group: str, wanted: dict[TopicPartition, Any]) -> dict[TopicPartition, Any]:
        assert group == Topic.ETF_DAILY.consumer_group
        self.asked.append(wanted)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer in (CoordinatorNotAvailableError, TopicAuthorizationFailedError):
            raise answer("of the request")
        return {partition: {"error": answer} for partition in wanted}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(
        kafka_utils,
        "time",
        SimpleNamespace(monotonic=lambda: now[0], sleep=lambda seconds: now.append(now.pop() + seconds)),
    )
    return now


def set_back(monkeypatch: pytest.MonkeyPatch, admin: Admin) -> None:
    @contextmanager
    def opened(settings: KafkaSettings) -> Iterator[Admin]:
        yield admin

    monkeypatch.setattr(kafka_utils, "admin_client", opened)
    kafka_utils.set_back(SETTINGS, Topic.ETF_DAILY, {1: 7})


@pytest.mark.parametrize(
    "before", [(), (CoordinatorNotAvailableError,) * 3, (UnknownMemberIdError, CoordinatorNotAvailableError)]
)
def test_it_waits_for_the_coordinator_and_for_members(
    monkeypatch: pytest.MonkeyPatch, clock: list[float], before: tuple[type[Exception], ...]
) -> None:
    admin = Admin(*before, NoError)
    set_back(monkeypatch, admin)
    name = Topic.ETF_DAILY.value
    assert admin.asked == [{TopicPartition(name, 0): OffsetSpec.EARLIEST, TopicPartition(name, 1): 7}] * (
        len(before) + 1
    )
    assert clock == [len(before)], "a second between two tries"


@pytest.mark.parametrize("error", [CoordinatorNotAvailableError, UnknownMemberIdError])
def test_it_gives_up_and_says_why(monkeypatch: pytest.MonkeyPatch, clock: list[float], error: type[Exception]) -> None:
    with pytest.raises(BrokerUnavailable, match=f"the group etf-daily cannot be set back: {error.__name__}"):
        set_back(monkeypatch, Admin(error))
    assert clock[0] > 30


def test_what_no_waiting_mends_is_told_at_once(monkeypatch: pytest.MonkeyPatch, clock: list[float]) -> None:
    with pytest.raises(TopicAuthorizationFailedError):
        set_back(monkeypatch, Admin(TopicAuthorizationFailedError))
    assert clock == [0.0]
