"""What the lab says about the rule: the verdict, what it rests on, and each variant."""

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, Struct

from contract.common import Source
from contract.reasons import ShownReason

Ratio = Annotated[float | None, Meta(description="Yearly Sharpe ratio of the excess: its mean over its deviation")]


class LabCost(Struct, frozen=True):
    cost_bp: Annotated[float, Meta(description="Of the traded value, in basis points")]
    p_value: Annotated[float, Meta(description='Of "no variant beats the benchmark", all variants counted (SPA)')]
    out_of_sample: Annotated[
        float | None,
        Meta(description="Yearly Sharpe ratio of the excess where walking forward held; null without a whole training"),
    ]
    is_edge: Annotated[bool, Meta(description="An edge is shown at this cost and at every lower one")]


class LabVariant(Struct, frozen=True):
    """One variant at the cost of the track record. Excess is the net return above the benchmark's."""

    name: Annotated[str, Meta(description="In English, unique")]
    words: Annotated[list[ShownReason], Meta(description="The name as data: what the variant is made of")]
    is_seed: Annotated[bool, Meta(description="The ETF leg of the seed document's rule")]
    has_hindsight: Annotated[bool, Meta(description="Rests on holdings known only later: shown, and not judged")]
    excess: Annotated[float, Meta(description="Yearly mean")]
    lower: Annotated[float | None, Meta(description="Of its 95 % interval; null: it is not judged")]
    upper: Annotated[float | None, Meta(description="Of its 95 % interval; null: it is not judged")]
    sharpe: Ratio
    probabilistic: Annotated[float | None, Meta(description="Probabilistic Sharpe ratio, of this variant alone")]
    deflated: Annotated[float | None, Meta(description="Deflated Sharpe ratio, all variants counted")]
    p_value: Annotated[float | None, Meta(description="Corrected for all variants")]
    break_even_bp: Annotated[
        float | None, Meta(description="The cost at which nothing is left; below 0: there is nothing before costs")
    ]
    turnover: Annotated[float, Meta(description="Half of what is bought and sold in a year, as a share of the value")]
    growth: Annotated[float, Meta(description="Compound growth of a year, net")]
    volatility: Annotated[float, Meta(description="Of a year, net")]
    drawdown: float
    worst_year: int
    worst_excess: Annotated[float, Meta(description="Net return of that year less the benchmark's")]
    sessions_needed: Annotated[
        int | None, Meta(description="Until the Sharpe ratio so far can be told from 0; null: it is not above 0")
    ]
    leg: Annotated[Literal["etf", "stocks"], Meta(description="What it buys: the ETFs, or the stocks they hold")] = (
        "etf"
    )
    is_whole_rule: Annotated[
        bool, Meta(description="The seed document's whole rule: the best stock of each trending ETF")
    ] = False


class LabLeg(Struct, frozen=True):
    """The verdict on the variants of a leg of the rule, which count among themselves, over sessions of their own."""

    verdict: ShownReason
    first: Annotated[date | None, Meta(description="First session that is judged")]
    last: Annotated[date | None, Meta(description="Last session that is judged")]
    sessions: int
    judged: Annotated[int, Meta(description="Variants that count")]
    block: Annotated[float | None, Meta(description="Mean block length of the bootstrap, in sessions")]
    costs: list[LabCost]
    overfitting: Annotated[float | None, Meta(description="Probability of backtest overfitting")]
    in_sample: Ratio
    out_of_sample: Ratio
    expected_best: Annotated[float | None, Meta(description="Yearly Sharpe ratio that the best has by luck alone")]


class LabReport(Struct, frozen=True):
    """The verdict on the ETF leg and what it rests on, and that on the stock leg."""

    verdict: ShownReason
    notes: list[ShownReason]
    benchmark: str
    source: Source
    first: Annotated[date | None, Meta(description="First session that is judged")]
    last: Annotated[date | None, Meta(description="Last session that is judged")]
    sessions: int
    more_sessions: Annotated[int, Meta(description="How many are missing until anything can be said")]
    cost_bp: Annotated[float, Meta(description="The cost of the track record")]
    judged: Annotated[int, Meta(description="Variants that count")]
    left_out: Annotated[list[str], Meta(description="Variants that cannot be computed on these prices")]
    block: Annotated[float | None, Meta(description="Mean block length of the bootstrap, in sessions")]
    resamples: int
    costs: list[LabCost]
    overfitting: Annotated[float | None, Meta(description="Probability of backtest overfitting")]
    in_sample: Ratio
    out_of_sample: Ratio
    expected_best: Annotated[float | None, Meta(description="Yearly Sharpe ratio that the best has by luck alone")]
    variants: list[LabVariant]
    stocks: Annotated[
        LabLeg | None,
        Meta(description="The stock leg, the whole rule with it; null: it cannot be judged yet"),
    ] = None
