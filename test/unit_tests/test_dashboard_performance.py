"""The view of how the portfolios have done: figures, doubts about the record, the chart's data, and the download."""

import re
from datetime import date
from itertools import pairwise
from typing import Any

import pytest
from msgspec import convert

import dashboard_samples as samples
from contract.portfolios import PortfolioPerformance
from dashboard.figures import DARK, LIGHT, performance, spread
from dashboard.texts import Language
from dashboard.texts import performance as texts
from dashboard.texts import tear_sheet as tear_sheet_texts
from dashboard.views import performance as view
from reason_words import explained
from utils.dates import sessions_between
from utils.reasons import of_ticker, reason

ROUTE = "/dashboard/performance"
SESSIONS = ["2026-08-18", "2026-08-19", "2026-08-20", "2026-08-21"]


def followed(days: int, **changes: Any) -> dict[str, Any]:
    return {
        "period_days": days,
        "first_session": SESSIONS[0],
        "last_session": SESSIONS[-1],
        "session_count": 3,
        "total_return_gross": 0.0212,
        "total_return_net": 0.0107,
        "benchmark_return": -0.0045,
        "max_drawdown": -0.031,
        "benchmark_max_drawdown": -0.0144,
        "turnover_average": 0.4375,
        "turnover_total": 1.75,
        "cost_total": 0.0102,
        "cagr": None,
        "volatility": None,
        "sharpe": None,
        "sortino": None,
        "calmar": None,
        "beta": None,
        "not_annualised_reason": "3 sessions followed: a figure for a year takes 60 of them",
        "hindsight_sessions": 0,
        "degraded_sessions": 0,
        "carried_sessions": 0,
        "carried_weight": 0.0,
        "carried_reason": None,
        "source": "yahoo",
        "sessions": SESSIONS,
        "gross": [1.0, 0.98, 1.01, 1.0212],
        "net": [1.0, 0.969, 1.0, 1.0107],
        "benchmark": [1.0, 1.01, None, 0.9955],
        "known_net": [1.0, 0.969, 1.0, 1.0107],
        "known_benchmark": [1.0, 1.01, None, 0.9955],
        "drawdown": [0.0, -0.031, 0.0, 0.0],
        "benchmark_drawdown": [0.0, 0.0, None, -0.0144],
        "turnover": [0.5, 0.25, 0.0, 1.0],
        "position_count": [3, 3, 3, 3],
        **changes,
    }


def a_year(days: int, **changes: Any) -> dict[str, Any]:
    figures = {"cagr": 0.0812, "volatility": 0.2131, "sharpe": -0.239, "sortino": 0.5, "calmar": None, "beta": 0.843}
    return followed(days, session_count=248, not_annualised_reason=None, **figures, **changes)


def record(*portfolios: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "as_of_date": SESSIONS[-1] if portfolios else None,
        "benchmark": "SPY",
        "cost_rate": 0.001,
        "annualised_from_sessions": 60,
        "status": "published" if portfolios else "empty",
        "reason": None if portfolios else "the first portfolio, of 2026-08-21, is bought at the close of 2026-08-24",
        "source": "yahoo",
        "portfolios": list(portfolios),
        **changes,
    }


@pytest.fixture
def draw() -> Any:
    def drawn(shown: dict[str, Any], address: str = "/performance", language: Language = "en") -> Any:
        api = samples.Api({ROUTE: shown})
        found = samples.drawn(api, address, language)
        assert len(api.asked) == 1, "one call shows the view"
        return found

    return drawn


@pytest.mark.parametrize("language", ["en", "ko"])
def test_facts_are_those_of_the_selected_portfolio(draw: Any, language: Language) -> None:
    other = followed(5, total_return_net=0.5)
    shown = samples.text_of(draw(record(other, followed(20)), "/performance?period=20", language))
    for expected in ("+1.07%", "+2.12%", "−0.45%", "−3.10%", "43.75%", "1.02%", "0.10%"):
        assert expected in shown, expected
    assert texts.METHOD.in_(language, benchmark="SPY", rate="0.10%") in shown
    assert texts.HINDSIGHT.in_(language, count=0, sessions=3) not in shown


def test_figures_for_a_year_only_where_there_are_enough_sessions(draw: Any) -> None:
    few = samples.text_of(draw(record(followed(20))))
    assert tear_sheet_texts.TOO_FEW.en.format(count=3, needed=60) in few and "Sortino –" in few
    enough = samples.text_of(draw(record(a_year(20))))
    for expected in ("Growth a year +8.12%", "Volatility 21.31%", "Sharpe −0.24", "Calmar –", "Beta to SPY 0.84"):
        assert expected in enough, expected


