"""What the dashboard demands of a request, and what it lets a browser do."""

from http import HTTPStatus

from dash import Dash
from flask import Response, request

from utils import web_safety


def register(app: Dash, hosts: frozenset[str], script: str) -> None:
    """Refuse requests for other servers, and add the headers to every answer.

    hosts: names of this server. script: the one that the page has beside Dash's own
    """
    # Dash, Plotly and AG Grid style what they draw by themselves. Plotly saves a picture through a blob.
    allowed = " ".join(["'self'", *app.csp_hashes(), web_safety.hashes_of([script])])
    policy = web_safety.policy(allowed, "'self' 'unsafe-inline'", img_src="'self' data: blob:", font_src="'self' data:")

    def known_host() -> Response | None:
        host = request.headers.get("Host", "")
        if web_safety.is_asked_for(host, hosts):
            return None
        return _refusal(f"{host[:100]!r} is no name of this dashboard: ACTSTOCK_HOSTS lists its names")

    def safe(response: Response) -> Response:
        for name, value in {**web_safety.HEADERS, web_safety.CSP: policy}.items():
            response.headers.setdefault(name, value)
        return response

    app.server.before_request(known_host)
    app.server.after_request(safe)


def _refusal(problem: str) -> Response:
    return Response(f"{problem}\n", HTTPStatus.BAD_REQUEST, mimetype="text/plain")
