"""Where a replay differs from a backfill, and the one cause that the stored data give for each difference."""

import copy
import csv
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ops.replay import report
from ops.replay.comparison import Cause, Comparison, Difference, best
from ops.replay.publications import Candidate, EveningBar, MonthlyPosition, Portfolio, Position, Publications, Trend

START, DAY, END = date(2026, 8, 7), date(2026, 8, 14), date(2026, 8, 21)
REBALANCE = date(2026, 8, 30)
SHARES = 10**9
WEEK = Portfolio(DAY, 5)
Change = Callable[["Stored"], None]


class Stored:
    """What one side has stored of one session and period: two ETFs trend, each has chosen the first of two holdings.

    Everything published is computed from the bars, so that a test changes a bar and gets what follows from it.
    """

    def __init__(self) -> None:
        self.bars: dict[tuple[str, date], EveningBar] = {}
        for ticker, end in {"SPY": 101, "QQQ": 110, "XLF": 105, "AAA": 120, "BBB": 110, "CCC": 108, "DDD": 104}.items():
            self.bars[ticker, START] = EveningBar(100.0, 100.0, "USD", SHARES, 100 * SHARES, "shares_x_close")
            self.bars[ticker, DAY] = EveningBar(end, end, "USD", SHARES, end * SHARES, "shares_x_close")
        self.holdings = {"QQQ": [("AAA", 0.2), ("BBB", 0.1)], "XLF": [("CCC", 0.2), ("DDD", 0.1)]}
        self.snapshot = DAY
        self.quarantined: set[tuple[str, date]] = set()
        self.is_published = True
        self.monthly: dict[str, MonthlyPosition] = {}

    def bar(self, ticker: str, day: date = DAY, **values: Any) -> None:
        """Return another bar. Its market cap follows from shares and close unless given."""
        bar = replace(self.bars[ticker, day], **values)
        cap = bar.market_cap if "market_cap" in values or bar.shares is None else round(bar.shares * bar.close)
        self.bars[ticker, day] = replace(bar, market_cap=cap)

    def period_return(self, ticker: str) -> float | None:
        start, end = self._dollars(ticker, START), self._dollars(ticker, DAY)
        return end / start - 1 if start and end else None

    def _dollars(self, ticker: str, day: date) -> float | None:
        bar = self.bars.get((ticker, day))
        rate = self._rate(bar, day) if bar else None
        return bar.adj_close / rate if bar and rate else None

    def _rate(self, bar: EveningBar, day: date) -> float | None:
        if bar.currency == "USD":
            return 1.0
        rate = self.bars.get((f"{bar.currency}=X", day))
        return rate.close if rate else None

    def _market_cap(self, ticker: str) -> int | None:
        bar = self.bars.get((ticker, DAY))
        rate = self._rate(bar, DAY) if bar else None
        return round(bar.market_cap / rate) if bar and bar.market_cap and rate else None

    def _candidate(self, ticker: str, percent: float) -> Candidate:
        values = self.period_return(ticker), self._market_cap(ticker)
        return Candidate(ticker, percent, *values, False, self.snapshot, START, DAY)

    def publications(self) -> Publications:
        found = Publications(quarantined=self.quarantined, monthly={REBALANCE: self.monthly})
        found.known_bar = lambda ticker, session, evening: self.bars.get((ticker, session))
        if not self.is_published:
            return found
        base = self.period_return("SPY")
        scores: dict[str, float] = {}
        etfs: dict[str, list[str]] = {}
        for etf in ("QQQ", "XLF"):
            value = self.period_return(etf)
            trends = value is not None and base is not None and value > max(base, 0)
            found.trends[WEEK][etf] = Trend(value, trends)
            looked_at = [self._candidate(*holding) for holding in self.holdings[etf]] if trends else []
            chosen = best(looked_at)
            listed = [replace(one, is_selected=one is chosen) for one in looked_at]
            found.candidates[WEEK][etf] = listed
            if chosen and chosen.score:
                scores[chosen.ticker] = chosen.score
                etfs.setdefault(chosen.ticker, []).append(etf)
        for ticker, score in scores.items():
            found.positions[WEEK][ticker] = Position(score / sum(scores.values()), tuple(etfs[ticker]))
        return found


