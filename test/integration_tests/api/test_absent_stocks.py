"""What the API says of a session of which some stocks have no bar, and which one it takes while stage 4 collects."""

import pytest
from fastapi.testclient import TestClient

from config.config import DatabaseSettings

# NVDA has come later, WELL was not asked for, QQQ is a fund, and of SK hynix only the session before is late. The next
# session is being collected: a few stocks are there, one is expected.
TROUBLES = """
    DELETE FROM collected_daily_stock_history WHERE (ticker, trade_date) IN (
        ('NVDA', '2026-08-21'), ('005930.KS', '2026-08-21'), ('GS', '2026-08-21'), ('WELL', '2026-08-21'));
    INSERT INTO logs_expected_bar (kind, ticker, trade_date, state, reason) VALUES
        ('stock', 'NVDA', '2026-08-21', 'late', '[{"code": "expected", "params": {}}]'),
        ('stock', '005930.KS', '2026-08-21', 'missing', '[{"code": "passed_over", "params": {}}]'),
        ('stock', 'GS', '2026-08-21', 'late', '[{"code": "expected", "params": {}}]'),
        ('stock', '000660.KS', '2026-08-20', 'late', '[{"code": "expected", "params": {}}]'),
        ('stock', 'QQQ', '2026-08-21', 'late', '[{"code": "expected", "params": {}}]'),
        ('stock', 'MU', '2026-08-24', 'late', '[{"code": "expected", "params": {}}]');
    INSERT INTO logs_consumer_error
        (raw_value, error_msg, received_at, topic, partition_id, kafka_offset, ticker, trade_date)
    VALUES ('{}', 'a step of 61 %', '2026-08-24 12:01+00', 'stock-daily-data', 1, 4, 'GS', '2026-08-21');
    INSERT INTO collected_daily_stock_history
        (ticker, trade_date, close_price, adj_close, volume, currency, market_cap, sector, fetched_at, source)
    SELECT ticker, '2026-08-24', close_price * 2, adj_close * 2, volume, currency, market_cap * 2, sector, fetched_at,
        source
    FROM collected_daily_stock_history WHERE (ticker, trade_date) IN (('CRDO', '2026-08-21'), ('GE', '2026-08-21'));
"""
TOLD = {
    "005930.KS": "005930.KS has no bar of 2026-08-21 (missing at the source)",
    "AAPL": "AAPL has no bar of 2026-08-21 (late)",
    "GS": "GS has no bar of 2026-08-21 (quarantined)",
    "NVDA": "NVDA has no bar of 2026-08-21 (late)",
}
WINDOWS = ("1d", "5d", "10d", "20d", "month")


@pytest.mark.parametrize("query", ["", "?as_of_date=2026-08-21"])
def test_a_sector_leaves_out_what_was_expected_and_says_why(api: TestClient, query: str) -> None:
    answer = api.get(f"/dashboard/market-map{query}").json()
    sectors = {each["sector"]: each for each in answer["sectors"]}
    technology, industrial = sectors["Technology"], sectors["Industrial"]
    assert [each["ticker"] for each in technology["stocks"]] == ["MU", "000660.KS", "CRDO"]
    for window in WINDOWS:
        assert technology["left_out"][window] == ["005930.KS", "NVDA"]
        assert industrial["left_out"][window] == []
    assert technology["absent_reason"] == f"{TOLD['005930.KS']}; {TOLD['NVDA']}"
    assert [each["params"]["ticker"] for each in technology["absent_reasons"]] == ["005930.KS", "NVDA"]
    assert (industrial["absent_reason"], industrial["absent_reasons"]) == (None, [])
    assert answer["absent_reason"] == "; ".join(TOLD.values()), "one whose sector nobody knows is told, too"


def test_the_next_session_is_shown_once_its_portfolios_are(api: TestClient, sample_database: DatabaseSettings) -> None:
    for path in ("/dashboard/market-map", "/sectors", "/dashboard/top-performers", "/sectors/Technology/stocks"):
        assert api.get(path).json()["as_of_date"] == "2026-08-21", path
    named = api.get("/dashboard/market-map?as_of_date=2026-08-24").json()
    assert {stock["ticker"] for each in named["sectors"] for stock in each["stocks"]} >= {"CRDO", "GE"}
    assert named["absent_reason"] == "MU has no bar of 2026-08-24 (late)"


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/dashboard/top-performers", list(TOLD)),
        ("/dashboard/top-performers-by-sector", list(TOLD)),
        ("/sectors", list(TOLD)),
        ("/sectors/Technology/stocks", ["005930.KS", "NVDA"]),
        ("/sectors/Industrial/stocks", []),
        ("/sectors/Real%20Estate/stocks", []),
    ],
)
def test_every_list_of_stocks_says_which_are_absent(api: TestClient, path: str, told: list[str]) -> None:
    answer = api.get(path).json()
    assert [each["params"]["ticker"] for each in answer["absent_reasons"]] == told
    assert answer["absent_reason"] == ("; ".join(TOLD[each] for each in told) or None)


def test_a_sector_whose_only_stock_is_absent_says_so(api: TestClient) -> None:
    sectors = {each["sector"]: each for each in api.get("/sectors").json()["sectors"]}
    financial = sectors["Financial"]
    assert (financial["stock_count"], financial["return_5d"], financial["left_out"]["5d"]) == (0, None, ["GS"])
    assert financial["absent_reason"] == TOLD["GS"]


def test_a_table_says_it_in_each_row(api: TestClient) -> None:
    [head, *rows] = api.get("/dashboard/top-performers?format=csv").text.splitlines()
    assert "absent_reason,absent_reasons" in head and rows
    assert all(TOLD["NVDA"] in row for row in rows)
