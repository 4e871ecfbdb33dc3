"""The API on a real Postgres, logged in as in production: what it answers, when it notices a change, an outage."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from typing import Any

import psycopg2
import pytest
from fastapi.testclient import TestClient

from api.main import create_app
from api.pool import ReaderPool
from config.config import DatabaseSettings, Settings
from database.db_helper import connect, fetch, transaction
from database.queries import consumer_lag
from database.queries.publications import data_version

KEY = "a-key-for-tests"
SETTINGS = Settings.from_env({"API_KEY": KEY})
NOTICED_WITHIN_SECONDS = 1.5
AWAY_WITHIN_SECONDS = 3.0
# Of the windows that end with the sample's newest session.
WINDOW_STARTS = {"5d": "2026-08-14", "10d": "2026-08-07", "20d": "2026-07-24", "month": "2026-07-31"}


def api_on(database: DatabaseSettings) -> TestClient:
    return TestClient(create_app(replace(SETTINGS, database=database)), headers={"X-API-Key": KEY})


def execute(database: DatabaseSettings, statements: str) -> None:
    with closing(connect(database)) as conn, transaction(conn), conn.cursor() as cursor:
        cursor.execute(statements)


def wait_until(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not so within {seconds} s"
        time.sleep(0.05)


@pytest.fixture
def empty_api(empty_database: DatabaseSettings) -> Iterator[TestClient]:
    with api_on(empty_database) as client:
        yield client


@pytest.fixture(scope="module")
def api(reader_of_sample: DatabaseSettings) -> Iterator[TestClient]:
    with api_on(reader_of_sample) as client:
        yield client


# ── portfolios ───────────────────────────────────────────────────────────────


def test_portfolio_is_the_newest_publication(api: TestClient) -> None:
    portfolio = api.get("/stocks/portfolio").json()
    assert (portfolio["as_of_date"], portfolio["period_days"], portfolio["status"]) == ("2026-08-21", 20, "published")
    assert (portfolio["source"], portfolio["published_at"]) == ("simulated", "2026-08-24T13:03:00Z")
    assert [each["position_rank"] for each in portfolio["positions"]] == list(range(1, 9))
    assert sum(each["portfolio_weight"] for each in portfolio["positions"]) + portfolio["cash_weight"] == pytest.approx(
        1
    )
    assert portfolio["holdings_known_later"] is False
    first = portfolio["positions"][0]
    assert (first["ticker"], first["source_etfs"], first["period_return"]) == ("NEM", ["XLB"], 0.117)
    assert first["score"] == first["period_return"] / first["market_cap"]


def test_portfolio_of_a_session(api: TestClient) -> None:
    portfolio = api.get("/stocks/portfolio?period_days=20&as_of_date=2026-08-20").json()
    assert portfolio["as_of_date"] == "2026-08-20"
    assert [each["ticker"] for each in portfolio["positions"]] == ["GS", "NVDA"]
    assert portfolio["positions"][0]["source_etfs"] == ["XLF", "DIA"]


def test_later_holdings_are_said(api: TestClient) -> None:
    portfolio = api.get("/stocks/portfolio?period_days=10").json()
    assert (portfolio["holdings_as_of"], portfolio["holdings_known_later"]) == ("2026-08-28", True)


def test_a_degraded_publication_says_what_was_missing(api: TestClient) -> None:
    degraded, whole = (api.get(f"/stocks/portfolio?as_of_date=2026-08-{day}").json() for day in (20, 21))
    assert degraded["degraded_reason"] == "XLB has no bar of 2026-08-13 (missing at the source)"
    assert whole["degraded_reason"] is None
    assert {each["degraded_reason"] for each in api.get("/health").json()["publications"]} == {None}


def test_empty_publication_is_an_answer(api: TestClient) -> None:
    answer = api.get("/stocks/portfolio?period_days=5")
    assert answer.status_code == 200
    assert answer.json()["status"] == "empty"
    assert answer.json()["positions"] == []
    assert answer.json()["reason"].startswith("No ETF beat SPY")
    assert answer.json()["cash_weight"] == 1


@pytest.mark.parametrize(
    ("query", "status", "error", "said"),
    [
        ("as_of_date=2026-08-19", 404, "NotPublished", "2026-08-19"),
        ("as_of_date=2026-08-22", 422, "NotASession", "the nearest are 2026-08-21 and 2026-08-24"),
        ("as_of_date=2026-07-03", 422, "NotASession", "not a XNYS session"),
        ("as_of_date=1901-01-01", 422, "NotASession", "outside"),
        ("period_days=7", 422, "InvalidParameter", "5, 10, 20"),
    ],
)
def test_no_such_portfolio(api: TestClient, query: str, status: int, error: str, said: str) -> None:
    answer = api.get(f"/stocks/portfolio?{query}")
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert said in answer.json()["detail"]


def test_allocations_say_who_was_looked_at_and_why_not_chosen(api: TestClient) -> None:
    answer = api.get("/dashboard/active-allocations").json()
    assert (answer["as_of_date"], answer["bars"]) == ("2026-08-21", {"stored": 26, "late": 1})
    portfolios = {each["period_days"]: each for each in answer["portfolios"]}
    assert list(portfolios) == [5, 10, 20]
    for days, portfolio in portfolios.items():
        alone = api.get(f"/stocks/portfolio?period_days={days}").json()
        assert {name: portfolio[name] for name in alone} == alone
    candidates = {(each["etf_ticker"], each["ticker"]): each for each in portfolios[20]["candidates"]}
    assert candidates["QQQ", "MU"]["is_selected"] and candidates["QQQ", "MU"]["exclusion_reason"] is None
    assert candidates["QQQ", "NVDA"]["exclusion_reason"] == "MU returned more"
    assert candidates["EWY", "005930.KS"]["period_return"] is None
    assert api.get("/dashboard/active-allocations?as_of_date=2026-08-19").status_code == 404


def test_monthly_portfolio_and_what_it_changes(api: TestClient) -> None:
    monthly = api.get("/stocks/monthly-portfolio").json()
    assert (monthly["rebalance_date"], monthly["valid_until"], monthly["as_of_date"]) == (
        "2026-07-26",
        "2026-08-21",
        "2026-07-24",
    )
    assert (monthly["status"], monthly["source"], monthly["previous_rebalance_date"]) == (
        "published",
        "simulated",
        "2026-06-28",
    )
    assert [
        (each["final_rank"], each["ticker"], each["source_periods"], each["previous_rank"], each["previous_weight"])
        for each in monthly["positions"]
    ] == [
        (1, "MU", [5, 10, 20], None, None),
        (2, "000660.KS", [20], None, None),
        (20, "NEM", [5, 10], 1, 0.4),
    ]
    assert [(each["ticker"], each["final_weight"]) for each in monthly["removed"]] == [("WELL", 0.6)]
    assert api.get("/stocks/monthly-portfolio?rebalance_date=2026-07-26").json() == monthly
    assert api.get("/stocks/monthly-portfolio?rebalance_date=2026-05-31").status_code == 404


def test_monthly_positions_carry_the_price_of_their_session_in_dollars(
    api: TestClient, sample_database: DatabaseSettings
) -> None:
    monthly = api.get("/stocks/monthly-portfolio").json()
    prices = {each["ticker"]: each for each in [*monthly["positions"], *monthly["removed"]]}
    close = {(ticker, day): stored_close(sample_database, ticker, day) for ticker, day in [("MU", "2026-07-24")]}
    assert prices["MU"]["price_usd"] == close["MU", "2026-07-24"] and prices["MU"]["price_date"] == "2026-07-24"
    assert prices["WELL"]["price_date"] == "2026-07-24", "what leaves is sold at the price of the new month"
    won, rate = (stored_close(sample_database, ticker, "2026-07-24") for ticker in ("000660.KS", "KRW=X"))
    assert prices["000660.KS"]["price_usd"] == pytest.approx(won / rate)


def test_first_month_changes_nothing(api: TestClient) -> None:
    first = api.get("/stocks/monthly-portfolio?rebalance_date=2026-06-28").json()
    assert (first["previous_rebalance_date"], first["removed"]) == (None, [])
    assert [each["price_usd"] for each in first["positions"]] == [None, None], "no bar is that old"


def test_monthly_trades_lead_from_one_month_to_the_next(api: TestClient) -> None:
    monthly = api.get("/stocks/monthly-portfolio").json()
    answer = api.get("/stocks/monthly-trades?capital=250000").json()
    assert (answer["capital"], answer["cost_rate"], answer["as_of_date"]) == (250_000, 0.001, "2026-07-24")
    trades = {each["ticker"]: each for each in answer["trades"]}
    assert list(trades) == ["MU", "000660.KS", "NEM", "WELL"], "this month's by rank, then what leaves"
    assert [trades[each["ticker"]]["target_weight"] for each in monthly["positions"]] == [0.5, 0.3, 0.2]
    assert (trades["NEM"]["held_weight"], trades["WELL"]["held_weight"]) == (0.4, 0.6), (
        "no bar is old enough to drift by"
    )
    assert [each["side"] for each in trades.values()] == ["buy", "buy", "sell", "sell"]
    for trade in trades.values():
        assert trade["held_shares"] == int(250_000 * trade["held_weight"] / trade["price_usd"])
        assert trade["shares"] == trade["target_shares"] - trade["held_shares"]
        assert trade["value"] == pytest.approx(abs(trade["shares"]) * trade["price_usd"])
        unspent = 250_000 * trade["target_weight"] - trade["target_shares"] * trade["price_usd"]
        assert 0 <= unspent < trade["price_usd"] + 0.002 * 250_000, "less than a share, and what the costs may be"
    assert answer["cost"] == pytest.approx(0.001 * (answer["bought"] + answer["sold"]))
    invested = sum(each["target_shares"] * each["price_usd"] for each in trades.values())
    assert answer["cash_left"] == pytest.approx(250_000 - invested - answer["cost"]) and answer["cash_left"] >= 0


def test_monthly_trades_of_a_first_month_without_prices(api: TestClient) -> None:
    answer = api.get("/stocks/monthly-trades?rebalance_date=2026-06-28").json()
    assert (answer["previous_rebalance_date"], answer["cash_left"]) == (None, 100_000)
    assert {(each["side"], each["missing_reason"]) for each in answer["trades"]} == {
        (None, "no price is stored of it by then")
    }
    assert api.get("/stocks/monthly-trades?rebalance_date=2026-05-31").status_code == 404
    assert api.get("/stocks/monthly-trades?capital=0").status_code == 422


def test_monthly_performance_follows_what_was_published(api: TestClient, sample_database: DatabaseSettings) -> None:
    """Bought at Monday's close, sold at that of the last session it is valid; computed once more from the bars."""
    newest, first = api.get("/dashboard/monthly-performance").json()["months"]
    assert (newest["entry_session"], newest["exit_session"], newest["is_over"]) == ("2026-07-27", "2026-08-21", True)

    def gain(ticker: str) -> float:
        start, end = (dollars(sample_database, ticker, newest[at]) for at in ("entry_session", "exit_session"))
        return end / start - 1

    expected = 0.5 * gain("MU") + 0.3 * gain("000660.KS") + 0.2 * gain("NEM")
    assert newest["portfolio_return"] == pytest.approx(expected)
    assert newest["benchmark_return"] == pytest.approx(gain("SPY"))
    assert newest["excess_return"] == pytest.approx(expected - gain("SPY"))
    assert (newest["covered_weight"], newest["missing_reason"]) == (pytest.approx(1), None)
    assert (first["entry_session"], first["exit_session"]) == ("2026-06-29", "2026-07-27"), (
        "sold when the next is bought"
    )
    assert (first["portfolio_return"], first["covered_weight"]) == (None, 0)
    assert "NEM: no price on 2026-06-29" in first["missing_reason"]


