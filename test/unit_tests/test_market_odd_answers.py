"""Faults over HTTP: every way of refusing, and answers whose symbols, currencies, quotes and lists are odd."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient

from market.app import create_app
from market.clock import MarketClock
from market.faults import Faults
from market.invented import InventedMarket
from market.state import MarketState

UNTIL = date(2026, 8, 21)
AFTER_CLOSE = datetime(2026, 8, 21, 20, 15, tzinfo=UTC)
SPY = "/v8/finance/chart/SPY"

Fault = Callable[..., None]


@pytest.fixture(scope="module")
def market() -> InventedMarket:
    return InventedMarket(7, UNTIL)


@pytest.fixture
def client(market: InventedMarket) -> Iterator[TestClient]:
    """It has the cookie, and asks with its crumb."""
    state = MarketState.of(market, MarketClock(market.sessions), Faults(market))
    with TestClient(create_app(state), base_url="http://query2.finance.yahoo.com") as client:
        cookie = client.get("http://fc.yahoo.com/").headers["Set-Cookie"].partition(";")[0].removeprefix("A3=")
        client.cookies.set("A3", cookie)
        client.params = {"crumb": client.get("/v1/test/getcrumb").text, "formatted": "false"}
        yield client


@pytest.fixture
def fault(client: TestClient) -> Fault:
    return lambda **values: client.post("/control/faults", json=values).raise_for_status() and None


def chart(client: TestClient, ticker: str = "SPY") -> dict[str, Any]:
    answer = client.get(f"/v8/finance/chart/{ticker}", params={"range": "5d"}).raise_for_status().json()
    return dict(answer["chart"]["result"][0])


def quotes(client: TestClient, *tickers: str) -> dict[str, dict[str, Any]]:
    answer = client.get("/v7/finance/quote", params={"symbols": ",".join(tickers)}).raise_for_status().json()
    return {quote["symbol"]: quote for quote in answer["quoteResponse"]["result"]}


def summary(client: TestClient, ticker: str, module: str) -> Any:
    return client.get(f"/v10/finance/quoteSummary/{ticker}", params={"modules": module})


def lines(client: TestClient, etf: str) -> list[dict[str, Any]]:
    listed = summary(client, etf, "topHoldings").raise_for_status().json()["quoteSummary"]["result"][0]
    return list(listed["topHoldings"]["holdings"])


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 429, 500, 502, 503])
def test_any_status_as_json(client: TestClient, fault: Fault, status: int) -> None:
    fault(kind="http_status", status=status, endpoint="chart", count=1)
    answer = client.get(SPY)
    envelope = "finance" if status in (401, 403) else "chart"
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/json;charset=utf-8"
    assert answer.json()[envelope]["result"] is None
    assert answer.json()[envelope]["error"]["code"]
    assert client.get(SPY).status_code == 200


@pytest.mark.parametrize(
    ("values", "content_type", "text"),
    [
        ({"status": 403, "body": "html"}, "text/html", "Forbidden"),
        ({"status": 502, "body": "html"}, "text/html", "Will be right back"),
        ({"status": 999, "body": "text"}, "text/plain", "Request denied"),
        ({"status": 429, "body": "text"}, "text/plain", "Too Many Requests"),
        ({"status": 200, "body": "html"}, "text/html", "Before you continue to Yahoo"),
        ({"status": 200, "body": "empty"}, "application/json", '{"chart":{"result":[],"error":null}}'),
        ({"status": 200, "body": "null"}, "application/json", '{"chart":{"result":null,"error":null}}'),
        ({"status": 404, "body": "json"}, "application/json", "Timestamp data missing."),
        ({"status": 401, "description": "Invalid Cookie"}, "application/json", '"description":"Invalid Cookie"'),
    ],
)
def test_any_body(client: TestClient, fault: Fault, values: dict[str, Any], content_type: str, text: str) -> None:
    fault(kind="http_status", ticker="SPY", **values)
    answer = client.get(SPY)
    assert answer.status_code == values["status"]
    assert answer.headers["Content-Type"].startswith(content_type)
    assert text in answer.text
    assert client.get("/v8/finance/chart/QQQ").status_code == 200


@pytest.mark.parametrize("status", [302, 307])
def test_a_redirection_to_the_consent_page(client: TestClient, fault: Fault, status: int) -> None:
    fault(kind="consent_redirect", status=status, endpoint="quote")
    answer = client.get("/v7/finance/quote", params={"symbols": "AAPL"}, follow_redirects=False)
    assert answer.status_code == status
    assert answer.headers["Location"].startswith("http://consent.yahoo.com/v2/collectConsent?")
    page = client.get(answer.headers["Location"])
    assert (page.status_code, "Before you continue" in page.text) == (200, True)


def test_a_text_instead_of_a_crumb_and_cookies_without_the_one_needed(client: TestClient, fault: Fault) -> None:
    fault(kind="crumb_text")
    answer = client.get("/v1/test/getcrumb")
    assert (answer.status_code, answer.text) == (200, "Too Many Requests")
    assert client.get(SPY).status_code == 200
    fault(kind="no_cookie")
    header = client.get("http://fc.yahoo.com/").headers["Set-Cookie"]
    assert "dflow=" in header and "GUCS=" in header and "A3=" not in header


@pytest.mark.parametrize("how", ["null", "absent"])
def test_a_missing_currency(client: TestClient, fault: Fault, how: str) -> None:
    fault(kind="currency_missing", ticker="AAPL", how=how)
    for described in (chart(client, "AAPL")["meta"], quotes(client, "AAPL")["AAPL"]):
        assert ("currency" in described, described.get("currency")) == (how == "null", None)
    assert chart(client)["meta"]["currency"] == "USD"


def test_another_symbol(client: TestClient, fault: Fault) -> None:
    fault(kind="renamed", ticker="V", to="VISA")
    assert chart(client, "V")["meta"]["symbol"] == "VISA"
    assert list(quotes(client, "V", "MA")) == ["VISA", "MA"]


@pytest.mark.parametrize(("column", "more"), [("timestamp", 1), ("high", -1), ("adjclose", -1)])
def test_arrays_of_different_length(client: TestClient, fault: Fault, column: str, more: int) -> None:
    fault(kind="ragged_arrays", ticker="SPY", column=column)
    result = chart(client)
    lengths = {name: len(values) for name, values in result["indicators"]["quote"][0].items()}
    lengths |= {"timestamp": len(result["timestamp"])}
    lengths |= {"adjclose": len(result["indicators"]["adjclose"][0]["adjclose"])}
    assert lengths.pop(column) == 5 + more
    assert set(lengths.values()) == {5}


@pytest.mark.parametrize("currency", ["GBp", "ZAc", "ILA"])
def test_prices_in_a_minor_unit(client: TestClient, fault: Fault, market: InventedMarket, currency: str) -> None:
    before = quotes(client, "KO")["KO"]
    fault(kind="minor_unit", ticker="KO", currency=currency)
    result, quote = chart(client, "KO"), quotes(client, "KO")["KO"]
    bars = market.bars("KO", AFTER_CLOSE)[-5:]
    assert result["meta"]["currency"] == quote["currency"] == currency
    assert result["indicators"]["quote"][0]["close"] == pytest.approx([100 * bar.close for bar in bars if bar.close])
    assert quote["regularMarketPrice"] == pytest.approx(100 * before["regularMarketPrice"])
    assert quote["marketCap"] == before["marketCap"], "that is in the major unit"
    major = {"GBp": "GBP", "ZAc": "ZAR", "ILA": "ILS"}[currency]
    assert chart(client, f"{major}=X")["meta"]["currency"] == major


def test_a_dividend_on_a_day_without_a_row(client: TestClient, fault: Fault, market: InventedMarket) -> None:
    def asked() -> dict[str, Any]:
        params = {"range": "3mo", "events": "div"}
        return dict(client.get(SPY, params=params).raise_for_status().json()["chart"]["result"][0])

    right = asked()
    [paid] = right["events"]["dividends"]
    at = right["timestamp"].index(int(paid))
    fault(kind="event_without_row", ticker="SPY", session="2026-06-18")
    told = asked()
    assert told["events"] == right["events"]
    assert told["timestamp"] == right["timestamp"][:at] + right["timestamp"][at + 1 :]
    for name, values in told["indicators"]["quote"][0].items():
        assert values == right["indicators"]["quote"][0][name][:at] + right["indicators"]["quote"][0][name][at + 1 :]
    assert len(told["indicators"]["adjclose"][0]["adjclose"]) == len(told["timestamp"])


def test_another_currency(client: TestClient, fault: Fault) -> None:
    closes = chart(client, "EWY")["indicators"]["quote"]
    fault(kind="in_currency", ticker="EWY", currency="EUR")
    result = chart(client, "EWY")
    assert (result["meta"]["currency"], result["indicators"]["quote"]) == ("EUR", closes)


def test_one_share_class(client: TestClient, fault: Fault) -> None:
    company = quotes(client, "JPM")["JPM"]["impliedSharesOutstanding"]
    fault(kind="share_class", ticker="JPM", ratio=0.48)
    quote = quotes(client, "JPM")["JPM"]
    assert (quote["sharesOutstanding"], quote["impliedSharesOutstanding"]) == (round(0.48 * company), company)
    assert quote["marketCap"] == round(company * quote["regularMarketPrice"])
    client.delete("/control/faults")
    fault(kind="share_class", ticker="JPM", ratio=0.48, implied=False)
    assert "impliedSharesOutstanding" not in quotes(client, "JPM")["JPM"]


def test_share_counts_before_a_split(client: TestClient, fault: Fault) -> None:
    right = quotes(client, "NVDA")["NVDA"]
    fault(kind="stale_shares", ticker="NVDA", ratio=10)
    stale = quotes(client, "NVDA")["NVDA"]
    for name in ("sharesOutstanding", "impliedSharesOutstanding", "marketCap"):
        assert stale[name] == pytest.approx(right[name] / 10, abs=1)
    assert stale["regularMarketPrice"] == right["regularMarketPrice"]


def test_no_quote(client: TestClient, fault: Fault) -> None:
    fault(kind="no_quote", ticker="AAPL")
    fault(kind="no_quote", ticker="MSFT", how="absent")
    found = quotes(client, "AAPL", "MSFT", "NVDA")
    assert list(found) == ["AAPL", "NVDA"]
    assert found["AAPL"]["quoteType"] == "NONE"
    assert not {"currency", "longName", "marketCap", "regularMarketPrice"} & found["AAPL"].keys()


def test_no_profile(client: TestClient, fault: Fault) -> None:
    fault(kind="no_profile", ticker="AAPL")
    answer = summary(client, "AAPL", "assetProfile")
    assert answer.status_code == 404
    told = answer.json()["quoteSummary"]["error"]["description"]
    assert told == "No fundamentals data found for any of the summaryTypes=assetProfile"
    assert summary(client, "AAPL", "price").status_code == 200


def test_no_holdings(client: TestClient, fault: Fault) -> None:
    fault(kind="no_holdings", ticker="XLF")
    fault(kind="no_holdings", ticker="XLV", how="null")
    fault(kind="no_holdings", ticker="XLY", how="empty")
    assert summary(client, "XLF", "topHoldings").status_code == 404
    assert summary(client, "XLV", "topHoldings").json()["quoteSummary"]["result"] == [{"topHoldings": None}]
    assert lines(client, "XLY") == []


@pytest.mark.parametrize(
    ("how", "odd"),
    [
        ("negative", {"symbol": "IXAZ6", "holdingName": "XAF FINANCIAL DEC26", "holdingPercent": -0.012}),
        ("over_one", {"symbol": "MASTER", "holdingName": "Master Portfolio", "holdingPercent": 1.002}),
        ("no_symbol", {"symbol": "", "holdingName": "US Dollar", "holdingPercent": 0.1}),
        ("no_percent", {"symbol": "ZZZZ", "holdingName": "No Percent Inc.", "holdingPercent": {}}),
        (
            "long_symbol",
            {"symbol": "CASH_COLLATERAL_USD_MSFUT", "holdingName": "Cash Collateral", "holdingPercent": 0.02},
        ),
    ],
)
def test_an_odd_line_among_the_holdings(client: TestClient, fault: Fault, how: str, odd: dict[str, Any]) -> None:
    right = lines(client, "XLF")
    fault(kind="odd_holding", ticker="XLF", how=how)
    listed = lines(client, "XLF")
    assert odd in listed
    assert [line for line in listed if line != odd] == right


def test_odd_lists_of_holdings(client: TestClient, fault: Fault) -> None:
    right = {etf: lines(client, etf) for etf in ("XLF", "XLV", "XLY")}
    for etf, how in {"XLF": "double", "XLV": "sum_over_one", "XLY": "long_name"}.items():
        fault(kind="odd_holding", ticker=etf, how=how)
    first = right["XLF"][0]
    parts = [line["holdingPercent"] for line in lines(client, "XLF") if line["symbol"] == first["symbol"]]
    assert len(parts) == 2 and sum(parts) == pytest.approx(first["holdingPercent"], abs=1e-12)
    assert sum(line["holdingPercent"] for line in lines(client, "XLV")) > 1
    assert len(lines(client, "XLY")[0]["holdingName"]) > 255
    assert lines(client, "XLY")[1:] == right["XLY"][1:]
