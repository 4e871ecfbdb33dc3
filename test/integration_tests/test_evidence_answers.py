"""The market server's own answers: every stored row names one, and it is kept as it came."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from typing import Any

import httpx
import pytest

from collector import kafka_producer_etf_daily, kafka_producer_etf_holdings, kafka_producer_stock_daily
from config.config import Settings
from database.db_helper import Connection, connect, fetch
from database.queries import source_answers
from utils.dates import session_before

UNTIL = date(2026, 8, 21)


@pytest.fixture
def conn(settings: Settings) -> Iterator[Connection]:
    with closing(connect(settings.database)) as conn:
        yield conn


def digests(conn: Connection, table: str, key: str, column: str = "answer_digest") -> dict[str, set[str | None]]:
    rows = fetch(conn, f"SELECT DISTINCT {key} AS key, ENCODE({column}, 'hex') AS digest FROM {table}")
    found: dict[str, set[str | None]] = {}
    for row in rows:
        found.setdefault(row["key"], set()).add(row["digest"])
    return found


def answer(conn: Connection, digest: str | None) -> Any:
    assert digest is not None
    body = source_answers.read(conn, digest)
    assert body is not None, "what a row names is kept"
    assert hashlib.sha256(body).hexdigest() == digest
    return json.loads(body)


def test_the_answers_of_two_days(settings: Settings, conn: Connection, market: httpx.Client) -> None:
    yesterday = session_before(UNTIL, 1)
    market.put("/control/clock", json={"at": str(yesterday)}).raise_for_status()
    kafka_producer_etf_daily.run(settings, "benchmark", yesterday)
    market.put("/control/clock", json={"at": str(UNTIL)}).raise_for_status()
    kafka_producer_etf_daily.run(settings, "benchmark", UNTIL)

    named = digests(conn, "evidence_daily_etf_ohlc", "ticker")
    assert len(named) == 6
    for ticker, of_ticker in named.items():
        assert len(of_ticker) == 2
        for digest in of_ticker:
            assert answer(conn, digest)["chart"]["result"][0]["meta"]["symbol"] == ticker
    kept = fetch(conn, "SELECT base, LENGTH(body) AS size FROM evidence_source_answer")
    assert sum(row["size"] for row in kept if row["base"]) < sum(row["size"] for row in kept if not row["base"]) / 2


def test_a_stocks_row_names_its_chart_and_its_quote(settings: Settings, conn: Connection) -> None:
    kafka_producer_stock_daily.run(settings, UNTIL, ["NVDA", "AAPL"])

    charts = digests(conn, "collected_daily_stock_history", "ticker")
    quotes = digests(conn, "collected_daily_stock_history", "ticker", "quote_digest")
    for ticker in ("NVDA", "AAPL"):
        [chart], [quote] = charts[ticker], quotes[ticker]
        assert answer(conn, chart)["chart"]["result"][0]["meta"]["symbol"] == ticker
        assert ticker in {each["symbol"] for each in answer(conn, quote)["quoteResponse"]["result"]}


def test_a_list_of_holdings_names_its_own_also_as_that_of_a_month(settings: Settings, conn: Connection) -> None:
    kafka_producer_etf_holdings.run(settings, "benchmark", UNTIL, for_the_month=True)

    of_day = digests(conn, "collected_etf_holdings", "etf_ticker")
    assert len(of_day) == 6
    assert digests(conn, "collected_monthly_benchmark_holdings", "etf_ticker") == of_day
    for [digest] in of_day.values():
        assert "topHoldings" in answer(conn, digest)["quoteSummary"]["result"][0]


def test_what_gives_no_row_is_not_kept(settings: Settings, conn: Connection) -> None:
    kafka_producer_etf_daily.run(settings, "benchmark", UNTIL)
    [before] = fetch(conn, "SELECT COUNT(*) AS n FROM evidence_source_answer")
    kafka_producer_etf_daily.run(settings, "benchmark", UNTIL)

    [after] = fetch(conn, "SELECT COUNT(*) AS n FROM evidence_source_answer")
    assert before == after
