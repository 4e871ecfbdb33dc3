"""The market map, and the ETFs against the benchmark."""

import csv
from datetime import date, timedelta
from typing import Any
from urllib.parse import unquote

import pytest

import dashboard_samples as samples
from config.universe import DEFAULT_FILE, load
from dashboard import callbacks, colours, figures
from dashboard.colours import Scale
from dashboard.figures import COLOURS, DARK, PALETTES, Colours, Palette, Tile, palette_of
from dashboard.figures import market as charts
from dashboard.page import Theme, signed
from dashboard.texts import Language, common, company_names, sectors
from dashboard.texts import market_map as texts
from dashboard.views import etf_comparison, market_tiles
from dashboard.views import market_map as view
from utils.errors import InvalidInput, NotPublished
from utils.reasons import reason

EVERY_PALETTE = [palette_of(theme, colours) for theme in PALETTES for colours in COLOURS]
DAYS = ["2026-07-30", "2026-07-31", "2026-08-03", "2026-08-04"]


def test_every_fund_has_a_korean_name() -> None:
    assert set(load(DEFAULT_FILE).etfs) <= set(company_names.KOREAN)


def test_every_sector_of_a_fund_has_a_korean_name() -> None:
    """A stock has its fund's until the source has named its own."""
    assert set(load(DEFAULT_FILE).sectors.values()) <= set(sectors.KOREAN)


@pytest.fixture
def market() -> dict[str, Any]:
    """Return two sectors and one without a name. One stock has no return, one no market cap."""
    return samples.market_map(
        samples.sector(
            "Technology",
            0.05,
            samples.standing("NVDA", 4_000_000_000_000, 0.06),
            samples.standing("005930.KS", 400_000_000_000, -0.3, currency="KRW", close_price=71200.0),
            samples.standing("AMD", 200_000_000_000, None),
        ),
        samples.sector("Utilities", 0.01, samples.standing("CEG", None, 0.02), samples.standing("NEE", 100, 0.0)),
        samples.sector(None, 0.01, samples.standing("NEW", 300, 0.01)),
    )


@pytest.fixture
def compared() -> dict[str, Any]:
    return samples.etf_benchmark(
        DAYS,
        samples.etf("XLF", 0.01, -0.01),
        samples.etf("SPY", 0.02, None),
        samples.etf("NONE", None, None, close_price=None, adj_closes=[None, None, None, None]),
        samples.etf("XLK", 0.05, 0.03, adj_closes=[100.0, 104.0, None, 110.0]),
    )


@pytest.fixture
def api(market: dict[str, Any], compared: dict[str, Any]) -> Any:
    return samples.Api(
        {
            "/dashboard/market-map": market,
            "/dashboard/etf-benchmark": compared,
            "/dashboard/calendar": samples.calendar(),
        }
    )


def treemap(drawn: Any) -> Any:
    [figure] = samples.named(drawn, view.GRAPH).figure.data
    return figure


def rows(table: Any) -> list[str]:
    body = table.children[1]
    return [" ".join(samples.text_of(row).split()) for row in body.children]


# ── the colours ──


@pytest.mark.parametrize("palette", EVERY_PALETTE)
def test_the_scale_is_symmetric_and_ends_at_its_bound(palette: Palette) -> None:
    scale = palette.scale
    assert (scale.at(-1), scale.at(0), scale.at(1)) == scale
    assert (scale.at(-7.5), scale.at(7.5)) == (scale.down, scale.up)
    mirrored = Scale(scale.up, scale.neutral, scale.down)
    for strength in (0.1, 0.25, 0.5, 0.99):
        assert scale.at(strength) == mirrored.at(-strength)


def test_what_is_stronger_is_farther_from_neutral() -> None:
    scale = Scale("#ff8000", "#808080", "#0080ff")
    assert [scale.at(strength) for strength in (-0.5, -0.25, 0.25, 0.5)] == ["#c08040", "#a08060", "#6080a0", "#4080c0"]


@pytest.mark.parametrize("palette", EVERY_PALETTE)
def test_a_label_can_be_read_on_every_colour_of_the_scale(palette: Palette) -> None:
    for step in range(-20, 21):
        colour = palette.scale.at(step / 20)
        assert colours.contrast(colours.readable_on(colour), colour) >= 4.5


@pytest.mark.parametrize("palette", EVERY_PALETTE)
def test_lines_and_their_names_can_be_told_from_the_panel(palette: Palette) -> None:
    for colour in (palette.up, palette.down, palette.ink_soft, palette.ink_strong):
        assert colours.contrast(colour, palette.panel) >= 4.5


# ── the map ──


