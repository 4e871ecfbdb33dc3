"""All figures of the lab in one value: the verdict, what it rests on, and each variant's own."""

import math
from datetime import date

import msgspec
import numpy as np

from lab import Floats
from lab.bootstrap import RESAMPLES, interval
from lab.common import growth_a_year, max_drawdown, volatility_a_year, worst_year
from lab.overfitting import overfitting_probability, walk_forward
from lab.panel import Compute, Panel, one_by_one, panel_of
from lab.prices import Prices
from lab.sharpe import (
    SESSIONS_A_YEAR,
    deflated_sharpe_ratio,
    expected_best,
    probabilistic_sharpe_ratio,
    sessions_needed,
    sharpe_ratio,
    yearly,
)
from lab.strategy import SESSIONS_TO_FIRST_RETURN
from lab.variants import Trials, Variant
from lab.verdict import (
    EDGE,
    NOT_ENOUGH_DATA,
    REFERENCE_SHARPE,
    SESSIONS_ENOUGH,
    Draws,
    Verdict,
    draw,
    judge,
    own_cost,
)
from utils.reasons import Reason, reason


class AtCost(msgspec.Struct, frozen=True):
    """What decides at one cost.

    p_value: of "no variant beats the benchmark", all variants counted
    out_of_sample: yearly Sharpe ratio of what walking forward held. None without a whole training
    """

    cost_bp: float
    p_value: float
    out_of_sample: float | None


class VariantFigures(msgspec.Struct, frozen=True):
    """One variant at the cost of the track record. Excess is the net return above the benchmark's.

    excess, lower, upper: yearly mean, and its 95 % interval. None without enough sessions, or in hindsight
    p_value: corrected for all variants
    break_even_bp: the cost at which nothing is left of the mean excess. Below 0: there is none before costs
    sessions_needed: how many the Sharpe ratio so far takes to be told from 0. None: it never will
    """

    name: str
    is_seed: bool
    has_hindsight: bool
    excess: float
    lower: float | None
    upper: float | None
    sharpe: float | None
    probabilistic: float | None
    deflated: float | None
    p_value: float | None
    break_even_bp: float | None
    turnover: float
    growth: float
    volatility: float
    drawdown: float
    worst_year: int
    worst_excess: float
    sessions_needed: int | None


class Report(msgspec.Struct, frozen=True):
    """What the lab says about the stored prices.

    verdict: lab_edge, lab_no_edge or lab_not_enough_data, with its parameters
    notes: what else has to be said
    more_sessions: how many are missing until anything can be said
    expected_best: the yearly Sharpe ratio that the best of so many trials has by luck
    """

    verdict: Reason
    notes: list[Reason]
    benchmark: str
    first: date | None
    last: date | None
    sessions: int
    more_sessions: int
    cost_bp: float
    judged: int
    left_out: list[str]
    block: float | None
    resamples: int
    costs: list[AtCost]
    overfitting: float | None
    in_sample: float | None
    out_of_sample: float | None
    expected_best: float | None
    variants: list[VariantFigures]


class Examined(msgspec.Struct, frozen=True):
    """What a report is made of, for whoever wants to compute it again."""

    report: Report
    panel: Panel
    draws: Draws | None


def examine(
    prices: Prices,
    trials: Trials,
    *,
    benchmark: str,
    cost: float,
    resamples: int = RESAMPLES,
    seed: int = 0,
    compute: Compute = one_by_one,
) -> Examined:
    """Compute all variants on these prices, and judge them.

    cost: that of the track record, at which all figures of the variants are
    """
    whole = panel_of(trials.variants, prices, compute)
    panel = whole.judged()
    if len(panel) < 2 * SESSIONS_TO_FIRST_RETURN or not panel.variants:
        return Examined(_nothing(whole, benchmark, cost, resamples), panel, None)
    draws = draw(panel, cost, resamples, np.random.default_rng(seed))
    found = judge(panel, trials.costs, draws)
    return Examined(_report(whole, panel, draws, found, trials.variants[0], benchmark, cost), panel, draws)


def _report(
    whole: Panel, panel: Panel, draws: Draws, found: Verdict, seed: Variant, benchmark: str, cost: float
) -> Report:
    excess = panel.excess(cost)
    ratios = np.array([sharpe_ratio(column) for column in excess.T])
    forward = walk_forward(excess)
    at_cost = dict(zip(found.costs, found.tests, strict=True)).get(cost, found.tests[0])
    figures = [
        _judged(panel, at, draws, ratios, float(at_cost.adjusted[at]), cost, seed) for at in range(len(panel.variants))
    ]
    hindsight = [_in_hindsight(whole, at, cost, seed) for at in np.flatnonzero(whole.has_hindsight).tolist()]
    return Report(
        verdict=_in_words(found, panel, benchmark),
        notes=_notes(found, panel, whole, seed),
        benchmark=benchmark,
        first=panel.sessions[0],
        last=panel.sessions[-1],
        sessions=len(panel),
        more_sessions=max(0, SESSIONS_ENOUGH - len(panel)),
        cost_bp=_bp(cost),
        judged=len(panel.variants),
        left_out=[str(variant) for variant in whole.left_out],
        block=draws.block,
        resamples=len(draws.benchmark),
        costs=[
            AtCost(_bp(each), test.p_value, _known(held))
            for each, test, held in zip(found.costs, found.tests, found.out_of_sample, strict=True)
        ],
        overfitting=_known(overfitting_probability(excess)),
        in_sample=_known(forward.in_sample),
        out_of_sample=_known(forward.out_of_sample),
        expected_best=_known(yearly(expected_best(ratios))),
        variants=figures + hindsight,
    )


