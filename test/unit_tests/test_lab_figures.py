"""The lab's figures against the plainest formulas, and against what they have to be on constructed series."""

import math
from datetime import date

import numpy as np
import pytest

from lab import Floats
from lab.bootstrap import best_block, block_length, counts, interval, resampled_means
from lab.common import growth_a_year, volatility_a_year, worst_year
from lab.invented import weekdays
from lab.overfitting import choices, overfitting_probability, walk_forward
from lab.panel import Panel
from lab.sharpe import (
    deflated_sharpe_ratio,
    expected_best,
    probabilistic_sharpe_ratio,
    sessions_needed,
    sharpe_ratio,
    yearly,
)
from lab.superiority import superiority
from lab.variants import Variant
from lab_reference import overfitting, probabilistic, resampled
from lab_reference import superiority as plain_superiority


@pytest.fixture
def series() -> Floats:
    """Five variants with a common part: one is good, one is clearly bad."""
    random = np.random.default_rng(11)
    common = random.standard_t(5, (400, 1)) * 0.005
    means = np.array([0.0, 0.001, -0.003, 0.0002, 0.0])
    drawn: Floats = common + random.standard_normal((400, 5)) * 0.006 + means
    return drawn


def free(returns: Floats) -> Panel:
    """Return variants that trade nothing, and between which the change is free, above a flat benchmark."""
    rows, columns = returns.shape
    nothing = np.zeros_like(returns)
    names = tuple(Variant(5 + at, 0, 0, "seed", "daily", "etf", 1.0) for at in range(columns))
    changes = dict.fromkeys(range(rows), np.zeros((columns, columns)))
    flags = np.zeros((rows, columns), dtype=np.bool_)
    return Panel(names, weekdays(rows), returns, nothing, nothing, np.zeros(rows), flags, changes=changes)


def autocorrelated(strength: float, count: int = 2000) -> Floats:
    shocks = np.random.default_rng(2).standard_normal(count)
    for at in range(1, count):
        shocks[at] += strength * shocks[at - 1]
    return shocks


@pytest.mark.parametrize(("sessions", "block"), [(7, 1.0), (100, 5.0), (50, 40.0), (30, 300.0)])
def test_each_resample_has_as_many_sessions(sessions: int, block: float) -> None:
    drawn = np.concatenate(list(counts(sessions, block, 500, np.random.default_rng(1))))
    assert drawn.shape == (500, sessions)
    assert (drawn.sum(axis=1) == sessions).all()
    assert (drawn >= 0).all()


def test_every_session_is_drawn_alike() -> None:
    """Also the first and the last, which blocks reach around the end."""
    drawn = np.concatenate(list(counts(20, 6.0, 40_000, np.random.default_rng(1))))
    assert drawn.mean(axis=0) == pytest.approx(np.ones(20), abs=0.04)


@pytest.mark.parametrize("block", [1.0, 5.0, 30.0])
def test_resampled_means_spread_as_when_drawn_one_by_one(block: float) -> None:
    series = autocorrelated(0.6, 200)[:, None]
    plain = resampled(series, block, 3_000, seed=1)
    ours = resampled_means(series, block, 30_000, np.random.default_rng(1))
    assert ours.mean() == pytest.approx(series.mean(), abs=0.01)
    assert ours.std() == pytest.approx(plain.std(), rel=0.05)


def test_the_same_seed_draws_the_same(series: Floats) -> None:
    first, second = (resampled_means(series, 5.0, 50, np.random.default_rng(4)) for _ in range(2))
    assert (first == second).all()


def test_blocks_grow_with_dependence() -> None:
    lengths = [block_length(autocorrelated(strength)) for strength in (0.0, 0.3, 0.7)]
    assert lengths[0] < 5 < lengths[1] < lengths[2]
    assert best_block(np.column_stack([autocorrelated(0.0)] * 3)) == 5.0


def test_the_interval_is_mirrored_around_the_mean() -> None:
    """The basic interval: a resampled mean that is too high says that the mean itself may be."""
    means = np.concatenate([np.full(50, 1.0), np.full(50, 4.0)])
    assert interval(means, 2.0) == (0.0, 3.0)


