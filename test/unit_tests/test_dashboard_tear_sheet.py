"""The tear sheet: its figures on small series, its tables, and the range that is chosen."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

import dashboard_samples as samples
from dashboard import tear_sheet
from dashboard.figures import LIGHT, rolling
from dashboard.tear_sheet import Drawdown, Month, Series
from dashboard.texts import Language
from dashboard.texts import tear_sheet as texts

DAYS = [date(2025, 12, 30), date(2025, 12, 31), date(2026, 1, 2), date(2026, 1, 30), date(2026, 2, 2)]
VALUES = [1.0, 1.1, 0.99, 1.1, 1.21]


def weekdays(count: int, first: date = date(2026, 1, 1)) -> list[date]:
    days = (first + timedelta(days=n) for n in range(2 * count))
    return [day for day in days if day.weekday() < 5][:count]


class TestFigures:
    def test_a_month_ends_with_its_last_session_and_begins_with_that_of_the_month_before(self) -> None:
        found = tear_sheet.months(Series.of(DAYS, VALUES))
        assert found == pytest.approx({Month(2025, 12): 0.1, Month(2026, 1): 0.0, Month(2026, 2): 0.1})
        assert tear_sheet.years(Series.of(DAYS, VALUES)) == pytest.approx({2025: 0.1, 2026: 0.1})

    def test_the_product_of_all_months_is_the_whole(self) -> None:
        days = weekdays(120)
        series = Series.of(days, np.cumprod([1.0, *np.linspace(0.98, 1.03, 119)]).tolist())
        whole = np.prod([1 + each for each in tear_sheet.months(series).values()]) - 1
        assert whole == pytest.approx(tear_sheet.figures(series, 60).total)

    def test_a_drawdown_ends_where_the_highest_value_is_reached_again(self) -> None:
        [found] = tear_sheet.drawdowns(Series.of(DAYS, VALUES))
        assert found == Drawdown(DAYS[1], DAYS[2], DAYS[3], 0.99 / 1.1 - 1, 2)

    def test_the_deepest_drawdown_comes_first_and_one_may_go_on(self) -> None:
        days = weekdays(7)
        first, second = tear_sheet.drawdowns(Series.of(days, [1.0, 0.95, 1.0, 1.2, 0.9, 0.6, 0.7]))
        assert first == Drawdown(days[3], days[5], None, 0.6 / 1.2 - 1, 3)
        assert (second.start, second.end, second.sessions) == (days[0], days[2], 2)

    def test_what_never_falls_has_no_drawdown(self) -> None:
        assert tear_sheet.drawdowns(Series.of(weekdays(3), [1.0, 1.0, 1.1])) == []

    def test_what_never_moves_has_no_ratio(self) -> None:
        found = tear_sheet.figures(Series.of(weekdays(70), [1.0] * 70), 60)
        assert (found.sharpe, found.sortino, found.calmar, found.volatility) == (None, None, None, 0.0)

    def test_a_short_series_has_no_figures_for_a_year(self) -> None:
        found = tear_sheet.figures(Series.of(DAYS, VALUES), 60)
        assert (found.cagr, found.sharpe, found.volatility) == (None, None, None)
        assert (found.best_day, found.worst_day) == pytest.approx((1.1 / 0.99 - 1, -0.1))
        assert found.positive_days == pytest.approx(0.75)

    def test_an_unknown_value_is_the_one_before(self) -> None:
        assert Series.of(DAYS, [None, 1.1, None, 1.2, 1.3]).values.tolist() == [1.0, 1.1, 1.1, 1.2, 1.3]

    def test_what_moves_twice_as_much_has_a_beta_of_two(self) -> None:
        days, its = weekdays(80), np.random.default_rng(1).normal(0, 0.01, 79)
        benchmark, own = (Series.of(days, np.cumprod([1.0, *(1 + k * its)]).tolist()) for k in (1, 2))
        sharpes, betas = tear_sheet.rolling(own, benchmark, 60)
        assert sharpes[:60] == betas[:60] == [None] * 60 and len(betas) == 80
        assert betas[60:] == pytest.approx([2.0] * 20)
        assert sharpes[-1] == pytest.approx(tear_sheet.sharpe(own.returns[-60:]))


def followed(count: int, **changes: Any) -> dict[str, Any]:
    days = weekdays(count)
    net = np.cumprod([1.0, *(1 + np.random.default_rng(2).normal(0.001, 0.01, count - 1))]).tolist()
    return samples.followed(
        20,
        **{"sessions": [str(day) for day in days], "net": net, "gross": net, "known_net": net},
        **{"benchmark": [1.0, *net[:-1]], "known_benchmark": [1.0, *net[:-1]]},
        **{name: [0.0] * count for name in ("drawdown", "benchmark_drawdown", "turnover")},
        **{"first_session": str(days[0]), "last_session": str(days[-1]), "session_count": count - 1},
        **changes,
    )


def drawn(record: Any, search: str = "", language: Language = "en") -> Any:
    api = samples.Api({"/dashboard/performance": samples.performance(record)})
    return samples.drawn(api, f"/performance?period=20{search}", language)


def cells(view: Any, name: str) -> list[list[str]]:
    _, body = samples.named(view, name).children
    return [[samples.text_of(cell).strip() for cell in row.children] for row in body.children]


def test_each_month_stands_in_its_column_beside_the_benchmarks() -> None:
    view = drawn(followed(60))
    own, its = cells(view, "monthly-returns")
    assert own[:2] == ["2026", texts.PORTFOLIO_NET.en] and its[:2] == ["", "SPY"]
    assert own[2] and own[3] and own[4] and own[5:14] == [""] * 9
    heads = [samples.text_of(each) for each in samples.named(view, "monthly-returns").children[0].children.children]
    assert heads[2:14] == [month.en for month in texts.MONTHS]


def test_the_published_figures_are_those_of_the_whole_record() -> None:
    record = followed(120, sharpe=1.23, sortino=2.34, calmar=3.45, cagr=0.456, volatility=0.123, beta=0.789)
    whole = {row[0]: row[1] for row in cells(drawn(record), "figures")}
    assert (whole["Sharpe"], whole["Beta to SPY"], whole["Growth a year"]) == ("1.23", "0.79", "+45.60%")
    part = {row[0]: row[1] for row in cells(drawn(record, "&range=3m"), "figures")}
    assert part["Sharpe"] != "1.23" and part["Sharpe"] != "–"


CORRECTED = {"net": [1.0, 1.01, 1.02, 1.08], "known_net": [1.0, 1.01, 1.07, 1.08], "total_return_net": 0.08}


@pytest.mark.parametrize("search", ["", "&range=1m"])
def test_a_correction_counts_on_its_own_session(search: str) -> None:
    """The third session's value was published as 1.02. It was known to be 1.07 when the fourth was published."""
    view = drawn(followed(4) | CORRECTED, search)
    figures = {row[0]: row[1] for row in cells(view, "figures")}
    assert figures["Best day"] == "+5.94%"  # 1.07 / 1.01, as in the published volatility
    assert figures["Worst day"] == "+0.93%"  # 1.08 / 1.07, which the fourth session was published with
    assert (figures["Return"], figures["Best month"]) == ("+8.00%", "+8.00%")
    assert texts.CORRECTED.en in samples.text_of(view)
    assert list(samples.named(view, "performance").figure.data[2].y) == CORRECTED["net"], "as it was published first"


