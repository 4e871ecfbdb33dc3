"""The API's answers, as the dashboard understands them."""

from collections.abc import Callable
from datetime import date

import httpx
import msgspec
import pytest

from contract.portfolios import ActiveAllocations
from dashboard.api_client import ApiAway, ApiClient, ApiFailed, ApiRefused
from utils.errors import ActstockError, EvidenceChanged, NotASession, NotPublished, UnknownEvidence, UnknownTicker


def client(handler: Callable[[httpx.Request], httpx.Response]) -> ApiClient:
    return ApiClient("http://api", "the-key", httpx.MockTransport(handler))


def test_asks_once_with_the_key_and_only_what_was_given() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"as_of_date": "2026-08-21", "bars": {}, "portfolios": []})

    assert client(answer).allocation(None, 20, "none") == ActiveAllocations(date(2026, 8, 21), {}, [])
    client(answer).allocation(date(2026, 8, 21), 20, "position", "MU")
    with pytest.raises(msgspec.ValidationError, match="missing required field"):
        client(answer).monthly(date(2026, 7, 26))
    assert [request.url.raw_path for request in seen] == [
        b"/dashboard/active-allocations?period_days=20&candidates=none",
        b"/dashboard/active-allocations?as_of_date=2026-08-21&period_days=20&candidates=position&ticker=MU",
        b"/stocks/monthly-portfolio?rebalance_date=2026-07-26",
    ]
    assert seen[0].headers["X-API-Key"] == "the-key"


@pytest.mark.parametrize(
    ("ask", "address"),
    [
        (lambda api: api.market_map(date(2026, 8, 21)), b"/dashboard/market-map?as_of_date=2026-08-21"),
        (lambda api: api.etf_benchmark(None, 21), b"/dashboard/etf-benchmark?sessions=21"),
        (lambda api: api.etf_list(), b"/dashboard/etf-list"),
        (lambda api: api.history("KRW=X", 22), b"/stocks/KRW=X/history?limit=22"),
        (lambda api: api.history("A/B ?", 1), b"/stocks/A%2FB%20%3F/history?limit=1"),
        (lambda api: api.appearances("005930.KS", 20), b"/stocks/005930.KS/record?limit=20"),
        (lambda api: api.holders("BRK-B"), b"/etf-holdings/comparison/BRK-B"),
        (lambda api: api.holdings("QQQ", 25), b"/etf-holdings/all-holdings?etf=QQQ&limit=25"),
    ],
)
def test_each_question_has_its_address(ask: Callable[[ApiClient], object], address: bytes) -> None:
    seen: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.raw_path)
        return httpx.Response(503)

    with pytest.raises(ApiAway):
        ask(client(answer))
    assert seen == [address]


@pytest.mark.parametrize(
    ("status", "name", "error"),
    [
        (401, "Unauthorized", ApiRefused),
        (404, "NotPublished", NotPublished),
        (404, "UnknownTicker", UnknownTicker),
        (422, "NotASession", NotASession),
        (503, "DatabaseUnavailable", ApiAway),
        (404, "UnknownEvidence", UnknownEvidence),
        (500, "EvidenceChanged", EvidenceChanged),
        (500, "ActstockError", ApiFailed),
        (400, "UnknownHost", ApiFailed),
    ],
)
def test_statuses_become_errors_with_the_apis_words(status: int, name: str, error: type[ActstockError]) -> None:
    with pytest.raises(error, match="in its words") as raised:
        client(lambda _: httpx.Response(status, json={"error": name, "detail": "in its words"})).calendar()
    assert type(raised.value) is error


def test_answer_that_is_not_the_apis_is_away() -> None:
    with pytest.raises(ApiAway, match="502"):
        client(lambda _: httpx.Response(502, text="<html>")).calendar()


def test_no_answer_is_away_and_says_where_it_was_looked_for() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("Connection refused", request=request)

    with pytest.raises(ApiAway, match="http://api does not answer: Connection refused"):
        client(refuse).calendar()
