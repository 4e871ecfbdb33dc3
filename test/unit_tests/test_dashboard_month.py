"""The month's view: ranks, scores and source periods, what has changed, and what the month rests on."""

from typing import Any

import pytest

import dashboard_samples as samples
from dashboard.texts import Language, common
from dashboard.texts import month as texts
from dashboard.views import month
from utils.errors import InvalidInput


@pytest.fixture
def draw() -> Any:
    def drawn(shown: dict[str, Any], language: Language = "en", address: str = "/?period=monthly") -> Any:
        api = samples.Api(
            {
                "/stocks/monthly-portfolio": shown,
                "/stocks/monthly-trades": samples.trades(previous_rebalance_date=None),
                "/dashboard/calendar": samples.calendar(),
            }
        )
        return samples.drawn(api, address, language)

    return drawn


def test_the_grid_has_ranks_scores_periods_and_what_has_changed(draw: Any) -> None:
    view = draw(
        samples.month(
            samples.month_position(
                1, "NEM", 0.6, score=3.0, source_periods=[5, 10, 20], previous_weight=0.25, previous_rank=3
            ),
            samples.month_position(20, "MU", 0.4),
            removed=[samples.month_position(2, "WELL", 0.5)],
        )
    )
    nem, mu = samples.named(view, "positions").rowData
    assert (nem["final_rank"], nem["score"], nem["periods"], nem["previous_rank"]) == (1, 3.0, "5d 10d 20d", 3)
    assert nem["change"] == pytest.approx(0.35)
    assert (mu["final_rank"], mu["change"], mu["previous_weight"]) == (20, 0.4, None)
    assert "WELL" in samples.text_of(view)


@pytest.mark.parametrize(
    ("language", "days"),
    [
        ("en", ("Sun 26 Jul 2026", "Fri 21 Aug 2026", "Fri 24 Jul 2026")),
        ("ko", ("2026년 7월 26일 (일)", "2026년 8월 21일 (금)", "2026년 7월 24일 (금)")),
    ],
)
def test_facts_say_what_the_month_is_of(draw: Any, language: Language, days: tuple[str, ...]) -> None:
    shown = samples.text_of(draw(samples.month(samples.month_position(1, "NEM", 1.0)), language))
    for expected in (*days, texts.METHOD.in_(language), texts.VALID_UNTIL.in_(language)):
        assert expected in shown, expected


def test_the_rebalance_picker_leads_from_month_to_month(draw: Any) -> None:
    view = draw(samples.month(samples.month_position(1, "NEM", 1.0)))
    assert samples.named(view, "session-picker").date == "2026-07-26"
    assert samples.links(view)["‹"] == "/?period=monthly&as_of=2026-06-28"


def test_month_says_what_it_rests_on(draw: Any) -> None:
    reason = "XLB has no bar of 2026-07-24 (late)"
    later = samples.month(
        samples.month_position(1, "NEM", 1.0),
        source="simulated",
        holdings_as_of="2026-08-20",
        degraded_reason=reason,
    )
    told = samples.text_of(draw(later))
    assert common.SOURCE_BANNERS["simulated"].en in told
    assert "holdings are those of Thu 20 Aug 2026, after the session of Fri 24 Jul 2026" in told
    assert common.DEGRADED.en.format(reason=reason) in told
    plain = samples.text_of(draw(samples.month(samples.month_position(1, "NEM", 1.0))))
    assert "hindsight" not in plain and "Degraded" not in plain


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize(
    ("changes", "is_told"),
    [
        ({}, False),
        ({"is_in_record": False}, True),
        ({"is_in_record": False, "record_as_of": None}, False),  # there is none to be older
    ],
)
def test_a_rebalance_that_the_record_does_not_know_says_so(
    draw: Any, changes: dict[str, Any], is_told: bool, language: Language
) -> None:
    told = samples.text_of(draw(samples.month(samples.month_position(1, "NEM", 1.0), **changes), language))
    session = {"en": "Fri 21 Aug 2026", "ko": "2026년 8월 21일 (금)"}[language]
    assert (texts.NOT_IN_RECORD.in_(language, session=session) in told) is is_told
    assert ("run performance" in told) is is_told


def test_trades_say_that_their_prices_are_those_of_the_day(traded: Any) -> None:
    for language, words in (("en", "as they were traded then, before any later split"), ("ko", "이후 액면분할 미반영")):
        for first in ({}, {"previous_rebalance_date": None}):
            view, _ = traded(language=language, **first)
            assert words in samples.text_of(view)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_no_month_yet_says_why_and_what_to_do(draw: Any, language: Language) -> None:
    nothing = dict.fromkeys(("rebalance_date", "valid_until", "as_of_date", "previous_rebalance_date", "source"))
    empty = samples.month(**nothing, holdings_as_of=None, reason="no rebalance is published yet")
    shown = samples.text_of(draw(empty, language))
    assert texts.EMPTY_TITLE.in_(language) in shown and "No rebalance is published yet" in shown
    assert "./start.sh run rebalance" in shown


def test_between_the_month_and_sessions_the_newest_is_shown(draw: Any) -> None:
    view = draw(samples.month(), address="/?period=monthly&as_of=2026-07-26")
    links = samples.links(view)
    assert links["5d"] == "/?period=5" and links["month"] == "/?period=monthly&as_of=2026-07-26"


# ── trades ──


