"""All figures of the lab in one value: the verdict, what it rests on, and each variant's own."""

import math

import msgspec
import numpy as np

from contract.common import Source
from contract.lab import LabCost, LabReport, LabVariant
from contract.reasons import ShownReason, shown
from lab import Floats
from lab.bootstrap import RESAMPLES, interval
from lab.common import growth_a_year, max_drawdown, volatility_a_year, worst_year
from lab.overfitting import overfitting_probability, walk_forward
from lab.panel import Compute, Panel, one_by_one, panel_of, sessions_missing
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
    tested_at,
)
from utils.reasons import reason


class Examined(msgspec.Struct, frozen=True):
    """What a report is made of, for whoever wants to compute it again."""

    report: LabReport
    panel: Panel
    draws: Draws | None


def examine(
    prices: Prices,
    trials: Trials,
    *,
    benchmark: str,
    cost: float,
    source: Source = "simulated",
    resamples: int = RESAMPLES,
    seed: int = 0,
    compute: Compute = one_by_one,
) -> Examined:
    """Compute all variants on these prices, and judge them.

    cost: that of the track record, at which all figures of the variants are
    """
    whole = panel_of(trials.variants, prices, compute)
    panel = whole.judged()
    missing = _sessions_missing(trials, prices)
    if len(panel) < 2 * SESSIONS_TO_FIRST_RETURN or not panel.variants:
        return Examined(_nothing(whole, missing, benchmark, cost, source, resamples), panel, None)
    draws = draw(panel, cost, resamples, np.random.default_rng(seed))
    found = judge(panel, trials.costs, draws)
    report = _report(whole, panel, draws, found, missing, trials.variants[0], benchmark, cost, source)
    return Examined(report, panel, draws)


def _sessions_missing(trials: Trials, prices: Prices) -> int:
    """Return how many more sessions a verdict takes, of the variants that wait for nothing but sessions."""
    waiting = [variant for variant in trials.variants if variant.leg == "etf" or prices.stocks is not None]
    return sessions_missing(waiting, len(prices), SESSIONS_ENOUGH)


def _report(
    whole: Panel,
    panel: Panel,
    draws: Draws,
    found: Verdict,
    missing: int,
    seed: Variant,
    benchmark: str,
    cost: float,
    source: Source,
) -> LabReport:
    excess = panel.excess(cost)
    ratios = np.array([sharpe_ratio(column) for column in excess.T])
    forward = walk_forward(excess)
    p_values = tested_at(panel, cost, draws).adjusted.tolist()
    figures = [_judged(panel, at, draws, ratios, p_values[at], cost, seed) for at in range(len(panel.variants))]
    hindsight = [_in_hindsight(whole, at, cost, seed) for at in np.flatnonzero(whole.has_hindsight).tolist()]
    return LabReport(
        verdict=_in_words(found, panel, missing, benchmark),
        notes=_notes(found, panel, whole, seed),
        benchmark=benchmark,
        source=source,
        first=panel.sessions[0],
        last=panel.sessions[-1],
        sessions=len(panel),
        more_sessions=missing,
        cost_bp=_bp(cost),
        judged=len(panel.variants),
        left_out=[str(variant) for variant in whole.left_out],
        block=draws.block,
        resamples=len(draws.benchmark),
        costs=[
            LabCost(_bp(each), test.p_value, _known(held), found.cost is not None and each <= found.cost)
            for each, test, held in zip(found.costs, found.tests, found.out_of_sample, strict=True)
        ],
        overfitting=_known(overfitting_probability(excess)),
        in_sample=_known(forward.in_sample),
        out_of_sample=_known(forward.out_of_sample),
        expected_best=_known(yearly(expected_best(ratios))),
        variants=figures + hindsight,
    )


def _nothing(whole: Panel, missing: int, benchmark: str, cost: float, source: Source, resamples: int) -> LabReport:
    """Return the report when no session can be judged."""
    return LabReport(
        verdict=_not_enough(len(whole), missing),
        notes=[],
        benchmark=benchmark,
        source=source,
        first=None,
        last=None,
        sessions=len(whole),
        more_sessions=missing,
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


def _in_words(found: Verdict, panel: Panel, missing: int, benchmark: str) -> ShownReason:
    if found.code == NOT_ENOUGH_DATA:
        return _not_enough(len(panel), missing)
    test = found.tests[0 if found.cost is None else found.costs.index(found.cost)]
    said = {
        "sessions": len(panel),
        "variants": len(panel.variants),
        "benchmark": benchmark,
        "p_value": f"{test.p_value:.4f}",
    }
    if found.code == EDGE and found.cost is not None:
        best = panel.variants[int(test.adjusted.argmin())]
        return _said(EDGE, cost=f"{_bp(found.cost):g}", variant=best.words(), **said)
    return _said(found.code, **said)


def _not_enough(sessions: int, missing: int) -> ShownReason:
    return _said(
        NOT_ENOUGH_DATA,
        sessions=sessions,
        sharpe=f"{REFERENCE_SHARPE:.1f}",
        needed=SESSIONS_ENOUGH,
        more=missing,
    )


def _notes(found: Verdict, panel: Panel, whole: Panel, seed: Variant) -> list[ShownReason]:
    notes = []
    if found.cost is not None and seed in panel.variants:
        own = own_cost(found, panel.variants.index(seed))
        notes.append(_said("lab_seed_not") if own is None else _said("lab_seed_too", cost=f"{_bp(own):g}"))
    if whole.has_hindsight.any():
        notes.append(_said("lab_hindsight", variants=int(whole.has_hindsight.sum())))
    if whole.left_out:
        notes.append(_said("lab_left_out", variants=len(whole.left_out)))
    return notes


def _judged(
    panel: Panel, at: int, draws: Draws, ratios: Floats, p_value: float, cost: float, seed: Variant
) -> LabVariant:
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


def _in_hindsight(whole: Panel, at: int, cost: float, seed: Variant) -> LabVariant:
    return msgspec.structs.replace(_figures(whole, at, cost, seed), has_hindsight=True)


def _figures(panel: Panel, at: int, cost: float, seed: Variant) -> LabVariant:
    """Return the figures that need no resampling."""
    net, excess, drag = panel.net(cost)[:, at], panel.excess(cost)[:, at], float(panel.drag[:, at].mean())
    year, behind = worst_year(net, panel.benchmark, panel.sessions)
    return LabVariant(
        name=str(panel.variants[at]),
        words=shown(panel.variants[at].words()),
        is_seed=panel.variants[at] == seed,
        is_whole_rule=panel.variants[at] == seed.with_stocks(),
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


def _said(code: str, **params: object) -> ShownReason:
    [said] = shown([reason(code, **params)])
    return said


def _bp(cost: float) -> float:
    return round(cost * 10_000, 6)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