def test_performance_as_followed(api: TestClient) -> None:
    answer = api.get("/dashboard/performance").json()
    assert (answer["as_of_date"], answer["benchmark"], answer["cost_rate"]) == ("2026-08-21", "SPY", 0.001)
    assert (answer["status"], answer["reason"], answer["source"]) == ("published", None, "simulated")
    month, twenty = answer["portfolios"]
    assert (month["period_days"], twenty["period_days"]) == (0, 20)
    assert (twenty["first_session"], twenty["last_session"], twenty["session_count"]) == (
        "2026-07-27",
        "2026-08-21",
        19,
    )
    assert twenty["net"][0] == 1.0 and twenty["net"][-1] - 1 == pytest.approx(twenty["total_return_net"])
    assert twenty["hindsight_sessions"] == 4
    assert (twenty["cagr"], twenty["sharpe"]) == (None, None)
    assert twenty["not_annualised_reason"].startswith("19 sessions followed")
    lengths = {len(twenty[name]) for name in ("sessions", "gross", "net", "benchmark", "drawdown", "turnover")}
    assert lengths == {len(twenty["benchmark_drawdown"])} == {20}


def test_performance_as_of_a_session(api: TestClient) -> None:
    answer = api.get("/dashboard/performance?as_of_date=2026-07-30").json()
    assert answer["as_of_date"] == "2026-07-30"
    assert [(each["session_count"], len(each["net"])) for each in answer["portfolios"]] == [(3, 4), (3, 4)]
    figures = api.get("/dashboard/performance?as_of_date=2026-07-30&series=false").json()
    lists = ("sessions", "gross", "net", "benchmark", "drawdown", "benchmark_drawdown", "turnover")
    assert figures == {**answer, "portfolios": [each | {name: [] for name in lists} for each in answer["portfolios"]]}
    early = api.get("/dashboard/performance?as_of_date=2026-07-24").json()
    assert (early["status"], early["portfolios"]) == ("empty", [])
    assert early["reason"] == "no portfolio was held yet at the close of 2026-07-24"
    assert api.get("/dashboard/performance?as_of_date=2026-08-22").status_code == 422