def test_area_is_market_cap_and_a_sector_is_the_sum_of_its_stocks(api: Any) -> None:
    figure = treemap(samples.drawn(api, "/map"))
    areas = dict(zip(figure.ids, figure["values"], strict=True))
    assert areas["NVDA"] == 4_000_000_000_000 and areas["NEE"] == 100
    assert areas["group:Technology"] == 4_600_000_000_000
    assert areas["group:"] == 4_600_000_000_400
    parents = dict(zip(figure.ids, figure.parents, strict=True))
    assert (parents["NVDA"], parents["group:Technology"], parents["group:"]) == ("group:Technology", "group:", "")
    assert "CEG" not in areas, "without a market cap it has no area"
    assert (figure.branchvalues, figure.sort) == ("total", False)


def test_sectors_keep_their_order_and_the_unknown_one_is_last_and_named(api: Any) -> None:
    figure = treemap(samples.drawn(api, "/map"))
    sectors = [label for label, parent in zip(figure.labels, figure.parents, strict=True) if parent == "group:"]
    assert sectors == ["Technology  +5.00%", "Utilities  +1.00%", "Sector not known yet  +1.00%"]


@pytest.mark.parametrize("theme", PALETTES)
@pytest.mark.parametrize(("window", "bound"), view.FULL_COLOUR.items())
def test_colour_is_the_return_over_the_window(api: Any, window: str, bound: float, theme: Theme) -> None:
    figure = treemap(samples.drawn(api, f"/map?window={window}", theme=theme))
    colour = dict(zip(figure.ids, figure.marker.colors, strict=True))
    gains = {"1d": -0.002, "5d": 0.01, "10d": -0.02, "20d": 0.06, "month": 0.04}
    scale = PALETTES[theme].scale
    assert colour["NVDA"] == scale.at(gains[window] / bound)
    texts_of = dict(zip(figure.ids, figure.text, strict=True))
    assert texts_of["NVDA"] == signed(gains[window])


def test_a_return_beyond_the_bound_has_the_full_colour(api: Any) -> None:
    figure = treemap(samples.drawn(api, "/map"))
    assert dict(zip(figure.ids, figure.marker.colors, strict=True))["005930.KS"] == DARK.scale.down


def test_a_stock_without_a_return_is_hatched_and_says_why(api: Any) -> None:
    drawn = samples.drawn(api, "/map")
    figure = treemap(drawn)
    shapes = dict(zip(figure.ids, figure.marker.pattern.shape, strict=True))
    assert {id for id, shape in shapes.items() if shape} == {"AMD"}
    assert dict(zip(figure.ids, figure.text, strict=True))["AMD"] == "–"
    shown = samples.text_of(drawn)
    assert "AMD   no price on 2026-07-24" in shown and f"CEG   {texts.NO_CAP.en}" in shown
    assert "2026-07-24 시세가 없습니다" in samples.text_of(samples.drawn(api, "/map", "ko"))


def test_the_hover_card_has_the_numbers(api: Any) -> None:
    cards = dict(zip(*(treemap(samples.drawn(api, "/map"))[part] for part in ("ids", "hovertext")), strict=True))
    assert cards["005930.KS"].split("<br>") == [
        "<b>005930.KS</b>",
        "005930.KS Inc.",
        "71,200 KRW",
        "Mkt cap $400B",
        "1d  <b>−0.20%</b>",
        "5d  <b>+1.00%</b>",
        "10d  <b>−2.00%</b>",
        "20d  <b>−30.00%</b>",
        "month  <b>+4.00%</b>",
    ]
    assert cards["AMD"].endswith("20d  <b>–</b><br>month  <b>+4.00%</b><br>20d: no price on 2026-07-24")
    assert cards["group:Technology"].startswith("<b>Technology</b><br>3 stocks, returns weighted by market cap<br>")
    assert cards["group:"] == ""


def test_letters_grow_with_the_tile_within_bounds() -> None:
    tiles = [Tile("s", "S", "", 1e6, None, ""), *(Tile(str(area), "", "s", area, 0.0, "") for area in (9e5, 1e4, 10.0))]
    [figure] = samples.checked(figures.market_map(tiles, "", 0.1, DARK)).data
    sizes = figure.textfont.size[2:]
    assert sizes[0] == charts.TILE_LETTERS[1] and sizes[2] == charts.TILE_LETTERS[0]
    assert sizes[0] > sizes[1] > sizes[2]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_bounds_of_the_scale_are_said(api: Any, language: Language) -> None:
    drawn = samples.drawn(api, "/map?window=5d", language)
    [legend] = [each for each in samples.parts(drawn) if getattr(each, "className", "") == "legend"]
    assert samples.text_of(legend).split()[:3] == ["−6%", "0%", "+6%"]
    assert texts.NO_RETURN.in_(language) in samples.text_of(legend)
    assert "±6%" in samples.text_of(drawn), "what the colours mean is said below, too"


def test_every_stock_is_a_link_too(api: Any) -> None:
    links = samples.links(samples.drawn(api, "/map"))
    assert links["NVDA +6.00%"] == "/ticker/NVDA"
    assert links["CEG +2.00%"] == "/ticker/CEG"
    assert links["XLK"] == "/ticker/XLK"


# ── what a reader chooses ──


