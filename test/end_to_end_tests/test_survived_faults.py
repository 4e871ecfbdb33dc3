"""Faults in the middle of the line: the short form of `./start.sh bench chaos`, of faults that are over in seconds.

It empties the tables, so it comes after the tests that look at them.
"""

from ops.bench.chaos import play_round, show, undisturbed
from ops.bench.chaos_faults import kinds
from ops.bench.chaos_field import Field
from ops.native.stack import Stack

FAULTS = (
    "kill -9 consumer-stock-daily",
    "kill -9 spark-driver",
    "consumers rebalance",
    "consumers frozen",
    "topic made anew",
    "poison",
)
RUN_SECONDS = 300


def test_nothing_is_lost_or_doubled_and_nobody_is_needed(stack: Stack) -> None:
    field = Field(stack, patience_seconds=RUN_SECONDS)
    session = field.market.market().last_session
    known = kinds(field)
    with field.without_noise():
        truth, usual_seconds = undisturbed(field, session)
        played = [play_round(field, session, truth, known[name], 1, usual_seconds) for name in FAULTS]
    show(played)

    assert truth.total() > 1_000
    assert [(str(each.difference), each.problem) for each in played] == [("0 lost, 0 doubled, 0 wrong", None)] * len(
        FAULTS
    )
