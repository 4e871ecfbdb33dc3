"""Faults that strike requests: refusals of every kind, late answers, and doors that stay shut."""

from typing import Annotated, Literal

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse
from pydantic import Field

from market.crumbs import consent_cookies, unauthorized
from market.envelope import YahooJson, error_body
from market.fault import Fault

Endpoint = Literal["cookie", "getcrumb", "chart", "quoteSummary", "quote", "timeseries", "other"]
Status = Literal[200, 400, 401, 403, 404, 422, 429, 500, 502, 503, 999]

ENVELOPES = {"chart": "chart", "quoteSummary": "quoteSummary", "quote": "quoteResponse", "timeseries": "timeseries"}
# What Yahoo says with each: code and description of its JSON, and its plain text.
SAID: dict[int, tuple[str, str]] = {
    200: ("Internal Server Error", "x"),
    400: ("Bad Request", "Invalid input"),
    401: ("Unauthorized", "User is unable to access this feature - https://bit.ly/yahoo-finance-api-feedback"),
    403: ("Forbidden", "Forbidden"),
    404: ("Not Found", "Timestamp data missing."),
    422: ("Unprocessable Entity", "1d data not available for the requested range"),
    429: ("Too Many Requests", "Too Many Requests"),
    500: ("Internal Server Error", "Internal Server Error"),
    502: ("Bad Gateway", "Will be right back... Thank you for your patience."),
    503: ("Service Unavailable", "Will be right back... Thank you for your patience."),
    999: ("Request denied", "Request denied"),
}
CONSENT_PAGE = "<!doctype html><html><body><h1>Before you continue to Yahoo</h1><form></form></body></html>"
CONSENT_PATH = "/v2/collectConsent"


class Refusal(Fault):
    """Strikes `count` requests (all until cleared, without one) from the n-th on that fits `endpoint` and `ticker`."""

    count: int | None = Field(default=None, ge=1)
    from_request: int = Field(default=1, ge=1)
    endpoint: Endpoint | None = None
    ticker: str | None = None

    def answer(self, request: Request, endpoint: Endpoint) -> Response | None:
        """Return the refusal as an answer. None lets the right answer pass."""
        return None


class RateLimit(Refusal):
    """429 Too Many Requests."""

    kind: Literal["rate_limit"]

    def answer(self, request: Request, endpoint: Endpoint) -> Response:
        return PlainTextResponse("Too Many Requests\r\n", 429)


class Unauthorized(Refusal):
    """401 Invalid Crumb."""

    kind: Literal["unauthorized"]

    def answer(self, request: Request, endpoint: Endpoint) -> Response:
        refused = unauthorized("Invalid Crumb")
        return YahooJson(refused.body, refused.status)


class ServerError(Refusal):
    """500."""

    kind: Literal["server_error"]

    def answer(self, request: Request, endpoint: Endpoint) -> Response:
        return PlainTextResponse("Internal Server Error\r\n", 500)


class Delay(Refusal):
    """The answer comes late: a time-out, if the client is not as patient."""

    kind: Literal["delay"]
    seconds: float = Field(gt=0, le=3600)


class HttpStatus(Refusal):
    """Any status with a body of any kind. With 200 and html it is the page that asks for consent.

    `empty` is a result without entries, `null` one that is null without an error.
    """

    kind: Literal["http_status"]
    status: Status
    body: Literal["json", "html", "text", "empty", "null"] = "json"
    description: str | None = None

    def answer(self, request: Request, endpoint: Endpoint) -> Response:
        code, usual = SAID[self.status]
        description = self.description or usual
        envelope = "finance" if self.status in (200, 401, 403) else ENVELOPES.get(endpoint, "finance")
        if self.body == "text":
            return PlainTextResponse(f"{description}\r\n", self.status)
        if self.body == "html":
            page = CONSENT_PAGE if self.status == 200 else f"<!doctype html><html><body>{description}</body></html>"
            return HTMLResponse(page, self.status)
        if self.body == "json":
            return YahooJson(error_body(envelope, code, description), self.status)
        result: list[str] | None = [] if self.body == "empty" else None
        return YahooJson({ENVELOPES.get(endpoint, "finance"): {"result": result, "error": None}}, self.status)


class ConsentRedirect(Refusal):
    """The request is sent on to the page that asks for consent."""

    kind: Literal["consent_redirect"]
    status: Literal[302, 307] = 302

    def answer(self, request: Request, endpoint: Endpoint) -> Response:
        port = f":{request.url.port}" if request.url.port else ""  # by name it is a host of Yahoo's, here ours
        page = f"{request.url.scheme}://consent.yahoo.com{port}{CONSENT_PATH}?sessionId=3_cc-session"
        return RedirectResponse(page, self.status)


class CrumbText(Refusal):
    """Instead of a crumb the text "Too Many Requests", with status 200."""

    kind: Literal["crumb_text"]
    endpoint: Literal["getcrumb"] = "getcrumb"
    text: str = "Too Many Requests"

    def answer(self, request: Request, endpoint: Endpoint) -> Response:
        return PlainTextResponse(self.text)


class NoCookie(Refusal):
    """Cookies of the consent flow are set, but not the one that a crumb needs."""

    kind: Literal["no_cookie"]
    endpoint: Literal["cookie"] = "cookie"

    def answer(self, request: Request, endpoint: Endpoint) -> Response:
        response = PlainTextResponse("Not Found", 404)
        for header in consent_cookies():
            response.headers.append("Set-Cookie", header)
        return response


HttpFault = Annotated[
    RateLimit | Unauthorized | ServerError | Delay | HttpStatus | ConsentRedirect | CrumbText | NoCookie,
    Field(discriminator="kind"),
]