def options(drawn: Any, name: str) -> list[tuple[str, str, str]]:
    """Return label, address and class of each choice of a selector."""
    [selector] = [each for each in samples.parts(drawn) if getattr(each, "aria-label", "") == name]
    return [(link.children, link.href, link.className) for link in selector.children]


def test_every_stock_has_the_same_area_when_it_is_asked_for(api: Any) -> None:
    figure = treemap(samples.drawn(api, "/map?size=equal"))
    areas = dict(zip(figure.ids, figure["values"], strict=True))
    stocks = {id: area for id, area in areas.items() if not id.startswith(figures.GROUP)}
    assert stocks == dict.fromkeys(["NVDA", "005930.KS", "AMD", "CEG", "NEE", "NEW"], 1), "one without a cap as well"
    assert (areas["group:Technology"], areas["group:"]) == (3, 6)
    shown = samples.text_of(samples.drawn(api, "/map?size=equal"))
    assert texts.SIZE_HINTS["equal"].en in shown and texts.NO_CAP.en not in shown
    assert f"CEG   {texts.NO_CAP_TO_COUNT.en}" in shown


def test_the_size_is_in_the_address_beside_what_else_is_chosen(api: Any) -> None:
    assert options(samples.drawn(api, "/map?window=1d&size=equal"), "Size") == [
        ("market cap", "/map?window=1d&size=cap", ""),
        ("equal", "/map?window=1d&size=equal", "selected"),
    ]
    with pytest.raises(InvalidInput, match="size=round: choose one of cap, equal"):
        samples.drawn(api, "/map?size=round")


@pytest.mark.parametrize(
    ("chosen", "language", "up", "down"),
    [
        ("blue-orange", "en", "blue", "orange"),
        ("green-red", "en", "green", "red"),
        ("red-blue", "ko", "빨강", "파랑"),
    ],
)
def test_a_rise_and_a_fall_have_the_readers_colours_everywhere(
    api: Any, chosen: Colours, language: Language, up: str, down: str
) -> None:
    drawn = samples.drawn(api, "/map", language, colours=chosen)
    palette = palette_of("dark", chosen)
    colour = dict(zip(treemap(drawn).ids, treemap(drawn).marker.colors, strict=True))
    assert colour["005930.KS"] == palette.scale.down and colour["NVDA"] == palette.scale.at(0.5)
    xlf, xlk, _ = samples.named(drawn, "etf-lines").figure.data
    assert (xlk.line.color, xlf.line.color) == (palette.up, palette.down)
    [legend] = [each for each in samples.parts(drawn) if getattr(each, "className", "") == "legend"]
    told = texts.LEGEND.in_(language, low="−12%", high="+12%", up=up, down=down)
    assert legend.to_plotly_json()["props"]["aria-label"] == told
    assert texts.LINES_READING.in_(language, benchmark="SPY", up=up, down=down) in samples.text_of(drawn)
    links = options(drawn, texts.COLOURS.in_(language))
    assert [href for _, href, _ in links] == [f"/preferences?colours={each}&then=%2Fmap" for each in COLOURS]
    assert [each for each, kind in zip(COLOURS, (kind for _, _, kind in links), strict=True) if kind] == [chosen]


def test_each_pair_of_colours_is_another_and_its_ends_differ() -> None:
    for theme in PALETTES:
        ends = [(each.up, each.down) for each in (palette_of(theme, colours) for colours in COLOURS)]
        assert len(set(ends)) == len(COLOURS) and all(up != down for up, down in ends)


@pytest.mark.parametrize("typed", ["nvda", "NVDA Inc.", "nvd"])
def test_a_stock_that_is_found_is_outlined_in_its_sector(api: Any, typed: str) -> None:
    drawn = samples.drawn(api, f"/map?find={typed}")
    figure = treemap(drawn)
    outlined = dict(zip(figure.ids, figure.marker.line.width, strict=True))
    assert [id for id, width in outlined.items() if width > 1] == ["NVDA"]
    assert figure.level == "group:Technology"
    assert texts.FOUND.en.format(name="NVDA Inc.", sector="Technology") in samples.text_of(drawn)
    assert samples.links(drawn)[texts.WHOLE_MAP.en.format(sector="Technology")] == "/map"


def test_a_korean_name_is_found(api: Any) -> None:
    figure = treemap(samples.drawn(api, "/map?find=삼성전자", "ko"))
    outlined = dict(zip(figure.ids, figure.marker.line.width, strict=True))
    assert [id for id, width in outlined.items() if width > 1] == ["005930.KS"]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_what_is_not_on_the_map_is_said(api: Any, language: Language) -> None:
    drawn = samples.drawn(api, "/map?find=NOSUCH", language)
    assert treemap(drawn).level is None and set(treemap(drawn).marker.line.width) == {1}
    assert texts.NOT_FOUND.in_(language, typed="NOSUCH") in samples.text_of(drawn)
    without = samples.drawn(api, "/map?find=CEG", language)
    assert treemap(without).level is None
    told = texts.FOUND_WITHOUT_AREA.in_(
        language, name="CEG Inc.", sector={"en": "Utilities", "ko": "유틸리티"}[language]
    )
    assert told in samples.text_of(without)


