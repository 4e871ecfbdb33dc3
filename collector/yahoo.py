"""Yahoo Finance through yfinance: the only module that imports it. Vendor answers in, our dataclasses out.

YAHOO_BASE_URL points the same client at a server that speaks Yahoo's protocol; nothing else changes. The session keeps
Yahoo's host names (cookies and crumb depend on them) and only resolves them elsewhere, over plain HTTP.

Of yfinance the cookies, crumbs and their renewal are used. Charts are read from the answer itself: yfinance's table of
one drops events on days without a row, the currency of a dividend, and everything of an answer that it stumbles over.
"""

import logging
import random
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote
from zoneinfo import ZoneInfo

import yfinance
from yfinance.data import YfData
from yfinance.exceptions import YFException, YFRateLimitError

from collector.breaker import Breaker
from collector.gate import RequestGate
from collector.request_plan import QUOTES_PER_REQUEST
from collector.yahoo_answers.chart import bars_from_chart
from collector.yahoo_answers.envelope import NoModule, Refusal, module_of
from collector.yahoo_answers.holdings import holdings_from_summary
from collector.yahoo_answers.model import Answer, Bars, FundHolding, FundHoldings, Quote
from collector.yahoo_answers.quotes import quotes_from_answer
from collector.yahoo_cookies import CookieCache
from collector.yahoo_session import BadCrumb, NoAnswer, NoCrumb, NoIdentity, Unauthorized, session
from config.config import YahooSettings
from config.exchanges import RATE
from config.universe import universe
from utils.dates import exchange_of, time_zone_of
from utils.errors import TICKER_TROUBLE, RateLimited, SourceUnavailable, UnknownTicker, UnusableAnswer
from utils.reasons import Reason, of_ticker, reason
from utils.text import printable

log = logging.getLogger(__name__)

CHART_URL = "https://query2.finance.yahoo.com/v8/finance/chart/"
QUOTE_URL = "https://query1.finance.yahoo.com/v7/finance/quote"
SUMMARY_URL = "https://query2.finance.yahoo.com/v10/finance/quoteSummary/"
SAFE = "=^"  # of what stands in tickers, signs that need no escaping in a path
LONGEST_SYMBOLS = 1400  # characters of the URL, which stays below 1,500 with them
TRIES = 3
LONGEST_SECTOR = 60
# What reading an answer of another shape than expected runs into, in our code and in yfinance's. curl's errors are
# OSErrors, and so is what the C library says of a moment beyond its calendar.
MISREADINGS = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, OSError, YFException)

T = TypeVar("T")
# Worth another try.
Failure = Refusal | NoAnswer | NoIdentity


class SourceOut(SourceUnavailable):
    """Every ticker fails, also the one that Yahoo surely knows."""