def test_record_of_a_symbol(api: TestClient) -> None:
    record = api.get("/stocks/mu/record").json()
    assert [
        (each["as_of_date"], each["period_days"], each["rebalance_date"], each["rank"])
        for each in record["appearances"]
    ] == [("2026-08-21", 10, None, 2), ("2026-08-21", 20, None, 3), ("2026-07-24", None, "2026-07-26", 1)]
    assert api.get("/stocks/NVDA/record?limit=1").json()["total"] == 1
    assert api.get("/stocks/005930.KS/record").json()["appearances"] == []
    assert api.get("/stocks/ZZZZ/record").status_code == 404


# ── bars ─────────────────────────────────────────────────────────────────────


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


def stored_close(database: DatabaseSettings, ticker: str, day: str) -> float:
    with closing(connect(database)) as conn:
        [row] = fetch(
            conn,
            """
            SELECT adj_close FROM collected_daily_stock_history WHERE ticker = %(ticker)s AND trade_date = %(day)s
            UNION ALL
            SELECT adj_close FROM collected_daily_etf_ohlc WHERE ticker = %(ticker)s AND trade_date = %(day)s
            """,
            {"ticker": ticker, "day": day},
        )
    close: float = row["adj_close"]
    return close


def dollars(database: DatabaseSettings, ticker: str, day: str) -> float:
    """A price in dollars; a Korean stock's last one by New York's close, which on these days is of the same day."""
    rate = stored_close(database, "KRW=X", day) if ticker.endswith(".KS") else 1.0
    return stored_close(database, ticker, day) / rate


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
    ("path", "rows", "total"),
    [
        ("/stocks/MU/record", "appearances", 3),
        ("/sectors/Technology/stocks", "stocks", 5),
        ("/sectors/Technology/history", "months", 3),
        ("/dashboard/spy-benchmark", "points", 31),
        ("/dashboard/sector-trending", "months", 3),
        ("/dashboard/monthly-performance", "months", 2),
        ("/dashboard/top-performers", "stocks", 10),
        ("/dashboard/sessions", "sessions", 2),
        ("/dashboard/errors", "errors", 2),
        ("/dashboard/gaps", "gaps", 3),
        ("/dashboard/restatements", "restatements", 1),
        ("/dashboard/requests", "counts", 3),
        ("/etf-holdings/all-holdings", "holdings", 11),
    ],
)
def test_a_list_that_grows_comes_in_parts(api: TestClient, path: str, rows: str, total: int) -> None:
    whole = api.get(path).json()
    assert (whole["total"], len(whole[rows]), whole["next"]) == (total, total, None)
    parts = [api.get(path, params={"limit": 1, "offset": offset}).json() for offset in range(total)]
    found = [row for part in parts for row in part[rows]]
    assert sorted(found, key=str) == sorted(whole[rows], key=str)
    assert all(part["next"] for part in parts[:-1]) and parts[-1]["next"] is None
    beyond = api.get(path, params={"offset": total}).json()
    assert (beyond["total"], beyond[rows], beyond["next"]) == (total, [], None)


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
    assert history["returns"][0]["start_session"] == start_of_5d
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