# ── its address ──


def test_the_window_keeps_the_session(api: Any) -> None:
    links = samples.links(samples.drawn(api, "/map?window=5d&as_of=2026-08-20"))
    assert links["month"] == "/map?window=month&as_of=2026-08-20"
    assert [api.asked[place] for place in (0, 1)] == [
        "/dashboard/market-map?as_of_date=2026-08-20",
        "/dashboard/etf-benchmark?as_of_date=2026-08-20&sessions=6",
    ]
    assert len(api.asked) == 3


@pytest.mark.parametrize(("window", "sessions"), [("1d", 2), ("5d", 6), ("10d", 11), ("20d", 21), ("month", 24)])
def test_as_many_closes_are_asked_for_as_the_window_has(api: Any, window: str, sessions: int) -> None:
    samples.drawn(api, f"/map?window={window}")
    assert api.asked[1] == f"/dashboard/etf-benchmark?sessions={sessions}"


def test_a_wrong_window_asks_nothing(api: Any) -> None:
    with pytest.raises(InvalidInput, match="window=7d: choose one of 1d, 5d, 10d, 20d, month"):
        samples.drawn(api, "/map?window=7d")
    assert api.asked == []


def test_a_month_starts_with_the_last_session_before_it() -> None:
    days = [date(2026, 7, 20) + timedelta(days=n) for n in range(24)]
    assert days[etf_comparison.first_session(days, "month")] == date(2026, 7, 31)
    assert etf_comparison.first_session(days, "20d") == 0
    assert etf_comparison.first_session([date(2026, 8, 3), date(2026, 8, 4)], "month") == 0


def test_each_window_has_a_reason_of_its_own(api: Any, market: dict[str, Any]) -> None:
    carried = reason("carried_rate", rate="KRW=X", session="2026-08-21", used="2026-08-20")
    market["sectors"][0]["stocks"][2] |= {
        "return_1d": None,
        "missing_reason": [reason("no_price", session="2026-08-20")],
        "missing_by_window": {
            **samples.by_window("1d", reason("no_price", session="2026-08-20")),
            **samples.by_window("20d", reason("no_price", session="2026-07-24")),
        },
    }
    market["sectors"][0]["left_out"]["1d"] = ["AMD"]
    market["sectors"][0]["stocks"][0]["degraded_by_window"] = {
        **samples.by_window("5d", carried),
        **samples.by_window("month", carried),
    }
    drawn = samples.drawn(api, "/map?window=20d")
    assert "AMD   no price on 2026-07-24" in samples.text_of(drawn)
    assert "AMD   no price on 2026-08-20" in samples.text_of(samples.drawn(api, "/map?window=1d"))
    cards = dict(zip(*(treemap(drawn)[part] for part in ("ids", "hovertext")), strict=True))
    assert cards["AMD"].endswith("<br>1d: no price on 2026-08-20<br>20d: no price on 2026-07-24")
    assert cards["NVDA"].endswith(f"<br>5d, month: {carried}")


# ── the sectors ──


def test_a_stock_without_a_cap_at_the_start_is_left_out_of_its_sector_and_said_so(
    api: Any, market: dict[str, Any]
) -> None:
    market["sectors"][0]["left_out"]["20d"] = ["NVDA", "AMD"]
    drawn = samples.drawn(api, "/map")
    shown = samples.text_of(drawn)
    assert f"NVDA   {texts.NO_START_CAP.en}" in shown and "AMD   no price on 2026-07-24" in shown
    figure = treemap(drawn)
    cards = dict(zip(figure.ids, figure.hovertext, strict=True))
    assert cards["group:Technology"].endswith("Not counted over 20 sessions: NVDA, AMD")
    assert "Not counted" not in cards["group:"]


@pytest.mark.parametrize(
    ("language", "told"),
    [("en", "NEE has no bar of 2026-08-21 (late)"), ("ko", "NEE의 2026-08-21 시세가 없습니다 (지연)")],
)
def test_a_sector_without_an_expected_stock_is_marked(
    api: Any, market: dict[str, Any], language: Language, told: str
) -> None:
    assert texts.ABSENT.in_(language) not in samples.text_of(samples.drawn(api, "/map", language))
    late = [reason("lacks_bar", ticker="NEE", session="2026-08-21", state=reason("state_late"))]
    market["absent_reason"] = market["sectors"][1]["absent_reason"] = late
    drawn = samples.drawn(api, "/map", language)
    marked = [row for row in rows(samples.named(drawn, "sectors")) if common.DEGRADED_TAG.in_(language) in row]
    assert len(marked) == 1 and marked[0].startswith({"en": "Utilities △", "ko": "유틸리티 △"}[language])
    [tag] = [each for each in samples.parts(drawn) if getattr(each, "className", "") == "tag degraded"]
    assert tag.title == told
    [head, *_, last] = csv.reader(samples.downloaded(api, "stocks", samples.page("/map")))
    assert {name: cell for name, cell in zip(head, last, strict=True) if cell} == {
        "ticker": "NEE",
        "missing_reason": "NEE has no bar of 2026-08-21 (late)",
    }
    shown = samples.text_of(drawn)
    assert f"{texts.ABSENT.in_(language)}  1 {told}" in shown
    assert texts.WITHOUT_ABSENT.in_(language, count=1) in shown


