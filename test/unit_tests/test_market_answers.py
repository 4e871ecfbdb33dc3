"""What the market server answers over HTTP: Yahoo's shapes and refusals, and its own control endpoints."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote_plus

import pytest
from fastapi.testclient import TestClient

from collector.market.app import create_app
from collector.market.clock import MarketClock
from collector.market.faults import Faults
from collector.market.invented import InventedMarket
from collector.market.state import MarketState

UNTIL = date(2026, 8, 21)
EASTERN_OPEN, EASTERN_CLOSE = 1787319000, 1787342400  # 2026-08-21 09:30 and 16:00 in New York


@pytest.fixture(scope="module")
def market() -> InventedMarket:
    return InventedMarket(7, UNTIL)


@pytest.fixture
def client(market: InventedMarket) -> Iterator[TestClient]:
    state = MarketState.of(market, MarketClock(market.sessions), Faults(market))
    with TestClient(create_app(state), base_url="http://query2.finance.yahoo.com") as client:
        yield client


@pytest.fixture
def crumb(client: TestClient) -> str:
    """Of a client that has the cookie."""
    cookie = client.get("http://fc.yahoo.com/").headers["Set-Cookie"].partition(";")[0].removeprefix("A3=")
    client.cookies.set("A3", cookie)
    return client.get("/v1/test/getcrumb").text


def chart(client: TestClient, ticker: str, **params: Any) -> dict[str, Any]:
    answer = client.get(f"/v8/finance/chart/{ticker}", params=params).raise_for_status().json()["chart"]
    assert answer["error"] is None
    [result] = answer["result"]
    return dict(result)


def test_every_answer_has_the_market_s_date_and_label(client: TestClient) -> None:
    for path in ("/", "/v8/finance/chart/SPY", "/v8/finance/chart/NOPE", "/control/status", "/health", "/nowhere"):
        headers = client.get(path).headers
        assert parsedate_to_datetime(headers["Date"]) == datetime(2026, 8, 21, 20, 15, tzinfo=UTC)
        assert headers["X-Market-Source"] == "simulated"


def test_a_chart_has_the_shape_of_yahoo_s(client: TestClient, market: InventedMarket) -> None:
    result = chart(client, "SPY", range="5d")
    quote, meta = result["indicators"]["quote"][0], result["meta"]
    bars = market.bars("SPY", datetime(2026, 8, 21, 20, 15, tzinfo=UTC))[-5:]
    assert quote == {
        column: [getattr(bar, column) for bar in bars] for column in ("open", "high", "low", "close", "volume")
    }
    assert result["indicators"]["adjclose"] == [{"adjclose": [bar.adj_close for bar in bars]}]
    assert result["timestamp"][-1] == EASTERN_OPEN
    assert (meta["symbol"], meta["instrumentType"], meta["currency"]) == ("SPY", "ETF", "USD")
    assert meta["exchangeTimezoneName"] == "America/New_York"
    assert meta["currentTradingPeriod"]["regular"] == {
        "timezone": "EDT",
        "start": EASTERN_OPEN,
        "end": EASTERN_CLOSE,
        "gmtoffset": -14400,
    }
    assert (meta["regularMarketTime"], meta["regularMarketPrice"]) == (EASTERN_CLOSE, bars[-1].close)


def test_a_chart_between_two_moments_excludes_the_second(client: TestClient) -> None:
    day = 24 * 3600
    result = chart(client, "SPY", period1=EASTERN_OPEN - 2 * day, period2=EASTERN_OPEN)
    assert result["timestamp"] == [EASTERN_OPEN - 2 * day, EASTERN_OPEN - day]


@pytest.mark.parametrize(
    ("span", "count"), [("1d", 1), ("5d", 5), ("1mo", 23), ("1y", 252), ("ytd", 160), ("max", 756)]
)
def test_a_chart_of_a_range(client: TestClient, span: str, count: int) -> None:
    assert len(chart(client, "SPY", range=span)["timestamp"]) == count


def test_a_range_without_bars_has_no_timestamps(client: TestClient) -> None:
    result = chart(client, "SPY", period1=0, period2=1)
    assert "timestamp" not in result
    assert result["indicators"]["quote"] == [{}]


def test_events_are_keyed_by_the_opening_of_their_day(client: TestClient, market: InventedMarket) -> None:
    events = chart(client, "XLB", range="1y", events="div,splits,capitalGains")["events"]
    [split] = events["splits"].values()
    assert (split["numerator"], split["denominator"], split["splitRatio"]) == (2.0, 1.0, "2:1")
    assert all(int(key) == event["date"] for key, event in events["dividends"].items())
    assert len(events["dividends"]) == 4
    assert "events" not in chart(client, "XLB", range="1y")


def test_a_running_session_is_stamped_with_the_last_trade(client: TestClient) -> None:
    client.put("/control/clock", json={"at": "2026-08-21T17:00:00Z"}).raise_for_status()
    result = chart(client, "SPY", range="2d")
    assert result["meta"]["regularMarketTime"] == result["timestamp"][-1] == EASTERN_CLOSE - 3 * 3600
    assert result["meta"]["currentTradingPeriod"]["regular"]["end"] == EASTERN_CLOSE


def test_a_bar_that_stays_partial_was_last_traded_before_the_close(client: TestClient) -> None:
    client.post("/control/faults", json={"kind": "partial_bar", "ticker": "SPY"}).raise_for_status()
    assert chart(client, "SPY")["meta"]["regularMarketTime"] == (EASTERN_OPEN + EASTERN_CLOSE) // 2


def test_korean_sessions_and_exchange_rates_have_their_own_hours(client: TestClient) -> None:
    korean, rate = chart(client, "005930.KS", range="1d"), chart(client, "KRW=X", range="1d")
    assert datetime.fromtimestamp(korean["timestamp"][0], UTC) == datetime(2026, 8, 21, 0, 0, tzinfo=UTC)
    assert (korean["meta"]["exchangeTimezoneName"], korean["meta"]["currency"]) == ("Asia/Seoul", "KRW")
    assert datetime.fromtimestamp(rate["timestamp"][0], UTC) == datetime(2026, 8, 20, 23, 0, tzinfo=UTC)
    assert (rate["meta"]["instrumentType"], rate["meta"]["currency"]) == ("CURRENCY", "KRW")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v8/finance/chart/NOPE", 404, "Not Found"),
        ("/v8/finance/chart/SPY?interval=1h", 422, "Unprocessable Entity"),
        ("/v8/finance/chart/SPY?range=ever", 422, "Unprocessable Entity"),
        ("/v8/finance/chart/SPY?period1=2&period2=1", 400, "Bad Request"),
    ],
)
def test_charts_that_are_refused(client: TestClient, path: str, status: int, code: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.json()["chart"]["error"]["code"]) == (status, code)


def test_the_cookie_expires_by_the_real_clock(client: TestClient) -> None:
    header = client.get("/").headers["Set-Cookie"]
    assert "Domain=.yahoo.com" in header
    expires = next(part for part in header.split("; ") if part.startswith("Expires=")).removeprefix("Expires=")
    assert parsedate_to_datetime(expires) > datetime.now(UTC)


def test_a_crumb_goes_with_a_cookie(client: TestClient) -> None:
    assert client.get("/v1/test/getcrumb").status_code == 401


def test_a_crumb_is_eleven_characters_and_stays(client: TestClient, crumb: str) -> None:
    assert len(crumb) == 11
    assert client.get("/v1/test/getcrumb").text == crumb


@pytest.mark.parametrize("path", ["/v7/finance/quote?symbols=AAPL", "/v10/finance/quoteSummary/AAPL?modules=price"])
def test_questions_about_a_company_need_the_crumb(client: TestClient, crumb: str, path: str) -> None:
    with_crumb = f"{path}&crumb={quote_plus(crumb)}"
    assert client.get(with_crumb).status_code == 200
    assert client.get(path).json()["finance"]["error"]["description"] == "Invalid Crumb"
    client.cookies.clear()
    assert client.get(with_crumb).status_code == 401


def test_quotes_leave_out_unknown_tickers_and_unknown_figures(client: TestClient, crumb: str) -> None:
    params = {"symbols": "AAPL,NOPE,CEG,BRK-B,005930.KS", "crumb": crumb}
    answer = client.get("/v7/finance/quote", params=params).json()["quoteResponse"]
    quotes = {quote["symbol"]: quote for quote in answer["result"]}
    assert list(quotes) == ["AAPL", "CEG", "BRK-B", "005930.KS"]
    assert {"marketCap", "sharesOutstanding"} <= quotes["AAPL"].keys()
    assert not {"marketCap", "sharesOutstanding"} & quotes["CEG"].keys()
    assert "marketCap" in quotes["BRK-B"] and "sharesOutstanding" not in quotes["BRK-B"]
    assert (quotes["005930.KS"]["currency"], quotes["AAPL"]["longName"]) == ("KRW", "Apple Inc.")


def summary(client: TestClient, crumb: str, ticker: str, modules: str) -> dict[str, Any]:
    params = {"modules": modules, "crumb": crumb}
    answer = client.get(f"/v10/finance/quoteSummary/{ticker}", params=params).raise_for_status().json()
    return dict(answer["quoteSummary"]["result"][0])


def test_a_fund_has_its_holdings_and_a_stock_its_sector(client: TestClient, crumb: str) -> None:
    modules = "quoteType,summaryProfile,topHoldings,fundProfile,assetProfile"
    fund, stock = summary(client, crumb, "EWY", modules), summary(client, crumb, "AAPL", modules)
    assert set(fund) == {"quoteType", "summaryProfile", "topHoldings", "fundProfile"}
    assert fund["topHoldings"]["holdings"][0].keys() == {"symbol", "holdingName", "holdingPercent"}
    assert len(fund["topHoldings"]["holdings"]) == 10
    assert "topHoldings" not in stock
    assert stock["assetProfile"]["sector"] == "Technology"


def test_a_summary_of_nobody(client: TestClient, crumb: str) -> None:
    answer = client.get("/v10/finance/quoteSummary/NOPE", params={"modules": "price", "crumb": crumb})
    assert (answer.status_code, answer.json()["quoteSummary"]["error"]["code"]) == (404, "Not Found")


def test_share_counts_as_a_timeseries(client: TestClient, market: InventedMarket) -> None:
    path = "/ws/fundamentals-timeseries/v1/finance/timeseries/AAPL"
    [shares] = client.get(path).json()["timeseries"]["result"]
    quote = market.quote("AAPL", datetime(2026, 8, 21, 20, 15, tzinfo=UTC))
    assert quote and shares["shares_out"] == [quote.shares_outstanding]
    [other] = client.get(path, params={"type": "trailingPegRatio"}).json()["timeseries"]["result"]
    assert other == {"meta": {"symbol": ["AAPL"], "type": ["trailingPegRatio"]}}


@pytest.mark.parametrize(
    ("kind", "status"), [("rate_limit", 429), ("unauthorized", 401), ("server_error", 500), ("delay", 200)]
)
def test_faulty_answers(client: TestClient, kind: str, status: int) -> None:
    fault = {"kind": kind, "count": 1} | ({"seconds": 0.01} if kind == "delay" else {})
    client.post("/control/faults", json=fault).raise_for_status()
    assert [client.get("/v8/finance/chart/SPY").status_code for _ in range(2)] == [status, 200]


def test_a_delay_is_as_long_as_it_says(client: TestClient) -> None:
    client.post("/control/faults", json={"kind": "delay", "seconds": 0.2}).raise_for_status()
    assert client.get("/v8/finance/chart/SPY").elapsed.total_seconds() >= 0.2


def test_requests_are_counted_by_endpoint_ticker_and_status(client: TestClient, crumb: str) -> None:
    client.delete("/control/requests")
    client.get("/v8/finance/chart/SPY")
    client.get("/v8/finance/chart/KRW=X")
    client.get("/v8/finance/chart/NOPE")
    client.get("/v7/finance/quote", params={"symbols": "AAPL,MSFT", "crumb": crumb})
    client.get("/health")
    assert client.get("/control/requests").json() == {
        "total": 4,
        "by_endpoint": {"chart": 3, "quote": 1},
        "by_ticker": {"chart": {"KRW=X": 1, "NOPE": 1, "SPY": 1}, "quote": {"AAPL": 1, "MSFT": 1}},
        "by_status": {"200": 3, "404": 1},
    }
    assert client.delete("/control/requests").json()["total"] == 0


def test_the_status_says_which_market_this_is(client: TestClient) -> None:
    client.post("/control/faults", json={"kind": "no_market_cap", "ticker": "AAPL"})
    status = client.get("/control/status").json()
    assert (status["source"], status["seed"], status["last_session"]) == ("simulated", 7, "2026-08-21")
    assert status["clock"] == {"at": "2026-08-21T20:15:00Z", "is_real": False}
    assert status["faults"] == [{"kind": "no_market_cap", "ticker": "AAPL"}]
    assert status["restatements"][-1]["ticker"] == "XLF"


@pytest.mark.parametrize(
    ("method", "path", "body", "reason"),
    [
        ("PUT", "/control/clock", {"at": "soon"}, "not a clock setting"),
        ("PUT", "/control/clock", {}, "Field required"),
        ("POST", "/control/faults", {"kind": "flood"}, "flood"),
        ("POST", "/control/faults", {"kind": "delay", "seconds": 0}, "greater than 0"),
        ("POST", "/control/faults", {"kind": "no_market_cap", "ticker": "NOPE"}, "no NOPE"),
        ("POST", "/control/faults", {"kind": "missing_bar", "ticker": "SPY"}, "session"),
        ("POST", "/control/faults", {"kind": "rate_limit", "endpoint": "charts"}, "endpoint"),
    ],
)
def test_nonsense_is_refused_with_the_reason(
    client: TestClient, method: str, path: str, body: Any, reason: str
) -> None:
    answer = client.request(method, path, json=body)
    assert answer.status_code == 422
    assert reason in answer.text
    detail = answer.json()["detail"]
    assert isinstance(detail, str) or len(detail) == 1


def test_clearing_the_faults(client: TestClient) -> None:
    client.post("/control/faults", json={"kind": "server_error"})
    assert client.delete("/control/faults").json() == []
    assert client.get("/v8/finance/chart/SPY").status_code == 200


def test_a_restated_bar_is_wrong_until_it_is_corrected(client: TestClient, market: InventedMarket) -> None:
    restated = market.restatements[-1]
    closes = []
    for at in (restated.session.isoformat(), restated.corrected_at.isoformat()):
        client.put("/control/clock", json={"at": at}).raise_for_status()
        result = chart(client, restated.ticker, range="5d")
        days = [datetime.fromtimestamp(time, UTC).date() for time in result["timestamp"]]
        closes.append(result["indicators"]["quote"][0]["close"][days.index(restated.session)])
    assert closes[0] == pytest.approx(closes[1] * 1.006, abs=0.01)