# ── the market, sector by sector ─────────────────────────────────────────────


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


@pytest.mark.parametrize("window", ["5d", "10d", "20d", "month"])
def test_top_performers_are_the_best_of_the_map(api: TestClient, window: str) -> None:
    sectors = api.get("/dashboard/market-map").json()["sectors"]
    returns = {stock["ticker"]: stock[f"return_{window}"] for each in sectors for stock in each["stocks"]}
    best = api.get(f"/dashboard/top-performers?window={window}&limit=3").json()["stocks"]
    assert [each["ticker"] for each in best] == sorted(returns, key=lambda ticker: (-returns[ticker], ticker))[:3]
    by_sector = api.get(f"/dashboard/top-performers-by-sector?window={window}&top=1").json()["sectors"]
    assert {each["sector"]: each["stocks"][0][f"return_{window}"] for each in by_sector} == {
        each["sector"]: max(returns[stock["ticker"]] for stock in each["stocks"]) for each in sectors
    }


# ── holdings ─────────────────────────────────────────────────────────────────


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


# ── the pipeline ─────────────────────────────────────────────────────────────


def test_sessions_with_their_publications(api: TestClient) -> None:
    sessions = api.get("/dashboard/sessions").json()["sessions"]
    assert [each["as_of_date"] for each in sessions] == ["2026-08-21", "2026-08-20"]
    assert [(each["job"], each["period_days"], each["status"]) for each in sessions[0]["publications"]] == [
        ("trending", 0, "published"),
        ("performance", 0, "published"),
        ("allocation", 5, "empty"),
        ("allocation", 10, "published"),
        ("allocation", 20, "published"),
    ]
    assert all(each["degraded_reason"] for each in sessions[1]["publications"])
    assert api.get("/dashboard/sessions?to=2026-08-20").json()["total"] == 1


def test_calendar_has_the_days_with_portfolios(api: TestClient) -> None:
    assert api.get("/dashboard/calendar").json() == {
        "sessions": [
            {"as_of_date": "2026-08-20", "is_degraded": True, "is_computable": True},
            {"as_of_date": "2026-08-21", "is_degraded": False, "is_computable": True},
        ],
        "rebalances": [
            {"as_of_date": "2026-06-28", "is_degraded": False, "is_computable": True},
            {"as_of_date": "2026-07-26", "is_degraded": False, "is_computable": True},
        ],
    }


