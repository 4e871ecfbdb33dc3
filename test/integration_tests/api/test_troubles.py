"""What the API makes of data as a real source sends them, and that it never tells what was not known at a session."""

import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from fastapi.testclient import TestClient

from config.config import DatabaseSettings
from database.db_helper import connect, fetch
from utils.reasons import as_json, join, of_ticker, reason

NO_HISTORY = [reason("not_comparable", benchmark="SPY"), of_ticker("SPY", [reason("no_price", session="2026-07-21")])]
LACKS_BAR = reason("lacks_bar", ticker="OVV", session="2026-08-12", state=reason("state_missing"))
CARRIED = of_ticker("MU", [reason("no_price", session="2026-08-21")])
BOUGHT_LATER = reason("bought_later", decided_on="2026-08-21", bought_on="2026-08-24")
# Splits after a month was decided and before; a fund that is held; an unknown exchange; an ETF in won; a rate that
# is missing; a sector of an ETF; a session without enough history; a month of sectors with hindsight; a carried price.
TROUBLES = f"""
    UPDATE collected_daily_stock_history SET split_ratio = 20 WHERE (ticker, trade_date) = ('MU', '2026-08-05');
    UPDATE collected_daily_stock_history SET split_ratio = 0.5 WHERE (ticker, trade_date) = ('MU', '2026-08-12');
    UPDATE collected_daily_stock_history SET split_ratio = 4 WHERE (ticker, trade_date) = ('MU', '2026-07-24');
    UPDATE collected_daily_stock_history SET split_ratio = 1.064 WHERE (ticker, trade_date) = ('WELL', '2026-08-21');
    UPDATE collected_daily_stock_history SET market_cap = NULL WHERE (ticker, trade_date) = ('CRDO', '2026-08-12');
    UPDATE collected_daily_stock_history SET market_cap = market_cap * 9
    WHERE ticker = 'MU' AND trade_date < '2026-08-14';
    UPDATE collected_daily_stock_history SET sector_source = 'yahoo' WHERE ticker = 'MU';
    UPDATE collected_daily_stock_history SET sector_source = 'derived', market_cap_source = 'implied_x_close'
    WHERE ticker = 'CRDO';
    INSERT INTO collected_daily_stock_history
        (ticker, trade_date, close_price, adj_close, volume, currency, market_cap, fetched_at, source)
    SELECT ticker, trade_date, 5, 5, 1000, 'USD', 777, fetched_at, source
    FROM (VALUES ('QQQ'), ('ABC.ZZ')) AS twice (ticker)
    CROSS JOIN (SELECT trade_date, fetched_at, source FROM collected_daily_stock_history WHERE ticker = 'MU') AS bars;
    UPDATE collected_daily_etf_ohlc SET currency = 'KRW' WHERE ticker = 'EWY';
    DELETE FROM collected_daily_stock_history WHERE ticker = 'KRW=X' AND trade_date = '2026-08-21';
    UPDATE collected_daily_etf_ohlc SET volume = 0 WHERE (ticker, trade_date) = ('SPY', '2026-08-21');
    INSERT INTO analytics_publication
        (job, as_of_date, period_days, status, reason, degraded_reason, row_count, cash_weight, holdings_as_of, source)
    VALUES
        ('trending', '2026-08-18', 0, 'not_computable', '{as_json(NO_HISTORY)}', NULL, 0, 0, NULL, 'simulated'),
        ('allocation', '2026-08-18', 20, 'not_computable', '{as_json(NO_HISTORY)}', NULL, 0, 1, NULL, 'simulated'),
        ('sectors', '2026-07-31', 0, 'published', NULL, NULL, 6, 0, '2026-07-31', 'simulated'),
        ('sectors', '2026-08-21', 0, 'published', NULL, '{as_json([LACKS_BAR])}', 6, 0,
            '2026-08-28', 'simulated');
    UPDATE analytics_portfolio_performance SET carried_weight = 0.364, carried_reason = '{as_json([CARRIED])}'
    WHERE (period_days, trade_date) = (20, '2026-08-21');
    UPDATE analytics_publication SET reason = '{as_json([BOUGHT_LATER])}'
    WHERE job = 'performance';
    UPDATE analytics_publication SET published_at = '2026-07-26 14:00+00'
    WHERE job = 'rebalance' AND as_of_date = '2026-07-26';
    UPDATE analytics_publication SET published_at = '2026-09-01 14:00+00'
    WHERE job = 'rebalance' AND as_of_date = '2026-06-28';
"""


