"""What the tests of every ring have: a Spark session, and logging and signals that no test leaves changed."""

import logging
import signal
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Take back what a command under test configured: its handler writes to an output that ends with the test."""
    root = logging.getLogger()
    level = root.level
    yield
    root.setLevel(level)
    for handler in [each for each in root.handlers if type(each) is logging.StreamHandler]:
        root.removeHandler(handler)


@pytest.fixture
def no_signal_is_ignored() -> Iterator[None]:
    """Let a run of the tests under nohup, which ignores SIGHUP, find what another one does."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGTERM, signal.SIGHUP)}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """Start a session with the jobs' own settings. Its tasks run in this process."""
    # Not at the top: most tests need neither Spark nor its imports.
    from config.config import Settings
    from utils.spark_utils import session

    started = session(replace(Settings.from_env().spark, master_url="local[1]"), "tests")
    yield started
    started.stop()
