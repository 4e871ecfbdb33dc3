"""The API's answers, as the dashboard understands them."""

from collections.abc import Callable
from datetime import date

import httpx
import pytest

from api.models import schemas
from dashboard import api_client
from dashboard.api_client import ApiAway, ApiClient, ApiRefused
from utils.errors import ActstockError, InvalidInput, NotPublished


def client(handler: Callable[[httpx.Request], httpx.Response]) -> ApiClient:
    return ApiClient("http://api", "the-key", httpx.MockTransport(handler))


def test_asks_once_with_the_key_and_only_what_was_given() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"positions": []})

    assert client(answer).portfolio(10, None) == {"positions": []}
    client(answer).portfolio(10, date(2026, 8, 21))
    client(answer).monthly(date(2026, 7, 26))
    assert [request.url.raw_path for request in seen] == [
        b"/stocks/portfolio?period_days=10",
        b"/stocks/portfolio?period_days=10&as_of_date=2026-08-21",
        b"/stocks/monthly-portfolio?rebalance_date=2026-07-26",
    ]
    assert seen[0].headers["X-API-Key"] == "the-key"


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, ApiRefused), (404, NotPublished), (422, InvalidInput), (503, ApiAway), (500, ApiAway)],
)
def test_statuses_become_errors_with_the_apis_words(status: int, error: type[ActstockError]) -> None:
    with pytest.raises(error, match="in its words"):
        client(lambda _: httpx.Response(status, json={"error": "X", "detail": "in its words"})).portfolio(20, None)


def test_answer_that_is_not_the_apis_is_away() -> None:
    with pytest.raises(ApiAway, match="502"):
        client(lambda _: httpx.Response(502, text="<html>")).portfolio(20, None)


def test_no_answer_is_away_and_says_where_it_was_looked_for() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("Connection refused", request=request)

    with pytest.raises(ApiAway, match="http://api does not answer: Connection refused"):
        client(refuse).portfolio(20, None)


def test_what_the_dashboard_reads_is_what_the_api_documents() -> None:
    assert set(api_client.Portfolio.__annotations__) <= set(schemas.Portfolio.model_fields)
    assert set(api_client.Position.__annotations__) <= set(schemas.Position.model_fields)
    assert set(api_client.MonthlyPortfolio.__annotations__) <= set(schemas.MonthlyPortfolio.model_fields)
    assert set(api_client.MonthlyPosition.__annotations__) <= set(schemas.MonthlyPosition.model_fields)
