"""Fixtures of more than one ring: a Spark session in this process, and the helper modules that tests cannot import."""

from collections.abc import Iterator
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

HELPERS = Path(__file__).with_name("helpers")


def helper(name: str) -> ModuleType:
    spec = spec_from_file_location(f"test_helpers_{name}", HELPERS / f"{name}.py")
    assert spec and spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def market_rows() -> ModuleType:
    """A market's whole history as rows of the collected tables."""
    return helper("market_rows")


@pytest.fixture(scope="session")
def reference() -> ModuleType:
    """The analysis once more, in plain pandas."""
    return helper("reference")


@pytest.fixture(scope="session")
def samples() -> ModuleType:
    """A dashboard on an API that answers from a dictionary, and readers of what it draws."""
    return helper("dashboard_samples")


@pytest.fixture(scope="session")
def simulation() -> ModuleType:
    """Portfolios lived through day by day, in plain pandas."""
    return helper("simulation")


@pytest.fixture(scope="session")
def replies() -> ModuleType:
    """A loopback server that answers the Yahoo client as a test tells it to."""
    return helper("yahoo_server")


@pytest.fixture(scope="session")
def browsing() -> ModuleType:
    """The dashboard's processes, and a page of it in a real browser."""
    return helper("browsing")


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """A session with the jobs' own settings, its tasks in this process."""
    from config.config import Settings
    from utils.spark_utils import session

    started = session(replace(Settings.from_env().spark, master_url="local[1]"), "tests")
    yield started
    started.stop()
