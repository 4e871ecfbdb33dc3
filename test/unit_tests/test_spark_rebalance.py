"""The monthly merge, on portfolios small enough to follow by hand. No database: frames in, rows out."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import pytest
from msgspec import to_builtins

from batch import spark_monthly_portfolio_rebalancer as rebalancer
from batch.sources import with_source_rank
from reason_words import text, words
from utils.dates import last_sundays_between, session_after

SUNDAY, FRIDAY = date(2026, 8, 30), date(2026, 8, 28)
POSITIONS = (
    "as_of_date date, period_days int, ticker string, portfolio_weight double, company_name string, sector string, "
    "holdings_as_of date, source string"
)
Weights = Mapping[int, Mapping[str, float]]  # period -> ticker -> weight

# What the specification says: in the portfolio over 20, 10, 5 sessions -> score, and whether it is one of the first.
MEMBERSHIPS = [
    ((True, False, False), 1.0, True),
    ((True, True, False), 2.0, True),
    ((True, False, True), 2.0, True),
    ((True, True, True), 3.0, True),
    ((False, True, True), 2.0, False),
    ((False, True, False), 0.5, False),
    ((False, False, True), 0.3, False),
]


def position(days: int, ticker: str, weight: float, **other: Any) -> tuple[Any, ...]:
    row = {
        "as_of_date": FRIDAY, "period_days": days, "ticker": ticker, "portfolio_weight": weight,
        "company_name": f"{ticker} Inc.", "sector": "Technology", "holdings_as_of": FRIDAY, "source": "yahoo",
    }  # fmt: skip
    return tuple((row | other).values())


@pytest.fixture
def merge(spark: Any) -> Callable[..., list[Any]]:
    """Positions -> the month's rows by rank."""

    def rows(*positions: tuple[Any, ...], rebalances: Mapping[date, date] | None = None) -> list[Any]:
        months = [(day, session, session_after(day, 20)) for day, session in (rebalances or {SUNDAY: FRIDAY}).items()]
        frame = spark.createDataFrame(months, "rebalance_date date, as_of_date date, valid_until date")
        return list(
            rebalancer.merge(frame, with_source_rank(spark.createDataFrame(list(positions), POSITIONS))).collect()
        )

    return rows


def merged(merge: Callable[..., list[Any]], weights: Weights) -> list[Any]:
    return merge(*(position(days, *each) for days, portfolio in weights.items() for each in portfolio.items()))


def ranks(rows: list[Any]) -> dict[str, int]:
    return {row.ticker: row.final_rank for row in rows}


@pytest.mark.parametrize(("membership", "score", "is_first"), MEMBERSHIPS)
def test_each_membership_has_its_score_and_place(
    merge: Callable[..., list[Any]], membership: tuple[bool, ...], score: float, is_first: bool
) -> None:
    periods = [days for days, is_in in zip((20, 10, 5), membership, strict=True) if is_in]
    [row] = merge(*(position(days, "A", 0.5) for days in periods))
    assert (row.ticker, row.score, row.final_rank) == ("A", score, 1 if is_first else 20)
    assert (row.final_weight, row.source_periods) == (1.0, sorted(periods))


def test_all_memberships_at_once(merge: Callable[..., list[Any]]) -> None:
    """In the rows' order, each with the letter of its row: A only in 20, D in all three, G only in 5."""
    weights: Weights = {
        20: {"A": 0.25, "B": 0.25, "C": 0.4, "D": 0.1},
        10: {"B": 0.2, "D": 0.2, "E": 0.2, "F": 0.4},
        5: {"C": 0.25, "D": 0.25, "E": 0.25, "G": 0.25},
    }
    rows = merged(merge, weights)
    assert [(row.ticker, row.final_rank, row.score) for row in rows] == [
        ("D", 1, 3.0), ("C", 2, 2.0), ("B", 3, 2.0), ("A", 4, 1.0), ("E", 20, 2.0), ("F", 21, 0.5), ("G", 22, 0.3),
    ]  # fmt: skip
    assert [row.final_weight for row in rows] == pytest.approx([s / 10.8 for s in (3, 2, 2, 1, 2, 0.5, 0.3)], rel=1e-14)
    assert sum(row.final_weight for row in rows) == pytest.approx(1.0, abs=1e-12)