@pytest.mark.parametrize(
    ("language", "heads"),
    [
        (
            "en",
            [
                "1d, by cap",
                "5d, by cap",
                "10d, by cap",
                "20d, by cap",
                "month, by cap",
                "Month, each alike",
                "Counted to",
            ],
        ),
        (
            "ko",
            [
                *(f"{window} (시총 가중)" for window in ("1일", "5일", "10일", "20일", "당월")),
                "월간 (동일 가중)",
                "집계 기준일",
            ],
        ),
    ],
)
def test_both_ways_to_weight_a_sector_are_named_side_by_side(
    api: Any, market: dict[str, Any], language: Language, heads: list[str]
) -> None:
    market["sectors"][0]["newest_month"] = samples.sector_month(-0.0321)
    drawn = samples.drawn(api, "/map", language)
    table = samples.named(drawn, "sectors")
    assert [samples.text_of(cell) for cell in table.children[0].children.children][2:] == heads
    name = {"en": "Technology", "ko": "기술"}[language]
    assert rows(table)[0] == f"{name} 3 +0.20% +1.00% +2.00% +5.00% +4.00% −3.21% 2026-08-20"
    assert rows(table)[1].endswith("– –"), "no month of it is published"
    shown = samples.text_of(drawn)
    assert texts.SECTORS_READING.in_(language) in shown
    span, area = texts.SPAN_DAYS.in_(language, days=20), texts.SIZE_HINTS["cap"].in_(language)
    assert texts.READING.in_(language, area=area, window=span, high="±12%") in shown


def test_a_month_of_sectors_says_what_it_lacks_and_what_it_knew_too_early(api: Any, market: dict[str, Any]) -> None:
    lacking = reason("lacks_bar", ticker="OVV", session="2026-08-12", state=reason("state_missing"))
    for sector in market["sectors"][:2]:
        sector["newest_month"] = samples.sector_month(
            0.02, degraded_reason=[lacking], holdings_as_of="2026-08-28", holdings_known_later=True
        )
    drawn = samples.drawn(api, "/map")
    assert rows(samples.named(drawn, "sectors"))[0].endswith("2026-08-20 △ degraded hindsight")
    shown = samples.text_of(drawn)
    assert shown.count(texts.MONTH_DEGRADED.en.format(reason=str(lacking))) == 1
    assert texts.MONTH_HINDSIGHT.en.format(day="Fri 28 Aug 2026") in shown
    korean = samples.text_of(samples.drawn(api, "/map", "ko"))
    assert "OVV의 2026-08-12 시세가 없습니다 (출처에 없음)" in korean


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_sector_that_is_not_yahoos_word_is_marked(api: Any, market: dict[str, Any], language: Language) -> None:
    market["sectors"][0]["stocks"][1] |= {"sector_source": "derived", "rate_date": "2026-08-20"}
    drawn = samples.drawn(api, "/map", language)
    figure = treemap(drawn)
    cards = dict(zip(figure.ids, figure.hovertext, strict=True))
    assert texts.DERIVED.in_(language) in cards["005930.KS"] and texts.DERIVED.in_(language) not in cards["NVDA"]
    assert {"en": "At the exchange rate of Thu 20 Aug 2026", "ko": "2026년 8월 20일 (목) 환율 적용"}[language] in cards[
        "005930.KS"
    ]
    assert f"{texts.DERIVED_COUNT.in_(language)}  1 005930.KS" in samples.text_of(drawn)


# ── the ETFs ──


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "Not computable: no ETF can be compared with SPY over any period"),
        ("ko", "산출할 수 없습니다: 어떤 기간에도 ETF를 SPY와 비교할 수 없습니다"),
    ],
)
def test_a_session_without_enough_history_is_told(api: Any, language: Language, told: str) -> None:
    assert told not in samples.text_of(samples.drawn(api, "/map", language))
    api.answers["/dashboard/etf-benchmark"] |= {
        "status": "not_computable",
        "reason": [reason("not_comparable", benchmark="SPY")],
    }
    assert told in samples.text_of(samples.drawn(api, "/map", language))


def test_a_close_that_is_not_in_dollars_has_its_currency(api: Any) -> None:
    api.answers["/dashboard/etf-benchmark"]["etfs"][3] |= {"currency": "KRW", "close_price": 71200.0}
    table = rows(samples.named(samples.drawn(api, "/map"), "etfs"))
    assert table[1].endswith("+4.00% 71,200 KRW") and table[2].endswith("+4.00% 100.50")


