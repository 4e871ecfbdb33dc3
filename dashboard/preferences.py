"""The reader's language and colours: kept in cookies, set by plain links."""

from collections.abc import Sequence

from dash import Dash
from flask import redirect, request
from werkzeug.wrappers import Response

from dashboard.address import Address
from dashboard.page import THEMES, Page, Theme
from dashboard.texts import LANGUAGES, Language

KEPT_SECONDS = 365 * 24 * 3600


def page_of(address: Address, periods: Sequence[int]) -> Page:
    """Return the page of the current request."""
    return Page(address, tuple(periods), language(), theme())


def language() -> Language:
    """Return the chosen language, or else the one the browser asks for."""
    chosen = request.cookies.get("language")
    asked = request.accept_languages.best_match(LANGUAGES) or LANGUAGES[0]
    return next((each for each in LANGUAGES if each == (chosen or asked)), LANGUAGES[0])


def theme() -> Theme:
    """Return the chosen theme. A new reader's is that of their system, which the page's first script finds out."""
    chosen = request.cookies.get("theme")
    return next((each for each in THEMES if each == chosen), THEMES[0])


def register(app: Dash) -> None:
    def keep() -> Response:
        """Keep what the link says and go back to the view it was on."""
        back = redirect(_local(request.args.get("then", "/")), 303)
        for name, allowed in (("language", LANGUAGES), ("theme", THEMES)):
            if (chosen := request.args.get(name)) in allowed:
                back.set_cookie(name, str(chosen), max_age=KEPT_SECONDS, samesite="Lax")
        return back

    app.server.add_url_rule("/preferences", view_func=keep)


def _local(address: str) -> str:
    """Only addresses of this dashboard: a link must not be able to lead elsewhere."""
    is_local = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if is_local else "/"
