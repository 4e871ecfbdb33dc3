"""Yahoo Finance through yfinance: the only module that imports it. Vendor answers in, our dataclasses out.

YAHOO_BASE_URL points the same client at a server that speaks Yahoo's protocol; nothing else changes. The session keeps
Yahoo's host names (cookies and crumb depend on them) and only resolves them elsewhere, over plain HTTP.
"""

import math
import random
import re
import socket
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast, get_args
from urllib.parse import parse_qs, urlsplit

import yfinance
from curl_cffi import CurlOpt
from curl_cffi import requests as curl
from yfinance.data import YfData
from yfinance.exceptions import YFPricesMissingError

from collector.gate import RequestGate
from config.config import YahooSettings
from utils.dates import exchange_of, last_closed_session
from utils.errors import ActstockError, RateLimited, SourceUnavailable, UnknownTicker
from utils.messages import Source

if TYPE_CHECKING:
    import pandas

# Adjusting yfinance's own frames makes pandas 3.1 warn; nothing of it concerns our data.
warnings.filterwarnings("ignore", module=r"yfinance\..*")

HOSTS = ("fc.yahoo.com", "query1.finance.yahoo.com", "query2.finance.yahoo.com", "guce.yahoo.com", "consent.yahoo.com")
QUOTE_URL = "https://query1.finance.yahoo.com/v7/finance/quote"
SUMMARY_URL = "https://query2.finance.yahoo.com/v10/finance/quoteSummary/"
QUOTES_PER_REQUEST = 50
TRIES = 3
TIME_ZONES = {".KS": "Asia/Seoul", ".KQ": "Asia/Seoul", "=X": "Europe/London"}
DATA_PATH = re.compile(r"^/v\d+/finance/")

T = TypeVar("T")


@dataclass(frozen=True)
class Answer:
    """Where and when an answer is from: the server's own clock and its label (yahoo, simulated, recorded)."""

    fetched_at: datetime
    source: Source


@dataclass(frozen=True)
class Bar:
    """One session as Yahoo gives it: prices split-adjusted, adj_close dividend-adjusted too; None = unknown."""

    session: date
    open: float | None
    high: float | None
    low: float | None
    close: float
    adj_close: float
    volume: int
    dividend: float
    split_ratio: float
    capital_gain: float = 0.0


@dataclass(frozen=True)
class Bars:
    """A ticker's completed sessions, in order, without gaps filled."""

    ticker: str
    currency: str
    bars: list[Bar]
    answer: Answer


@dataclass(frozen=True)
class FundHolding:
    ticker: str
    name: str | None
    percent: float


@dataclass(frozen=True)
class FundHoldings:
    """A fund's largest holdings (fractions of it), largest first. Yahoo lists at most ten.

    notes: what was left out or put together, one sentence each.
    """

    etf: str
    holdings: list[FundHolding]
    answer: Answer
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Quote:
    """What Yahoo knows of a stock now; None = it does not say. market_cap and price are in `currency`, a major unit.

    shares_outstanding counts the listed class, implied_shares the company.
    """

    ticker: str
    name: str | None
    currency: str | None
    shares_outstanding: int | None
    market_cap: int | None
    implied_shares: int | None = None
    price: float | None = None