def test_last_digits_are_no_correction() -> None:
    net = [1.0, 1.01, 1.02, 1.03]
    moved = {"net": net, "known_net": [each * (1 + 1e-12) for each in net]}
    assert texts.CORRECTED.en not in samples.text_of(drawn(followed(4) | moved))


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_range_too_short_for_a_year_says_so(language: Language) -> None:
    view = drawn(followed(120), "&range=1m", language)
    told = samples.text_of(view)
    assert texts.TOO_FEW.in_(language, count=23, needed=60) in told
    assert cells(view, "figures")[1][1] == "–"


def test_the_chart_of_a_range_begins_with_one() -> None:
    view = drawn(followed(120), "&range=1m")
    lines = samples.named(view, "performance").figure.data
    assert len(lines[2].x) == 24 and all(line.y[0] == 1.0 for line in lines[:3])


def test_a_range_that_does_not_exist_is_refused() -> None:
    with pytest.raises(Exception, match="range=9y: choose one of 1m, 3m"):
        drawn(followed(30), "&range=9y")


def test_the_rolling_figures_count_the_sessions_before_the_range() -> None:
    view = drawn(followed(120), "&range=1m")
    sharpe, _ = samples.named(view, "rolling").figure.data
    assert len(sharpe.x) == 24 and None not in sharpe.y


def test_too_few_sessions_for_a_rolling_figure_say_so() -> None:
    assert texts.NO_ROLLING.en.format(window=60) in samples.text_of(drawn(followed(30)))


def test_the_deepest_falls_are_listed() -> None:
    rows = cells(drawn(followed(120)), "drawdowns")
    depths = [float(row[0].replace("−", "-").rstrip("%")) for row in rows]
    assert 0 < len(rows) <= 5 and depths == sorted(depths)


def test_the_record_of_a_single_session_has_no_sheet() -> None:
    shown = samples.text_of(drawn(followed(1)))
    assert texts.DRAWDOWNS.en not in shown


def test_each_rolling_line_has_a_part_of_its_own() -> None:
    lines: dict[str, list[float | None]] = {"Sharpe": [None, 1.0], "Beta": [0.5, 0.6]}
    figure = samples.checked(rolling(["2026-01-02", "2026-01-05"], lines, LIGHT))
    assert [trace.yaxis for trace in figure.data] == ["y", "y2"]
    assert [each.text for each in figure.layout.annotations] == ["Sharpe", "Beta"]
