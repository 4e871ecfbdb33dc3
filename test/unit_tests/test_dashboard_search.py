"""The search for a ticker: codes in any spelling, names in both languages, and what comes first."""

from typing import Any

import pytest

import dashboard_samples as samples
from dashboard import dashboard_finviz_app, search
from dashboard.search import Entry
from dashboard.texts import ticker as texts

KNOWN = [
    Entry("005930.KS", "Samsung Electronics Co., Ltd.", "삼성전자"),
    Entry("BRK-B", "Berkshire Hathaway Inc.", "버크셔 해서웨이"),
    Entry("GE", "GE Aerospace", "GE 에어로스페이스"),
    Entry("GEV", "GE Vernova Inc."),
    Entry("KRW=X", ""),
    Entry("MSFT", "Microsoft Corporation", "마이크로소프트"),
    Entry("V", "Visa Inc.", "비자"),
    Entry("VZ", "Verizon Communications Inc."),
]


@pytest.mark.parametrize(
    ("typed", "tickers", "is_exact"),
    [
        ("brk.b", ["BRK-B"], True),
        ("BRK/B", ["BRK-B"], True),
        ("005930", ["005930.KS"], True),
        ("005930.ks", ["005930.KS"], True),
        ("삼성전자", ["005930.KS"], True),
        ("삼성", ["005930.KS"], False),
        ("ge", ["GE", "GEV"], True),
        ("v", ["V", "VZ", "GEV"], True),
        ("hathaway", ["BRK-B"], False),
        ("micro", ["MSFT"], False),
        ("nosuch", [], False),
        ("  ", [], False),
    ],
)
def test_what_is_typed_finds_the_likeliest_first(typed: str, tickers: list[str], is_exact: bool) -> None:
    found = search.find(KNOWN, typed)
    assert [each.entry.ticker for each in found] == tickers
    assert not found or found[0].is_exact is is_exact


def test_only_a_few_are_offered() -> None:
    assert len(search.find([Entry(f"A{n}", "") for n in range(50)], "a")) == search.AT_MOST


def snapshots(*holdings: tuple[str, str | None]) -> dict[str, Any]:
    held = [
        {"holding_rank": rank, "stock_ticker": ticker, "stock_name": name, "holding_percent": 0.1}
        for rank, (ticker, name) in enumerate(holdings, 1)
    ]
    return {"etfs": [{"etf_ticker": "EWY", "collected_date": "2026-08-20", "source": "yahoo", "holdings": held}]}


@pytest.fixture
def api() -> samples.Api:
    etfs: dict[str, Any] = {
        "as_of_date": "2026-08-21",
        "etfs": [],
        "status": "published",
        "reason": None,
        "benchmark": "SPY",
    }
    return samples.Api(
        {
            "/dashboard/etf-list": {**etfs, "degraded_reason": None},
            "/dashboard/etf-holdings": snapshots(("005930.KS", "Samsung Electronics Co., Ltd."), ("NONAME", None)),
        }
    )


@pytest.mark.parametrize(("language", "name"), [("en", "Samsung Electronics Co., Ltd."), ("ko", "삼성전자")])
def test_suggestions_are_in_the_readers_language(api: samples.Api, language: str, name: str) -> None:
    browser = dashboard_finviz_app.create_app(api.client, samples.PERIODS).server.test_client()
    browser.set_cookie("language", language)
    for _ in range(3):
        answer = browser.get("/suggestions", query_string={"typed": "005930"})
        assert answer.json == [{"ticker": "005930.KS", "name": name, "exact": True}]
    assert len(api.asked) == 2, "the names are asked for once a minute"


def test_without_the_api_there_is_no_suggestion() -> None:
    browser = dashboard_finviz_app.create_app(samples.Api({}).client, samples.PERIODS).server.test_client()
    assert browser.get("/suggestions?typed=v").json == []


def test_an_unknown_ticker_is_asked_what_it_means(api: samples.Api) -> None:
    api.answers["/stocks/SAMSUNG/history"] = (422, {"error": "InvalidParameter", "detail": "no symbol"})
    view = samples.drawn(api, "/ticker/samsung?as_of=2026-08-20")
    assert texts.DID_YOU_MEAN.en in samples.text_of(view)
    assert samples.links(view)["005930.KS"] == "/ticker/005930.KS?as_of=2026-08-20"
