"""A ticker's page: a stock, an ETF, an exchange rate and an unknown ticker."""

from typing import Any

import httpx
import pytest
from msgspec import convert

import dashboard_samples as samples
from contract.portfolios import Appearance
from contract.stocks import PublishedBar
from dashboard import callbacks, components, dashboard_finviz_app, figures
from dashboard.api_client import ApiClient
from dashboard.figures import DARK, LIGHT, Candle
from dashboard.texts import Language, common
from dashboard.texts import ticker as texts
from dashboard.views import ticker as view
from reason_words import explained, text
from utils.errors import InvalidInput
from utils.reasons import reason

UNKNOWN = (404, {"error": "UnknownTicker", "detail": "nothing of it is stored"})


@pytest.fixture
def stock() -> Any:
    """Build an API that knows NVDA alone."""
    appearances = [
        samples.appearance("2026-08-21", 20, 0.4321),
        samples.appearance("2026-08-20", 5, 0.1),
        samples.appearance(
            "2026-07-24",
            None,
            0.25,
            rebalance_date="2026-07-26",
            period_return=None,
            source_etfs=None,
            source_periods=[5, 20],
        ),
    ]
    return samples.Api(
        {
            "/stocks/NVDA/history": samples.history("NVDA"),
            "/etf-holdings/comparison/NVDA": {
                "holding_ticker": "NVDA",
                "holding_name": "NVIDIA Corporation",
                "etfs": [samples.holder("QQQ", 0.0912, 1), samples.holder("SPY", 0.07, 2, is_trending_20d=False)],
            },
            "/stocks/NVDA/record": {**samples.part(33), "ticker": "NVDA", "appearances": appearances},
        }
    )


@pytest.fixture
def fund() -> Any:
    """Build an API that knows XLK, with two snapshots of it."""
    held = [
        {
            "etf_ticker": "XLK",
            "collected_date": day,
            "fetched_at": "2026-08-20T21:30:00Z",
            "source": "yahoo",
            "holding_rank": rank,
            "stock_ticker": name,
            "stock_name": name,
            "holding_percent": share,
        }
        for day in ("2026-08-20", "2026-08-19")
        for rank, name, share in ((1, "NVDA", 0.15), (2, "MSFT", 0.12))
    ]
    return samples.Api(
        {
            "/stocks/XLK/history": samples.history("XLK", quote_type="ETF", company_name="Technology sector"),
            "/dashboard/etf-list": {
                "as_of_date": "2026-08-21",
                "status": "published",
                "reason": None,
                "degraded_reason": None,
                "etfs": [samples.etf("SPY", 0.02, None), samples.etf("XLK", 0.05, 0.03)],
            },
            "/etf-holdings/all-holdings": {**samples.part(4), "holdings": held},
        }
    )


def table(drawn: Any, name: str) -> list[str]:
    return [" ".join(samples.text_of(row).split()) for row in samples.named(drawn, name).children[1].children]


# ── a stock ──


def test_a_stock_is_three_calls(stock: Any) -> None:
    samples.drawn(stock, "/ticker/nvda?range=1m")
    assert stock.asked == [
        "/stocks/NVDA/history?limit=22",
        "/etf-holdings/comparison/NVDA",
        "/stocks/NVDA/record?limit=1000",
    ]


def test_the_etfs_that_hold_it(stock: Any) -> None:
    assert table(samples.drawn(stock, "/ticker/NVDA"), "holders") == [
        "QQQ 9.12% 1 5d 20d 2026-08-20",
        "SPY 7.00% 2 5d 2026-08-20",
    ]


@pytest.mark.parametrize(
    ("language", "lines"),
    [
        ("en", ["2026-08-21 20d 43.21% 2 +9.63% QQQ SPY", "2026-07-26 month 25.00% 2 – 5d 20d"]),
        ("ko", ["2026-08-21 20일 43.21% 2 +9.63% QQQ SPY", "2026-07-26 월간 25.00% 2 – 5일 20일"]),
    ],
)
def test_its_record_leads_to_each_portfolio(stock: Any, language: Language, lines: list[str]) -> None:
    drawn = samples.drawn(stock, "/ticker/NVDA", language)
    record = table(drawn, "record")
    assert [record[0], record[2]] == lines
    links = samples.links(samples.named(drawn, "record"))
    assert links["2026-08-20"] == "/?period=5&as_of=2026-08-20"
    assert links["2026-07-26"] == "/?period=monthly&as_of=2026-07-26"
    shown = samples.text_of(drawn)
    assert texts.RECORD.in_(language, count=33) in shown
    assert texts.NEWEST_SHOWN.in_(language, count=3, total=33) in shown


