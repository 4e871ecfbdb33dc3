"""What the API and the dashboard demand of a request, and tell a browser, alike."""

import base64
import hashlib
import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_address

from config.config import WebSettings

HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(:[0-9]+)?", re.ASCII | re.IGNORECASE)
LOCAL = "localhost"
# With one of these a proxy says for whom it asks.
FORWARDED = re.compile(r"forwarded|x-forwarded-.*|x-real-ip", re.IGNORECASE)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
}
CSP = "Content-Security-Policy"
# For an answer that is no page: should a browser ever take it for one, nothing in it runs.
NOTHING = "default-src 'none'; frame-ancestors 'none'; sandbox"


@lru_cache(maxsize=256)
def is_asked_for(header: str, names: frozenset[str] = frozenset()) -> bool:
    """Return whether a Host header names this server: by an address, as localhost, or by one of its names.

    A page of another site can have its own name lead here (DNS rebinding), and would then read what it gets as its own.
    It cannot have a browser send another name than that one.

    >>> is_asked_for("127.0.0.1:8050"), is_asked_for("[::1]"), is_asked_for("localhost:8050"), is_asked_for("evil.test")
    (True, True, True, False)
    """
    found = HOST.fullmatch(header)
    if not found:
        return False
    name = found[1].strip("[]").rstrip(".").lower()
    return name in names or name == LOCAL or name.endswith(f".{LOCAL}") or _is_address(name)


def dashboard_asks(web: WebSettings, host: str) -> bool:
    """Return whether the dashboard asks everybody for a password.

    Whoever sits at this machine could ask the API as well. A name of its own means a proxy, which lets others come
    from this machine's address. host: where the dashboard listens
    """
    return bool(web.dashboard_password or web.hosts) or not is_loopback(web.bind or host)


def comes_from_elsewhere(headers: Iterable[str], origin: str | None) -> bool:
    """Return whether a request says that a proxy has sent it on, or that it is of a page which is not this machine's.

    Many proxies ask by the address at which they reach the dashboard, so that the Host header says nothing.

    headers: their names. origin: what the header Origin has

    >>> comes_from_elsewhere(["Host", "Origin"], "http://localhost:8050"), comes_from_elsewhere(["Host"], None)
    (False, False)
    >>> comes_from_elsewhere(["X-Forwarded-For"], None), comes_from_elsewhere(["Origin"], "null")
    (True, True)
    """
    is_sent_on = any(FORWARDED.fullmatch(name) for name in headers)
    return is_sent_on or (origin is not None and not _is_of_this_machine(origin))


def _is_of_this_machine(origin: str) -> bool:
    found = HOST.fullmatch(origin.partition("://")[2])
    return bool(found and is_loopback(found[1].strip("[]").lower()))


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches what listens there.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0"), is_loopback("stocks.example.org")
    (True, True, False, False)
    """
    return host == LOCAL or (_is_address(host) and ip_address(host).is_loopback)


def policy(scripts: str, styles: str, **more: str) -> str:
    """Return the Content-Security-Policy of a page that takes everything from this server.

    more: sources of further kinds, such as worker_src
    """
    rules = {
        "default-src": "'self'",
        "script-src": scripts,
        "style-src": styles,
        "img-src": "'self' data:",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    } | {name.replace("_", "-"): sources for name, sources in more.items()}
    return "; ".join(f"{name} {sources}" for name, sources in rules.items())


def hashes_of(scripts: Iterable[str]) -> str:
    """Return the sources by which a policy allows these scripts inside a page, and no other."""
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
