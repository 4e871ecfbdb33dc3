"""How the page's files get to a browser, and what a request says about the calls that it made."""

import gzip
import re
import socket
from pathlib import Path
from typing import Any

import httpx
import plotly.graph_objects as go
import pytest
import zstandard
from plotly.offline import get_plotlyjs_version

import dashboard_samples as samples
from config.config import ConfigError, Settings
from dashboard import dashboard_finviz_app, figures, static_files
from reason_words import explained

CHARTS = Path(figures.__file__).parent
TYPE = re.compile(r'"type": "(\w+)"')


@pytest.fixture(scope="module")
def app() -> Any:
    app = dashboard_finviz_app.create_app(samples.Api({}).client, samples.PERIODS)
    static_files.pack_tighter(static_files.keep_files(app))
    return app


LATER = [each for parts in static_files.LATER_SCRIPTS.values() for each in parts]


@pytest.fixture
def browser(app: Any) -> Any:
    return app.server.test_client()


def unpacked(answer: Any) -> bytes:
    if answer.headers["Content-Encoding"] == "zstd":
        return zstandard.ZstdDecompressor().decompress(answer.data)
    return gzip.decompress(answer.data)


def addresses(browser: Any) -> list[str]:
    return static_files.FILE.findall(browser.get("/").get_data(as_text=True))


def test_every_file_of_the_page_is_compressed_and_kept_as_long_as_its_address_allows(browser: Any) -> None:
    found = addresses(browser)
    assert len(found) > 10 and set(LATER) < set(found)
    for address in found:
        plain = browser.get(address, headers={"Accept-Encoding": "identity"})
        assert plain.status_code == 200 and "Content-Encoding" not in plain.headers, address
        assert plain.headers["Vary"] == "Accept-Encoding" and re.search("javascript|css", plain.content_type)
        for taken, encoding in (("gzip, br", "gzip"), ("gzip, deflate, br, zstd", "zstd")):
            packed = browser.get(address, headers={"Accept-Encoding": taken})
            assert packed.status_code == 200 and packed.headers["Content-Encoding"] == encoding
            assert unpacked(packed) == plain.data
            assert packed.headers["Vary"] == "Accept-Encoding" and packed.content_type == plain.content_type
        later = address in LATER
        assert plain.headers["Cache-Control"] == (static_files.ASK_AGAIN if later else static_files.FOREVER), address


def test_until_a_file_is_packed_with_zstd_its_readers_get_gzip(app: Any) -> None:
    content = static_files.PLOTLY_FILE.read_bytes()[:200_000]
    file = static_files.File.of("/a.js", content, "text/javascript")
    with app.server.test_request_context("/a.js", headers={"Accept-Encoding": "gzip, zstd"}):
        first = file.answer()
        static_files.pack_tighter([file])
        then = file.answer()
    assert [each.headers["Content-Encoding"] for each in (first, then)] == ["gzip", "zstd"]
    assert unpacked(first) == unpacked(then) == content
    assert len(then.data) < 0.95 * len(first.data)


def test_the_files_are_packed_once_and_in_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    compressor = zstandard.ZstdCompressor

    def counted(*, compression_params: zstandard.ZstdCompressionParameters) -> zstandard.ZstdCompressor:
        made.append(compression_params.estimated_compression_context_size())
        return compressor(compression_params=compression_params)

    monkeypatch.setattr(zstandard, "ZstdCompressor", counted)
    file = static_files.File.of("/a.js", static_files.PLOTLY_FILE.read_bytes(), "text/javascript")
    static_files.pack_tighter([file])
    [needed] = made
    assert needed < 6 * 2**20


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_what_is_made_for_a_reader_is_compressed_as_well(browser: Any, encoding: str) -> None:
    plain = browser.get("/_dash-dependencies", headers={"Accept-Encoding": "identity"})
    packed = browser.get("/_dash-dependencies", headers={"Accept-Encoding": encoding})
    assert packed.headers["Content-Encoding"] == encoding and unpacked(packed) == plain.data
    assert len(packed.data) < len(plain.data) / 2 and "Accept-Encoding" in packed.headers["Vary"]
    short = browser.get("/suggestions?typed=", headers={"Accept-Encoding": encoding})
    assert "Content-Encoding" not in short.headers, "it is one packet anyway"