@pytest.mark.parametrize("language", ["en", "ko"])
def test_facts_and_returns(stock: Any, language: Language) -> None:
    drawn = samples.drawn(stock, "/ticker/NVDA", language)
    shown = samples.text_of(drawn)
    for expected in (
        {"en": "NVDA Inc.", "ko": "엔비디아"}[language],
        {"en": "Technology", "ko": "기술"}[language],
        "101.00 USD",
        "75.1B USD",
        texts.CAP_SOURCES["shares_x_close"].in_(language),
        texts.PRICES_READING.in_(language, **samples.page(language=language).hues),
        "Yahoo Finance",
    ):
        assert expected in shown, expected
    windows = {"en": ["5d", "20d", "month"], "ko": ["5일", "20일", "당월"]}[language]
    assert table(drawn, "returns") == [
        f"{windows[0]} +5.00% +2.00% +3.00%",
        f"{windows[1]} – +3.00% –",
        f"{windows[2]} −1.00% +1.00% −2.00%",
    ]
    assert {"en": "no price on 2026-07-24", "ko": "2026-07-24 시세가 없습니다"}[language] in shown


def test_a_market_cap_is_in_the_currency_of_its_prices(stock: Any) -> None:
    bar = samples.bar("2026-08-21", 71200.0, market_cap=425_000_000_000_000, market_cap_source="quoted")
    stock.answers["/stocks/NVDA/history"] = samples.history("NVDA", bar, currency="KRW")
    shown = samples.text_of(samples.drawn(stock, "/ticker/NVDA"))
    assert "71,200 KRW" in shown and "425T KRW" in shown and texts.CAP_SOURCES["quoted"].en in shown
    unknown = samples.bar("2026-08-21", 10.0, market_cap=None, market_cap_source=None)
    stock.answers["/stocks/NVDA/history"] = samples.history("NVDA", unknown)
    assert texts.NO_CAP.en in samples.text_of(samples.drawn(stock, "/ticker/NVDA"))


def test_a_stock_that_no_etf_holds_and_no_portfolio_had(stock: Any) -> None:
    stock.answers["/etf-holdings/comparison/NVDA"]["etfs"] = []
    stock.answers["/stocks/NVDA/record"] = {**samples.part(0), "ticker": "NVDA", "appearances": []}
    shown = samples.text_of(samples.drawn(stock, "/ticker/NVDA"))
    assert texts.NOT_HELD.en in shown and texts.NEVER.en in shown


@pytest.mark.parametrize("source", common.SOURCE_BANNERS)
def test_prices_that_are_not_yahoos_are_labelled(stock: Any, source: str) -> None:
    stock.answers["/stocks/NVDA/history"]["bars"][-1]["source"] = source
    shown = samples.text_of(samples.drawn(stock, "/ticker/NVDA"))
    assert common.SOURCE_BANNERS[source].en in shown and common.SOURCES[source].en in shown


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_holding_without_prices_is_shown_all_the_same(stock: Any, language: Language) -> None:
    stock.answers["/stocks/NVDA/history"] = UNKNOWN
    drawn = samples.drawn(stock, "/ticker/NVDA", language)
    shown = samples.text_of(drawn)
    name = {"en": "NVIDIA Corporation", "ko": "엔비디아"}[language]
    assert name in shown and texts.NO_PRICES_TITLE.in_(language, ticker="NVDA") in shown
    assert table(drawn, "holders") and len(stock.asked) == 3


# ── an ETF, an exchange rate ──


def test_an_etf_names_its_holdings_in_korean_where_known(fund: Any) -> None:
    assert table(samples.drawn(fund, "/ticker/XLK", "ko"), "holdings")[0] == "1 NVDA 엔비디아 15.00%"


