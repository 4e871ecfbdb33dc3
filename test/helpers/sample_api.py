"""The API in the test's own process, and the numbers of the sample database that its answers are checked against."""

import hashlib
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

from fastapi.testclient import TestClient

from api.main import create_app
from config.config import DatabaseSettings, Settings
from database.db_helper import connect, fetch, transaction

KEY = "a-key-for-tests"
SETTINGS = Settings.from_env({"API_KEY": KEY, "ACTSTOCK_HOSTS": "testserver"})
NOTICED_WITHIN_SECONDS = 1.5
# The only answer of the source that the sample database keeps.
SOURCE_ANSWER = b'{"chart": {"result": [], "error": null}}'
# What a path's placeholder stands for in the sample database.
KNOWN = {
    "symbol": "MU",
    "etf": "QQQ",
    "sector": "Technology",
    "holding": "GS",
    "session": "2026-08-21",
    "period_days": "20",
    "rebalance_date": "2026-07-26",
    "digest": hashlib.sha256(SOURCE_ANSWER).hexdigest(),
    "chain": "publications",
    "position": "1",
}
# The windows that end with the sample's newest session.
WINDOW_STARTS = {
    "1d": "2026-08-20",
    "5d": "2026-08-14",
    "10d": "2026-08-07",
    "20d": "2026-07-24",
    "month": "2026-07-31",
}


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
    """Return a price in dollars. On these days Seoul and New York both traded, so both prices are of one day."""
    rate = stored_close(database, "KRW=X", day) if ticker.endswith(".KS") else 1.0
    return stored_close(database, ticker, day) / rate