class Yahoo:
    """The client. Every request passes the gate.

    One ticker's trouble is UnknownTicker, UnknownExchange or UnusableAnswer. Plain SourceUnavailable and RateLimited
    concern the source as a whole: whoever asks next would get the same.
    """

    def __init__(self, settings: YahooSettings, gate: RequestGate, sleep: Callable[[float], None] = time.sleep) -> None:
        self._settings = settings
        self._sleep = sleep
        self._cookies = CookieCache(settings.cache_dir / re.sub(r"\W+", "-", settings.base_url or "yahoo"))
        # yfinance has no setting for its cache, so it is replaced where yfinance looks it up.
        yfinance.cache._CookieCacheManager._Cookie_cache = self._cookies
        self._session = session(settings, gate)
        self._data = YfData(session=self._session)
        self._forget_crumb()
        self._breakers: dict[str, Breaker] = defaultdict(lambda: Breaker(settings.breaker_failures))
        self._has_profiles = True

    def daily_bars(self, ticker: str, start: date, end: date) -> Bars:
        """Return the completed sessions from start to end, both included: one request whatever the range.

        A session that is not over at the server's clock is left out. The bars of an exchange rate are the rates of
        their days (see rates).
        """
        if not ticker.endswith(RATE):
            exchange_of(ticker)  # raises before a request is spent on a ticker without a calendar
        zone = ZoneInfo(time_zone_of(ticker))
        span = {
            "period1": int(datetime.combine(start, time_of_day(), zone).timestamp()),
            "period2": int(datetime.combine(end + timedelta(days=1), time_of_day(), zone).timestamp()),
        }
        return self._ask_with_retries("chart", ticker, lambda: self._bars(ticker, span, start, end))

    def top_holdings(self, etf: str) -> FundHoldings:
        """Return a fund's list of holdings by one request.

        The list is empty when Yahoo has none. The notes say what was left out of it.
        """
        try:
            holdings, notes = self._ask_with_retries("topHoldings", etf, lambda: self._listed(etf))
        except NoModule:
            holdings, notes = holdings_from_summary({})
        for note in notes:
            log.info("holdings of %s: %s", etf, note)
        return FundHoldings(etf, holdings, self._session.answer, notes)

    def quotes(self, tickers: Sequence[str]) -> dict[str, Quote]:
        """Return quotes by ticker, by one request for up to fifty of them.

        A ticker that Yahoo does not know or does not answer for is absent.
        """
        quotes: dict[str, Quote] = {}
        for listed in symbol_lists(tickers):
            try:
                found = self._ask_with_retries("quote", ",".join(listed), partial(self._quotes, listed))
            except TICKER_TROUBLE as error:
                log.warning("no quotes for %d tickers from %s to %s: %s", len(listed), listed[0], listed[-1], error)
                continue
            answer = self._session.answer
            quotes |= {ticker: replace(found[ticker], answer=answer) for ticker in listed if ticker in found}
        return quotes

    def sector(self, ticker: str) -> str | None:
        """Return a stock's sector by one request, or None when Yahoo does not say or refuses to.

        Nothing depends on a sector, so a refusal is only logged, and one of every ticker ends the look-ups. Raise
        SourceUnavailable or RateLimited when Yahoo does not answer at all, or does not take this client.
        """
        if not self._has_profiles:
            return None
        try:
            profile = self._ask_with_retries("assetProfile", ticker, lambda: self._module(ticker, "assetProfile"))
        except SourceOut as error:
            log.warning("no sectors are looked up any more: %s", error)
            self._has_profiles = False
            return None
        except TICKER_TROUBLE as error:
            log.info("no sector of %s: %s", ticker, error)
            return None
        sector = (profile or {}).get("sector")
        return (printable(sector, LONGEST_SECTOR) or None) if isinstance(sector, str) else None

    @property
    def answer(self) -> Answer:
        """The last answer."""
        return self._session.answer

    def _bars(self, ticker: str, span: dict[str, int], start: date, end: date) -> Bars:
        currency, bars = bars_from_chart(self._chart(ticker, span), ticker, self._session.answer.fetched_at)
        return Bars(ticker, currency, [bar for bar in bars if start <= bar.session <= end], self._session.answer)

    def _chart(self, ticker: str, span: dict[str, Any]) -> Any:
        options = {"interval": "1d", "includePrePost": "false", "events": "div,splits,capitalGains"}
        return self._data.get_raw_json(CHART_URL + quote(ticker, safe=SAFE), {**span, **options})

    def _listed(self, etf: str) -> tuple[list[FundHolding], list[Reason]]:
        return holdings_from_summary({"topHoldings": self._module(etf, "topHoldings")})

    def _module(self, ticker: str, module: str) -> dict[str, Any] | None:
        params = {"modules": module, "formatted": "false"}
        return module_of(self._data.get_raw_json(SUMMARY_URL + quote(ticker, safe=SAFE), params), module, ticker)

    def _quotes(self, tickers: Sequence[str]) -> dict[str, Quote]:
        return quotes_from_answer(self._data.get_raw_json(QUOTE_URL, {"symbols": ",".join(tickers)}))

    def _ask_with_retries(self, what: str, ticker: str, ask: Callable[[], T]) -> T:
        """Ask up to three times, waiting longer each time, but only once for what the tickers before it failed with.

        A refusal of the client as a whole is never repeated, nor an answer that says there is nothing.
        """
        for attempt in range(1, TRIES + 1):
            try:
                answer = _read(ticker, ask)
            except NoModule:
                self._breakers[what].answered()
                raise
            except UnknownTicker as error:
                raise self._blame(f"{what} unknown", what, ticker, Refusal("HTTP 404", error.reason), error) from None
            except BadCrumb:
                self._forget_identity()
                raise
            except Unauthorized as error:
                self._forget_identity()
                refusal = Refusal("HTTP 401", error.reason)
                raise self._blame(what, what, ticker, refusal, UnusableAnswer(error.reason)) from None
            except (Refusal, NoAnswer, NoIdentity) as error:
                failure: Failure = error
            else:
                self._breakers[what].answered()
                self._breakers[f"{what} unknown"].answered()
                return answer
            if attempt == self._most_tries(what, ticker, failure):
                break
            self._prepare_retry(failure, attempt)
        why = _after_tries(failure.reason, attempt) if attempt > 1 else failure.reason
        if isinstance(failure, NoIdentity):
            raise SourceUnavailable(why)
        raise self._blame(what, what, ticker, failure, UnusableAnswer(why))

    def _prepare_retry(self, failure: Failure, attempt: int) -> None:
        """Wait, and ask for a new cookie next where Yahoo gave no crumb for this one."""
        if isinstance(failure, NoCrumb):
            self._forget_identity()
        self._sleep(self._settings.pace_seconds * 2**attempt * random.uniform(1, 2))

    def _most_tries(self, what: str, ticker: str, failure: Failure) -> int:
        if isinstance(failure, NoIdentity):
            return TRIES
        if self._breakers[what].expects(failure.kind):
            return 1
        # Without any answer the third try is another ticker's: it tells whether the source is there at all.
        return TRIES - 1 if isinstance(failure, NoAnswer) and ticker != universe().benchmark else TRIES

    def _blame(
        self, row: str, what: str, ticker: str, failure: Refusal | NoAnswer, error: UnusableAnswer | UnknownTicker
    ) -> SourceUnavailable | UnknownTicker:
        """Return the ticker's error, or the source's own.

        It is the source's when too many tickers in a row failed and a known one fails as well.
        """
        breaker = self._breakers[row]
        is_suspect = breaker.failed(failure.kind)
        if isinstance(failure, NoAnswer):
            if self._is_alive(what, ticker):
                return error
            return SourceUnavailable(f"{error}; {universe().benchmark} is not answered either")
        if not is_suspect:
            return error
        if self._is_alive(what, ticker):
            breaker.cleared()
            return error
        return SourceOut(
            f"Yahoo answers {', '.join(sorted(breaker.kinds))} for every ticker asked of late, "
            f"last {ticker} and {universe().benchmark}: "
            f"stopped after {self._session.count} requests"
        )

    def _is_alive(self, what: str, failed: str) -> bool:
        """Tell whether Yahoo answers the same kind of request for the one ticker that it surely knows."""
        known = universe().benchmark
        if failed == known:
            return False
        try:
            if what == "chart":
                moment = self._session.answer.fetched_at
                bars_from_chart(self._chart(known, {"range": "5d"}), known, moment)
            elif what == "quote":
                self._quotes([known])
            else:
                self._module(known, what)
        except NoModule:
            return True
        except (UnknownTicker, Refusal, NoAnswer, NoIdentity, BadCrumb, Unauthorized, *MISREADINGS) as error:
            log.warning("asked for %s to see whether Yahoo is there: %s", known, error)
            return False
        return True

    def _forget_crumb(self) -> None:
        """Clear what yfinance kept of an earlier session, whose cookies this one does not have.

        YfData is one object a process, so a new session does not clear it.
        """
        self._data._cookie, self._data._crumb, self._data._cookie_strategy = None, None, "basic"

    def _forget_identity(self) -> None:
        """Forget the cookie that Yahoo does not take any more, so that the next request asks for a new one."""
        self._cookies.clear()
        self._session.cookies.clear()
        self._forget_crumb()


