"""The market server as a process, asked by the real yfinance: what the client makes of it is the market's truth."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pandas
import pytest
import yfinance
from curl_cffi import CurlOpt
from curl_cffi import requests as curl
from yfinance.cache import _CookieCacheManager, _TzCacheManager
from yfinance.data import SingletonMeta, YfData
from yfinance.exceptions import YFPricesMissingError, YFRateLimitError

from market.invented import InventedMarket
from market.model import Bar
from ops.replay.market_client import authorization

UNTIL = date(2026, 8, 21)
SEED = 11
TOKEN = "a token for tests"
AFTER_CLOSE = datetime(2026, 8, 21, 20, 15, tzinfo=UTC)
HOSTS = ("fc.yahoo.com", "query1.finance.yahoo.com", "query2.finance.yahoo.com", "guce.yahoo.com", "consent.yahoo.com")
QUOTE_URL = "https://query1.finance.yahoo.com/v7/finance/quote"


class RedirectedSession(curl.Session[curl.Response]):
    """Yahoo's host names, resolved to the market server, over plain HTTP: nothing else of the client changes."""

    def __init__(self, port: int) -> None:
        resolve = [f"{host}:{port}:127.0.0.1" for host in HOSTS]
        options = {CurlOpt.RESOLVE: resolve}
        super().__init__(impersonate="chrome", trust_env=False, http_version="v1", curl_options=options)
        self._port = port

    def request(self, method: Any, url: str, **options: Any) -> curl.Response:  # type: ignore[override]
        host = urlsplit(url).hostname
        assert host in HOSTS, f"{host} is not Yahoo"
        address = urlsplit(url)._replace(scheme="http", netloc=f"{host}:{self._port}").geturl()
        return super().request(method, address, **options)


class MemoryOfCookies:
    """yfinance's cookie cache, but in this test only."""

    def __init__(self) -> None:
        self._kept: dict[str, Any] = {}

    def lookup(self, strategy: str) -> dict[str, Any] | None:
        return {"cookie": self._kept[strategy], "age": timedelta()} if strategy in self._kept else None

    def store(self, strategy: str, cookie: Any) -> None:
        self._kept[strategy] = cookie


class MemoryOfTimeZones(dict[str, str]):
    def lookup(self, ticker: str) -> str | None:
        return self.get(ticker)

    def store(self, ticker: str, zone: str) -> None:
        self[ticker] = zone


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def command(*options: str) -> list[str]:
    return [sys.executable, "-m", "market.server", *options]


def serve(*options: str) -> Iterator[httpx.Client]:
    """Run a market server and return a client of its control endpoints."""
    port = free_port()
    environ = os.environ | {"MARKET_TOKEN": TOKEN}
    server = subprocess.Popen(command("--port", str(port), *options), env=environ, stderr=subprocess.DEVNULL)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=authorization(TOKEN), timeout=10) as client:
        try:
            await_health(client, server)
            yield client
        finally:
            server.terminate()
            server.wait(10)


