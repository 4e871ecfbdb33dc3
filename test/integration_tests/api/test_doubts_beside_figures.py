"""What stands beside figures that are missing or in doubt: of months, ETFs, stocks, and a ticker's record."""

import csv
import io
from typing import Any

import pytest
from fastapi.testclient import TestClient

from config.config import DatabaseSettings
from sample_api import stored_close

# A rate is carried. NEM's prices break a little. MU has no price at the start of two windows, IWM at that of the month,
# and SPY at that of a day. Another month is decided in doubt, on holdings of later.
TROUBLES = """
    DELETE FROM collected_daily_stock_history WHERE (ticker, trade_date) IN (
        ('KRW=X', '2026-08-21'), ('MU', '2026-08-20'), ('MU', '2026-07-24'));
    DELETE FROM collected_daily_etf_ohlc WHERE (ticker, trade_date) IN (('IWM', '2026-07-31'), ('SPY', '2026-08-20'));
    UPDATE collected_daily_etf_ohlc SET currency = 'KRW' WHERE ticker = 'EWY';
    INSERT INTO logs_price_break (kind, ticker, trade_date, is_withheld, reason, judged_at) VALUES
        ('stock', 'NEM', '2026-08-13', FALSE, '[{"code": "text", "params": {"text": "an odd dividend"}}]', now());
    INSERT INTO analytics_publication
        (job, as_of_date, period_days, status, degraded_reason, row_count, holdings_as_of, source)
    VALUES ('rebalance', '2026-07-12', 0, 'published', '[{"code": "no_holdings", "params": {"etf": "XLB"}}]', 1,
        '2026-07-14', 'simulated');
    INSERT INTO analytics_monthly_portfolio
        (rebalance_date, ticker, valid_until, final_rank, final_weight, score, source_periods, as_of_date, source)
    VALUES ('2026-07-12', 'WELL', '2026-08-07', 1, 1, 1, ARRAY[20], '2026-07-10', 'simulated');
    UPDATE analytics_publication SET degraded_reason = '[{"code": "no_holdings", "params": {"etf": "DIA"}}]'
    WHERE (job, as_of_date, period_days) = ('allocation', '2026-08-21', 20);
    UPDATE analytics_etf_top_holdings SET source = 'simulated', holdings_as_of = '2026-08-28'
    WHERE etf_ticker = 'QQQ' AND analysis_date = '2026-08-21';
    UPDATE analytics_etf_top_holdings SET source = 'recorded', holdings_as_of = '2026-08-20',
        missing_reason = '[{"code": "no_price", "params": {"session": "2026-07-24"}}]', avg_return = NULL
    WHERE etf_ticker = 'XLB' AND period_days = 20;
    INSERT INTO analytics_publication
        (job, as_of_date, period_days, status, degraded_reason, row_count, holdings_as_of, source)
    VALUES ('top_holdings', '2026-08-21', 20, 'published', '[{"code": "no_holdings", "params": {"etf": "IWM"}}]', 9,
        '2026-08-28', 'simulated');
"""
CARRIED = "the KRW=X rate of 2026-08-21 is that of 2026-08-20"
BREAK = "prices break at 2026-08-13: an odd dividend"


def said(by_window: dict[str, list[dict[str, Any]]]) -> dict[str, list[str]]:
    return {window: [each["sentence"] for each in told] for window, told in by_window.items()}


def test_a_month_says_what_is_in_doubt_of_its_prices(api: TestClient) -> None:
    newest = api.get("/dashboard/monthly-performance").json()["months"][0]
    assert newest["rebalance_date"] == "2026-07-26" and newest["portfolio_return"] is not None
    assert newest["degraded_reason"] == f"000660.KS: {CARRIED}; NEM: {BREAK}"
    assert [each["params"]["ticker"] for each in newest["degraded_reasons"]] == ["000660.KS", "NEM"]
    assert (newest["holdings_as_of"], newest["holdings_known_later"]) == ("2026-07-24", False)


def test_a_month_says_what_its_decision_lacked_and_knew_too_early(
    api: TestClient, sample_database: DatabaseSettings
) -> None:
    month = api.get("/dashboard/monthly-performance").json()["months"][1]
    assert (month["rebalance_date"], month["degraded_reason"]) == ("2026-07-12", "no holdings of XLB are stored")
    assert (month["holdings_as_of"], month["holdings_known_later"]) == ("2026-07-14", True)
    ends = [stored_close(sample_database, "WELL", day) for day in ("2026-07-13", "2026-07-27")]
    assert month["portfolio_return"] == pytest.approx(ends[1] / ends[0] - 1)
    [head, *rows] = api.get("/dashboard/monthly-performance?format=csv").text.splitlines()
    assert "holdings_known_later" in head and "no holdings of XLB are stored" in rows[1]


def test_an_etf_says_what_each_window_lacks(api: TestClient) -> None:
    etfs = {each["ticker"]: each for each in api.get("/dashboard/etf-list").json()["etfs"]}
    iwm = etfs["IWM"]
    assert (iwm["return_month"], iwm["outperformance_month"]) == (None, None)
    no_spy = ["SPY: no price on 2026-08-20"]
    assert said(iwm["missing_by_window"]) == {"1d": no_spy, "month": ["no price on 2026-07-31"]}
    assert iwm["return_1d"] is not None and iwm["outperformance_1d"] is None
    assert iwm["missing_reason"] == no_spy[0]
    assert said(etfs["SPY"]["missing_by_window"]) == {"1d": ["no price on 2026-08-20"]}
    assert etfs["SPY"]["missing_reason"] == "no price on 2026-08-20"


