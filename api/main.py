"""The HTTP API over the platform's tables: `uvicorn api.main:app`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute
from starlette.types import ASGIApp

from api import auth, documentation, errors, versions
from api.metrics import ApiMetrics, Measured
from api.pool import ReaderPool
from api.refusals import check_names
from api.response_cache import ResponseCache
from api.routes import dashboard, etf_holdings, evidence, lab, portfolios, sectors, service, stocks
from api.safety import Bounded, Safe
from config import __version__
from config.config import ConfigError, Settings
from utils.dates import sessions_of
from utils.kept_sessions import USUAL_EXCHANGES
from utils.logging_utils import configure_logging

DESCRIPTION = f"""
Portfolios of the stocks behind the ETFs that beat the market, as published by the daily pipeline.
Every path but {", ".join(f"`{path}`" for path in sorted(auth.OPEN_PATHS))} needs the key in the `{auth.HEADER}` header.
"""


class Api(FastAPI):
    def build_middleware_stack(self) -> ASGIApp:
        return Safe(super().build_middleware_stack(), self.state.settings.web.names)

    def openapi(self) -> dict[str, Any]:
        """FastAPI's document, with what all routes have in common."""
        if not self.openapi_schema:
            documentation.complete(super().openapi())
        return self.openapi_schema or {}


def create_app(settings: Settings, pool: ReaderPool | None = None) -> Api:
    """Return the application, on a pool of its own unless one is given. It watches the database while it runs."""
    if not settings.api_key:
        raise ConfigError("API_KEY is not set: the API does not start without a key")
    app = Api(
        title="ActStock API",
        version=__version__,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        servers=versions.SERVERS,
        generate_unique_id_function=_operation_id,
        lifespan=_lifespan,
        dependencies=[Depends(check_names)],
    )
    app.state.settings = settings
    app.state.pool = pool = pool or ReaderPool(settings.database)
    app.state.cache = ResponseCache(pool.read)
    app.state.metrics = ApiMetrics(pool, app.state.cache, settings.yahoo)
    errors.install(app)
    documentation.install(app)
    app.add_middleware(Bounded)
    app.add_middleware(auth.RequireKey, key=settings.api_key)
    app.add_middleware(Measured, metrics=app.state.metrics)
    app.add_middleware(versions.VersionPrefix)
    for routes in (service, portfolios, stocks, sectors, dashboard, etf_holdings, evidence, lab):
        app.include_router(routes.router)
    return app


def _operation_id(route: APIRoute) -> str:
    """Return the name that generated clients give to their method: it stays when a path changes."""
    return route.name


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    cache: ResponseCache = app.state.cache
    # Loaded before anybody waits for an answer. Other exchanges follow when a ticker needs them.
    for exchange in USUAL_EXCHANGES:
        await asyncio.to_thread(sessions_of, exchange)
    await cache.check()
    watcher = asyncio.create_task(cache.watch())
    yield
    watcher.cancel()
    with suppress(asyncio.CancelledError):
        await watcher
    app.state.pool.close()


def __getattr__(name: str) -> Any:
    """`app` is made when a server asks for it, so that importing `create_app` needs no settings."""
    if name != "app":
        raise AttributeError(name)
    configure_logging()
    try:
        return create_app(Settings.from_env())
    except ConfigError as error:
        raise SystemExit(str(error)) from None
