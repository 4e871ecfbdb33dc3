"""Where what a reader owns is kept: in their browser, on the platform for everybody, or nowhere."""

from datetime import datetime
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dashboard_samples as samples
from dashboard import positions
from dashboard.api_client import ApiClient
from dashboard.texts import LANGUAGES, Language
from dashboard.texts import trades as texts
from dashboard.views import trades
from dashboard.views.trades import FORGOTTEN, Entered, Kept

SAVED_AT = "2026-08-24T13:03:00.123456Z"
LATER = "2026-08-25T09:00:00Z"
TEXT = "NVDA 10\nMU, 5.5\nten of NEM\ncash 500"


class Platform:
    """Keeps positions as the API does. Away: answers 503."""

    def __init__(self, saved_at: str = SAVED_AT) -> None:
        self.kept: dict[str, Any] = {"positions": "", "cash": 0.0, "saved_at": None}
        self.asked: list[str] = []
        self.is_away = False
        self._saved_at = saved_at
        self.client = ApiClient("http://api", "the-key", httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/stocks/owned-positions"
        self.asked.append(request.method)
        if self.is_away:
            return httpx.Response(503, json={"error": "DatabaseUnavailable", "detail": "PostgreSQL is away"})
        if request.method == "PUT":
            self.kept = {**msgspec.json.decode(request.content), "saved_at": self._saved_at}
        if request.method == "DELETE":
            self.kept = Platform().kept
        return httpx.Response(200, json=self.kept)


@pytest.fixture
def platform() -> Platform:
    return Platform()


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_what_was_entered_for_this_tab_asks_the_platform_nothing(platform: Platform) -> None:
    entered = Entered(TEXT, place="nowhere")
    assert trades.current(platform.client, entered, Kept("MU 1")) == entered
    assert trades.current(platform.client, None, Kept("MU 1", "20")) == Entered("MU 1", "20")
    assert trades.current(platform.client, FORGOTTEN, None) == FORGOTTEN
    assert trades.current(platform.client, FORGOTTEN, Kept("MU 1")) == Entered("MU 1"), "kept in another tab since"
    assert platform.asked == []


def test_the_platform_keeps_what_could_be_read(platform: Platform) -> None:
    kept = trades.kept_on_platform(platform.client, Entered(TEXT, place="platform"))
    assert kept == Entered(TEXT, place="platform", saved_at=moment(SAVED_AT))
    assert platform.kept == {"positions": "NVDA:10,MU:5.5", "cash": 500.0, "saved_at": SAVED_AT}
    assert trades.current(platform.client, kept, None) == kept, "with the line that could not be read"


def test_whoever_opens_the_page_has_what_the_platform_keeps(platform: Platform) -> None:
    assert trades.current(platform.client, None, None) is None
    platform.kept = {"positions": "NVDA:10,005930.KS:2:KRW", "cash": 10_000.0, "saved_at": SAVED_AT}
    expected = Entered("NVDA 10\n005930.KS 2 KRW", "10000", "platform", moment(SAVED_AT))
    assert trades.current(platform.client, None, None) == expected
    platform.kept["cash"] = 0.5
    found = trades.current(platform.client, None, None)
    assert found and found.cash == "0.50"


def test_what_others_changed_or_deleted_since_counts(platform: Platform) -> None:
    entered = trades.kept_on_platform(platform.client, Entered(TEXT, place="platform"))
    platform.kept = {"positions": "NEM:1", "cash": 0.0, "saved_at": LATER}
    assert trades.current(platform.client, entered, None) == Entered("NEM 1", "0", "platform", moment(LATER))
    platform.kept = Platform().kept
    assert trades.current(platform.client, entered, None) is None


def test_what_is_forgotten_goes_where_it_was_kept_alone(platform: Platform) -> None:
    trades.kept_on_platform(platform.client, Entered(TEXT, place="platform"))
    assert trades.forgotten(platform.client, Entered(TEXT)) == FORGOTTEN
    assert trades.forgotten(platform.client, Entered(TEXT, place="nowhere")) == FORGOTTEN
    assert platform.kept["saved_at"] and platform.asked == ["PUT"]
    assert trades.forgotten(platform.client, Entered(TEXT, place="platform")) == FORGOTTEN
    assert platform.kept["saved_at"] is None


def test_what_the_platform_could_not_do_is_told(platform: Platform) -> None:
    platform.is_away = True
    entered = Entered("NVDA 10", place="platform")
    for done in (trades.kept_on_platform, trades.forgotten):
        found = done(platform.client, entered)
        assert found == Entered("NVDA 10", place="platform", problem="PostgreSQL is away")


def test_no_sum_of_cash_is_kept_nowhere(platform: Platform) -> None:
    entered = Entered("NVDA 10", "-5", "platform")
    assert trades.kept_on_platform(platform.client, entered) == entered
    assert platform.asked == []


DEBT = "Symbol,Quantity,Currency\nNVDA,10,USD\nCash,-5000,USD"


def test_orders_are_counted_beside_cash_that_is_told() -> None:
    asked = trades.asked_of(Kept(DEBT))
    assert asked and (asked.reading.written, asked.cash) == ("NVDA:10:USD", 0.0)
    api = samples.Api({"/stocks/owned-trades": {**TRADES, "source": "yahoo"}})
    shown, _ = trades.orders(api.client, samples.page("/trades"), Entered(DEBT))
    assert "“-5000” is no sum of cash" in samples.text_of(samples.named(shown, "not-read"))


def test_a_sum_of_the_positions_cash_that_is_refused_is_named() -> None:
    shown, _ = trades.orders(samples.Api({}).client, samples.page("/trades"), Entered("cash 900000000\ncash 200000000"))
    assert "Cash: 1100000000 is no sum" in samples.text_of(shown)


ORDER = {
    **{"ticker": "NVDA", "company_name": "NVIDIA", "side": "keep", "shares": 0.0, "held_shares": 1.0},
    **{"target_shares": 1.0, "price_usd": 100.0, "price_date": "2026-08-21", "currency": "USD", "close_price": 100.0},
    **{"rate_date": "2026-08-21", "value": 0.0, "cost": 0.0, "held_value": 100.0, "target_value": 100.0},
    **{"held_weight": 1.0, "weight": 1.0, "target_weight": 1.0, "is_in_band": False, "share_of_volume": None},
}
TRADES = {
    **{"period": "20", "as_of_date": "2026-08-21", "rebalance_date": None, "valid_until": None, "next_rebalance": None},
    **{"is_expired": False, "status": "published", "reason": None, "reasons": [], "price_session": "2026-08-21"},
    **{"cash": 0.0, "owned_value": 100.0, "capital": 100.0, "bought": 0.0, "sold": 0.0, "cost": 0.0, "cash_left": 0.0},
    **{"cost_rate": 0.001, "band": 0.0, "is_fractional": False, "outside": "sell", "smallest_capital": 100.0},
    **{"off_target": 0.0, "orders": [ORDER], "left_out": []},
}


@pytest.mark.parametrize(("source", "is_told"), [("yahoo", False), ("simulated", True), ("recorded", True)])
def test_orders_at_invented_prices_say_so(source: str, is_told: bool) -> None:
    api = samples.Api({"/stocks/owned-trades": {**TRADES, "source": source}})
    shown, _ = trades.orders(api.client, samples.page("/trades"), Entered("NVDA 1"))
    assert any(getattr(each, "className", "") == "banner source" for each in samples.parts(shown)) == is_told


LEFT = {"ticker": "MU", "held_shares": 1.0, "target_weight": 0.5, "reason": "", "reasons": []}


@pytest.mark.parametrize(
    ("changes", "fits"),
    [
        ({}, True),
        ({"orders": [ORDER, {**ORDER, "ticker": "MU", "held_shares": 0.0, "target_shares": 0.0}]}, False),
        ({"left_out": [LEFT]}, False),
        ({"left_out": [{**LEFT, "target_weight": 0.0}]}, True),
        ({"status": "empty"}, False),
    ],
)
def test_nothing_to_trade_fits_only_where_every_position_is_held(changes: dict[str, Any], fits: bool) -> None:
    api = samples.Api({"/stocks/owned-trades": {**TRADES, "source": "yahoo", **changes}})
    shown, _ = trades.orders(api.client, samples.page("/trades"), Entered("NVDA 1"))
    assert (texts.NO_ORDERS.en in samples.text_of(shown)) is fits


def test_what_is_kept_has_no_number_of_shares_to_trade() -> None:
    api = samples.Api({"/stocks/owned-trades": {**TRADES, "source": "yahoo"}})
    shown, _ = trades.orders(api.client, samples.page("/trades"), Entered("NVDA 1"))
    [row] = samples.named(shown, "order-grid").rowData
    assert (row["side_text"], row["shares"], row["held_shares"]) == ("keep", None, 1.0)


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_sees_it_is_said_beside_the_choice(language: Language) -> None:
    form = samples.drawn(samples.Api({}), "/trades", language)
    choice = samples.named(form, trades.PLACE)
    assert choice.value == "browser"
    [told] = [option["label"] for option in choice.options if option["value"] == "platform"]
    assert told == texts.ON_PLATFORM.in_(language)
    assert "Everybody who can open this dashboard sees and can change it." in texts.ON_PLATFORM.en


OWNED = st.dictionaries(
    st.tuples(st.from_regex(positions.SYMBOL, fullmatch=True), st.sampled_from(["", "USD", "KRW"])),
    st.decimals(min_value="0.00000001", max_value=999_999_999, places=8),
    max_size=20,
)


@given(OWNED)
def test_what_comes_back_from_the_platform_is_what_was_written(owned: Any) -> None:
    written = positions.read(positions.lines_of(positions.Reading(owned).written)).written
    assert positions.read(positions.lines_of(written)).written == written