def test_an_etf_says_what_is_in_doubt_of_each_window(api: TestClient) -> None:
    etfs = {each["ticker"]: each for each in api.get("/dashboard/etf-benchmark?sessions=2").json()["etfs"]}
    ewy, xlb = etfs["EWY"], etfs["XLB"]
    assert ewy["return_1d"] is not None and said(ewy["degraded_by_window"])["1d"] == [CARRIED]
    assert set(ewy["degraded_by_window"]) == {"1d", "5d", "10d", "20d", "month"}
    assert xlb["degraded_by_window"] == {}


def test_a_stock_says_what_each_window_lacks_and_what_is_in_doubt(api: TestClient) -> None:
    answer = api.get("/dashboard/market-map").json()
    stocks = {stock["ticker"]: stock for sector in answer["sectors"] for stock in sector["stocks"]}
    assert said(stocks["MU"]["missing_by_window"]) == {
        "1d": ["no price on 2026-08-20"],
        "20d": ["no price on 2026-07-24"],
    }
    assert stocks["MU"]["missing_reason"] == "no price on 2026-08-20"
    assert said(stocks["NEM"]["degraded_by_window"]) == {window: [BREAK] for window in ("10d", "20d", "month")}
    assert (stocks["NEM"]["degraded_reason"], stocks["NEM"]["missing_by_window"]) == (BREAK, {})
    assert said(stocks["005930.KS"]["degraded_by_window"])["5d"] == [CARRIED]
    assert (stocks["GE"]["missing_by_window"], stocks["GE"]["degraded_by_window"]) == ({}, {})


@pytest.mark.parametrize(
    ("ticker", "of", "degraded", "holdings", "is_later"),
    [
        ("MU", ("2026-08-21", 10), None, "2026-08-28", True),
        ("MU", ("2026-08-21", 20), "no holdings of DIA are stored", "2026-08-21", False),
        ("MU", ("2026-07-24", None), None, "2026-07-24", False),
        ("WELL", ("2026-07-10", None), "no holdings of XLB are stored", "2026-07-14", True),
        ("NVDA", ("2026-08-20", 20), "XLB has no bar of 2026-08-13 (missing at the source)", "2026-08-20", False),
    ],
)
def test_a_tickers_record_says_what_each_portfolio_rests_on(
    api: TestClient, ticker: str, of: tuple[str, int | None], degraded: str | None, holdings: str, is_later: bool
) -> None:
    record = api.get(f"/stocks/{ticker}/record").json()["appearances"]
    [found] = [each for each in record if (each["as_of_date"], each["period_days"]) == of]
    assert (found["is_degraded"], found["degraded_reason"]) == (degraded is not None, degraded)
    assert len(found["degraded_reasons"]) == int(found["is_degraded"])
    assert (found["holdings_as_of"], found["holdings_known_later"]) == (holdings, is_later)


@pytest.mark.parametrize(
    ("etf", "source", "missing", "holdings", "is_later"),
    [
        ("QQQ", "simulated", None, "2026-08-28", True),
        ("XLB", "recorded", "no price on 2026-07-24", "2026-08-20", False),
        ("DIA", None, None, None, False),  # of a version that did not keep them
    ],
)
def test_top_holdings_say_what_they_rest_on(
    api: TestClient, etf: str, source: str | None, missing: str | None, holdings: str | None, is_later: bool
) -> None:
    answer = api.get(f"/etf-holdings/top-holdings/{etf}").json()
    assert {each["source"] for each in answer["holdings"]} == {source}
    assert {each["missing_reason"] for each in answer["holdings"]} == {missing}
    assert (answer["holdings_as_of"], answer["holdings_known_later"]) == (holdings, is_later)
    assert answer["degraded_reason"] == "no holdings of IWM are stored"
    head, *rows = api.get(f"/etf-holdings/top-holdings/{etf}?format=csv").text.splitlines()
    assert "degraded_reason,degraded_reasons,holdings_as_of,holdings_known_later" in head
    assert all("no holdings of IWM are stored" in row for row in rows)


def test_top_holdings_of_another_period_or_session_have_no_word_of_this_one(api: TestClient) -> None:
    for query in ("period_days=10", "as_of_date=2026-08-20"):
        answer = api.get(f"/etf-holdings/top-holdings/QQQ?{query}").json()
        assert (answer["degraded_reason"], answer["degraded_reasons"]) == (None, [])


def test_top_holdings_of_what_trends_say_it_too(api: TestClient) -> None:
    etfs = {each["etf_ticker"]: each for each in api.get("/dashboard/trending-etf-top-holdings").json()["etfs"]}
    assert (etfs["XLB"]["holdings_as_of"], etfs["XLB"]["holdings_known_later"]) == ("2026-08-20", False)
    [nem] = etfs["XLB"]["holdings"]
    assert (nem["source"], nem["missing_reason"]) == ("recorded", "no price on 2026-07-24")
    assert (etfs["XLU"]["holdings"], etfs["XLU"]["holdings_as_of"]) == ([], None)
    rows = list(csv.DictReader(io.StringIO(api.get("/dashboard/trending-etf-top-holdings?format=csv").text)))
    assert [each["stock_ticker"] for each in rows if each["etf_ticker"] == "XLU"] == [""], "not analysed, but trends"
