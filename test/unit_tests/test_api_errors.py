"""Errors -> statuses: the table, walked."""

import pytest

from api.errors import STATUS_OF, status_of
from utils import errors


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (errors.NotASession, 422),
        (errors.InvalidInput, 422),
        (errors.UnknownTicker, 404),
        (errors.UnknownSector, 404),
        (errors.NotPublished, 404),
        (errors.DatabaseUnavailable, 503),
        (errors.NotStored, 500),
        (errors.ActstockError, 500),
    ],
)
def test_status_of_the_most_specific_class(kind: type[errors.ActstockError], status: int) -> None:
    assert status_of(kind("x")) == status


def test_every_error_the_api_can_meet_has_a_status() -> None:
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.ActstockError)
    ]

    assert len(kinds) > 10
    assert {status_of(kind("x")) for kind in kinds} <= set(STATUS_OF.values())
