"""How the page's scripts and styles get to a browser: compressed once, announced early, not asked for twice."""

import gzip
import hashlib
import re
from dataclasses import dataclass
from http import HTTPStatus

from dash import Dash
from flask import Response, request

SUITES = "/_dash-component-suites"
PLOTLY = f"{SUITES}/plotly/package_data/plotly.min.js"
# What Dash asks for only when the first chart, table and date picker are to be drawn ...
LATER_SCRIPTS = (
    PLOTLY,
    f"{SUITES}/dash/dcc/async-graph.js",
    f"{SUITES}/dash/dcc/async-datepicker.js",
    f"{SUITES}/dash_ag_grid/async-community.js",
)
# ... and as soon as its scripts have run.
LATER_DATA = ("/_dash-layout", "/_dash-dependencies")
FILE = re.compile(r'(?:src|href)="(/[^"]+\.(?:js|css)(?:\?[^"]*)?)"')
# Dash puts a file's version and time into its address, unless one of its own scripts asks for it.
FINGERPRINT = re.compile(r"\.v\w+m\w+\.|\?m=")
FOREVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"
COMPRESSION = 6

# All of plotly.js is the body of one function. Browsers only skim a function that is not in parentheses when they
# compile a script beside their other work, and compile it once more when it is called: then the reader waits for it.
PLOTLY_BEGINS = (b'self : this, () => {\n"use strict"', b'self : this, (() => {\n"use strict"')
PLOTLY_ENDS = (b"return Plotly;\n}));", b"return Plotly;\n})));")


@dataclass(frozen=True)
class File:
    """A file as it travels, plain and compressed."""

    content: bytes
    compressed: bytes
    kind: str
    tag: str
    caching: str

    @classmethod
    def of(cls, address: str, content: bytes, kind: str) -> "File":
        return cls(
            content,
            gzip.compress(content, COMPRESSION, mtime=0),
            kind,
            hashlib.sha256(content).hexdigest()[:32],
            FOREVER if FINGERPRINT.search(address) else ASK_AGAIN,
        )

    def answer(self) -> Response:
        """To the request that is being served: in the form that its browser takes, or that it has it already."""
        is_packed = request.accept_encodings.quality("gzip") > 0
        response = Response(self.compressed if is_packed else self.content, content_type=self.kind)
        if is_packed:
            response.headers["Content-Encoding"] = "gzip"
        response.set_etag(self.tag)
        response.headers["Cache-Control"] = self.caching
        response.vary.add("Accept-Encoding")
        response.make_conditional(request)
        return response


def hints() -> str:
    """Tags of the page's head: what it will ask for later is fetched and compiled while its first scripts run."""
    data = (f'<link rel="preload" as="fetch" href="{address}" crossorigin>' for address in LATER_DATA)
    # Low: where the line is slow, the scripts that the page begins with come first.
    scripts = (f'<link rel="preload" as="script" href="{address}" fetchpriority="low">' for address in LATER_SCRIPTS)
    return "".join([*data, *scripts])


def keep_files(app: Dash) -> None:
    """Read every file that the page names, once and before there is a reader, and answer from memory from then on.

    No other address is kept, so that nobody can fill the memory by asking.
    """
    kept: dict[str, File] = {}

    def known() -> Response | None:
        file = kept.get(request.full_path.removesuffix("?"))
        return file.answer() if file else None

    app.server.before_request(known)
    # Not asked for like the files: there may be a login before it.
    with app.server.test_request_context("/"):
        app.server.preprocess_request()
        page: str = app.index()  # type: ignore[no-untyped-call]
    browser = app.server.test_client()
    for address in FILE.findall(page):
        found = browser.get(address)
        if found.status_code == HTTPStatus.OK:
            content = compiled_early(found.get_data()) if address == PLOTLY else found.get_data()
            kept[address] = File.of(address, content, found.content_type)


def compiled_early(plotly: bytes) -> bytes:
    """plotly.js with its one function in parentheses; any other script as it is."""
    if PLOTLY_BEGINS[0] not in plotly or PLOTLY_ENDS[0] not in plotly:
        return plotly
    return plotly.replace(*PLOTLY_BEGINS, 1).replace(*PLOTLY_ENDS, 1)
