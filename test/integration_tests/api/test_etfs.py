"""What the API answers about ETFs: which trend, how they stand against the benchmark, what they hold."""

import pytest
from fastapi.testclient import TestClient

from config.config import DatabaseSettings
from sample_api import stored_close


def test_etf_list_tells_what_trends(api: TestClient) -> None:
    listed = api.get("/dashboard/etf-list").json()
    etfs = {each["ticker"]: each for each in listed["etfs"]}
    assert (len(etfs), listed["as_of_date"], listed["degraded_reason"]) == (15, "2026-08-21", None)
    assert etfs["QQQ"]["etf_type"] == "benchmark+sector"
    assert etfs["QQQ"]["close_price"] == 191.85
    assert etfs["XLB"]["return_20d"] == pytest.approx(0.021) and etfs["XLB"]["is_trending_20d"] is True
    assert etfs["XLB"]["outperformance_20d"] == pytest.approx(0.001)
    assert etfs["SPY"]["is_benchmark"] and etfs["SPY"]["is_trending_20d"] is False
    assert etfs["SPY"]["return_20d"] == 0.02, "what the others were measured against"
    assert etfs["SPY"]["outperformance_20d"] is None and etfs["SPY"]["outperformance_month"] is None
    month_ahead = etfs["XLB"]["return_month"] - etfs["SPY"]["return_month"]
    assert etfs["XLB"]["outperformance_month"] == pytest.approx(month_ahead)
    assert etfs["SPY"]["return_1d"] is not None and etfs["SPY"]["outperformance_1d"] is None
    assert etfs["XLB"]["outperformance_1d"] == pytest.approx(etfs["XLB"]["return_1d"] - etfs["SPY"]["return_1d"])
    before = api.get("/dashboard/etf-list?as_of_date=2026-08-20").json()
    assert before["degraded_reason"].startswith("XLB has no bar")
    assert {each["trade_date"] for each in before["etfs"]} == {"2026-08-20"}
    assert api.get("/dashboard/etf-list?as_of_date=2026-08-19").status_code == 404


def test_etfs_against_the_benchmark_come_with_their_closes(api: TestClient, sample_database: DatabaseSettings) -> None:
    answer = api.get("/dashboard/etf-benchmark?sessions=2").json()
    assert (answer["benchmark"], answer["sessions"]) == ("SPY", ["2026-08-20", "2026-08-21"])
    for etf in answer["etfs"]:
        assert etf["adj_closes"] == [stored_close(sample_database, etf["ticker"], day) for day in answer["sessions"]]
    long = api.get("/dashboard/etf-benchmark?sessions=32").json()
    assert all(etf["adj_closes"][0] is None for etf in long["etfs"]), "a session before the first bar is a gap"


def test_benchmark_alone(api: TestClient) -> None:
    series = api.get("/dashboard/spy-benchmark?from=2026-08-17&to=2026-08-21&limit=2").json()
    assert [each["trade_date"] for each in series["points"]] == ["2026-08-20", "2026-08-21"]
    bars = api.get("/stocks/SPY/history?from=2026-08-17").json()["bars"]
    assert series["points"][-1]["cumulative_return"] == pytest.approx(bars[-1]["adj_close"] / bars[0]["adj_close"] - 1)


def test_newest_snapshot_of_each_etf(api: TestClient) -> None:
    etfs = {each["etf_ticker"]: each for each in api.get("/dashboard/etf-holdings").json()["etfs"]}
    assert set(etfs) == {"QQQ", "XLF", "XLB", "DIA", "EWY"}
    assert [each["stock_ticker"] for each in etfs["QQQ"]["holdings"]] == ["NVDA", "MU", "CRDO"]
    known = api.get("/dashboard/etf-holdings?as_of_date=2026-08-20").json()["etfs"]
    assert {each["etf_ticker"]: len(each["holdings"]) for each in known} == {"QQQ": 2, "XLF": 1}


def test_all_holdings_by_etf_and_day(api: TestClient) -> None:
    listed = api.get("/etf-holdings/all-holdings?etf=qqq&to=2026-08-20").json()["holdings"]
    assert [(each["stock_ticker"], each["holding_rank"]) for each in listed] == [("NVDA", 1), ("MU", 2)]


def test_summary_of_holdings(api: TestClient) -> None:
    etfs = {each["etf_ticker"]: each for each in api.get("/etf-holdings/summary").json()["etfs"]}
    assert len(etfs) == 15
    assert (etfs["QQQ"]["snapshot_count"], etfs["QQQ"]["first_date"], etfs["QQQ"]["newest_date"]) == (
        2,
        "2026-08-20",
        "2026-08-21",
    )
    assert (etfs["QQQ"]["holding_count"], etfs["QQQ"]["largest_ticker"]) == (3, "NVDA")
    assert etfs["QQQ"]["listed_percent"] == pytest.approx(0.116)
    assert (etfs["SPY"]["holding_count"], etfs["SPY"]["newest_date"]) == (0, None)


def test_who_holds_a_stock(api: TestClient) -> None:
    answer = api.get("/etf-holdings/comparison/gs").json()
    assert answer["holding_name"] == "The Goldman Sachs Group, Inc."
    assert [(each["etf_ticker"], each["holding_percent"]) for each in answer["etfs"]] == [("XLF", 0.111), ("DIA", 0.1)]
    assert api.get("/etf-holdings/comparison/GE").json()["etfs"] == [], "known, but nobody holds it"
    assert api.get("/etf-holdings/comparison/ZZZZ").status_code == 404


def test_top_holdings_as_analysed(api: TestClient) -> None:
    answer = api.get("/etf-holdings/top-holdings/qqq?period_days=10").json()
    assert (answer["etf_ticker"], answer["analysis_date"], answer["period_days"]) == ("QQQ", "2026-08-21", 10)
    assert [(each["rank_position"], each["stock_ticker"], each["sharpe_ratio"]) for each in answer["holdings"]] == [
        (1, "NVDA", 1.2),
        (2, "MU", 1.2),
        (3, "CRDO", None),
    ]
    before = api.get("/etf-holdings/top-holdings/QQQ?as_of_date=2026-08-20").json()
    assert len(before["holdings"]) == 2
    assert api.get("/etf-holdings/top-holdings/SPY").status_code == 404


def test_top_holdings_of_the_etfs_that_trend(api: TestClient) -> None:
    answer = api.get("/dashboard/trending-etf-top-holdings").json()
    trending = {each["ticker"] for each in api.get("/dashboard/etf-list").json()["etfs"] if each["is_trending_20d"]}
    assert {each["etf_ticker"] for each in answer["etfs"]} == trending
    ahead = [each["outperformance"] for each in answer["etfs"]]
    assert ahead == sorted(ahead, reverse=True)
    by_etf = {each["etf_ticker"]: each["holdings"] for each in answer["etfs"]}
    assert [each["stock_ticker"] for each in by_etf["EWY"]] == ["005930.KS", "000660.KS"]
    assert by_etf["XLU"] == [], "trends, but is not analysed"
    nobody = api.get("/dashboard/trending-etf-top-holdings?period_days=5").json()
    assert (nobody["as_of_date"], nobody["etfs"]) == ("2026-08-21", [])
