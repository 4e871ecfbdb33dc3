"""The API on a real Postgres, logged in as in production."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from config.config import DatabaseSettings
from sample_api import api_on, execute


@pytest.fixture
def empty_api(empty_database: DatabaseSettings) -> Iterator[TestClient]:
    with api_on(empty_database) as client:
        yield client


@pytest.fixture(scope="module")
def api(
    request: pytest.FixtureRequest, sample_database: DatabaseSettings, reader_of_sample: DatabaseSettings
) -> Iterator[TestClient]:
    """Run the API on the sample database, which a module's TROUBLES have changed before."""
    if troubles := getattr(request.module, "TROUBLES", None):
        execute(sample_database, troubles)
    with api_on(reader_of_sample) as client:
        yield client