def differences(then: Change, now: Change) -> list[Difference]:
    """Return the differences of a replay and a backfill that are equal apart from these changes."""
    sides = Stored(), Stored()
    for stored, change in zip(sides, (then, now), strict=True):
        change(stored)
    replayed, backfilled = (stored.publications() for stored in sides)
    return Comparison(replayed, backfilled, END, "SPY").differences()


def nothing(stored: Stored) -> None:
    pass


def bar(ticker: str, day: date = DAY, **values: Any) -> Change:
    return lambda stored: stored.bar(ticker, day, **values)


def no_bar(ticker: str, day: date = DAY) -> Change:
    def change(stored: Stored) -> None:
        del stored.bars[ticker, day]

    return change


def quarantine(ticker: str) -> Change:
    def change(stored: Stored) -> None:
        no_bar(ticker)(stored)
        stored.quarantined.add((ticker, DAY))

    return change


def held(etf: str, *tickers: str, snapshot: date = END) -> Change:
    def change(stored: Stored) -> None:
        stored.holdings[etf] = [(ticker, 0.3 - at / 10) for at, ticker in enumerate(tickers)]
        stored.snapshot = snapshot

    return change


def both(*changes: Change) -> Change:
    def change_all(stored: Stored) -> None:
        for change in changes:
            change(stored)

    return change_all


def korean(rate: float | None) -> Change:
    """AAA is quoted in won. Without a rate it does not count."""

    def change(stored: Stored) -> None:
        for day, price in ((START, 100_000.0), (DAY, 120_000.0)):
            stored.bars["AAA", day] = EveningBar(price, price, "KRW", SHARES, round(price * SHARES), "shares_x_close")
            stored.bars["KRW=X", day] = EveningBar(1000.0, 1000.0, "KRW")
        if rate is None:
            del stored.bars["KRW=X", DAY]
        else:
            stored.bars["KRW=X", DAY] = EveningBar(rate, rate, "KRW")

    return change


