"""The dashboard's server: `python -m dashboard.dashboard_finviz_app`."""

import logging
import os
import re
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import waitress
from dash import Dash
from flask import request

from config.config import ConfigError, Settings
from config.universe import universe
from dashboard import (
    callback_requests,
    callbacks,
    components,
    downloads,
    first_view,
    login,
    preferences,
    safety,
    search,
    server_timing,
    static_files,
)
from dashboard.address import Address
from dashboard.api_client import ApiClient
from dashboard.texts import common
from dashboard.views import needed_by
from utils.logging_utils import configure_logging

log = logging.getLogger(__name__)

DEFAULT_PORT = 8050
# A thread waits for the API with each request of a reader; a browser makes up to six at a time.
THREADS = 16


HTML = """<!DOCTYPE html>
<html lang="{language}" data-theme="{theme}" data-colours="{colours}">
    <head>
        {{%metas%}}
        <title>{{%title%}}</title>
        <script>{script}</script>
        {hints}
        {{%favicon%}}
        {{%css%}}
    </head>
    <body>
        {ended}
        {{%app_entry%}}
        <footer>{{%config%}}{{%scripts%}}{{%renderer%}}</footer>
    </body>
</html>"""
# Dash's own "Loading..." gives way to the shapes of a page.
LOADING = re.compile(r'<div class="_dash-loading">.*?</div>', re.DOTALL)
SKELETON = (
    '<div class="page"><div class="top"><span class="brand">ActStock</span></div>'
    + "".join(f'<div class="bone {part}"></div>' for part in components.SKELETON)
    + "</div>"
)
# A new reader's colours are those of their system, and known before anything is drawn.
SYSTEM_THEME = """
if (!/(^|; )theme=/.test(document.cookie)) {
    const theme = matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
    document.cookie = `theme=${theme}; path=/; max-age=31536000; samesite=lax`;
    document.documentElement.dataset.theme = theme;
}
"""
SCRIPT = SYSTEM_THEME + first_view.SCRIPT


class Dashboard(Dash):
    """Dash, with a page that is in the reader's language and colours from its first byte."""

    def interpolate_index(self, **parts: Any) -> str:  # type: ignore[override]
        needed = needed_by(Address.of(request.path, None))
        page = HTML.format(
            language=preferences.language(),
            theme=preferences.theme(),
            colours=preferences.colours(),
            script=SCRIPT,
            ended=login.ended(),
            hints=static_files.hints(needed),
        )
        parts["app_entry"] = LOADING.sub(SKELETON, parts["app_entry"])
        parts["scripts"] = static_files.trimmed(parts["scripts"], needed)
        for name, part in parts.items():
            page = page.replace(f"{{%{name}%}}", part)
        return page


def create_app(
    client: ApiClient,
    periods: Sequence[int],
    hosts: frozenset[str] = frozenset(),
    lock: login.Lock | None = None,
    schedule: str = "staggered",
) -> Dash:
    """Return the Dash application. It serves everything it needs.

    hosts: names of its server, beside localhost. lock: what readers have to open, if anything
    schedule: PIPELINE_SCHEDULE
    """
    app = Dashboard(
        "dashboard",
        title=common.TITLE.en,
        update_title="",
        serve_locally=True,
        suppress_callback_exceptions=True,
        health_endpoint="health",
        enable_mcp=False,
        meta_tags=[{"name": "viewport", "content": "width=device-width, initial-scale=1"}],
    )
    app.layout = components.frame()
    callbacks.register(app, client, periods, schedule)
    downloads.register(app, client, periods)
    preferences.register(app)
    search.register(app, client)
    server_timing.register(app.server)
    static_files.pack_answers(app)
    safety.register(app, hosts, SCRIPT)
    if lock:
        login.register(app, lock)
    callback_requests.register(app)
    return app


def address(environ: Mapping[str, str]) -> tuple[str, int]:
    """Where to listen: DASHBOARD_HOST and DASHBOARD_PORT."""
    port = environ.get("DASHBOARD_PORT", "").strip() or str(DEFAULT_PORT)
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise ConfigError(f"DASHBOARD_PORT={port!r} is not a port")
    return environ.get("DASHBOARD_HOST", "").strip() or "127.0.0.1", int(port)


def listening(app: Dash, host: str, port: int) -> Any:
    """Return the server of an application, which has a port and does not answer yet. ConfigError: the port is taken."""
    try:
        return waitress.create_server(
            app.server,
            host=host,
            port=port,
            threads=THREADS,
            ident=None,
            # waitress takes away by itself what proxies say of whom they ask for, and the login goes by that.
            clear_untrusted_proxy_headers=False,
        )
    except OSError as error:
        raise ConfigError(f"DASHBOARD_PORT={port} of {host} cannot be listened on: {error.strerror}") from None


def serve(settings: Settings, host: str, port: int) -> None:
    if not settings.api_key:
        raise ConfigError("API_KEY is not set: the dashboard cannot ask the API without it")
    client, lock = ApiClient(settings.api_url, settings.api_key), login.lock_of(settings, host)
    app = create_app(client, universe().periods, settings.web.names, lock, settings.schedule)
    files = static_files.keep_files(app)
    threading.Thread(target=static_files.pack_tighter, args=(files,), daemon=True).start()
    server = listening(app, host, port)
    asks = "asks for a password" if lock.asks_everybody else "asks nobody at this machine for a password"
    log.info("dashboard on http://%s:%d, reading from %s; it %s", host, port, settings.api_url, asks)
    server.run()


def main() -> int:
    configure_logging()
    for chatty in ("waitress", "httpx"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        serve(Settings.from_env(), *address(os.environ))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
