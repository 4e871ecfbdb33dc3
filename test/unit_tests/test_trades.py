"""The trades of a rebalance: drift, whole shares, cost, cash that is never negative, and what the record holds."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict

from api import trades
from batch.track_record import Decision, holding_periods_of
from config.periods import MONTHLY_PERIOD
from contract.common import Status
from contract.portfolios import MonthlyPortfolio, MonthlyPosition, MonthlyTrades
from contract.reasons import shown
from database.queries import portfolios
from database.queries.returns import Return, TickerWindow
from utils.dates import last_session_by, last_sundays_between, sessions_between, traded_on
from utils.reasons import Reason, reason


def row(ticker: str, price: float | None, weight: float = 0.0) -> MonthlyPosition:
    return MonthlyPosition(
        final_rank=1,
        ticker=ticker,
        company_name=ticker,
        sector=None,
        final_weight=weight,
        score=1.0,
        source_periods=[20],
        price_usd=price,
        price_date=date(2026, 8, 28),
        split_factor=1.0,
        previous_weight=None,
        previous_rank=None,
    )


def traded(
    prices: dict[str, float | None],
    held: dict[str, float],
    targets: dict[str, float],
    capital: float,
    rate: float = 0.0,
) -> dict[str, Any]:
    rows = [row(ticker, price) for ticker, price in prices.items()]
    found = trades.trades_of(rows, held, targets, capital, rate)
    return {each.ticker: asdict(each) for each in found} | {"sums": trades._sums(found, capital)}


@pytest.mark.parametrize(
    ("weights", "gains", "now"),
    [
        ({"A": 0.5, "B": 0.5}, {"A": 0.10, "B": -0.10}, {"A": 0.55, "B": 0.45}),
        ({"A": 0.2, "B": 0.8}, {"A": 0.0, "B": 0.0}, {"A": 0.2, "B": 0.8}),
        ({"A": 0.5, "B": 0.5}, {"A": 1.0, "B": None}, {"A": 2 / 3, "B": 1 / 3}),
        ({"A": 1.0}, {"A": -0.4}, {"A": 1.0}),
        ({}, {}, {}),
    ],
)
def test_weights_drift_with_the_prices(
    weights: dict[str, float], gains: dict[str, float | None], now: dict[str, float]
) -> None:
    assert trades.drifted(weights, gains) == pytest.approx(now)


def test_a_first_month_is_bought_in_whole_shares() -> None:
    found = traded({"A": 30.0, "B": 7.0}, {}, {"A": 0.6, "B": 0.4}, 1000.0)
    assert [(found[each]["side"], found[each]["shares"]) for each in "AB"] == [("buy", 20), ("buy", 57)]
    assert found["sums"] == {"bought": 600.0 + 399.0, "sold": 0, "cost": 0.0} | {
        "cash_left": pytest.approx(1.0),
        "unpriced_value": 0.0,
    }


def test_what_stays_is_moved_to_its_new_weight_and_what_leaves_is_sold() -> None:
    found = traded({"A": 10.0, "B": 20.0, "C": 50.0}, {"A": 0.5, "B": 0.5}, {"A": 0.2, "C": 0.8}, 1000.0)
    assert [(found[each]["held_shares"], found[each]["target_shares"], found[each]["side"]) for each in "ABC"] == [
        (50, 20, "sell"),
        (25, 0, "sell"),
        (0, 16, "buy"),
    ]
    assert (found["sums"]["sold"], found["sums"]["bought"]) == (300.0 + 500.0, 800.0)


def test_the_same_portfolio_is_kept() -> None:
    found = traded({"A": 10.0}, {"A": 1.0}, {"A": 1.0}, 1000.0)
    assert (found["A"]["side"], found["A"]["shares"], found["A"]["cost"]) == ("keep", 0, 0.0)


def test_cost_is_of_what_is_traded() -> None:
    found = traded({"A": 10.0, "B": 10.0}, {"A": 1.0}, {"B": 1.0}, 10_000.0, 0.001)
    assert found["A"]["cost"] == pytest.approx(10.0) and found["B"]["cost"] == pytest.approx(
        0.001 * found["B"]["value"]
    )
    assert found["sums"]["cost"] == pytest.approx(found["A"]["cost"] + found["B"]["cost"])


@pytest.mark.parametrize("capital", [1.0, 99.0, 1000.0, 12_345.67, 1e6])
@pytest.mark.parametrize("rate", [0.0, 0.001, 0.05])
@pytest.mark.parametrize(
    ("held", "targets"),
    [({}, {"A": 0.5, "B": 0.5}), ({"C": 1.0}, {"A": 0.999, "B": 0.001}), ({"A": 0.5, "B": 0.5}, {"B": 0.5, "C": 0.5})],
)
def test_there_is_always_money_for_the_trades_and_their_cost(
    held: dict[str, float], targets: dict[str, float], capital: float, rate: float
) -> None:
    found = traded({"A": 33.33, "B": 0.07, "C": 812.5}, held, targets, capital, rate)["sums"]
    assert found["cash_left"] >= -1e-9


def test_without_a_price_nothing_is_counted() -> None:
    found = traded({"A": None, "B": 10.0}, {}, {"A": 0.5, "B": 0.5}, 1000.0)
    assert found["A"]["side"] is None and found["A"]["missing_reason"] == str(trades.NO_PRICE)
    assert found["sums"]["cash_left"] == pytest.approx(500.0), "its share stays cash"


def test_without_a_price_every_count_is_open() -> None:
    found = traded({"A": None}, {"A": 0.5}, {"A": 1.0}, 1000.0)["A"]
    assert (found["held_weight"], found["target_weight"]) == (0.5, 1.0)
    assert [found[name] for name in ("held_shares", "target_shares", "shares", "value", "cost")] == [None] * 5


def test_nothing_is_kept_back_for_trades_that_are_not_made() -> None:
    """One share at most is sold for the cost of a trade."""
    kept = traded({"A": 10.0}, {"A": 1.0}, {"A": 1.0}, 100_000.0, 0.05)["A"]
    assert kept["shares"] in (0, -1)


@pytest.mark.parametrize("rate", [0.001, 0.05, 0.5])
def test_a_first_purchase_leaves_money_for_its_whole_cost_and_little_more(rate: float) -> None:
    sums = traded({"A": 10.0}, {}, {"A": 1.0}, 100_000.0, rate)["sums"]
    assert 0 <= sums["cash_left"] < 100_000.0 * rate**2 + 20.0


def test_too_little_capital_for_the_cost_buys_nothing() -> None:
    found = traded({"A": 812.5, "B": 0.07}, {}, {"B": 1.0}, 1.0, 0.05)
    assert [found[each]["target_shares"] for each in "AB"] == [0, 0]


@pytest.mark.parametrize(("held", "target", "side"), [(0.0, 0.7, "buy"), (0.7, 0.0, "sell")])
def test_a_single_share_is_a_trade(held: float, target: float, side: str) -> None:
    found = traded({"A": 60.0}, {"A": held}, {"A": target}, 100.0)["A"]
    assert (abs(found["shares"]), found["side"]) == (1, side)


def test_a_trade_says_what_is_known_of_its_position() -> None:
    found = traded({"A": 10.0}, {}, {"A": 1.0}, 100.0)["A"]
    assert (found["company_name"], found["price_date"], found["split_factor"]) == ("A", date(2026, 8, 28), 1.0)
    assert found["missing_reason"] is None


def test_a_trade_is_compared_with_an_ordinary_sessions_volume() -> None:
    found = trades.trades_of([row("A", 10.0), row("B", 10.0)], {}, {"A": 0.5, "B": 0.5}, 10_000.0, 0.0)
    found[0].split_factor = 2.0
    trades._compare(found, {"A": 10_000.0})
    assert [each.share_of_volume for each in found] == [pytest.approx(500 * 2 / 10_000), None]


JUNE, JULY, AUGUST, SEPTEMBER, OCTOBER = (
    date(2026, 6, 28), date(2026, 7, 26), date(2026, 8, 30), date(2026, 9, 27), date(2026, 10, 25),
)  # fmt: skip
WHY = reason("not_comparable_over", benchmark="SPY", days=20)
PRICES = {"NVDA": 100.0, "MU": 100.0, "LOST.KS": None}


def asked(
    before: dict[str, float],
    now: dict[str, float],
    gains: Mapping[str, float | None],
    rebalances: tuple[date, date] = (JUNE, JULY),
    status: Status = "published",
    noted: Mapping[str, list[Reason]] | None = None,
) -> MonthlyTrades:
    """Return the trades of 100,000 dollars between two months, without a database."""
    previous, this = rebalances
    reasons = [] if now else shown([WHY])
    month = MonthlyPortfolio(
        rebalance_date=this,
        valid_until=None,
        as_of_date=last_session_by(this),
        previous_rebalance_date=previous,
        status=status,
        reason=None,
        reasons=reasons,
        degraded_reason=None,
        degraded_reasons=[],
        holdings_as_of=None,
        source="yahoo",
        published_at=datetime(2026, 7, 26, 14, tzinfo=UTC),
        is_in_record=True,
        record_as_of=None,
        positions=[row(ticker, PRICES[ticker], weight) for ticker, weight in now.items()],
        removed=[],
    )

    def returned(conn: Any, windows: list[TickerWindow]) -> list[Return]:
        assert {each.start_session for each in windows} <= {traded_on(previous)}
        found = [Return(*each, gains[each.ticker], [], (noted or {}).get(each.ticker, [])) for each in windows]
        for each in found:
            if each.period_return is None:
                each.missing = [reason("no_price", session="2026-07-24")]
        return found

    nothing: Any = None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(portfolios, "monthly", lambda *_: month)
        patch.setattr(
            portfolios,
            "followed_month",
            lambda conn, day, session: [row(ticker, PRICES[ticker], weight) for ticker, weight in before.items()],
        )
        patch.setattr(portfolios, "volumes", lambda *_: {})
        patch.setattr(trades, "between", returned)
        found = trades.monthly(nothing, None, 100_000.0)
    assert found
    invested = sum((each.target_shares or 0) * (each.price_usd or 0.0) for each in found.trades)
    assert invested + found.unpriced_value + found.cost + found.cash_left == pytest.approx(100_000.0)
    return found


def shares(found: MonthlyTrades) -> dict[str, tuple[str | None, int | None, int | None]]:
    return {each.ticker: (each.side, each.held_shares, each.target_shares) for each in found.trades}


@pytest.mark.parametrize(
    "rebalances",
    [(JULY, AUGUST), (OCTOBER, date(2026, 11, 29)), (date(2026, 12, 27), date(2027, 1, 31)), (SEPTEMBER, OCTOBER)],
)
def test_a_month_that_has_run_out_is_cash(rebalances: tuple[date, date]) -> None:
    """Of five weeks, or of four without a holiday: it is sold at the close before this one is bought."""
    found = asked({"NVDA": 0.5, "MU": 0.5}, {"NVDA": 1.0}, {}, rebalances)
    assert shares(found) == {"NVDA": ("buy", 0, 999)}, "what has left was sold before"
    assert (found.previous_is_expired, found.previous_rebalance_date) == (True, rebalances[0])
    assert (found.bought, found.sold) == (99_900.0, 0.0) and found.cost == pytest.approx(99.9)


def test_a_month_that_is_still_held_is_traded_from() -> None:
    found = asked({"NVDA": 0.5, "MU": 0.5}, {"NVDA": 1.0}, {"NVDA": 0.0, "MU": 0.0})
    assert shares(found) == {"NVDA": ("buy", 500, 998), "MU": ("sell", 500, 0)}
    assert (found.previous_is_expired, found.previous_valid_until) == (False, date(2026, 7, 27))


def test_what_is_held_is_what_the_record_holds() -> None:
    """Over eight years of months, at the close before each one is bought."""
    sundays = last_sundays_between(date(2018, 1, 1), date(2025, 12, 31))
    sessions = sessions_between(date(2018, 1, 2), date(2026, 1, 31))
    decisions = [Decision(MONTHLY_PERIOD, day, False, False, "yahoo") for day in sundays]
    held_before = {sessions[each.exit]: not each.is_cash for each in holding_periods_of(decisions, sessions)}
    told = {
        this: shares(asked({"NVDA": 1.0}, {"NVDA": 1.0}, {"NVDA": 0.0}, (previous, this)))["NVDA"][1] != 0
        for previous, this in pairwise(sundays)
    }
    assert told == {this: held_before[traded_on(this)] for this in told}
    assert len({*told.values()}) == 2, "there are months of both kinds"


def test_a_month_that_is_not_computable_leaves_alone_what_is_held() -> None:
    found = asked({"NVDA": 0.5, "MU": 0.5}, {}, {"NVDA": 0.5, "MU": -0.5}, status="not_computable")
    assert (found.status, found.reason, found.reasons) == ("not_computable", str(WHY), shown([WHY]))
    assert shares(found) == {"NVDA": ("keep", 750, 750), "MU": ("keep", 250, 250)}
    assert [(each.shares, each.value, each.cost, each.target_weight) for each in found.trades] == [
        (0, 0.0, 0.0, 0.75),
        (0, 0.0, 0.0, 0.25),
    ]
    assert (found.previous_valid_until, found.previous_is_expired) == (date(2026, 7, 27), False)
    assert (found.bought, found.sold, found.cost, found.cash_left) == (0.0, 0.0, 0.0, 0.0)


def test_a_month_that_is_not_computable_after_one_that_has_run_out_stays_cash() -> None:
    found = asked({"NVDA": 1.0}, {}, {}, (JULY, AUGUST), "not_computable")
    assert (found.trades, found.cash_left) == ([], 100_000.0)
    assert (found.previous_is_expired, found.previous_valid_until) == (True, date(2026, 8, 21))


def test_an_empty_month_sells_what_is_held() -> None:
    found = asked({"NVDA": 1.0}, {}, {"NVDA": 0.0}, status="empty")
    assert shares(found) == {"NVDA": ("sell", 1000, 0)}
    assert (found.status, found.reason) == ("empty", str(WHY)) and found.cash_left == pytest.approx(99_900.0)


def test_weights_that_could_not_drift_are_marked() -> None:
    found = asked({"NVDA": 0.5, "MU": 0.5}, {"NVDA": 0.5, "MU": 0.5}, {"NVDA": None, "MU": 1.0})
    assert [(each.ticker, round(each.held_weight, 3), each.is_undrifted) for each in found.trades] == [
        ("NVDA", 0.333, True),
        ("MU", 0.667, False),
    ]
    assert found.degraded_reason == "NVDA: no price on 2026-07-24" == found.degraded_reasons[0].sentence
    whole = asked({"NVDA": 0.5, "MU": 0.5}, {"NVDA": 1.0}, {"NVDA": 0.1, "MU": 1.0})
    assert (whole.degraded_reason, [each.is_undrifted for each in whole.trades]) == (None, [False, False])


def test_a_return_in_doubt_is_marked_too() -> None:
    doubt = reason("carried_rate", rate="KRW=X", session="2026-07-24", used="2026-07-23")
    found = asked({"NVDA": 1.0}, {"NVDA": 1.0}, {"NVDA": 0.1}, noted={"NVDA": [doubt]})
    assert (found.degraded_reason, found.trades[0].is_undrifted) == (f"NVDA: {doubt}", False)


@pytest.mark.parametrize(
    ("now", "kept"),
    [({"NVDA": 0.5, "LOST.KS": 0.5}, 499), ({"NVDA": 1.0}, 499), ({"MU": 1.0}, 0), ({"NVDA": 0.25, "MU": 0.75}, 124)],
)
def test_what_has_no_price_is_no_cash(now: dict[str, float], kept: int) -> None:
    """Half of the capital stays in it, and only the other half pays for anything."""
    found = asked({"NVDA": 0.5, "LOST.KS": 0.5}, now, {"NVDA": 0.0, "LOST.KS": None})
    assert found.unpriced_value == 50_000.0
    assert shares(found)["LOST.KS"] == (None, None, None)
    assert shares(found)["NVDA"][1:] == (500, kept)
    assert 0 <= found.cash_left < 100 + 2 * 0.001 * 50_000


PARTS = st.lists(st.integers(0, 5), min_size=4, max_size=4).filter(any)
WEIGHTS = PARTS.map(lambda parts: [each / sum(parts) for each in parts])


@settings(deadline=None, max_examples=100)
@given(WEIGHTS, WEIGHTS, st.sets(st.sampled_from("ABCD")), st.floats(1.0, 1e9), st.sampled_from([0.0, 0.001, 0.05]))
def test_there_is_money_whatever_cannot_be_sold(
    held: list[float], wanted: list[float], unpriced: set[str], capital: float, rate: float
) -> None:
    prices = {ticker: None if ticker in unpriced else 7.0 * nth for nth, ticker in enumerate("ABCD", 1)}
    weights, targets = (dict(zip("ABCD", each, strict=True)) for each in (held, wanted))
    sums = traded(prices, weights, targets, capital, rate)["sums"]
    assert sums["cash_left"] >= -1e-9 * capital
    assert sums["unpriced_value"] == pytest.approx(capital * sum(weights[ticker] for ticker in unpriced))
