"""Which session the close of an ETF is of that stands beside its returns."""

import pytest
from fastapi.testclient import TestClient

from config.config import DatabaseSettings
from sample_api import api_on, execute, stored_close

# Stage 1 has collected the next session. DIA has no bar of the newest published one. Seoul is closed on 17 August.
TROUBLES = """
    INSERT INTO collected_daily_etf_ohlc
        (ticker, trade_date, open_price, high_price, low_price, close_price, adj_close, volume, fetched_at, source)
    SELECT ticker, '2026-08-24', open_price, high_price * 2, low_price, close_price * 2, adj_close * 2, volume,
        fetched_at, source
    FROM collected_daily_etf_ohlc WHERE trade_date = '2026-08-21';
    DELETE FROM collected_daily_etf_ohlc WHERE (ticker, trade_date) = ('DIA', '2026-08-21');
    INSERT INTO collected_meta_etf (ticker, etf_type, description) VALUES ('069500.KS', 'benchmark', 'KOSPI 200');
    INSERT INTO collected_daily_etf_ohlc
        (ticker, trade_date, open_price, high_price, low_price, close_price, adj_close, volume, currency, fetched_at,
        source)
    SELECT '069500.KS', trade_date, 40000, 40050, 40000, 40000 + EXTRACT(DAY FROM trade_date), 40000, 1, 'KRW',
        fetched_at, source
    FROM collected_daily_etf_ohlc WHERE ticker = 'SPY' AND trade_date <> '2026-08-17';
    INSERT INTO analytics_publication (job, as_of_date, period_days, status, row_count, source)
    VALUES ('trending', '2026-08-17', 0, 'published', 0, 'simulated');
"""


@pytest.mark.parametrize("query", ["", "as_of_date=2026-08-21"])
@pytest.mark.parametrize("path", ["/dashboard/etf-list?", "/dashboard/etf-benchmark?sessions=2&"])
def test_a_close_is_of_the_session_of_the_returns(
    api: TestClient, sample_database: DatabaseSettings, path: str, query: str
) -> None:
    answer = api.get(path + query).json()
    etfs = {each["ticker"]: each for each in answer["etfs"]}
    assert answer["as_of_date"] == "2026-08-21"
    assert {each["trade_date"] for each in etfs.values()} == {"2026-08-21", None}
    for ticker in ("SPY", "QQQ", "XLB"):
        assert etfs[ticker]["close_price"] == stored_close(sample_database, ticker, "2026-08-21")


@pytest.mark.parametrize("query", ["", "?as_of_date=2026-08-21"])
def test_without_a_bar_of_it_there_is_no_close(api: TestClient, query: str) -> None:
    [dia] = [each for each in api.get(f"/dashboard/etf-list{query}").json()["etfs"] if each["ticker"] == "DIA"]
    assert (dia["trade_date"], dia["close_price"], dia["price_change_percent"]) == (None, None, None)
    assert dia["return_20d"] is not None, "as it was published"
    assert dia["missing_by_window"]["1d"][0]["sentence"] == "no price on 2026-08-21"


@pytest.mark.parametrize(
    ("session", "expected"), [("2026-08-17", ("2026-08-14", 40014)), ("2026-08-20", ("2026-08-20", 40020))]
)
def test_a_foreign_etf_has_the_last_session_of_its_own(
    api: TestClient, session: str, expected: tuple[str, float]
) -> None:
    etfs = {each["ticker"]: each for each in api.get(f"/dashboard/etf-list?as_of_date={session}").json()["etfs"]}
    assert (etfs["069500.KS"]["trade_date"], etfs["069500.KS"]["close_price"]) == expected
    assert etfs["SPY"]["trade_date"] == session


def test_a_sectors_etf_is_of_the_same_session(api: TestClient) -> None:
    sectors = {each["sector"]: each["etf"] for each in api.get("/sectors").json()["sectors"]}
    assert sectors["Technology"]["trade_date"] == "2026-08-21"


def test_before_the_first_publication_it_is_the_newest(empty_database: DatabaseSettings) -> None:
    execute(
        empty_database,
        """
        INSERT INTO collected_meta_etf (ticker, etf_type) VALUES ('SPY', 'benchmark');
        INSERT INTO collected_daily_etf_ohlc
            (ticker, trade_date, open_price, high_price, low_price, close_price, adj_close, volume, fetched_at, source)
        VALUES ('SPY', '2026-08-20', 100, 100, 100, 100, 100, 1, now(), 'yahoo'),
            ('SPY', '2026-08-21', 101, 101, 101, 101, 101, 1, now(), 'yahoo');
        """,
    )
    with api_on(empty_database) as client:
        [spy] = client.get("/dashboard/etf-list").json()["etfs"]
    assert (spy["trade_date"], spy["close_price"], spy["return_1d"]) == ("2026-08-21", 101, None)
