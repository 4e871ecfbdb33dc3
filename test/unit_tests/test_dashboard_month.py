"""The month's view: ranks, scores and source periods, what has changed, and what the month rests on."""

from typing import Any

import pytest

import dashboard_samples as samples
from dashboard.texts import Language, common
from dashboard.texts import month as texts


@pytest.fixture
def draw() -> Any:
    def drawn(shown: dict[str, Any], language: Language = "en", address: str = "/?period=monthly") -> Any:
        api = samples.Api(
            {
                "/stocks/monthly-portfolio": shown,
                "/dashboard/calendar": samples.calendar(),
            }
        )
        return samples.drawn(api, address, language)

    return drawn


def test_the_table_has_ranks_scores_periods_and_what_has_changed(draw: Any) -> None:
    view = draw(
        samples.month(
            samples.month_position(
                1, "NEM", 0.6, score=3.0, source_periods=[5, 10, 20], previous_weight=0.25, previous_rank=3
            ),
            samples.month_position(20, "MU", 0.4),
            removed=[samples.month_position(2, "WELL", 0.5)],
        )
    )
    nem, mu = samples.rows_of(samples.named(view, "positions"))
    assert nem[:6] == ["1", "NEM", "60.00%", "25.00%", "+35.00%", "3"] and nem[8:] == ["3.0", "5d 10d 20d"]
    assert mu[:6] == ["20", "MU", "40.00%", "–", "+40.00%", "–"]
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
            "/dashboard/calendar": samples.calendar(),
        }
    )
    text = samples.text_of(samples.drawn(api, "/?period=monthly", "en"))
    assert ("ran out on Thu 20 Aug 2026" in text) is is_expired
    assert ("The next rebalance is that of Sun 30 Aug 2026" in text) is is_expired


def test_a_month_runs_out_although_one_after_it_could_not_be_computed() -> None:
    calendar = samples.calendar()
    calendar["rebalances"].append({"as_of_date": "2026-08-09", "is_degraded": False, "is_computable": False})
    shown = samples.month(samples.month_position(1, "NEM", 1.0), valid_until="2026-08-20", rebalance_date="2026-07-26")
    api = samples.Api({"/stocks/monthly-portfolio": shown, "/dashboard/calendar": calendar})
    text = samples.text_of(samples.drawn(api, "/?period=monthly&as_of=2026-07-26", "en"))
    assert "ran out on Thu 20 Aug 2026" in text


@pytest.mark.parametrize(("language", "words"), [("en", "Trades from what you own"), ("ko", "내 보유 종목에서 매매")])
def test_the_way_to_the_trades_begins_with_what_is_owned(draw: Any, language: Language, words: str) -> None:
    """A new reader has none of last month's portfolio to sell."""
    view = draw(samples.month(samples.month_position(1, "NEM", 1.0)), language)
    assert samples.links(view)[words] == "/trades?period=monthly"