def _nothing(whole: Panel, benchmark: str, cost: float, resamples: int) -> Report:
    """Return the report when no session can be judged."""
    return Report(
        verdict=_not_enough(len(whole)),
        notes=[],
        benchmark=benchmark,
        first=None,
        last=None,
        sessions=len(whole),
        more_sessions=SESSIONS_ENOUGH - len(whole),
        cost_bp=_bp(cost),
        judged=0,
        left_out=[str(variant) for variant in whole.left_out],
        block=None,
        resamples=resamples,
        costs=[],
        overfitting=None,
        in_sample=None,
        out_of_sample=None,
        expected_best=None,
        variants=[],
    )


def _in_words(found: Verdict, panel: Panel, benchmark: str) -> Reason:
    if found.code == NOT_ENOUGH_DATA:
        return _not_enough(len(panel))
    test = found.tests[0 if found.cost is None else found.costs.index(found.cost)]
    said = {
        "sessions": len(panel),
        "variants": len(panel.variants),
        "benchmark": benchmark,
        "p_value": f"{test.p_value:.4f}",
    }
    if found.code == EDGE and found.cost is not None:
        best = panel.variants[int(test.adjusted.argmin())]
        return reason(EDGE, cost=f"{_bp(found.cost):g}", variant=str(best), **said)
    return reason(found.code, **said)


def _not_enough(sessions: int) -> Reason:
    return reason(
        NOT_ENOUGH_DATA,
        sessions=sessions,
        sharpe=f"{REFERENCE_SHARPE:.1f}",
        needed=SESSIONS_ENOUGH,
        more=max(0, SESSIONS_ENOUGH - sessions),
    )


def _notes(found: Verdict, panel: Panel, whole: Panel, seed: Variant) -> list[Reason]:
    notes = []
    if found.cost is not None and seed in panel.variants:
        own = own_cost(found, panel.variants.index(seed))
        notes.append(reason("lab_seed_not") if own is None else reason("lab_seed_too", cost=f"{_bp(own):g}"))
    if whole.has_hindsight.any():
        notes.append(reason("lab_hindsight", variants=int(whole.has_hindsight.sum())))
    if whole.left_out:
        notes.append(reason("lab_left_out", variants=len(whole.left_out)))
    return notes


def _judged(
    panel: Panel, at: int, draws: Draws, ratios: Floats, p_value: float, cost: float, seed: Variant
) -> VariantFigures:
    excess = panel.excess(cost)[:, at]
    lower, upper = interval(draws.excess(cost)[:, at], float(excess.mean()))
    return msgspec.structs.replace(
        _figures(panel, at, cost, seed),
        lower=lower * SESSIONS_A_YEAR,
        upper=upper * SESSIONS_A_YEAR,
        probabilistic=_known(probabilistic_sharpe_ratio(excess)),
        deflated=_known(deflated_sharpe_ratio(excess, ratios)),
        p_value=p_value,
        sessions_needed=_sessions_needed(excess),
    )


def _in_hindsight(whole: Panel, at: int, cost: float, seed: Variant) -> VariantFigures:
    return msgspec.structs.replace(_figures(whole, at, cost, seed), has_hindsight=True)


def _figures(panel: Panel, at: int, cost: float, seed: Variant) -> VariantFigures:
    """Return the figures that need no resampling."""
    net, excess, drag = panel.net(cost)[:, at], panel.excess(cost)[:, at], float(panel.drag[:, at].mean())
    year, behind = worst_year(net, panel.benchmark, panel.sessions)
    return VariantFigures(
        name=str(panel.variants[at]),
        is_seed=panel.variants[at] == seed,
        has_hindsight=False,
        excess=float(excess.mean()) * SESSIONS_A_YEAR,
        lower=None,
        upper=None,
        sharpe=_known(yearly(sharpe_ratio(excess))),
        probabilistic=None,
        deflated=None,
        p_value=None,
        break_even_bp=_bp(float((panel.gross[:, at] - panel.benchmark).mean()) / drag) if drag > 0 else None,
        turnover=float(panel.turnover[:, at].mean()) * SESSIONS_A_YEAR,
        growth=growth_a_year(net),
        volatility=volatility_a_year(net),
        drawdown=max_drawdown(net),
        worst_year=year,
        worst_excess=behind,
        sessions_needed=None,
    )


def _sessions_needed(excess: Floats) -> int | None:
    ratio = sharpe_ratio(excess)
    if not ratio > 0:
        return None
    standard = (excess - excess.mean()) / excess.std()
    return math.ceil(sessions_needed(ratio, 0.0, float((standard**3).mean()), float((standard**4).mean())))


def _bp(cost: float) -> float:
    return round(cost * 10_000, 6)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