class Yahoo:
    """The client. Every request passes the gate; errors are ours: RateLimited, UnknownTicker, SourceUnavailable."""

    def __init__(self, settings: YahooSettings, gate: RequestGate, sleep: Callable[[float], None] = time.sleep) -> None:
        self._settings = settings
        self._sleep = sleep
        self._session = _session(settings, gate)
        cache_dir = settings.cache_dir / re.sub(r"\W+", "-", settings.base_url or "yahoo")
        cache_dir.mkdir(parents=True, exist_ok=True)
        yfinance.set_tz_cache_location(str(cache_dir))
        yfinance.config.debug.hide_exceptions = False
        self._data = YfData(session=self._session)

    def daily_bars(self, ticker: str, start: date, end: date) -> Bars:
        """Completed sessions from start to end, both included: one request whatever the range.

        A session that is not over at the server's clock is left out. UnknownTicker when Yahoo has no such symbol.
        """
        frame, meta = self._patiently(ticker, lambda: self._history(ticker, start, end))
        answer = self._session.answer
        if meta.get("symbol") != ticker:
            raise SourceUnavailable(f"asked Yahoo for {ticker}, it answered for {meta.get('symbol')}")
        bars = completed(bars_from_frame(frame), ticker, answer.fetched_at, meta)
        return Bars(ticker, str(meta["currency"]), [bar for bar in bars if start <= bar.session <= end], answer)

    def top_holdings(self, etf: str) -> FundHoldings:
        """One request; holdings Yahoo lists without a symbol are left out."""
        summary = self._summary(etf, "topHoldings")
        return FundHoldings(etf, holdings_from_summary(summary), self._session.answer)

    def quotes(self, tickers: Sequence[str]) -> dict[str, Quote]:
        """One request for every fifty tickers; a ticker Yahoo does not know is absent."""
        quotes: dict[str, Quote] = {}
        for at in range(0, len(tickers), QUOTES_PER_REQUEST):
            chunk = ",".join(tickers[at : at + QUOTES_PER_REQUEST])
            ask = partial(self._data.get_raw_json, QUOTE_URL, {"symbols": chunk})
            quotes |= quotes_from_answer(self._patiently(chunk, ask))
        return quotes

    def sector(self, ticker: str) -> str | None:
        """One request; None when Yahoo does not say."""
        return self._summary(ticker, "assetProfile").get("assetProfile", {}).get("sector") or None

    def _history(self, ticker: str, start: date, end: date) -> "tuple[pandas.DataFrame, dict[str, Any]]":
        yfinance.cache.get_tz_cache().store(ticker, time_zone_of(ticker))  # else one more request a ticker
        YfData.cache_get.cache_clear()  # it also keeps errors, which a second try would only get again
        history = yfinance.Ticker(ticker)
        try:
            frame = history.history(
                start=start.isoformat(),
                end=(end + timedelta(days=1)).isoformat(),
                interval="1d",
                auto_adjust=False,
                actions=True,
                timeout=self._settings.timeout_seconds,
            )
        except YFPricesMissingError:  # a known ticker without a bar in the range
            import pandas

            return pandas.DataFrame(), {"symbol": ticker, "currency": "USD"}
        return frame, history.get_history_metadata()

    def _summary(self, ticker: str, module: str) -> dict[str, Any]:
        params = {"modules": module, "formatted": "false"}
        answer = self._patiently(ticker, lambda: self._data.get_raw_json(SUMMARY_URL + ticker, params))
        results = answer.get("quoteSummary", {}).get("result") or [{}]
        return dict(results[0])

    def _patiently(self, what: str, ask: Callable[[], T]) -> T:
        """Ask up to three times, waiting longer each time; a refusal for too many requests is never repeated."""
        for attempt in range(1, TRIES + 1):
            try:
                return ask()
            except (RateLimited, UnknownTicker):
                raise
            except ActstockError as error:
                failure = error
            except Exception as error:  # yfinance lets whatever it stumbles over through
                failure = SourceUnavailable(f"{what}: Yahoo's answer cannot be used: {type(error).__name__}: {error}")
            if attempt < TRIES:
                self._sleep(self._settings.pace_seconds * 2**attempt * random.uniform(1, 2))
        raise SourceUnavailable(f"{failure} ({TRIES} tries)")


