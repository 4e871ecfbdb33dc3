"""When a consumer takes its place in the group anew: it is asked of a hand-written broker, and a clock."""

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from kafka import TopicPartition
from kafka.coordinator.heartbeat import Heartbeat
from kafka.errors import KafkaTimeoutError
from kafka.structs import MemberState

from utils.lag import Lag, LagMeter
from utils.membership import REJOIN_SECONDS, SILENT_SECONDS, STALL_SECONDS, Membership

FIRST, SECOND = TopicPartition("etf", 0), TopicPartition("etf", 1)
LATER = STALL_SECONDS + 1


@dataclass
class Broker:
    """What a consumer is told of its topic with two partitions, and how often it joined the group anew."""

    mine: set[TopicPartition] = field(default_factory=lambda: {FIRST})
    first: int = 0
    committed_offset: int | None = 5
    end: int = 5
    state: MemberState = MemberState.STABLE
    error: Exception | None = None
    joined: int = 0
    _coordinator: Any = field(default_factory=lambda: SimpleNamespace(heartbeat=Heartbeat()))

    def answer(self, now: float) -> None:
        """Answer what a client says every three seconds."""
        self._coordinator.heartbeat.last_receive = now

    def assignment(self) -> set[TopicPartition]:
        return self.mine

    def end_offsets(self, partitions: list[TopicPartition], timeout_ms: int) -> dict[TopicPartition, int]:
        if self.error:
            raise self.error
        return dict.fromkeys(partitions, self.end)

    def beginning_offsets(self, partitions: list[TopicPartition], timeout_ms: int) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, self.first)

    def committed(self, partition: TopicPartition, timeout_ms: int) -> int | None:
        return self.committed_offset

    def partitions_for_topic(self, topic: str) -> set[int]:
        return {0, 1}

    def group_metadata(self) -> Any:
        return SimpleNamespace(state=self.state)

    def subscription(self) -> set[str]:
        return {"etf"}

    def unsubscribe(self) -> None:
        self.joined -= 1

    def subscribe(self, topics: list[str]) -> None:
        assert topics == ["etf"]
        self.joined += 2

    # What the lag is measured by: a client that gets nothing believes that it is at the end.

    def highwater(self, partition: TopicPartition) -> int | None:
        return self.committed_offset

    def position(self, partition: TopicPartition, timeout_ms: int) -> int | None:
        return self.committed_offset


class Member:
    def __init__(self, broker: Broker, members: Callable[[], int] = lambda: 2) -> None:
        self.broker = broker
        self.now = 0.0
        self.lags: list[Lag] = []
        self.meter = LagMeter(broker, self.lags.extend, lambda: self.now)
        self.membership = Membership(broker, self.meter, members, lambda: self.now)

    def after(self, *pauses: float, is_busy: bool = False) -> int:
        """Look after each pause, and return how often the consumer has joined anew so far."""
        for seconds in pauses:
            self.now += seconds
            self.membership.look(is_busy)
        return self.broker.joined


@pytest.mark.parametrize(
    "broker",
    [
        Broker(end=6),
        Broker(committed_offset=None, end=6),
        Broker(committed_offset=2, first=4, end=6),
        Broker(mine=set()),
    ],
    ids=["a message", "never committed", "older ones are gone", "no partition"],
)
def test_who_is_told_twice_that_there_is_something_to_read_joins_anew(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    member = Member(broker)
    assert member.after(1, LATER, STALL_SECONDS - 1) == 0
    assert member.after(2) == 1
    assert "joining the group anew" in caplog.text and ("etf/0 has" in caplog.text) is bool(broker.mine)
    assert member.after(1, LATER) == 1, "it has time to read"
    assert member.after(LATER) == 2


@pytest.mark.parametrize(
    ("broker", "members"),
    [
        (Broker(), 2),
        (Broker(committed_offset=2, first=5), 2),
        (Broker(committed_offset=9), 2),
        (Broker(mine=set()), 3),
        (Broker(end=6, error=KafkaTimeoutError("no answer")), 2),
    ],
    ids=["all read", "all are gone", "a topic made anew", "more members than partitions", "the broker is away"],
)
def test_who_has_nothing_to_read_stays(broker: Broker, members: int) -> None:
    assert Member(broker, lambda: members).after(*[LATER] * 10) == 0


def test_a_backlog_that_shrinks_is_no_stall() -> None:
    member = Member(Broker(end=1000))
    for offset in range(5, 500):
        assert member.after(STALL_SECONDS / 2) == 0
        member.membership.committed({FIRST: offset})


def test_a_batch_in_hand_is_no_stall() -> None:
    member = Member(Broker(end=1000))
    assert member.after(*[LATER] * 10, is_busy=True) == 0


def test_a_message_that_comes_just_then_is_no_stall() -> None:
    member = Member(Broker(end=6))
    assert member.after(LATER) == 0
    member.membership.committed({FIRST: 6})
    member.broker.end = 7
    assert member.after(LATER) == 0


def test_a_commit_of_nothing_is_no_progress() -> None:
    member = Member(Broker(end=6))
    member.after(LATER)
    member.membership.committed({})
    assert member.after(LATER) == 1


def test_who_is_outside_joins_anew_sooner_and_asks_nobody() -> None:
    member = Member(Broker(state=MemberState.UNJOINED, error=AssertionError("asked")))
    assert member.after(REJOIN_SECONDS) == 0
    assert member.after(1) == 1
    assert member.after(LATER) == 2


def test_who_hears_nothing_of_the_broker_is_not_at_work_until_it_answers() -> None:
    """A client believes to be a stable member though its broker is away."""
    member = Member(Broker())
    member.broker._coordinator.heartbeat.last_reset = 0.0
    assert member.membership.is_at_work, "it has just joined"
    for answer in (3.0, 6.0, 100.0):
        member.broker.answer(answer)
        for silent, is_at_work in ((SILENT_SECONDS - 1, True), (SILENT_SECONDS, False)):
            member.now = answer + silent
            assert member.membership.is_at_work is is_at_work
    assert member.broker.group_metadata().state is MemberState.STABLE


@pytest.mark.parametrize("state", [MemberState.UNJOINED, MemberState.REBALANCING])
def test_who_is_outside_its_group_is_not_at_work(state: MemberState) -> None:
    member = Member(Broker(state=state))
    member.broker.answer(0.0)
    assert not member.membership.is_at_work


def test_the_lag_that_is_told_is_what_the_broker_says() -> None:
    """A client that gets nothing would say that it is at the end."""
    member = Member(Broker(end=8))
    member.meter.look(is_idle=False)
    member.after(LATER)
    member.meter.look(is_idle=False)
    assert member.lags == [Lag("etf", 0, 5, 5), Lag("etf", 0, 5, 8)]
    member.membership.committed({FIRST: 5})
    member.now += LATER
    member.meter.look(is_idle=False)
    assert member.lags[-1] == Lag("etf", 0, 5, 5), "it is read again"