def trade(ticker: str, side: str | None, shares: int | None, **changes: Any) -> dict[str, Any]:
    return {
        "ticker": ticker,
        "company_name": f"{ticker} Inc.",
        "side": side,
        "shares": shares,
        "held_shares": 0,
        "target_shares": shares,
        "price_usd": 100.0,
        "price_date": "2026-07-24",
        "split_factor": 1.0,
        "value": 1000.0,
        "cost": 1.0,
        "held_weight": 0.0,
        "target_weight": 0.6,
        "missing_reason": None,
        **changes,
    }


@pytest.fixture
def traded() -> Any:
    """Draw a month with its trades. Returns the view and the API it asked."""

    def drawn(address: str = "/?period=monthly", language: Language = "en", **changes: Any) -> tuple[Any, Any]:
        trades = samples.trades(
            trade("NEM", "buy", 600), trade("MU", "sell", -41), trade("T", "keep", 0), trade("X", None, None), **changes
        )
        api = samples.Api(
            {
                "/stocks/monthly-portfolio": samples.month(samples.month_position(1, "NEM", 1.0)),
                "/stocks/monthly-trades": trades,
                "/dashboard/calendar": samples.calendar(),
            }
        )
        return samples.drawn(api, address, language), api

    return drawn


@pytest.mark.parametrize(
    ("language", "sides"),
    [("en", ["buy", "sell", "keep", "no price"]), ("ko", ["매수", "매도", "유지", "시세 없음"])],
)
def test_trades_are_told_with_what_they_cost(traded: Any, language: Language, sides: list[str]) -> None:
    view, _ = traded(language=language)
    assert [row["side_text"] for row in samples.named(view, "trades").rowData] == sides
    told = samples.text_of(samples.named(view, "trade-sums"))
    for expected in ("$59,990.00", "$40,010.50", "$100.00", "0.10%", "$512.25"):
        assert expected in told, expected


def test_trades_are_counted_for_the_capital_of_the_address(traded: Any) -> None:
    view, api = traded("/?period=monthly&as_of=2026-07-26&capital=5000")
    assert samples.named(view, "capital").value == "5000"
    assert api.asked == [
        "/stocks/monthly-portfolio?rebalance_date=2026-07-26",
        "/dashboard/calendar",
        "/stocks/monthly-trades?rebalance_date=2026-07-26&capital=5000.0",
    ]


@pytest.mark.parametrize("capital", ["0", "-5", "lots", "inf", "nan", "1e12"])
def test_a_capital_that_is_none_is_refused(traded: Any, capital: str) -> None:
    with pytest.raises(InvalidInput, match="give a number above 0"):
        traded(f"/?period=monthly&capital={capital}")


@pytest.mark.parametrize(
    ("typed", "capital"),
    [
        ("25000", 25_000.0),
        (" $25,000.50 ", 25_000.5),
        ("1000000.5", 1_000_000.5),
        *dict.fromkeys(("-10", "0", "", "abc", "1e12", "nan", None)).items(),
    ],
)
def test_what_is_typed_is_a_sum_or_refused(typed: str | None, capital: float | None) -> None:
    assert month.capital_of(typed) == capital
    if capital:
        assert month.capital_of(month.amount_text(capital)) == capital


def test_a_sum_too_small_for_whole_shares_says_so(traded: Any) -> None:
    view, _ = traded(
        trades=[
            trade("NEM", "keep", 0, target_weight=0.6, price_usd=112.4, target_shares=0),
            trade("MU", "buy", 1, target_weight=0.4, price_usd=40.0, target_shares=1),
        ]
    )
    assert "At this sum 1 of 2 positions get no whole share: the dearest costs $112.40" in samples.text_of(view)


@pytest.mark.parametrize(
    ("valid_until", "rebalanced", "is_expired"),
    [("2026-08-20", "2026-07-26", True), ("2026-08-21", "2026-07-26", False), ("2026-07-24", "2026-06-28", False)],
)
def test_the_newest_month_runs_out(valid_until: str, rebalanced: str, is_expired: bool) -> None:
    """By the newest session. An earlier month has a later one in its place."""
    position = samples.month_position(1, "NEM", 1.0)
    api = samples.Api(
        {
            "/stocks/monthly-portfolio": samples.month(position, valid_until=valid_until, rebalance_date=rebalanced),
            "/stocks/monthly-trades": samples.trades(trade("NEM", "buy", 600)),
            "/dashboard/calendar": samples.calendar(),
        }
    )
    text = samples.text_of(samples.drawn(api, "/?period=monthly", "en"))
    assert ("ran out on Thu 20 Aug 2026" in text) is is_expired
    assert ("The next rebalance is on Sun 30 Aug 2026" in text) is is_expired
    assert (texts.TRADES.in_("en") in text) is not is_expired


def test_a_first_month_says_that_everything_is_bought(traded: Any) -> None:
    first, _ = traded(previous_rebalance_date=None)
    assert "There is no month before" in samples.text_of(first)
    later, _ = traded()
    assert "There is no month before" not in samples.text_of(later)


@pytest.mark.parametrize(("share", "is_told"), [(0.09, False), (0.11, True), (None, False)])
def test_a_trade_that_the_market_cannot_take_is_told(share: float | None, is_told: bool) -> None:
    large = trade("CRDO", "buy", 600, share_of_volume=share)
    api = samples.Api(
        {
            "/stocks/monthly-portfolio": samples.month(samples.month_position(1, "CRDO", 1.0)),
            "/stocks/monthly-trades": samples.trades(large),
            "/dashboard/calendar": samples.calendar(),
        }
    )
    shown = samples.text_of(samples.drawn(api, "/?period=monthly"))
    assert ("more than 10% of what is traded" in shown and "CRDO 11%" in shown) == is_told
