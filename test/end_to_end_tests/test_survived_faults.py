"""Faults in the middle of the line: the short form of `./start.sh bench chaos`, of faults that are over in seconds.

It empties the tables, so it comes after the tests that look at them.
"""

import pytest

from ops.bench.chaos import Round, choose, play, show
from ops.bench.chaos_faults import kinds
from ops.bench.chaos_field import Field
from ops.testing import STACK

FAULTS = ("kill -9 consumer-stock-daily", "kill -9 spark-driver", "consumers rebalance")


@pytest.fixture(scope="module")
def played() -> list[Round]:
    field = Field(STACK, patience_seconds=120)
    return list(play(field, choose(kinds(field), FAULTS), rounds=1))


def test_nothing_is_lost_or_doubled_and_nobody_is_needed(played: list[Round]) -> None:
    show(played)
    assert [each.fault for each in played] == ["none", *FAULTS]
    assert [(str(each.difference), each.problem) for each in played] == [("0 lost, 0 doubled, 0 wrong", None)] * 4
