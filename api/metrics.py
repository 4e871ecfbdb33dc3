"""What the API tells Prometheus at /metrics: its own figures, and at each scrape those of the gate and the ledger."""

import time
from collections.abc import Iterator
from typing import Any

import psycopg2
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.pool import ReaderPool
from api.response_cache import ResponseCache
from config.config import YahooSettings
from database.queries import metrics
from utils.errors import ActstockError

# What is kept ready takes less than a millisecond, and no query more than five seconds.
BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
# In the place of a route: no path that a client makes up becomes a series.
NO_ROUTE = "none"


class ApiMetrics:
    """The figures of one application, in a registry of its own."""

    def __init__(self, pool: ReaderPool, cache: ResponseCache, yahoo: YahooSettings) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "actstock_api_requests", "Requests answered", ["route", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "actstock_api_request_seconds",
            "Seconds until an answer was sent",
            ["route"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.registry.register(_OfApi(pool, cache))
        self.registry.register(_OfPlatform(pool, yahoo))

    def answered(self, route: str, status: int, seconds: float) -> None:
        self._requests.labels(route, status).inc()
        self._seconds.labels(route).observe(seconds)

    def page(self, accept: str) -> tuple[bytes, str]:
        """Return all figures in the form that a scraper accepts, and its media type. It asks the database."""
        encode, media_type = choose_encoder(accept)
        return encode(self.registry), media_type


class Measured:
    """Counts and times each request. ASGI middleware, and inside the one that replaces the scope."""

    def __init__(self, app: ASGIApp, metrics: ApiMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # What ends without an answer becomes a 500 further out.
        began, status = time.perf_counter(), 500

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, note)
        finally:
            route = getattr(scope.get("route"), "path", NO_ROUTE)
            self._metrics.answered(route, status, time.perf_counter() - began)


class _OfApi(Collector):
    """The cache and the pool, which count by themselves."""

    def __init__(self, pool: ReaderPool, cache: ResponseCache) -> None:
        self._pool = pool
        self._cache = cache

    def collect(self) -> Iterator[Any]:
        lookups = CounterMetricFamily("actstock_api_cache_lookups", "Bodies asked of the cache", labels=["result"])
        lookups.add_metric(["hit"], self._cache.hits)
        lookups.add_metric(["miss"], self._cache.misses)
        yield lookups
        yield GaugeMetricFamily("actstock_api_cache_bytes", "Size of the kept bodies", self._cache.size)
        yield GaugeMetricFamily("actstock_api_pool_in_use", "Connections in use", self._pool.in_use)
        yield GaugeMetricFamily("actstock_api_pool_limit", "Connections that there may be", self._pool.limit)


class _OfPlatform(Collector):
    """The gate of Yahoo and the ledger, as PostgreSQL has them at the moment of the scrape."""

    def __init__(self, pool: ReaderPool, yahoo: YahooSettings) -> None:
        self._pool = pool
        self._yahoo = yahoo

    def describe(self) -> list[Any]:
        """Say nothing: to register is no reason to ask the database."""
        return []

    def collect(self) -> Iterator[Any]:
        try:
            state = self._pool.read(lambda conn: metrics.state(conn, self._yahoo))
        except (ActstockError, psycopg2.Error):
            state = None
        yield GaugeMetricFamily("actstock_database_up", "1 while the database can be read", float(state is not None))
        if state is not None:
            yield from _gate(state)
            yield from _ledger(state)


def _gate(state: metrics.State) -> Iterator[Any]:
    yield _counted(
        "actstock_yahoo_requests_today",
        "Requests to Yahoo on this day of the budget, which begins with the first stage",
        ("endpoint", "outcome"),
        state.requests,
    )
    if state.budget_left is not None:
        yield GaugeMetricFamily("actstock_yahoo_budget_left", "Requests that today may still make", state.budget_left)
    yield GaugeMetricFamily(
        "actstock_yahoo_shut_until_timestamp_seconds",
        "Until when no request is sent after a 429; 0: it is open",
        state.shut_until.timestamp() if state.shut_until else 0.0,
    )


def _ledger(state: metrics.State) -> Iterator[Any]:
    yield _counted("actstock_ledger_bars", "Expected bars that are not stored", ("state",), state.bars)
    yield _counted(
        "actstock_publication_age_seconds",
        "Seconds since a job published last",
        ("publication",),
        state.publication_ages,
    )
    yield _counted(
        "actstock_stage_runs",
        "Newest runs of each DAG and day, of those that began within a week",
        ("dag", "state"),
        state.runs,
    )


def _counted(name: str, meaning: str, labels: tuple[str, ...], values: metrics.Counts) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, meaning, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family
