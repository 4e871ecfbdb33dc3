"""Ask for a password before anything of the API's is shown. The session is a signed cookie."""

import hashlib
import hmac
import math
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus

from dash import Dash
from flask import Response, has_request_context, redirect, render_template_string, request, session
from werkzeug.wrappers import Response as AnyResponse

from config.config import Settings
from dashboard import preferences, static_files
from dashboard.texts import LANGUAGES, common
from dashboard.texts import login as texts
from utils.attempts import Attempts
from utils.web_safety import comes_from_elsewhere, dashboard_asks

LOGIN, LOGOUT = "/login", "/logout"
# What shows nothing of the API's. The container's health check asks for the first one.
OPEN_PATHS = frozenset({"/health", LOGIN, preferences.PATH, "/_favicon.ico"})
OPEN_BELOW = ("/assets/", f"{static_files.SUITES}/")
READER = "reader"
KEPT = timedelta(days=7)

FORM = """<!DOCTYPE html>
<html lang="{{ language }}" data-theme="{{ theme }}">
    <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>{{ title }} · {{ brand }}</title>
        <link rel="stylesheet" href="/assets/finviz.css">
    </head>
    <body>
        <div class="page">
            <header class="top">
                <span class="brand">{{ brand }}</span>
                <div class="preferences"><a href="{{ other_href }}" lang="{{ other }}">{{ other_name }}</a></div>
            </header>
            <main>
                <form class="state login" method="post" action="/login">
                    <h1>{{ title }}</h1>
                    <p class="hint">{{ hint }}</p>
                    <input type="hidden" name="then" value="{{ then }}">
                    <label>{{ label }}
                        <input type="password" name="password" autocomplete="current-password" required autofocus>
                    </label>
                    {% if problem %}<p class="problem" role="alert">{{ problem }}</p>{% endif %}
                    <div class="actions"><button class="button">{{ enter }}</button></div>
                </form>
            </main>
        </div>
    </body>
</html>
"""


@dataclass(frozen=True)
class Lock:
    """The password, and a secret with which sessions are signed.

    asks_everybody: or those alone who do not sit at this machine
    """

    password: str = field(repr=False)
    secret: str = field(repr=False)
    asks_everybody: bool = True

    @property
    def signing_key(self) -> bytes:
        """Another password or another secret ends every session."""
        return hmac.digest(self.secret.encode(), f"dashboard {self.password}".encode(), hashlib.sha256)


def lock_of(settings: Settings, host: str) -> Lock:
    """Return what readers have to open. host: where the dashboard listens."""
    password = settings.web.dashboard_password or settings.api_key
    return Lock(password, settings.api_key, dashboard_asks(settings.web, host))


def register(app: Dash, lock: Lock) -> None:
    """Let nobody in without the password."""
    attempts = Attempts()
    app.server.secret_key = lock.signing_key
    app.server.config.update(
        SESSION_COOKIE_NAME="actstock_session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=KEPT,
    )

    def guard() -> AnyResponse | None:
        path = request.path
        if not lock.asks_everybody and not comes_from_elsewhere(request.headers.keys(), request.headers.get("Origin")):
            return None
        if path in OPEN_PATHS or path.startswith(OPEN_BELOW) or session.get(READER):
            return None
        # A script that asks has no use for a form.
        if request.method != "GET" or path.startswith("/_"):
            return Response("log in first\n", HTTPStatus.UNAUTHORIZED, mimetype="text/plain")
        return redirect(preferences.href(LOGIN, then=request.full_path.removesuffix("?")), HTTPStatus.SEE_OTHER)

    def enter() -> AnyResponse:
        address = request.remote_addr or ""
        wait = math.ceil(attempts.begin(address))
        if wait:
            problem = texts.WAIT.in_(preferences.language(), seconds=wait)
            return form(problem, HTTPStatus.TOO_MANY_REQUESTS, {"Retry-After": str(wait)})
        if not hmac.compare_digest(request.form.get("password", "").encode(), lock.password.encode()):
            return form(texts.WRONG.in_(preferences.language()), HTTPStatus.UNAUTHORIZED)
        attempts.succeeded(address)
        session.permanent = True
        session[READER] = True
        return redirect(preferences.local(request.form.get("then", "/")), HTTPStatus.SEE_OTHER)

    def leave() -> AnyResponse:
        session.clear()
        return redirect(LOGIN, HTTPStatus.SEE_OTHER)

    app.server.before_request(guard)
    app.server.add_url_rule(LOGIN, "login", form)
    app.server.add_url_rule(LOGIN, "enter", enter, methods=["POST"])
    app.server.add_url_rule(LOGOUT, "leave", leave, methods=["POST"])


def has_entered() -> bool:
    """Return whether the reader of the current request has entered a password."""
    return has_request_context() and READER in session


def ended() -> str:
    """Return what the page's script shows when a login has ended while the page was open."""
    language = preferences.language()
    told, again = texts.ENDED.in_(language), texts.AGAIN.in_(language)
    link = f'<a href="{LOGIN}">{again}</a>'
    return f'<p id="login-ended" class="banner source" role="alert" hidden>{told} {link}</p>'


def form(problem: str = "", status: int = HTTPStatus.OK, headers: dict[str, str] | None = None) -> Response:
    """Return the page that asks for the password."""
    language = preferences.language()
    other = next(each for each in LANGUAGES if each != language)
    then = preferences.local(request.values.get("then", "/"))
    page = render_template_string(
        FORM,
        language=language,
        theme=preferences.theme(),
        brand=common.TITLE.in_(language),
        title=texts.TITLE.in_(language),
        hint=texts.HINT.in_(language),
        label=texts.PASSWORD.in_(language),
        enter=texts.ENTER.in_(language),
        other=other,
        other_name=common.OTHER_LANGUAGE.in_(language),
        other_href=preferences.href(preferences.PATH, language=other, then=preferences.href(LOGIN, then=then)),
        then=then,
        problem=problem,
    )
    return Response(page, status, {"Cache-Control": "no-store", **(headers or {})}, mimetype="text/html")
