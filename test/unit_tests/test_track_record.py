"""Published portfolios followed forward: golden series worked out by hand, and long ones lived through in pandas.

No database: frames in, rows out.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import simulation
from batch import spark_portfolio_performance as job
from batch.reasons import read_each
from batch.returns import exchanges_of
from batch.sources import with_source_rank
from batch.track_record import (
    Decision,
    ExchangeClose,
    HoldingPeriod,
    closes_of,
    holding_periods_of,
    marked_prices,
    summaries,
    track_record,
)
from config.periods import MONTHLY_PERIOD
from config.universe import ANNUALISED_FROM_SESSIONS
from reason_words import text_json, words
from utils.dates import sessions_between, traded_on
from utils.reasons import as_json, reason
from utils.spark_utils import local_frame

# Monday to Friday: Monday's portfolio is bought on Tuesday.
MON, TUE, WED, THU, FRI = WEEK = sessions_between(date(2026, 8, 17), date(2026, 8, 21))
COST = 0.001
FOR_A_YEAR = ("cagr", "volatility", "sharpe", "sortino", "calmar", "beta")
Weights = Mapping[str, float]
Published = Mapping[tuple[int, date], Weights]  # period and day of the decision -> ticker -> weight
Closes = Mapping[str, Sequence[float | None]]
DOUBTS = "ticker string, trade_date date, kind string, reason string"
PRICES = "ticker string, trade_date date, currency string, price double, source string"


def decision(days: int, day: date, **other: Any) -> Decision:
    fields: dict[str, Any] = {"is_degraded": False, "has_hindsight": False, "source": "yahoo", **other}
    return Decision(period_days=days, decided_on=day, **fields)


@pytest.fixture
def follow(spark: Any) -> Callable[..., list[Any]]:
    """Return the followed sessions, from closes by ticker (None: no bar) and the published portfolios."""

    def rows(
        closes: Closes,
        published: Published,
        sessions: Sequence[date] = WEEK,
        about: Mapping[tuple[int, date], Mapping[str, Any]] | None = None,
        unrated: Sequence[date] = (),
        doubts: Sequence[tuple[Any, ...]] = (),
        summarised: bool = False,
    ) -> list[Any]:
        prices = [
            (ticker, day, *(("KRW", None if day in unrated else price) if ".KS" in ticker else ("USD", price)), "yahoo")
            for ticker, values in ({"SPY": [100.0] * len(sessions)} | dict(closes)).items()
            for day, price in zip(sessions, values, strict=True)
            if price is not None
        ]
        weights = [(*key, ticker, weight) for key, each in published.items() for ticker, weight in each.items()]
        stretches = holding_periods_of([decision(*key, **(about or {}).get(key, {})) for key in published], sessions)
        tickers = {"SPY", *closes}
        found = track_record(
            holding_periods=with_source_rank(local_frame(spark, stretches, HoldingPeriod._fields)),
            positions=spark.createDataFrame(weights, "period_days int, decided_on date, ticker string, weight double"),
            marks=marked_prices(
                local_frame(spark, [(ticker,) for ticker in tickers], ["ticker"]),
                local_frame(spark, closes_of(sessions, {"XNYS", *exchanges_of(tickers)}), ExchangeClose._fields),
                with_source_rank(spark.createDataFrame(prices, PRICES)),
                spark.createDataFrame([(*doubt, text_json(told)) for *doubt, told in doubts], DOUBTS)
                if doubts
                else None,
            ),
            benchmark="SPY",
            cost_rate=COST,
        )
        return list((summaries(found, COST) if summarised else found.orderBy("period_days", "trade_date")).collect())

    return rows


def column(rows: Sequence[Any], name: str) -> list[Any]:
    return [row[name] for row in rows]


def in_words(rows: Sequence[Any], name: str) -> list[str | None]:
    """Return a column of reasons in words: of a JSON column's text, or of a list of reasons."""
    return [words(read_each(found) if isinstance(found, list) else found) for found in column(rows, name)]


