"""A Spark session in this process, for the tests of every ring."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """Start a session with the jobs' own settings. Its tasks run in this process."""
    # Not at the top: most tests need neither Spark nor its imports.
    from config.config import Settings
    from utils.spark_utils import session

    started = session(replace(Settings.from_env().spark, master_url="local[1]"), "tests")
    yield started
    started.stop()