def test_an_etf_shows_what_it_holds_now(fund: Any) -> None:
    drawn = samples.drawn(fund, "/ticker/XLK")
    assert table(drawn, "holdings") == ["1 NVDA NVDA 15.00%", "2 MSFT MSFT 12.00%"]
    assert samples.links(drawn)["MSFT"] == "/ticker/MSFT"
    shown = samples.text_of(drawn)
    assert "Snapshot of Thu 20 Aug 2026" in shown and "Technology sector" in shown
    assert f"{texts.TRENDS.en} 10d 20d" in " ".join(shown.split())
    assert texts.HELD_BY.en not in shown and common.MARKET_CAP.en not in shown
    assert fund.asked == [
        "/stocks/XLK/history?limit=127",
        "/dashboard/etf-list",
        "/etf-holdings/all-holdings?etf=XLK&limit=25",
    ]


def test_an_etf_without_a_snapshot_says_so(fund: Any) -> None:
    fund.answers["/etf-holdings/all-holdings"] = {**samples.part(0), "holdings": []}
    assert texts.NO_HOLDINGS.en in samples.text_of(samples.drawn(fund, "/ticker/XLK"))


def test_an_exchange_rate_has_a_course_and_nothing_else() -> None:
    rate = samples.history("KRW=X", quote_type="CURRENCY", currency="KRW", sector=None, returns=[])
    api = samples.Api({"/stocks/KRW=X/history": rate})
    shown = samples.text_of(samples.drawn(api, "/ticker/KRW%3DX"))
    assert texts.KINDS["CURRENCY"].en in shown and "101.00 KRW" in shown
    assert texts.RETURNS.en.format(benchmark="SPY") not in shown and texts.HELD_BY.en not in shown
    assert len(api.asked) == 1


# ── the chart ──


@pytest.mark.parametrize(("chosen", "bars"), [("1m", 22), ("3m", 64), ("6m", 127), ("1y", 253)])
def test_the_range_is_in_the_address(stock: Any, chosen: str, bars: int) -> None:
    drawn = samples.drawn(stock, f"/ticker/NVDA?range={chosen}")
    assert stock.asked[0] == f"/stocks/NVDA/history?limit={bars}"
    assert samples.links(drawn)["1Y"] == "/ticker/NVDA?range=1y"
    [selected] = [each for each in samples.parts(drawn) if getattr(each, "className", "") == "selected"]
    assert selected.children == texts.RANGES[chosen].en


def test_a_wrong_range_asks_nothing(stock: Any) -> None:
    with pytest.raises(InvalidInput, match="range=9y: choose one of 1m, 3m, 6m, 1y"):
        samples.drawn(stock, "/ticker/NVDA?range=9y")
    assert stock.asked == []


@pytest.mark.parametrize("palette", [DARK, LIGHT])
def test_the_chart_has_candles_the_adjusted_close_the_volume_and_what_happened(palette: figures.Palette) -> None:
    candles = [
        Candle(
            "2026-08-20",
            99.0,
            103.0,
            98.0,
            101.0,
            50.5,
            1000,
            "on the 20th",
            (("D", "Dividend 0.25"), ("S", "Split 2:1")),
        ),
        Candle("2026-08-21", None, None, None, 102.0, 51.0, 2000, "on the 21st"),
    ]
    volume, adjusted, drawn, marks = samples.checked(figures.prices(candles, palette)).data
    assert list(adjusted.customdata) == ["on the 20th", "on the 21st"]
    assert list(volume.y) == [1000, 2000] and list(adjusted.y) == [50.5, 51.0]
    assert list(drawn.open) == [99.0, None] and list(drawn.high) == [103.0, None]
    assert list(drawn.low) == [98.0, None] and list(drawn.close) == [101.0, 102.0]
    assert (drawn.increasing.fillcolor, drawn.decreasing.fillcolor) == (palette.up, palette.down)
    assert list(marks.text) == ["D", "S"] and list(marks.x) == ["2026-08-20"] * 2
    assert list(marks.customdata) == ["Dividend 0.25", "Split 2:1"]