class TestByHand:
    def test_bought_at_the_close_after_the_decision_and_held(self, follow: Callable[..., list[Any]]) -> None:
        """Monday's jump of A is before the purchase. A rises by a half, B falls by a fifth, a tenth is cash."""
        closes = {
            "A": [50.0, 100.0, 120.0, 150.0, 150.0],
            "B": [10.0, 10.0, 10.0, 8.0, 8.0],
            "SPY": [9.0, 10.0, 11.0, 9.9, 9.9],
        }
        rows = follow(closes, {(5, MON): {"A": 0.5, "B": 0.4}})
        assert column(rows, "trade_date") == [TUE, WED, THU, FRI]
        assert column(rows, "gross_value") == pytest.approx([1.0, 1.1, 1.17, 1.17])
        assert column(rows, "net_value") == pytest.approx([1.0, 1.1 * 0.9991, 1.17 * 0.9991, 1.17 * 0.9991])
        assert column(rows, "benchmark_value") == pytest.approx([1.0, 1.1, 0.99, 0.99])
        assert column(rows, "benchmark_drawdown") == pytest.approx([0.0, 0.0, -0.1, -0.1])
        assert column(rows, "turnover") == pytest.approx([0.45, 0, 0, 0])
        assert column(rows, "cost") == pytest.approx([0.0009, 0, 0, 0])
        assert column(rows, "cash_weight") == pytest.approx([0.1, 0.1 / 1.1, 0.1 / 1.17, 0.1 / 1.17])
        assert column(rows, "gross_return")[0] is None and column(rows, "net_return")[0] is None
        assert column(rows, "gross_return")[1:] == pytest.approx([0.1, 1.17 / 1.1 - 1, 0.0])
        assert column(rows, "net_return")[1] == pytest.approx(1.1 * 0.9991 - 1), "it pays for the purchase"
        assert column(rows, "drawdown") == pytest.approx([0, 0, 0, 0])

    def test_a_trade_is_measured_against_the_drifted_weights(self, follow: Callable[..., list[Any]]) -> None:
        """A doubles: half and half have become 2/3 and 1/3, so a third of the value changes hands, a sixth each way."""
        closes = {"A": [1.0, 1.0, 2.0, 2.0, 2.0], "B": [1.0] * 5}
        rows = follow(closes, {(5, MON): {"A": 0.5, "B": 0.5}, (5, TUE): {"A": 0.5, "B": 0.5}})
        assert column(rows, "turnover") == pytest.approx([0.5, 1 / 6, 0, 0])
        assert column(rows, "decided_on") == [MON, MON, TUE, TUE]
        assert column(rows, "net_value") == pytest.approx([1.0, *[1.5 * (1 - COST) * (1 - COST / 3)] * 3])

    def test_all_of_it_exchanged_is_a_turnover_of_one(self, follow: Callable[..., list[Any]]) -> None:
        rows = follow({"A": [1.0] * 5, "B": [1.0] * 5}, {(5, MON): {"A": 1.0}, (5, TUE): {"B": 1.0}})
        assert column(rows, "turnover") == pytest.approx([0.5, 1.0, 0, 0])
        assert column(rows, "drawdown") == pytest.approx([0, *[(1 - COST) * (1 - 2 * COST) - 1] * 3])

    def test_an_empty_publication_is_cash(self, follow: Callable[..., list[Any]]) -> None:
        closes = {"A": [1.0, 1.0, 2.0, 9.0, 9.0]}
        rows = follow(closes, {(5, MON): {"A": 1.0}, (5, TUE): {}, (5, THU): {"A": 1.0}})
        assert column(rows, "gross_value") == pytest.approx([1, 2, 2, 2])
        assert column(rows, "cash_weight") == pytest.approx([0, 0, 1, 1])
        assert column(rows, "position_count") == [1, 1, 0, 0]
        assert column(rows, "turnover") == pytest.approx([0.5, 0.5, 0, 0.5])

    def test_a_record_that_begins_with_cash(self, follow: Callable[..., list[Any]]) -> None:
        rows = follow({"A": [1.0, 1.0, 1.0, 2.0, 4.0]}, {(5, MON): {}, (5, TUE): {"A": 1.0}})
        assert column(rows, "gross_value") == pytest.approx([1, 1, 2, 4])
        assert column(rows, "net_value") == pytest.approx([1, 1 - COST, 2 * (1 - COST), 4 * (1 - COST)])
        assert column(rows, "drawdown") == pytest.approx([0, -COST, 0, 0])

    def test_a_session_without_a_publication_keeps_what_is_held(self, follow: Callable[..., list[Any]]) -> None:
        rows = follow({"A": [1.0, 1.0, 2.0, 3.0, 4.0], "B": [1.0] * 5}, {(5, MON): {"A": 1.0}, (5, THU): {"B": 1.0}})
        assert column(rows, "gross_value") == pytest.approx([1, 2, 3, 4])
        assert column(rows, "turnover") == pytest.approx([0.5, 0, 0, 1.0])

    def test_each_period_is_a_series_of_its_own(self, follow: Callable[..., list[Any]]) -> None:
        published = {(5, MON): {"A": 1.0}, (20, WED): {"B": 1.0}, (MONTHLY_PERIOD, date(2026, 8, 16)): {"B": 1.0}}
        rows = follow({"A": [1.0, 1.0, 2.0, 2.0, 2.0], "B": [1.0, 2.0, 2.0, 2.0, 3.0]}, published)
        last = {row["period_days"]: row for row in rows}
        assert {days: row["gross_value"] for days, row in last.items()} == pytest.approx({0: 3.0, 5: 2.0, 20: 1.5})
        assert [row["trade_date"] for row in rows if row["period_days"] == 20] == [THU, FRI]

    def test_nothing_is_known_ahead(self, follow: Callable[..., list[Any]]) -> None:
        """Rows up to a session are the same without what came after it."""
        closes = {"A": [1.0, 2.0, 3.0, 2.0, 5.0], "B": [4.0, 3.0, 5.0, 4.0, 1.0]}
        published = {(5, MON): {"A": 0.7, "B": 0.3}, (5, TUE): {"B": 1.0}, (5, WED): {"A": 1.0}}
        whole = follow(closes, published)
        cut = follow({ticker: values[:3] for ticker, values in closes.items()}, published, sessions=WEEK[:3])
        assert cut == whole[: len(cut)] and len(cut) == 2


