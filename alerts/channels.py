"""Send a message through the channels of ALERT_URLS, within a time limit.

A process of its own sends it (`alerts.delivery`). Apprise takes more memory than the watcher, and a process can be
ended where a server holds a connection open and says nothing.
"""

import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from threading import Timer

import msgspec

from config.config import ConfigError
from utils.errors import AlertNotSent

SECONDS = 30.0
# Beyond the limit of each channel: to start the process and import Apprise.
START_SECONDS = 20.0


class Message(msgspec.Struct, frozen=True):
    """What a person gets. text: plain text with line breaks."""

    subject: str
    text: str


class Address(msgspec.Struct, frozen=True):
    """A channel, and which parts of the message are not to be sent again.

    taken: fingerprints of recipients and pieces that an earlier Outcome named
    """

    url: str
    taken: tuple[str, ...] = ()


class Order(msgspec.Struct, frozen=True):
    """What the sending process is asked for. seconds: after these no channel is waited for; all work at once."""

    addresses: tuple[Address, ...]
    message: Message
    seconds: float


class Outcome(msgspec.Struct, frozen=True):
    """How it went with one channel.

    place: of its address in the order
    problem: why it did not take all of the message, None: it did
    taken: the parts that it has, those from before among them
    """

    place: int
    scheme: str
    problem: str | None = None
    taken: tuple[str, ...] = ()


def scheme_of(url: str) -> str:
    """Return what may be shown of a channel. All that follows may be a password or a key.

    >>> scheme_of("mailtos://me:secret@example.org")
    'mailtos'
    """
    return url.partition("://")[0]


def send(urls: Sequence[str], message: Message, seconds: float = SECONDS) -> list[str]:
    """Send a message through every channel, and return the channels' schemes.

    AlertNotSent names the channels that did not take it. The others have it.
    """
    if not urls:
        raise ConfigError(
            "ALERT_URLS is not set, so there is nobody to send to: put a channel into .env, such as "
            "ALERT_URLS=mailtos://user:password@example.org (docs/operating.md, Alerts)"
        )
    outcomes = sorted(deliver(map(Address, urls), message, seconds), key=lambda outcome: outcome.place)
    problems = [f"{each.scheme} ({each.problem})" for each in outcomes if each.problem]
    taken = [each.scheme for each in outcomes if not each.problem]
    if problems:
        others = f"; sent through {', '.join(taken)}" if taken else ""
        raise AlertNotSent(f"not sent through {', '.join(problems)}{others}. The channels are in ALERT_URLS")
    return taken


def deliver(addresses: Iterable[Address], message: Message, seconds: float = SECONDS) -> Iterator[Outcome]:
    """Send a message through every channel, and yield how it went with each as soon as it is known."""
    order = Order(tuple(addresses), message, seconds)
    left = set(range(len(order.addresses)))
    problem = "the sending process ended before it said anything of it"
    try:
        for outcome in _outcomes(order):
            left.remove(outcome.place)
            yield outcome
    except (OSError, msgspec.DecodeError) as error:
        problem = f"the sending process failed: {type(error).__name__}"
    for place in sorted(left):
        address = order.addresses[place]
        yield Outcome(place, scheme_of(address.url), problem, address.taken)


def _outcomes(order: Order) -> Iterator[Outcome]:
    """Run the sending process, and yield what it says, a line for each channel."""
    with subprocess.Popen(
        [sys.executable, "-m", "alerts.delivery"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdin and process.stdout
        limit = Timer(order.seconds + START_SECONDS, process.kill)
        limit.start()
        try:
            process.stdin.write(msgspec.json.encode(order))
            process.stdin.close()
            for line in process.stdout:
                yield msgspec.json.decode(line, type=Outcome)
        finally:
            limit.cancel()
            process.kill()