def await_health(client: httpx.Client, server: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert server.poll() is None, "the market server ended"
        try:
            client.get("/health").raise_for_status()
            return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("the market server did not start within a minute")


@pytest.fixture(scope="module")
def truth() -> InventedMarket:
    return InventedMarket(SEED, UNTIL)


@pytest.fixture(scope="module")
def server() -> Iterator[httpx.Client]:
    yield from serve("--seed", str(SEED), "--until", str(UNTIL))


@pytest.fixture
def yahoo(server: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> Iterator[YfData]:
    """yfinance as in a process of its own, pointed at the server."""
    monkeypatch.setattr(SingletonMeta, "_instances", {})
    monkeypatch.setattr(_CookieCacheManager, "_Cookie_cache", MemoryOfCookies())
    monkeypatch.setattr(_TzCacheManager, "_tz_cache", MemoryOfTimeZones())
    monkeypatch.setitem(yfinance.config.debug.data, "hide_exceptions", False)
    YfData.cache_get.cache_clear()
    server.put("/control/clock", json={"at": str(UNTIL)}).raise_for_status()
    server.put("/control/noise", json={"is_on": False}).raise_for_status()
    server.delete("/control/requests").raise_for_status()
    yield YfData(session=RedirectedSession(server.base_url.port or 0))
    server.delete("/control/faults").raise_for_status()


@pytest.fixture
def fault(server: httpx.Client) -> Callable[..., None]:
    def add(**values: Any) -> None:
        server.post("/control/faults", json=values).raise_for_status()

    return add


def history(ticker: str, **options: Any) -> pandas.DataFrame:
    span = {"start": "2025-08-01", "end": "2026-08-30"} | options
    bars: pandas.DataFrame = yfinance.Ticker(ticker).history(**span, auto_adjust=False, actions=True, timeout=10)
    return bars


def known(bars: list[Bar]) -> list[tuple[Any, ...]]:
    return [
        (bar.session, bar.open, bar.high, bar.low, bar.close, bar.adj_close, bar.volume, bar.dividend, bar.split_ratio)
        for bar in bars
        if bar.session >= date(2025, 8, 1) and bar.close is not None
    ]


def rows(frame: pandas.DataFrame) -> list[tuple[Any, ...]]:
    return [(row[0].date(), *row[1:8], row[8] or 1.0) for row in frame.itertuples()]


@pytest.mark.parametrize("ticker", ["SPY", "XLB", "HD", "005930.KS", "KRW=X"])
@pytest.mark.parametrize("at", ["2026-08-21T20:15:00Z", "2025-12-03T21:15:00Z", "2026-03-06T16:00:00Z"])
def test_history_is_the_market_s(
    yahoo: YfData, server: httpx.Client, truth: InventedMarket, ticker: str, at: str
) -> None:
    server.put("/control/clock", json={"at": at}).raise_for_status()
    assert rows(history(ticker)) == known(truth.bars(ticker, datetime.fromisoformat(at)))


def test_two_fetches_of_the_same_history_differ_in_adjusted_closes_alone(yahoo: YfData, server: httpx.Client) -> None:
    yfinance.cache.get_tz_cache().store("SPY", "America/New_York")
    server.put("/control/noise", json={"is_on": True}).raise_for_status()
    first = history("SPY")
    YfData.cache_get.cache_clear()
    second = history("SPY")
    apart = (second["Adj Close"] / first["Adj Close"] - 1).abs()
    assert 3e-8 < apart[apart > 0].min() <= apart.max() < 1.2e-7
    assert (apart > 0).sum() > 50
    assert first.drop(columns="Adj Close").equals(second.drop(columns="Adj Close"))


def test_a_range_of_any_length_is_one_chart_request(yahoo: YfData, server: httpx.Client) -> None:
    history("SPY", start="2024-01-02")  # and one for the time zone, which is remembered
    history("SPY")
    counted = server.get("/control/requests").json()
    assert counted["by_endpoint"] == {"cookie": 1, "getcrumb": 1, "chart": 3}
    assert counted["by_ticker"] == {"chart": {"SPY": 3}}


def test_metadata_tells_a_partial_bar_from_a_whole_one(yahoo: YfData, server: httpx.Client) -> None:
    for at, is_partial in [("2026-08-21T15:00:00Z", True), ("2026-08-21T20:00:00Z", False)]:
        server.put("/control/clock", json={"at": at}).raise_for_status()
        YfData.cache_get.cache_clear()
        ticker = yfinance.Ticker("SPY")
        last = ticker.history(start="2026-08-17", end="2026-08-30").index[-1].date()
        meta = ticker.get_history_metadata()
        ends = meta["currentTradingPeriod"]["regular"]["end"]
        assert last == ends.date() == UNTIL
        assert (meta["regularMarketTime"] < ends) == is_partial


def test_a_fund_s_holdings_are_the_market_s(yahoo: YfData, truth: InventedMarket) -> None:
    frame = yfinance.Ticker("EWY").funds_data.top_holdings
    listed = [(row.Index, row.Name, row[2]) for row in frame.itertuples()]
    assert listed == [(one.ticker, one.name, one.percent) for one in truth.holdings("EWY", AFTER_CLOSE)]


def test_the_batch_quote_has_the_market_s_caps(yahoo: YfData, server: httpx.Client, truth: InventedMarket) -> None:
    tickers = [ticker for ticker in truth.tickers if ticker not in truth.etfs][:50]
    answer = yahoo.get_raw_json(QUOTE_URL, params={"symbols": ",".join([*tickers, "NOPE"])})
    quotes = {quote["symbol"]: quote for quote in answer["quoteResponse"]["result"]}
    assert list(quotes) == tickers
    for ticker in tickers:
        quote = truth.quote(ticker, AFTER_CLOSE)
        assert quote
        assert quotes[ticker].get("marketCap") == quote.market_cap
        assert quotes[ticker].get("sharesOutstanding") == quote.shares_outstanding
    assert server.get("/control/requests").json()["by_endpoint"]["quote"] == 1


def test_info_has_sector_and_market_cap(yahoo: YfData, truth: InventedMarket) -> None:
    info = yfinance.Ticker("005930.KS").info
    quote = truth.quote("005930.KS", AFTER_CLOSE)
    assert quote and (info["marketCap"], info["currency"]) == (quote.market_cap, "KRW")
    assert (info["sector"], info["quoteType"]) == ("Technology", "EQUITY")


def test_too_many_requests(yahoo: YfData, fault: Callable[..., None]) -> None:
    fault(kind="rate_limit", endpoint="chart", count=2)  # the client repeats a refused request once
    with pytest.raises(YFRateLimitError):
        history("SPY")
    YfData.cache_get.cache_clear()
    assert len(history("SPY"))


def test_an_unknown_ticker(yahoo: YfData, fault: Callable[..., None]) -> None:
    fault(kind="unknown_ticker", ticker="SPY")
    yfinance.cache.get_tz_cache().store("SPY", "America/New_York")
    with pytest.raises(YFPricesMissingError, match="No data found, symbol may be delisted"):
        history("SPY")


def test_a_refused_crumb_is_fetched_again(yahoo: YfData, server: httpx.Client, fault: Callable[..., None]) -> None:
    fault(kind="unauthorized", endpoint="quoteSummary", count=1)
    assert len(yfinance.Ticker("XLB").funds_data.top_holdings) == 10
    assert server.get("/control/requests").json()["by_status"]["401"] == 1


def test_an_error_of_the_server(yahoo: YfData, fault: Callable[..., None]) -> None:
    fault(kind="server_error", endpoint="quoteSummary")
    with pytest.raises(curl.exceptions.HTTPError, match="500"):
        _ = yfinance.Ticker("QQQ").funds_data.top_holdings


def test_a_status_of_yahoo_s_own(server: httpx.Client, fault: Callable[..., None]) -> None:
    fault(kind="http_status", status=999, body="text")
    try:
        answer = server.get("/v8/finance/chart/SPY")
    finally:
        server.delete("/control/faults").raise_for_status()
    assert (answer.status_code, answer.text) == (999, "Request denied\r\n")


def test_a_time_out(yahoo: YfData, fault: Callable[..., None]) -> None:
    yfinance.cache.get_tz_cache().store("SPY", "America/New_York")
    fault(kind="delay", seconds=3, endpoint="chart", count=1)
    with pytest.raises(curl.exceptions.Timeout):
        yfinance.Ticker("SPY").history(start="2026-08-17", end="2026-08-30", timeout=0.5)


def test_bars_that_are_missing_or_nan_are_not_in_the_frame(yahoo: YfData, fault: Callable[..., None]) -> None:
    fault(kind="missing_bar", ticker="SPY", session="2026-08-19")
    fault(kind="nan_bar", ticker="SPY", session="2026-08-20")
    days = [day.date() for day in history("SPY", start="2026-08-18").index]
    assert days == [date(2026, 8, 18), UNTIL]


def test_a_recorded_market_says_so(tmp_path: Path) -> None:
    (tmp_path / "prices.csv").write_text(
        "ticker,date,open,high,low,close,adj_close,volume\n"
        "FUND,2026-08-20,10,11,9,10,10,100\nFUND,2026-08-21,10,12,10,12,12,200\n"
    )
    (tmp_path / "holdings.csv").write_text("etf,as_of,rank,holding_ticker,holding_name,percent\n")
    (tmp_path / "stocks.csv").write_text("ticker,name,sector,shares_outstanding,market_cap,as_of\n")
    (tmp_path / "actions.csv").write_text("ticker,date,dividend,split_ratio\n")
    for client in serve("--market", str(tmp_path), "--clock", "2026-08-20"):
        answer = client.get("/v8/finance/chart/FUND", params={"range": "max"})
        assert answer.headers["X-Market-Source"] == "recorded"
        assert answer.headers["Date"] == "Thu, 20 Aug 2026 20:15:00 GMT"
        assert answer.json()["chart"]["result"][0]["indicators"]["quote"][0]["close"] == [10]


def test_it_does_not_start_on_a_busy_port(server: httpx.Client) -> None:
    busy = str(server.base_url.port)
    ended = subprocess.run(command("--port", busy, "--until", str(UNTIL)), capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr == f"market-server: cannot listen on 127.0.0.1:{busy}: Address already in use\n"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--until", "2026-08-22"], "the market cannot end on 2026-08-22: it is not a session"),
        (["--until", "soon"], "'soon' is not a date"),
        (["--until", "2026-08-21", "--clock", "2026-09-01"], "the last closed one is 2026-08-21"),
        (["--market", "nowhere"], "nowhere: has neither prices.csv nor prices.csv.gz"),
        (["--until", "2026-08-21", "--faults", "nowhere.json"], "nowhere.json: cannot be read"),
    ],
)
def test_what_it_refuses_to_start_with(options: list[str], reason: str) -> None:
    started = subprocess.run(
        command("--port", str(free_port()), *options), capture_output=True, text=True, check=False, timeout=60
    )
    assert started.returncode == 2
    [line] = started.stderr.splitlines()
    assert line.startswith("market-server: ") and reason in line