def test_before_the_first_purchase_there_is_nothing_to_follow() -> None:
    assert holding_periods_of([decision(5, MON)], [MON]) == []
    [stretch] = holding_periods_of([decision(5, MON)], [MON, TUE])
    assert (stretch.entry, stretch.exit, stretch.is_traded) == (1, 1, False)


class TestMissing:
    def test_a_position_without_a_close_stands_at_its_last_one(self, follow: Callable[..., list[Any]]) -> None:
        closes = {"A": [1.0, 1.0, None, 3.0, 3.0], "B": [1.0] * 5}
        rows = follow(closes, {(5, MON): {"A": 0.5, "B": 0.5}})
        assert column(rows, "gross_value") == pytest.approx([1, 1, 2, 2])
        assert column(rows, "carried_weight") == pytest.approx([0, 0.5, 0, 0])
        assert in_words(rows, "carried_reason") == [None, f"A: no price on {WED}", None, None]

    def test_one_bought_without_a_close_is_bought_at_its_last_one(self, follow: Callable[..., list[Any]]) -> None:
        rows = follow({"A": [1.0] * 5, "B": [1.0, 2.0, None, 3.0, 3.0]}, {(5, MON): {"A": 1.0}, (5, TUE): {"B": 0.8}})
        assert column(rows, "gross_value") == pytest.approx([1, 1, 1.4, 1.4])
        assert column(rows, "carried_weight") == pytest.approx([0, 0.8, 0, 0])
        assert in_words(rows, "carried_reason")[1] == f"B: no price on {WED}"

    def test_one_that_never_had_a_price_stays_what_it_was(self, follow: Callable[..., list[Any]]) -> None:
        rows = follow({"A": [1.0, 1.0, 2.0, 2.0, 2.0], "B": [None] * 5}, {(5, MON): {"A": 0.5, "B": 0.5}})
        assert column(rows, "gross_value") == pytest.approx([1, 1.5, 1.5, 1.5])
        assert column(rows, "carried_weight") == pytest.approx([0.5, 1 / 3, 1 / 3, 1 / 3])

    def test_a_currency_without_a_rate(self, follow: Callable[..., list[Any]]) -> None:
        rows = follow({"A.KS": [1.0, 1.0, 2.0, 2.0, 3.0]}, {(5, TUE): {"A.KS": 1.0}}, unrated=[THU])
        assert in_words(rows, "carried_reason") == [None, f"A.KS: no KRW=X rate on {THU}", None]

    def test_a_foreign_holiday_is_no_missing_price(self, follow: Callable[..., list[Any]]) -> None:
        """Korea was closed on Monday the 17th: its own last close counts, at the rate of that day."""
        sessions = sessions_between(date(2026, 8, 13), date(2026, 8, 19))
        rows = follow({"A.KS": [1.0, 2.0, None, 3.0, 3.0]}, {(5, date(2026, 8, 13)): {"A.KS": 1.0}}, sessions)
        assert column(rows, "gross_value") == pytest.approx([1, 1, 1.5, 1.5])
        assert in_words(rows, "carried_reason") == [None] * 4

    def test_the_benchmark_without_a_close(self, follow: Callable[..., list[Any]]) -> None:
        rows = follow({"A": [1.0] * 5, "SPY": [1.0, 1.0, None, 3.0, 3.0]}, {(5, MON): {"A": 1.0}})
        assert column(rows, "benchmark_value") == pytest.approx([1, 1, 3, 3])
        assert in_words(rows, "carried_reason")[1] == f"SPY: no price on {WED}"
        assert column(rows, "carried_weight") == [0.0] * 4

    def test_what_was_published_is_told_with_the_sessions_it_was_held(self, follow: Callable[..., list[Any]]) -> None:
        about = {(5, MON): {"has_hindsight": True, "source": "simulated"}, (5, TUE): {"is_degraded": True}}
        published = {(5, MON): {"A": 1.0}, (5, TUE): {"A": 1.0}, (5, WED): {"A": 1.0}}
        rows = follow({"A": [1.0] * 5}, published, about=about)
        assert column(rows, "has_hindsight") == [True, True, False, False]
        assert column(rows, "is_degraded") == [False, False, True, False]
        assert column(rows, "source_rank") == [3, 3, 1, 1]
        last = follow({"A": [1.0] * 5}, published, about=about, summarised=True)[-1]
        assert (last.session_count, last.hindsight_sessions, last.degraded_sessions) == (3, 1, 1)
        assert (last.carried_sessions, last.source) == (0, "simulated")


