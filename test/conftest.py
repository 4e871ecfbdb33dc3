"""What the tests of every ring have: a Spark session in this process, and logging that no test leaves changed."""

import logging
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


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """Start a session with the jobs' own settings. Its tasks run in this process."""
    # Not at the top: most tests need neither Spark nor its imports.
    from config.config import Settings
    from utils.spark_utils import session

    started = session(replace(Settings.from_env().spark, master_url="local[1]"), "tests")
    yield started
    started.stop()
