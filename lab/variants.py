"""The variants of the rule, as data: variants.toml says which, this module reads and checks them."""

from collections.abc import Mapping, Sequence
from itertools import pairwise, product
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeVar

import msgspec

from config.text_files import toml_of
from config.universe import universe
from utils.errors import InvalidInput
from utils.reasons import Reason, reason

DEFAULT_FILE = Path(__file__).with_name("variants.toml")
WEIGHTS = ("seed", "equal", "cap", "inverse_volatility")
REBALANCES = ("daily", "weekly", "monthly")
LEGS = ("etf", "stocks")
PICKS = ("all", "best_of_each")
PERIODS, SKIPS = range(5, 251), range(6)
COSTS_BP = range(101)
T = TypeVar("T")
Read = TypeVar("Read")
Some = Annotated[list[T], msgspec.Meta(min_length=1)]


class Variant(NamedTuple):
    """One variant of the rule. A top_n of 0 buys all that trend."""

    period: int
    skip: int
    top_n: int
    weights: str
    rebalance: str
    leg: str
    max_position: float
    pick: str = PICKS[0]

    @property
    def warm_up(self) -> int:
        """The sessions before the first decision: the return's window."""
        return self.period + self.skip

    def with_stocks(self) -> "Variant":
        """Return the rule whose ETF leg this is, as the platform buys it: the best stock of each trending ETF.

        No position is above the universe's max_position_weight.
        """
        return self._replace(leg="stocks", pick="best_of_each", max_position=universe().max_position_weight)

    def words(self) -> list[Reason]:
        """Return the variant's name as data: all that differs from one to another."""
        period = {"sessions": self.period}
        return [
            reason("lab_period_skip", **period, skip=self.skip) if self.skip else reason("lab_period", **period),
            reason("lab_best", count=self.top_n) if self.top_n else reason("lab_all"),
            reason(f"lab_{self.weights}_weights"),
            reason(f"lab_{self.rebalance}"),
            *([reason("lab_max_position", share=self.max_position)] if self.max_position < 1 else []),
            *([reason("lab_stocks" if self.pick == "all" else "lab_best_of_each")] if self.leg == "stocks" else []),
        ]

    def __str__(self) -> str:
        """Name the variant in English.

        >>> print(Variant(20, 0, 0, "seed", "daily", "etf", 1.0))
        20 sessions, all, seed weights, daily
        >>> print(Variant(250, 1, 3, "equal", "weekly", "stocks", 0.4))
        250 sessions skip 1, best 3, equal weights, weekly, cap 40 %, stocks
        >>> print(Variant(20, 0, 0, "seed", "daily", "etf", 1.0).with_stocks())
        20 sessions, all, seed weights, daily, best stock of each ETF
        """
        return ", ".join(map(str, self.words()))


class Trials(NamedTuple):
    """All that is tried: the ETF leg of the seed's rule first, then the others; costs as shares of the traded value."""

    variants: tuple[Variant, ...]
    costs: tuple[float, ...]

    def of_leg(self, leg: str) -> tuple[Variant, ...]:
        return tuple(variant for variant in self.variants if variant.leg == leg)


class _Group(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A group of the file: what the variants' fields take."""

    period: Some[int]
    skip: Some[int]
    top_n: Some[int]
    weights: Some[str]
    rebalance: Some[str]
    leg: Some[str]
    max_position: Some[float] = msgspec.field(default_factory=lambda: [universe().max_position_weight])
    pick: Some[str] = msgspec.field(default_factory=lambda: list(PICKS[:1]))


class _File(msgspec.Struct, forbid_unknown_fields=True):
    costs_bp: list[float]
    seed: dict[str, Any]
    groups: list[_Group] = []


def load(path: Path = DEFAULT_FILE) -> Trials:
    """Read and check a file of variants, or raise InvalidInput, which names the file and the wrong value."""
    raw = toml_of(path, InvalidInput)
    try:
        return trials_of(raw)
    except InvalidInput as error:
        raise InvalidInput(f"{path}: {error}") from None


def trials_of(raw: Mapping[str, Any]) -> Trials:
    """Return the trials of a file's values. Raises InvalidInput for an unknown or missing key, or a wrong value."""
    file = _convert(raw, _File, "groups count from 0")
    [seed] = _variants(_convert({key: [value] for key, value in file.seed.items()}, _Group, "of [seed]"))
    grid = [variant for group in file.groups for variant in _variants(group)]
    variants = tuple(dict.fromkeys([seed, *grid]))
    for variant in variants:
        check(variant)
    if seed.leg != "etf":
        raise InvalidInput(f'leg = "{seed.leg}" of [seed]: give "etf". The whole rule is a variant of its own')
    return Trials(variants, _costs(file.costs_bp))


def _convert(raw: object, kind: type[Read], where: str) -> Read:
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        told = str(error).replace("$.", "")
        raise InvalidInput(f"{told} ({where}): lab/variants.toml of the repository shows every key") from None


def _variants(group: _Group) -> list[Variant]:
    """Return every combination of a group's lists."""
    return [Variant(*each) for each in product(*(getattr(group, field) for field in Variant._fields))]


def check(variant: Variant) -> None:
    """Raise InvalidInput, which says what is wrong, for a variant that cannot be computed."""
    named: Sequence[tuple[str, object, Sequence[object]]] = (
        ("weights", variant.weights, WEIGHTS),
        ("rebalance", variant.rebalance, REBALANCES),
        ("leg", variant.leg, LEGS),
        ("pick", variant.pick, PICKS),
    )
    for name, value, known in named:
        if value not in known:
            raise InvalidInput(f"{name} = {value!r}: give one of {', '.join(map(str, known))}")
    for name, number, allowed in (("period", variant.period, PERIODS), ("skip", variant.skip, SKIPS)):
        if number not in allowed:
            raise InvalidInput(f"{name} = {number}: give a whole number from {allowed[0]} to {allowed[-1]}")
    if variant.top_n < 0:
        raise InvalidInput(f"top_n = {variant.top_n}: give 0 for all, or how many")
    if not 0 < variant.max_position <= 1:
        raise InvalidInput(f"max_position = {variant.max_position:g}: give a share above 0 and up to 1")
    if variant.weights == "cap" and variant.leg == "etf":
        raise InvalidInput('weights = "cap" needs leg = "stocks": a fund has no market cap')
    if variant.pick != "all" and variant.leg == "etf":
        raise InvalidInput(f'pick = "{variant.pick}" needs leg = "stocks": it chooses among what an ETF holds')


def _costs(costs_bp: Sequence[float]) -> tuple[float, ...]:
    is_rising = all(lower < higher for lower, higher in pairwise(costs_bp))
    if not costs_bp or not is_rising or costs_bp[0] != 0 or costs_bp[-1] > COSTS_BP[-1]:
        raise InvalidInput(
            f"costs_bp = {costs_bp}: give rising numbers of basis points, the first 0 and none above {COSTS_BP[-1]}"
        )
    return tuple(cost / 10_000 for cost in costs_bp)