def close_of(database: DatabaseSettings, ticker: str, day: str) -> float:
    with closing(connect(database)) as conn:
        [row] = fetch(
            conn,
            """
            SELECT close_price::float8 AS close FROM collected_daily_stock_history
            WHERE ticker = %(ticker)s AND trade_date = %(day)s
            """,
            {"ticker": ticker, "day": day},
        )
    close: float = row["close"]
    return close


# ── nothing that was not known ───────────────────────────────────────────────

PARTS = {"symbol": "MU", "etf": "QQQ", "sector": "Technology", "holding": "GS"}
MOMENTS = {"published_at", "fetched_at"}


def days_in(answer: Any, name: str = "") -> Iterator[str]:
    """Every date of an answer, those in its sentences included."""
    if isinstance(answer, dict):
        for key, value in answer.items():
            yield from days_in(value, key)
    elif isinstance(answer, list):
        for each in answer:
            yield from days_in(each, name)
    elif isinstance(answer, str) and name not in MOMENTS:
        yield from re.findall(r"\d{4}-\d\d-\d\d", answer)


def test_no_route_tells_of_a_day_after_the_session_it_is_asked_of(api: TestClient) -> None:
    routes = [
        path
        for path, operations in api.get("/openapi.json").json()["paths"].items()
        if "as_of_date" in [parameter["name"] for parameter in operations["get"].get("parameters", [])]
    ]
    assert len(routes) >= 12
    for path in routes:
        for session in ("2026-08-20", "2026-08-21"):
            answer = api.get(path.format(**PARTS), params={"as_of_date": session})
            assert answer.status_code == 200, (path, answer.text)
            days = set(days_in(answer.json()))
            later = sorted(day for day in days if day > session)
            # A snapshot of later holdings is no secret: its publication says that it was not known.
            known_later = {"2026-08-28"} if session == "2026-08-21" and '_known_later":true' in answer.text else set()
            assert set(later) <= known_later, (path, session, later)
            assert days or path.endswith("top-performers-by-sector"), path


def test_the_newest_month_of_a_sector_is_one_that_was_known(api: TestClient) -> None:
    def month_as_of(session: str, path: str) -> tuple[int, str | None]:
        sectors = api.get(path, params={"as_of_date": session}).json()["sectors"]
        month = next(each["newest_month"] for each in sectors if each["sector"] == "Technology")
        return month["month"], month["as_of_date"]

    for path in ("/sectors", "/dashboard/market-map"):
        assert month_as_of("2026-08-20", path) == (7, "2026-07-31")
        assert month_as_of("2026-08-21", path) == (8, "2026-08-21")


def test_why_there_is_no_record_yet_is_that_of_the_session(api: TestClient) -> None:
    early = api.get("/dashboard/performance?as_of_date=2026-07-24").json()
    assert early["reason"] == "no portfolio was held yet at the close of 2026-07-24"


# ── sectors ──────────────────────────────────────────────────────────────────


def test_a_sectors_return_is_weighted_with_the_caps_at_its_start(
    api: TestClient, sample_database: DatabaseSettings
) -> None:
    """What one earned who held all of it: MU was worth nine times its later cap then, CRDO's is not known."""
    market = api.get("/dashboard/market-map?as_of_date=2026-08-19").json()
    technology = next(each for each in market["sectors"] if each["sector"] == "Technology")
    members = {each["ticker"]: each for each in technology["stocks"]}
    assert technology["left_out"] == {"1d": [], "5d": ["CRDO"], "10d": [], "20d": [], "month": []}
    assert members["CRDO"]["start_cap_5d"] is None
    start, end = 0.0, 0.0
    shares = {"NVDA": 24_300_000_000, "MU": 9 * 1_120_000_000, "005930.KS": 5_919_000_000, "000660.KS": 728_000_000}
    for ticker, count in shares.items():
        # Korea was closed on the 17th: its five sessions began a day earlier.
        days = ("2026-08-11", "2026-08-19") if ticker.endswith(".KS") else ("2026-08-12", "2026-08-19")
        values = [
            count
            * close_of(sample_database, ticker, day)
            / (close_of(sample_database, "KRW=X", day) if ticker.endswith(".KS") else 1)
            for day in days
        ]
        assert members[ticker]["start_cap_5d"] == pytest.approx(values[0], rel=1e-9)
        start, end = start + values[0], end + values[1]
    assert technology["return_5d"] == pytest.approx(end / start - 1, rel=1e-9)
    assert technology["market_cap"] == sum(each["market_cap"] for each in members.values()), "the area is that of now"


