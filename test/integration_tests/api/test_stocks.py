"""What the API answers about one symbol: its newest bar, its history with returns, its appearances in portfolios."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from config.config import DatabaseSettings
from sample_api import WINDOW_STARTS, dollars


@pytest.mark.parametrize(
    ("symbol", "quote_type", "currency", "close"),
    [
        ("NVDA", "EQUITY", "USD", 182.4),
        ("nvda", "EQUITY", "USD", 182.4),
        ("QQQ", "ETF", "USD", 191.85),
        ("000660.KS", "EQUITY", "KRW", 268000),
        ("KRW=X", "CURRENCY", "KRW", 1411),
    ],
)
def test_latest_bar_of_any_symbol(api: TestClient, symbol: str, quote_type: str, currency: str, close: float) -> None:
    bar = api.get(f"/stocks/{symbol}/latest").json()
    assert (bar["ticker"], bar["trade_date"]) == (symbol.upper(), "2026-08-21")
    assert (bar["quote_type"], bar["currency"], bar["close_price"]) == (quote_type, currency, close)
    assert bar["source"] == "simulated"


def days_of(answer: Any) -> list[str]:
    return [bar["trade_date"] for bar in answer.json()["bars"]]


def test_history_is_cut_by_days_and_by_number(api: TestClient) -> None:
    assert len(days_of(api.get("/stocks/SPY/history"))) == 31
    assert days_of(api.get("/stocks/SPY/history?limit=2")) == ["2026-08-20", "2026-08-21"]
    assert days_of(api.get("/stocks/MU/history?from=2026-08-03&to=2026-08-04")) == ["2026-08-03", "2026-08-04"]
    assert days_of(api.get("/stocks/MU/history?to=2026-08-04&limit=1")) == ["2026-08-04"]
    assert days_of(api.get("/stocks/MU/history?from=2030-01-01")) == []
    assert api.get("/stocks/MU/history?from=2026-08-04&to=2026-08-03").status_code == 422


def test_pages_of_a_history_make_up_the_whole(api: TestClient) -> None:
    """From the newest part to the oldest, following `next`."""
    pages, address = [], "/stocks/000660.KS/history?from=2026-08-03&limit=4"
    while address:
        page = api.get(address)
        assert (page.json()["total"], page.json()["limit"]) == (15, 4)
        pages.append(days_of(page))
        address = page.json()["next"]
    assert [len(page) for page in pages] == [4, 4, 4, 3]
    assert [day for page in reversed(pages) for day in page] == days_of(
        api.get("/stocks/000660.KS/history?from=2026-08-03")
    )


@pytest.mark.parametrize(
    ("symbol", "start_of_5d"),
    [("MU", "2026-08-14"), ("XLB", "2026-08-14"), ("000660.KS", "2026-08-13")],  # Korea was closed on the 17th
)
def test_history_comes_with_the_returns_beside_the_benchmarks(
    api: TestClient, sample_database: DatabaseSettings, symbol: str, start_of_5d: str
) -> None:
    def gain(ticker: str, start: str) -> float:
        return dollars(sample_database, ticker, "2026-08-21") / dollars(sample_database, ticker, start) - 1

    history = api.get(f"/stocks/{symbol}/history?limit=1&to=2026-08-10").json()
    assert history["benchmark"] == "SPY"
    starts = {each["window"]: each["start_session"] for each in history["returns"]}
    assert starts["5d"] == start_of_5d
    assert [each["window"] for each in history["returns"]] == list(WINDOW_STARTS)
    for each in history["returns"]:
        assert each["period_return"] == pytest.approx(gain(symbol, each["start_session"]))
        assert each["benchmark_return"] == pytest.approx(gain("SPY", WINDOW_STARTS[each["window"]]))


def test_an_exchange_rate_has_no_returns(api: TestClient) -> None:
    assert api.get("/stocks/KRW=X/history?limit=1").json()["returns"] == []


@pytest.mark.parametrize("path", ["/stocks/ZZZZ/latest", "/stocks/ZZZZ/history"])
def test_unknown_symbol_is_404(api: TestClient, path: str) -> None:
    answer = api.get(path)
    assert (answer.status_code, answer.json()["error"]) == (404, "UnknownTicker")
    assert "ZZZZ" in answer.json()["detail"]


def test_record_of_a_symbol(api: TestClient) -> None:
    record = api.get("/stocks/mu/record").json()
    assert [
        (each["as_of_date"], each["period_days"], each["rebalance_date"], each["rank"])
        for each in record["appearances"]
    ] == [("2026-08-21", 10, None, 2), ("2026-08-21", 20, None, 3), ("2026-07-24", None, "2026-07-26", 1)]
    assert api.get("/stocks/NVDA/record?limit=1").json()["total"] == 1
    assert api.get("/stocks/005930.KS/record").json()["appearances"] == []
    assert api.get("/stocks/ZZZZ/record").status_code == 404