class _GatedSession(curl.Session[curl.Response]):
    """Sends every request through the gate and turns refusals into our errors at once.

    yfinance would answer each 4xx and 429 with two more requests.
    """

    def __init__(self, settings: YahooSettings, gate: RequestGate, **options: Any) -> None:
        super().__init__(impersonate="chrome", **options)
        self._gate = gate
        self._timeout_seconds = settings.timeout_seconds
        self._was_unauthorized = False
        self.answer = Answer(datetime.now(UTC), "yahoo")

    def address(self, url: str) -> str:
        return url

    def request(self, method: Any, url: str, **options: Any) -> curl.Response:  # type: ignore[override]
        parts = urlsplit(url)
        if parts.hostname not in HOSTS:
            raise SourceUnavailable(f"refusing to send a request to {parts.hostname}: it is not one of Yahoo's hosts")
        params = options.get("params") or {}
        symbol = _symbol_of(parts.path, {**parse_qs(parts.query), **params})
        options["timeout"] = self._timeout_seconds
        with self._gate.turn(_endpoint_of(parts.path), symbol) as turn:
            try:
                response = super().request(method, self.address(url), **options)
            except curl.exceptions.RequestException as error:
                raise SourceUnavailable(
                    f"{parts.hostname} did not answer for {symbol or parts.path or '/'}: {error}"
                ) from None
            turn.http_status = response.status_code
        self._check(response, parts.path, symbol)
        return response

    def _check(self, response: curl.Response, path: str, symbol: str) -> None:
        is_data = bool(DATA_PATH.match(path))
        if response.status_code >= 500:
            raise SourceUnavailable(f"Yahoo answered {response.status_code} for {symbol or path}")
        if is_data and response.status_code == 404:
            raise UnknownTicker(
                f"Yahoo does not know {symbol!r}: check the spelling (BRK-B, not BRK.B), or it is delisted"
            )
        unauthorized = response.status_code == 401
        if unauthorized and self._was_unauthorized:
            raise SourceUnavailable(
                f"Yahoo answered 401 for {symbol or path}, twice, with a fresh crumb the second time"
            )
        if is_data:
            self._was_unauthorized = unauthorized
            self.answer = Answer(_moment_of(response), _source_of(response))


class _RedirectedSession(_GatedSession):
    """The same session with Yahoo's host names resolved to another server, over plain HTTP."""

    def __init__(self, settings: YahooSettings, gate: RequestGate) -> None:
        target = urlsplit(settings.base_url)
        self._port = target.port or 80
        try:
            address = socket.gethostbyname(target.hostname or "")
        except OSError as error:
            raise SourceUnavailable(f"YAHOO_BASE_URL={settings.base_url!r}: {error}") from None
        resolve = [f"{host}:{self._port}:{address}" for host in HOSTS]
        super().__init__(settings, gate, trust_env=False, http_version="v1", curl_options={CurlOpt.RESOLVE: resolve})

    def address(self, url: str) -> str:
        return urlsplit(url)._replace(scheme="http", netloc=f"{urlsplit(url).hostname}:{self._port}").geturl()


def _session(settings: YahooSettings, gate: RequestGate) -> _GatedSession:
    return _RedirectedSession(settings, gate) if settings.base_url else _GatedSession(settings, gate)


def bars_from_frame(frame: "pandas.DataFrame") -> list[Bar]:
    """yfinance's frame -> bars, without those that lack a close."""
    return [bar for bar in map(_bar, frame.itertuples()) if bar] if len(frame) else []


def _bar(row: Any) -> Bar | None:
    day, opened, high, low, close, adjusted, volume, dividend, split = row[:9]
    if not (_known(close) and _known(adjusted)):
        return None
    return Bar(
        session=day.date(),  # exchange-local: going through UTC can shift the day
        open=_known(opened),
        high=_known(high),
        low=_known(low),
        close=float(close),
        adj_close=float(adjusted),
        volume=int(_known(volume) or 0),
        dividend=_known(dividend) or 0.0,
        split_ratio=_known(split) or 1.0,
    )


def _known(value: Any) -> float | None:
    number = math.nan if value is None else float(value)
    return number if math.isfinite(number) else None