def test_a_stock_of_both_short_portfolios_counts_once(merge: Callable[..., list[Any]]) -> None:
    rows = merged(merge, {20: {"A": 1.0}, 10: {"B": 1.0}, 5: {"B": 1.0}})
    assert [(row.ticker, row.score, row.source_periods) for row in rows] == [("A", 1.0, [20]), ("B", 2.0, [5, 10])]
    assert rows[1].final_weight == pytest.approx(2 / 3)


def test_equal_scores_follow_the_weight_over_20_sessions_then_the_ticker(merge: Callable[..., list[Any]]) -> None:
    """Weights over shorter periods do not count for a stock that is in the longest."""
    rows = merged(
        merge,
        {20: {"A": 0.1, "B": 0.3, "D": 0.3, "C": 0.3}, 10: {"A": 0.9, "B": 0.1}, 5: {"C": 0.6, "D": 0.4}},
    )
    assert ranks(rows) == {"B": 1, "C": 2, "D": 3, "A": 4}


def test_the_others_follow_the_weight_in_their_longest_period_then_the_ticker(merge: Callable[..., list[Any]]) -> None:
    rows = merged(
        merge,
        {20: {"Z": 1.0}, 10: {"A": 0.1, "B": 0.4, "C": 0.4, "G": 0.1}, 5: {"A": 0.9, "B": 0.05, "D": 0.02, "E": 0.03}},
    )
    assert ranks(rows) == {"Z": 1, "B": 20, "A": 21, "C": 22, "G": 23, "E": 24, "D": 25}


@pytest.mark.parametrize(("count", "next_rank"), [(1, 20), (18, 20), (19, 20), (20, 21), (25, 26)])
def test_the_others_begin_at_20_or_after_the_first_ranks(
    merge: Callable[..., list[Any]], count: int, next_rank: int
) -> None:
    base = {f"B{number:02}": 1 / count for number in range(count)}
    rows = merged(merge, {20: base, 10: {"X": 0.6, "Y": 0.4}})
    assert list(ranks(rows).values()) == [*range(1, count + 1), next_rank, next_rank + 1]
    assert [row.ticker for row in rows] == [*base, "X", "Y"]


def test_without_a_portfolio_over_20_sessions_nobody_is_first(merge: Callable[..., list[Any]]) -> None:
    assert ranks(merged(merge, {10: {"A": 1.0}, 5: {"B": 1.0}})) == {"A": 20, "B": 21}


def test_months_are_merged_apart(merge: Callable[..., list[Any]]) -> None:
    """July's portfolios do not touch August's. Two rebalance dates can be about the same session."""
    july = date(2026, 7, 24)
    rows = merge(
        position(20, "A", 1.0), position(5, "B", 1.0), position(10, "C", 1.0, as_of_date=july),
        rebalances={date(2026, 7, 26): july, date(2026, 8, 29): FRIDAY, SUNDAY: FRIDAY},
    )  # fmt: skip
    august = [("A", 1), ("B", 20)]
    assert [(row.rebalance_date, row.as_of_date, row.ticker, row.final_rank) for row in rows] == [
        (date(2026, 7, 26), july, "C", 20),
        *((date(2026, 8, 29), FRIDAY, *each) for each in august),
        *((SUNDAY, FRIDAY, *each) for each in august),
    ]
    assert {row.valid_until for row in rows if row.rebalance_date == SUNDAY} == {date(2026, 9, 28)}


def test_a_stock_carries_the_worst_of_what_its_portfolios_say(merge: Callable[..., list[Any]]) -> None:
    later = date(2026, 9, 24)
    [row] = merge(
        position(20, "A", 1.0, source="recorded"),
        position(10, "A", 1.0, holdings_as_of=later),
        position(5, "A", 1.0, source="simulated"),
    )
    assert (row.source, row.holdings_as_of) == ("simulated", later)
    assert (row.company_name, row.sector) == ("A Inc.", "Technology")


def stored(told: str | None) -> list[Any] | None:
    """Return words as a reason's column has them."""
    return to_builtins([text(told)]) if told else None