class TestBreaks:
    """A's prices are ten times as high from Wednesday on, which no split explains."""

    STEP = f"prices break at {WED}: close moved +900 %"
    TENFOLD = {"A": [10.0, 10.0, 100.0, 110.0, 121.0], "B": [1.0, 1.0, 1.0, 1.0, 2.0]}  # noqa: RUF012
    WITHHELD = [("A", WED, "withheld", STEP)]  # noqa: RUF012

    def test_a_position_bought_before_stands_at_its_last_close_before(self, follow: Callable[..., list[Any]]) -> None:
        rows = follow(self.TENFOLD, {(5, MON): {"A": 0.5, "B": 0.5}}, doubts=self.WITHHELD)
        assert column(rows, "gross_value") == pytest.approx([1, 1, 1, 1.5])
        assert column(rows, "carried_weight") == pytest.approx([0, 0.5, 0.5, 0.5 / 1.5])
        assert in_words(rows, "carried_reason") == [None, *[f"A: {self.STEP}"] * 3]

    def test_also_when_the_bar_itself_waits(self, follow: Callable[..., list[Any]]) -> None:
        """Wednesday's is quarantined: bought at that close, it is bought at Tuesday's."""
        closes = {"A": [10.0, 10.0, None, 110.0, 121.0]}
        rows = follow(closes, {(5, TUE): {"A": 1.0}}, doubts=self.WITHHELD)
        assert column(rows, "gross_value") == pytest.approx([1, 1, 1])
        assert in_words(rows, "carried_reason") == [f"A: no price on {WED}", *[f"A: {self.STEP}"] * 2]

    def test_one_bought_after_it_knows_the_prices_after_it(self, follow: Callable[..., list[Any]]) -> None:
        rows = follow(self.TENFOLD, {(5, MON): {"A": 1.0}, (5, WED): {"A": 1.0}}, doubts=self.WITHHELD)
        assert column(rows, "gross_value") == pytest.approx([1, 1, 1, 1.1])
        assert in_words(rows, "carried_reason") == [None, f"A: {self.STEP}", f"A: {self.STEP}", None]

    def test_of_two_breaks_each_parts_the_prices(self, follow: Callable[..., list[Any]]) -> None:
        """Bought between them, a position rises with the prices between them alone."""
        again = ("A", FRI, "withheld", f"prices break at {FRI}: close moved -90 %")
        closes = {"A": [10.0, 10.0, 100.0, 110.0, 12.0]}
        rows = follow(closes, {(5, TUE): {"A": 1.0}}, doubts=[*self.WITHHELD, again])
        assert column(rows, "gross_value") == pytest.approx([1, 1.1, 1.1])
        assert in_words(rows, "carried_reason") == [None, None, f"A: {again[3]}"]

    def test_a_break_that_is_noted_leaves_the_value(self, follow: Callable[..., list[Any]]) -> None:
        """The session across the break is marked, and so are those whose values rest on it."""
        rows = follow(self.TENFOLD, {(5, MON): {"A": 1.0}}, doubts=[("A", WED, "noted", "n")])
        assert column(rows, "gross_value") == pytest.approx([1, 10, 11, 12.1])
        assert in_words(rows, "noted") == [None, "A: n", None, None]
        assert in_words(rows, "lasting") == [None, "A: n", None, None]
        assert in_words(rows, "carried_reason") == [None] * 4

    def test_a_break_before_the_purchase_is_nobodys(self, follow: Callable[..., list[Any]]) -> None:
        said = [("A", WED, "noted", "n"), ("A", WED, "withheld", "w")]
        rows = follow(self.TENFOLD, {(5, TUE): {"A": 1.0}}, doubts=said)
        assert column(rows, "gross_value") == pytest.approx([1, 1.1, 1.21])
        assert {*in_words(rows, "noted"), *in_words(rows, "carried_reason")} == {None}

    def test_a_rate_of_another_day_is_told_and_lasts_when_it_was_traded_at(
        self, follow: Callable[..., list[Any]]
    ) -> None:
        closes = {"A.KS": [1.0, 1.0, 2.0, 2.0, 3.0]}
        rates = [("A.KS", TUE, "rate", "r1"), ("A.KS", THU, "rate", "r2")]
        rows = follow(closes, {(5, MON): {"A.KS": 1.0}}, doubts=rates)
        assert in_words(rows, "noted") == ["A.KS: r1", None, "A.KS: r2", None]
        assert in_words(rows, "lasting") == ["A.KS: r1", None, None, None]

    def test_the_benchmark_stands_at_its_last_close_before_a_break(self, follow: Callable[..., list[Any]]) -> None:
        closes = {"A": [1.0] * 5, "SPY": [1.0, 2.0, 20.0, 22.0, 22.0]}
        step = [("SPY", WED, "withheld", "w")]
        rows = follow(closes, {(5, MON): {"A": 1.0}, (10, WED): {"A": 1.0}}, doubts=step)
        of_5, of_10 = ([row for row in rows if row.period_days == days] for days in (5, 10))
        assert column(of_5, "benchmark_value") == pytest.approx([1, 1, 1, 1])
        assert in_words(of_5, "carried_reason") == [None, "SPY: w", "SPY: w", "SPY: w"]
        assert column(of_10, "benchmark_value") == pytest.approx([1, 1])
        assert in_words(of_10, "carried_reason") == [None, None]

    def test_a_ticker_without_an_exchange_is_told(self, follow: Callable[..., list[Any]]) -> None:
        rows = follow({"A": [1.0] * 5, "VIC.VN": [None] * 5}, {(5, MON): {"A": 0.5, "VIC.VN": 0.5}})
        assert set(in_words(rows, "carried_reason")) == {"VIC.VN: no exchange is known for the suffix .VN"}


