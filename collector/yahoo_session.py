"""The HTTP session of the Yahoo client: every request and redirect passes the gate, every refusal becomes an error."""

import re
import socket
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, cast, get_args
from urllib.parse import parse_qs, unquote, urljoin, urlsplit

from curl_cffi import CurlOpt
from curl_cffi import requests as curl

from collector.gate import TOO_MANY_REQUESTS, RequestGate
from collector.yahoo_answers.envelope import NoModule, Refusal, error_of
from collector.yahoo_answers.model import Answer
from collector.yahoo_cookies import COOKIE
from config.config import YahooSettings
from utils.errors import RateLimited, SourceUnavailable, UnknownTicker
from utils.messages import Source
from utils.reasons import of_ticker, reason

CONSENT_HOSTS = ("guce.yahoo.com", "consent.yahoo.com")
HOSTS = ("fc.yahoo.com", "query1.finance.yahoo.com", "query2.finance.yahoo.com", *CONSENT_HOSTS)
# Its form; any page may link to the privacy settings on the same hosts.
CONSENT_PAGE = re.compile(
    r"collectConsent|copyConsent|Before you continue to Yahoo|consent\.yahoo\.com|guce\.yahoo\.com/consent"
)
MOST_REDIRECTS = 5
LONGEST_CRUMB = 64
# What Yahoo says of a symbol it does not know, of a module it has nothing in, and of a client it shuts out.
UNKNOWN = ("no data found", "quote not found", "symbol may be delisted")
NO_MODULE = "no fundamentals data found"
SHUT_OUT = "unable to access this feature"
IDENTITY = ("crumb", "cookie")  # what it says is wrong with a client that is not shut out


class NoAnswer(SourceUnavailable):
    """Nothing came back on a ticker: its trouble or the source's, which another ticker's answer tells."""

    kind = "no answer"


class ConsentPage(NoAnswer):
    """Yahoo's consent page in the place of an answer: as a rule every ticker's, where it is one's."""

    kind = "a consent page"


class NoIdentity(SourceUnavailable):
    """No answer to the question for a cookie or a crumb, without which nothing else can be asked."""


class NoCrumb(NoIdentity):
    """Yahoo did not give a crumb for the cookie: worth another try with a new cookie."""


class BadCrumb(SourceUnavailable):
    """Yahoo takes neither the crumb it gave nor a second one."""


class Unauthorized(SourceUnavailable):
    """Yahoo refuses a ticker to a client that it has just let in."""


