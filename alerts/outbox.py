"""Messages on their way: which channels lack one, which parts of it they have, and when each is tried again."""

import hashlib
import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from msgspec import Struct, structs

from alerts import messages
from alerts.channels import Address, Message, Outcome, deliver, scheme_of
from alerts.entries import Entry

log = logging.getLogger(__name__)

# After a try that failed, so long until the next one, and each time twice as long up to the limit.
TRY_AGAIN = timedelta(minutes=5)
LONGEST_WAIT = timedelta(hours=1)
# So long is a message kept that says what has been.
KEPT = timedelta(days=7)


class Pending(Struct):
    """A channel that lacks a message.

    again_at: not to be tried before; None: not tried yet
    taken: the parts that it has, as an Outcome names them
    problem: why it did not take the rest
    """

    tries: int = 0
    again_at: datetime | None = None
    taken: tuple[str, ...] = ()
    problem: str = ""


class Letter(Struct):
    """A message of incidents of one kind, or another one.

    lacking: by place in the outbox's channels
    entries: the incidents as they were when the message was written
    """

    at: datetime
    lacking: dict[int, Pending]
    entries: list[Entry] = []
    message: Message | None = None

    def words(self, language: str) -> Message:
        return self.message or messages.of_entries(self.entries, language)

    @property
    def is_news(self) -> bool:
        """Whether it tells what goes on, and not only what has been."""
        return bool(self.entries) and not self.entries[0].over_at


class Outbox(Struct):
    """The messages that not every channel has. Of an incident only the newest is among them.

    channels: digests of the addresses in ALERT_URLS, in their order; an older journal has none
    """

    letters: list[Letter] = []
    channels: list[str] = []

    def readdress(self, urls: Sequence[str]) -> None:
        """Have what a channel lacks follow it to its place in ALERT_URLS. To be done before any message is put."""
        digests = [_digest_of(url) for url in urls]
        before = self.channels or digests
        self.channels = digests
        places = {old: new for old in range(len(before)) if (new := _new_place(old, before, digests)) is not None}
        lost = 0
        for letter in self.letters:
            lost += len(letter.lacking.keys() - places)
            letter.lacking = {places[old]: each for old, each in letter.lacking.items() if old in places}
        if lost:
            log.warning("%d messages are not sent to channels that ALERT_URLS no longer has", lost)

    def put(self, letter: Letter) -> None:
        """Add a message. What is said of the same incidents and was not taken yet is not sent any more."""
        self.withdraw(entry.key for entry in letter.entries)
        if letter.lacking:
            self.letters.append(letter)

    def withdraw(self, keys: Iterable[str]) -> None:
        gone = set(keys)
        for letter in self.letters:
            if letter.entries:
                letter.entries = [entry for entry in letter.entries if entry.key not in gone]
        self.letters = [letter for letter in self.letters if letter.entries or letter.message]

    def send(self, urls: Sequence[str], language: str, now: datetime) -> Iterator[None]:
        """Send to each channel what it lacks. Yields after each outcome, which is to be kept before the next.

        What was tried least goes first, so that a message that is refused holds up none. A channel that takes nothing
        is left alone until the next round.
        """
        silent: set[int] = set()
        self._drop(len(urls), now)
        for letter in sorted(self.letters, key=lambda letter: min(each.tries for each in letter.lacking.values())):
            due = [place for place, each in letter.lacking.items() if place not in silent and _is_due(each, now)]
            addresses = [Address(urls[place], letter.lacking[place].taken) for place in due]
            for outcome in deliver(addresses, letter.words(language)) if addresses else ():
                place = due[outcome.place]
                if outcome.problem is None:
                    del letter.lacking[place]
                elif not _note(letter.lacking[place], outcome, now):
                    silent.add(place)
                yield
        self._drop(len(urls), now)

    def troubles(self, urls: Sequence[str]) -> str:
        """Say which channels lack something, and why."""
        waiting = [(place, each.problem) for letter in self.letters for place, each in letter.lacking.items()]
        said = [f"{scheme_of(urls[place])}: {problem}" for place, problem in waiting if problem and place < len(urls)]
        return "; ".join(dict.fromkeys(said))

    def _drop(self, channels: int, now: datetime) -> None:
        """Drop what no channel lacks any more, and what is too old to be told."""
        for letter in self.letters:
            letter.lacking = {place: each for place, each in letter.lacking.items() if place < channels}
        lacking = [letter for letter in self.letters if letter.lacking]
        self.letters = [letter for letter in lacking if letter.is_news or now - letter.at < KEPT]
        if given_up := len(lacking) - len(self.letters):
            log.error("%d messages that a channel did not take within %d days are given up", given_up, KEPT.days)


def letter_of(entries: Sequence[Entry], channels: int, now: datetime) -> Letter:
    """Return the message about incidents, which every channel lacks."""
    return Letter(now, _all_of(channels), [structs.replace(entry) for entry in entries])


def letter_with(message: Message, channels: int, now: datetime) -> Letter:
    return Letter(now, _all_of(channels), message=message)


def _all_of(channels: int) -> dict[int, Pending]:
    return {place: Pending() for place in range(channels)}


def _digest_of(url: str) -> str:
    """Return what tells a channel from the others: so short that very many passwords have the same."""
    return hashlib.sha256(url.encode()).hexdigest()[:4]


def _new_place(old: int, before: Sequence[str], now: Sequence[str]) -> int | None:
    """Return where a channel is now. One whose address was changed in its place, as for a new password, is the same."""
    digest, there = before[old], now[old] if old < len(now) else None
    if digest in now and digest != there:
        return now.index(digest)
    return old if digest == there or (there and there not in before) else None


def _is_due(pending: Pending, now: datetime) -> bool:
    return pending.again_at is None or pending.again_at <= now


def _note(pending: Pending, outcome: Outcome, now: datetime) -> bool:
    """Note a try that failed, and return whether a part was taken."""
    has_come_on = len(outcome.taken) > len(pending.taken)
    pending.tries += 1
    pending.again_at = now + min(TRY_AGAIN * 2 ** min(pending.tries - 1, 10), LONGEST_WAIT)
    pending.taken = outcome.taken
    pending.problem = outcome.problem or ""
    return has_come_on