class TestMonth:
    """The month of 2026-06-28 ends on 2026-07-27, when the next is bought, and that of 2026-07-26 on 2026-08-21."""

    JUNE, JULY = date(2026, 6, 28), date(2026, 7, 26)
    SESSIONS = sessions_between(date(2026, 6, 26), date(2026, 8, 26))

    def rows(self, follow: Callable[..., list[Any]], *months: date) -> list[Any]:
        rising = [1.0 + at for at in range(len(self.SESSIONS))]
        return follow(
            {"A": rising, "SPY": rising}, {(MONTHLY_PERIOD, day): {"A": 1.0} for day in months}, self.SESSIONS
        )

    def test_it_is_cash_from_its_last_session_on(self, follow: Callable[..., list[Any]]) -> None:
        rows = self.rows(follow, self.JULY)
        assert (rows[0]["trade_date"], rows[-1]["trade_date"]) == (date(2026, 7, 27), date(2026, 8, 26))
        cash = [row["trade_date"] for row in rows if row["cash_weight"] == 1.0]
        assert cash == sessions_between(date(2026, 8, 24), date(2026, 8, 26))
        assert {row["trade_date"]: row["turnover"] for row in rows if row["turnover"]} == pytest.approx(
            {date(2026, 7, 27): 0.5, date(2026, 8, 21): 0.5}
        )

    def test_cash_is_seen_without_hindsight(self, follow: Callable[..., list[Any]]) -> None:
        closes = {"A": [1.0] * len(self.SESSIONS)}
        about = {(MONTHLY_PERIOD, self.JULY): {"has_hindsight": True, "is_degraded": True}}
        rows = follow(closes, {(MONTHLY_PERIOD, self.JULY): {"A": 1.0}}, self.SESSIONS, about)
        doubtful = [row["trade_date"] for row in rows if row["has_hindsight"] and row["is_degraded"]]
        assert doubtful == sessions_between(date(2026, 7, 27), date(2026, 8, 21))

    def test_the_next_one_follows_at_once(self, follow: Callable[..., list[Any]]) -> None:
        rows = self.rows(follow, self.JUNE, self.JULY)
        traded = {row["trade_date"]: row["turnover"] for row in rows if row["turnover"] > 1e-12}
        assert set(traded) == {date(2026, 6, 29), date(2026, 8, 21)}, "A stays, and is not traded on 2026-07-27"
        values = {row["trade_date"]: row for row in rows}
        assert values[date(2026, 8, 21)]["gross_value"] == pytest.approx(values[date(2026, 8, 21)]["benchmark_value"])

    def test_sold_on_the_last_session_there_is(self, follow: Callable[..., list[Any]]) -> None:
        sessions = sessions_between(date(2026, 7, 24), date(2026, 8, 21))
        rows = follow({"A": [1.0] * len(sessions)}, {(MONTHLY_PERIOD, self.JULY): {"A": 1.0}}, sessions)
        assert (rows[-1]["turnover"], rows[-1]["cash_weight"]) == (0.5, 0.0)

    def test_of_two_bought_at_one_close_the_last_counts(self, follow: Callable[..., list[Any]]) -> None:
        closes = {"A": [1.0] * 5, "B": [1.0, 1.0, 2.0, 2.0, 2.0]}
        rows = follow(
            closes, {(MONTHLY_PERIOD, date(2026, 8, 15)): {"A": 1.0}, (MONTHLY_PERIOD, date(2026, 8, 16)): {"B": 1.0}}
        )
        assert rows[-1]["gross_value"] == pytest.approx(2.0)