def test_superiority_is_hansens(series: Floats) -> None:
    means = resampled_means(series, 5.0, 400, np.random.default_rng(1))
    for columns in ([0, 1, 2, 3, 4], [0, 2, 4], [2, 3]):
        found = superiority(series[:, columns].mean(axis=0), means[:, columns], len(series))
        assert found.p_value == plain_superiority(series[:, columns], means[:, columns])


def test_a_bad_variant_does_not_hide_a_good_one(series: Floats) -> None:
    means = resampled_means(series, 5.0, 2_000, np.random.default_rng(1))
    alone = superiority(series[:, 1:2].mean(axis=0), means[:, 1:2], len(series))
    both = superiority(series[:, 1:3].mean(axis=0), means[:, 1:3], len(series))
    assert both.p_value == alone.p_value < 0.05
    assert both.adjusted[1] == 1.0


def test_what_is_not_above_the_benchmark_is_no_evidence() -> None:
    losing = -np.abs(np.random.default_rng(1).standard_normal((300, 2)))
    means = resampled_means(losing, 5.0, 200)
    assert superiority(losing.mean(axis=0), means, 300).p_value == 1.0


def test_a_variant_that_does_nothing_is_no_evidence() -> None:
    assert superiority(np.zeros(1), np.zeros((100, 1)), 300).p_value == 1.0


@pytest.mark.parametrize("against", [0.0, 0.05, -0.1])
def test_the_probabilistic_sharpe_ratio_is_the_papers(series: Floats, against: float) -> None:
    returns = series[:, 1]
    assert probabilistic_sharpe_ratio(returns, against) == pytest.approx(probabilistic(returns.tolist(), against))


def test_the_deflated_sharpe_ratio_counts_the_trials(series: Floats) -> None:
    ratios = np.array([sharpe_ratio(column) for column in series.T])
    luck = 0.0
    for quantile, share in ((1 - 1 / 5, 1 - 0.5772156649), (1 - 1 / (5 * math.e), 0.5772156649)):
        draws = np.sort(np.random.default_rng(1).standard_normal(2_000_001))
        luck += share * float(draws[int(quantile * 2_000_000)])
    assert expected_best(ratios) == pytest.approx(luck * ratios.std(ddof=1), rel=0.01)
    assert deflated_sharpe_ratio(series[:, 1], ratios) == pytest.approx(
        probabilistic(series[:, 1].tolist(), expected_best(ratios))
    )
    assert deflated_sharpe_ratio(series[:, 1], ratios[:1]) == probabilistic_sharpe_ratio(series[:, 1])


def test_no_variation_has_no_sharpe_ratio() -> None:
    assert math.isnan(sharpe_ratio(np.zeros(10)))
    assert math.isnan(probabilistic_sharpe_ratio(np.zeros(10)))


def test_sessions_needed_are_those_where_the_probability_reaches_95_percent() -> None:
    ratio = 1 / math.sqrt(252)
    needed = sessions_needed(ratio)
    assert round(needed) == 684
    pattern = np.array([1.0, -1.0])  # No skewness, and a kurtosis of 1.
    returns = np.tile(pattern, 5_000) * 0.01
    returns += ratio * returns.std(ddof=1)
    count = round(sessions_needed(ratio, kurtosis=1.0) / 2) * 2
    assert probabilistic_sharpe_ratio(returns[:count]) == pytest.approx(0.95, abs=0.001)
    assert sessions_needed(0.0) == sessions_needed(-0.1) == math.inf


@pytest.mark.parametrize(("blocks", "rows"), [(4, 40), (6, 61), (8, 400)])
def test_the_probability_of_overfitting_is_the_papers(blocks: int, rows: int, series: Floats) -> None:
    assert overfitting_probability(series[:rows], blocks) == pytest.approx(overfitting(series[:rows], blocks))


