"""Errors -> kinds of problems: the table, walked."""

import pytest

from api.errors import KINDS, kind_of
from utils import errors


@pytest.mark.parametrize(
    ("error", "kind", "status"),
    [
        (errors.NotASession, "NotASession", 422),
        (errors.InvalidInput, "InvalidInput", 422),
        (errors.UnknownTicker, "UnknownTicker", 404),
        (errors.UnknownSector, "UnknownSector", 404),
        (errors.UnknownEvidence, "UnknownEvidence", 404),
        (errors.EvidenceChanged, "EvidenceChanged", 500),
        (errors.UnknownExchange, "InvalidInput", 422),
        (errors.NotPublished, "NotPublished", 404),
        (errors.DatabaseUnavailable, "DatabaseUnavailable", 503),
        (errors.NotStored, "ActstockError", 500),
        (errors.ActstockError, "ActstockError", 500),
    ],
)
def test_the_most_specific_kind_counts(error: type[errors.ActstockError], kind: str, status: int) -> None:
    assert kind_of(error("x")) == kind
    assert KINDS[kind].status == status


def test_every_error_has_a_kind() -> None:
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.ActstockError)
    ]

    assert len(kinds) > 10
    assert {kind_of(kind("x")) for kind in kinds} <= set(KINDS)