def walks(seed: int, count: int, days: int) -> pd.DataFrame:
    """Prices of SPY and some stocks, which follow it to a degree."""
    random = np.random.default_rng(seed)
    market = random.normal(0.0005, 0.01, days)
    returns = {"SPY": market} | {
        f"S{at}": market * random.uniform(0.5, 1.5) + random.normal(0, 0.02, days) for at in range(count)
    }
    return 100 * (1 + pd.DataFrame(returns)).cumprod()


class TestLongSeries:
    """A hundred sessions of a portfolio that changes every few days, against the simulation."""

    SESSIONS = sessions_between(date(2026, 1, 5), date(2026, 6, 30))

    @pytest.fixture(scope="class")
    def prices(self) -> pd.DataFrame:
        return walks(11, 6, len(self.SESSIONS)).set_index(pd.DatetimeIndex(self.SESSIONS))

    @pytest.fixture(scope="class")
    def published(self) -> Published:
        random = np.random.default_rng(5)
        found: dict[tuple[int, date], Weights] = {}
        for day in self.SESSIONS[:-1]:
            if random.random() < 0.7:
                names = random.choice(6, random.integers(0, 5), replace=False)
                shares: Any = random.dirichlet(np.ones(len(names) + 1))[: len(names)] if len(names) else []
                found[5, day] = {f"S{name}": float(share) for name, share in zip(names, shares, strict=True)}
        return found

    @pytest.fixture(scope="class")
    def lived(self, prices: pd.DataFrame, published: Published) -> pd.DataFrame:
        targets = {pd.Timestamp(traded_on(day)): weights for (_, day), weights in published.items()}
        lived: pd.DataFrame = simulation.live_through(prices, targets, prices["SPY"], COST)
        return lived

    def closes(self, prices: pd.DataFrame) -> Closes:
        return {str(name): [float(price) for price in column] for name, column in prices.items()}

    def test_every_session(
        self, follow: Callable[..., list[Any]], prices: pd.DataFrame, published: Published, lived: pd.DataFrame
    ) -> None:
        rows = follow(self.closes(prices), published, self.SESSIONS)
        assert column(rows, "trade_date") == [day.date() for day in lived.index]
        for ours, theirs in {
            "gross_value": "gross", "net_value": "net", "benchmark_value": "benchmark", "turnover": "turnover",
            "cost": "cost", "cash_weight": "cash_weight",
        }.items():  # fmt: skip
            assert column(rows, ours) == pytest.approx(list(lived[theirs]), abs=1e-12), ours
        assert column(rows, "net_return")[1:] == pytest.approx(list(lived["net"].pct_change().iloc[1:]), abs=1e-12)
        assert min(column(rows, "turnover")) == 0.0 and max(column(rows, "turnover")) > 0.5

    def test_every_figure(
        self,
        follow: Callable[..., list[Any]],
        prices: pd.DataFrame,
        published: Published,
        lived: pd.DataFrame,
    ) -> None:
        """Each session with figures is compared. Annual ones come with 60 returns."""
        rows = follow(self.closes(prices), published, self.SESSIONS, summarised=True)
        for at in (1, 2, ANNUALISED_FROM_SESSIONS - 1, ANNUALISED_FROM_SESSIONS, len(rows) - 1):
            row = rows[at].asDict()
            for name, value in simulation.figures(lived.iloc[: at + 1]).items():
                if name in FOR_A_YEAR and at < ANNUALISED_FROM_SESSIONS:
                    assert row[name] is None
                else:
                    assert row[name] == pytest.approx(value, abs=1e-10), (at, name)
            assert (row["last_session"], row["cost_rate"]) == (lived.index[at].date(), COST)
        assert rows[ANNUALISED_FROM_SESSIONS - 1].not_annualised_reason == as_json(
            [reason("too_few_sessions", count=59, needed=60)]
        )
        assert rows[ANNUALISED_FROM_SESSIONS].not_annualised_reason is None

    def test_a_portfolio_that_is_the_benchmark(self, follow: Callable[..., list[Any]], prices: pd.DataFrame) -> None:
        prices = prices.assign(S0=prices["SPY"] * 3)
        last = follow(self.closes(prices), {(5, self.SESSIONS[0]): {"S0": 1.0}}, self.SESSIONS, summarised=True)[-1]
        assert last.total_return_gross == pytest.approx(last.benchmark_return)
        assert last.total_return_net == pytest.approx((1 + last.benchmark_return) * (1 - COST) - 1)
        assert last.beta == pytest.approx(1.0, abs=0.02)

    def test_cash_has_no_ratios(self, follow: Callable[..., list[Any]], prices: pd.DataFrame) -> None:
        """Nothing is divided by a deviation or a drawdown of zero."""
        published: Published = {(5, self.SESSIONS[0]): {}}
        last = follow(self.closes(prices), published, self.SESSIONS, summarised=True)[-1]
        assert (last.cagr, last.volatility, last.max_drawdown, last.beta) == (0, 0, 0, 0)
        assert (last.sharpe, last.sortino, last.calmar) == (None, None, None)


