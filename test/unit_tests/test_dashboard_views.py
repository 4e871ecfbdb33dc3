"""Records -> figure, records -> page, address -> view."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from config.config import ConfigError, Settings
from dashboard import dashboard_finviz_app, figures
from dashboard.api_client import ApiAway, ApiRefused, Portfolio, Position
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


class FakeClient:
    """Answers with what it was made with: a portfolio or an error."""

    def __init__(self, answer: Portfolio | Exception) -> None:
        self.answer = answer
        self.asked: list[tuple[int, date | None]] = []

    def portfolio(self, period_days: int, as_of: date | None) -> Portfolio:
        self.asked.append((period_days, as_of))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def text_of(component: Any) -> str:
    """All text of a component tree, titles left out."""
    if component is None or isinstance(component, (str, int, float)):
        return f"{'' if component is None else component} "
    if isinstance(component, (list, tuple)):
        return "".join(map(text_of, component))
    return text_of(getattr(component, "children", None))


def page(answer: Portfolio | Exception, search: str = "") -> str:
    return text_of(render(search, FakeClient(answer), PERIODS, ENGLISH))


# ── figures ──────────────────────────────────────────────────────────────────


def test_weights_are_bars_in_rank_order_with_the_cash_last() -> None:
    figure = figures.weights(
        portfolio(position(1, "005930.KS", 0.6), position(2, "MU", 0.35), cash_weight=0.05), "Cash"
    )
    [bars] = figure.data
    assert list(bars.y) == ["005930.KS", "MU", "Cash"]
    assert list(bars.x) == [0.6, 0.35, 0.05]
    assert list(bars.text) == ["60.00%", "35.00%", "5.00%"]
    assert figure.layout.yaxis.autorange == "reversed"
    assert figure.layout.yaxis.type == "category"


def test_no_cash_no_cash_bar() -> None:
    [bars] = figures.weights(portfolio(position(1, "MU", 1.0)), "Cash").data
    assert list(bars.y) == ["MU"]


# ── addresses ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("search", "view"),
    [
        ("", View(20)),
        ("?period=5", View(5)),
        ("?period=10&as_of=2026-08-21", View(10, date(2026, 8, 21))),
        ("?as_of=2026-08-21", View(20, date(2026, 8, 21))),
        ("?unknown=1", View(20)),
        ("?period=5&as_of=", View(5)),
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
    assert "5d 10d 20d" in shown, "the period selector stays"


def test_wrong_period_in_the_address_asks_nothing() -> None:
    client = FakeClient(portfolio())
    assert ENGLISH.bad_address_title in text_of(render("?period=7", client, PERIODS, ENGLISH))
    assert client.asked == []


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
