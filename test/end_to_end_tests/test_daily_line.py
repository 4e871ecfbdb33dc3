"""The whole line for one session: Yahoo's protocol -> Kafka -> Postgres -> Spark -> API -> browser, under Airflow."""

import json
import os
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any

import httpx
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from config.config import Settings, Topic
from config.universe import universe
from consumer import replay_errors
from database.db_helper import Connection, Row, fetch, transaction
from market.invented import InventedMarket
from ops.pipeline.airflow_client import Airflow, Run
from utils.dates import session_before
from utils.kafka_utils import publisher

PERIODS = (5, 10, 20)
PRICES = ("open", "high", "low", "close", "adj_close")


def bars_of(truth: InventedMarket, ticker: str, at: datetime, since: date) -> dict[date, Any]:
    return {bar.session: bar for bar in truth.bars(ticker, at) if bar.close is not None and bar.session >= since}


def assert_bars(rows: list[Row], expected: dict[date, Any]) -> None:
    assert [row["trade_date"] for row in rows] == sorted(expected)
    for row in rows:
        bar = expected[row["trade_date"]]
        stored = [row["open_price"], row["high_price"], row["low_price"], row["close_price"], row["adj_close"]]
        assert stored == pytest.approx([getattr(bar, price) for price in PRICES], rel=1e-9)
        assert (row["volume"], row["source"]) == (bar.volume or 0, "simulated")


class TestTables:
    """What is in Postgres after one run, against the market's truth."""

    def test_every_stage_ran_once_for_the_same_session(self, pipeline: Run, airflow: Airflow) -> None:
        children = airflow.runs_named(f"__{pipeline.run_id}")

        assert {child.dag_id: child.state for child in children} == dict.fromkeys(
            (
                "daily_benchmark_etf_collection",
                "daily_sector_etf_collection",
                "daily_trending_etf_analysis",
                "daily_trending_etf_holdings_collection",
                "daily_portfolio_allocation",
                "portfolio_performance",
            ),
            "success",
        )

    def test_how_each_stage_went_is_told(self, pipeline: Run, airflow: Airflow, api: httpx.Client, as_of: date) -> None:
        state = api.get("/dashboard/pipeline").json()
        [session] = [each for each in state["sessions"] if each["as_of_date"] == as_of.isoformat()]
        runs = {run["stage"]: run for run in session["runs"] if run["run_id"].endswith(f"__{pipeline.run_id}")}
        assert set(runs) == {1, 2, 3, 4, 5, None}
        assert runs[None]["dag_id"] == "portfolio_performance", "it follows the five stages"
        assert [runs[number]["state"] for number in (3, 5, None)] == ["green"] * 3
        for number in (1, 2, 4):  # skipped where the history that was fetched at the start has the session already
            asked_for_nothing = "with 0 requests to Yahoo" in runs[number]["reason"]
            assert runs[number]["state"] == ("skipped" if asked_for_nothing else "green")
        assert all(run["ended_at"] for run in runs.values())
        for run in runs.values():
            address = airflow.address(Run(run["dag_id"], run["run_id"], "success", None, None))
            assert run["airflow_url"].partition("/dags/")[2] == address.partition("/dags/")[2]

    def test_etf_bars(
        self,
        pipeline: Run,
        conn: Connection,
        truth: InventedMarket,
        as_of: date,
        market_now: datetime,
        settings: Settings,
    ) -> None:
        first = session_before(as_of, settings.collector.history_sessions)
        for etf in universe().etfs:
            query = "SELECT * FROM collected_daily_etf_ohlc WHERE ticker = %(etf)s ORDER BY trade_date"
            assert_bars(fetch(conn, query, {"etf": etf}), bars_of(truth, etf, market_now, first))

    def test_holdings_of_the_trending_etfs_alone(
        self, pipeline: Run, conn: Connection, truth: InventedMarket, as_of: date, market_now: datetime
    ) -> None:
        stored: dict[str, list[tuple[str, float]]] = {}
        rows = fetch(
            conn,
            "SELECT * FROM collected_etf_holdings WHERE collected_date = %(day)s ORDER BY etf_ticker, holding_rank",
            {"day": as_of},
        )
        for row in rows:
            stored.setdefault(row["etf_ticker"], []).append((row["stock_ticker"], row["holding_percent"]))

        assert set(stored) == trending_in_truth(truth, as_of, market_now)
        for etf, holdings in stored.items():
            expected = [(holding.ticker, holding.percent) for holding in truth.holdings(etf, market_now)]
            assert [ticker for ticker, _ in holdings] == [ticker for ticker, _ in expected]
            assert [percent for _, percent in holdings] == pytest.approx([percent for _, percent in expected])

    def test_stock_bars_of_their_top_holdings(
        self, pipeline: Run, conn: Connection, truth: InventedMarket, as_of: date, market_now: datetime
    ) -> None:
        wanted = {
            holding.ticker
            for etf in trending_in_truth(truth, as_of, market_now)
            for holding in truth.holdings(etf, market_now)[: universe().top_holdings]
        }
        rows = fetch(conn, "SELECT * FROM collected_daily_stock_history ORDER BY ticker, trade_date")
        stored = {row["ticker"] for row in rows if row["quote_type"] == "EQUITY"}

        assert stored == wanted
        for ticker in stored:
            own = [row for row in rows if row["ticker"] == ticker]
            assert_bars(own, bars_of(truth, ticker, market_now, own[0]["trade_date"]))
            assert len(own) > universe().longest_period
            if company := truth.company_shares(ticker, market_now):
                # To the dollar or so: the database keeps ten decimals of a single-precision close.
                assert own[-1]["market_cap"] == pytest.approx(company * own[-1]["close_price"], abs=1.5)
            else:
                assert own[-1]["market_cap"] is None

    def test_a_full_day_stays_within_its_requests(self, pipeline: Run, conn: Connection) -> None:
        """Budget: 75 for 15 ETFs, 10 of them trending, and 40 stocks; more or fewer of either cost one each."""
        [requests] = fetch(conn, "SELECT COUNT(*) AS n FROM logs_yahoo_request")
        [trending] = fetch(conn, "SELECT COUNT(DISTINCT etf_ticker) AS n FROM collected_etf_holdings")
        [stocks] = fetch(
            conn, "SELECT COUNT(DISTINCT ticker) AS n FROM collected_daily_stock_history WHERE quote_type = 'EQUITY'"
        )

        assert requests["n"] <= 75 + (trending["n"] - 10) + (stocks["n"] - 40)