class GatedSession(curl.Session[curl.Response]):
    """A session that sends every request through the gate and turns refusals into our errors at once.

    yfinance would answer each 4xx and 429 with two more requests. Redirects are followed here, request by request,
    because curl would follow them past the gate and to any host.
    """

    def __init__(self, settings: YahooSettings, gate: RequestGate, **options: Any) -> None:
        super().__init__(impersonate="chrome", **options)
        self._gate = gate
        self._timeout_seconds = settings.timeout_seconds
        self._was_unauthorized = False
        self.answer = Answer(datetime.now(UTC), "yahoo")
        self.count = 0

    def address(self, url: str) -> str:
        return url

    def request(self, method: Any, url: str, **options: Any) -> curl.Response:  # type: ignore[override]
        asked = _Purpose(url, options.get("params") or {})
        options |= {"timeout": self._timeout_seconds, "allow_redirects": False}
        response = self._followed(asked, method, url, options)
        self._check(response, asked)
        if asked.is_cookie and not self._keep_cookie():
            self.cookies.clear()
            self._check(self._followed(asked, method, url, options), asked)
            if not self._keep_cookie():
                raise SourceUnavailable(
                    f"Yahoo gives no cookie {COOKIE}, without which it answers nothing: it wants consent, as it does "
                    "in some countries. Nothing more is asked; try again later or from another network."
                )
        return response

    def _followed(self, asked: "_Purpose", method: Any, url: str, options: dict[str, Any]) -> curl.Response:
        """Return the answer at the end of the redirects, each of which is a request like any other."""
        for _ in range(MOST_REDIRECTS + 1):
            response = self._send(asked, method, url, options)
            target = _redirected_to(response, url)
            if target is None:
                return response
            if _is_consent(target) and not _is_consent(url):
                if asked.is_cookie:  # the cookie comes with this answer or not at all
                    return response
                raise SourceUnavailable(_wants_consent(asked))
            if urlsplit(target).hostname not in HOSTS:
                raise Refusal(
                    "a redirect",
                    f"{asked}: Yahoo redirects to {urlsplit(target).hostname}, which is not one of its hosts",
                )
            if response.status_code in (301, 302, 303):
                method = "GET"
            url, options = target, {name: options[name] for name in ("timeout", "allow_redirects")}
        raise _refusal(asked, "redirects", f"{asked}: Yahoo redirects more than {MOST_REDIRECTS} times")

    def _send(self, asked: "_Purpose", method: Any, url: str, options: Mapping[str, Any]) -> curl.Response:
        parts = urlsplit(url)
        if parts.hostname not in HOSTS:
            raise SourceUnavailable(f"refusing to send a request to {parts.hostname}: it is not one of Yahoo's hosts")
        with self._gate.turn(_endpoint_of(parts.path), asked.symbol) as turn:
            self.count += 1
            try:
                response = super().request(method, self.address(url), **options)
            except curl.exceptions.RequestException as error:
                kind = NoAnswer if asked.is_data else NoIdentity
                raise kind(f"{parts.hostname} did not answer for {asked}: {error}") from None
            turn.http_status = TOO_MANY_REQUESTS if _is_rate_limit(response, asked) else response.status_code
        if turn.http_status == TOO_MANY_REQUESTS:
            raise RateLimited(f"Yahoo answered {asked} with 429 (too many requests)")
        return response

    def _keep_cookie(self) -> bool:
        """Tell whether Yahoo gave its cookie, and drop those of other domains.

        yfinance keeps no cookie when it finds several domains.
        """
        jar = self.cookies.jar
        giving = {cookie.domain for cookie in jar if cookie.name == COOKIE}
        if giving:
            for domain in {cookie.domain for cookie in jar} - {min(giving)}:
                jar.clear(domain)
        return bool(giving)

    def _check(self, response: curl.Response, asked: "_Purpose") -> None:
        if asked.is_data:
            self._check_data(response, asked)
        elif response.status_code >= 500:
            raise NoIdentity(f"Yahoo answered {response.status_code} for {asked}")
        elif asked.is_crumb and not _is_crumb(response):
            if _is_consent_page(response):
                raise SourceUnavailable(_wants_consent(asked))
            raise NoCrumb(f"Yahoo gave no crumb: it answered {response.status_code} {response.text!r:.60}")

    def _check_data(self, response: curl.Response, asked: "_Purpose") -> None:
        """Let only a 200 with JSON pass, and the first 401: yfinance asks for a new crumb then, and once more."""
        status, said = response.status_code, error_of(_json_of(response))
        if SHUT_OUT in said.lower():
            raise BadCrumb(f"Yahoo answered {status} for {asked}: {said}")
        was_unauthorized, self._was_unauthorized = self._was_unauthorized, status == 401
        if status == 401:
            if was_unauthorized:
                error = BadCrumb if any(word in said.lower() for word in IDENTITY) else Unauthorized
                raise error(f"Yahoo answered 401 for {asked}, twice, with a fresh crumb the second time")
            return
        self.answer = Answer(_moment_of(response), _source_of(response), response.content)
        if status in (200, 404) and NO_MODULE in said.lower():
            raise NoModule("no module", of_ticker(str(asked), [reason("yahoo_nothing")]))
        if status in (200, 404) and any(words in said.lower() for words in UNKNOWN):
            raise UnknownTicker(reason("yahoo_unknown", ticker=asked.symbol))
        if status != 200:
            kind = "HTTP 5xx" if 500 <= status < 600 else f"HTTP {status}"
            answered = {"status": status, "ticker": str(asked)}
            raise Refusal(
                kind,
                reason("yahoo_status_said", **answered, said=said) if said else reason("yahoo_status", **answered),
            )
        if _json_of(response) is None:
            if _is_consent_page(response):
                raise ConsentPage(_consent_page_for(asked))
            raise Refusal(
                "a page instead of data", f"Yahoo answered {asked} with a page instead of data: {response.text!r:.60}"
            )


class RedirectedSession(GatedSession):
    """The same session with Yahoo's host names resolved to another server, over plain HTTP."""

    def __init__(self, settings: YahooSettings, gate: RequestGate) -> None:
        target = urlsplit(settings.base_url)
        self._port = target.port or 80
        try:
            address = socket.gethostbyname(target.hostname or "")
        except OSError as error:
            raise SourceUnavailable(f"YAHOO_BASE_URL={settings.base_url!r}: {error}") from None
        resolve = [f"{host}:{self._port}:{address}" for host in HOSTS]
        # A proxy of the environment would resolve the hosts' names itself, and ask Yahoo.
        super().__init__(settings, gate, trust_env=False, http_version="v1", curl_options={CurlOpt.RESOLVE: resolve})

    def address(self, url: str) -> str:
        return urlsplit(url)._replace(scheme="http", netloc=f"{urlsplit(url).hostname}:{self._port}").geturl()