def portfolios(**reasons: str | None) -> dict[int, dict[str, Any]]:
    """Return stage 5's publications by period. A reason makes one empty."""
    return {
        int(name[1:]): {
            "status": "empty" if reason else "published", "reason": stored(reason), "source": "yahoo",
            "holdings_as_of": None if reason else FRIDAY, "degraded_reason": None,
        }
        for name, reason in reasons.items()
    }  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "rows", "status", "reason"),
    [
        (portfolios(p5=None, p10=None, p20=None), 3, "published", None),
        (
            portfolios(p5=None, p10="no ETF trends", p20=None),
            2,
            "published",
            "an empty portfolio of 2026-08-28 adds nothing; over 10 sessions: no ETF trends",
        ),
        (
            portfolios(p5="x", p10="y", p20="z"),
            0,
            "empty",
            "every portfolio of 2026-08-28 is empty; over 5 sessions: x; over 10 sessions: y; over 20 sessions: z",
        ),
    ],
)
def test_what_is_said_of_empty_portfolios(lines: Any, rows: int, status: str, reason: str | None) -> None:
    said = rebalancer.publication_of(SUNDAY, FRIDAY, lines, [None] * rows)  # type: ignore[list-item]
    assert (said.as_of_date, said.status, words(said.reason), said.row_count) == (SUNDAY, status, reason, rows)
    assert said.cash_weight == (0.0 if rows else 1.0)


def lacking(*periods: int) -> dict[int, dict[str, Any]]:
    """Return stage 5's publications. Those of some periods are not computable."""
    lines = portfolios(p5=None, p10=None, p20=None)
    for days in periods:
        lines[days] |= {"status": "not_computable", "reason": stored(f"not computable: SPY over {days} sessions")}
    return lines


def test_a_month_is_not_computable_without_its_leading_portfolio() -> None:
    """The one over 20 sessions decides who is among the first ranks."""
    said = rebalancer.publication_of(SUNDAY, FRIDAY, lacking(5, 10, 20), [])
    assert (said.status, said.row_count, said.cash_weight) == ("not_computable", 0, 1.0)
    assert words(said.reason) == "the portfolio of 2026-08-28 over 20 sessions is not computable: SPY over 20 sessions"
    assert rebalancer.why_not_computable(FRIDAY, lacking(20)) == said.reason
    assert rebalancer.why_not_computable(FRIDAY, lacking(5, 10)) == []


def test_a_month_without_a_shorter_portfolio_is_degraded() -> None:
    said = rebalancer.publication_of(SUNDAY, FRIDAY, lacking(10), [None] * 2)  # type: ignore[list-item]
    assert (said.status, said.row_count) == ("published", 2)
    assert words(said.degraded_reason) == (
        "the portfolio of 2026-08-28 over 10 sessions is left out: it is not computable: SPY over 10 sessions"
    )
    assert said.reason == []


def test_a_portfolio_that_is_not_computable_is_not_called_empty() -> None:
    lines = lacking(5)
    said = rebalancer.publication_of(SUNDAY, FRIDAY, lines, [None] * 2)  # type: ignore[list-item]
    assert (said.status, said.reason) == ("published", [])
    for days in (10, 20):
        lines[days] |= {"status": "empty", "reason": stored("none")}
    said = rebalancer.publication_of(SUNDAY, FRIDAY, lines, [])
    assert (said.status, words(said.reason)) == (
        "empty",
        "an empty portfolio of 2026-08-28 adds nothing; over 10 sessions: none; over 20 sessions: none",
    )
    assert (words(said.degraded_reason) or "").startswith("the portfolio of 2026-08-28 over 5 sessions is left out")


def test_a_rebalance_is_as_trustworthy_as_the_least_of_its_portfolios() -> None:
    """An empty one, too: it is a decision made on the same prices."""
    lines = portfolios(p5=None, p10="no ETF trends", p20=None)
    lines[10] |= {"source": "simulated", "degraded_reason": stored("XLB has no bar")}
    lines[20] |= {"source": "recorded", "holdings_as_of": date(2026, 9, 24)}
    said = rebalancer.publication_of(SUNDAY, FRIDAY, lines, [])
    assert (said.source, words(said.degraded_reason), said.holdings_as_of) == (
        "simulated",
        "XLB has no bar",
        date(2026, 9, 24),
    )


def test_a_range_means_its_last_sundays() -> None:
    days = rebalancer.REBALANCE_DATES
    assert days.between(date(2026, 7, 26), date(2026, 8, 30)) == [date(2026, 7, 26), SUNDAY]
    assert days.between(date(2026, 7, 27), date(2026, 8, 29)) == [] == last_sundays_between(SUNDAY, FRIDAY)
