"""How the page's scripts and styles get to a browser: compressed once, announced early, not asked for twice."""

import gzip
import hashlib
import re
from collections.abc import Collection, Container, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import zstandard
from dash import Dash
from flask import Response, request

SUITES = "/_dash-component-suites"
PLOTLY = f"{SUITES}/plotly/package_data/plotly.min.js"
# What Dash asks for only when the first of these is to be drawn ...
LATER_SCRIPTS = {
    "charts": (PLOTLY, f"{SUITES}/dash/dcc/async-graph.js"),
    "dates": (f"{SUITES}/dash/dcc/async-datepicker.js",),
    "grids": (f"{SUITES}/dash_ag_grid/async-community.js",),
}
# ... and as soon as its scripts have run.
LATER_DATA = ("/_dash-layout", "/_dash-dependencies")
# Dash's own tables, which no view has.
NEEDLESS_SCRIPTS = re.compile(r'<script src="[^"]*/dash_table/[^"]*"></script>\n?')
# The grids', which assets/grids.js loads with the first grid.
GRID_SCRIPT = re.compile(r'<script src="([^"]*/dash_ag_grid/dash_ag_grid[^"]*)"></script>\n?')
FILE = re.compile(r'(?:src|href)="(/[^"]+\.(?:js|css)(?:\?[^"]*)?)"')
# Dash puts a file's version and time into its address, unless one of its own scripts asks for it.
FINGERPRINT = re.compile(r"\.v\w+m\w+\.|\?m=")
FOREVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"
# Browsers take zstd from this machine and over TLS, gzip always.
ENCODINGS = ("zstd", "gzip")
# A file is a seventh smaller with zstd, but that is seconds of work: it goes on beside the first readers, who get gzip.
FILE_GZIP_LEVEL, FILE_ZSTD_LEVEL = 6, 19
# With the tables of that level files are a hundredth smaller still, and it takes 34 MB instead of 5.
SMALL_TABLES = {"hash_log": 18, "chain_log": 19}
# Answers are packed while somebody waits.
ANSWER_LEVELS = {"zstd": 3, "gzip": 1}
# Less is one packet of the network, however it is packed.
WORTH_PACKING = 1400
TEXTS = ("application/json", "text/html", "text/csv")

# In place of all of plotly.js, which is four times as large: what the charts need. dashboard/plotly builds it.
PLOTLY_FILE = Path(__file__).with_name("plotly") / "plotly.min.js"


@dataclass(frozen=True)
class File:
    """A file as it travels, plain and compressed. packed: by encoding, zstd once it is there."""

    content: bytes
    packed: dict[str, bytes]
    kind: str
    tag: str
    caching: str

    @classmethod
    def of(cls, address: str, content: bytes, kind: str) -> "File":
        return cls(
            content,
            {"gzip": pack(content, "gzip", FILE_GZIP_LEVEL)},
            kind,
            hashlib.sha256(content).hexdigest()[:32],
            FOREVER if FINGERPRINT.search(address) else ASK_AGAIN,
        )

    def answer(self) -> Response:
        """To the request that is being served: in the form that its browser takes, or that it has it already."""
        encoding = taken_encoding(self.packed)
        response = Response(self.packed[encoding] if encoding else self.content, content_type=self.kind)
        if encoding:
            response.headers["Content-Encoding"] = encoding
        response.set_etag(self.tag)
        response.headers["Cache-Control"] = self.caching
        response.vary.add("Accept-Encoding")
        response.make_conditional(request)
        return response


def pack(content: bytes, encoding: str, level: int) -> bytes:
    """Return bytes as one of ENCODINGS has them."""
    if encoding == "zstd":
        return zstandard.ZstdCompressor(level=level).compress(content)
    return gzip.compress(content, level, mtime=0)


def taken_encoding(there: Container[str] = ENCODINGS) -> str | None:
    """Return the best encoding of those that are there and that the browser of the current request takes."""
    return next((each for each in ENCODINGS if each in there and request.accept_encodings.quality(each) > 0), None)


def pack_answers(app: Dash) -> None:
    """Compress the texts that are made for a reader: views, pages and tables."""

    def packed(response: Response) -> Response:
        if response.mimetype not in TEXTS or response.is_streamed or "Content-Encoding" in response.headers:
            return response
        content, encoding = response.get_data(), taken_encoding()
        response.vary.add("Accept-Encoding")
        if encoding and len(content) >= WORTH_PACKING:
            response.set_data(pack(content, encoding, ANSWER_LEVELS[encoding]))
            response.headers["Content-Encoding"] = encoding
        return response

    app.server.after_request(packed)


def trimmed(scripts: str, needed: Collection[str]) -> str:
    """Return Dash's tags of scripts without those that no view needs, and that of the grids as a hint.

    needed: of LATER_SCRIPTS, what the view has
    """
    grids = _hint(r"\1", "grids" in needed, 'id="grid-script"')
    return GRID_SCRIPT.sub(grids, NEEDLESS_SCRIPTS.sub("", scripts))


def hints(needed: Collection[str]) -> str:
    """Tags of the page's head: what its view will ask for later is fetched and compiled while its first scripts run.

    needed: of LATER_SCRIPTS, what the view has. What other views have is fetched when the browser has nothing to do.
    """
    data = (f'<link rel="preload" as="fetch" href="{address}" crossorigin>' for address in LATER_DATA)
    scripts = (_hint(address, name in needed) for name, parts in LATER_SCRIPTS.items() for address in parts)
    return "".join([*data, *scripts])


def _hint(address: str, is_needed: bool, more: str = "") -> str:
    # Low: where the line is slow, the scripts that the page begins with come first.
    urgency = 'rel="preload" fetchpriority="low"' if is_needed else 'rel="prefetch"'
    return f'<link {urgency} as="script" href="{address}" {more}>'


def keep_files(app: Dash) -> Sequence[File]:
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
            content = PLOTLY_FILE.read_bytes() if address == PLOTLY else found.get_data()
            kept[address] = File.of(address, content, found.content_type)
    return list(kept.values())


def pack_tighter(files: Sequence[File]) -> None:
    """Compress each file with zstd as well, while readers are answered already."""
    for file in files:
        given = zstandard.ZstdCompressionParameters.from_level(
            FILE_ZSTD_LEVEL, source_size=len(file.content), **SMALL_TABLES
        )
        file.packed["zstd"] = zstandard.ZstdCompressor(compression_params=given).compress(file.content)
