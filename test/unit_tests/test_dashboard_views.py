"""Records -> figure, records -> page, address -> view."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from config.config import ConfigError, Settings
from dashboard import dashboard_finviz_app, figures
from dashboard.api_client import ApiAway, ApiRefused, MonthlyPortfolio, MonthlyPosition, Portfolio, Position
from dashboard.callbacks import render
from dashboard.components import View
from dashboard.texts import ENGLISH
from utils.errors import InvalidInput, NotPublished

PERIODS = (5, 10, 20)
ASSETS = Path(dashboard_finviz_app.__file__).parent / "assets"


def position(rank: int, ticker: str, weight: float, **changes: Any) -> Position:
    base: Position = {
        "position_rank": rank,
        "ticker": ticker,
        "company_name": f"{ticker} Inc.",
        "sector": "Technology",
        "portfolio_weight": weight,
        "period_return": 0.117,
        "score": 1.557e-12,
        "market_cap": 75_130_000_000,
        "market_cap_source": "shares_x_close",
        "source_etfs": ["XLB", "DIA"],
        "allocation_reason": "best of XLB",
    }
    return base | changes  # type: ignore[return-value]


def portfolio(*positions: Position, **changes: Any) -> Portfolio:
    base: Portfolio = {
        "as_of_date": "2026-08-21",
        "period_days": 20,
        "status": "published" if positions else "empty",
        "reason": None if positions else "nobody beat SPY",
        "degraded_reason": None,
        "cash_weight": 0.0 if positions else 1.0,
        "holdings_as_of": "2026-08-20",
        "holdings_known_later": False,
        "source": "yahoo",
        "published_at": "2026-08-24T13:03:00Z",
        "positions": list(positions),
    }
    return base | changes  # type: ignore[return-value]


def month_position(rank: int, ticker: str, weight: float, **changes: Any) -> MonthlyPosition:
    base: MonthlyPosition = {
        "final_rank": rank,
        "ticker": ticker,
        "company_name": f"{ticker} Inc.",
        "sector": "Technology",
        "final_weight": weight,
        "score": 2.0,
        "source_periods": [10, 20],
        "previous_weight": None,
    }
    return base | changes  # type: ignore[return-value]


def month(*positions: MonthlyPosition, **changes: Any) -> MonthlyPortfolio:
    base: MonthlyPortfolio = {
        "rebalance_date": "2026-07-26",
        "valid_until": "2026-08-21",
        "as_of_date": "2026-07-24",
        "previous_rebalance_date": "2026-06-28",
        "status": "published" if positions else "empty",
        "reason": None if positions else "every portfolio is empty",
        "degraded_reason": None,
        "holdings_as_of": "2026-07-24",
        "source": "yahoo",
        "positions": list(positions),
        "removed": [],
    }
    return base | changes  # type: ignore[return-value]


class FakeClient:
    """Answers with what it was made with: a portfolio of either kind, or an error."""

    def __init__(self, answer: Portfolio | MonthlyPortfolio | Exception) -> None:
        self.answer = answer
        self.asked: list[tuple[int | str, date | None]] = []

    def monthly(self, rebalance_date: date | None) -> MonthlyPortfolio:
        self.asked.append(("monthly", rebalance_date))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer  # type: ignore[return-value]

    def portfolio(self, period_days: int, as_of: date | None) -> Portfolio:
        self.asked.append((period_days, as_of))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer  # type: ignore[return-value]


def text_of(component: Any) -> str:
    """All text of a component tree, titles left out."""
    if component is None or isinstance(component, (str, int, float)):
        return f"{'' if component is None else component} "
    if isinstance(component, (list, tuple)):
        return "".join(map(text_of, component))
    return text_of(getattr(component, "children", None))


def page(answer: Portfolio | MonthlyPortfolio | Exception, search: str = "") -> str:
    return text_of(render(search, FakeClient(answer), PERIODS, ENGLISH))


# ── figures ──────────────────────────────────────────────────────────────────


def test_weights_are_bars_in_rank_order_with_the_cash_last() -> None:
    figure = figures.weights([("005930.KS", 0.6), ("MU", 0.35)], "Cash", 0.05)
    [bars] = figure.data
    assert list(bars.y) == ["005930.KS", "MU", "Cash"]
    assert list(bars.x) == [0.6, 0.35, 0.05]
    assert list(bars.text) == ["60.00%", "35.00%", "5.00%"]
    assert figure.layout.yaxis.autorange == "reversed"
    assert figure.layout.yaxis.type == "category"


def test_no_cash_no_cash_bar() -> None:
    [bars] = figures.weights([("MU", 1.0)], "Cash").data
    assert list(bars.y) == ["MU"]


# ── addresses ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("search", "view"),
    [
        ("", View("20")),
        ("?period=5", View("5")),
        ("?period=10&as_of=2026-08-21", View("10", date(2026, 8, 21))),
        ("?as_of=2026-08-21", View("20", date(2026, 8, 21))),
        ("?unknown=1", View("20")),
        ("?period=5&as_of=", View("5")),
        ("?period=monthly&as_of=2026-07-26", View("monthly", date(2026, 7, 26))),
    ],
)
def test_address_names_the_view(search: str, view: View) -> None:
    assert View.of(search, PERIODS) == view
    assert View.of(view.search, PERIODS) == view


@pytest.mark.parametrize("search", ["?period=7", "?period=x", "?as_of=yesterday"])
def test_wrong_address_is_refused_in_words(search: str) -> None:
    with pytest.raises(InvalidInput):
        View.of(search, PERIODS)


# ── pages ────────────────────────────────────────────────────────────────────


def test_page_shows_the_positions_as_published() -> None:
    shown = page(portfolio(position(1, "NEM", 0.6), position(2, "MU", 0.4, period_return=-0.02, market_cap=4.4e12)))
    for expected in ("NEM", "60.00%", "+11.70%", "75.1B", "1.557", "XLB DIA", "best of XLB", "-2.00%", "4.4T"):
        assert expected in shown, expected
    for expected in ("Fri 21 Aug 2026", "Thu 20 Aug 2026", "24 Aug 2026 13:03 UTC", "Yahoo Finance", "Return 20d"):
        assert expected in shown, expected


def test_one_call_a_view() -> None:
    client = FakeClient(portfolio(position(1, "NEM", 1.0)))
    render("?period=5&as_of=2026-08-21", client, PERIODS, ENGLISH)
    assert client.asked == [(5, date(2026, 8, 21))]


@pytest.mark.parametrize(("source", "banner"), ENGLISH.source_banners.items())
def test_prices_that_are_not_yahoos_are_labelled(source: str, banner: str) -> None:
    assert banner in page(portfolio(position(1, "NEM", 1.0), source=source))
    assert banner in page(portfolio(source=source))
    assert banner not in page(portfolio(position(1, "NEM", 1.0)))


def test_a_degraded_portfolio_says_what_was_missing() -> None:
    told = "XLB has no bar of 2026-08-21 (late)"

    assert f"Degraded: computed without prices that were not there. {told}." in page(
        portfolio(position(1, "NVDA", 1.0), degraded_reason=told)
    )
    assert "Degraded" not in page(portfolio(position(1, "NVDA", 1.0)))


def test_later_holdings_are_shown_as_hindsight() -> None:
    late = portfolio(position(1, "NEM", 1.0), holdings_as_of="2026-08-28", holdings_known_later=True)
    assert "Seen with hindsight: the ETF holdings are those of Fri 28 Aug 2026" in page(late)
    assert "hindsight" not in page(portfolio(position(1, "NEM", 1.0)))


def test_quoted_market_caps_are_marked() -> None:
    assert "75.1B*" in page(portfolio(position(1, "NEM", 1.0, market_cap_source="quoted")))


def test_empty_portfolio_says_why() -> None:
    shown = page(portfolio(holdings_as_of=None))
    assert ENGLISH.empty_title in shown and "Nobody beat SPY" in shown and "100.00%" in shown


@pytest.mark.parametrize(
    ("error", "title", "action"),
    [
        (ApiAway("away"), ENGLISH.away_title, ENGLISH.try_again),
        (ApiRefused("wrong key"), ENGLISH.refused_title, ENGLISH.try_again),
        (NotPublished("nothing yet"), ENGLISH.not_published_title, ENGLISH.try_again),
        (InvalidInput("a Saturday"), ENGLISH.bad_address_title, ENGLISH.show_newest),
    ],
)
def test_what_cannot_be_shown_says_what_to_do(error: Exception, title: str, action: str) -> None:
    shown = page(error, "?period=10")
    assert title in shown and action in shown
    assert "5d 10d 20d month" in shown, "the period selector stays"


def test_wrong_period_in_the_address_asks_nothing() -> None:
    client = FakeClient(portfolio())
    assert ENGLISH.bad_address_title in text_of(render("?period=7", client, PERIODS, ENGLISH))
    assert client.asked == []


# ── the month ──


def test_month_shows_ranks_scores_periods_and_what_has_changed() -> None:
    shown = page(
        month(
            month_position(1, "NEM", 0.6, score=3.0, source_periods=[5, 10, 20], previous_weight=0.25),
            month_position(20, "MU", 0.4),
            removed=[month_position(2, "WELL", 0.5)],
        ),
        "?period=monthly",
    )
    for expected in ("NEM", "60.00%", "25.00%", "3.0", "5d 10d 20d", "20 MU", "new", "10d 20d", "WELL"):
        assert expected in shown, expected
    for expected in ("Sun 26 Jul 2026", "Fri 21 Aug 2026", "Fri 24 Jul 2026", "Yahoo Finance"):
        assert expected in shown, expected


def test_the_first_month_has_nothing_new() -> None:
    shown = page(month(month_position(1, "NEM", 1.0), previous_rebalance_date=None), "?period=monthly")
    assert "–" in shown and " new " not in shown


def test_month_is_one_call_for_its_rebalance_date() -> None:
    client = FakeClient(month(month_position(1, "NEM", 1.0)))
    render("?period=monthly&as_of=2026-07-26", client, PERIODS, ENGLISH)
    assert client.asked == [("monthly", date(2026, 7, 26))]


def test_month_says_what_it_rests_on() -> None:
    told = page(
        month(
            month_position(1, "NEM", 1.0),
            source="simulated",
            holdings_as_of="2026-08-20",
            degraded_reason="XLB has no bar of 2026-07-24 (late)",
        ),
        "?period=monthly",
    )
    assert ENGLISH.source_banners["simulated"] in told
    assert "Seen with hindsight: the ETF holdings are those of Thu 20 Aug 2026" in told
    assert "Degraded: computed without prices that were not there. XLB has no bar of 2026-07-24 (late)." in told
    plain = page(month(month_position(1, "NEM", 1.0)), "?period=monthly")
    assert "hindsight" not in plain and "Degraded" not in plain


def test_no_month_yet_says_why_and_what_to_do() -> None:
    nothing = dict.fromkeys(("rebalance_date", "valid_until", "as_of_date", "previous_rebalance_date", "source"))
    shown = page(month(**nothing, holdings_as_of=None, reason="no rebalance is published yet"), "?period=monthly")
    assert ENGLISH.empty_month_title in shown and "No rebalance is published yet" in shown


def test_between_sessions_and_the_month_the_newest_is_shown() -> None:
    links = {
        link.children: link.href
        for link in _links(render("?period=10&as_of=2026-08-20", FakeClient(portfolio()), PERIODS, ENGLISH))
    }
    assert links["5d"] == "?period=5&as_of=2026-08-20"
    assert links["month"] == "?period=monthly"


def _links(component: Any) -> list[Any]:
    if isinstance(component, (list, tuple)):
        return [link for each in component for link in _links(each)]
    if type(component).__name__ == "Link":
        return [component]
    return _links(getattr(component, "children", None) or [])


# ── server ───────────────────────────────────────────────────────────────────


def test_page_loads_nothing_from_elsewhere() -> None:
    app = dashboard_finviz_app.create_app(FakeClient(portfolio()), PERIODS)
    html = app.server.test_client().get("/").get_data(as_text=True)
    assert "http://" not in html and "https://" not in html
    assert "finviz.css" in html
    assert not [path for path in ASSETS.iterdir() if "http" in path.read_text(encoding="utf-8")]


def test_address_and_port_come_from_the_environment() -> None:
    assert dashboard_finviz_app.address({}) == ("127.0.0.1", 8050)
    assert dashboard_finviz_app.address({"DASHBOARD_HOST": "0.0.0.0", "DASHBOARD_PORT": "28050"}) == ("0.0.0.0", 28050)
    with pytest.raises(ConfigError, match="DASHBOARD_PORT"):
        dashboard_finviz_app.address({"DASHBOARD_PORT": "http"})


def test_no_key_no_dashboard() -> None:
    with pytest.raises(ConfigError, match="API_KEY"):
        dashboard_finviz_app.serve(Settings.from_env({}), "127.0.0.1", 1)