class _Purpose:
    """What a request is about, whatever redirects it leads to."""

    def __init__(self, url: str, params: Mapping[str, Any]) -> None:
        parts = urlsplit(url)
        self.path = parts.path
        self.symbol = _symbol_of(parts.path, {**parse_qs(parts.query), **params})
        self.is_cookie = parts.hostname == "fc.yahoo.com"
        self.is_crumb = parts.path.endswith("/getcrumb")
        self.is_data = _endpoint_of(parts.path) in ("chart", "quoteSummary", "quote")

    def __str__(self) -> str:
        return f"{self.symbol or self.path or '/':.60}"


def session(settings: YahooSettings, gate: RequestGate) -> GatedSession:
    return RedirectedSession(settings, gate) if settings.base_url else GatedSession(settings, gate)


def _refusal(asked: _Purpose, kind: str, message: str) -> SourceUnavailable:
    return Refusal(kind, message) if asked.is_data else NoIdentity(message)


def _redirected_to(response: curl.Response, url: str) -> str | None:
    location = response.headers.get("location")
    return urljoin(url, location) if location and 300 <= response.status_code < 400 else None


def _is_consent(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host in CONSENT_HOSTS or host.startswith("guce.") or "consent" in host.split(".")


def _is_consent_page(response: curl.Response) -> bool:
    return bool(CONSENT_PAGE.search(response.text))


def _wants_consent(asked: _Purpose) -> str:
    return f"{_consent_page_for(asked)}. Nothing more is asked; try again later or from another network."


def _consent_page_for(asked: _Purpose) -> str:
    return f"Yahoo answers {asked} with its consent page: it wants consent, as it does in some countries"


def _is_rate_limit(response: curl.Response, asked: _Purpose) -> bool:
    """Tell whether an answer is a 429, or says so in words: the crumb's comes with status 200."""
    is_text = asked.is_crumb or (asked.is_data and _json_of(response) is None)
    return response.status_code == TOO_MANY_REQUESTS or (is_text and "too many requests" in response.text.lower())


def _is_crumb(response: curl.Response) -> bool:
    text = response.text
    return response.status_code < 400 and 0 < len(text) <= LONGEST_CRUMB and not any(sign in text for sign in "<{ ")


def _json_of(response: curl.Response) -> Any:
    """Return the answer as data, or None when it is something else."""
    try:
        found: Any = response.json()  # type: ignore[no-untyped-call]
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _moment_of(response: curl.Response) -> datetime:
    """Return when the answer was made, by the server's clock.

    An answer from a cache on the way is older than its Date.
    """
    try:
        made = parsedate_to_datetime(response.headers.get("date") or "").astimezone(UTC)
    except ValueError:
        return datetime.now(UTC)
    age = response.headers.get("age") or ""
    return made - timedelta(seconds=int(age)) if age.isdecimal() else made


def _source_of(response: curl.Response) -> Source:
    """Return whose prices these are. Only a stand-in for Yahoo says."""
    label = response.headers.get("x-market-source", "yahoo")
    if label not in get_args(Source):
        raise SourceUnavailable(f"the server calls its prices {label!r}: it can be one of {get_args(Source)}")
    return cast(Source, label)


def _endpoint_of(path: str) -> str:
    """Return the kind of request that a path is for.

    >>> _endpoint_of("/v8/finance/chart/SPY"), _endpoint_of("/v1/test/getcrumb"), _endpoint_of("/")
    ('chart', 'getcrumb', 'cookie')
    """
    parts = [part for part in path.split("/") if part]
    return "cookie" if not parts else parts[2] if len(parts) > 2 else parts[-1]


def _symbol_of(path: str, params: Mapping[str, Any]) -> str:
    """Return the ticker, or list of tickers, that a request is about, or an empty text for cookie and crumb."""
    listed = params.get("symbols", "")
    if listed:
        return str(listed if isinstance(listed, str) else listed[0])
    parts = [part for part in path.split("/") if part]
    return unquote(parts[3]) if len(parts) > 3 else ""
