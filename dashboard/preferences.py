"""The reader's language and colours: kept in cookies, set by plain links."""

import re
from collections.abc import Sequence
from urllib.parse import urlencode

from dash import Dash
from flask import redirect, request
from werkzeug.wrappers import Response

from dashboard.address import Address
from dashboard.figures import COLOURS, Colours
from dashboard.page import THEMES, Page, Theme
from dashboard.texts import LANGUAGES, Language

PATH = "/preferences"
LOCAL = re.compile(r"/(?!/)[^\s\\\x00-\x20\x7f]*")
KEPT_SECONDS = 365 * 24 * 3600


def page_of(address: Address, periods: Sequence[int], schedule: str = "staggered") -> Page:
    """Return the page of the current request."""
    return Page(address, tuple(periods), language(), theme(), colours(), schedule)


def language() -> Language:
    """Return the chosen language, or else the one the browser asks for."""
    chosen = request.cookies.get("language")
    asked = request.accept_languages.best_match(LANGUAGES) or LANGUAGES[0]
    return next((each for each in LANGUAGES if each == (chosen or asked)), LANGUAGES[0])


def theme() -> Theme:
    """Return the chosen theme. A new reader's is that of their system, which the page's first script finds out."""
    chosen = request.cookies.get("theme")
    return next((each for each in THEMES if each == chosen), THEMES[0])


def colours() -> Colours:
    """Return the chosen colours of a rise and a fall."""
    chosen = request.cookies.get("colours")
    return next((each for each in COLOURS if each == chosen), COLOURS[0])


def register(app: Dash) -> None:
    def keep() -> Response:
        """Keep what the link says and go back to the view it was on."""
        back = redirect(local(request.args.get("then", "/")), 303)
        for name, allowed in (("language", LANGUAGES), ("theme", THEMES), ("colours", COLOURS)):
            if (chosen := request.args.get(name)) in allowed:
                back.set_cookie(name, str(chosen), max_age=KEPT_SECONDS, samesite="Lax")
        return back

    app.server.add_url_rule(PATH, view_func=keep)


def href(path: str, **choices: str) -> str:
    """Return an address of this dashboard with what it is told.

    >>> href("/preferences", language="ko", then="/map?window=5d")
    '/preferences?language=ko&then=%2Fmap%3Fwindow%3D5d'
    """
    return f"{path}?{urlencode(choices)}"


def local(address: str) -> str:
    r"""Return an address of this dashboard, or the first view's for any other: no link may lead elsewhere.

    Browsers leave tabs and line breaks out, and read a backslash as a slash.

    >>> local("/map?window=5d"), local("//example.com"), local("/\t/example.com"), local("https://example.com")
    ('/map?window=5d', '/', '/', '/')
    """
    return address if LOCAL.fullmatch(address) else "/"
