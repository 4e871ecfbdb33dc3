"""The dashboard's server: `python -m dashboard.dashboard_finviz_app`."""

import logging
import os
import sys
from collections.abc import Mapping, Sequence

from dash import Dash
from werkzeug.serving import make_server

from config.config import ConfigError, Settings
from config.universe import universe
from dashboard import callbacks, components
from dashboard.api_client import ApiClient
from dashboard.texts import ENGLISH, Texts
from utils.logging_utils import configure_logging

log = logging.getLogger(__name__)

DEFAULT_PORT = 8050


def create_app(client: ApiClient, periods: Sequence[int], texts: Texts = ENGLISH) -> Dash:
    """The Dash application; everything it needs is served by itself."""
    app = Dash(
        "dashboard",
        title=texts.title,
        update_title="",
        serve_locally=True,
        suppress_callback_exceptions=True,
        health_endpoint="health",
        enable_mcp=False,
        meta_tags=[{"name": "viewport", "content": "width=device-width, initial-scale=1"}],
    )
    app.layout = components.frame(texts)
    callbacks.register(app, client, periods, texts)
    return app


def address(environ: Mapping[str, str]) -> tuple[str, int]:
    """Where to listen: DASHBOARD_HOST and DASHBOARD_PORT."""
    port = environ.get("DASHBOARD_PORT", "").strip() or str(DEFAULT_PORT)
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise ConfigError(f"DASHBOARD_PORT={port!r} is not a port")
    return environ.get("DASHBOARD_HOST", "").strip() or "127.0.0.1", int(port)


def serve(settings: Settings, host: str, port: int) -> None:
    if not settings.api_key:
        raise ConfigError("API_KEY is not set: the dashboard cannot ask the API without it")
    app = create_app(ApiClient(settings.api_url, settings.api_key), universe().periods)
    server = make_server(host, port, app.server, threaded=True)
    log.info("dashboard on http://%s:%d, reading from %s", host, port, settings.api_url)
    server.serve_forever()


def main() -> int:
    configure_logging()
    for chatty in ("werkzeug", "httpx"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        serve(Settings.from_env(), *address(os.environ))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
