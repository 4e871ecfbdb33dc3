"""The portfolio's view: what was published, why each weight is what it is, and whether its data can be trusted."""

from typing import Any

import pytest

import dashboard_samples as samples
from dashboard import components, glossary, grids
from dashboard.page import typeset_words
from dashboard.texts import Language, common
from dashboard.texts import portfolio as texts
from dashboard.texts import ticker as ticker_texts
from dashboard.texts.reasons import KOREAN
from reason_words import text, words
from utils.errors import InvalidInput
from utils.reasons import SENTENCES, Reason, fields, of_ticker, parameters, reason

NO_PRICE = of_ticker("SPY", [reason("no_price", session="2026-07-21")])


@pytest.fixture
def draw() -> Any:
    """Draws the view of a portfolio."""

    def drawn(
        shown: dict[str, Any], address: str = "/", language: Language = "en", followed: Any = None, **more: Any
    ) -> Any:
        api = samples.Api(
            {
                "/dashboard/active-allocations": samples.allocations(shown, **more),
                "/dashboard/calendar": samples.calendar(),
                "/dashboard/summary": samples.summary(followed),
            }
        )
        return samples.drawn(api, address, language)

    return drawn


@pytest.fixture
def explained() -> dict[str, Any]:
    """Return two positions. XLB offered three stocks."""
    return samples.portfolio(
        samples.position(1, "NEM", 0.6, score=3e-12, period_return=0.0963, market_cap=32_100_000_000),
        samples.position(2, "MU", 0.4, score=2e-12, source_etfs=["QQQ"]),
        candidates=[
            samples.candidate("QQQ", "MU", 4, None),
            samples.candidate("XLB", "LIN", 1, [reason("not_positive", gain=-0.0321)]),
            samples.candidate("XLB", "NEM", 2, None),
            samples.candidate("XLB", "FCX", 3, "no market cap", market_cap=None, period_return=None),
        ],
    )


def test_weights_are_bars_in_rank_order_with_the_cash_last() -> None:
    bars = components.bars("weights", [("005930.KS", 0.6), ("MU", 0.35)], ("Cash", 0.05))
    assert samples.text_of(bars) == "005930.KS 60.00% MU 35.00% Cash 5.00%"
    drawn = [each for each in samples.parts(bars) if getattr(each, "style", None)]
    assert [(each.className, each.style["--share"]) for each in drawn] == [
        ("bar", "1.0000"),
        ("bar", "0.5833"),
        ("bar cash", "0.0833"),
    ]


def test_no_cash_no_cash_bar() -> None:
    assert samples.text_of(components.bars("weights", [("MU", 1.0)], ("Cash", 0.0))) == "MU 100.00%"


def test_the_table_has_the_positions_as_published(draw: Any, explained: dict[str, Any]) -> None:
    table = samples.named(draw(explained), "positions")
    nem, mu = samples.rows_of(table)
    assert nem == ["1", "NEM", "60.00%", "+9.63%", "NEM Inc.", "Technology", "32.1B", "3.000", "XLB DIA", "Why"]
    assert mu[1:4] == ["MU", "40.00%", "+11.70%"]
    links = samples.links(table.children[1].children[0])
    assert links == {"NEM": "/ticker/NEM", "Why": "/?why=NEM"}


def test_a_plain_table_is_sorted_by_its_numbers_and_not_by_how_they_are_written(
    draw: Any, explained: dict[str, Any]
) -> None:
    first = samples.named(draw(explained), "positions").children[1].children[0]
    sorted_by = [getattr(cell, "data-value", None) for cell in first.children]
    assert sorted_by[:4] == [1, None, 0.6, 0.0963] and sorted_by[6] == 32_100_000_000


def test_every_heading_but_the_last_sorts_and_says_what_it_means(draw: Any, explained: dict[str, Any]) -> None:
    view = draw(explained)
    [head] = (samples.named(view, "positions").children[0].children.children,)
    assert [type(each.children).__name__ for each in head] == ["Button"] * 9 + ["Said"]
    listed = samples.text_of(glossary.explained(view, samples.page()))
    assert head[7].title == texts.SCORE_HINT.en and head[7].title in listed and head[2].title in listed