def test_the_median_of_an_odd_number_of_variants_is_overfitted(series: Floats) -> None:
    """The paper's share of logits up to 0. The middle one of five has a logit of exactly 0."""
    noise = np.tile([0.001, -0.001], 20)
    first = noise + np.array([[0.05], [0.01], [0.02], [0.03], [0.04]])
    second = noise + np.array([[0.03], [0.01], [0.02], [0.04], [0.05]])
    assert overfitting_probability(np.concatenate([first, second], axis=1).T, blocks=2) == 0.5
    assert overfitting_probability(np.tile(series[:, :1], 3)) == 0.5


def test_a_variant_that_is_always_best_is_not_overfitted(series: Floats) -> None:
    series[:, 3] += 0.01
    assert overfitting_probability(series) == 0.0
    assert math.isnan(overfitting_probability(series[:, :1]))
    assert math.isnan(overfitting_probability(series[:20]))


def test_walking_forward_holds_what_was_best_before() -> None:
    """The first variant is good for 20 sessions and then bad, the second the other way round."""
    noise = np.tile([0.001, -0.001], 20)
    good, bad = noise + 0.01, noise - 0.01
    first, second = np.concatenate([good[:20], bad[:20]]), np.concatenate([bad[:20], good[:20]])
    walked = walk_forward(free(np.column_stack([first, second])), 0.0, train=10, test=5)
    # It holds the first one for five sessions too long, and trusts it for another five: half of the training is good.
    # The session behind each training still belongs to what was held before.
    held = np.concatenate([good[:9], bad[:11], good[:9]])
    assert walked.sessions == 29
    assert walked.out_of_sample == pytest.approx(yearly(sharpe_ratio(held)), rel=0.2)
    assert walked.in_sample > walked.out_of_sample
    assert math.isnan(walk_forward(free(np.zeros((10, 2))), 0.0, train=10).out_of_sample)


def test_a_choice_is_bought_at_the_next_close() -> None:
    """A jump in the last session of a training makes the variant the best. One in the session after it is too early."""
    still = np.tile([0.001, -0.001], 15)
    jumps = still.copy()
    jumps[9::5] += 0.03
    early = still.copy()
    early[10::5] += 0.03
    chosen = [each.variant for each in choices(np.column_stack([still, jumps]), 10, 5)]
    assert set(chosen) == {1}
    walked = walk_forward(free(np.column_stack([still, jumps])), 0.0, train=10, test=5)
    assert walked.out_of_sample == pytest.approx(yearly(sharpe_ratio(jumps[11:])))
    both = np.column_stack([np.where(np.arange(30) < 10, jumps, -0.01), np.where(np.arange(30) < 10, still, early)])
    assert [each.variant for each in choices(both, 10, 10)] == [0, 1]
    walked = walk_forward(free(both), 0.0, train=10, test=10)
    assert walked.out_of_sample == pytest.approx(yearly(sharpe_ratio(np.append(both[11:21, 0], both[21:, 1]))))


def test_the_worst_year_is_measured_against_the_benchmark() -> None:
    days = [date(2020, 1, 2), date(2020, 1, 3), date(2021, 1, 4)]
    year, behind = worst_year(np.array([-0.5, 0.0, 0.1]), np.array([-0.5, 0.0, 0.3]), days)
    assert year == 2021
    assert behind == pytest.approx(-0.2)


def test_growth_is_compounded_to_a_year() -> None:
    """Ten percent in half a year are 21 in a whole one."""
    returns = np.zeros(126)
    returns[40] = 0.1
    assert growth_a_year(returns) == pytest.approx(0.21)
    assert growth_a_year(np.full(504, 1.44 ** (1 / 504) - 1)) == pytest.approx(0.2)


def test_volatility_is_the_deviation_of_a_year() -> None:
    """Of four returns of 1 %, up and down: sqrt(4 / 3) % a session, times sqrt(252)."""
    assert volatility_a_year(np.array([0.01, -0.01, 0.01, -0.01])) == pytest.approx(0.01 * math.sqrt(4 / 3 * 252))
    assert volatility_a_year(np.full(10, 0.01)) == pytest.approx(0)
