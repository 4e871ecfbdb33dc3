"""The dashboard's only way to data: the platform's HTTP API."""

from datetime import date
from typing import Any, TypedDict

import httpx

from utils.errors import ActstockError, InvalidInput, NotPublished

TIMEOUT_SECONDS = 5.0


class Position(TypedDict):
    position_rank: int
    ticker: str
    company_name: str | None
    sector: str | None
    portfolio_weight: float
    period_return: float
    score: float
    market_cap: int
    market_cap_source: str
    source_etfs: list[str]
    allocation_reason: str


class Portfolio(TypedDict):
    """What the dashboard uses of GET /stocks/portfolio; dates are ISO texts, as they travel."""

    as_of_date: str
    period_days: int
    status: str
    reason: str | None
    degraded_reason: str | None
    cash_weight: float
    holdings_as_of: str | None
    holdings_known_later: bool
    source: str
    published_at: str
    positions: list[Position]


class MonthlyPosition(TypedDict):
    final_rank: int
    ticker: str
    company_name: str | None
    sector: str | None
    final_weight: float
    score: float
    source_periods: list[int]
    previous_weight: float | None


class MonthlyPortfolio(TypedDict):
    """What the dashboard uses of GET /stocks/monthly-portfolio; without any date until there is a first one."""

    rebalance_date: str | None
    valid_until: str | None
    as_of_date: str | None
    previous_rebalance_date: str | None
    status: str
    reason: str | None
    degraded_reason: str | None
    holdings_as_of: str | None
    source: str | None
    positions: list[MonthlyPosition]
    removed: list[MonthlyPosition]


class ApiAway(ActstockError):
    """The API does not answer, or its database does not."""


class ApiRefused(ActstockError):
    """The API does not accept our key."""

    retryable = False


class ApiClient:
    """One connection pool to the API; tests pass a transport."""

    def __init__(self, base_url: str, api_key: str, transport: httpx.BaseTransport | None = None) -> None:
        self._base_url = base_url
        self._http = httpx.Client(
            base_url=base_url,
            headers={"X-API-Key": api_key},
            timeout=TIMEOUT_SECONDS,
            transport=transport,
            trust_env=False,
        )

    def portfolio(self, period_days: int, as_of: date | None) -> Portfolio:
        """One published portfolio; NotPublished, InvalidInput, ApiRefused or ApiAway when there is none to show."""
        answer: Portfolio = self._get("/stocks/portfolio", period_days=period_days, as_of_date=as_of)
        return answer

    def monthly(self, rebalance_date: date | None) -> MonthlyPortfolio:
        """The month's portfolio, the newest when no date is given; raises like `portfolio`."""
        answer: MonthlyPortfolio = self._get("/stocks/monthly-portfolio", rebalance_date=rebalance_date)
        return answer

    def _get(self, path: str, **params: Any) -> Any:
        given = {name: str(value) for name, value in params.items() if value is not None}
        try:
            response = self._http.get(path, params=given)
        except httpx.HTTPError as error:
            raise ApiAway(f"the API at {self._base_url} does not answer: {error}") from None
        if response.status_code == httpx.codes.OK:
            return response.json()
        raise _error(response)


def _error(response: httpx.Response) -> ActstockError:
    try:
        detail = str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        detail = f"the API answered {response.status_code}"
    kinds: dict[int, type[ActstockError]] = {401: ApiRefused, 404: NotPublished, 422: InvalidInput}
    return kinds.get(response.status_code, ApiAway)(detail)
