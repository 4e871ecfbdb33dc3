"""The process that sends one message through Apprise.

It reads an `Order` as JSON, and prints an `Outcome` of each channel, each in a line and as soon as it is known.
"""

import hashlib
import logging
import os
import re
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from queue import Empty, SimpleQueue
from typing import Any
from urllib.parse import quote, unquote

import msgspec

from alerts.channels import Address, Message, Order, Outcome, scheme_of

PARTS_OF_A_URL = re.compile(r"[/:@?&=,+\s]+")
SHORTEST_SECRET = 3
LONGEST_PROBLEM = 300
# Apprise warns that it failed, and says why beside it, as a detail for developers.
CAUSE = "Socket Exception: "


def main() -> None:
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    for outcome in deliver(order):
        sys.stdout.buffer.write(msgspec.json.encode(outcome) + b"\n")
        sys.stdout.flush()
    os._exit(0)  # A channel that never answers holds its thread.


def deliver(order: Order) -> Iterator[Outcome]:
    """Send the message through all channels at once, and yield how it went with each, the slowest last."""
    import apprise  # noqa: F401 - it takes seconds, which are none of the channels'

    words = _Words()
    logger = logging.getLogger("apprise")
    logger.addHandler(words)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    ended: SimpleQueue[_Delivery] = SimpleQueue()
    until = time.monotonic() + order.seconds
    at_work = [_Delivery(place, address, order.message, ended) for place, address in enumerate(order.addresses)]
    for delivery in at_work:
        delivery.start()
    while at_work:
        try:
            delivery = ended.get(timeout=max(0.0, until - time.monotonic()))
        except Empty:
            break
        at_work.remove(delivery)
        yield delivery.outcome(delivery.problem(words.of_thread))
    for delivery in at_work:
        late = f"no answer within {order.seconds:.0f} s"
        yield delivery.outcome(late if delivery.is_alive() else delivery.problem(words.of_thread))


class _Delivery(threading.Thread):
    """Sends through one channel. A thread that hangs does not hold up the others."""

    def __init__(self, place: int, address: Address, message: Message, ended: "SimpleQueue[_Delivery]") -> None:
        super().__init__(daemon=True)
        self._place = place
        self._url = address.url
        self._message = message
        self._ended = ended
        self._taken = dict.fromkeys(address.taken)
        self._was_sent = False
        self._error: str | None = None

    def run(self) -> None:
        try:
            self._send()
        except Exception as error:  # a plugin's own: some let those of their libraries through
            self._error = f"{type(error).__name__}: {error}"
        self._ended.put(self)

    def _send(self) -> None:
        from apprise import Apprise, NotifyFormat, OverflowMode

        channel = Apprise.instantiate(self._url, suppress_exceptions=True)
        if channel is None or isinstance(channel, list):
            self._error = "Apprise does not understand the rest of this address"
            return
        if "overflow=" not in self._url:
            channel.overflow_mode = OverflowMode.SPLIT
        self._remember_in(channel)
        self._was_sent = bool(
            channel.notify(title=self._message.subject, body=self._message.text, body_format=NotifyFormat.TEXT)
        )

    def _remember_in(self, channel: Any) -> None:
        """Take over what Apprise's plugins note of each recipient and piece of a message.

        By themselves they know it for as long as a process lives.
        """

        def fingerprint(key: object, per_message: bool) -> str:
            piece, _ = channel._slot(key, per_message)
            # A plain object marks all of a piece: its address says nothing.
            said = "" if type(key) is object else repr(key)
            return hashlib.sha256(f"{piece} {type(key).__name__} {said}".encode()).hexdigest()[:16]

        def is_delivered(key: object, per_message: bool = False) -> bool:
            return fingerprint(key, per_message) in self._taken

        def mark_delivered(key: object, per_message: bool = False) -> None:
            self._taken[fingerprint(key, per_message)] = None

        channel.is_delivered = is_delivered
        channel.mark_delivered = mark_delivered

    def problem(self, words: Mapping[int, list[str]]) -> str | None:
        """Return why the message was not taken, or None if it was. words: what Apprise said, by thread."""
        if self._was_sent:
            return None
        said = list(dict.fromkeys(words.get(self.ident or 0, [])))
        causes = [each.removeprefix(CAUSE) for each in said if each.startswith(CAUSE)]
        return self._error or "; ".join(causes or said) or "it did not take the message"

    def outcome(self, problem: str | None) -> Outcome:
        shown = without_secrets(problem.rstrip("."), self._url)[:LONGEST_PROBLEM] if problem else None
        return Outcome(self._place, scheme_of(self._url), shown, tuple(self._taken.copy()))


def without_secrets(text: str, url: str) -> str:
    """Return a text without any part of a channel's address behind the scheme: of many, the host is the key.

    >>> without_secrets("Failed to reach t0p-k3y: error=404", "slack://T0P-K3Y/B4C/more")
    'Failed to reach ***: error=404'
    """
    written = {part for part in PARTS_OF_A_URL.split(url.partition("://")[2]) if len(part) >= SHORTEST_SECRET}
    meant = {unquote(part) for part in written}
    parts = sorted(written | meant | {quote(part, safe="") for part in meant}, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, parts)), "***", text, flags=re.IGNORECASE) if parts else text


class _Words(logging.Handler):
    """Keeps what Apprise says went wrong, and why, by the thread that it speaks of."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.of_thread: dict[int, list[str]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        said = record.getMessage()
        if record.levelno >= logging.WARNING or said.startswith(CAUSE):
            self.of_thread.setdefault(record.thread or 0, []).append(said)


if __name__ == "__main__":
    main()