@pytest.mark.parametrize("language", ["en", "ko"])
def test_facts_say_what_the_portfolio_is_of(draw: Any, language: Language) -> None:
    shown = samples.text_of(draw(samples.portfolio(samples.position(1, "NEM", 1.0)), language=language))
    day, moment = {
        "en": ("Fri 21 Aug 2026", "24 Aug 2026 13:03 UTC"),
        "ko": ("2026년 8월 21일 (금)", "2026년 8월 24일 13:03 UTC"),
    }[language]
    for expected in (day, moment, "Yahoo Finance", texts.METHOD.in_(language), "0.00%"):
        assert expected in shown, expected


@pytest.mark.parametrize(
    ("bars", "told", "is_whole"),
    [
        ({"stored": 83}, "83 of 83", True),
        ({"stored": 83, "closed": 3}, "83 of 83", True),
        ({"stored": 80, "late": 2, "missing": 1}, "80 of 83", False),
    ],
)
def test_incomplete_data_is_told(draw: Any, bars: dict[str, int], told: str, is_whole: bool) -> None:
    view = draw(samples.portfolio(samples.position(1, "NEM", 1.0)), bars=bars)
    [link] = [each for each in samples.parts(view) if getattr(each, "href", "") == "/pipeline"]
    assert link.children == told
    assert (link.className == "") is is_whole


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize(("source", "banner"), common.SOURCE_BANNERS.items())
def test_prices_that_are_not_yahoos_are_labelled(draw: Any, source: str, banner: Any, language: Language) -> None:
    told = banner.in_(language)
    assert told in samples.text_of(
        draw(samples.portfolio(samples.position(1, "NEM", 1.0), source=source), "/", language)
    )
    assert told in samples.text_of(draw(samples.portfolio(source=source), "/", language))
    assert told not in samples.text_of(draw(samples.portfolio(), "/", language))


def test_a_degraded_portfolio_says_what_was_missing(draw: Any) -> None:
    reason = "XLB has no bar of 2026-08-21 (late)"
    shown = samples.portfolio(samples.position(1, "NEM", 1.0), degraded_reason=reason)
    assert common.DEGRADED.en.format(reason=reason) in samples.text_of(draw(shown))
    assert "Degraded" not in samples.text_of(draw(samples.portfolio(samples.position(1, "NEM", 1.0))))


def test_later_holdings_are_shown_as_hindsight(draw: Any) -> None:
    late = samples.portfolio(holdings_as_of="2026-08-28", holdings_known_later=True)
    assert "holdings are those of Fri 28 Aug 2026" in samples.text_of(draw(late))
    assert "hindsight" not in samples.text_of(draw(samples.portfolio()))


def test_quoted_market_caps_are_marked(draw: Any) -> None:
    quoted = samples.portfolio(samples.position(1, "NEM", 1.0, market_cap_source="quoted"))
    assert "75.1B*" in samples.text_of(draw(quoted)) and texts.MARKET_CAP_QUOTED.en in samples.text_of(draw(quoted))
    assert texts.MARKET_CAP_QUOTED.en not in samples.text_of(draw(samples.portfolio(samples.position(1, "NEM", 1.0))))


def test_empty_portfolio_says_why(draw: Any) -> None:
    shown = samples.text_of(draw(samples.portfolio(holdings_as_of=None)))
    assert texts.EMPTY_TITLE.en in shown and "Nobody beat SPY" in shown and "100.00%" in shown


# ── how it has done ──


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_first_view_says_how_it_has_done(draw: Any, language: Language) -> None:
    view = draw(samples.portfolio(), "/?as_of=2026-08-20", language, samples.followed(20, hindsight_sessions=2))
    record = samples.named(view, "record")
    told = samples.text_of(record)
    for expected in ("+1.07%", "SPY", "−0.45%", "−3.10%", texts.RECORD_HINDSIGHT.in_(language, count=2)):
        assert expected in told, expected
    assert list(samples.links(record).values()) == ["/performance?period=20&as_of=2026-08-20"]


