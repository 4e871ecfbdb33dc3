"""A loopback server that gives a test's replies in Yahoo's formats: cookie, crumb, charts, modules, quotes."""

import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from collector.gate import Turn

JSON = {"Content-Type": "application/json;charset=utf-8"}
GOOD_COOKIE = "A3=d=AQAB; Max-Age=31557600; Domain=.yahoo.com; Path=/; HttpOnly"


@dataclass
class Reply:
    """One reply. delay: seconds before it. times: for how many requests it is given, None = always."""

    status: int = 200
    body: Any = ""
    headers: Mapping[str, str] = field(default_factory=lambda: JSON)
    delay: float = 0.0
    times: int | None = None

    @property
    def raw(self) -> bytes:
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


@dataclass
class Asked:
    host: str
    path: str
    params: dict[str, str]


@dataclass
class YahooServer:
    """The parts of the answers, by ticker. `told` (a part of the path -> replies) overrides all of them."""

    now: datetime = datetime(2026, 9, 10, 21, 30, tzinfo=UTC)
    charts: dict[str, Any] = field(default_factory=dict)
    modules: dict[str, dict[str, Any]] = field(default_factory=dict)
    quotes: dict[str, dict[str, Any]] = field(default_factory=dict)
    root: Reply = field(default_factory=lambda: Reply(404, "", {"Content-Type": "text/html"}))
    cookies: list[str] = field(default_factory=lambda: [GOOD_COOKIE])
    crumb: Reply = field(default_factory=lambda: Reply(200, "aB3.dEfGhIj", {"Content-Type": "text/plain"}))
    told: dict[str, list[Reply]] = field(default_factory=dict)
    age: str = "0"
    asked: list[Asked] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def tell(self, part: str, *replies: Reply) -> None:
        self.told[part] = list(replies)

    def requests(self, part: str = "") -> list[str]:
        """Return the requested paths that contain a text."""
        return [asked.path for asked in self.asked if part in asked.path]

    def reply(self, path: str, params: Mapping[str, str]) -> Reply:
        for part, replies in self.told.items():
            if part in path and replies:
                return self._next(replies)
        if path == "/":
            return self.root
        if path == "/v1/test/getcrumb":
            return self.crumb
        ticker = path.rpartition("/")[2]
        if "/chart/" in path:
            return Reply(200, self.charts[ticker]) if ticker in self.charts else unknown("chart")
        if "/quoteSummary/" in path:
            return self._module(ticker, params["modules"])
        listed = [self.quotes[each] for each in params["symbols"].split(",") if each in self.quotes]
        return Reply(200, {"quoteResponse": {"result": listed, "error": None}})

    def _module(self, ticker: str, module: str) -> Reply:
        if ticker not in self.modules:
            return refused(404, "quoteSummary", f"Quote not found for symbol: {ticker}")
        if module not in self.modules[ticker]:
            return refused(404, "quoteSummary", f"No fundamentals data found for any of the summaryTypes={module}")
        return Reply(200, {"quoteSummary": {"result": [{module: self.modules[ticker][module]}], "error": None}})

    @staticmethod
    def _next(replies: list[Reply]) -> Reply:
        reply = replies[0]
        if reply.times is not None:
            reply.times -= 1
            if reply.times == 0:
                replies.pop(0)
        return reply


class CountingGate:
    """Lets every request through and counts it."""

    def __init__(self) -> None:
        self.turns: list[tuple[str, str, Turn]] = []

    @property
    def count(self) -> int:
        return len(self.turns)

    @contextmanager
    def turn(self, endpoint: str, symbol: str) -> Iterator[Turn]:
        turn = Turn()
        self.turns.append((endpoint, symbol, turn))
        yield turn


def refused(status: int, envelope: str, description: str, code: str = "Not Found") -> Reply:
    return Reply(status, {envelope: {"result": None, "error": {"code": code, "description": description}}})


def unknown(envelope: str) -> Reply:
    return refused(404, envelope, "No data found, symbol may be delisted")


def page(status: int, text: str = "<html><body>sorry</body></html>") -> Reply:
    return Reply(status, text, {"Content-Type": "text/html"})


def redirect(status: int, location: str) -> Reply:
    return Reply(status, "", {"Location": location, "Content-Type": "text/html"})


def chart(
    ticker: str,
    days: list[datetime],
    closes: list[Any],
    *,
    end: datetime,
    last_trade: datetime | None = None,
    currency: str | None = "USD",
    zone: str = "America/New_York",
    kind: str = "EQUITY",
    events: dict[str, Any] | None = None,
    **columns: list[Any],
) -> dict[str, Any]:
    """Build a chart answer. Without `columns`, open, high, low and adjclose are the closes and volumes are 1000."""
    quoted = {name: columns.get(name, closes) for name in ("open", "high", "low", "close")}
    meta = {
        "currency": currency,
        "symbol": ticker,
        "instrumentType": kind,
        "exchangeTimezoneName": zone,
        "regularMarketTime": int((last_trade or end).timestamp()),
        "currentTradingPeriod": {"regular": {"start": int(end.timestamp()) - 23400, "end": int(end.timestamp())}},
        "dataGranularity": "1d",
        "range": "",
        "validRanges": ["1d", "5d"],
    }
    result: dict[str, Any] = {
        "meta": meta,
        "timestamp": [int(day.timestamp()) for day in days],
        "indicators": {
            "quote": [{**quoted, "volume": columns.get("volume", [1000] * len(closes))}],
            "adjclose": [{"adjclose": columns.get("adjclose", closes)}],
        },
    }
    if events:
        result["events"] = events
    return {"chart": {"result": [result], "error": None}}


@contextmanager
def serving() -> Iterator[YahooServer]:
    """Run a server on a port of its own."""
    said = YahooServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            path, params = unquote(parts.path), {name: values[0] for name, values in parse_qs(parts.query).items()}
            said.asked.append(Asked((self.headers.get("Host") or "").partition(":")[0], path, params))
            reply = said.reply(path, params)
            time.sleep(reply.delay)
            self.send_response_only(reply.status)
            for name, value in {
                "Date": format_datetime(said.now, usegmt=True),
                "Age": said.age,
                **reply.headers,
            }.items():
                self.send_header(name, value)
            for cookie in said.cookies if path == "/" else []:
                self.send_header("Set-Cookie", cookie)
            self.send_header("Content-Length", str(len(reply.raw)))
            self.end_headers()
            self.wfile.write(reply.raw)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    said.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield said
    finally:
        server.shutdown()
        server.server_close()


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
