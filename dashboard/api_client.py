"""The dashboard's only way to data: the platform's HTTP API."""

import time
from collections.abc import Mapping
from datetime import date
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from contract.etfs import EtfBenchmark, EtfList
from contract.evidence import MonthlyWeightEvidence, WeightEvidence
from contract.holdings import AllHoldings, Comparison, Snapshots
from contract.lab import LabReport
from contract.orders import KeptPositions, OwnedTrades
from contract.pipeline import Calendar, Gaps, Pipeline, Restatements
from contract.portfolios import (
    ActiveAllocations,
    Appearances,
    CandidatePart,
    MonthlyPortfolio,
    Performance,
)
from contract.reasons import Reasons, data_of
from contract.stocks import History, MarketMap
from contract.summary import Summary
from dashboard import server_timing
from utils.errors import (
    ActstockError,
    EvidenceChanged,
    InvalidInput,
    NotASession,
    NotPublished,
    UnknownEvidence,
    UnknownTicker,
)
from utils.reasons import Reason, as_one, reason

TIMEOUT_SECONDS = 5.0

Answer = TypeVar("Answer")


class ApiAway(ActstockError):
    """The API does not answer, or its database does not."""


class ApiFailed(ActstockError):
    """The API answers, but cannot do what was asked."""


class ApiRefused(ActstockError):
    """The API does not accept our key."""

    retryable = False


# What a problem of the API becomes: by its name, else by its status.
NAMED: Mapping[str, type[ActstockError]] = {
    kind.__name__: kind for kind in (UnknownTicker, NotASession, UnknownEvidence, EvidenceChanged)
}
BY_STATUS: Mapping[int, type[ActstockError]] = {401: ApiRefused, 404: NotPublished, 422: InvalidInput, 503: ApiAway}


class _Problem(msgspec.Struct):
    """What of a problem of the API says what happened."""

    error: str
    detail: str
    reasons: Reasons = []