def test_a_record_without_hindsight_has_no_doubt(draw: Any) -> None:
    view = draw(samples.portfolio(), followed=samples.followed(20))
    assert "real record" not in samples.text_of(samples.named(view, "record"))


def test_a_portfolio_not_followed_yet_says_so(draw: Any) -> None:
    view = draw(samples.portfolio(), followed=None)
    assert texts.NO_RECORD.en in samples.text_of(samples.named(view, "record"))


# ── why ──


def test_the_formula_is_shown_with_its_numbers(draw: Any, explained: dict[str, Any]) -> None:
    shown = samples.text_of(samples.named(draw(explained), "formula"))
    for expected in ("2026-07-24 → 2026-08-21", "+9.63%", "0.096300 ÷ $32.1B × 10¹² = 3.000", "5.000"):
        assert expected in shown, expected
    assert "3.000 ÷ 5.000 = 60.00%" in shown
    assert texts.FORMULA_CAPPED.en not in shown


def test_a_capped_weight_says_so(draw: Any) -> None:
    capped = samples.portfolio(
        samples.position(1, "NEM", 0.5, score=3e-12), samples.position(2, "MU", 0.5, score=1e-12)
    )
    shown = samples.text_of(samples.named(draw(capped), "formula"))
    assert "= 75.00%" in shown and texts.FORMULA_CAPPED.en in shown and "50.00%" in shown


def test_each_other_candidate_has_its_reason(draw: Any, explained: dict[str, Any]) -> None:
    offer = samples.text_of(samples.named(draw(explained), "offer-XLB"))
    assert "1 LIN 25.00% −3.21% 75.1B return of −3.21% is not positive" in offer
    assert "2 NEM 12.50% +11.70% 75.1B ✓ chosen" in offer
    assert "3 FCX 8.33% – – no market cap" in offer


def test_another_position_is_explained_by_its_address(draw: Any, explained: dict[str, Any]) -> None:
    view = draw(explained, "/?why=MU&period=20")
    assert "Why MU has 40.00%" in samples.text_of(view)
    assert "/?why=NEM&period=20" in {each.href for each in samples.parts(view) if hasattr(each, "href")}
    with pytest.raises(InvalidInput, match="why=X: choose one of NEM, MU"):
        draw(explained, "/?why=X")


# ── of hundreds of ETFs ──


def test_the_candidates_that_nobody_looks_at_are_not_asked_for(draw: Any, explained: dict[str, Any]) -> None:
    drawn = draw(explained | {"candidate_count": 5012})
    assert "5,012" in samples.text_of(samples.named(drawn, "candidates"))
    assert samples.links(drawn)[texts.UNFOLD.en] == "/?candidates=all"
    assert not [each for each in samples.parts(drawn) if getattr(each, "id", None) == "all-candidates"]


def test_hundreds_of_positions_scroll_and_are_not_all_named_in_the_chart(draw: Any) -> None:
    many = [samples.position(rank, f"C{rank:03}", 1 / 200) for rank in range(1, 201)]
    drawn = draw(samples.portfolio(*many), "/?why=C150")
    grid = samples.named(drawn, "positions")
    assert len(grid.rowData) == 200 and grid.dashGridOptions["domLayout"] == "normal"
    bars = samples.named(drawn, "weights").children.children
    assert len(bars) == 41
    assert samples.text_of(bars[-1]) == f"{texts.OTHERS.en.format(count=160)} 80.00%"
    offered = [link for link in samples.links(drawn) if link.startswith("C") and link != "CSV"]
    assert "C150" in offered and len(offered) <= 41


# ── addresses ──


def test_three_calls_a_view() -> None:
    shown = samples.portfolio(samples.position(1, "NEM", 1.0), period_days=5)
    api = samples.Api(
        {
            "/dashboard/active-allocations": samples.allocations(shown),
            "/dashboard/calendar": samples.calendar(),
            "/dashboard/summary": samples.summary(),
        }
    )
    samples.drawn(api, "/?period=5&as_of=2026-08-21")
    assert api.asked == [
        "/dashboard/active-allocations?as_of_date=2026-08-21&period_days=5&candidates=position",
        "/dashboard/calendar",
        "/dashboard/summary?as_of_date=2026-08-21&period_days=5",
    ]