def test_state_of_the_pipeline(api: TestClient) -> None:
    state = api.get("/dashboard/pipeline?sessions=3").json()
    assert [each["as_of_date"] for each in state["sessions"]] == ["2026-08-21", "2026-08-20", "2026-08-19"]
    assert [each["bars"] for each in state["sessions"]] == [
        {"stored": 26, "late": 1},
        {"stored": 26, "missing": 1, "quarantined": 1},
        {"stored": 26},
    ]
    assert [len(each["publications"]) for each in state["sessions"]] == [5, 2, 0]
    tables = {each["table_name"]: each for each in state["tables"]}
    assert tables["collected_daily_etf_ohlc"] == {
        "table_name": "collected_daily_etf_ohlc",
        "row_count": 15 * 31,
        "newest_date": "2026-08-21",
        "fetched_at": "2026-08-21T21:30:00Z",
    }
    assert tables["analytics_sector_trending"]["newest_date"] == "2026-08-01"
    assert {each["topic"]: (each["rejected"], each["waiting"]) for each in state["errors"]} == {
        "etf-daily-data": (1, 0),
        "stock-daily-data": (1, 1),
    }
    assert state["newest_errors"][0]["message_key"] == "AMD"
    assert [(each["requests"], each["limited"]) for each in state["requests_by_day"]] == [(20, 4)]
    assert sum(each["requests"] for each in state["requests_by_hour"]) == 20


def test_runs_of_each_session(api: TestClient) -> None:
    """Newest first, all there is of each; a rebalance is shown with the last session by its date."""
    sessions = {each["as_of_date"]: each for each in api.get("/dashboard/pipeline?sessions=30").json()["sessions"]}
    runs = {
        day: [(run["dag_id"], run["stage"], run["state"]) for run in each["runs"]] for day, each in sessions.items()
    }
    assert {day: of_day for day, of_day in runs.items() if of_day} == {
        "2026-08-21": [
            ("etf_top_holdings_analysis", None, "running"),
            ("daily_benchmark_etf_collection", 1, "late"),
        ],
        "2026-08-20": [
            ("daily_benchmark_etf_collection", 1, "skipped"),
            ("daily_sector_etf_collection", 2, "failed"),
            ("daily_benchmark_etf_collection", 1, "green"),
        ],
        "2026-07-24": [("monthly_portfolio_rebalance", None, "green")],
    }
    failed = sessions["2026-08-20"]["runs"][1]
    assert failed == {
        "dag_id": "daily_sector_etf_collection",
        "stage": 2,
        "run_id": "scheduled__2026-08-20T21:30:00+00:00",
        "as_of_date": "2026-08-20",
        "state": "failed",
        "reason": "Yahoo answered 429",
        "started_at": "2026-08-21T10:00:00Z",
        "ended_at": "2026-08-21T10:17:00Z",
        "airflow_url": "http://localhost:8080/dags/daily_sector_etf_collection/runs/"
        "scheduled__2026-08-20T21%3A30%3A00%2B00%3A00",
    }
    [monthly] = [each for each in sessions["2026-07-24"]["publications"] if each["job"] == "rebalance"]
    assert (monthly["as_of_date"], monthly["row_count"]) == ("2026-07-26", 3)


def test_of_many_runs_the_newest_are_shown(sample_database: DatabaseSettings, api: TestClient) -> None:
    execute(
        sample_database,
        """
        INSERT INTO logs_stage_run (dag_id, run_id, as_of_date, state, started_at)
        SELECT 'daily_portfolio_allocation', 'manual__' || n, '2026-08-19', 'green',
            '2026-08-20'::timestamptz + n * INTERVAL '1 minute'
        FROM GENERATE_SERIES(1, 9) AS n
        """,
    )

    def shown() -> list[str]:
        return [run["run_id"] for run in api.get("/dashboard/pipeline?sessions=3").json()["sessions"][2]["runs"]]

    wait_until(lambda: shown() == [f"manual__{n}" for n in (9, 8, 7, 6, 5)], NOTICED_WITHIN_SECONDS)
    execute(sample_database, "DELETE FROM logs_stage_run WHERE as_of_date = '2026-08-19'")


def test_consumers_and_links(api: TestClient) -> None:
    state = api.get("/dashboard/pipeline").json()
    assert [(each["consumer_group"], each["partition_id"], each["lag"]) for each in state["consumers"]] == [
        ("etf-daily", 0, 0),
        ("etf-daily", 1, 13),
        ("stock-daily", 0, 0),
    ]
    assert state["consumers"][1] == {
        "consumer_group": "etf-daily",
        "topic": "etf-daily-data",
        "partition_id": 1,
        "committed_offset": 98,
        "end_offset": 111,
        "lag": 13,
        "measured_at": "2026-08-24T14:00:00Z",
    }
    assert state["links"] == {"airflow": "http://localhost:8080", "spark_master": "http://localhost:8081"}


@pytest.mark.parametrize(
    ("query", "keys"), [("", ["AMD", "IWM"]), ("?waiting=true", ["AMD"]), ("?waiting=false", ["IWM"])]
)
def test_rejected_messages(api: TestClient, query: str, keys: list[str]) -> None:
    assert [each["message_key"] for each in api.get(f"/dashboard/errors{query}").json()["errors"]] == keys


