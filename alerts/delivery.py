"""The process that sends one message through Apprise.

It reads an `Order` as JSON, and prints an `Outcome` of each channel.
"""

import logging
import os
import re
import sys
import threading
from collections.abc import Mapping
from urllib.parse import unquote

import msgspec

from alerts.channels import Message, Order, Outcome, scheme_of

PARTS_OF_A_URL = re.compile(r"[/:@?&=,+\s]+")
SHORTEST_SECRET = 3


def main() -> None:
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    sys.stdout.buffer.write(msgspec.json.encode(deliver(order)))
    sys.stdout.flush()
    os._exit(0)  # A channel that never answers holds its thread.


def deliver(order: Order) -> list[Outcome]:
    """Send the message through all channels at once, and give up those that take longer than the limit."""
    words = _Words()
    logging.getLogger("apprise").addHandler(words)
    logging.getLogger("apprise").propagate = False
    deliveries = [_Delivery(url, order.message) for url in order.urls]
    for delivery in deliveries:
        delivery.start()
    for delivery in deliveries:
        delivery.join(order.seconds)
    return [delivery.outcome(words.of_thread, order.seconds) for delivery in deliveries]


class _Delivery(threading.Thread):
    """Sends through one channel. A thread that hangs does not hold up the others."""

    def __init__(self, url: str, message: Message) -> None:
        super().__init__(daemon=True)
        self._url = url
        self._message = message
        self._problem: str | None = None
        self._was_sent = False

    def run(self) -> None:
        from apprise import Apprise, NotifyFormat

        channel = Apprise.instantiate(self._url, suppress_exceptions=True)
        if channel is None or isinstance(channel, list):
            self._problem = "Apprise does not understand the rest of this address"
            return
        try:
            self._was_sent = bool(
                channel.notify(title=self._message.subject, body=self._message.text, body_format=NotifyFormat.TEXT)
            )
        except Exception as error:  # a plugin's own: some let those of their libraries through
            self._problem = without_secrets(f"{type(error).__name__}: {error}", self._url)

    def outcome(self, words: Mapping[int, list[str]], seconds: float) -> Outcome:
        scheme = scheme_of(self._url)
        if self._was_sent:
            return Outcome(scheme)
        if self.is_alive():
            return Outcome(scheme, f"no answer within {seconds:.0f} s")
        last = next(reversed(words.get(self.ident or 0, [])), "it did not take the message")
        return Outcome(scheme, self._problem or without_secrets(last.rstrip("."), self._url))


def without_secrets(text: str, url: str) -> str:
    """Return a text without any part of a channel's address behind the scheme: of many, the host is the key.

    >>> without_secrets("Failed to reach T0P-K3Y: error=404", "slack://T0P-K3Y/B4C/more")
    'Failed to reach ***: error=404'
    """
    parts = {part for part in PARTS_OF_A_URL.split(url.partition("://")[2]) if len(part) >= SHORTEST_SECRET}
    for part in sorted(parts | {unquote(part) for part in parts}, key=len, reverse=True):
        text = text.replace(part, "***")
    return text


class _Words(logging.Handler):
    """Keeps what Apprise says, by the thread that it speaks of."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.of_thread: dict[int, list[str]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        self.of_thread.setdefault(record.thread or 0, []).append(record.getMessage())


if __name__ == "__main__":
    main()