def test_the_selector_keeps_the_session_but_not_into_the_month(draw: Any) -> None:
    links = samples.links(draw(samples.portfolio(period_days=10), "/?period=10&as_of=2026-08-20&why=NEM"))
    assert links["5d"] == "/?period=5&as_of=2026-08-20"
    assert links["month"] == "/?period=monthly"


def test_the_date_picker_offers_what_is_published(draw: Any) -> None:
    shown = samples.portfolio(as_of_date="2026-08-20")
    view = draw(shown, "/?as_of=2026-08-20")
    picker = samples.named(view, "session-picker")
    assert (picker.date, picker.min_date_allowed, picker.max_date_allowed) == ("2026-08-20", "2026-08-19", "2026-08-21")
    links = samples.links(view)
    assert (links["‹"], links["›"], links["newest"]) == ("/?as_of=2026-08-19", "/?as_of=2026-08-21", "/")


@pytest.mark.parametrize("address", ["/?period=7", "/?period=x", "/?as_of=yesterday"])
def test_a_wrong_choice_asks_nothing(address: str) -> None:
    api = samples.Api({})
    with pytest.raises(InvalidInput):
        samples.drawn(api, address)
    assert api.asked == []


def test_all_candidates_are_one_grid_with_their_verdicts(draw: Any, explained: dict[str, Any]) -> None:
    grid = samples.named(draw(explained, "/?candidates=all", language="ko"), "all-candidates")
    assert [(row["etf_ticker"], row["ticker"], row["cap"], row["verdict"]) for row in grid.rowData] == [
        ("QQQ", "MU", "75.1B", "✓ 선정"),
        ("XLB", "LIN", "75.1B", "수익률 −3.21%: 양수가 아닙니다"),
        ("XLB", "NEM", "75.1B", "✓ 선정"),
        ("XLB", "FCX", "–", "no market cap"),
    ]
    assert grid.dashGridOptions["domLayout"] == "autoHeight"


def test_a_long_grid_draws_only_the_rows_in_sight() -> None:
    rows = [{"ticker": f"T{number}"} for number in range(100)]
    columns = [grids.text("ticker", "Ticker", 100)]
    long = grids.grid("long", columns, rows, samples.page(), rows_shown=12)
    assert long.dashGridOptions["domLayout"] == "normal"
    assert long.style["height"] == grids.HEADER_PIXELS + 12 * grids.ROW_PIXELS + 2
    short = grids.grid("short", columns, rows[:12], samples.page(), rows_shown=12)
    assert short.dashGridOptions["domLayout"] == "autoHeight" and short.style["height"] is None


# ── what is not computable ──


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "Not computable: no ETF can be compared with SPY over any period; SPY: no price on 2026-07-21"),
        ("ko", "SPY: 2026-07-21 시세"),
    ],
)
def test_what_is_not_computable_is_not_shown_as_cash(draw: Any, language: Language, told: str) -> None:
    why = [reason("not_comparable", benchmark="SPY"), NO_PRICE]
    shown = samples.text_of(
        draw(
            samples.portfolio(status="not_computable", reason=why, cash_weight=None, holdings_as_of=None),
            language=language,
        )
    )
    assert common.NOT_COMPUTABLE_TITLE.in_(language) in shown and told in shown
    assert common.NOT_COMPUTABLE_HINT.in_(language) in shown
    assert "100.00%" not in shown and texts.EMPTY_TITLE.in_(language) not in shown
    assert texts.NO_CANDIDATES.in_(language) not in shown


@pytest.mark.parametrize(
    ("changes", "mark"),
    [
        ({}, None),
        ({"is_degraded": True}, "△ degraded"),
        ({"is_computable": False}, "not computable"),
        ({"is_degraded": True, "is_computable": False}, "not computable"),
    ],
)
def test_the_calendar_marks_the_day_shown(
    draw: Any, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], mark: str | None
) -> None:
    calendar = samples.calendar()
    calendar["sessions"][-1] |= changes
    monkeypatch.setattr(samples, "calendar", lambda: calendar)
    view = draw(samples.portfolio())
    [picker] = [each for each in samples.parts(view) if getattr(each, "className", "") == "picker"]
    marks = [
        samples.text_of(each) for each in samples.parts(picker) if getattr(each, "className", "") == "tag degraded"
    ]
    assert marks == ([mark] if mark else [])