def test_gaps_and_restatements(api: TestClient) -> None:
    gaps = api.get("/dashboard/gaps").json()["gaps"]
    assert [(each["trade_date"], each["ticker"], each["state"]) for each in gaps] == [
        ("2026-08-21", "AAPL", "late"),
        ("2026-08-20", "AAPL", "missing"),
        ("2026-08-20", "AMD", "quarantined"),
    ]
    assert api.get("/dashboard/gaps?from=2026-08-21").json()["total"] == 1
    [restated] = api.get("/dashboard/restatements").json()["restatements"]
    assert (restated["ticker"], restated["old_values"], restated["new_values"]) == (
        "XLU",
        {"close_price": 100},
        {"close_price": 101},
    )
    assert api.get("/dashboard/restatements?from=2026-08-20").json()["total"] == 0


# ── an empty database ────────────────────────────────────────────────────────


EMPTY = {
    "/sectors": "sectors",
    "/dashboard/market-map": "sectors",
    "/dashboard/etf-list": "etfs",
    "/dashboard/etf-benchmark": "etfs",
    "/dashboard/spy-benchmark": "points",
    "/dashboard/etf-holdings": "etfs",
    "/dashboard/sector-trending": "months",
    "/dashboard/monthly-performance": "months",
    "/dashboard/top-performers": "stocks",
    "/dashboard/sessions": "sessions",
    "/dashboard/pipeline": "sessions",
    "/etf-holdings/all-holdings": "holdings",
    "/etf-holdings/summary": "etfs",
    "/stocks/monthly-portfolio": "positions",
}
NOT_YET = [
    "/stocks/portfolio",
    "/dashboard/active-allocations",
    "/dashboard/trending-etf-top-holdings",
    "/etf-holdings/top-holdings/QQQ",
]


def test_before_anything_is_collected_lists_are_empty_and_publications_404(empty_api: TestClient) -> None:
    for path, rows in EMPTY.items():
        answer = empty_api.get(path)
        assert (answer.status_code, answer.json()[rows]) == (200, []), path
    assert empty_api.get("/stocks/monthly-portfolio").json()["reason"].startswith("no rebalance is published yet")
    for path in NOT_YET:
        answer = empty_api.get(path)
        assert (answer.status_code, answer.json()["error"]) == (404, "NotPublished"), path
        assert "run" in answer.json()["detail"], "it says what to do"


# ── keeping answers ──────────────────────────────────────────────────────────


