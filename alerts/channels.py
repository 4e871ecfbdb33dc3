"""Send a message through the channels of ALERT_URLS, within a time limit.

A process of its own sends it (`alerts.delivery`). Apprise takes more memory than the watcher, and a process can be
ended where a server holds a connection open and says nothing.
"""

import subprocess
import sys
from collections.abc import Sequence

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


class Order(msgspec.Struct, frozen=True):
    """What the sending process is asked for. seconds: the limit of each channel; all work at once."""

    urls: tuple[str, ...]
    message: Message
    seconds: float


class Outcome(msgspec.Struct, frozen=True):
    """How it went with one channel. problem: why it did not take the message, None: it did."""

    scheme: str
    problem: str | None = None


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
    outcomes = deliver(urls, message, seconds)
    problems = [f"{each.scheme} ({each.problem})" for each in outcomes if each.problem]
    taken = [each.scheme for each in outcomes if not each.problem]
    if problems:
        others = f"; sent through {', '.join(taken)}" if taken else ""
        raise AlertNotSent(f"not sent through {', '.join(problems)}{others}. The channels are in ALERT_URLS")
    return taken


def deliver(urls: Sequence[str], message: Message, seconds: float = SECONDS) -> list[Outcome]:
    """Send a message through every channel, and return how it went with each."""
    order = Order(tuple(urls), message, seconds)
    limit = order.seconds + START_SECONDS
    try:
        done = subprocess.run(
            [sys.executable, "-m", "alerts.delivery"],
            input=msgspec.json.encode(order),
            capture_output=True,
            timeout=limit,
            check=True,
        )
        return msgspec.json.decode(done.stdout, type=list[Outcome])
    except subprocess.TimeoutExpired:
        problem = f"the sending process took longer than {limit:.0f} s"
    except (OSError, subprocess.CalledProcessError, msgspec.DecodeError) as error:
        problem = f"the sending process failed: {type(error).__name__}"
    return [Outcome(scheme_of(url), problem) for url in order.urls]