@pytest.mark.parametrize("source", ["implied_x_close", "derived_x_close", "shares_x_close", "quoted"])
@pytest.mark.parametrize("language", ["en", "ko"])
def test_why_says_how_the_market_cap_was_come_by(draw: Any, source: str, language: Language) -> None:
    view = draw(samples.portfolio(samples.position(1, "NEM", 1.0, market_cap_source=source)), language=language)
    told = ticker_texts.CAP_SOURCES[source].in_(language)
    assert texts.MARKET_CAP_IS.in_(language, source=told) in samples.text_of(view)


@pytest.mark.parametrize(
    ("reasons", "korean"),
    [
        (
            [of_ticker("KO", [reason("prices_break", session="2026-08-12", reasons=[text("split of 2 for 1")])])],
            "KO: 2026-08-12에 시세가 이어지지 않습니다 (split of 2 for 1)",
        ),
        (
            [reason("rate_breaks", rate="KRW=X", session="2026-08-12", reasons=[text("+60 %")])],
            "2026-08-12에 KRW=X 환율이 이어지지 않습니다 (+60%)",
        ),
        (
            [of_ticker("A.KS", [reason("carried_rate", rate="KRW=X", session="2026-08-17", used="2026-08-14")])],
            "A.KS: 2026-08-17 KRW=X 환율이 없어 2026-08-14 환율을 썼습니다",
        ),
        (
            [reason("lacks_bar", ticker="XLB", session="2026-08-21", state=reason("state_late"))],
            "XLB의 2026-08-21 시세가 없습니다 (지연)",
        ),
        (
            [reason("not_comparable", benchmark="SPY"), NO_PRICE],
            "산출할 수 없습니다: 어떤 기간에도 ETF를 SPY와 비교할 수 없습니다; SPY: 2026-07-21 시세가 없습니다",
        ),
        (
            [reason("many_earlier_doubts", reasons=[NO_PRICE], more=3)],
            "이전의 확실하지 않은 시세가 반영되어 있습니다 (SPY: 2026-07-21 시세가 없습니다 외 3건)",
        ),
    ],
)
def test_what_a_portfolio_lacks_is_told_in_korean(draw: Any, reasons: list[Reason], korean: str) -> None:
    shown = samples.portfolio(samples.position(1, "NEM", 1.0), degraded_reason=reasons)
    assert common.DEGRADED.in_("ko", reason=korean) in samples.text_of(draw(shown, language="ko"))
    english = words(reasons)
    assert english is not None
    assert common.DEGRADED.in_("en", reason=typeset_words(english)) in samples.text_of(draw(shown))


def test_both_languages_have_a_sentence_of_each_reason() -> None:
    assert KOREAN.keys() == SENTENCES.keys()
    assert {code: {*fields(told)} for code, told in KOREAN.items()} == {code: parameters(code) for code in SENTENCES}


def test_what_only_english_has_words_for_stays_english(draw: Any) -> None:
    shown = samples.portfolio(samples.position(1, "NEM", 1.0), degraded_reason=[NO_PRICE, text("nobody knows")])
    told = common.DEGRADED.in_("ko", reason="SPY: no price on 2026-07-21; nobody knows")
    assert told in samples.text_of(draw(shown, language="ko"))


def test_a_weights_reason_is_told_in_the_readers_language(draw: Any) -> None:
    best = {"top": 5, "etfs": ["QQQ", "XLK"], "days": 20, "gain": 0.0963, "market_cap": 32_100_000_000}
    shown = samples.portfolio(samples.position(1, "NEM", 1.0, allocation_reason=[reason("best_of_etfs", **best)]))
    assert (
        "best of the top 5 of QQQ, XLK over 20 sessions: +9.63% in US dollars at a market cap of 32.10 billion"
        in samples.text_of(draw(shown))
    )
    assert "QQQ, XLK의 상위 5개 보유 종목 중 20거래일 동안" in samples.text_of(draw(shown, language="ko"))