def test_a_month_of_sectors_says_what_it_lacks_and_what_it_knew_too_early(api: TestClient) -> None:
    months = api.get("/sectors/Technology/history").json()["months"]
    told = [(each["month"], each["degraded_reason"], each["holdings_known_later"]) for each in months]
    assert told == [
        (8, "OVV has no bar of 2026-08-12 (missing at the source)", True),
        (7, None, False),
        (6, None, False),
    ]
    assert months[0]["holdings_as_of"] == "2026-08-28"
    newest = api.get("/dashboard/sector-trending?limit=1").json()["months"][0]["sectors"][0]
    assert newest["degraded_reason"] == told[0][1] and newest["benchmark_return"] == 0.015


def test_where_a_sector_and_a_market_cap_come_from(api: TestClient) -> None:
    market = api.get("/dashboard/market-map").json()
    found = {each["ticker"]: each for sector in market["sectors"] for each in sector["stocks"]}
    assert (found["CRDO"]["sector_source"], found["CRDO"]["market_cap_source"]) == ("derived", "implied_x_close")
    assert (found["MU"]["sector_source"], found["MU"]["market_cap_source"]) == ("yahoo", "shares_x_close")
    bar = api.get("/stocks/CRDO/latest").json()
    assert (bar["sector_source"], bar["market_cap_source"]) == ("derived", "implied_x_close")


def test_a_carried_rate_is_told(api: TestClient, sample_database: DatabaseSettings) -> None:
    market = api.get("/dashboard/market-map").json()
    samsung = next(e for sector in market["sectors"] for e in sector["stocks"] if e["ticker"] == "005930.KS")
    assert (samsung["trade_date"], samsung["rate_date"]) == ("2026-08-21", "2026-08-20")
    rate = close_of(sample_database, "KRW=X", "2026-08-20")
    assert samsung["market_cap"] == round(71200 * 5_919_000_000 / rate)


# ── bars ─────────────────────────────────────────────────────────────────────


def test_a_fund_that_is_held_has_one_history_and_is_no_stock_of_the_map(api: TestClient) -> None:
    history = api.get("/stocks/QQQ/history").json()
    days = [bar["trade_date"] for bar in history["bars"]]
    assert (len(days), len(set(days)), history["quote_type"]) == (31, 31, "ETF")
    assert history["bars"][-1]["close_price"] == 191.85
    assert api.get("/stocks/QQQ/latest").json()["close_price"] == 191.85
    market = api.get("/dashboard/market-map").json()
    assert "QQQ" not in {stock["ticker"] for sector in market["sectors"] for stock in sector["stocks"]}


def test_an_unknown_exchange_breaks_nothing(api: TestClient) -> None:
    history = api.get("/stocks/ABC.ZZ/history?limit=3").json()
    assert (history["total"], history["returns"]) == (31, [])
    best = api.get("/dashboard/top-performers").json()
    assert "ABC.ZZ" not in {each["ticker"] for each in best["stocks"]} and best["total"] > 0


@pytest.mark.parametrize(("symbol", "newest"), [("SPY", None), ("KRW=X", None), ("MU", 503100)])
def test_a_volume_of_0_is_one_that_is_not_known(api: TestClient, symbol: str, newest: int | None) -> None:
    assert api.get(f"/stocks/{symbol}/history?limit=1").json()["bars"][0]["volume"] == newest