def test_what_is_no_real_record_says_so(draw: Any) -> None:
    doubtful = followed(20, hindsight_sessions=2, degraded_sessions=1, carried_sessions=3, source="simulated")
    shown = samples.text_of(draw(record(doubtful)))
    assert "No real record: in 2 of 3 sessions" in shown
    assert "In 1 of 3 sessions the portfolio had been published as degraded" in shown
    assert "In 3 of 3 sessions something had no close" in shown
    assert "Simulated prices" in shown


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "At the close of Fri 21 Aug 2026, 36.40% of the portfolio stands at an earlier close: MU: no price on"),
        (
            "ko",
            "2026년 8월 21일 (금) 종가 기준 포트폴리오의 36.40%는 이전 종가로 평가되었습니다: MU: 2026-08-21 시세가",
        ),
    ],
)
def test_what_is_carried_at_the_newest_session_is_named(draw: Any, language: Language, told: str) -> None:
    reasons = [of_ticker("MU", [reason("no_price", session="2026-08-21")])]
    carried = followed(20, carried_sessions=1, carried_weight=0.364, carried_reason=reasons)
    assert told in samples.text_of(draw(record(carried), language=language))
    assert told not in samples.text_of(draw(record(followed(20, carried_sessions=1)), language=language))


def test_the_four_are_compared_and_lead_to_each_other(draw: Any) -> None:
    answer = record(followed(0, total_return_net=0.12), *(followed(days) for days in (5, 10, 20)))
    found = draw(answer, "/performance?period=20&as_of=2026-08-21")
    rows = samples.named(found, "comparison").children[1].children
    assert [samples.text_of(row.children[0]) for row in rows] == ["5 sessions", "10 sessions", "20 sessions", "Monthly"]
    assert samples.text_of(rows[3].children[1]) == "+12.00%"
    links = samples.links(samples.named(found, "comparison"))
    assert links["Monthly"] == "/performance?period=monthly&as_of=2026-08-21"
    assert "20 sessions" not in links, "it is shown already"


def test_the_selector_keeps_the_session_also_to_the_month(draw: Any) -> None:
    found = draw(record(followed(20)), "/performance?period=20&as_of=2026-08-21")
    assert samples.links(found)["month"] == "/performance?period=monthly&as_of=2026-08-21"
    assert samples.links(found)["Show the newest"] == "/performance?period=20"
    assert "As of Fri 21 Aug 2026." in samples.text_of(found)


def test_the_session_of_the_address_is_asked_for() -> None:
    api = samples.Api({ROUTE: record(followed(20))})
    samples.drawn(api, "/performance?as_of=2026-08-21")
    assert api.asked == [f"{ROUTE}?as_of_date=2026-08-21"]


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (record(), "The first portfolio, of 2026-08-21, is bought at the close of 2026-08-24"),
        (record(followed(5)), "The 20 sessions portfolio has not been held for a session yet."),
    ],
)
def test_nothing_to_follow_says_why_and_what_to_do(draw: Any, answer: dict[str, Any], detail: str) -> None:
    shown = samples.text_of(draw(answer))
    assert texts.EMPTY_TITLE.en in shown and detail in shown and "./start.sh run performance" in shown


def test_the_download_has_every_session_with_all_digits() -> None:
    api = samples.Api({ROUTE: record(followed(20))})
    rows = view.series(api.client, samples.page("/performance?period=20"))
    assert [row["trade_date"] for row in rows] == SESSIONS
    assert rows[1] == {
        "trade_date": "2026-08-19",
        "gross_value": 0.98,
        "net_value": 0.969,
        "benchmark_value": 1.01,
        "drawdown": -0.031,
        "benchmark_drawdown": 0.0,
        "turnover": 0.25,
    }
    assert view.series(api.client, samples.page("/performance?period=5")) == []


def test_the_download_is_of_the_range_that_is_shown() -> None:
    days = sessions_between(date(2026, 6, 1), date(2026, 8, 21))
    values = [1 + 0.01 * number for number in range(len(days))]
    falling = [1 - 0.001 * number for number in range(len(days))]
    long = followed(
        20,
        sessions=[str(day) for day in days],
        **dict.fromkeys(("net", "gross"), values),
        benchmark=falling,
        drawdown=[0.0] * len(days),
        benchmark_drawdown=[each - 1 for each in falling],
        turnover=[0.1] * len(days),
        position_count=[3] * len(days),
    )
    api = samples.Api({ROUTE: record(long)})
    whole = view.series(api.client, samples.page("/performance?period=20"))
    assert len(whole) == len(days) and whole[-1]["net_value"] == values[-1]
    part = view.series(api.client, samples.page("/performance?period=20&range=1m"))
    first = days.index(date.fromisoformat(str(part[0]["trade_date"])))
    assert first > 0 and len(part) == len(days) - first
    assert part[0] == {
        **{"trade_date": str(days[first]), "gross_value": 1.0, "net_value": 1.0, "benchmark_value": 1.0},
        **{"drawdown": 0.0, "benchmark_drawdown": 0.0, "turnover": 0.1},
    }
    assert part[-1]["net_value"] == pytest.approx(values[-1] / values[first])
    assert part[-1]["benchmark_drawdown"] == pytest.approx(falling[-1] / falling[first] - 1)