def completed(bars: Iterable[Bar], ticker: str, moment: datetime, meta: dict[str, Any]) -> list[Bar]:
    """The bars whose session is over: after the close by the calendar, and not older than the last trade by Yahoo."""
    if ticker.endswith("=X"):  # exchange rates have no session; Yahoo restates the running day's bar until it ends
        return list(bars)
    last = last_closed_session(moment, exchange_of(ticker))
    regular = meta.get("currentTradingPeriod", {}).get("regular", {})
    trading_day_ends, last_trade = regular.get("end"), meta.get("regularMarketTime")
    if trading_day_ends and last_trade and _seconds(last_trade) < _seconds(trading_day_ends):
        partial = datetime.fromtimestamp(_seconds(trading_day_ends), UTC).date()
        return [bar for bar in bars if bar.session <= last and bar.session != partial]
    return [bar for bar in bars if bar.session <= last]


def _seconds(value: Any) -> float:
    """Unix seconds of what yfinance leaves a number in one place and makes a timestamp in another."""
    return float(value.timestamp() if hasattr(value, "timestamp") else value)


def holdings_from_summary(summary: dict[str, Any]) -> list[FundHolding]:
    """The topHoldings module -> holdings with a symbol and a share of the fund, largest first."""
    listed = summary.get("topHoldings", {}).get("holdings", [])
    holdings = [
        FundHolding(item["symbol"], item.get("holdingName") or None, float(_plain(item["holdingPercent"])))
        for item in listed
        if item.get("symbol") and _plain(item.get("holdingPercent"))
    ]
    return sorted(holdings, key=lambda holding: (-holding.percent, holding.ticker))


def quotes_from_answer(answer: dict[str, Any]) -> dict[str, Quote]:
    """The batch quote answer by ticker; zero and missing figures become None."""
    return {
        item["symbol"]: Quote(
            ticker=item["symbol"],
            name=item.get("longName") or item.get("shortName") or None,
            currency=item.get("currency") or None,
            shares_outstanding=_whole(item.get("sharesOutstanding")),
            market_cap=_whole(item.get("marketCap")),
        )
        for item in answer.get("quoteResponse", {}).get("result") or []
    }


def _whole(value: Any) -> int | None:
    return int(value) if value and value > 0 else None


def _plain(value: Any) -> Any:
    """Yahoo's {"raw": 0.07, "fmt": "7.00%"}, or the bare number."""
    return value.get("raw") if isinstance(value, dict) else value


def time_zone_of(ticker: str) -> str:
    """
    >>> time_zone_of("SPY"), time_zone_of("005930.KS"), time_zone_of("KRW=X")
    ('America/New_York', 'Asia/Seoul', 'Europe/London')
    """
    return next((zone for suffix, zone in TIME_ZONES.items() if ticker.endswith(suffix)), "America/New_York")


def _moment_of(response: curl.Response) -> datetime:
    """The server's clock, from its Date header."""
    header = response.headers.get("date")
    return parsedate_to_datetime(header).astimezone(UTC) if header else datetime.now(UTC)


def _source_of(response: curl.Response) -> Source:
    """Whose prices these are; only a stand-in for Yahoo says."""
    label = response.headers.get("x-market-source", "yahoo")
    if label not in get_args(Source):
        raise SourceUnavailable(f"the server calls its prices {label!r}: it can be one of {get_args(Source)}")
    return cast(Source, label)


def _endpoint_of(path: str) -> str:
    """
    >>> _endpoint_of("/v8/finance/chart/SPY"), _endpoint_of("/v1/test/getcrumb"), _endpoint_of("/")
    ('chart', 'getcrumb', 'cookie')
    """
    parts = [part for part in path.split("/") if part]
    return "cookie" if not parts else parts[2] if len(parts) > 2 else parts[-1]


def _symbol_of(path: str, params: dict[str, Any]) -> str:
    """The ticker (or list of tickers) a request is about; empty for cookie and crumb."""
    listed = params.get("symbols", "")
    if listed:
        return str(listed if isinstance(listed, str) else listed[0])
    parts = [part for part in path.split("/") if part]
    return parts[3] if len(parts) > 3 else ""