def test_an_etf_quoted_in_won_is_compared_in_dollars(api: TestClient, sample_database: DatabaseSettings) -> None:
    etfs = {each["ticker"]: each for each in api.get("/dashboard/etf-list").json()["etfs"]}
    assert (etfs["EWY"]["currency"], etfs["QQQ"]["currency"]) == ("KRW", "USD")
    compared = api.get("/dashboard/etf-benchmark?sessions=2&as_of_date=2026-08-20").json()
    closes = {each["ticker"]: (each["close_price"], each["adj_closes"][-1]) for each in compared["etfs"]}
    won, dollars = closes["EWY"]
    assert dollars == pytest.approx(won / close_of(sample_database, "KRW=X", "2026-08-20"))
    assert closes["QQQ"][0] == closes["QQQ"][1]
    assert api.get("/stocks/EWY/latest").json()["currency"] == "KRW"


# ── portfolios ───────────────────────────────────────────────────────────────


def test_a_past_month_is_traded_at_the_prices_of_its_day(api: TestClient, sample_database: DatabaseSettings) -> None:
    """MU was split 20 for 1 and then 1 for 2 later. The split on the session itself is in that day's price."""
    positions = {each["ticker"]: each for each in api.get("/stocks/monthly-portfolio").json()["positions"]}
    traded = close_of(sample_database, "MU", "2026-07-24") * 10
    assert (positions["MU"]["price_usd"], positions["MU"]["split_factor"]) == (pytest.approx(traded), 10)
    answer = api.get("/stocks/monthly-trades?capital=1000000").json()
    trades = {each["ticker"]: each for each in answer["trades"]}
    assert trades["MU"]["price_usd"] == pytest.approx(traded)
    assert trades["MU"]["value"] == pytest.approx(trades["MU"]["shares"] * traded)
    assert 0 <= 1_000_000 * 0.5 - trades["MU"]["target_shares"] * traded < traded + 2_000
    assert trades["WELL"]["split_factor"] == 1.064
    assert [trades[ticker]["split_factor"] for ticker in ("000660.KS", "NEM")] == [1, 1]


def test_what_is_not_computable_is_no_cash(api: TestClient) -> None:
    portfolio = api.get("/stocks/portfolio?as_of_date=2026-08-18").json()
    assert (portfolio["status"], portfolio["reason"]) == ("not_computable", join(NO_HISTORY))
    assert (portfolio["cash_weight"], portfolio["positions"]) == (None, [])
    etfs = api.get("/dashboard/etf-list?as_of_date=2026-08-18").json()
    assert (etfs["status"], etfs["reason"]) == ("not_computable", join(NO_HISTORY))
    nobody = api.get("/dashboard/trending-etf-top-holdings?as_of_date=2026-08-18").json()
    assert (nobody["status"], nobody["reason"], nobody["etfs"]) == ("not_computable", join(NO_HISTORY), [])
    days = {each["as_of_date"]: each["is_computable"] for each in api.get("/dashboard/calendar").json()["sessions"]}
    assert days == {"2026-08-18": False, "2026-08-20": True, "2026-08-21": True}
    [session] = api.get("/dashboard/sessions?from=2026-08-18&to=2026-08-18").json()["sessions"]
    assert {each["status"] for each in session["publications"]} == {"not_computable"}


def test_what_is_carried_at_the_newest_session_is_told(api: TestClient) -> None:
    month, twenty = api.get("/dashboard/performance").json()["portfolios"]
    assert (twenty["carried_weight"], twenty["carried_reason"]) == (0.364, "MU: no price on 2026-08-21")
    assert (month["carried_weight"], month["carried_reason"]) == (0, None)
    _, before = api.get("/dashboard/performance?as_of_date=2026-08-20").json()["portfolios"]
    assert (before["carried_weight"], before["carried_reason"]) == (0, None)


def test_a_month_says_whether_the_record_knows_it(api: TestClient) -> None:
    known = api.get("/stocks/monthly-portfolio").json()
    assert (known["is_in_record"], known["record_as_of"]) == (True, "2026-08-21")
    extra = api.get("/stocks/monthly-portfolio?rebalance_date=2026-06-28").json()
    assert (extra["is_in_record"], extra["record_as_of"]) == (False, "2026-08-21")


def test_bars_that_wait_for_a_person(api: TestClient) -> None:
    waiting = api.get("/dashboard/pipeline").json()["quarantined"]
    assert waiting["total"] == 1
    assert [(each["kind"], each["ticker"], each["trade_date"]) for each in waiting["bars"]] == [
        ("stock", "AMD", "2026-08-20")
    ]
    assert waiting["bars"][0]["reason"].endswith("AMD 2026-08-20: a step of 61 % without a split")