@pytest.mark.parametrize(
    ("changes", "marks"),
    [
        ({}, ()),
        ({"split_ratio": 0.0}, ()),
        ({"dividend": 0.25}, (("D", "배당 0.25"),)),
        ({"split_ratio": 4.0}, (("S", "액면분할 4:1"),)),
        ({"dividend": 361.0, "split_ratio": 1.5}, (("D", "배당 361"), ("S", "액면분할 3:2"))),
        ({"split_ratio": 0.05}, (("S", "액면분할 1:20"),)),
    ],
)
def test_dividends_and_splits_are_marked(changes: dict[str, float], marks: Any) -> None:
    bar = convert(samples.bar("2026-08-21", 100.0, **changes), PublishedBar)
    assert view.candle(bar, samples.page("/ticker/NVDA", "ko")).marks == marks


def test_the_hover_card_has_the_sessions_numbers() -> None:
    bar = convert(samples.bar("2026-08-21", 100.0, volume=12_345_678), PublishedBar)
    english, korean = (samples.page("/ticker/NVDA", language) for language in ("en", "ko"))
    assert view.candle(bar, english).card.split("<br>") == [
        "Open 99.00",
        "High 102.00",
        "Low 98.00",
        "Close 100.00",
        "Adjusted 50.00",
        "Volume 12.3M",
    ]
    unknown = dict.fromkeys(("open_price", "high_price", "low_price"))
    without = convert(samples.bar("2026-08-21", 100.0, **unknown), PublishedBar)
    assert view.candle(without, korean).card == "종가 100.00<br>수정 종가 50.00<br>거래량 1M"


@pytest.mark.parametrize(("count", "named"), [(1, 1), (3, 3), (22, 4), (253, 4)])
def test_a_few_sessions_are_named(count: int, named: int) -> None:
    days = [f"day {place}" for place in range(count)]
    candles = [Candle(day, 1.0, 1.0, 1.0, 1.0, 1.0, 1, "") for day in days]
    ticks = samples.checked(figures.prices(candles, DARK)).layout.xaxis.tickvals
    assert len(set(ticks)) == named and set(ticks) <= set(days)


# ── what nobody knows, and how to get on ──


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize(
    ("address", "answer", "why"),
    [
        ("/ticker/ZZZZ", UNKNOWN, texts.UNKNOWN),
        ("/ticker/A%2FB", (404, {"error": "NotFound", "detail": "Not Found"}), texts.UNKNOWN),
        ("/ticker/%3F", (422, {"error": "InvalidParameter", "detail": "symbol"}), texts.UNKNOWN),
        ("/ticker", UNKNOWN, texts.NO_SUBJECT),
    ],
)
def test_an_unknown_ticker_says_where_to_look(address: str, answer: Any, why: Any, language: Language) -> None:
    api = samples.Api({})
    api.answers = _Always(answer)
    drawn = samples.drawn(api, address, language)
    shown = samples.text_of(drawn)
    for expected in (common.UNKNOWN_TICKER_TITLE, why, texts.TO_FIND):
        assert expected.in_(language, ticker=samples.page(address).address.subject) in shown
    links = samples.links(drawn)
    assert (links[texts.TO_MAP.in_(language)], links[common.SHOW_NEWEST.in_(language)]) == ("/map", "/")