def test_a_session_is_degraded_by_its_own_doubts_and_by_those_its_values_rest_on(
    follow: Callable[..., list[Any]],
) -> None:
    closes = {"A": [10.0, 10.0, 100.0, 110.0, None]}
    rows = follow(closes, {(5, MON): {"A": 1.0}}, doubts=[("A", WED, "noted", "prices break")])
    labelled: list[Any] = [SimpleNamespace(**row.asDict(), source="yahoo") for row in rows]
    lines = job.publications_of(dict.fromkeys((TUE, WED, THU, FRI), "yahoo"), labelled, reason("no_portfolio_yet"))
    said = [words(line.degraded_reason) for line in lines]
    rests = "the values rest on earlier doubts: A: prices break"
    assert said == [None, "A: prices break", rests, f"A: no price on {FRI}; {rests}"]


def followed(day: date, lasting: Sequence[str], source: str = "yahoo") -> Any:
    doubts = [text_json(each) for each in lasting]
    return SimpleNamespace(trade_date=day, source=source, carried_reason=None, noted=[], lasting=doubts)


def test_a_session_rests_on_the_doubts_and_sources_of_all_before_it_published_or_not() -> None:
    rows: list[Any] = [
        followed(WED, ["c"]),
        followed(MON, ["b"], "recorded"),
        followed(MON, ["a", "b"]),
        followed(TUE, ["a", "d", "e", "f", "g"], "simulated"),
        followed(THU, []),
    ]
    lines = job.publications_of({MON: "yahoo", THU: "yahoo", WED: "yahoo"}, rows, reason("no_portfolio_yet"))
    rests = "the values rest on earlier doubts: a, b, d, e, f"
    assert [(line.as_of_date, line.row_count, line.source, words(line.degraded_reason)) for line in lines] == [
        (MON, 2, "recorded", None),
        (WED, 1, "simulated", f"{rests}, and 1 more"),
        (THU, 1, "simulated", f"{rests}, and 2 more"),
    ]


def test_the_publications_of_twice_the_sessions_take_twice_the_work() -> None:
    class Counted(SimpleNamespace):
        reads = 0

        def __getattribute__(self, name: str) -> Any:
            Counted.reads += 1
            return super().__getattribute__(name)

    def reads(count: int) -> int:
        days = [date(2026, 1, 1) + timedelta(days=n) for n in range(count)]
        rows: list[Any] = [Counted(**vars(followed(day, []))) for day in days]
        Counted.reads = 0
        job.publications_of(dict.fromkeys(days, "yahoo"), rows, reason("no_portfolio_yet"))
        return Counted.reads

    assert reads(80) == 2 * reads(40)


def test_a_record_that_has_not_begun_says_why() -> None:
    [line] = job.publications_of({MON: "yahoo"}, [], job.why_empty([]))
    assert words(line.reason) == "no portfolio is published yet: run the five stages for a session"
    assert str(job.why_empty([], 6)) == "none of the 6 published portfolios is computable: too little history is stored"
    assert str(job.why_empty([decision(5, MON)])).startswith(
        f"the first portfolio, of {MON}, is bought at the close of {TUE}"
    )