def test_who_has_the_answer_gets_none(api: TestClient) -> None:
    first = api.get("/dashboard/market-map")
    assert first.headers["Cache-Control"] == "private, no-cache"
    again = api.get("/dashboard/market-map", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    other = api.get("/dashboard/market-map", headers={"If-None-Match": '"something else"'})
    assert (other.status_code, other.content) == (200, first.content)
    assert api.get("/dashboard/market-map?as_of_date=2026-08-20").headers["ETag"] != first.headers["ETag"]


def test_the_tag_outlives_what_changes_elsewhere_and_a_restart(
    api: TestClient, reader_of_sample: DatabaseSettings, sample_database: DatabaseSettings
) -> None:
    etag = api.get("/stocks/portfolio?period_days=10").headers["ETag"]
    execute(sample_database, "INSERT INTO logs_yahoo_request (endpoint, requested_at) VALUES ('chart', '2026-08-21')")
    time.sleep(NOTICED_WITHIN_SECONDS)
    asked = {"If-None-Match": etag}
    assert api.get("/stocks/portfolio?period_days=10", headers=asked).status_code == 304
    with api_on(reader_of_sample) as another:
        assert another.get("/stocks/portfolio?period_days=10", headers=asked).status_code == 304


def test_asking_again_reads_nothing(reader_of_sample: DatabaseSettings) -> None:
    """Neither with the tag nor without: only the watcher's question reaches the database."""
    app = create_app(replace(SETTINGS, database=reader_of_sample))
    with TestClient(app, headers={"X-API-Key": KEY}) as api:
        etag = api.get("/dashboard/active-allocations").headers["ETag"]
        asked: list[str] = []
        app.state.cache._read = lambda query: asked.append(query.__name__) or app.state.pool.read(query)
        assert api.get("/dashboard/active-allocations").status_code == 200
        assert api.get("/dashboard/active-allocations", headers={"If-None-Match": etag}).status_code == 304
        assert set(asked) <= {"data_version"}


def test_answers_are_compressed_for_who_takes_it(api: TestClient) -> None:
    plain = api.get("/dashboard/market-map", headers={"Accept-Encoding": "identity"})
    packed = api.get("/dashboard/market-map", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip" and packed.headers["Vary"] == "Accept-Encoding"
    assert int(packed.headers["Content-Length"]) < int(plain.headers["Content-Length"]) / 3
    assert packed.content == plain.content


@pytest.mark.parametrize(
    ("path", "change", "undo"),
    [
        (
            "/stocks/MU/latest",
            "UPDATE collected_daily_stock_history SET volume = 1 WHERE ticker = 'MU' AND trade_date = '2026-08-21'",
            "UPDATE collected_daily_stock_history SET volume = 503100"
            " WHERE ticker = 'MU' AND trade_date = '2026-08-21'",
        ),
        (
            "/dashboard/errors",
            "UPDATE logs_consumer_error SET replayed_at = '2026-08-22' WHERE message_key = 'AMD'",
            "UPDATE logs_consumer_error SET replayed_at = NULL WHERE message_key = 'AMD'",
        ),
    ],
)
def test_any_change_is_noticed(
    sample_database: DatabaseSettings, api: TestClient, path: str, change: str, undo: str
) -> None:
    before = api.get(path).json()
    execute(sample_database, change)
    wait_until(lambda: api.get(path).json() != before, NOTICED_WITHIN_SECONDS)
    execute(sample_database, undo)
    wait_until(lambda: api.get(path).json() == before, NOTICED_WITHIN_SECONDS)


REPUBLISH = """
    DELETE FROM analytics_portfolio_allocation WHERE as_of_date = '2026-08-20' AND period_days = 20;
    DELETE FROM analytics_publication WHERE job = 'allocation' AND as_of_date = '2026-08-20' AND period_days = 20;
    INSERT INTO analytics_publication
        (job, as_of_date, period_days, status, reason, row_count, cash_weight, source, published_at)
    VALUES ('allocation', '2026-08-20', 20, 'empty', '{reason}', 0, 1, 'simulated', '2026-08-21 13:03+00')
"""


def note_lag(database: DatabaseSettings, end: int) -> None:
    with closing(connect(database)) as conn:
        consumer_lag.note(conn, "etf-daily", "etf-daily-data", 0, 120, end)


def test_a_measured_lag_is_noticed(sample_database: DatabaseSettings, api: TestClient) -> None:
    for end in (125, 131, 120):
        note_lag(sample_database, end)
        wait_until(
            lambda end=end: api.get("/dashboard/pipeline").json()["consumers"][0]["lag"] == end - 120,
            NOTICED_WITHIN_SECONDS,
        )


def test_the_version_tells_measurements_from_changes(sample_database: DatabaseSettings) -> None:
    """Whatever the order in which transactions begin and end: so a measurement leaves every other answer kept."""
    with (
        closing(connect(sample_database)) as reader,
        closing(connect(sample_database)) as writer,
        closing(connect(sample_database)) as consumer,
    ):

        def data() -> str:
            return data_version(reader)

        before = data()
        for end in (121, 120):
            consumer_lag.note(consumer, "etf-daily", "etf-daily-data", 0, 120, end)
            assert data() == before
        with writer.cursor() as cursor:
            cursor.execute("UPDATE logs_consumer_error SET error_msg = error_msg")
            consumer_lag.note(consumer, "etf-daily", "etf-daily-data", 0, 120, 121)
            under_way = data()
            consumer_lag.note(consumer, "etf-daily", "etf-daily-data", 0, 120, 120)
            assert data() == under_way
        writer.commit()
        assert data() not in (before, under_way)
        after = data()
        with consumer.cursor() as cursor:  # a measurement that takes its time, and a change that overtakes it
            cursor.execute("UPDATE logs_consumer_lag SET measurements = measurements + 1 WHERE partition_id = 1")
            execute(sample_database, "UPDATE logs_consumer_error SET error_msg = error_msg")
            overtaken = data()
        consumer.commit()
        assert len({after, overtaken, data()}) == 3
        rolled_back = data()
        with consumer.cursor() as cursor:
            cursor.execute("UPDATE logs_consumer_lag SET measurements = measurements + 1 WHERE partition_id = 1")
        consumer.rollback()
        assert data() != rolled_back, "one that failed is taken for a change: that costs nothing but time"


def test_publishing_again_is_noticed_within_a_second(sample_database: DatabaseSettings, api: TestClient) -> None:
    """Even one that keeps its time of publication."""

    def reason() -> str | None:
        answer: str | None = api.get("/stocks/portfolio?as_of_date=2026-08-20").json()["reason"]
        return answer

    assert reason() is None
    for text in ("first", "second"):
        execute(sample_database, REPUBLISH.format(reason=text))
        wait_until(lambda text=text: reason() == text, NOTICED_WITHIN_SECONDS)


def test_first_publication_is_noticed(scratch_database: DatabaseSettings, api: TestClient) -> None:
    path = "/stocks/portfolio?as_of_date=2026-08-18"
    assert api.get(path).status_code == 404
    execute(scratch_database, REPUBLISH.replace("2026-08-20", "2026-08-18").format(reason="now"))
    assert api.get(path).status_code == 200, "a missing publication is asked for every time"


def test_parallel_requests_share_the_pool(api: TestClient) -> None:
    """More requests at once than the pool has connections: they wait for one, none fails."""
    with ThreadPoolExecutor(30) as pool:
        answers = list(pool.map(lambda n: api.get(f"/stocks/SPY/history?limit={n + 1}").status_code, range(120)))
    assert set(answers) == {200}


# ── health and outages ───────────────────────────────────────────────────────


class Cut:
    """A TCP road to Postgres that can be closed: what is on it is cut off, what comes later is refused."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._open: list[socket.socket] = []
        self._listener: socket.socket | None = None
        self.port = 0
        self.restore()

    def restore(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        # shutdown wakes the thread that waits in accept; close alone leaves the port listening.
        assert self._listener is not None
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._open.clear()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(self._target)
                self._open += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    @staticmethod
    def _carry(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)


def test_database_outage_is_503_and_passes(sample_database: DatabaseSettings) -> None:
    road = Cut(sample_database.host, sample_database.port)
    paths = [
        "/stocks/portfolio",
        "/stocks/SPY/latest",
        "/stocks/SPY/history",
        "/stocks/monthly-portfolio",
        "/dashboard/etf-list",
    ]
    with api_on(replace(sample_database, host="127.0.0.1", port=road.port)) as api:
        assert {api.get(path).status_code for path in paths} == {200}
        road.cut()
        wait_until(lambda: {api.get(path).status_code for path in paths} == {503}, AWAY_WITHIN_SECONDS)
        for path in paths:
            answer = api.get(path).json()
            assert answer["error"] == "DatabaseUnavailable" and "Traceback" not in answer["detail"]
        assert dependency(api, "database")["status"] == "away"
        road.restore()
        wait_until(lambda: {api.get(path).status_code for path in paths} == {200}, AWAY_WITHIN_SECONDS)
    road.cut()


def test_api_starts_without_its_database(sample_database: DatabaseSettings) -> None:
    road = Cut(sample_database.host, sample_database.port)
    road.cut()
    with api_on(replace(sample_database, host="127.0.0.1", port=road.port)) as api:
        assert api.get("/stocks/portfolio").status_code == 503
        road.restore()
        wait_until(lambda: api.get("/stocks/portfolio").status_code == 200, AWAY_WITHIN_SECONDS)
    road.cut()


def test_missing_tables_say_what_to_run(sample_database: DatabaseSettings) -> None:
    with api_on(replace(sample_database, name="postgres")) as api:
        answer = api.get("/stocks/SPY/latest")
        assert answer.status_code == 503
        assert "python -m database.migrate" in answer.json()["detail"]


def test_tables_of_an_earlier_version_say_what_to_run(empty_database: DatabaseSettings, empty_api: TestClient) -> None:
    rename = "ALTER TABLE analytics_publication RENAME COLUMN {} TO {}"
    execute(empty_database, rename.format("degraded_reason", "something_else"))
    try:
        answer = empty_api.get("/stocks/portfolio")
        assert (answer.status_code, answer.json()["error"]) == (503, "DatabaseUnavailable")
        assert "degraded_reason does not exist: run python -m database.migrate" in answer.json()["detail"]
    finally:
        execute(empty_database, rename.format("something_else", "degraded_reason"))


def dependency(api: TestClient, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in api.get("/health").json()["dependencies"] if each["name"] == name)
    return found


def test_health_is_503_when_one_is_away_and_200_when_none_is(sample_database: DatabaseSettings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as kafka, socket.create_server(("127.0.0.1", 0)) as master:
        settings = replace(
            SETTINGS,
            database=sample_database,
            kafka=replace(SETTINGS.kafka, bootstrap_servers=f"127.0.0.1:{kafka.getsockname()[1]}"),
            spark=replace(SETTINGS.spark, master_url=f"spark://127.0.0.1:{master.getsockname()[1]}"),
        )
        with TestClient(create_app(settings)) as api:
            health = api.get("/health")
            assert (health.status_code, health.json()["status"]) == (200, "ok")
            assert all(each["latency_ms"] >= 0 for each in health.json()["dependencies"])
            jobs = {(each["job"], each["period_days"]): each for each in health.json()["publications"]}
            assert set(jobs) == {
                ("trending", 0),
                ("performance", 0),
                ("allocation", 5),
                ("allocation", 10),
                ("allocation", 20),
                ("rebalance", 0),
            }
            assert jobs["allocation", 20]["as_of_date"] == "2026-08-21"
            kafka.close()
            assert api.get("/health").status_code == 503
            assert dependency(api, "kafka")["status"] == "away"
            assert dependency(api, "database")["status"] == "ok"


def test_the_apis_login_can_only_read(reader_of_sample: DatabaseSettings) -> None:
    """Its connections are read-only, and so is the login itself: no write is let through even without that."""
    pool = ReaderPool(reader_of_sample)
    try:
        with pool.connection() as conn, pytest.raises(psycopg2.errors.ReadOnlySqlTransaction), conn.cursor() as cursor:
            cursor.execute("DELETE FROM collected_meta_etf")
    finally:
        pool.close()
    with closing(connect(reader_of_sample)) as conn:
        tables = fetch(conn, "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
        statements = [
            f"{verb} {row['tablename']}" for row in tables for verb in ("DELETE FROM", "TRUNCATE", "DROP TABLE")
        ]
        for statement in [*statements, "CREATE TABLE mine (n INTEGER)"]:
            with pytest.raises(psycopg2.errors.InsufficientPrivilege), conn.cursor() as cursor:
                cursor.execute(statement)
            conn.rollback()