@pytest.mark.parametrize(
    ("language", "missing", "doubt"),
    [
        ("en", "month: no price on 2026-07-31", "1d, 5d: the KRW=X rate of 2026-08-21 is that of 2026-08-20"),
        ("ko", "당월: 2026-07-31 시세가 없습니다", "1일, 5일: 2026-08-21 KRW=X 환율이 없어 2026-08-20 환율을 썼습니다"),
    ],
)
def test_an_etfs_figures_that_are_missing_or_in_doubt_are_marked(
    api: Any, compared: dict[str, Any], language: Language, missing: str, doubt: str
) -> None:
    assert texts.DOUBTS.in_(language) not in samples.text_of(samples.drawn(api, "/map", language))
    carried = reason("carried_rate", rate="KRW=X", session="2026-08-21", used="2026-08-20")
    compared["etfs"][0] |= {
        "return_month": None,
        "missing_by_window": samples.by_window("month", reason("no_price", session="2026-07-31")),
    }
    compared["etfs"][3]["degraded_by_window"] = {
        **samples.by_window("1d", carried),
        **samples.by_window("5d", carried),
    }
    drawn = samples.drawn(api, "/map", language)
    table = samples.named(drawn, "etfs")
    assert " +0.20% △ +1.00% △ +2.00% +5.00% " in rows(table)[1] and "△" not in rows(table)[2]
    assert " +5.00% – 100.50" not in rows(table)[2] and rows(table)[2].endswith(" – 100.50")
    titles = [each.title for each in samples.parts(table) if getattr(each, "title", None)]
    assert missing.partition(": ")[2] in titles and doubt.partition(": ")[2] in titles
    shown = samples.text_of(drawn)
    assert f"{texts.DOUBTS.in_(language)}  2 XLK   {doubt} XLF   {missing}" in shown


def test_the_benchmark_comes_first_then_the_farthest_ahead(api: Any) -> None:
    table = rows(samples.named(samples.drawn(api, "/map"), "etfs"))
    assert [row.split()[0] for row in table] == ["SPY", "XLK", "XLF", "NONE"]
    assert table[1] == "XLK what XLK follows +3.00% 10d 20d +0.20% +1.00% +2.00% +5.00% +4.00% 100.50"
    assert table[3] == "NONE what NONE follows – – +0.20% +1.00% +2.00% – +4.00% –"


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_course_of_an_etf_is_an_image_with_words(api: Any, language: Language) -> None:
    table = samples.named(samples.drawn(api, "/map", language), "etfs")
    images = [each for each in samples.parts(table) if type(each).__name__ == "Img"]
    assert images[1].alt == "XLK +5.00%, SPY +2.00%"
    assert all(image.src.startswith("data:image/svg+xml,") for image in images)


def test_a_sparkline_is_two_lines_in_one_scale() -> None:
    image = unquote(figures.sparkline([0.0, None, 0.1], [0.0, 0.05, -0.1], DARK))
    assert image.count("<polyline") == 2
    assert 'points="2.0,14.0 118.0,2.0"' in image and 'points="2.0,14.0 60.0,8.0 118.0,26.0"' in image
    assert DARK.up in image and DARK.down not in image
    assert DARK.down in unquote(figures.sparkline([0.0, -0.2], [0.0, -0.1], DARK))


def test_a_sparkline_of_the_benchmark_or_of_nothing_is_drawn() -> None:
    assert unquote(figures.sparkline([0.0, 0.1], [0.0, 0.1], DARK)).count("<polyline") == 1
    assert "nan" not in figures.sparkline([None, None], [0.0, 0.0], DARK)


def test_the_lines_are_rebased_and_the_benchmark_stands_out(api: Any) -> None:
    figure = samples.named(samples.drawn(api, "/map"), "etf-lines").figure
    xlf, xlk, spy = figure.data
    assert list(xlk.y) == [0.0, 0.04, None, 0.1] and list(spy.y) == [0.0, 0.01, 0.02, 0.03]
    assert list(spy.x) == DAYS
    assert spy.line.width > 2 * xlk.line.width and spy.line.color == DARK.ink_strong
    assert (xlk.line.color, xlf.line.color) == (DARK.up, DARK.down)
    names = {note.text: note.y for note in figure.layout.annotations}
    assert set(names) == {"<b>XLF</b>", "<b>XLK</b>", "<b>SPY</b>"}, "an ETF without its first close has no line"
    assert names["<b>XLK</b>"] == pytest.approx(0.1)
    gap = charts.LINE_LABEL_PIXELS / charts.LINES_PIXELS * 0.1
    assert abs(names["<b>XLF</b>"] - names["<b>SPY</b>"]) == pytest.approx(gap), "both end at the same height"