def trending_in_truth(truth: InventedMarket, as_of: date, at: datetime) -> set[str]:
    """ETFs that beat SPY and zero over at least one period, straight from the market's adjusted closes."""
    closes = {etf: {bar.session: bar.adj_close for bar in truth.bars(etf, at)} for etf in universe().etfs}

    def earned(etf: str, days: int) -> float:
        return float(closes[etf][as_of] / closes[etf][session_before(as_of, days)] - 1)

    return {
        etf for etf in universe().candidates if any(earned(etf, days) > max(earned("SPY", days), 0) for days in PERIODS)
    }


class TestReaders:
    """What people and programs get to see of it."""

    @pytest.mark.parametrize("days", PERIODS)
    def test_the_api_serves_what_was_published(
        self, pipeline: Run, api: httpx.Client, conn: Connection, as_of: date, days: int
    ) -> None:
        answer = api.get("/stocks/portfolio", params={"period_days": days, "as_of_date": str(as_of)})
        rows = fetch(
            conn,
            "SELECT * FROM analytics_portfolio_allocation WHERE as_of_date = %(day)s AND period_days = %(days)s "
            "ORDER BY position_rank",
            {"day": as_of, "days": days},
        )

        assert answer.status_code == 200
        served = answer.json()
        assert served["source"] == "simulated"
        assert [(one["ticker"], one["portfolio_weight"]) for one in served["positions"]] == [
            (row["ticker"], row["portfolio_weight"]) for row in rows
        ]
        assert sum(row["portfolio_weight"] for row in rows) + served["cash_weight"] == pytest.approx(1, abs=1e-9)

    def test_a_first_day_has_no_record_yet(self, pipeline: Run, api: httpx.Client, as_of: date) -> None:
        answer = api.get("/dashboard/performance", params={"as_of_date": str(as_of)}).json()

        assert (answer["status"], answer["source"], answer["portfolios"]) == ("empty", "simulated", [])
        assert answer["reason"].startswith(f"the first portfolio, of {as_of}, is bought at the close of ")

    def test_the_api_wants_its_key_and_is_healthy(self, pipeline: Run, api: httpx.Client) -> None:
        assert api.get("/health").status_code == 200
        assert api.get("/stocks/portfolio", headers={"X-API-Key": ""}).status_code == 401
        assert len(api.get("/dashboard/etf-list").json()["etfs"]) == 15

    def test_the_dashboard_shows_it(self, pipeline: Run, browser: webdriver.Chrome, api: httpx.Client) -> None:
        served = api.get("/stocks/portfolio", params={"period_days": 20}).json()

        browser.get(os.environ["DASHBOARD_URL"] + "/?period=20")
        first = served["positions"][0]
        WebDriverWait(browser, 30).until(lambda page: first["ticker"] in page.find_element(By.TAG_NAME, "body").text)

        text = browser.find_element(By.TAG_NAME, "body").text
        assert "Simulated prices" in text
        for position in served["positions"]:
            assert position["ticker"] in text
            assert f"{position['portfolio_weight']:.2%}" in text