class _Always(dict[str, Any]):
    """The same answer at every path."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.answer = answer

    def get(self, _path: str, _default: Any = None) -> Any:
        return self.answer


def test_the_api_away_is_not_an_unknown_ticker() -> None:
    api = samples.Api({"/stocks/NVDA/history": (503, {"error": "DatabaseUnavailable", "detail": "away"})})
    shown = samples.text_of(callbacks.render(api.client, samples.page("/ticker/NVDA")))
    assert common.AWAY_TITLE.en in shown and texts.TO_FIND.en not in shown


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_view_has_the_ticker_field(language: Language) -> None:
    header = callbacks.header(samples.page("/", language))
    field = samples.named(header, components.TICKER_SEARCH)
    assert field.placeholder == texts.SEARCH_HINT.in_(language)
    assert texts.SEARCH.in_(language) in samples.text_of(header)
    assert "/ticker" not in samples.links(header).values(), "a ticker's page has no place in the navigation"


def test_its_tables_can_be_downloaded(stock: Any) -> None:
    page = samples.page("/ticker/NVDA?range=1m")
    prices = samples.downloaded(stock, "prices", page)
    assert prices[0].startswith("ticker,currency,trade_date,open_price")
    assert prices[2].startswith("NVDA,USD,2026-08-21,100.0,103.0")
    record = samples.downloaded(stock, "record", page)
    assert record[1].startswith("2026-08-21,20,,0.4321,2,1.0,0.0963,QQQ SPY")
    server = dashboard_finviz_app.create_app(stock.client, samples.PERIODS).server.test_client()
    answer = server.get("/download/prices.csv?path=/ticker&subject=NVDA&range=1m")
    assert answer.get_data(as_text=True).splitlines() == prices


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_sector_that_is_not_yahoos_word_is_marked(stock: Any, language: Language) -> None:
    told = f"{samples.page(language=language).sector('Technology')}  {texts.DERIVED_SECTOR.in_(language)}"
    assert told not in samples.text_of(samples.drawn(stock, "/ticker/NVDA", language))
    stock.answers["/stocks/NVDA/history"] = samples.history("NVDA", sector_source="derived")
    assert told in samples.text_of(samples.drawn(stock, "/ticker/NVDA", language))


@pytest.mark.parametrize("source", ["implied_x_close", "derived_x_close", "shares_x_close", "quoted"])
def test_how_a_market_cap_was_come_by_is_said(stock: Any, source: str) -> None:
    bar = samples.bar("2026-08-21", 101.0, market_cap_source=source)
    stock.answers["/stocks/NVDA/history"] = samples.history("NVDA", bar)
    for language in ("en", "ko"):
        shown = samples.text_of(samples.drawn(stock, "/ticker/NVDA", language))
        assert texts.CAP_SOURCES[source].in_(language) in shown


def test_a_volume_that_is_not_known_is_a_dash() -> None:
    unknown = view.candle(convert(samples.bar("2026-08-21", 101.0, volume=None), PublishedBar), samples.page())
    assert (unknown.volume, unknown.card.endswith("Volume –")) == (None, True)
    known = view.candle(convert(samples.bar("2026-08-21", 101.0), PublishedBar), samples.page())
    assert known.card.endswith("Volume 1M")
    assert list(samples.checked(figures.prices([unknown, known], DARK)).data[0].y) == [None, 1_000_000]


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "prices break at 2026-08-12: a step of +900%"),
        ("ko", "2026-08-12에 시세가 이어지지 않습니다 (a step of +900%)"),
    ],
)
def test_a_return_in_doubt_says_so(stock: Any, language: Language, told: str) -> None:
    assert told not in samples.text_of(samples.drawn(stock, "/ticker/NVDA", language))
    history = samples.history("NVDA")
    history["returns"][0]["degraded_reason"] = [
        reason("prices_break", session="2026-08-12", reasons=[text("a step of +900%")])
    ]
    stock.answers["/stocks/NVDA/history"] = history
    assert told in samples.text_of(samples.drawn(stock, "/ticker/NVDA", language))


def test_prices_that_are_not_in_dollars_say_so_in_the_file(stock: Any) -> None:
    stock.answers["/stocks/005930.KS/history"] = samples.history("005930.KS", currency="KRW")
    [_, row, _] = samples.downloaded(stock, "prices", samples.page("/ticker/005930.KS"))
    assert row.startswith("005930.KS,KRW,2026-08-20,")


@pytest.mark.parametrize("total", [1, 1000, 1001, 2000, 2345])
def test_the_file_of_its_record_has_every_portfolio(total: int) -> None:
    """The API gives a thousand at once."""

    def answer(request: httpx.Request) -> httpx.Response:
        limit, offset = int(request.url.params["limit"]), int(request.url.params.get("offset", 0))
        assert limit <= 1000, "what the API gives at most"
        rows = [samples.appearance("2026-08-21", 20, 0.1, rank=number) for number in range(total)][offset:][:limit]
        following = "/the/next/part" if offset + limit < total else None
        part = {"total": total, "limit": limit, "offset": offset, "next": following}
        return httpx.Response(200, json=explained({**part, "ticker": "NVDA", "appearances": rows}))

    client = ApiClient("http://api", "the-key", httpx.MockTransport(answer))
    found = view.record(client, samples.page("/ticker/NVDA"))
    assert [each.rank for each in found] == list(range(total))


@pytest.mark.parametrize(
    ("language", "marks"),
    [
        ("en", {"△ degraded": "No holdings of XLB are stored", "hindsight": "which nobody could have known then"}),
        ("ko", {"△ 불완전": "XLB의 보유 종목이 저장되어", "사후 정보": "당시에는 알 수 없던"}),
    ],
)
def test_its_record_marks_what_lacked_something_or_knew_too_much(
    stock: Any, language: Language, marks: dict[str, str]
) -> None:
    plain = samples.named(samples.drawn(stock, "/ticker/NVDA", language), "record")
    assert not [each for each in samples.parts(plain) if "degraded" in (getattr(each, "className", None) or "")]
    lacking = {"is_degraded": True, "degraded_reason": [reason("no_holdings", etf="XLB")]}
    later = {"holdings_as_of": "2026-08-28", "holdings_known_later": True}
    appearances = [
        samples.appearance("2026-08-21", 20, 0.4, **lacking, **later),
        samples.appearance("2026-08-20", 20, 0.4),
    ]
    stock.answers["/stocks/NVDA/record"] = {**samples.part(2), "ticker": "NVDA", "appearances": appearances}
    drawn = samples.named(samples.drawn(stock, "/ticker/NVDA", language), "record")
    tags = [each for each in samples.parts(drawn) if "degraded" in (getattr(each, "className", None) or "")]
    assert [each.children for each in tags] == list(marks)
    for tag, words in zip(tags, marks.values(), strict=True):
        assert words.lower() in tag.title.lower()
    assert "2026" in tags[1].title
    written = samples.downloaded(stock, "record", samples.page("/ticker/NVDA"))
    assert "no holdings of XLB are stored" in written[1] and "degraded_reason" in written[0]


class TestStrips:
    PAST = (
        samples.appearance("2026-08-20", 20, 0.4321),
        samples.appearance("2026-08-21", 5, 0.1),
        samples.appearance("2026-08-20", None, 0.25, rebalance_date="2026-08-23", source_periods=[5]),
    )

    def strips(self, language: Language = "en") -> list[figures.Strip]:
        return view.strips(
            convert(explained(list(self.PAST)), list[Appearance]), samples.page("/ticker/NVDA", language)
        )

    def test_each_portfolio_has_the_sessions_that_the_ticker_was_in(self) -> None:
        assert [(each.name, list(each.days)) for each in self.strips()] == [
            ("5d", ["2026-08-21"]),
            ("10d", []),
            ("20d", ["2026-08-20"]),
            ("month", ["2026-08-20"]),
        ]
        assert "43.21%" in self.strips("ko")[2].cards[0]

    def figure(self, **more: Any) -> Any:
        days = ("2026-08-20", "2026-08-21")
        return samples.checked(
            figures.prices([Candle(day, None, None, None, 1.0, 1.0, None, "") for day in days], LIGHT, **more)
        )

    def test_they_are_drawn_in_rows_below_the_volume(self) -> None:
        plain, drawn = self.figure(), self.figure(strips=self.strips())
        rows = {trace.name: (list(trace.x), list(trace.y)) for trace in drawn.data[len(plain.data) :]}
        assert rows == {
            "5d": (["2026-08-21"], [2.5]),
            "20d": (["2026-08-20"], [1.5]),
            "month": (["2026-08-20"], [0.5]),
        }
        assert drawn.layout.height > plain.layout.height
        assert drawn.layout.yaxis4.domain[1] < drawn.layout.yaxis2.domain[0]

    def test_a_session_outside_the_chart_is_not_drawn(self) -> None:
        old = figures.Strip("5d", ["2020-01-02"], ["long ago"])
        assert len(self.figure(strips=[old]).data) == len(self.figure().data)

    @pytest.mark.parametrize(("day", "lines"), [("2026-08-20", 1), ("2020-01-02", 0)])
    def test_the_session_of_the_address_is_pointed_at(self, day: str, lines: int) -> None:
        drawn = self.figure(mark=figures.Mark(day, "here"))
        assert [(each.x0, each.x1) for each in drawn.layout.shapes] == [(day, day)] * lines