@pytest.mark.parametrize(
    ("window", "breaks", "is_drawn"),
    [
        ("20d", ["2026-08-03"], False),
        ("20d", ["2026-07-30"], True),  # the first day is behind it
        ("month", ["2026-07-31"], True),  # the month begins with the last session of July
        ("month", ["2026-07-31", "2026-08-04"], False),
        ("20d", [], True),
    ],
)
def test_no_course_is_drawn_across_a_break(
    api: Any, compared: dict[str, Any], window: str, breaks: list[str], is_drawn: bool
) -> None:
    compared["etfs"][0] |= {"breaks": breaks, "adj_closes": [100.0, 99.0, 98.0, 97.0]}
    drawn = samples.drawn(api, f"/map?window={window}")
    lines = samples.named(drawn, "etf-lines").figure
    assert ("<b>XLF</b>" in {note.text for note in lines.layout.annotations}) is is_drawn
    table = samples.named(drawn, "etfs")
    [own] = [unquote(each.src) for each in samples.parts(table) if getattr(each, "alt", "").startswith("XLF")]
    assert own.count('points="2.0') == (2 if is_drawn else 1), "the benchmark alone"


@pytest.mark.parametrize(
    ("heights", "gap", "placed"),
    [
        ({}, 1.0, {}),
        ({"a": 0.0, "b": 5.0}, 1.0, {"a": 0.0, "b": 5.0}),
        ({"b": 1.0, "a": 1.0}, 1.0, {"b": 0.5, "a": 1.5}),
        ({"a": 0.0, "b": 0.2, "c": 1.2}, 1.0, {"a": -0.53, "b": 0.47, "c": 1.47}),
    ],
)
def test_names_are_moved_apart(heights: dict[str, float], gap: float, placed: dict[str, float]) -> None:
    assert figures.spread(heights, gap) == pytest.approx(placed, abs=0.01)


def test_what_was_missing_and_where_prices_are_from_is_said(api: Any) -> None:
    api.answers["/dashboard/etf-benchmark"]["degraded_reason"] = "XLB has no bar of 2026-08-21 (late)"
    for stock in api.answers["/dashboard/market-map"]["sectors"][0]["stocks"]:
        stock["source"] = "simulated"
    shown = samples.text_of(samples.drawn(api, "/map"))
    assert common.SOURCE_BANNERS["simulated"].en in shown and "XLB has no bar of 2026-08-21 (late)." in shown


# ── what is not there ──


@pytest.mark.parametrize("language", ["en", "ko"])
def test_before_anything_is_collected_it_says_what_to_do(language: Language) -> None:
    api = samples.Api(
        {"/dashboard/market-map": samples.market_map(), "/dashboard/etf-benchmark": samples.etf_benchmark(DAYS)}
    )
    shown = samples.text_of(samples.drawn(api, "/map", language))
    for text in (texts.EMPTY_TITLE, texts.EMPTY_HINT, texts.NO_ETFS_TITLE, texts.NO_ETFS_HINT):
        assert text.in_(language) in shown


def test_etfs_without_a_session_of_the_benchmark_are_not_compared(api: Any) -> None:
    api.answers["/dashboard/etf-benchmark"] = samples.etf_benchmark([], samples.etf("XLK", None, None))
    assert texts.NO_ETFS_TITLE.en in samples.text_of(samples.drawn(api, "/map"))


def test_the_map_is_there_without_the_etfs(api: Any) -> None:
    detail = "no trending ETFs of 2026-08-20 are published"
    api.answers["/dashboard/etf-benchmark"] = (404, {"error": "NotPublished", "detail": detail})
    drawn = samples.drawn(api, "/map?as_of=2026-08-20")
    assert treemap(drawn).ids and "No trending ETFs of 2026-08-20" in samples.text_of(drawn)


def test_a_session_without_stocks_is_not_published(api: Any) -> None:
    api.answers["/dashboard/market-map"] = (404, {"error": "NotPublished", "detail": "no stock prices"})
    with pytest.raises(NotPublished):
        samples.drawn(api, "/map?as_of=2026-08-20")
    message = callbacks.render(api.client, samples.page("/map?as_of=2026-08-20"))
    assert samples.links(message)[common.SHOW_NEWEST.en] == "/map"


# ── downloads ──


def test_the_tables_can_be_downloaded(api: Any) -> None:
    page = samples.page("/map?as_of=2026-08-20")
    stocks = samples.downloaded(api, "stocks", page)
    assert len(stocks) == 7 and "market_cap" in stocks[0] and "NVDA" in stocks[1] and "Technology" in stocks[1]
    etfs = samples.downloaded(api, "etfs", page)
    assert len(etfs) == 5 and "adj_closes" not in etfs[0] and "outperformance_20d" in etfs[0]
    assert all("as_of_date=2026-08-20" in asked for asked in api.asked)


def test_what_is_said_of_each_window_is_in_words_in_a_file(api: Any, market: dict[str, Any]) -> None:
    market["sectors"][0]["stocks"][2]["missing_by_window"] |= samples.by_window(
        "1d", reason("no_market_cap", session="2")
    )
    [head, *lines] = csv.reader(samples.downloaded(api, "stocks", samples.page("/map")))
    amd = next(dict(zip(head, line, strict=True)) for line in lines if "AMD" in line)
    assert amd["missing_by_window"] == "20d: no price on 2026-07-24; 1d: no market cap on 2"
    assert amd["degraded_by_window"] == ""


