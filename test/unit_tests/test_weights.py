"""Weights and cash: shares of the scores, capped, always one in sum."""

import math
import random

import pytest

from batch.weights import weights_of


def test_weights_are_shares_of_the_scores() -> None:
    assert weights_of({"A": 3.0, "B": 1.0}) == ({"A": 0.75, "B": 0.25}, 0.0)


def test_tiny_scores_keep_their_proportions() -> None:
    positions, cash = weights_of({"A": 3e-13, "B": 1e-13})
    assert positions == pytest.approx({"A": 0.75, "B": 0.25}, rel=1e-12)
    assert cash == 0.0


def test_excess_goes_to_the_others_in_proportion() -> None:
    positions, cash = weights_of({"A": 80.0, "B": 15.0, "C": 5.0}, cap=0.5)
    assert positions == pytest.approx({"A": 0.5, "B": 0.375, "C": 0.125})
    assert cash == 0.0


def test_excess_that_lifts_another_above_the_cap_goes_on() -> None:
    positions, cash = weights_of({"A": 80.0, "B": 15.0, "C": 5.0}, cap=0.4)
    assert positions == pytest.approx({"A": 0.4, "B": 0.4, "C": 0.2})
    assert cash == 0.0


def test_what_nobody_may_hold_is_cash() -> None:
    positions, cash = weights_of({"A": 80.0, "B": 20.0}, cap=0.3)
    assert positions == {"A": 0.3, "B": 0.3}
    assert cash == pytest.approx(0.4)


def test_one_position_without_a_cap_takes_everything() -> None:
    assert weights_of({"A": 1e-14}) == ({"A": 1.0}, 0.0)


def test_nobody_leaves_everything_in_cash() -> None:
    assert weights_of({}) == ({}, 1.0)


@pytest.mark.parametrize("cap", [0.02, 0.1, 0.125, 1 / 3, 0.5, 0.999, 1.0])
def test_the_sum_is_one_and_no_weight_leaves_its_bounds(cap: float) -> None:
    chance = random.Random(7)
    for count in range(1, 30):
        scores = {f"T{number}": 10 ** chance.uniform(-16, -9) for number in range(count)}
        positions, cash = weights_of(scores, cap)
        assert math.fsum(positions.values()) + cash == pytest.approx(1.0, abs=1e-12)
        assert all(0 < weight <= cap for weight in positions.values())
        assert cash == pytest.approx(max(0.0, 1 - count * cap), abs=1e-12)
        below = [ticker for ticker, weight in positions.items() if weight < cap]
        shares = [positions[ticker] / scores[ticker] for ticker in below]
        assert all(share == pytest.approx(shares[0], rel=1e-9) for share in shares)
