"""How all commands end: the exit code, one line on standard error, and of some an object as the last line of output.

0: done. 2: the request cannot be met. 130: interrupted with Ctrl-C. 1: anything else went wrong.
"""

import argparse
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

import msgspec

from config.config import ConfigError
from utils.errors import ActstockError, InvalidInput
from utils.reasons import Reason, reason

INTERRUPTED = 130
# The settings or the universe are wrong: whoever corrects them has to start the command again.
WRONG_SETTINGS = (ConfigError,)


class Failure(msgspec.Struct, frozen=True):
    """Why a command failed, for the program that started it. code: the kind of error. retryable: a retry can help."""

    code: str
    message: str
    retryable: bool
    reason: Reason


class _LastLine(msgspec.Struct, frozen=True):
    error: Failure


def exit_code(error: Exception) -> int:
    """Return the exit code of an error: 2 where the request or the settings have to be changed."""
    return 2 if isinstance(error, (InvalidInput, *WRONG_SETTINGS)) else 1


def failure_of(error: Exception) -> Failure:
    """Describe an error of the platform, or of its settings."""
    if isinstance(error, ActstockError):
        return Failure(type(error).__name__, str(error), error.retryable, error.reason)
    return Failure(type(error).__name__, str(error), False, reason("text", text=str(error)))


def failure_in(lines: Iterable[str]) -> Failure | None:
    """Return the failure that the last line with one tells of.

    Other lines are the log's, which may be JSON, too.

    >>> failure_in(['{"level": "WARN"}', "error: no price"])
    """
    for line in reversed(list(lines)):
        try:
            return msgspec.json.decode(line, type=_LastLine).error
        except msgspec.DecodeError:
            continue
    return None


def print_failure(failure: Failure, beside: dict[str, Any] | None = None) -> None:
    """Print a failure as an object, which is the last line of output. beside: what else the object has."""
    print(msgspec.json.encode({**(beside or {}), "error": failure}).decode(), flush=True)


@contextmanager
def interrupted_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end a block as Ctrl-C does, so that it tidies up."""
    with _handled((signal.SIGTERM, signal.SIGHUP), _interrupt):
        yield


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Put Ctrl-C, SIGTERM and SIGHUP off to the end of a short block that is done whole or not at all."""
    heard: list[int] = []
    with _handled((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), lambda number, _: heard.append(number)):
        yield
    for number in heard:
        signal.raise_signal(number)


@contextmanager
def _handled(numbers: Iterable[int], handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """Handle signals for a block. What is ignored (nohup) stays so."""
    before = {number: signal.getsignal(number) for number in numbers}
    heard = {number: known for number, known in before.items() if known is not signal.SIG_IGN}
    for number in heard:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, known in heard.items():
            signal.signal(number, known)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def require_no_arguments(description: str | None, words: Sequence[str] | None = None) -> None:
    """Answer --help of a command that takes nothing else, and end it with code 2 where anything else is given.

    words: None is what the process was started with
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args(words)


def exit_code_of(command: Callable[[], object], has_object: bool = False) -> int:
    """Run a command and return its exit code. Print an error as one line.

    has_object: print it also as an object on standard output
    """
    try:
        command()
    except (ActstockError, *WRONG_SETTINGS) as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        if has_object:
            print_failure(failure_of(error))
        return exit_code(error)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr, flush=True)
        return INTERRUPTED
    return 0