# ── of hundreds of ETFs and thousands of stocks ──


@pytest.fixture
def large() -> Any:
    """Return a market of 3,000 stocks in one sector, and of 500 ETFs."""
    stocks = [samples.standing(f"C{each:05}", 10_000 - each, 0.1, start_cap_20d=100) for each in range(3_000)]
    sessions = ["2026-08-20", "2026-08-21"]
    etfs = [samples.etf(f"E{number:03}", 0.01, number / 1000 - 0.25) for number in range(1, 500)]
    spy = samples.etf("SPY", 0.01, None, is_benchmark=True)
    return samples.Api(
        {
            "/dashboard/market-map": samples.market_map(samples.sector("Technology", 0.1, *stocks)),
            "/dashboard/etf-benchmark": samples.etf_benchmark(sessions, spy, *etfs),
            "/dashboard/calendar": samples.calendar(),
        }
    )


def test_the_smaller_stocks_share_a_tile_and_nothing_of_the_area_is_lost(large: Any) -> None:
    [tree] = samples.named(samples.drawn(large, "/map"), "market-map").figure.data
    assert len(tree.ids) <= market_tiles.TILES_AT_MOST + 3
    assert any("2,000 smaller" in label for label in tree.labels)
    whole, sector = tree.values[0], tree.values[1]
    assert whole == sector == sum(tree.values[2:]) == sum(10_000 - number for number in range(3_000))


def test_a_small_stock_that_is_looked_for_has_a_tile_of_its_own(large: Any) -> None:
    assert "C02999" not in treemap(samples.drawn(large, "/map")).ids
    tree = treemap(samples.drawn(large, "/map?find=C02999"))
    assert "C02999" in tree.ids and any("1,999 smaller" in label for label in tree.labels)
    assert tree["values"][0] == sum(tree["values"][2:])


@pytest.mark.parametrize("size", market_tiles.SIZES)
def test_a_thousand_stocks_have_a_thousand_tiles(size: str) -> None:
    stocks = [samples.standing(f"C{each:05}", 10_000 - each, 0.1) for each in range(1_000)]
    sectors = [samples.sector(f"S{place}", 0.1, *stocks[place::10]) for place in range(10)]
    api = samples.Api(
        {
            "/dashboard/market-map": samples.market_map(*sectors),
            "/dashboard/etf-benchmark": samples.etf_benchmark(DAYS),
            "/dashboard/calendar": samples.calendar(),
        }
    )
    tree = treemap(samples.drawn(api, f"/map?size={size}"))
    assert len(tree.ids) == 1 + 10 + 1_000 and not any("smaller" in label for label in tree.labels)


def test_long_lists_are_drawn_when_they_are_asked_for(large: Any) -> None:
    first = samples.drawn(large, "/map")
    etfs = samples.named(first, "etfs").children[1].children
    assert len(etfs) == etf_comparison.ETFS_AT_MOST
    named = [samples.text_of(row.children[0]) for row in etfs]
    assert named[:2] == ["SPY", "E499"] and named[-1] == "E001"
    assert len(samples.named(first, "etf-lines").figure.data) == etf_comparison.LINES_AT_MOST
    assert not any(label.startswith("C0") for label in samples.links(first))
    whole = samples.drawn(large, samples.links(first)[texts.MORE_ETFS.en.format(count=440)])
    assert len(samples.named(whole, "etfs").children[1].children) == 500
    listed = samples.drawn(large, samples.links(first)[texts.AS_LIST.en])
    assert sum(label.startswith("C0") for label in samples.links(listed)) == 3_000


def test_a_sector_is_named_in_korean_and_keeps_its_address(api: Any) -> None:
    drawn = samples.drawn(api, "/map?sector=Technology", "ko")
    figure = treemap(drawn)
    assert "기술  +5.00%" in figure.labels and figure.level == "group:Technology"
    assert rows(samples.named(drawn, "sectors"))[0].startswith("기술 3 ")
    unknown = samples.drawn(api, "/map?sector=unknown", "ko")
    assert samples.links(unknown)[texts.WHOLE_MAP.ko.format(sector=texts.UNKNOWN_SECTOR.ko)] == "/map"


def test_an_enlarged_sector_is_in_the_address_and_leads_back(large: Any) -> None:
    drawn = samples.drawn(large, "/map?window=20d&sector=Technology")
    assert treemap(drawn).level == f"{figures.GROUP}Technology"
    assert samples.links(drawn)[texts.WHOLE_MAP.en.format(sector="Technology")] == "/map?window=20d"
    whole = samples.drawn(large, "/map")
    assert treemap(whole).level is None
    assert not [each for each in samples.links(whole) if "whole map" in each]
