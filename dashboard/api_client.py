"""The dashboard's only way to data: the platform's HTTP API."""

import time
from datetime import date
from typing import Any, cast
from urllib.parse import quote

import httpx

from dashboard import answers, api_use
from utils.errors import ActstockError, InvalidInput, NotPublished, UnknownTicker

TIMEOUT_SECONDS = 5.0


class ApiAway(ActstockError):
    """The API does not answer, or its database does not."""


class ApiRefused(ActstockError):
    """The API does not accept our key."""

    retryable = False


class ApiClient:
    """One connection pool to the API; tests pass a transport.

    Every method raises NotPublished, UnknownTicker, InvalidInput, ApiRefused or ApiAway when there is nothing to show.
    """

    def __init__(self, base_url: str, api_key: str, transport: httpx.BaseTransport | None = None) -> None:
        self._base_url = base_url
        self._http = httpx.Client(
            base_url=base_url,
            headers={"X-API-Key": api_key},
            timeout=TIMEOUT_SECONDS,
            transport=transport,
            trust_env=False,
        )

    def allocations(self, as_of: date | None) -> answers.ActiveAllocations:
        """The three portfolios of a session, the newest when none is given, with all candidates."""
        return cast(answers.ActiveAllocations, self._get("/dashboard/active-allocations", as_of_date=as_of))

    def monthly(self, rebalance_date: date | None) -> answers.MonthlyPortfolio:
        """The month's portfolio, the newest when no date is given."""
        return cast(answers.MonthlyPortfolio, self._get("/stocks/monthly-portfolio", rebalance_date=rebalance_date))

    def monthly_trades(self, rebalance_date: date | None, capital: float) -> answers.MonthlyTrades:
        """What to buy and sell for the month's portfolio; capital in US dollars."""
        params = {"rebalance_date": rebalance_date, "capital": capital}
        return cast(answers.MonthlyTrades, self._get("/stocks/monthly-trades", **params))

    def performance(self, as_of: date | None, series: bool = True) -> answers.Performance:
        """How every portfolio has done up to a session, the newest when none is given; without series the figures."""
        params = {"as_of_date": as_of, "series": None if series else "false"}
        return cast(answers.Performance, self._get("/dashboard/performance", **params))

    def calendar(self) -> answers.Calendar:
        """For which sessions and rebalance dates portfolios are published."""
        return cast(answers.Calendar, self._get("/dashboard/calendar"))

    def market_map(self, as_of: date | None) -> answers.MarketMap:
        """Every stock of a session by sector, the newest when none is given."""
        return cast(answers.MarketMap, self._get("/dashboard/market-map", as_of_date=as_of))

    def etf_list(self) -> answers.EtfList:
        """Every ETF, and which of them trend in the newest publication."""
        return cast(answers.EtfList, self._get("/dashboard/etf-list"))

    def etf_benchmark(self, as_of: date | None, sessions: int) -> answers.EtfBenchmark:
        """The ETF list of a session, the newest when none is given, with the closes of the last sessions."""
        answer = self._get("/dashboard/etf-benchmark", as_of_date=as_of, sessions=sessions)
        return cast(answers.EtfBenchmark, answer)

    def history(self, symbol: str, sessions: int) -> answers.History:
        """A symbol's last bars, oldest first, and its returns beside the benchmark's."""
        return cast(answers.History, self._get(f"/stocks/{_part(symbol)}/history", limit=sessions))

    def record(self, symbol: str, rows: int) -> answers.Record:
        """The newest portfolios that a symbol is in."""
        return cast(answers.Record, self._get(f"/stocks/{_part(symbol)}/record", limit=rows))

    def holders(self, stock: str) -> answers.Comparison:
        """The ETFs that own a stock."""
        return cast(answers.Comparison, self._get(f"/etf-holdings/comparison/{_part(stock)}"))

    def holdings(self, etf: str, rows: int) -> answers.AllHoldings:
        """What an ETF owns, newest snapshot first."""
        return cast(answers.AllHoldings, self._get("/etf-holdings/all-holdings", etf=etf, limit=rows))

    def pipeline(self, sessions: int) -> answers.Pipeline:
        """The state of everything: of each of the last sessions, of the tables, of the consumers."""
        return cast(answers.Pipeline, self._get("/dashboard/pipeline", sessions=sessions))

    def gaps(self, since: str, limit: int) -> answers.Gaps:
        """The newest expected bars that are not stored, of sessions since a day."""
        return cast(answers.Gaps, self._get("/dashboard/gaps", **{"from": since}, limit=limit))

    def restatements(self, since: str, limit: int) -> answers.Restatements:
        """The last found changes of stored bars, of sessions since a day."""
        return cast(answers.Restatements, self._get("/dashboard/restatements", **{"from": since}, limit=limit))

    def _get(self, path: str, **params: Any) -> Any:
        given = {name: str(value) for name, value in params.items() if value is not None}
        began = time.perf_counter()
        try:
            response = self._http.get(path, params=given)
        except httpx.HTTPError as error:
            raise ApiAway(f"the API at {self._base_url} does not answer: {error}") from None
        api_use.note(time.perf_counter() - began, len(response.content))
        if response.status_code == httpx.codes.OK:
            return response.json()
        raise _error(response)


def _part(symbol: str) -> str:
    """A symbol as one part of a path, whatever a reader has typed."""
    return quote(symbol, safe="=^")


def _error(response: httpx.Response) -> ActstockError:
    """The API's own words, as the error it names where it names one of ours."""
    try:
        problem = response.json()
        name, detail = str(problem["error"]), str(problem["detail"])
    except (ValueError, KeyError, TypeError):
        name, detail = "", f"the API answered {response.status_code}"
    if name == UnknownTicker.__name__:
        return UnknownTicker(detail)
    kinds: dict[int, type[ActstockError]] = {401: ApiRefused, 404: NotPublished, 422: InvalidInput}
    return kinds.get(response.status_code, ApiAway)(detail)
