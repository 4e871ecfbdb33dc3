"""All figures of the lab in one value: the verdict, what it rests on, and each variant's own."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from contract.common import Source
from contract.lab import LabCost, LabLeg, LabReport, LabVariant
from contract.reasons import ShownReason, shown
from lab import Flags, Floats
from lab.bootstrap import RESAMPLES, interval
from lab.common import growth_a_year, max_drawdown, volatility_a_year, worst_year
from lab.overfitting import change_sessions, overfitting_probability, walk_forward
from lab.panel import Compute, Panel, one_by_one, panel_of, sessions_missing, with_changes
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
from lab.variants import LEGS, Trials, Variant
from lab.verdict import (
    EDGE,
    NOT_ENOUGH_DATA,
    NOT_HELD,
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
    """What a report is made of, for whoever wants to compute it again: the ETF leg, when it can be judged."""

    report: LabReport
    panel: Panel
    draws: Draws | None


class _Judged(NamedTuple):
    """The variants of a leg over the sessions that count, what was drawn from them, and what was said of them."""

    panel: Panel
    draws: Draws
    verdict: Verdict


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
    """Compute all variants on these prices, and judge them: the ETF leg, and by itself the stock leg.

    The stock leg is judged over the sessions from which holdings were known, when there are enough of them. They are
    fewer than those of the ETF leg, and a test needs one panel of all that it counts.

    cost: that of the track record, at which all figures of the variants are
    """
    of_etfs, of_stocks = (panel_of(trials.of_leg(leg), prices, compute) for leg in LEGS)

    def judged(cut: Panel) -> _Judged:
        panel = with_changes(cut, prices, change_sessions(len(cut)))
        draws = draw(panel, cost, resamples, np.random.default_rng(seed))
        return _Judged(panel, draws, judge(panel, trials.costs, draws))

    missing = sessions_missing(trials.of_leg("etf"), len(prices), _enough(of_etfs))
    etfs = judged(of_etfs) if len(of_etfs) >= 2 * SESSIONS_TO_FIRST_RETURN and of_etfs.variants else None
    known = of_stocks.known()
    stocks = judged(known) if known.priced >= SESSIONS_ENOUGH and known.variants else None
    rule = trials.variants[0]
    # Without a variant no session can be judged.
    leg = _leg(etfs, missing, benchmark, cost) if etfs else _nothing(of_etfs.priced if of_etfs.variants else 0, missing)
    left_out = [*of_etfs.left_out, *of_stocks.left_out]
    variants, notes = [], []
    if etfs:
        variants = _figures_of(etfs, cost, rule)
        variants += _figures_of(stocks, cost, rule) if stocks else _unjudged(of_stocks, etfs.panel, cost, rule)
        notes = [
            *_notes_on_gaps(etfs.panel, benchmark),
            *_notes_on_rule(etfs, rule, "lab_seed"),
            *(_notes_on_stocks(stocks, rule) if stocks else _notes_on_unjudged(of_stocks, variants, prices)),
            *([_said("lab_left_out", variants=len(left_out))] if left_out else []),
        ]
    report = LabReport(
        **msgspec.structs.asdict(leg),
        notes=notes,
        benchmark=benchmark,
        source=source,
        more_sessions=missing,
        cost_bp=_bp(cost),
        left_out=[str(variant) for variant in left_out],
        resamples=resamples,
        variants=variants,
        stocks=_leg(stocks, 0, benchmark, cost) if stocks else None,
    )
    return Examined(report, of_etfs, etfs and etfs.draws)


def _leg(judged: _Judged, missing: int, benchmark: str, cost: float) -> LabLeg:
    panel, draws, found = judged
    excess = panel.excess(cost)
    forward = walk_forward(panel, cost)
    return LabLeg(
        verdict=_in_words(found, panel, missing, benchmark),
        first=panel.sessions[0],
        last=panel.sessions[-1],
        sessions=panel.priced,
        judged=len(panel.variants),
        block=draws.block,
        costs=[
            LabCost(_bp(each), test.p_value, _known(held), found.cost is not None and each <= found.cost)
            for each, test, held in zip(found.costs, found.tests, found.out_of_sample, strict=True)
        ],
        overfitting=_known(overfitting_probability(excess)),
        in_sample=_known(forward.in_sample),
        out_of_sample=_known(forward.out_of_sample),
        expected_best=_known(yearly(expected_best(_ratios(excess)))),
    )


def _nothing(sessions: int, missing: int) -> LabLeg:
    """Return what is said when no session can be judged."""
    return LabLeg(
        verdict=_not_enough(sessions, missing),
        first=None,
        last=None,
        sessions=sessions,
        judged=0,
        block=None,
        costs=[],
        overfitting=None,
        in_sample=None,
        out_of_sample=None,
        expected_best=None,
    )


def _in_words(found: Verdict, panel: Panel, missing: int, benchmark: str) -> ShownReason:
    if found.code == NOT_ENOUGH_DATA:
        return _not_enough(panel.priced, missing)
    test = found.tests[0 if found.cost is None else found.costs.index(found.cost)]
    said = {
        "sessions": panel.priced,
        "variants": len(panel.variants),
        "benchmark": benchmark,
        "p_value": f"{test.p_value:.4f}",
    }
    if found.code == EDGE and found.cost is not None:
        # Of a common p-value, which many variants may have, the best one has the largest statistic.
        best = panel.variants[int(test.statistics.argmax())]
        return _said(EDGE, cost=f"{_bp(found.cost):g}", variant=best.words(), **said)
    if found.code == NOT_HELD:
        said["sharpe"] = f"{found.out_of_sample[0]:.2f}"
    return _said(found.code, **said)


def _not_enough(sessions: int, missing: int) -> ShownReason:
    return _said(
        NOT_ENOUGH_DATA,
        sessions=sessions,
        sharpe=f"{REFERENCE_SHARPE:.1f}",
        needed=SESSIONS_ENOUGH,
        more=missing,
    )


def _enough(panel: Panel) -> int:
    """Return how many sessions a panel has to have, with those of which the benchmark has no close."""
    return SESSIONS_ENOUGH + len(panel) - panel.priced


def _notes_on_gaps(panel: Panel, benchmark: str) -> list[ShownReason]:
    lacking = sorted(panel.unpriced & {*panel.sessions})
    if not lacking:
        return []
    return [_said("lab_gaps", benchmark=benchmark, sessions=len(lacking), first=lacking[0], last=lacking[-1])]


def _notes_on_rule(judged: _Judged, rule: Variant, name: str) -> list[ShownReason]:
    """Say whether the rule itself is among those with an edge, when there is one. name: of the rule, in its codes."""
    if judged.verdict.cost is None or rule not in judged.panel.variants:
        return []
    own = own_cost(judged.verdict, judged.panel.variants.index(rule))
    return [_said(f"{name}_not") if own is None else _said(f"{name}_too", cost=f"{_bp(own):g}")]


def _notes_on_stocks(judged: _Judged, rule: Variant) -> list[ShownReason]:
    apart = _said("lab_stocks_apart", sessions=judged.panel.priced, variants=len(judged.panel.variants))
    return [apart, *_notes_on_rule(judged, rule.with_stocks(), "lab_whole")]


def _notes_on_unjudged(whole: Panel, variants: Sequence[LabVariant], prices: Prices) -> list[ShownReason]:
    late = sum(each.has_hindsight for each in variants)
    notes = [_said("lab_hindsight", variants=late)] if late else []
    if prices.stocks is None or not whole.variants:
        return notes
    return [*notes, _said("lab_stocks_later", more=_sessions_missing_of_stocks(whole, prices.stocks.known))]


def _sessions_missing_of_stocks(whole: Panel, known: Flags) -> int:
    """Return how many more sessions the stock leg takes, from the first decision with holdings that were known."""
    judgeable = whole.known()
    stored, judged = len(known), len(judgeable)
    first = stored - judged - SESSIONS_TO_FIRST_RETURN if judged else int(np.count_nonzero(~known))
    return sessions_missing([*whole.variants, *whole.left_out], stored, _enough(judgeable), first)


def _ratios(excess: Floats) -> Floats:
    return np.array([sharpe_ratio(column) for column in excess.T])


def _figures_of(judged: _Judged, cost: float, rule: Variant) -> list[LabVariant]:
    """Return the figures of the variants that count."""
    panel, draws, _ = judged
    excess, p_values = panel.excess(cost), tested_at(panel, cost, draws).adjusted.tolist()
    resampled, ratios = draws.excess(cost), _ratios(excess)
    found = []
    for at, own in enumerate(excess.T):
        lower, upper = interval(resampled[:, at], float(own.mean()))
        found.append(
            msgspec.structs.replace(
                _figures(panel, at, cost, rule),
                lower=lower * SESSIONS_A_YEAR,
                upper=upper * SESSIONS_A_YEAR,
                probabilistic=_known(probabilistic_sharpe_ratio(own)),
                deflated=_known(deflated_sharpe_ratio(own, ratios)),
                p_value=p_values[at],
                sessions_needed=_sessions_needed(own),
            )
        )
    return found


def _unjudged(whole: Panel, beside: Panel, cost: float, rule: Variant) -> list[LabVariant]:
    """Return the figures of the stock leg over the sessions of the ETF leg, for what they are worth."""
    shown = whole.since(bisect_left(whole.sessions, beside.sessions[0]))
    return [
        msgspec.structs.replace(_figures(shown, at, cost, rule), has_hindsight=bool(shown.has_hindsight[:, at].any()))
        for at in range(len(shown.variants))
    ]


def _figures(panel: Panel, at: int, cost: float, rule: Variant) -> LabVariant:
    """Return the figures that need no resampling."""
    net, excess, drag = panel.net(cost)[:, at], panel.excess(cost)[:, at], float(panel.drag[:, at].mean())
    year, behind = worst_year(net, panel.benchmark, panel.sessions)
    return LabVariant(
        name=str(panel.variants[at]),
        words=shown(panel.variants[at].words()),
        is_seed=panel.variants[at] == rule,
        leg="etf" if panel.variants[at].leg == "etf" else "stocks",
        is_whole_rule=panel.variants[at] == rule.with_stocks(),
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