class ApiClient:
    """One connection pool to the API; tests pass a transport.

    When there is nothing to show every method raises one of the errors that dashboard/refusals.py expects.
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

    def allocation(
        self, as_of: date | None, period_days: int, part: CandidatePart, ticker: str | None = None
    ) -> ActiveAllocations:
        """Get one portfolio of a session, the newest when none is given, with a part of its candidates."""
        params = {"as_of_date": as_of, "period_days": period_days, "candidates": part, "ticker": ticker}
        return self._get(ActiveAllocations, "/dashboard/active-allocations", **params)

    def monthly(self, rebalance_date: date | None) -> MonthlyPortfolio:
        """Get the month's portfolio, the newest when no date is given."""
        return self._get(MonthlyPortfolio, "/stocks/monthly-portfolio", rebalance_date=rebalance_date)

    def owned_trades(
        self, period: str, positions: str, cash: float, *, is_fractional: bool, band: float, outside: str
    ) -> OwnedTrades:
        """Get the trades from what is owned to the newest portfolio of a period. cash: in US dollars."""
        params = {"period": period, "positions": positions, "cash": cash, "band": band, "outside": outside}
        fractional = "true" if is_fractional else "false"
        return self._get(OwnedTrades, "/stocks/owned-trades", fractional=fractional, **params)

    def owned_positions(self) -> KeptPositions:
        """Get what is owned, where the platform keeps it. Without `saved_at` it keeps nothing."""
        return self._get(KeptPositions, "/stocks/owned-positions")

    def keep_owned_positions(self, positions: str, cash: float) -> KeptPositions:
        """Have the platform keep what is owned, in the place of what it keeps."""
        given = {"positions": positions, "cash": cash}
        return msgspec.json.decode(self._send("PUT", "/stocks/owned-positions", json=given).content, type=KeptPositions)

    def forget_owned_positions(self) -> None:
        """Have the platform delete what it keeps."""
        self._send("DELETE", "/stocks/owned-positions")

    def performance(self, as_of: date | None, series: bool = True) -> Performance:
        """Get every portfolio's record up to a session, the newest when none is given. Without series: the figures."""
        params = {"as_of_date": as_of, "series": None if series else "false"}
        return self._get(Performance, "/dashboard/performance", **params)

    def summary(self, as_of: date | None, period_days: int) -> Summary:
        """Get what a portfolio's page tells first: of a session, the newest when none is given."""
        return self._get(Summary, "/dashboard/summary", as_of_date=as_of, period_days=period_days)

    def calendar(self) -> Calendar:
        """Get the sessions and rebalance dates with published portfolios, the last run, and the sessions to come."""
        return self._get(Calendar, "/dashboard/calendar")

    def market_map(self, as_of: date | None) -> MarketMap:
        """Get every stock of a session by sector, the newest when none is given."""
        return self._get(MarketMap, "/dashboard/market-map", as_of_date=as_of)

    def etf_list(self) -> EtfList:
        """Get every ETF, and which of them trend in the newest publication."""
        return self._get(EtfList, "/dashboard/etf-list")

    def etf_benchmark(self, as_of: date | None, sessions: int) -> EtfBenchmark:
        """Get the ETF list of a session, the newest when none is given, with the closes of the last sessions."""
        return self._get(EtfBenchmark, "/dashboard/etf-benchmark", as_of_date=as_of, sessions=sessions)

    def history(self, symbol: str, sessions: int) -> History:
        """Get a symbol's last bars, oldest first, and its returns beside the benchmark's."""
        return self._get(History, f"/stocks/{_part(symbol)}/history", limit=sessions)

    def appearances(self, symbol: str, rows: int, offset: int = 0) -> Appearances:
        """Get the newest portfolios that a symbol is in, so many at most, without as many before them."""
        return self._get(Appearances, f"/stocks/{_part(symbol)}/record", limit=rows, offset=offset or None)

    def holders(self, stock: str) -> Comparison:
        """Get the ETFs that own a stock."""
        return self._get(Comparison, f"/etf-holdings/comparison/{_part(stock)}")

    def holdings(self, etf: str, rows: int) -> AllHoldings:
        """Get an ETF's holdings, newest snapshot first."""
        return self._get(AllHoldings, "/etf-holdings/all-holdings", etf=etf, limit=rows)

    def snapshots(self) -> Snapshots:
        """Get the newest holdings of each ETF."""
        return self._get(Snapshots, "/dashboard/etf-holdings")

    def pipeline(self, sessions: int) -> Pipeline:
        """Get the state of the last sessions, the tables and the consumers."""
        return self._get(Pipeline, "/dashboard/pipeline", sessions=sessions)

    def gaps(self, since: date, limit: int) -> Gaps:
        """Get the newest expected bars that are not stored, of sessions since a day."""
        return self._get(Gaps, "/dashboard/gaps", **{"from": since}, limit=limit)

    def restatements(self, since: date, limit: int) -> Restatements:
        """Get the last found changes of stored bars, of sessions since a day."""
        return self._get(Restatements, "/dashboard/restatements", **{"from": since}, limit=limit)

    def weight_evidence(self, session: date, period_days: int, ticker: str, revision: int | None) -> WeightEvidence:
        """Get all that a weight follows from, of the newest revision when no number is given."""
        path = f"/evidence/weights/{session}/{period_days}/{_part(ticker)}"
        return self._get(WeightEvidence, path, revision=revision)

    def monthly_weight_evidence(self, rebalance_date: date, ticker: str, revision: int | None) -> MonthlyWeightEvidence:
        """Get all that a weight of a month follows from, of the newest revision when no number is given."""
        path = f"/evidence/weights/monthly/{rebalance_date}/{_part(ticker)}"
        return self._get(MonthlyWeightEvidence, path, revision=revision)

    def source_answer(self, digest: str) -> tuple[bytes, str]:
        """Get an answer of the source by its digest: its bytes and their media type."""
        response = self._ask(f"/evidence/answers/{_part(digest)}")
        return response.content, response.headers["content-type"]

    def lab(self, as_of: date | None) -> LabReport:
        """Get the lab's verdict on the rule from the prices up to a session, the newest when none is given."""
        return self._get(LabReport, "/lab", as_of_date=as_of)

    def _get(self, kind: type[Answer], path: str, **params: object) -> Answer:
        return msgspec.json.decode(self._ask(path, **params).content, type=kind)

    def _ask(self, path: str, **params: object) -> httpx.Response:
        return self._send("GET", path, params={name: str(value) for name, value in params.items() if value is not None})

    def _send(self, method: str, path: str, **asked: Any) -> httpx.Response:
        began = time.perf_counter()
        try:
            response = self._http.request(method, path, **asked)
        except httpx.HTTPError as error:
            raise ApiAway(reason("api_silent", address=self._base_url, error=str(error))) from None
        server_timing.note(time.perf_counter() - began, len(response.content))
        if response.status_code != httpx.codes.OK:
            raise _error(response)
        return response


def _part(symbol: str) -> str:
    """Quote a symbol as one part of a path, whatever a reader has typed."""
    return quote(symbol, safe="=^")


def _error(response: httpx.Response) -> ActstockError:
    """Turn the API's problem into the error that it names, as data where it is told so."""
    try:
        problem = msgspec.json.decode(response.content, type=_Problem)
    except msgspec.MsgspecError:
        return ApiAway(reason("api_status", status=response.status_code))
    detail: str | Reason = as_one(data_of(problem.reasons)) if problem.reasons else problem.detail
    return NAMED.get(problem.error, BY_STATUS.get(response.status_code, ApiFailed))(detail)