CASES: list[tuple[str, Change, Change, Cause, str]] = [
    ("another holding", nothing, held("QQQ", "DDD", "BBB"), Cause.HOLDINGS, "with AAA then"),
    ("no holdings known then", held("QQQ"), nothing, Cause.HOLDINGS, "QQQ: no holdings then"),
    ("a close was corrected", bar("AAA", adj_close=130, close=130), nothing, Cause.RESTATED, "130 then, 120 now"),
    ("the window's start was", bar("AAA", START, adj_close=90), nothing, Cause.RESTATED, f"of {START} 90 then"),
    ("a price came later", no_bar("AAA"), nothing, Cause.LATE, f"AAA: {DAY} was not stored then"),
    ("the start came later", no_bar("AAA", START), nothing, Cause.LATE, f"AAA: {START} was not stored then"),
    ("quarantined then", quarantine("AAA"), nothing, Cause.QUARANTINED, f"AAA: {DAY}"),
    ("quarantined now", nothing, quarantine("AAA"), Cause.QUARANTINED, f"AAA: {DAY}"),
    ("no longer at the source", nothing, no_bar("AAA"), Cause.GONE, f"AAA: {DAY}"),
    ("other shares", bar("AAA", shares=SHARES // 2), nothing, Cause.MARKET_CAP, "500,000,000 shares"),
    (
        "another quoted cap",
        bar("AAA", shares=None, market_cap=50_000_000_000, cap_source="quoted"),
        bar("AAA", shares=None, market_cap=60_000_000_000, cap_source="quoted"),
        Cause.MARKET_CAP,
        "50.00 bn USD (quoted) then, 60.00 bn",
    ),
    ("no cap known then", bar("AAA", shares=None, market_cap=None), nothing, Cause.MARKET_CAP, "no market cap then"),
    (
        "a spin-off: the price is restated as a whole, the shares are not",
        nothing,
        both(bar("AAA", close=60.0, adj_close=60.0), bar("AAA", START, close=50.0, adj_close=50.0)),
        Cause.RESTATED,
        f"AAA: close of {DAY} 120 then, 60 now",
    ),
    ("the rate was corrected", korean(1100.0), korean(1000.0), Cause.RESTATED, "AAA: adjusted close"),
    ("the rate came later", korean(None), korean(1000.0), Cause.LATE, f"KRW=X: {DAY}"),
    ("its ETF's bar came later", no_bar("QQQ"), nothing, Cause.LATE, f"QQQ: {DAY}"),
    ("its ETF's close was corrected", bar("QQQ", adj_close=100.5), nothing, Cause.RESTATED, "QQQ: adjusted close"),
    ("the benchmark's was", bar("SPY", adj_close=108, close=108), nothing, Cause.RESTATED, "SPY: adjusted close"),
    ("the benchmark's came later", no_bar("SPY"), nothing, Cause.LATE, f"SPY: {DAY}"),
    (
        "another list, without the one that a bar had made the best",
        bar("BBB", adj_close=140, close=140),
        held("QQQ", "AAA", "DDD"),
        Cause.HOLDINGS,
        "with BBB then",
    ),
    (
        "another list, and the bar alone would have changed the choice",
        bar("BBB", adj_close=140, close=140),
        held("QQQ", "AAA", "BBB", "DDD"),
        Cause.RESTATED,
        "BBB: adjusted close",
    ),
]


@pytest.mark.parametrize(("then", "now", "cause", "detail"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_a_weight_that_differs_has_one_cause(then: Change, now: Change, cause: Cause, detail: str) -> None:
    found = [one for one in differences(then, now) if one.table == "portfolio"]

    assert found, "the change must move a weight"
    assert {one.why.cause for one in found} == {cause}
    own = [one for one in found if one.why.is_own]
    assert own and all(detail in one.why.detail for one in found), [one.why for one in found]


def test_nothing_differs_from_itself() -> None:
    assert differences(nothing, nothing) == []


@pytest.mark.parametrize(
    "now",
    [
        both(bar("AAA", adj_close=114.0), bar("AAA", START, adj_close=95.0)),  # a dividend since
        both(bar("AAA", close=60, adj_close=60, shares=2 * SHARES), bar("AAA", START, close=50, adj_close=50)),
        bar("AAA", adj_close=120.0000000001),
        held("QQQ", "AAA", "DDD"),
    ],
    ids=["dividend", "split", "rounding", "a holding that nobody would have chosen"],
)
def test_what_changes_no_weight_is_no_difference(now: Change) -> None:
    assert differences(nothing, now) == []


def test_a_weight_that_only_the_others_move_says_so() -> None:
    found = {one.ticker: one for one in differences(bar("AAA", shares=SHARES // 2), nothing)}

    assert set(found) == {"AAA", "CCC"}
    assert found["AAA"].why.is_own
    assert not found["CCC"].why.is_own
    assert found["CCC"].why[:2] == found["AAA"].why[:2]
    assert found["CCC"].replayed is not None and found["CCC"].replayed < (found["CCC"].backfilled or 0)


def test_returns_of_etfs_are_compared_as_well() -> None:
    [found] = differences(bar("XLF", adj_close=106), nothing)

    assert (found.table, found.day, found.period_days, found.ticker) == ("trending", DAY, 5, "XLF")
    assert found.replayed == pytest.approx(0.06)
    assert found.backfilled == pytest.approx(0.05)
    assert found.why == (Cause.RESTATED, f"XLF: adjusted close of {DAY} 106 then, 105 now", True)


def test_an_etf_that_trends_with_the_same_return_is_the_benchmarks_doing() -> None:
    found = [one for one in differences(bar("SPY", adj_close=108), nothing) if one.table == "trending"]

    assert [one.ticker for one in found] == ["XLF"]
    assert found[0].replayed == found[0].backfilled
    assert found[0].why.detail.startswith("SPY: ")


def test_an_evening_without_a_publication_lacked_the_benchmarks_bar() -> None:
    def unpublished(stored: Stored) -> None:
        no_bar("SPY")(stored)
        stored.is_published = False

    found = differences(unpublished, nothing)

    assert {one.table for one in found} == {"trending", "portfolio"}
    assert {one.ticker for one in found} == {"QQQ", "XLF", "AAA", "CCC"}
    assert all(
        one.replayed is None and one.why == (Cause.LATE, f"SPY: {DAY} was not stored then", True) for one in found
    )


def test_a_return_that_the_bars_do_not_give_is_not_explained() -> None:
    """Published at another price than any that is stored: no cause is guessed, though a bar was restated too."""
    replayed, backfilled = Stored(), Stored()
    replayed.bar("AAA", adj_close=130, close=130)
    published = replayed.publications()
    replayed.bar("AAA", adj_close=125, close=130)

    found = Comparison(published, backfilled.publications(), END, "SPY").differences()

    assert {one.why.cause for one in found} == {Cause.UNEXPLAINED}


def test_a_monthly_weight_has_the_cause_of_the_portfolio_it_comes_from() -> None:
    def monthly(**positions: tuple[float, tuple[int, ...]]) -> Change:
        def change(stored: Stored) -> None:
            stored.monthly = {ticker: MonthlyPosition(*position, DAY) for ticker, position in positions.items()}

        return change

    then = both(no_bar("AAA"), monthly(BBB=(0.2, (5,)), CCC=(0.8, (5, 20))))
    now = monthly(AAA=(0.1, (5,)), CCC=(0.9, (5, 20)))
    found = {one.ticker: one for one in differences(then, now) if one.table == "monthly"}

    assert {ticker: (one.replayed, one.backfilled) for ticker, one in found.items()} == {
        "AAA": (None, 0.1),
        "BBB": (0.2, None),
        "CCC": (0.8, 0.9),
    }
    assert all(one.why.cause is Cause.LATE and one.day == REBALANCE for one in found.values())
    assert [ticker for ticker, one in found.items() if one.why.is_own] == ["AAA", "BBB"]


def test_the_file_has_a_line_for_each_difference(tmp_path: Path) -> None:
    found = differences(no_bar("AAA"), nothing)
    path = tmp_path / "made" / "differences.csv"

    report.write(found, path)

    lines = list(csv.DictReader(path.open(encoding="utf-8", newline="")))
    assert len(lines) == len(found) == 3
    line = next(line for line in lines if line["ticker"] == "AAA")
    assert (line["table"], line["date"], line["period_days"], line["replayed"]) == ("portfolio", str(DAY), "5", "")
    assert (line["cause"], line["detail"]) == ("bar not there yet", f"AAA: {DAY} was not stored then")


def test_the_first_lines_name_the_reason_once_and_the_unexplained_before_all_else() -> None:
    late = differences(no_bar("AAA"), nothing)
    strange = copy.copy(late[0])
    strange = replace(strange, day=END, why=strange.why._replace(cause=Cause.UNEXPLAINED, detail="nobody knows"))

    lines = report.first_lines([*late, strange])

    assert [line.strip() for line in "\n".join(lines).split("\n") if line.strip()] == [
        f"[bold]{END} portfolio, 5 sessions[/]",
        "AAA – → 69.23%",
        "unexplained: nobody knows",
        f"[bold]{DAY} portfolio, 5 sessions[/]",
        "AAA – → 69.23%, BBB 55.10% → –, CCC 44.90% → 30.77%",
        f"bar not there yet: AAA: {DAY} was not stored then",
    ]
