"""What the API answers about the market sector by sector: the map, the sectors' months, the best stocks."""

import pytest
from fastapi.testclient import TestClient

from config.config import DatabaseSettings
from sample_api import WINDOW_STARTS, stored_close


def test_market_map_has_every_stock_once_in_dollars(api: TestClient, sample_database: DatabaseSettings) -> None:
    answer = api.get("/dashboard/market-map").json()
    stocks = {stock["ticker"]: (sector["sector"], stock) for sector in answer["sectors"] for stock in sector["stocks"]}
    assert (answer["as_of_date"], len(stocks)) == ("2026-08-21", 10)
    sector, samsung = stocks["005930.KS"]
    assert (sector, samsung["currency"], samsung["close_price"]) == ("Technology", "KRW", 71200)
    assert samsung["market_cap"] == round(71200 * 5919000000 / 1411)
    for ticker in ("MU", "GS"):
        for window, start in WINDOW_STARTS.items():
            expected = stored_close(sample_database, ticker, "2026-08-21") / stored_close(
                sample_database, ticker, start
            )
            assert stocks[ticker][1][f"return_{window}"] == pytest.approx(expected - 1)
    for group in answer["sectors"]:
        assert group["market_cap"] == sum(stock["market_cap"] for stock in group["stocks"])
        low, high = (pick(stock["return_20d"] for stock in group["stocks"]) for pick in (min, max))
        assert low - 1e-12 <= group["return_20d"] <= high + 1e-12
    assert [group["market_cap"] for group in answer["sectors"]] == sorted(
        (group["market_cap"] for group in answer["sectors"]), reverse=True
    )


def test_market_map_of_a_session_looks_back_from_there(api: TestClient, sample_database: DatabaseSettings) -> None:
    answer = api.get("/dashboard/market-map?as_of_date=2026-08-03").json()
    stocks = {stock["ticker"]: stock for sector in answer["sectors"] for stock in sector["stocks"]}
    assert {stock["trade_date"] for stock in stocks.values()} == {"2026-08-03"}
    expected = stored_close(sample_database, "MU", "2026-08-03") / stored_close(sample_database, "MU", "2026-07-27") - 1
    assert stocks["MU"]["return_5d"] == pytest.approx(expected)
    assert stocks["MU"]["return_20d"] is None, "never a shorter window"
    assert stocks["MU"]["missing_reason"] == "no price on 2026-07-06"
    assert api.get("/dashboard/market-map?as_of_date=2026-07-02").status_code == 404


def test_sectors_with_their_etf_and_newest_month(api: TestClient) -> None:
    answer = api.get("/sectors").json()
    sectors = {each["sector"]: each for each in answer["sectors"]}
    assert (answer["as_of_date"], len(sectors)) == ("2026-08-21", 10), "those of an ETF without a stock, too"
    technology = sectors["Technology"]
    assert (technology["stock_count"], technology["etf"]["ticker"]) == (5, "QQQ")
    assert (technology["newest_month"]["year"], technology["newest_month"]["month"]) == (2026, 8)
    assert (sectors["Utilities"]["stock_count"], sectors["Utilities"]["etf"]["ticker"]) == (0, "XLU")


@pytest.mark.parametrize("name", ["Technology", "technology", "TECHNOLOGY"])
def test_stocks_of_a_sector(api: TestClient, name: str) -> None:
    answer = api.get(f"/sectors/{name}/stocks").json()
    assert answer["sector"] == "Technology"
    assert [each["ticker"] for each in answer["stocks"]][:2] == ["NVDA", "005930.KS"], "largest market cap first"


def test_unknown_sector_is_404_and_names_the_known_ones(api: TestClient) -> None:
    for part in ("stocks", "history"):
        answer = api.get(f"/sectors/Astrology/{part}")
        assert (answer.status_code, answer.json()["error"]) == (404, "UnknownSector")
        assert "Technology" in answer.json()["detail"]


def test_months_of_sectors(api: TestClient) -> None:
    months = api.get("/dashboard/sector-trending?from=2026-07-01&to=2026-07-31").json()["months"]
    assert [(each["month"], len(each["sectors"])) for each in months] == [(7, 6)]
    history = api.get("/sectors/Real%20Estate/history").json()
    assert [each["month"] for each in history["months"]] == [8, 7, 6]
    assert history["months"][0]["is_trending"] is True


@pytest.mark.parametrize("window", ["1d", "5d", "10d", "20d", "month"])
def test_top_performers_are_the_best_of_the_map(api: TestClient, window: str) -> None:
    sectors = api.get("/dashboard/market-map").json()["sectors"]
    returns = {stock["ticker"]: stock[f"return_{window}"] for each in sectors for stock in each["stocks"]}
    best = api.get(f"/dashboard/top-performers?window={window}&limit=3").json()["stocks"]
    assert [each["ticker"] for each in best] == sorted(returns, key=lambda ticker: (-returns[ticker], ticker))[:3]
    by_sector = api.get(f"/dashboard/top-performers-by-sector?window={window}&top=1").json()["sectors"]
    assert {each["sector"]: each["stocks"][0][f"return_{window}"] for each in by_sector} == {
        each["sector"]: max(returns[stock["ticker"]] for stock in each["stocks"]) for each in sectors
    }