@pytest.fixture
def browser() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    for flag in ("headless", "no-sandbox", "disable-gpu", "no-first-run", "disable-background-networking"):
        options.add_argument(f"--{flag}")
    options.add_argument("--window-size=1440,900")
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))
    yield driver
    driver.quit()


class TestAgain:
    """Running again gives the same rows; what is bad waits for a person."""

    ANALYTICS = ("analytics_trending_etfs", "analytics_portfolio_allocation", "analytics_allocation_candidates")
    COLLECTED = ("collected_daily_etf_ohlc", "collected_etf_holdings", "collected_daily_stock_history")

    def rows(self, conn: Connection, tables: tuple[str, ...], as_of: date) -> dict[str, list[Row]]:
        def of(table: str) -> list[Row]:
            on = "WHERE as_of_date = %(day)s" if table in self.ANALYTICS else ""
            rows = fetch(conn, f"SELECT * FROM {table} {on} ORDER BY 1, 2, 3, 4", {"day": as_of})
            return [{name: value for name, value in row.items() if name != "run_id"} for row in rows]

        return {table: of(table) for table in tables}

    @pytest.mark.parametrize(
        "dag_id",
        [
            "daily_benchmark_etf_collection",
            "daily_trending_etf_analysis",
            "daily_trending_etf_holdings_collection",
            "daily_portfolio_allocation",
        ],
    )
    def test_a_stage_run_twice_leaves_the_same_rows(
        self, pipeline: Run, run_dag: Callable[..., Run], conn: Connection, as_of: date, dag_id: str
    ) -> None:
        before = self.rows(conn, self.ANALYTICS + self.COLLECTED, as_of)
        assert all(before.values())

        run_dag(dag_id, as_of_date=as_of.isoformat())

        assert self.rows(conn, self.ANALYTICS + self.COLLECTED, as_of) == before

    def test_a_complete_session_asks_yahoo_nothing(
        self, pipeline: Run, run_dag: Callable[..., Run], conn: Connection, as_of: date
    ) -> None:
        [before] = fetch(conn, "SELECT COUNT(*) AS n FROM logs_yahoo_request")

        run_dag("daily_sector_etf_collection", as_of_date=as_of.isoformat())

        assert fetch(conn, "SELECT COUNT(*) AS n FROM logs_yahoo_request") == [before]

    def test_a_rejected_message_waits_and_is_stored_once_accepted(
        self, settings: Settings, conn: Connection, capsys: pytest.CaptureFixture[str]
    ) -> None:
        prices = dict.fromkeys(("open_price", "high_price", "low_price", "close_price", "adj_close"), 100.0)
        message = {
            "ticker": "ZZTEST",
            "trade_date": "2026-08-21",
            "volume": 1,
            "previous_close": 10.0,
            "fetched_at": "2026-08-21T21:00:00Z",
            "source": "simulated",
            **prices,
        }
        with publisher(settings.kafka) as kafka:
            kafka.send_raw(Topic.ETF_DAILY, b"ZZTEST", json.dumps(message).encode())
            kafka.wait()
        rejected = until(lambda: fetch(conn, "SELECT * FROM logs_consumer_error WHERE message_key = 'ZZTEST'"))
        assert "without a split" in rejected[0]["error_msg"]

        assert replay_errors.main([str(rejected[0]["id"]), "--accept"]) == 0

        try:
            stored = until(lambda: fetch(conn, "SELECT * FROM collected_daily_etf_ohlc WHERE ticker = 'ZZTEST'"))
            assert stored[0]["close_price"] == 100.0
            assert "1 messages are back" in capsys.readouterr().out
        finally:
            with transaction(conn), conn.cursor() as cursor:
                cursor.execute("DELETE FROM collected_daily_etf_ohlc WHERE ticker = 'ZZTEST'")
                cursor.execute("DELETE FROM logs_consumer_error WHERE message_key = 'ZZTEST'")


def until(ask: Callable[[], list[Row]], seconds: float = 30) -> list[Row]:
    """Ask until there is an answer."""
    deadline = time.monotonic() + seconds
    while not (rows := ask()):
        assert time.monotonic() < deadline, f"nothing within {seconds} s"
        time.sleep(0.2)
    return rows