def test_a_browser_that_has_a_file_is_told_so(browser: Any) -> None:
    tag = browser.get(static_files.PLOTLY).headers["ETag"]
    again = browser.get(static_files.PLOTLY, headers={"If-None-Match": tag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
    assert browser.get(static_files.PLOTLY, headers={"If-None-Match": '"another"'}).status_code == 200


def test_only_what_the_page_names_is_kept(browser: Any) -> None:
    """Dash serves a style under any address. The cache keeps one of them."""
    answer = browser.get("/assets/finviz.css?m=1", headers={"Accept-Encoding": "gzip"})
    assert answer.status_code == 200 and "Content-Encoding" not in answer.headers


def test_what_the_page_announces_is_what_dash_serves(browser: Any) -> None:
    page = browser.get("/").get_data(as_text=True)
    head = page[: page.index("</head>")]
    for address in static_files.LATER_DATA:
        assert f'as="fetch" href="{address}"' in head
        assert browser.get(address).is_json
    for address in LATER:
        assert f'as="script" href="{address}"' in head
        assert browser.get(address).status_code == 200


@pytest.mark.parametrize(
    ("path", "needs_charts", "needs_grids"),
    [("/", False, False), ("/trades", False, False), ("/lab", True, True), ("/ticker/MU", True, False), ("/x", 0, 0)],
)
def test_only_what_a_view_has_is_fetched_before_it(
    browser: Any, path: str, needs_charts: bool, needs_grids: bool
) -> None:
    page = browser.get(path).get_data(as_text=True)
    relation = {href: rel for rel, href in re.findall(r'<link rel="(\w+)"[^>]*as="script" href="([^"]+)"', page)}
    grids = next(href for href in relation if "/dash_ag_grid/dash_ag_grid" in href)
    assert (relation[static_files.PLOTLY] == "preload") == bool(needs_charts)
    assert (relation[grids] == "preload") == bool(needs_grids)
    assert f'src="{grids}"' not in page and "/dash_table/" not in page
    assert browser.get(grids).headers["Cache-Control"] == static_files.FOREVER


def test_plotly_is_of_the_installed_version_and_has_the_traces_of_the_charts(browser: Any) -> None:
    served = browser.get(static_files.PLOTLY).get_data(as_text=True)
    assert served == static_files.PLOTLY_FILE.read_text(encoding="utf-8")
    assert f"plotly.js v{get_plotlyjs_version()} " in served[:100], "build it anew: CONTRIBUTING.md"
    drawn = {kind for file in CHARTS.glob("*.py") for kind in TYPE.findall(file.read_text(encoding="utf-8"))}
    traces = {each for each in drawn if hasattr(go.Figure, f"add_{each}")}
    assert traces == {"bar", "candlestick", "scatter", "treemap"}
    assert all(f'name:"{each}"' in served for each in traces)


def test_a_request_tells_what_it_asked_of_the_api() -> None:
    answer = samples.allocations(samples.portfolio(samples.position(1, "NEM", 1.0)))
    api = samples.Api({"/dashboard/active-allocations": answer})
    browser = dashboard_finviz_app.create_app(api.client, samples.PERIODS).server.test_client()
    told = browser.get("/download/portfolio.csv").headers["Server-Timing"]
    size = len(httpx.Response(200, json=explained(answer)).content)
    assert re.fullmatch(rf'api;dur=\d+\.\d, api-calls;desc="1", api-bytes;desc="{size}"', told)
    assert "Server-Timing" not in browser.get("/").headers


def test_a_port_in_use_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"DASHBOARD_PORT={port} of 127.0.0.1 cannot be listened on: Address"):
            dashboard_finviz_app.serve(Settings.from_env({"API_KEY": "the-key-of-the-api"}), "127.0.0.1", port)