@pytest.mark.parametrize(("count", "more"), [(5, None), (6, "1"), (63, "58"), (1_234, "1,229")])
def test_corrections_that_are_not_listed_are_counted(draw: Any, count: int, more: str | None) -> None:
    correction = {
        **{"job": "allocation", "as_of_date": "2026-08-20", "revision": 2, "known_at": "2026-08-22T13:00:00Z"},
        **{"changed": ["inputs"], "difference": 0.1},
    }
    given = {**record(followed(20)), "corrections": [correction] * min(count, 50), "correction_count": count}
    shown = samples.text_of(draw(given))
    assert re.findall(r"and ([\d,]+) more", shown) == ([more] if more else [])


class TestChart:
    TITLES = ("Value", "Drawdown", "Turnover")
    NAMES = ("Net", "Gross", "SPY")

    def chart(self, **changes: Any) -> Any:
        shown = convert(explained(followed(20, **changes)), PortfolioPerformance)
        return samples.checked(performance(shown, LIGHT, self.NAMES, self.TITLES))

    def test_each_series_is_drawn_as_it_is(self) -> None:
        drawn = [(trace.name, trace.yaxis, list(trace.y)) for trace in self.chart().data]
        portfolio = followed(20)
        assert drawn == [
            ("SPY", "y", portfolio["benchmark"]),
            ("Gross", "y", portfolio["gross"]),
            ("Net", "y", portfolio["net"]),
            ("SPY", "y2", portfolio["benchmark_drawdown"]),
            ("Net", "y2", portfolio["drawdown"]),
            ("Turnover", "y3", portfolio["turnover"]),
        ]
        assert {tuple(trace.x) for trace in self.chart().data} == {tuple(SESSIONS)}

    def test_all_parts_share_one_axis_of_sessions(self) -> None:
        layout = self.chart().layout
        assert layout.xaxis.matches == layout.xaxis2.matches == "x3"

    def test_each_line_is_named_at_its_end_with_what_it_has_come_to(self) -> None:
        layout = self.chart().layout
        told = [each.text for each in layout.annotations]
        assert told == [*self.TITLES, "SPY<br><b>−0.45%</b>", "Net<br><b>+1.07%</b>", "Gross<br><b>+2.12%</b>"]

        low, high = layout.yaxis.range
        assert all(low < each.y < high for each in layout.annotations[3:]), "beyond the range none is shown"

    @pytest.mark.parametrize(
        ("position_count", "shaded"),
        [
            ([2, 2, 0, 0, 0, 0, 0], [("2026-08-11", "2026-08-18")]),
            ([2, 2, 2, 0, 0, 0, 0], []),  # four sessions are no week
            ([1, 1, 1, 1, 1, 1, 1], []),  # the one stock's exchange is closed
        ],
    )
    def test_a_week_in_cash_is_named(self, position_count: list[int], shaded: list[tuple[str, str]]) -> None:
        """A value that stays the same is not enough."""
        days = [f"2026-08-{day:02}" for day in (10, 11, 12, 13, 14, 17, 18)]
        flat = [1.0, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1]
        others = {name: [0.0] * 7 for name in ("drawdown", "benchmark_drawdown", "turnover")}
        values = {"sessions": days, "gross": flat, "net": flat, "benchmark": [1.0] * 7, **others}
        shown = convert(explained(followed(20, **values, position_count=position_count)), PortfolioPerformance)
        layout = samples.checked(performance(shown, LIGHT, self.NAMES, self.TITLES, "Cash")).layout
        assert [(each.x0, each.x1) for each in layout.shapes] == shaded
        assert ("Cash" in [each.text for each in layout.annotations]) is bool(shaded)
        assert not self.chart().layout.shapes

    def test_colours_are_those_of_the_theme(self) -> None:
        answer = convert(explained(followed(20)), PortfolioPerformance)
        for palette in (DARK, LIGHT):
            figure = samples.checked(performance(answer, palette, self.NAMES, self.TITLES))
            assert figure.data[2].line.color == palette.accent and figure.data[0].line.color == palette.ink_soft

    def test_a_single_session_is_a_point(self) -> None:
        first = {name: [1.0] for name in ("gross", "net", "benchmark")}
        none = {name: [0.0] for name in ("drawdown", "benchmark_drawdown", "turnover")}
        assert self.chart(sessions=SESSIONS[:1], **first, **none).data[0].mode == "markers"


@pytest.mark.parametrize("places", [[1.0, 1.0, 1.0], [1.0, 1.05, 0.98], [3.0, 1.0, 1.02], [], [2.0]])
def test_names_do_not_stand_over_each_other(places: list[float]) -> None:
    heights = {f"line {at}": place for at, place in enumerate(places)}
    moved = spread(heights, 0.1)
    assert all(after - before >= 0.1 - 1e-12 for before, after in pairwise(moved.values()))
    assert sum(moved.values()) == pytest.approx(sum(places))
    assert list(moved) == sorted(heights, key=lambda name: heights[name]), "a higher line has the higher name"
