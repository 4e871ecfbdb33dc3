"""Sees to it that a consumer stays in its group, and reads its share of the topic."""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from kafka.structs import MemberState

from utils.lag import LagMeter

log = logging.getLogger(__name__)

REJOIN_SECONDS = 20.0  # longer than the broker waits for the others of a new group
# After so long without a commit the broker is asked whether there is anything to read. Asked twice, it is sure.
STALL_SECONDS = 60.0
ANSWER_MS = 2000
# The client says every three seconds that it is there. A broker that does not answer that for so long is away.
SILENT_SECONDS = 15.0

NOT_KNOWN = 2**31


class Membership:
    """A consumer's place in its group, which it takes anew when the place is none.

    A rejoin that begins in a poll of no length may be forgotten by the client (kafka-python 3.0.12): it goes on
    fetching, cannot commit, and is expelled without a word. Or it is a member that gets no message of its partitions.
    """

    def __init__(
        self,
        consumer: Any,
        meter: LagMeter,
        count_members: Callable[[], int] = lambda: NOT_KNOWN,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Watch a consumer. count_members: asks the broker how many members the group has."""
        self._consumer = consumer
        self._meter = meter
        self._count_members = count_members
        self._clock = clock
        self._stable_at = self._asked_at = clock()
        self._trouble = ""

    @property
    def is_stable(self) -> bool:
        return self._consumer.group_metadata().state is MemberState.STABLE

    @property
    def is_at_work(self) -> bool:
        """Whether the consumer gets what is sent: it is a stable member, and the broker has answered lately."""
        # A client that has lost its broker stays a stable member in its own eyes, for as long as that takes.
        heartbeat = self._consumer._coordinator.heartbeat
        heard_at = max(heartbeat.last_receive, heartbeat.last_reset)  # the latter is when it joined
        return self.is_stable and self._clock() - heard_at < SILENT_SECONDS

    def is_restored(self) -> bool:
        """Look, and tell whether the consumer is a stable member."""
        self._keep_place()
        return self.is_stable

    def look(self, is_busy: bool) -> None:
        """Join the group anew if that is what it takes. is_busy: a batch is being handled, so nothing is missed yet."""
        self._keep_place()
        if self.is_stable and not is_busy and self._clock() - self._asked_at > STALL_SECONDS:
            self._ask()

    def committed(self, ends: Mapping[Any, int]) -> None:
        """Remember that something was committed, up to these offsets."""
        if ends:
            self._asked_at, self._trouble = self._clock(), ""
        self._meter.committed(ends)

    def _keep_place(self) -> None:
        """Join anew after REJOIN_SECONDS outside the group."""
        now = self._clock()
        if self.is_stable:
            self._stable_at = now
        elif now - self._stable_at > REJOIN_SECONDS:
            self._join_anew(f"no member of the group for {now - self._stable_at:.0f} s")

    def _ask(self) -> None:
        """Join anew if the broker says that something is to be read, as it did the last time."""
        before, self._trouble, self._asked_at = self._trouble, self._ask_for_trouble(), self._clock()
        if before and self._trouble:
            self._join_anew(f"{self._trouble}, and nothing was stored for {2 * STALL_SECONDS:.0f} s")

    def _ask_for_trouble(self) -> str:
        """Return what there is to read, or nothing."""
        try:
            mine = self._consumer.assignment()
            return self._behind(mine) if mine else self._without_share()
        except Exception as error:
            # In the middle of a rebalance the client may raise anything, and a broker that is away is nobody's stall.
            log.warning("it is not known whether there is anything to read: %s", error)
            return ""

    def _behind(self, mine: set[Any]) -> str:
        ends = self._consumer.end_offsets(list(mine), timeout_ms=ANSWER_MS)
        firsts = self._consumer.beginning_offsets(list(mine), timeout_ms=ANSWER_MS)
        self._meter.ends(ends)
        waiting = {part: end - max(firsts[part], self._committed_of(part)) for part, end in ends.items()}
        return ", ".join(f"{part.topic}/{part.partition} has {n} messages" for part, n in waiting.items() if n > 0)

    def _committed_of(self, partition: Any) -> int:
        return self._consumer.committed(partition, timeout_ms=ANSWER_MS) or 0

    def _without_share(self) -> str:
        partitions = sum(len(self._consumer.partitions_for_topic(topic)) for topic in self._consumer.subscription())
        members = self._count_members()
        return f"none of {partitions} partitions for one of {members} members" if members <= partitions else ""

    def _join_anew(self, why: str) -> None:
        log.warning("%s: joining the group anew", why)
        topics = list(self._consumer.subscription())
        self._consumer.unsubscribe()
        self._consumer.subscribe(topics)
        self._stable_at = self._asked_at = self._clock()
        self._trouble = ""
