"""Yahoo's door: a cookie from fc.yahoo.com, and a crumb that fits it with every question about a company."""

import base64
import hashlib
import secrets
import time
from email.utils import formatdate

from fastapi import Request

from market.envelope import Refused

COOKIE_SECONDS = 365 * 24 * 3600


def set_cookie_header() -> str:
    """Return the header that sets the cookie.

    It expires by the real clock, not the market's: the client looks at its own.
    """
    expires = formatdate(time.time() + COOKIE_SECONDS, usegmt=True)
    value = f"d={secrets.token_urlsafe(12)}"
    return f"A3={value}; Expires={expires}; Domain=.yahoo.com; Path=/; SameSite=Lax"


def crumb_of(request: Request) -> str:
    """Derive eleven characters from the cookie alone: clients keep a cookie longer than a server runs."""
    cookie = request.cookies.get("A3")
    if not cookie:
        raise unauthorized("Invalid Cookie")
    return base64.b64encode(hashlib.sha256(cookie.encode()).digest(), altchars=b"./").decode()[:11]


async def crumb_needed(request: Request) -> None:
    if request.query_params.get("crumb") != crumb_of(request):
        raise unauthorized("Invalid Crumb")


def unauthorized(description: str) -> Refused:
    return Refused(401, "finance", "Unauthorized", description)


def consent_cookies() -> list[str]:
    """Return the cookies of a visitor who has not consented."""
    return [
        "dflow=1; Max-Age=31557600; Domain=.yahoo.com; Path=/",
        "GUCS=AXcbHUMY; Max-Age=1800; Domain=.yahoo.com; Path=/",
    ]
