"""What the market server answers over HTTP: Yahoo's shapes and refusals, and its own control endpoints."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote_plus

import pytest
from fastapi.testclient import TestClient

from market import server
from market.app import create_app
from market.clock import MarketClock
from market.faults import Faults
from market.invented import InventedMarket
from market.state import MarketState

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
    return str(client.get("/v1/test/getcrumb").text)


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
    assert (meta["symbol"], meta["instrumentType"], meta["currency"]) == ("SPY", "ETF", "USD")
    assert meta["exchangeTimezoneName"] == "America/New_York"
    assert meta["currentTradingPeriod"]["regular"] == {
        "timezone": "EDT",
        "start": EASTERN_OPEN,
        "end": EASTERN_CLOSE,
        "gmtoffset": -14400,
    }
    assert EASTERN_CLOSE <= meta["regularMarketTime"] <= EASTERN_CLOSE + 6
    assert meta["regularMarketPrice"] == bars[-1].close
    year = market.bars("SPY", datetime(2026, 8, 21, 20, 15, tzinfo=UTC))[-252:]
    assert meta["fiftyTwoWeekHigh"] == max(bar.high for bar in year if bar.high)
    assert meta["fiftyTwoWeekLow"] == min(bar.low for bar in year if bar.low)


def test_the_last_bar_is_stamped_with_its_last_trade_until_six_hours_after_the_close(client: TestClient) -> None:
    stamps = []
    for at in ("2026-08-21T20:15:00Z", "2026-08-22T01:59:00Z", "2026-08-22T02:10:00Z", "2026-08-24T13:00:00Z"):
        client.put("/control/clock", json={"at": at}).raise_for_status()
        result = chart(client, "SPY", range="5d")
        stamps.append(result["timestamp"][-1])
        assert result["timestamp"][-2] == EASTERN_OPEN - 24 * 3600
        assert EASTERN_CLOSE <= result["meta"]["regularMarketTime"] <= EASTERN_CLOSE + 6
    assert stamps[0] == stamps[1] == result["meta"]["regularMarketTime"]
    assert stamps[2:] == [EASTERN_OPEN, EASTERN_OPEN]


def test_what_is_rarely_traded_was_last_traded_before_the_close(client: TestClient) -> None:
    assert EASTERN_CLOSE - 2700 <= chart(client, "FN")["meta"]["regularMarketTime"] <= EASTERN_CLOSE - 300
    client.post("/control/faults", json={"kind": "thin", "ticker": "SPY"}).raise_for_status()
    result = chart(client, "SPY")
    assert EASTERN_CLOSE - 2700 <= result["meta"]["regularMarketTime"] == result["timestamp"][-1] < EASTERN_CLOSE
    assert result["meta"]["currentTradingPeriod"]["regular"]["end"] == EASTERN_CLOSE


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
    assert result["indicators"] == {"quote": [{}]}


def test_keys_stand_as_on_yahoo_and_whole_numbers_are_integers(client: TestClient) -> None:
    text = client.get("/v8/finance/chart/005930.KS", params={"range": "1y", "events": "div"}).text
    assert text.index('"timestamp"') < text.index('"events"') < text.index('"indicators"')
    assert ".0," not in text and ".0]" not in text
    assert chart(client, "AAPL", range="1d")["indicators"]["quote"][0]["close"][0] % 0.01 > 1e-7, "single precision"


def test_headers_are_yahoo_s(client: TestClient) -> None:
    answer = client.get("/v8/finance/chart/SPY", params={"range": "max"})
    assert answer.headers["Content-Type"] == "application/json;charset=utf-8"
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Server"] == "ATS"
    assert answer.headers["Age"] == "0"
    assert answer.headers["Cache-Control"] == "public, max-age=10, stale-while-revalidate=20"
    assert "Server" not in client.get("/control/status").headers


def test_every_second_answer_is_in_the_other_version(client: TestClient, market: InventedMarket) -> None:
    texts = [client.get("/v8/finance/chart/SPY", params={"range": "1y"}).text for _ in range(4)]
    assert texts[0] == texts[2] != texts[1] == texts[3]
    results = [json.loads(text)["chart"]["result"][0] for text in texts[:2]]
    first, second = (result["indicators"]["adjclose"][0]["adjclose"] for result in results)
    assert first == [bar.adj_close for bar in market.bars("SPY", datetime(2026, 8, 21, 20, 15, tzinfo=UTC))[-252:]]
    steps = {abs(other / one - 1) for one, other in zip(first, second, strict=True)} - {0.0}
    assert len(steps) > 50 and 3e-8 < min(steps) < max(steps) < 1.2e-7
    assert first[-25:] == second[-25:]
    assert results[0]["indicators"]["quote"] == results[1]["indicators"]["quote"]
    assert results[0]["meta"] == results[1]["meta"]
    assert list(results[0]["meta"]) != list(results[1]["meta"])


def test_without_noise_all_answers_are_the_first(client: TestClient) -> None:
    def told() -> str:
        return str(client.get("/v8/finance/chart/SPY", params={"range": "1y"}).text)

    truth = told()
    assert client.put("/control/noise", json={"is_on": False}).json() == {"is_on": False}
    assert {told() for _ in range(3)} == {truth}
    client.put("/control/noise", json={"is_on": True})
    assert client.get("/control/status").json()["noise"] is True
    assert told() == truth != told()


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


def test_a_bar_that_stays_partial_is_an_old_answer_of_the_middle_of_the_session(client: TestClient) -> None:
    client.put("/control/clock", json={"at": "2026-08-21T16:45:00Z"}).raise_for_status()
    then = chart(client, "SPY", range="5d")
    client.put("/control/clock", json={"at": "2026-08-21"}).raise_for_status()
    client.put("/control/noise", json={"is_on": False})
    client.post("/control/faults", json={"kind": "partial_bar", "ticker": "SPY"}).raise_for_status()
    answer = client.get("/v8/finance/chart/SPY", params={"range": "5d"})
    assert answer.json()["chart"]["result"] == [then]
    assert then["meta"]["regularMarketTime"] == (EASTERN_OPEN + EASTERN_CLOSE) // 2
    made = parsedate_to_datetime(answer.headers["Date"]) - timedelta(seconds=int(answer.headers["Age"]))
    assert made == datetime(2026, 8, 21, 16, 45, tzinfo=UTC)
    assert client.get("/v8/finance/chart/QQQ").headers["Age"] == "0"


def test_korean_sessions_and_exchange_rates_have_their_own_hours(client: TestClient) -> None:
    korean, rate = chart(client, "005930.KS", range="1d"), chart(client, "KRW=X", range="2d")
    assert datetime.fromtimestamp(korean["timestamp"][0], UTC) == datetime(2026, 8, 21, 0, 0, tzinfo=UTC)
    assert (korean["meta"]["exchangeTimezoneName"], korean["meta"]["currency"]) == ("Asia/Seoul", "KRW")
    assert datetime.fromtimestamp(rate["timestamp"][0], UTC) == datetime(2026, 8, 19, 23, 0, tzinfo=UTC)
    assert rate["timestamp"][1] == rate["meta"]["regularMarketTime"] == EASTERN_CLOSE + 15 * 60, "it goes on"
    assert (rate["meta"]["instrumentType"], rate["meta"]["currency"]) == ("CURRENCY", "KRW")
    period = rate["meta"]["currentTradingPeriod"]["regular"]
    assert datetime.fromtimestamp(period["end"], UTC) == datetime(2026, 8, 21, 22, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "is_over"), [("2026-08-21T06:49:00Z", False), ("2026-08-21T06:51:00Z", True)], ids=["15:49", "15:51"]
)
def test_seoul_answers_twenty_minutes_late_and_its_period_ends_before_its_close(
    client: TestClient, market: InventedMarket, at: str, is_over: bool
) -> None:
    client.put("/control/clock", json={"at": at}).raise_for_status()
    result = chart(client, "005930.KS", range="1d")
    closes, period = datetime(2026, 8, 21, 6, 30, tzinfo=UTC), result["meta"]["currentTradingPeriod"]["regular"]
    assert datetime.fromtimestamp(period["end"], UTC) == datetime(2026, 8, 21, 6, 0, tzinfo=UTC)
    assert (result["meta"]["regularMarketTime"] >= closes.timestamp()) == is_over
    assert result["meta"]["regularMarketTime"] > period["end"]
    [close] = result["indicators"]["quote"][0]["close"]
    assert (close == market.bars("005930.KS", datetime(2026, 8, 21, 20, tzinfo=UTC))[-1].close) == is_over


def test_half_days_end_at_one(client: TestClient) -> None:
    client.put("/control/clock", json={"at": "2025-11-28"}).raise_for_status()
    end = chart(client, "SPY")["meta"]["currentTradingPeriod"]["regular"]["end"]
    assert datetime.fromtimestamp(end, UTC) == datetime(2025, 11, 28, 18, 0, tzinfo=UTC)


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
    params = {"symbols": "AAPL,NOPE,CEG,BAC,BRK-B,META,D,QQQ,005930.KS", "crumb": crumb}
    answer = client.get("/v7/finance/quote", params=params).json()["quoteResponse"]
    quotes = {quote["symbol"]: quote for quote in answer["result"]}
    assert list(quotes) == ["AAPL", "CEG", "BAC", "BRK-B", "META", "D", "QQQ", "005930.KS"]
    assert {"marketCap", "sharesOutstanding"} <= quotes["AAPL"].keys()
    assert not {"marketCap", "sharesOutstanding"} & quotes["CEG"].keys()
    assert "marketCap" in quotes["BAC"] and "sharesOutstanding" not in quotes["BAC"]
    assert "currency" not in quotes["D"]
    for ticker, part in {"BRK-B": 0.63, "005930.KS": 0.88}.items():
        quote = quotes[ticker]
        assert quote["sharesOutstanding"] / quote["impliedSharesOutstanding"] == pytest.approx(part, abs=1e-4)
        assert quote["marketCap"] == round(quote["impliedSharesOutstanding"] * quote["regularMarketPrice"])
    assert "impliedSharesOutstanding" not in quotes["META"], "it follows from market cap and price"
    for ticker, times in {"META": 1 / 0.86, "QQQ": 1.07}.items():
        quote = quotes[ticker]
        counted = quote["sharesOutstanding"] * quote["regularMarketPrice"]
        assert quote["marketCap"] / counted == pytest.approx(times, abs=1e-4)
    assert (quotes["005930.KS"]["currency"], quotes["AAPL"]["longName"]) == ("KRW", "Apple Inc.")


def summary(client: TestClient, crumb: str, ticker: str, modules: str) -> dict[str, Any]:
    params = {"modules": modules, "crumb": crumb, "formatted": "false"}
    answer = client.get(f"/v10/finance/quoteSummary/{ticker}", params=params).raise_for_status().json()
    return dict(answer["quoteSummary"]["result"][0])


def test_a_fund_has_its_holdings_and_a_stock_its_sector(client: TestClient, crumb: str) -> None:
    modules = "quoteType,summaryProfile,topHoldings,fundProfile,assetProfile"
    fund, stock = summary(client, crumb, "EWY", modules), summary(client, crumb, "AAPL", modules)
    assert set(fund) == {"quoteType", "summaryProfile", "topHoldings", "fundProfile", "assetProfile"}
    assert "sector" not in fund["assetProfile"]
    assert {"bondPosition", "otherPosition", "preferredPosition", "convertiblePosition"} <= fund["topHoldings"].keys()
    assert fund["topHoldings"]["holdings"][0].keys() == {"symbol", "holdingName", "holdingPercent"}
    assert len(fund["topHoldings"]["holdings"]) == 10
    assert "topHoldings" not in stock
    assert stock["assetProfile"]["sector"] == "Technology"


def test_numbers_have_a_text_beside_them_unless_they_are_asked_for_without(
    client: TestClient, crumb: str, market: InventedMarket
) -> None:
    params = {"modules": "topHoldings", "crumb": crumb}
    answer = client.get("/v10/finance/quoteSummary/XLB", params=params).json()["quoteSummary"]["result"][0]
    first = market.holdings("XLB", datetime(2026, 8, 21, 20, 15, tzinfo=UTC))[0].percent
    assert answer["topHoldings"]["holdings"][0]["holdingPercent"] == {"raw": first, "fmt": f"{first:.2%}"}


def test_one_holding_stands_in_two_lines(client: TestClient, crumb: str, market: InventedMarket) -> None:
    lines = summary(client, crumb, "QQQ", "topHoldings")["topHoldings"]["holdings"]
    true = market.holdings("QQQ", datetime(2026, 8, 21, 20, 15, tzinfo=UTC))
    assert (len(lines), len(true)) == (11, 10)
    for holding in true:
        parts = [line["holdingPercent"] for line in lines if line["symbol"] == holding.ticker]
        assert len(parts) == (2 if holding == true[1] else 1)
        assert sum(parts) == pytest.approx(holding.percent, abs=1e-12)


def test_lists_and_profiles_that_are_not_there(client: TestClient, crumb: str) -> None:
    def status(ticker: str, module: str) -> tuple[int, str | None]:
        answer = client.get(f"/v10/finance/quoteSummary/{ticker}", params={"modules": module, "crumb": crumb})
        error = answer.json()["quoteSummary"]["error"]
        return answer.status_code, error and error["description"]

    nothing = "No fundamentals data found for any of the summaryTypes="
    assert status("GLD", "topHoldings") == (404, nothing + "topHoldings")
    assert status("DASH", "assetProfile") == (404, nothing + "assetProfile")
    assert status("DASH", "price") == (200, None)
    client.put("/control/clock", json={"at": "2026-08-17"}).raise_for_status()
    assert summary(client, crumb, "SCHD", "topHoldings")["topHoldings"]["holdings"] == []
    client.put("/control/clock", json={"at": "2026-08-18"}).raise_for_status()
    assert len(summary(client, crumb, "SCHD", "topHoldings")["topHoldings"]["holdings"]) == 10


def test_a_company_that_is_delisted() -> None:
    market = InventedMarket(7, date(2026, 9, 25), sessions=60)
    state = MarketState.of(market, MarketClock(market.sessions), Faults(market))
    with TestClient(create_app(state), base_url="http://query2.finance.yahoo.com") as client:
        cookie = client.get("http://fc.yahoo.com/").headers["Set-Cookie"].partition(";")[0].removeprefix("A3=")
        client.cookies.set("A3", cookie)
        params = {"symbols": "SPR", "crumb": client.get("/v1/test/getcrumb").text}
        for at, status, kind in (("2026-09-18", 200, "EQUITY"), ("2026-09-21", 404, "NONE")):
            client.put("/control/clock", json={"at": at}).raise_for_status()
            answer = client.get("/v8/finance/chart/SPR")
            [quote] = client.get("/v7/finance/quote", params=params).json()["quoteResponse"]["result"]
            assert (answer.status_code, quote["quoteType"]) == (status, kind)
        assert answer.json()["chart"]["error"]["description"] == "No data found, symbol may be delisted"
        assert not {"currency", "longName", "marketCap"} & quote.keys()
        held = [one.ticker for one in market.holdings("IWM", datetime(2026, 9, 25, 20, 15, tzinfo=UTC))]
        assert "SPR" in held


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


@pytest.mark.parametrize("header", [None, "", "Bearer ", "Bearer wrong", "Basic the-token", "the-token"])
def test_the_control_wants_the_token(market: InventedMarket, header: str | None) -> None:
    state = MarketState.of(market, MarketClock(market.sessions), Faults(market))
    headers = {} if header is None else {"Authorization": header}
    with TestClient(create_app(state, "the-token"), base_url="http://query2.finance.yahoo.com") as client:
        document = client.get("/openapi.json").json()["paths"]
        asked = [(path, method) for path, methods in document.items() for method in methods if path != "/health"]
        assert len(asked) > 8
        refused = {client.request(method, path, headers=headers).status_code for path, method in asked}
        assert refused == {401}
        assert client.put("/control/clock", headers=headers, json={"at": "real"}).status_code == 401
        assert client.get("/control/status", headers={"Authorization": "Bearer the-token"}).status_code == 200
        assert client.get("/health").status_code == client.get("/v8/finance/chart/SPY").status_code == 200


@pytest.mark.parametrize(
    ("host", "token", "is_refused"),
    [("127.0.0.1", "", False), ("0.0.0.0", "", True), ("0.0.0.0", "the-token", False)],
)
def test_a_server_for_a_network_has_a_token(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], host: str, token: str, is_refused: bool
) -> None:
    monkeypatch.setenv("MARKET_TOKEN", token)
    monkeypatch.setattr(server, "_serve", lambda *_: None)
    assert server.main(["--host", host, "--port", "0", "--until", "2026-08-21"]) == (2 if is_refused else 0)
    assert ("MARKET_TOKEN is not set" in capsys.readouterr().err) is is_refused


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