def _read(ticker: str, ask: Callable[[], T]) -> T:
    """Return the answer. Raise Refusal for one that cannot be read."""
    try:
        return ask()
    except YFRateLimitError:
        raise RateLimited(f"Yahoo answered 429 (too many requests) for {ticker}") from None
    except MISREADINGS as error:
        kind = type(error).__name__
        unusable = reason("yahoo_unusable", kind=kind, error=str(error))
        raise Refusal(kind, of_ticker(ticker, [unusable])) from None


def _after_tries(why: Reason, tries: int) -> Reason:
    """Add how often Yahoo was asked. A ticker stays in front."""
    if why.code == "of_ticker":
        return of_ticker(why.params["ticker"], [reason("tries", reason=why.params["reasons"], tries=tries)])
    return reason("tries", reason=why, tries=tries)


def symbol_lists(tickers: Sequence[str]) -> Iterator[list[str]]:
    """Yield the tickers in lists that one request can ask for: at most fifty, and not too long for a URL.

    >>> [len(listed) for listed in symbol_lists([f"{number:016}.NS" for number in range(100)])]
    [50, 50]
    """
    listed: list[str] = []
    length = 0
    for ticker in tickers:
        added = len(quote(f"{ticker},", safe=""))
        if listed and (len(listed) == QUOTES_PER_REQUEST or length + added > LONGEST_SYMBOLS):
            yield listed
            listed, length = [], 0
        listed.append(ticker)
        length += added
    if listed:
        yield listed
